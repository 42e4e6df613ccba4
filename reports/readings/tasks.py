"""The streams of a remote terminal emulator -> arrays: every task, and how the emulator itself fared.

Knows tasks-*.csv and generator-*.csv by their descriptor, and the population among the run's inputs. Knows no rating
and no power. Times are seconds from `origin_ns` on the host's monotonic clock, NaN where it did not happen: whole
nanoseconds since a boot are more than a double holds.

A stream that was cut off in mid-line (a killed run) is read up to its last whole line.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import TasksDescriptor
from harness.record.errors import AnalysisError, ConfigError, DocumentError
from harness.record.population import Population, read_population
from harness.record.run_folder import RunFolder
from harness.record.tasks import GENERATOR_COLUMNS, PHASES, POPULATION, REASONS, TASK_COLUMNS
from reports.readings.series import whole_lines

if TYPE_CHECKING:
    import pandas as pd

NS = 1e-9
TEXTS = ("user_type", "chain", "task_type", "phase", "reason")
NEEDED = ("task_type", "phase", "intended_ns")
"""Columns without an empty cell."""
Floats = NDArray[np.float64]
Codes = NDArray[np.int32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Words:
    """A column of words: the words, and which of them stands in every row; -1 where the cell is empty."""

    names: tuple[str, ...]
    codes: Codes

    def of(self, name: str) -> Flags:
        """The rows of one word."""
        return np.asarray(self.codes == (self.names.index(name) if name in self.names else -2))


@dataclass(frozen=True)
class TaskTable:
    """Every task of one population in one run, in order of its file; n rows."""

    origin_ns: int
    words: Mapping[str, Words]
    times_s: Mapping[str, Floats]
    """intended, submitted, first_byte, first_token, completed."""
    numbers: Mapping[str, Floats]
    """All other columns, NaN where a cell is empty; what ends in _s is in seconds."""

    @property
    def size(self) -> int:
        """Rows."""
        return int(self.times_s["intended"].size)

    @cached_property
    def is_rated(self) -> Flags:
        """Tasks that were intended in the rating interval."""
        return self.words["phase"].of("rating")

    @cached_property
    def is_done(self) -> Flags:
        """Tasks that were completed and, where an oracle judged, correctly."""
        has_no_reason = self.words["reason"].codes < 0
        return np.asarray(has_no_reason & np.isfinite(self.times_s["completed"]))

    def of_type(self, task_type: str) -> Flags:
        """Tasks of one type."""
        return self.words["task_type"].of(task_type)


@dataclass(frozen=True)
class GeneratorTable:
    """How the emulator fared, once a second; times in s from the `origin_ns` of its tasks."""

    times_s: Floats
    numbers: Mapping[str, Floats]


@dataclass(frozen=True)
class PopulationRun:
    """One population in one run: what was asked for, every task, how the emulator fared (None: not recorded)."""

    name: str
    digest: str
    """SHA-256 of the population file among the run's inputs."""
    population: Population
    descriptor: TasksDescriptor
    tasks: TaskTable
    generator: GeneratorTable | None


def read_population_run(run: RunFolder) -> PopulationRun | None:
    """The population of a run; None where it has none, or its stream was never made.

    Raises:
        AnalysisError: a stream or the population file is not what it should be; with file and line.
    """
    if not run.tasks:
        return None
    descriptor = run.tasks[0]
    population = _population_of(run)
    table = _read(run.path / descriptor.stream, TASK_COLUMNS)
    if table is None:
        return None
    tasks = _tasks_of(run.path / descriptor.stream, table, population)
    beside = _read(run.path / descriptor.generator, GENERATOR_COLUMNS)
    generator = None if beside is None else _generator_of(beside, tasks.origin_ns)
    digest = run.start.inputs.get(POPULATION, "")
    return PopulationRun(descriptor.population, digest, population, descriptor, tasks, generator)


def _population_of(run: RunFolder) -> Population:
    try:
        return read_population(run.path / "inputs" / POPULATION)[0]
    except (ConfigError, DocumentError) as error:
        raise AnalysisError(f"{error}; it is the population that the run was made with") from None


def _tasks_of(path: Path, table: "pd.DataFrame", population: Population) -> TaskTable:
    words = {name: _words(table[name]) for name in TEXTS}
    for name, known in (
        ("task_type", population.task_types), ("phase", PHASES), ("reason", REASONS),
        ("user_type", population.user_types), ("chain", population.chains),
    ):  # fmt: skip
        _refuse_strange(path, words[name], name, list(known))
    stamps = [str(column["name"]) for column in TASK_COLUMNS if str(column["name"]).endswith("_ns")]
    spans = ("preparation_ns", "longest_gap_ns")
    for name in NEEDED:
        if (empty := table[name].isna()).any():
            raise AnalysisError(f"{path}:{int(np.argmax(empty)) + 2}: {name} is empty; the file was edited or damaged")
    intended_ns = table["intended_ns"].to_numpy(np.int64)
    origin_ns = int(intended_ns.min()) if intended_ns.size else 0
    times_s = {name.removesuffix("_ns"): _seconds(table[name], origin_ns) for name in stamps if name not in spans}
    _refuse_backward(path, times_s)
    numbers = {name.removesuffix("_ns") + "_s": _seconds(table[name], 0) for name in spans}
    skipped = {*TEXTS, *stamps, "request_digest", "answer_digest"}
    numbers |= {
        name: table[name].to_numpy(np.float64, na_value=np.nan)
        for column in TASK_COLUMNS if (name := str(column["name"])) not in skipped
    }  # fmt: skip
    return TaskTable(origin_ns, words, times_s, numbers)


def _generator_of(table: "pd.DataFrame", origin_ns: int) -> GeneratorTable:
    numbers = {
        str(name): table[name].to_numpy(np.float64, na_value=np.nan) for name in table.columns if name != "time_ns"
    }
    return GeneratorTable(_seconds(table["time_ns"], origin_ns), numbers)


def _seconds(column: "pd.Series[Any]", origin_ns: int) -> Floats:
    return np.asarray((column - origin_ns).to_numpy(np.float64, na_value=np.nan) * NS)


def _words(column: "pd.Series[Any]") -> Words:
    return Words(tuple(map(str, column.cat.categories)), np.asarray(column.cat.codes, dtype=np.int32))


def _refuse_strange(path: Path, words: Words, name: str, known: Sequence[str]) -> None:
    """A word that the population, or the form of the file, does not have."""
    if strange := [word for word in words.names if word not in known]:
        line = int(np.argmax(words.of(strange[0]))) + 2
        raise AnalysisError(
            f"{path}:{line}: {name}: found {strange[0]!r:.80}, expected one of {', '.join(known)}; the file was edited "
            "or damaged, or belongs to another population"
        )


def _refuse_backward(path: Path, times_s: Mapping[str, Floats]) -> None:
    """An answer before its request."""
    for before, after in (("submitted", "first_byte"), ("first_byte", "completed"), ("submitted", "completed")):
        backward = times_s[after] < times_s[before]  # not so of NaN
        if backward.any():
            line = int(np.argmax(backward)) + 2
            raise AnalysisError(f"{path}:{line}: {after}_ns lies before {before}_ns; the file was edited or damaged")


def _read(path: Path, columns: Sequence[Mapping[str, Any]]) -> "pd.DataFrame | None":
    """The columns of a stream; None without a file or header.

    Raises:
        AnalysisError: it is no such table.
    """
    import pandas as pd

    content = whole_lines(path)
    if content is None:
        return None
    names = [str(column["name"]) for column in columns]
    header = content[: content.find(b"\n")].decode("utf-8", "replace").strip().split(",")
    if missing := [name for name in names if name not in header]:
        raise AnalysisError(f"{path}:1: no column {missing[0]}; was the file written by another tool?")
    if any(line.count(b",") != len(header) - 1 for line in content.splitlines()):
        raise AnalysisError(_place_of_damage(path, content, header, {}))  # pandas would leave cells out
    digests = [name for name in names if name.endswith("_digest")]
    kinds: dict[str, Any] = {name: _kind(name) for name in names if name not in digests}
    try:
        return pd.read_csv(
            io.BytesIO(content), dtype=kinds, usecols=list(kinds), na_values=[""], keep_default_na=False, quoting=3,
        )  # fmt: skip
    except (ValueError, TypeError, pd.errors.ParserError, OverflowError):
        raise AnalysisError(_place_of_damage(path, content, header, kinds)) from None


def _kind(name: str) -> str:
    return "category" if name in TEXTS else "Int64" if name.endswith("_ns") else "float64"


def _place_of_damage(path: Path, content: bytes, header: Sequence[str], kinds: Mapping[str, Any]) -> str:
    """Line, column and content of the first cell that is not what it should be."""
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines()[1:], 2):
        cells = line.split(",")
        if len(cells) != len(header):
            return (
                f"{path}:{number}: found {len(cells)} cells, expected {len(header)} as in the header; the file was "
                "edited or damaged"
            )
        for name, cell in zip(header, cells, strict=True):
            if cell and not _is_of_kind(cell, str(kinds.get(name, "category"))):
                wanted = "a whole number" if kinds[name] == "Int64" else "a number"
                return f"{path}:{number}: {name}: found {cell!r:.80}, expected {wanted}; the file was edited or damaged"
    return f"{path}: not the table it should be; the file was edited or damaged"


def _is_of_kind(cell: str, kind: str) -> bool:
    try:
        return kind == "category" or (abs(int(cell)) < 1 << 62 if kind == "Int64" else float(cell) < np.inf)
    except ValueError:
        return False
