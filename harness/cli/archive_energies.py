"""`wattlab archive energies` and `wattlab archive work`: energies of any intervals of archived readings."""

import argparse
import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from harness.cli.documents import Document
from harness.cli.progress import at_work
from harness.cli.scheduler import add_scheduler_arguments, link_of_arguments
from harness.cli.screen import Sheet, columns, counted, say
from harness.cli.types import Verbs, add_json_argument, at_least
from harness.record.errors import AnalysisError
from harness.record.steps import step

if TYPE_CHECKING:
    from reports.archive.energies import Computed, Intervals
    from reports.archive.index import Entry

MOST_SHOWN = 40
MOST_INTERVALS = 250_000
NOTE = (
    "Energies as a report's power function gives them, gaps between readings filled. They have no uncertainty here: "
    "a report states it for runs and actions."
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalEnergy(Document):
    """The energy of one meter's readings in an interval."""

    interval: str
    """Its name, or its begin."""
    begin_utc_ns: int
    """Begin, ns since 1970."""
    end_utc_ns: int
    """End."""
    meter: str
    """Name of the meter."""
    circuit: str
    """What it measures."""
    provenance: str
    """Where its readings come from."""
    energy_wh: float
    """Energy, Wh; before the first reading of a run and behind its last one nothing is counted."""
    not_covered_s: float
    """Time of the interval that no reading covers, s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalEnergies(Document):
    """Energies of intervals, in their order."""

    energies: tuple[IntervalEnergy, ...]
    """A row an interval and meter; empty where a file was written."""
    file: str | None
    """What was written; null otherwise."""
    without_reading: tuple[str, ...]
    """Names of the intervals of `--intervals` in which no meter has a reading: they have no row."""


def add_energies(actions: Verbs) -> None:
    """The two verbs."""
    asked = actions.add_parser("energies", help="energies of any intervals of a campaign's readings")
    asked.description = (
        "Energies of intervals from the archived readings, in one pass of bounded memory. An interval may lie "
        "anywhere: over several runs, between them, in the middle of one."
    )
    asked.add_argument("archive", help="a folder or a URL")
    asked.add_argument("campaign", metavar="CAMPAIGN", help="its name")
    which = asked.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--intervals", type=Path, metavar="FILE.csv",
        help="a CSV file with the columns begin_utc and end_utc (ISO 8601), or begin_utc_ns and end_utc_ns (whole "
        "nanoseconds since 1970), and interval, a name, where there is one",
    )  # fmt: skip
    which.add_argument("--every", type=at_least(1), metavar="SECONDS", help="every so many seconds, in UTC")
    form = asked.add_mutually_exclusive_group()
    form.add_argument("--csv", type=Path, metavar="FILE", help="write them as CSV to a new file")
    form.add_argument("--parquet", type=Path, metavar="FILE", help="write them as Parquet to a new file")
    add_scheduler_arguments(asked, "whose workers compute them", required=False)
    add_json_argument(asked, "the energies", IntervalEnergies)
    asked.set_defaults(call=call_energies)
    worker = actions.add_parser("work", help="compute for energies and verify, with --scheduler, until ended")
    worker.description = "A worker of a fleet's scheduler: not on a station, where it would disturb what is measured."
    worker.add_argument("--threads", type=at_least(1), default=1, metavar="N", help="so many at once (default: 1)")
    add_scheduler_arguments(worker, "that hands out the work")
    worker.set_defaults(call=call_work)


def call_energies(arguments: argparse.Namespace) -> int:
    """Compute; print or write."""
    from harness.cli.archive_questions import write_rows
    from reports.archive.energies import energies
    from reports.archive.index import entries
    from reports.archive.store import Store

    target: Path | None = arguments.csv or arguments.parquet
    if target is not None and target.exists():
        raise AnalysisError(f"{target}: exists already; name a new file")
    store = Store(arguments.archive)
    (entry,) = entries(store, [arguments.campaign])
    intervals = every(entry, arguments.every) if arguments.every else read_intervals(arguments.intervals)
    with at_work("reading the archive"), _computing(arguments) as computed:
        table = energies(
            store, entry, intervals, computed, lambda done, total: step("integrating the readings", done, total)
        )
    empty = () if arguments.every else without_reading(intervals, table)
    rows = () if target is not None else tuple(IntervalEnergy(**row) for row in table.to_pylist())
    if target is not None:
        write_rows(table, arguments.csv, arguments.parquet)
        print(f"{counted(table.num_rows, 'row')}  {target}")
    else:
        Console().print(energies_sheet(rows))
    if empty:
        has = "has" if len(empty) == 1 else "have"
        say(Console(), f"{len(empty)} of {counted(len(intervals.names), 'interval')} {has} no reading.", "yellow")
    say(Console(), NOTE)
    arguments.answer = IntervalEnergies(
        energies=rows, file=None if target is None else str(target), without_reading=empty
    )
    return 0


def without_reading(intervals: "Intervals", table: Any) -> tuple[str, ...]:  # noqa: ANN401  of Arrow
    """Names of the intervals that have no row in an answer, in their order."""
    columns = (table[name].to_pylist() for name in ("interval", "begin_utc_ns", "end_utc_ns"))
    answered = set(zip(*columns, strict=True))
    asked = zip(intervals.names, intervals.begins_ns.tolist(), intervals.ends_ns.tolist(), strict=True)
    return tuple(interval[0] for interval in asked if interval not in answered)


@contextmanager
def _computing(arguments: argparse.Namespace) -> "Iterator[Computed]":
    from reports.archive.energies import here

    if arguments.scheduler is None:
        yield here
        return
    from harness.fleet.cluster import client_of
    from harness.fleet.spread import spread_over
    from reports.archive.energies import compute

    with client_of(link_of_arguments(arguments)) as client:
        yield spread_over(client, compute)


def energies_sheet(rows: tuple[IntervalEnergy, ...]) -> Sheet:
    """The first of them."""
    shown = [
        (row.interval, _utc(row.begin_utc_ns), row.meter, row.circuit, row.provenance,
         f"{row.energy_wh:.6g}", f"{row.not_covered_s:.6g}")
        for row in rows[:MOST_SHOWN]
    ]  # fmt: skip
    heads = ("interval", "begin, UTC", "meter", "circuit", "origin", "energy, Wh", "not covered, s")
    left = len(rows) - len(shown)
    more = f"{left} more rows; --csv FILE writes all" if left > 0 else ""
    return Sheet(columns(*heads, numbers=heads[-2:]), shown, caption=more)


def _utc(at_ns: int) -> str:
    return (EPOCH + timedelta(microseconds=at_ns // 1000)).strftime("%Y-%m-%d %H:%M:%S")


def every(entry: "Entry", seconds: int) -> "Intervals":
    """Whole multiples of so many seconds that touch the campaign's readings.

    Raises:
        AnalysisError: it has no reading, or these are too many.
    """
    import numpy as np

    from reports.archive.energies import SLACK_NS, Intervals

    spans = [part for part in entry.parts if part.table == "readings" and part.first_ns is not None]
    if not spans:
        raise AnalysisError(f"{entry.name}: no reading of it was archived")
    step_ns, begins = seconds * 1_000_000_000, set[int]()
    for part in spans:  # a window may reach so far beyond its stamp
        first = ((part.first_ns or 0) - SLACK_NS) // step_ns
        last = ((part.last_ns or 0) + SLACK_NS) // step_ns
        begins.update(range(first, min(last, first + MOST_INTERVALS) + 1))
    if len(begins) > MOST_INTERVALS:
        raise AnalysisError(f"--every {seconds}: more than {MOST_INTERVALS} intervals; ask for longer ones")
    begins_ns = np.array(sorted(begins), dtype=np.int64) * step_ns
    return Intervals(tuple(_utc(at_ns) for at_ns in begins_ns.tolist()), begins_ns, begins_ns + step_ns)


def read_intervals(path: Path) -> "Intervals":
    """Those that a file names.

    Raises:
        AnalysisError: it is no such table; with the line.
    """
    import numpy as np

    from reports.archive.energies import Intervals

    names, edges = list[str](), list[tuple[int, int]]()
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            for line, row in enumerate(csv.DictReader(text), 2):
                begin_ns, end_ns = (_edge_ns(row, name, f"{path}:{line}") for name in ("begin_utc", "end_utc"))
                if begin_ns >= end_ns:
                    raise AnalysisError(f"{path}:{line}: the interval ends before it begins")
                if len(names) >= MOST_INTERVALS:
                    raise AnalysisError(f"{path}: more than {MOST_INTERVALS} intervals; ask for them in parts")
                names.append(row.get("interval") or _utc(begin_ns))
                edges.append((begin_ns, end_ns))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise AnalysisError(f"{path}: cannot be read as CSV ({error})") from None
    if not edges:
        raise AnalysisError(f"{path}: no interval in it; expected a header and a line for each")
    begins_ns, ends_ns = np.array(edges, dtype=np.int64).T
    return Intervals(tuple(names), begins_ns, ends_ns)


def _edge_ns(row: Mapping[str, Any], name: str, where: str) -> int:
    """An edge of an interval, ns since 1970."""
    whole, text = row.get(f"{name}_ns"), row.get(name)
    if whole:
        if not whole.strip().isdecimal() or len(whole.strip()) > 19:
            raise AnalysisError(f"{where}: {name}_ns: found {whole!r}, expected whole nanoseconds since 1970")
        return int(whole)
    if not text:
        raise AnalysisError(f"{where}: no {name}; expected a column {name} (ISO 8601) or {name}_ns")
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise AnalysisError(
            f"{where}: {name}: found {text!r}, expected a moment such as 2026-11-30T12:00:00Z"
        ) from None
    if moment.tzinfo is None:
        raise AnalysisError(f"{where}: {name}: {text!r} has no time zone; add Z where it is UTC")
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000


def call_work(arguments: argparse.Namespace) -> int:
    """Until ended."""
    link = link_of_arguments(arguments)
    from harness.fleet.spread import work

    print(f"{link.address}: {counted(arguments.threads, 'thread')} for archives. Ctrl-C ends it.", flush=True)
    work(link, arguments.threads)
    return 0
