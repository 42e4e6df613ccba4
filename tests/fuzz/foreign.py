"""Mutations of *valid* foreign files: each says before it is read what must come of it.

Knows files, text tables, outcomes and how they are judged. Knows no format: a form (`tests/fuzz/forms.py`) brings valid
files, the importer, and mutations of its own beside the general ones here.

Outcomes
- `preserved`: the files are read, and every value is what it was before;
- `flagged`: they are refused with a message that names a file, or something is said that was not said before;
- `undetectable`: nothing in the files can show it (whole rows gone from the end); then what is shown of them (count,
  span, digest) is not what it was.
Anything that is no `LabError` breaks whatever was declared.
"""

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Literal

from harness.foreign.importers.imported import Summary
from harness.record.campaign_folder import CampaignFolder
from harness.record.errors import LabError
from reports.campaign.analyse import analyse
from tests.campaign_results import complete

Files = Mapping[str, bytes]
"""Relative name -> content: what is handed to the importer."""
Outcome = Literal["preserved", "flagged", "undetectable"]
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Reading:
    """What the product made of some files: why it refused them, the values that must stay, what a reader is told
    (remarks, notes, findings), and what is shown of the data (count, span, digest)."""

    refused: str | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    shown: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mutated:
    """Changed files, and what must come of them; `what`: a few words."""

    files: Files
    outcome: Outcome
    what: str


Mutation = Callable[[Random, Files], Mutated | None]
"""None: it does not apply to these files."""


@dataclass(frozen=True, slots=True)
class Form:
    """A foreign form: valid files, drawn; what imports the files of a folder; its mutations by name; how exactly values
    are preserved (relative)."""

    name: str
    seeds: Callable[[Random], Files]
    read: Callable[[Path, Path], Reading]
    mutations: Mapping[str, Mutation]
    tolerance: float = 1e-9


@dataclass(slots=True)
class Tally:
    """How many mutations were tried, by name, how many did not apply, and those that broke their declaration."""

    tried: Counter[str] = field(default_factory=Counter)
    idle: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)


def verdict(form: Form, before: Reading, after: Reading, outcome: Outcome) -> str | None:
    """How a declaration was broken; None where it held."""
    new = after.flags - before.flags
    if outcome == "flagged":
        return None if after.refused or new else f"nothing is said; values {dict(after.values)}"
    if after.refused:
        return f"refused: {after.refused}"
    if outcome == "undetectable":
        return None if after.shown != before.shown else f"what is shown is as before: {dict(after.shown)}"
    for name, value in before.values.items():
        now = after.values.get(name, float("nan"))
        if not abs(now - value) <= form.tolerance * max(abs(value), 1e-12):
            return f"{name} is {now!r}, was {value!r} (new: {sorted(new)})"
    return None


def read_files(form: Form, files: Files) -> Reading:
    """What the product makes of some files, written into a new folder."""
    folder = Path(tempfile.mkdtemp(prefix="wattlab-foreign-"))
    try:
        for name, content in files.items():
            (folder / "in" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "in" / name).write_bytes(content)
        return form.read(folder / "in", folder / "out")
    finally:
        shutil.rmtree(folder)


def imported(
    load: Callable[[Path, Path], Summary], source: Path, campaign: Path, *, indicators: bool = False
) -> Reading:
    """Import a folder and analyse it: the values of every run (with its indicators' means on request), its notes and
    findings, its rows, span and digests."""
    try:
        summary = load(source, campaign)
    except LabError as error:
        return Reading(refused=str(error))
    results = complete(analyse(campaign))
    values: dict[str, float] = {}
    for run in results["runs"]:
        for key in ("energy_wh", "mean_power_w", "duration_s"):
            if run[key] is not None:
                values[f"{run['scenario']}-{run['repetition']}.{key}"] = float(run[key]["value"])
        for name, mean in run["indicators"].items() if indicators else ():
            values[f"{run['scenario']}-{run['repetition']}.{name}"] = float(mean)
    notes = {f"note {f['evidence'].get('code')} {f['evidence'].get('text')}" for f in results["findings"]}
    findings = {f"{f['severity']} {f['code']}" for f in results["findings"] if f["code"] != "note"}
    remarks = {remark.replace(str(source), "") for remark in summary.remarks}
    streams = {
        f"{run.start.scenario}-{run.start.repetition} {name}": (stream["rows"], stream["sha256"])
        for run in CampaignFolder(campaign).runs() if run.stop is not None
        for name, stream in run.stop.streams.items()
    }  # fmt: skip
    return Reading(None, values, frozenset(notes | findings | remarks), streams)


def play(form: Form, names: Sequence[str], random: Random, tally: Tally, until_s: float | None = None) -> None:
    """Try mutations by name, each on files of its own, one after the other; until a moment of the monotonic clock, or
    once each."""
    while True:
        for name in names:
            seed = random.getrandbits(64)
            if (problem := attempt(form, name, seed, tally)) is not None:
                tally.broken.append(f"{name} (seed {seed}): {problem}")
            if until_s is not None and time.monotonic() > until_s:
                return
        if until_s is None:
            return


def attempt(form: Form, name: str, seed: int, tally: Tally) -> str | None:
    """One mutation of drawn files; how it broke its declaration, or None."""
    random = Random(seed)
    files = form.seeds(random)
    mutated = form.mutations[name](random, files)
    if mutated is None:
        tally.idle[name] += 1
        return None
    tally.tried[name] += 1
    try:
        before, after = read_files(form, files), read_files(form, mutated.files)
    except Exception as error:  # a crash is what is looked for
        return f"{mutated.what}: {type(error).__name__}: {error}"
    if before.refused:
        return f"the files are not valid before anything was changed: {before.refused}"
    problem = verdict(form, before, after, mutated.outcome)
    return None if problem is None else f"{mutated.what}, declared {mutated.outcome}: {problem}"


# --- mutations of any text table: one file, a header, rows, newlines -------------------------------------------------


def lines_of(content: bytes) -> list[str]:
    """The lines of a UTF-8 table, each with its newline."""
    return content.decode().splitlines(keepends=True)


def only(files: Files) -> tuple[str, list[str]]:
    """Name and lines of the first file."""
    name = next(iter(files))
    return name, lines_of(files[name])


def with_lines(files: Files, name: str, lines: Sequence[str]) -> Files:
    """The files, one of them with other lines."""
    return {**files, name: "".join(lines).encode()}


def rows_gone_at_the_end(random: Random, files: Files, *, least: int = 3, head: int = 1) -> Mutated | None:
    """Whole rows gone from the end: nothing in the file can show it."""
    name, lines = only(files)
    count = random.randint(1, max(1, (len(lines) - head) // 2))
    if len(lines) - head - count < least:
        return None
    return Mutated(with_lines(files, name, lines[:-count]), "undetectable", f"the last {count} rows are gone")


def end_cut(random: Random, files: Files) -> Mutated | None:
    """The file ends inside its last line."""
    name, lines = only(files)
    keep = random.randint(1, len(lines[-1]) - 2)
    return Mutated(with_lines(files, name, [*lines[:-1], lines[-1][:keep]]), "flagged", f"last line cut after {keep}")


def as_windows_writes(random: Random, files: Files) -> Mutated:
    """Carriage returns, and a byte order mark at times."""
    name, lines = only(files)
    mark = random.choice(["", "\ufeff"])
    text = mark + "".join(line.rstrip("\r\n") + "\r\n" for line in lines)
    return Mutated({**files, name: text.encode()}, "preserved", f"CRLF{' with a byte order mark' if mark else ''}")


def as_powershell_writes(random: Random, files: Files) -> Mutated:
    """UTF-16 with a byte order mark, of either order."""
    name, lines = only(files)
    order = random.choice(["utf-16-le", "utf-16-be"])
    return Mutated({**files, name: ("\ufeff" + "".join(lines)).encode(order)}, "preserved", order)


def blank_lines(random: Random, files: Files) -> Mutated:
    """Empty lines at the end and between rows."""
    name, lines = only(files)
    at = random.randint(1, len(lines))
    return Mutated(with_lines(files, name, [*lines[:at], "\n", *lines[at:], "\n", "  \n"]), "preserved", "blank lines")


def a_row_garbled(random: Random, files: Files, *, head: int = 1) -> Mutated:
    """Half of a line in the middle is gone."""
    name, lines = only(files)
    at = random.randint(head, len(lines) - 2)
    cut = random.randint(1, max(1, len(lines[at]) // 2))
    return Mutated(
        with_lines(files, name, [*lines[:at], lines[at][:cut] + "\n", *lines[at + 1 :]]),
        "flagged",
        f"line {at + 1} cut",
    )
