"""Every mutation of a valid file of CodeCarbon, once."""

import pytest

from tests.fuzz.foreign import Tally, attempt
from tests.fuzz.foreign_codecarbon import FORM


@pytest.mark.parametrize("mutation", FORM.mutations)
def test_a_mutation_of_a_valid_file_has_the_outcome_that_it_declares(mutation: str) -> None:
    tally, seed = Tally(), 20260304
    while not tally.tried:  # it does not apply to every file
        assert attempt(FORM, mutation, seed, tally) is None
        seed += 1
