"""The words of a qualification: kinds of loads and meters, decisions, why something is not said.

Knows the codes of qualification.json. Knows no number of any document.
"""

from collections.abc import Mapping

from reports.pages.document import STAMPS
from reports.pages.numbers import NOTHING, Scale, bare, fixed, significant
from reports.results.qualification import Qualification
from reports.results.software_meter import Decision, LoadKind, MeterKind, Refusal, SoftwareMeter
from reports.results.uncertainty import Number

PERCENT = Scale("%", 100.0)
SECONDS = Scale("s")
KINDS: Mapping[LoadKind, str] = {
    "idle": "idle", "cpu": "CPU", "memory": "memory", "gpu": "GPU", "other": "other",
}  # fmt: skip
METERS: Mapping[MeterKind, str] = {
    "gauge": "power, read now and then", "counter": "energy counter", "tracker": "tracker, one energy a run",
}  # fmt: skip
DECISIONS: Mapping[Decision, str] = {
    "passes": "passes", "fails": "fails", "cannot-be-decided": "cannot be decided",
}  # fmt: skip
RULE = (
    "The test is MLPerf Training's: of five disjoint minutes a load, highest and lowest are dropped on each side, and "
    "the means of the other three agree within the limit. Beside it stands the same with the uncertainty of both "
    "sides: it passes, or fails, only where the whole interval does. The column Five minutes is software / wall by it."
)
SHARE_NOTE = (
    "Share: software / wall, mean over the repetitions ± U (95 %). It holds the spread of the repetitions and the "
    "limits of error of the wall meter. A software meter of a part of the machine never sees all of the wall."
)
TRANSFER_NOTE = (
    "wall = offset + gain × software, fitted with errors on both sides. Spread: how far the function is off for a "
    "level, or a kind of load, that it was fitted without; it is part of every U. Outside of its range and kinds of "
    "load it says nothing."
)
LAG_NOTE = (
    "Lag: how late the software meter's trace follows the wall's. Where a record cannot tell it, nothing is said."
)
SAMPLING_NOTE = (
    "Update interval: time between two new values. Quantum: the step whose multiples all values are. Dead band: how "
    "far the wall may move without an answer."
)
VALID_NOTE = "After a change of any of these the certificate says nothing: qualify again."


def percent_of(number: Number) -> str:
    """'(62.1 ± 3.0) %' of a share."""
    text = bare(number, PERCENT)
    return f"({text}){PERCENT.suffix}" if "±" in text else f"{text}{PERCENT.suffix}"


def limit_of(document: Qualification) -> str:
    """'5 %', the limit of the test."""
    return f"{significant(document.limit_percent)}{PERCENT.suffix}"


def watts(value: float | None) -> str:
    """A power without a U, for a table whose head has the unit."""
    return NOTHING if value is None else fixed(value, 1)


def mark_of(document: Qualification) -> str:
    """The mark on figures of readings that no instrument is proved to have made; empty where one is."""
    return STAMPS.get(document.reference.origin, ("", ""))[0]


def shares_of(meter: SoftwareMeter) -> dict[str, Number]:
    """Load -> the share of the wall that a meter sees of it, where that is known; the least first."""
    seen = {one.scenario: one.seen.share for one in meter.loads if not isinstance(one.seen, Refusal)}
    return dict(sorted(seen.items(), key=lambda pair: pair[1].value))


def kind_in_words(meter: SoftwareMeter) -> str:
    """What a meter gives, and where a counter begins anew."""
    again = f", begins anew at {significant(meter.range_j, 8)} J" if meter.range_j else ""
    return f"{METERS[meter.kind]}, in {meter.unit}{again}"
