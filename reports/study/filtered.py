"""Some of the rows of a study, as its file says which: what every part of a study file is.

Knows the record. Knows no part and no table.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Filtered:
    """What looks at some of the rows: those whose factors have one of the levels of `where`, and whose responses lie
    above and below the bounds."""

    where: dict[str, list[str]] = field(default_factory=dict)
    above: dict[str, float] = field(default_factory=dict)
    below: dict[str, float] = field(default_factory=dict)
