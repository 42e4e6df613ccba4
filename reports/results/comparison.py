"""comparison.json: campaigns and scenarios beside each other (docs/comparing.md; `reports/comparison` computes it).

Knows what stands in the document and in which order. Knows no campaign, no page and no sentence: it holds codes and
numbers. Its sides stand in `compared_side.py`, its pairs of sides in `compared_pair.py`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from harness.record.documents import Json
from harness.record.errors import DocumentError
from reports.results.codec import document_in, keyed
from reports.results.compared_pair import ComparedPair
from reports.results.compared_side import ComparedSide
from reports.results.meters import CampaignOrigin
from reports.results.software import Software

SCHEMA: Literal[1] = 1
"""Schema history of comparison.json: 1, 2026-11-21, first version."""
COMPARISON = "comparison.json"
PLAIN = ("energy_wh", "induced_energy_wh", "duration_s")
"""The quantities that every side and every pair has."""
KeyKind: TypeAlias = Literal["work", "seeds", "software", "machine", "instrument"]
TestName: TypeAlias = Literal["welch", "rank"]


@dataclass(frozen=True, slots=True)
class Margin:
    """How far apart two sides may be and still count as equal."""

    value: float
    """The margin in `unit`."""
    unit: Literal["1", "Wh"]
    """`1`: `value` is a share of the reference; `Wh`: an energy, which says nothing of other quantities."""

    @property
    def relative(self) -> bool:
        """Whether it is a share of the reference."""
        return self.unit == "1"


@dataclass(frozen=True, slots=True)
class Options:
    """What the user declares before the comparison."""

    margin: Margin | None = None
    """How large a difference still counts as none (`--margin`); null: not stated, and nothing is said of equality."""
    test: TestName = "welch"
    """Welch's t, or the rank test (`--test`)."""
    differs: tuple[str, ...] = ()
    """What of the work is the difference that is compared (`--differs`)."""
    timeliness: tuple[tuple[float, float], ...] | None = None
    """Timeliness function for `I_TI` (`--timeliness`): at least the share (second) of the tasks is complete within so
    many seconds (first); null: not stated."""
    labels: tuple[str, ...] = field(default=(), metadata=keyed(left_out=True))
    """What each side is called, empty for those that have no name; left out where none has."""


@dataclass(frozen=True, slots=True)
class ComparedCampaign:
    """A campaign that was read."""

    folder: str
    """Name of its folder, by which sides call it; with the folder above where two have the same name."""
    name: str
    """What it calls itself."""
    uid: str | None
    """Its uid; null where it has none."""
    chain_head: str
    """Digest of the last entry of its log: the same campaign in two folders is one by it."""
    runs: Mapping[str, str | None]
    """Run folder -> SHA-256 of the run's manifest; null: the run was not sealed."""


@dataclass(frozen=True, slots=True)
class NamedPart:
    """A part of a side as the user named it."""

    folder: str
    """The campaign, as in `inputs`."""
    place: str
    """Path of the campaign as seen from the comparison's folder: there `verify` looks for it."""
    scenario: str | None
    """Name of the scenario; null: every scenario that all sides have."""


@dataclass(frozen=True, slots=True)
class Key:
    """One fact that sides must have in common, or that may be why they differ."""

    name: str = field(metadata=keyed("key"))
    """What it is, such as `parameters.target` or `meter.wall.range_w`."""
    kind: KeyKind
    """`work`: what was done, which has to be the same or declared by `differs`; `seeds`: the runs' seeds; `machine`,
    `software`, `instrument`: what it was done with, where a difference is listed."""
    values: tuple[str | None, ...]
    """The value of each side; null where it was not recorded, which is no difference."""
    differs: bool
    """Whether two sides recorded different values."""
    declared: bool
    """Whether `differs` of the options covers it."""


@dataclass(frozen=True, slots=True)
class ComparedSet:
    """Sides that are compared with each other."""

    name: str
    """The scenario that all sides have; empty where each side names its own."""
    sides: tuple[ComparedSide, ...]
    """The sides; the first is the reference."""
    keys: tuple[Key, ...]
    """What was done and with what, side by side."""
    pairs: tuple[ComparedPair, ...]
    """Every two sides, each with those before it."""

    def sides_of(self, pair: ComparedPair) -> tuple[ComparedSide, ComparedSide]:
        """The first and the second side of a pair."""
        return self.sides[pair.first], self.sides[pair.second]


@dataclass(frozen=True, slots=True)
class Comparison:
    """comparison.json."""

    schema: Literal[1]
    """Version of the document's form: 1."""
    kind: Literal["comparison"]
    """What the document is."""
    options: Options
    """What was declared before."""
    origin: CampaignOrigin
    """Where the readings come from: the worst of all sides, as in results.json. One side that is emulated, estimated,
    unattested, imported or declared marks the whole document."""
    software: Software
    """The wattlab that compared."""
    inputs: tuple[ComparedCampaign, ...]
    """Every campaign once."""
    sides: tuple[tuple[NamedPart, ...], ...]
    """Of each side the parts, as named."""
    sets: tuple[ComparedSet, ...]
    """One comparison for each scenario that all sides have; only one where scenarios were named."""


def comparison_of(written: Json) -> Comparison:
    """comparison.json, read.

    Raises:
        NewerSchema: a newer wattlab wrote it.
        DocumentError: it is no comparison, or names a part that is not there; with the place.
    """
    document = document_in(Comparison, written, COMPARISON, SCHEMA)
    if (problem := next(_loose_ends(document), None)) is not None:
        raise DocumentError(f"{COMPARISON}.{problem}")
    return document


def _loose_ends(document: Comparison) -> Iterator[str]:
    """Where a part names another one that is not there."""
    labels = document.options.labels
    if labels and len(labels) != len(document.sides):
        yield f"options.labels: found {len(labels)}, expected one for each of {len(document.sides)} sides"
    for place, of_set in enumerate(document.sets):
        yield from (f"sets[{place}].{problem}" for problem in _loose_ends_of(of_set))


def _loose_ends_of(of_set: ComparedSet) -> Iterator[str]:
    sides = of_set.sides
    for place, side in enumerate(sides):
        yield from (f"sides[{place}].quantities: lacks {name}" for name in PLAIN if name not in side.quantities)
    for place, key in enumerate(of_set.keys):
        if len(key.values) != len(sides):
            yield f"keys[{place}].values: found {len(key.values)}, expected one for each of {len(sides)} sides"
    for place, pair in enumerate(of_set.pairs):
        if not 0 <= pair.first < pair.second < len(sides):
            yield f"pairs[{place}]: first {pair.first} and second {pair.second} are no places among {len(sides)} sides"
            continue
        yield from (f"pairs[{place}].quantities: lacks {name}" for name in PLAIN if name not in pair.quantities)
        known = [side.quantities.keys() for side in of_set.sides_of(pair)]
        unknown = (name for name in pair.quantities if not all(name in names for names in known))
        yield from (f"pairs[{place}].quantities: has {name!r:.80}, which a side has not" for name in unknown)
