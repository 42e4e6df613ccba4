"""A tracker's own account of a run: what it reported, over which interval, and how it had that (docs/trackers.md).

Knows the file that a tracker's adapter leaves, and the record of an attached figure; both may hold anything. Does not
know a meter, nor where the account stands on the run's time base (placement.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.record.documents import Json, matches
from harness.record.plain_files import read_plain
from harness.record.run_folder import RunFolder
from reports.readings import bounded
from reports.readings.bounded import is_stamp, number
from reports.results.trackers import NoAccountReason
from reports.trackers.run import named_in

SCHEMA = 1
PREFIX = "tracker-"
IMPORTED = "-imported"
"""Behind the name of a tracker whose figure was attached to the campaign, beside one that the run recorded itself."""
FIELDS: dict[str, Any] = {
    "schema": int, "name": str, "version": str | None, "clock": str, "begin_ns": int | None, "end_ns": int | None,
    "reported_wh": float | None, "factor": float, "factor_reason": str | None, "parts_wh": dict[str, float | None],
    "methods": dict[str, str], "intervals": list[Json], "polls": int | None, "problems": list[str],
}  # fmt: skip
INTERVAL_FIELDS: dict[str, Any] = {
    "name": str, "index": int, "begin_ns": int, "end_ns": int, "reported_wh": float | None,
}  # fmt: skip
LARGEST_WH, LEAST_FACTOR = 1e9, 1e-3
"""What is larger, or a factor that is smaller (or its inverse larger), no tracker ever meant."""
LARGEST_BOUND_S = 1e9


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a tracker's interval that it reports by itself: a phase or an epoch; `energy_wh` with the factor
    undone."""

    name: str
    index: int
    begin_ns: int
    end_ns: int
    energy_wh: float


@dataclass(frozen=True, slots=True)
class Account:
    """A tracker's own account of one run; the stamps are on `clock`, wrong by `bound_s` at most besides that clock's
    own error. `energy_wh` and `parts_wh` are without the factor; None where it gave none. `spans_ns`: the stretches
    that its figure counts, where it is not all of [begin, end]."""

    name: str
    version: str | None
    imported: bool
    clock: str
    begin_ns: int | None
    end_ns: int | None
    bound_s: float
    reported_wh: float | None
    factor: float
    factor_reason: str | None
    parts_wh: Mapping[str, float | None]
    methods: Mapping[str, str]
    stretches: tuple[Stretch, ...]
    polls: int | None
    problems: tuple[str, ...]
    spans_ns: tuple[tuple[int, int], ...] = ()

    @property
    def key(self) -> str:
        """Its name in results.json."""
        return self.name + (IMPORTED if self.imported else "")

    @property
    def energy_wh(self) -> float | None:
        """What it said, without its factor."""
        return None if self.reported_wh is None else self.reported_wh / self.factor


@dataclass(frozen=True, slots=True)
class NoAccount:
    """A tracker that was to be there and left nothing that can be read: its name, the code of why."""

    name: str
    reason: NoAccountReason


def accounts_of(run: RunFolder, attached: Sequence[Json]) -> tuple[list[Account], list[NoAccount]]:
    """Every tracker's account of a run: what the run holds, what was attached to the campaign for it, what is missing.

    `attached`: the `tracker` records of attachments whose `run` is this one.
    """
    accounts = list(_recorded(run))
    accounts += [_account(record, imported=True) or NoAccount(str(record.get("name")), "unreadable")
                 for record in attached]  # fmt: skip
    there = {account.name for account in accounts}
    accounts += [NoAccount(name, "no-artefact") for name in named_in(run.start) if name not in there]
    readable = [account for account in accounts if isinstance(account, Account)]
    return readable, [account for account in accounts if isinstance(account, NoAccount)]


def _recorded(run: RunFolder) -> Iterator[Account | NoAccount]:
    """What the run itself holds, in the order of the files' names."""
    for path in sorted((run.path / "artifacts").glob(f"{PREFIX}*.json")):
        name = path.name.removeprefix(PREFIX).removesuffix(".json")
        yield _account(_json_of(path), imported=False) or NoAccount(name, "unreadable")


def _json_of(path: Path) -> object:
    """What a file of the SUT holds; None where it cannot be read."""
    try:
        return bounded.loads(read_plain(path))
    except (OSError, ValueError, RecursionError):
        return None


def _account(raw: object, *, imported: bool) -> Account | None:
    """An account; None where it is none."""
    if not isinstance(raw, dict) or not _is_sane(raw):
        return None
    factor, bound_s, spans = float(raw["factor"]), number(raw.get("bound_s", 0.0)), _spans(raw.get("spans_ns", []))
    if spans is None or not 0 <= bound_s < LARGEST_BOUND_S:
        return None
    return Account(
        raw["name"], raw["version"], imported, raw["clock"], raw["begin_ns"], raw["end_ns"],
        bound_s, raw["reported_wh"], factor, raw["factor_reason"], raw["parts_wh"],
        raw["methods"], tuple(_stretches(raw["intervals"], factor)), raw["polls"], tuple(raw["problems"]), spans,
    )  # fmt: skip


def _is_sane(raw: Json) -> bool:
    """Whether every field is there, of its type, and no number is one that nobody meant."""
    if any(key not in raw or not matches(raw[key], hint) for key, hint in FIELDS.items()):
        return False
    energies_wh = [raw["reported_wh"], *raw["parts_wh"].values()]
    return (
        raw["schema"] == SCHEMA
        and LEAST_FACTOR <= raw["factor"] <= 1 / LEAST_FACTOR
        and all(abs(energy_wh) <= LARGEST_WH for energy_wh in energies_wh if energy_wh is not None)
        and all(stamp_ns is None or is_stamp(stamp_ns) for stamp_ns in (raw["begin_ns"], raw["end_ns"]))
    )


def _spans(raw: object) -> tuple[tuple[int, int], ...] | None:
    """Stretches in order of time that have a length; None where they are none."""
    if not matches(raw, list[list[int]]) or not isinstance(raw, list):
        return None
    spans = tuple((begin, end) for begin, end in (span for span in raw if len(span) == 2) if begin < end)
    are_sane = len(spans) == len(raw) and all(map(is_stamp, (edge for span in spans for edge in span)))
    return spans if are_sane and list(spans) == sorted(spans) else None


def _stretches(raw: Sequence[Json], factor: float) -> Iterator[Stretch]:
    """The parts that have a length and a figure."""
    for part in raw:
        is_known = all(key in part and matches(part[key], hint) for key, hint in INTERVAL_FIELDS.items())
        if not is_known or part["reported_wh"] is None or not abs(part["reported_wh"]) <= LARGEST_WH:
            continue
        begin_ns, end_ns, index = part["begin_ns"], part["end_ns"], part["index"]
        if all(map(is_stamp, (begin_ns, end_ns, index))) and end_ns > begin_ns:
            yield Stretch(part["name"], index, begin_ns, end_ns, part["reported_wh"] / factor)
