"""One sentence says what is not proved, and it never says more than what stands in the results."""

import pytest

from reports.pages.proof import not_proved
from reports.results.witness import Seals, Witness, WitnessedEvidence


def evidence(
    signed: int = 0, n: int = 4, kinds: tuple[str, ...] = (), received: int = 0, late: int = 0
) -> WitnessedEvidence:
    witness = Witness(kinds, 2 * n, received, late, None, None)
    return WitnessedEvidence(Seals(n, signed, declared=bool(signed)), witness)


NOBODY = "so nobody but the laboratory can say when this was measured"


@pytest.mark.parametrize(
    ("given", "said", "left_out"),
    [
        (evidence(), ["No key signed the seals and no witness received them", NOBODY], []),
        (evidence(n=0), ["No key signed the seals"], []),
        (evidence(signed=3), ["A key signed 3 of 4 seals and no witness", NOBODY], ["No key"]),
        (evidence(signed=4), ["proves the key and not the time", "no witness received the seals", NOBODY], ["changed"]),
        (
            evidence(signed=4, kinds=("ssh",), received=8),
            ["A witness received 8 of 8 heads of this campaign, none of them late", "the meter are true"],
            [NOBODY],
        ),
        (evidence(kinds=("ssh",), received=6, late=2), ["received 6 of 8 heads of this campaign, 2 of them late"], []),
        (evidence(kinds=("rfc3161",), received=8), ["A time-stamping authority received", "keeps no list"], []),
    ],
)
def test_the_sentence_says_what_stands_behind_a_campaign(
    given: WitnessedEvidence, said: list[str], left_out: list[str]
) -> None:
    sentence = not_proved(given)
    assert all(words in sentence for words in said), sentence
    assert not any(words in sentence for words in left_out), sentence
    assert sentence.endswith(".")
