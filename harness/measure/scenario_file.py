"""scenario.toml as written, and what of a scenario's words, files and parameters cannot be right.

Knows the file's table and its rules. Knows no lab.toml.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeAlias

from harness.measure.cells import of_stated
from harness.measure.usage import ServiceSection
from harness.record.documents import Json, is_plain_name, matches
from harness.record.work import DECLARED, Declaration
from harness.station.consistency import of_doubles
from harness.station.station import APPLICATION
from harness.sut.environments import APART, ENVIRONMENTS
from meters.options import did_you_mean
from workloads.trackers.tracking import TRACKERS

MARKERS = APPLICATION / "workloads" / "markers" / "wattlab_markers.py"
"""Copied beside every program."""
Prepared: TypeAlias = Literal["dataset", "weights", "binary", "caltech101", "stanford_dogs", "imagenet"]
"""Parts of WATTLAB_DATA, as workloads/prepare.py calls them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioFile(Declaration):
    """scenario.toml as written, its useful work among the rest."""

    schema: int
    """1: the form of this file."""
    name: str
    """Its name."""
    title: str
    """Its name in the report."""
    description: str = ""
    """What it does, in the report."""
    kind: Literal["scenario", "baseline"]
    """`baseline` is without a command: the table [baseline] of lab.toml uses it."""
    command: list[str] = field(default_factory=list)
    """Program and arguments, without a shell; `{python}` is the interpreter of its Python environment."""
    python: str = ""
    """Which Python environment of the SUT runs it: `tensorflow`, `jax`, `torch` or `sklearn` (docs/which-framework.md),
    or `{NAME}` for the value of that parameter; empty: the main one, with what `packages` names."""
    files: list[str] = field(default_factory=list)
    """Copied to the SUT for each run, relative to this folder."""
    actions: list[str] = field(default_factory=list)
    """Names that the program marks: for readers of the report."""
    artifacts: list[str] = field(default_factory=list)
    """Names of files that are fetched from `WATTLAB_ARTIFACTS`."""
    trackers_inside: bool = False
    """The program runs the trackers of WATTLAB_TRACKERS itself and tells them its actions; else they run around it."""
    packages: list[str] = field(default_factory=list)
    """Distributions that the program imports, of the lock of its Python: `wattlab sut prepare` installs them."""
    prepared: list[Prepared] = field(default_factory=list)
    """What of WATTLAB_DATA the program reads: `wattlab sut prepare` brings it."""
    factors: dict[str, Any] = field(default_factory=dict)
    """What the program is, by the factors of a design: each with its one level."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """With their values; lab.toml may override each, and no other."""
    choices: dict[str, list[Any]] = field(default_factory=dict)
    """Parameter -> the values that it may have; of any other every value of its type."""
    population: str = ""
    """A population file ([keys](population.md)) beside this one; `command` is then the service that it uses
    (docs/terminal.md)."""
    service: ServiceSection | None = None
    """With `population`: where the service is reached, and when it is ready."""
    verification: dict[str, Any] = field(default_factory=dict)
    """What summary.json must say, or the run enters no mean ([forms](run-folder.md))."""


def of_scenario_file(toml: Path, written: ScenarioFile, folder: Path) -> Iterator[str]:
    """What is wrong in a scenario.toml whatever lab.toml makes of it."""
    runs_already = written.service is not None and bool(written.service.address)
    if (written.kind == "baseline") != (not written.command) and not runs_already:
        yield f"{toml}: command: a scenario needs one, a baseline has none (kind is {written.kind!r})"
    yield from of_words(f"{toml}: command", written.command)
    yield from of_artifacts(f"{toml}: artifacts", written.artifacts)
    yield from of_files(f"{toml}: files", [folder / file for file in written.files])
    yield from of_stated(f"{toml}: factors", written.factors)
    for name, values in written.choices.items():
        if name not in written.parameters:
            yield f"{toml}: choices.{name}: no parameter is called so; {did_you_mean(name, written.parameters)}"
        else:
            default = {name: written.parameters[name]}
            yield from of_choices(f"{toml}: parameters", default, {name: values})
    for factor in written.factors:
        if written.kind == "baseline":
            yield f"{toml}: factors.{factor}: a baseline has no factors; remove it"
        elif factor in written.parameters:
            yield f"{toml}: factors.{factor}: it is a parameter here, whose level lab.toml sets; remove one of the two"
    for key in ("population", "service") if written.kind == "baseline" else ():
        if getattr(written, key):
            yield f"{toml}: {key}: a baseline names a service in [baseline] of lab.toml; remove it"
    for key in DECLARED if written.kind == "baseline" else ():
        if getattr(written, key):
            yield f"{toml}: {key}: a baseline does no work that could be declared; remove it"
    for key, expectation in written.verification.items():
        yield from _of_expectation(f"{toml}: verification.{key}", expectation)


def of_words(where: str, command: Sequence[str]) -> Iterator[str]:
    """A command that an operating system can start (execve(2) ends a word at NUL)."""
    if command and not command[0]:
        yield f"{where}: found an empty word for the program, expected its name or path"
    if any("\0" in word for word in command):
        yield f"{where}: found a NUL in a word, which no program can be given"


def of_program(where: str, command: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    """Python runs a program that is in the work folder, where nothing is but what `files` names."""
    program = command[1] if len(command) > 1 and command[0] == "{python}" else ""
    if program.endswith(".py") and "/" not in program and program not in names:
        yield f"{where}: {program} is not copied to the SUT; name it in `files`"


def of_artifacts(where: str, names: Sequence[str]) -> Iterator[str]:
    """Artifacts are fetched from one folder, and nothing that leaves it."""
    for index, name in enumerate(names):
        if not is_plain_name(name):
            yield f"{where}[{index}]: found {name!r}, expected the name of a file in WATTLAB_ARTIFACTS, without folders"


def of_files(where: str, files: Sequence[Path]) -> Iterator[str]:
    """Files that there are."""
    for index, file in enumerate(files):
        if not is_file(file):
            yield f"{where}[{index}]: {file} is no file"


def is_file(path: Path) -> bool:
    """Whether a name is that of a file; one that no file can have is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _of_expectation(where: str, expectation: object) -> Iterator[str]:
    """One line of [verification]: a value, a band, `same`, or a product (docs/run-folder.md)."""
    if not isinstance(expectation, dict):
        return
    forms = ({"min", "max"}, {"same"}, {"product"})
    band = [expectation[key] for key in ("min", "max") if key in expectation]
    product = expectation.get("product", ["x"])
    known = bool(expectation) and any(set(expectation) <= form for form in forms)
    if not known or not all(matches(value, float) for value in band) or not matches(product, list[str]) or not product:
        yield (
            f"{where}: found {expectation!r}, expected a value, {{ min = 0.2, max = 1.0 }}, {{ same = true }} or "
            '{ product = ["one", "other"] }'
        )
    elif "same" in expectation and expectation["same"] is not True:
        yield f"{where}.same: found {expectation['same']!r}, expected true; remove the line otherwise"


def of_parameters(where: str, defaults: Json, given: Json, toml: Path) -> Iterator[str]:
    """Parameters that the scenario has, of the type that it has them in."""
    for key, value in given.items():
        if key not in defaults:
            yield f"{where}.{key}: unknown parameter of {toml}; {did_you_mean(key, defaults)}"
            continue
        expected: type = float if isinstance(defaults[key], float) else type(defaults[key])
        if not matches(value, expected):
            yield f"{where}.{key}: found {value!r}, expected {expected.__name__} like {defaults[key]!r}"


def of_choices(where: str, given: Json, choices: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    """Parameters that have a value of those that they may have."""
    for key, value in given.items():
        if key in choices and value not in choices[key]:
            yield f"{where}.{key}: found {value!r}, expected one of {', '.join(map(repr, choices[key])) or 'none'}"


def of_directory(where: str, directory: str) -> Iterator[str]:
    """A folder of the SUT, by its whole path."""
    if directory and not PurePosixPath(directory).is_absolute():
        yield f"{where}: found {directory!r}, expected a folder of the SUT by its whole path, such as /home/me/project"


def of_trackers(where: str, names: Sequence[str], periods_s: Mapping[str, float]) -> Iterator[str]:
    """Trackers that there are, each once, with times above 0."""
    for name in dict.fromkeys((*names, *periods_s)):
        if name not in TRACKERS:
            yield f"{where}.trackers: no tracker {name!r}; {did_you_mean(name, TRACKERS)}"
    yield from of_doubles(f"{where}.trackers", names)
    for name, period_s in periods_s.items():
        if name not in names:
            yield f"{where}.tracker_periods_s.{name}: not among the trackers; add it there or remove this"
        if period_s <= 0:
            yield f"{where}.tracker_periods_s.{name}: found {period_s!r}, expected seconds above 0"


def of_pythons(where: str, pythons: Mapping[str, str]) -> Iterator[str]:
    """Python environments that there are; trackers are packages of the main one. `pythons`: name -> a cell that has
    trackers in it, or nothing."""
    for name, tracked in pythons.items():
        if name not in ENVIRONMENTS:
            yield f"{where}.python: no Python environment {name!r}; {did_you_mean(name, ENVIRONMENTS)}"
        elif name in APART and tracked:
            yield (
                f"{where}.trackers: {tracked} runs in the Python environment {name!r}, whose lock has no tracker; take "
                "them out, or measure what runs there in a scenario of its own"
            )


def of_staged(where: str, files: Sequence[Path]) -> Iterator[str]:
    """Files of one name would lie in one place of the work folder, and `wattlab_markers.py` is put there by wattlab."""
    names: dict[str, Path] = {}
    for path in files:
        if path.name == MARKERS.name and is_file(path) and path.read_bytes() != MARKERS.read_bytes():
            yield f"{where}.files: {path.name} is copied by wattlab itself; leave it out, or rename yours"
        if names.setdefault(path.name, path).resolve() != path.resolve():
            yield (
                f"{where}.files: {names[path.name]} and {path} have one name, and the SUT gets them into one folder; "
                "rename one"
            )
