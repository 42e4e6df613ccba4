"""What was recorded beside the energies, in the audit report: mains and room, clocks, phases, files, packages.

Knows `records` of results.json and the words for it. Computes no result.
"""

from collections.abc import Iterator, Mapping, Sequence

from reports.pages.blocks import Facts, Head, Paragraph, Row, Table
from reports.pages.document import NOT_STATED
from reports.pages.lookup import run_name, words
from reports.pages.numbers import NOTHING, Scale, bare, significant
from reports.pages.plain_words import as_text
from reports.pages.result_tables import has_u
from reports.results.codec import encoded
from reports.results.document import Results
from reports.results.recorded import (
    Recorded,
    RecordedClock,
    RecordedFile,
    RecordedPrograms,
    RecordedQuantity,
    Whose,
)

CONDITIONS = {
    "voltage_v": "Voltage", "frequency_hz": "Frequency", "voltage_thd_percent": "Distortion of the voltage (THD)",
}  # fmt: skip
WHOSE: Mapping[Whose, str] = {
    "settings": "settings and agent", "program": "the program", "trackers": "a tracker's", "markers": "wattlab's marks",
    "on-sut": "named by the command, on the SUT",
}  # fmt: skip
"""Whose a file is -> how it is called."""
NOT_COVERED = (
    "Packages are covered by name and version, data and weights by what the program says of them. Not covered are "
    "files that it finds by itself on the SUT, folders that the command names, and whatever is no Python package."
)
LONG_TABLE = 40
"""Longer tables are folded."""
FOLDER = "folder"


def conditions(recorded: Recorded) -> list[Table | Paragraph]:
    """Supply and room, as recorded in the rating intervals."""
    blocks: list[Table | Paragraph] = []
    if rows := tuple(map(_condition, (*recorded.supply, *recorded.ambient))):
        heads = (Head("Quantity", False), Head("Recorded by", False), Head("Unit", False), Head("Mean of the runs"),
                 Head("Least"), Head("Greatest"))  # fmt: skip
        spread = "value ± U at 95 % from the spread over the runs" if has_u(rows) else "no U is known"
        note = f"Within the rating intervals of all runs; {spread}."
        blocks.append(Table("conditions-table", "Conditions as recorded", heads, rows, note))
    if not recorded.supply:
        blocks.append(Paragraph(f"Supply voltage and frequency: {NOT_STATED}; no meter recorded them.", "note"))
    if not recorded.ambient:
        blocks.append(Paragraph(f"Temperature of the room: {NOT_STATED}; no sensor recorded it.", "note"))
    return blocks


def _condition(row: RecordedQuantity) -> Row:
    edges = (significant(edge, 5) for edge in (row.least, row.greatest))
    name = CONDITIONS.get(row.quantity, words(row.quantity))
    return Row((name, row.source, row.unit, bare(row.mean, Scale(row.unit)), *edges))


def clocks(results: Results, recorded: Sequence[RecordedClock]) -> Table | Paragraph:
    """How well the SUT's clock was known to the host, per run."""
    rows = tuple(row for clock in recorded if (row := _clock_row(results, clock)) is not None)
    if not rows:
        text = "no clock exchange was recorded"
        return Paragraph(f"Clocks of host and SUT: {text}. Stamps are those of the source.", "note")
    heads = (Head("Run", False), Head("Exchanges"), Head("Bound / s"), Head("Drift / ppm"), Head("Steps", False))
    note = "No stamp of the SUT is wrong by more than the bound on the host's clock, which is the time base of the run."
    folded = len(rows) > LONG_TABLE
    return Table("clocks-table", "Clock exchanges between host and SUT", heads, rows, note, folded=folded)


def _clock_row(results: Results, clock: RecordedClock) -> Row | None:
    """None where no exchange was made."""
    if clock.bound_s is None or clock.drift_ppm is None:
        return None
    fit = (significant(clock.bound_s, 2), significant(clock.drift_ppm, 2))
    steps = as_text(encoded(clock.steps)) or "none"
    return Row((run_name(results, clock.folder), str(clock.exchanges), *fit, steps))


def phases(results: Results, recorded: Sequence[Mapping[str, str | float]]) -> Table | None:
    """Lengths of the phases of every run."""
    names = list(dict.fromkeys(name for lengths in recorded for name in lengths if name != FOLDER))
    if not names:
        return None
    heads = (Head("Run", False), *(Head(f"{words(name.removesuffix('_s'))}\u00a0/\u00a0s") for name in names))
    rows = tuple(
        Row((run_name(results, str(lengths[FOLDER])), *(_seconds(lengths.get(name)) for name in names)))
        for lengths in recorded
    )
    return Table("phases", "Lengths of the phases (ISO/IEC 14756)", heads, rows, folded=len(rows) > LONG_TABLE)


def _seconds(length: str | float | None) -> str:
    return significant(length) if isinstance(length, int | float) else NOTHING


def files(recorded: Sequence[RecordedFile]) -> Table | None:
    """Every file that went into a run, with its digest."""
    if not recorded:
        return None
    heads = (Head("Scenario", False), Head("File", False), Head("What it is", False), Head("Kept in the run", False),
             Head("SHA-256", False, keep=True), Head("Bytes"), Head("Runs"))  # fmt: skip
    folded = len(recorded) > LONG_TABLE
    rows = tuple(map(_file_row, recorded))
    return Table("inputs-table", "Code and settings, as shipped to the runs", heads, rows, folded=folded)


def _file_row(file: RecordedFile) -> Row:
    kept = "yes" if file.kept else file.why or "no, its digest only"
    start = (file.scenario, file.file, WHOSE[file.of], kept, file.sha256 or NOTHING)
    return Row((*start, as_text(file.bytes) or NOTHING, str(file.n_runs)))


def programs(recorded: RecordedPrograms) -> Paragraph | None:
    """What the digests do not cover, and the runs that have none."""
    runs, without = recorded.n_runs, recorded.n_runs - recorded.recorded
    if not runs:
        return None
    if not recorded.recorded:
        return Paragraph("Digests of the program: not recorded. These runs keep neither it nor a digest of it.", "note")
    some = f" In {without} of {runs} runs the program was not recorded." if without else ""
    return Paragraph(NOT_COVERED + some, "note")


def environments(recorded: Sequence[Mapping[str, object]]) -> Iterator[Facts]:
    """Every Python that ran a command, with all that is installed there."""
    for environment in recorded:
        items = (
            ("Interpreter", environment.get("interpreter")), ("Runs", environment.get("n_runs")),
            ("Python", environment.get("python")), ("SHA-256 of the interpreter", environment.get("binary_sha256")),
            ("Packages", environment.get("packages")), ("SHA-256 of the list", environment.get("sha256")),
            ("Not known because", environment.get("problem")),
            ("Installed from a folder, its files not covered", _folders(environment.get("editable"))),
            ("Further folders on its path, their files not covered", environment.get("extra_paths")),
        )  # fmt: skip
        shown = tuple((name, text) for name, value in items if (text := as_text(value)))
        yield Facts(f"Python that ran {environment.get('scenario')}", shown)


def _folders(editable: object) -> list[object]:
    """Where packages are that were installed from a folder."""
    packages = editable if isinstance(editable, list) else []
    return [package.get("url") for package in packages if isinstance(package, Mapping)]
