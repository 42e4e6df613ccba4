"""Which scenario and which repetition each trace of a study is: by folder, by a template for its path, or by a table.

Knows paths, templates and the CSV of a table. Knows no format of a trace and no run folder. A *unit* is what has one
place in the study, as a path: a log file, a session's folder, a set of OSCAR files.

Decisions
- A template is compared with the end of a unit's path, as many folders as it has, the endings of `ENDINGS` off.
  `{repetition}` is digits, any other `{field}` is text without `/` (the first takes what it can), `*` is anything
  without `/`. The scenario is the values of the fields, in their order, joined by `-`.
- `folder`: a scenario is a folder; its units are the repetitions.
- A table (`file,scenario[,repetition][,baseline]`, files relative to it) is a selection: what it does not name is left
  out and counted. A row that names no unit, or two rows that name one, are an error.
- Without any of them every unit is a scenario of its own, and so are many units of one.
- Names of folders and files that all units share tell nothing apart: `distinct_names` leaves them out.
- The scenario `baseline`, or the one that is named instead, is the baseline and is called `baseline`.
- A repetition that is not stated is numbered by the begin of its run.
"""

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count, takewhile
from pathlib import Path
from typing import Literal

from harness.foreign.importers.imported import ImportedRun
from harness.foreign.importers.remarks import listed
from harness.foreign.importers.source import decoded, read_source
from harness.record.errors import ImportFileError

BASELINE = "baseline"
ENDINGS = (".gz", ".csv", ".log", ".txt", ".jls")
"""Left off a file's name, in this order."""
FOLDER = "folder"
REPETITION = "repetition"
COLUMNS = ("file", "scenario", "repetition", "baseline")
YES = frozenset({"yes", "true", "1", "x", "baseline"})
NO = frozenset({"", "no", "false", "0"})
_FIELD = re.compile(r"\{([A-Za-z_]\w*)\}|(\*)")


@dataclass(frozen=True, slots=True)
class Place:
    """What a unit is in the study; `repetition` None: by the begin of its run."""

    scenario: str
    repetition: int | None = None
    kind: Literal["baseline", "scenario"] = "scenario"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: its place in the file, for messages, and what it says of its unit."""

    where: str
    unit: Path
    scenario: str
    repetition: int | None
    baseline: bool


@dataclass(frozen=True, slots=True)
class Grouping:
    """How units become repetitions of scenarios: `folder`, a template, a table, or None (each is a scenario)."""

    how: str | None = None
    baseline: str | None = None

    def places(self, units: Sequence[Path]) -> list[Place | None]:
        """The place of each unit, in their order; None: a table is given and does not name it.

        Raises:
            ImportFileError: a template that does not match, a table that does not fit.
        """
        if self.how is None:
            named: list[Place | None] = [Place(name) for name in distinct_names([parts_of(unit) for unit in units])]
        elif self.how == FOLDER:
            folders = [unit.resolve().parent.parts for unit in units]
            named = [Place(name) for name in _names_of_equals(folders)]
        elif "{" in self.how:
            named = list(_by_template(self.how, units))
        else:
            named = _by_table(Path(self.how), units)
        return self.with_baseline(named)

    def with_baseline(self, places: Sequence[Place | None]) -> list[Place | None]:
        """The same places, the baseline marked and called so.

        Raises:
            ImportFileError: no scenario is called as the baseline that is named, or two could be it.
        """
        called = self.baseline or BASELINE
        scenarios = dict.fromkeys(place.scenario for place in places if place is not None)
        if self.baseline is not None and self.baseline not in scenarios:
            raise ImportFileError(
                f"--baseline {self.baseline}: no scenario is called so; there are {listed(list(scenarios))}"
            )
        if called != BASELINE and BASELINE in scenarios:
            raise ImportFileError(f"--baseline {called}: there is a scenario {BASELINE!r} too; one of them can be it")
        return [
            replace(place, scenario=BASELINE, kind="baseline")
            if place is not None and (place.kind == "baseline" or place.scenario == called)
            else place
            for place in places
        ]


def placed(
    runs: Sequence[ImportedRun], units: Sequence[Path], grouping: Grouping
) -> tuple[list[ImportedRun], list[str]]:
    """Runs as the study has them, each with its unit, and remarks; as they are where nothing groups them. A repetition
    that is stated is that of a unit with one run.

    Raises:
        ImportFileError: as `Grouping.places` and `numbered`.
    """
    if grouping == Grouping():
        return list(runs), []
    if grouping.how is None:
        own = [
            Place(run.scenario, run.repetition, "baseline" if run.kind == "baseline" else "scenario") for run in runs
        ]
        places = dict(enumerate(grouping.with_baseline(own)))
    else:
        different, held = list(dict.fromkeys(units)), Counter(units)
        of_unit = dict(zip(different, grouping.places(different), strict=True))
        places = {
            nth: place and replace(place, repetition=place.repetition if held[unit] == 1 else None)
            for nth, unit in enumerate(units)
            for place in [of_unit[unit]]
        }
    kept = [
        replace(run, scenario=place.scenario, kind=place.kind, repetition=place.repetition or 0)
        for nth, run in enumerate(runs)
        if (place := places[nth]) is not None
    ]
    return numbered(kept), left_out(units, [places[nth] for nth in range(len(units))])


def left_out(units: Sequence[Path], places: Sequence[Place | None]) -> list[str]:
    """The remark on what the table does not name; empty where it names everything."""
    out = [str(unit) for unit, place in zip(units, places, strict=True) if place is None]
    return [f"{len(out)} of {len(units)} are not in the table and are left out: {listed(out, 3)}"] if out else []


def parts_of(unit: Path) -> tuple[str, ...]:
    """The parts of a unit's path, the endings of its name off."""
    parts = unit.resolve().parts
    return *parts[:-1], bare_name(parts[-1])


def bare_name(name: str) -> str:
    """`gpu-cloud-vgg16.csv.gz` -> `gpu-cloud-vgg16`."""
    for ending in ENDINGS:
        name = name.removesuffix(ending) or name
    return name


def distinct_names(units: Sequence[Sequence[str]]) -> list[str]:
    """The shortest name for each unit, given as the parts of its path, that no other has.

    Parts that all units share, seen from either end, tell nothing apart and are left out; of the rest as many as it
    takes, from the end. Equal paths get equal names. Of a single unit the last part.
    """
    different = dict.fromkeys(map(tuple, units))
    if len(different) < 2:
        return [unit[-1] for unit in units]
    shortest = min(map(len, different))
    before = _shared([unit[: shortest - 1] for unit in different])
    after = _shared([unit[::-1][: shortest - 1 - before] for unit in different])
    rest = {unit: unit[before : len(unit) - after] for unit in different}
    names = {unit: "-".join(part[-1:]) for unit, part in rest.items()}
    for depth in count(2):
        taken = Counter(names.values())
        if max(taken.values()) == 1 or depth > max(map(len, rest.values())):
            break
        names |= {unit: "-".join(rest[unit][-depth:]) for unit, name in names.items() if taken[name] > 1}
    if max(Counter(names.values()).values()) > 1:  # `a-b/c` beside `a/b-c`
        names = {unit: "/".join(part) for unit, part in rest.items()}
    return [names[tuple(unit)] for unit in units]


def _shared(units: Sequence[Sequence[str]]) -> int:
    """How many parts, from the beginning, are equal in all."""
    return sum(1 for _ in takewhile(lambda parts: len(set(parts)) == 1, zip(*units, strict=True)))


def _names_of_equals(folders: Sequence[tuple[str, ...]]) -> list[str]:
    """Names of folders, in which several units lie."""
    different = list(dict.fromkeys(folders))
    names = dict(zip(different, distinct_names(different), strict=True))
    return [names[folder] for folder in folders]


def _by_template(template: str, units: Sequence[Path]) -> list[Place]:
    pattern, depth = _pattern(template)
    matches = [pattern.fullmatch("/".join(parts_of(unit)[-depth:])) for unit in units]
    if odd := [str(unit) for unit, match in zip(units, matches, strict=True) if match is None]:
        raise ImportFileError(
            f"--group {template!r}: {len(odd)} of {len(units)} do not look so: {listed(odd, 3)}; "
            "expected a template for the end of every path, such as '{scenario}-{repetition}' or "
            "'{scenario}/run{repetition}/*', or a table"
        )
    places, meant = [], dict[str, tuple[str, ...]]()
    for unit, match in zip(units, matches, strict=True):
        fields = match.groupdict() if match else {}
        stated, values = fields.pop(REPETITION, None), tuple(fields.values())
        name = "-".join(values)
        if meant.setdefault(name, values) != values:
            raise ImportFileError(
                f"--group {template!r}: {unit}: {' and '.join(values)} give the same name {name!r} as "
                f"{' and '.join(meant[name])}; rename a folder, or use a table"
            )
        places.append(Place(name, None if stated is None else int(stated)))
    return places


def _pattern(template: str) -> tuple[re.Pattern[str], int]:
    """A template as a pattern, and how many parts of a path it is compared with."""
    parts = template.strip("/").split("/")
    text = "/".join([*parts[:-1], bare_name(parts[-1])])
    names = [name for name, _ in _FIELD.findall(text) if name]
    if len(set(names)) != len(names) or not set(names) - {REPETITION} or "{" in _FIELD.sub("", text):
        raise ImportFileError(
            f"--group {template!r}: expected at least one field for the scenario and each field once, such as "
            "'{scenario}-{repetition}' or '{system}/{model}/*'"
        )
    pieces, at = [], 0
    for field in _FIELD.finditer(text):
        pieces.append(re.escape(text[at : field.start()]))
        kind = r"\d+" if field[1] == REPETITION else "[^/]+"
        pieces.append("[^/]*" if field[2] else f"(?P<{field[1]}>{kind})")
        at = field.end()
    return re.compile("".join([*pieces, re.escape(text[at:])])), len(parts)


def _by_table(path: Path, units: Sequence[Path]) -> list[Place | None]:
    rows = _rows(path)
    known = {unit.resolve(): unit for unit in units} | {Path(*parts_of(unit)): unit for unit in units}
    taken: dict[Path, Row] = {}
    for row in rows:
        unit = known.get(row.unit) or known.get(Path(*parts_of(row.unit)))
        if unit is None:
            raise ImportFileError(
                f"{row.where}: {row.unit} is not among the {len(units)} that are imported; files are looked for "
                f"relative to the table's folder: mend the row, or import its folder too ({listed(units, 3)})"
            )
        if unit in taken:
            raise ImportFileError(f"{row.where}: {unit} stands in the table already, at {taken[unit].where}; once each")
        taken[unit] = row
    return [_placed(taken[unit]) if unit in taken else None for unit in units]


def _placed(row: Row) -> Place:
    return Place(row.scenario, row.repetition, "baseline" if row.baseline else "scenario")


def _rows(path: Path) -> list[Row]:
    """The rows of a table.

    Raises:
        ImportFileError: no such table; with file and line.
    """
    lines = [line for line in decoded(read_source(path).content).splitlines() if line.strip()]
    header = [cell.strip().lower() for cell in next(csv.reader(lines))]
    if not {"file", "scenario"} <= set(header) or not set(header) <= set(COLUMNS):
        raise ImportFileError(
            f"{path}:1: found the columns {', '.join(header)[:80]!r}, expected file,scenario and, where wanted, "
            "repetition,baseline; --group takes 'folder', a template with {fields}, or such a table"
        )
    rows = []
    for number, cells in enumerate(csv.reader(lines[1:]), 2):
        if len(cells) != len(header):
            raise ImportFileError(f"{path}:{number}: found {len(cells)} cells, expected {len(header)} as in the header")
        rows.append(_row(path, number, dict(zip(header, (cell.strip() for cell in cells), strict=True))))
    return rows


def _row(path: Path, number: int, cells: Mapping[str, str]) -> Row:
    where, stated, marked = f"{path}:{number}", cells.get(REPETITION, ""), cells.get(BASELINE, "").lower()
    baseline = marked in YES
    if stated and (not stated.isdecimal() or not int(stated)):
        raise ImportFileError(f"{where}: found the repetition {stated!r:.40}, expected a number from 1 on, or nothing")
    if marked not in YES | NO:
        raise ImportFileError(f"{where}: found baseline {marked!r:.40}, expected yes or no")
    if not cells["file"] or not (cells["scenario"] or baseline):
        raise ImportFileError(f"{where}: the {'scenario' if cells['file'] else 'file'} is missing")
    unit = (path.parent / cells["file"]).resolve()
    return Row(where, unit, cells["scenario"] or BASELINE, int(stated) if stated else None, baseline)


def numbered(runs: Sequence[ImportedRun]) -> list[ImportedRun]:
    """The runs with a repetition each: what is stated stays, 0 becomes the next free number, by begin within its
    scenario.

    Raises:
        ImportFileError: a repetition is stated twice; with both files.
    """
    stated: dict[tuple[str, int], ImportedRun] = {}
    for run in runs:
        key = (run.scenario, run.repetition)
        if run.repetition and key in stated:
            raise ImportFileError(
                f"{run.files[0].path}: repetition {run.repetition} of {run.scenario!r}, which "
                f"{stated[key].files[0].path} is already; mend the template or the table"
            )
        stated[key] = run
    ordered, latest = [], Counter[str]()
    for run in sorted(runs, key=lambda one: (one.begin_ns, one.scenario)):
        if not run.repetition:
            latest[run.scenario] = next(
                number for number in count(latest[run.scenario] + 1) if (run.scenario, number) not in stated
            )
            run = replace(run, repetition=latest[run.scenario])
        ordered.append(run)
    return ordered
