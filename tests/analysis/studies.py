"""Small studies for the tests: a study file as text, a table as text, and what comes of them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.evidence.study_declared import read_declared
from harness.record.documents import VERSION, Json
from reports.results.codec import document_text
from reports.results.study import IMPORTED, SourceFacts, StudyResult, StudySoftware
from reports.study.study import Inputs, compute
from reports.study.table import read_table

SOFTWARE = StudySoftware("wattlab", VERSION, "0" * 40, dirty=False, lock_sha256=None, python="3.11.2", r="4.2.2")
STUDIES = Path(__file__).parents[2] / "docs" / "studies"
HEAD = """\
schema = 1
[study]
name = "small"
title = "A small study"
alpha = 0.05
[table]
file = "runs.csv"
[columns]
energy = { header = "energy", unit = "J" }
load = { header = "load", unit = "%" }
[factors.net]
title = "Network"
column = "net"
levels = ["a", "b", "c"]
labels = { a = "Net A" }
[responses.energy]
title = "Energy"
formula = "energy"
unit = "J"
better = "lower"
[responses.load]
title = "Load"
formula = "load"
unit = "%"
better = "higher"
"""
QUESTION = """
[questions.q]
title = "Does the energy differ?"
response = "energy"
factor = "net"
test = "{test}"
transform = "{transform}"
"""
CORRELATION = """
[correlations.c]
title = "Load and energy"
x = "load"
y = "energy"
method = "{method}"
alternative = "two-sided"
groups = ["net"]
"""
REDUCTION = """
[reductions.r]
title = "Energy"
response = "energy"
over = ["net"]
beside = ["load"]
"""
PARETO = """
[pareto.p]
title = "Energy against load"
x = "energy"
y = "load"
over = ["net"]
"""
TABLE = """\
net,energy,load
a,10,50
a,11,51
a,12,49
a,13,52
b,20,60
b,21,63
b,22,61
b,25,62
c,5,40
c,6,43
c,7,41
c,9,42
"""


def start(
    columns: Mapping[str, tuple[str, str]],
    factors: Mapping[str, tuple[str, Sequence[str]]],
    responses: Mapping[str, tuple[str, str, str]],
    better: Mapping[str, str] | None = None,
) -> str:
    """The tables that every study of `runs.csv` begins with: column -> header and unit, factor (which is its column)
    -> title and levels, response -> title, formula and unit; `better` of some responses."""
    lines = ["schema = 1", "[study]", 'name = "small"', 'title = "A small study"', "alpha = 0.05"]
    lines += ["[table]", 'file = "runs.csv"', "[columns]"]
    lines += [f'{name} = {{ header = "{header}", unit = "{unit}" }}' for name, (header, unit) in columns.items()]
    for name, (title, levels) in factors.items():
        named = ", ".join(f'"{level}"' for level in levels)
        lines += [f"[factors.{name}]", f'title = "{title}"', f'column = "{name}"', f"levels = [{named}]"]
    for name, (title, formula, unit) in responses.items():
        lines += [f"[responses.{name}]", f'title = "{title}"', f'formula = "{formula}"', f'unit = "{unit}"']
        lines += [f'better = "{better[name]}"'] if better and name in better else []
    return "\n".join([*lines, ""])


def in_folder(folder: Path, text: str, header: str, rows: Iterable[Sequence[object]]) -> Path:
    """A study file beside its table; returns the file."""
    (folder / "runs.csv").write_text("\n".join([header, *(",".join(map(str, row)) for row in rows), ""]))
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return folder / "study.toml"


def question(test: str = "welch", transform: str = "none") -> str:
    """HEAD's only question."""
    return QUESTION.format(test=test, transform=transform)


def study_of(
    folder: Path, text: str, table: str | bytes = TABLE, units: Mapping[str, str] | None = None
) -> StudyResult:
    """The study of a study file and a table; `units` of columns as of a campaign's table."""
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    declared, _ = read_declared(path)
    content = table.encode() if isinstance(table, str) else table
    about = replace(facts(), units=units or {})
    return compute(Inputs(str(path), declared, read_table("runs.csv", content), about), None)


def document_of(folder: Path, text: str, table: str | bytes = TABLE, units: Mapping[str, str] | None = None) -> Json:
    """study.json of the same, decoded."""
    return written(study_of(folder, text, table, units))


def written(study: StudyResult) -> Json:
    """study.json as it stands in the file, decoded."""
    document: Json = json.loads(document_text(study))
    return document


def published(name: str) -> Json:
    """study.json of a study file of docs/studies, without its companion, decoded."""
    return written(compute(inputs_of(name), None))


def inputs_of(name: str) -> Inputs:
    """The inputs of a study file of docs/studies."""
    path = STUDIES / name
    declared, _ = read_declared(path)
    assert declared.table is not None
    content = (path.parent / declared.table.file).read_bytes()
    return Inputs(str(path), declared, read_table(Path(declared.table.file).name, content), facts())


def facts() -> SourceFacts:
    """What sources.json says of such a study."""
    return SourceFacts(software=SOFTWARE, base=".", table="runs.csv", origin=IMPORTED, units={}, sources=())
