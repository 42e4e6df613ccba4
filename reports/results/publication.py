"""What a publication prints beside what is computed, as study.json has it.

Knows the fields. Computes nothing: `reports.study.published` judges.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Agreement: TypeAlias = Literal["rounded", "cut-off", "verdict"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One printed value beside ours."""

    of: str
    """Name of the question, correlation, reduction, clusters or increase."""
    what: str
    """Of a question `shapiro.LEVEL.statistic`, `shapiro.LEVEL.p`, `levene.statistic`, `levene.p`, `omnibus.statistic`,
    `omnibus.p`, `effect`, `effect-with-k` (eta^2_H with as many groups as the publication took), `median.LEVEL`,
    `pair.A | B` (value `equal` or `different`); of a correlation `coefficient`, `p`, `medians.coefficient`,
    `medians.p`; of a reduction `smallest`, `largest`, `factor`, `beside.RESPONSE`; of clusters
    `cluster.NAME.RESPONSE.mean`, `.sd`, `.least` and `.greatest`; of an increase `increase.LEVEL`."""
    labels: tuple[str, ...]
    """Labels of the levels that it is about."""
    place: str
    """Where it is printed."""
    printed: str
    """What is printed, as printed."""
    value: float | str | None
    """Ours; null: not computed."""
    unit: str
    """Its unit; empty of a verdict."""
    agrees: bool
    """Whether ours, written with as many digits, gives what is printed."""
    how: Agreement | None
    """`rounded` or `cut-off`; `verdict` where both say the same of a pair; null where they do not agree."""
    erratum: int | None
    """Index of the erratum that explains why they do not agree; null where they do, or none explains it."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts over all Comparisons."""

    n: int
    """Printed values."""
    agree: int
    """Those that ours give."""
    explained: int
    """Those that differ and have an erratum."""
    differ: int
    """Those that differ without a reason."""


@dataclass(frozen=True, slots=True)
class ErratumResult:
    """A known error of the publication."""

    title: str
    """What is wrong, in a few words."""
    text: str
    """What is wrong, and why."""
    affects: tuple[str, ...]
    """What it explains: `of.what` of Comparisons, or `of` for all of one."""
    printed: str
    """The printed value; empty where it is none."""
    corrected: str
    """The right one; empty where it is none."""


@dataclass(frozen=True, slots=True)
class Statistic:
    """One statistic of a study, with what is printed of it."""

    labels: tuple[str, ...]
    """Labels of the levels that it is about."""
    value: float | str | None
    """The statistic; null where it was refused."""
    unit: str
    """Its unit; empty of a verdict."""
    printed: str | None
    """What is printed of it; null where nothing is."""
    agrees: bool | None
    """Whether both agree; null where nothing is printed."""


@dataclass(frozen=True, slots=True)
class BesideRow:
    """A statistic that two studies have under the same name."""

    of: str
    """Name of the question, correlation or reduction, as of a Comparison."""
    what: str
    """Which statistic of it, as of a Comparison."""
    title: str
    """Title of the question, correlation or reduction."""
    labels: tuple[str, ...]
    """Labels of the levels that it is about."""
    here: Statistic
    """Of this study."""
    there: Statistic
    """Of its companion."""
