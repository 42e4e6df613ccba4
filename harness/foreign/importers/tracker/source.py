"""A tracker's file as it is lined up: its rows with their own figures, what the operator said, the file beside it.

Knows the power usage effectiveness that a row's energies hold, and who says it. Knows no run.

Decisions
- The figure of a row is what was counted in its own interval: of an object that was used again without what it had
  counted before. A row that holds more than its interval, by its own columns, is refused.
- The factor is the row's pue; where no column says it, what `--pue` says, or the emissions.csv beside a task file.
  Where nothing does, it is taken as 1, and the account says that it is not known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.foreign.importers.source import SourceFile, read_source
from harness.foreign.importers.tracker.faults import LARGEST_PUE, fault_of, power_fault_of, time_fault_of
from harness.foreign.importers.tracker.passes import own_figures
from harness.foreign.importers.tracker.row import Row
from harness.foreign.importers.tracker.table import Table, table_of
from harness.record.errors import ImportFileError

TOTALS = "emissions.csv"
"""The file beside a task file that says the pue."""
UNKNOWN_PUE = (
    "no column of its file says the power usage effectiveness that CodeCarbon was set to, which its energies hold; it "
    "is taken as 1, and --pue would say it"
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the operator said: a run (folder or ordinal), lines of the file (none: every one), the zone of stamps
    without one, whether the energy is of the run's own interval, whether an account that the run has already is
    replaced, the pue."""

    run: str | None = None
    lines: tuple[int, ...] = ()
    zone: str | None = None
    over_run: bool = False
    replace: bool = False
    pue: float | None = None


@dataclass(frozen=True, slots=True)
class Pue:
    """What a row's energies are multiplied by, why it is known (None: by its column, or there was none), and what a
    reader has to know where it is not."""

    value: float
    reason: str | None = None
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """The emissions.csv beside a task file: run_id -> its pue."""

    source: SourceFile
    pues: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it is lined up: its rows with their own figures (a sentence where one is not known), what the operator
    said of it, the totals beside it."""

    table: Table
    rows: Mapping[int, Row | str]
    choice: Choice
    totals: Totals | None

    @property
    def path(self) -> Path:
        """The file."""
        return self.table.path

    def pue(self, row: Row) -> Pue:
        """The factor of a row."""
        if row.pue is not None:
            return Pue(row.pue, stated_in_file(row.pue))
        if self.choice.pue is not None:
            return Pue(self.choice.pue, f"the power usage effectiveness that the operator stated, {self.choice.pue:g}")
        if self.totals is not None and row.run_id in self.totals.pues:
            value = self.totals.pues[row.run_id]
            return Pue(value, f"the power usage effectiveness in the {TOTALS} of its run_id, {value:g}")
        return Pue(1.0, None, UNKNOWN_PUE if row.silent_on_pue else None)

    def problem_of(self, row: Row | str, *, over_run: bool = False) -> str | None:
        """What is wrong with a row by itself, in a sentence with line and column; None where nothing is."""
        if isinstance(row, str):
            return row
        stated = self.choice.pue
        if stated is not None and row.pue is not None and row.pue != stated:
            return f"{self.path}:{row.line}: pue is {row.pue:g} in its own column, --pue says {stated:g}; leave it out"
        if (fault := fault_of(self.path, row)) or over_run:
            return fault
        return time_fault_of(self.path, row) or power_fault_of(self.path, row, self.pue(row).value)


def source_of(source: SourceFile, choice: Choice, totals: SourceFile | None = None) -> Source:
    """A file and what is known of it.

    Raises:
        ImportFileError: it is no file of CodeCarbon, or holds no row; --pue is no factor.
    """
    if choice.pue is not None and not 1 / LARGEST_PUE <= choice.pue <= LARGEST_PUE:
        raise ImportFileError(f"--pue {choice.pue:g}: expected a power usage effectiveness, a number such as 1.2")
    table = table_of(source)
    return Source(table, own_figures(table), choice, None if totals is None else _totals(totals))


def _totals(source: SourceFile) -> Totals:
    stated: dict[str, set[float]] = {}
    for row in table_of(source).rows:
        if row.pue is not None and 1 / LARGEST_PUE <= row.pue <= LARGEST_PUE:
            stated.setdefault(row.run_id, set()).add(row.pue)
    return Totals(source, {run_id: min(pues) for run_id, pues in stated.items() if len(pues) == 1})


def totals_beside(path: Path, table: Table, choice: Choice) -> SourceFile | None:
    """The emissions.csv beside a task file that says the pue of one of its runs; None where none is needed or found."""
    runs = {row.run_id for row in table.rows if row.silent_on_pue}
    beside = path.with_name(TOTALS)
    if not runs or choice.pue is not None or beside == path or not beside.is_file():
        return None
    try:
        totals = read_source(beside)
        return totals if runs & _totals(totals).pues.keys() else None
    except ImportFileError:
        return None


def stated_in_file(pue: float) -> str:
    """Why a factor is known: the file says it."""
    return f"the power usage effectiveness in its file, {pue:g}"
