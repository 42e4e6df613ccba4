"""The rows of a fraction of a factorial with two levels, by its generators.

Knows pyDOE3, which makes them. Knows no scenario.
"""

from collections.abc import Sequence

from harness.record.errors import ConfigError
from harness.record.levels import Level

MOST_LETTERS = 14
"""16,384 rows."""


def rows_of(generators: str, factors: Sequence[Sequence[Level]]) -> list[list[Level]]:
    """The levels of every factor in each row. `generators`: a word for each factor, of the letters of those that are
    crossed in full (`a b ab`: the third is the product of both; with `-ab` its levels change places).

    Raises:
        ConfigError: there are not as many generators as factors, a factor has not two levels, or a word is none.
    """
    words = generators.split()
    if len(words) != len(factors) or any(len(levels) != 2 for levels in factors):
        sizes = ", ".join(str(len(levels)) for levels in factors) or "none"
        raise ConfigError(
            f"found {generators!r}, expected a word for each factor that is crossed, each of two levels; their numbers "
            f"of levels are {sizes}"
        )
    if sum(len(word) == 1 for word in words) > MOST_LETTERS:
        raise ConfigError(f"found {generators!r}, with more than {MOST_LETTERS} factors that are crossed in full")
    from pyDOE3 import fracfact  # scipy costs what a full factorial need not pay

    try:
        signs = fracfact(generators)
    except (ValueError, IndexError) as error:
        raise ConfigError(
            f"found {generators!r}, which makes no fraction ({error}); expected words of small letters such as 'a b ab'"
        ) from None
    return [[levels[int(sign > 0)] for levels, sign in zip(factors, row, strict=True)] for row in signs]
