"""What the runs do not say of themselves: a table of the machine, of the network, of the number of epochs.

Knows a CSV with a column `scenario`, where wanted `repetition`, and columns of numbers. Knows no estimator.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.record.errors import AnalysisError
from reports.study.table import read_table

SCENARIO, REPETITION, EPOCHS = "scenario", "repetition", "epochs"
Facts = Mapping[str, float]
"""Column -> number."""


FEATURES = (
    "batch_size", "image_height", "image_width", "memory_gb", "train_size", "validation_size", "gflops", "gpu_cores",
    "gpu_memory_gb", "tdp_w",
)  # fmt: skip
"""What PRE is told of a training, as published."""
IMAGE_SIZE = "image_size"
"""A parameter, or a column, that is both height and width."""


def own_facts(parameters: object) -> Facts:
    """What the parameters of a scenario say of a training: the features and the number of epochs among them."""
    told = {
        name: float(value) for name, value in (parameters.items() if isinstance(parameters, dict) else ())
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }  # fmt: skip
    return {name: value for name, value in _with_sides(told).items() if name in (*FEATURES, EPOCHS) and value > 0}


def _with_sides(told: dict[str, float]) -> dict[str, float]:
    """Height and width too, where one number says both."""
    return {side: told[IMAGE_SIZE] for side in ("image_height", "image_width") if IMAGE_SIZE in told} | told


@dataclass(frozen=True, slots=True)
class FactTable:
    """Facts of scenarios, and of single runs where the table has repetitions."""

    of_run: Mapping[tuple[str, int | None], Facts] = field(default_factory=dict)

    def of(self, scenario: str, repetition: int) -> Facts:
        """What is known of a run; what the table says of the run itself goes before what it says of the scenario."""
        return {**self.of_run.get((scenario, None), {}), **self.of_run.get((scenario, repetition), {})}


def read_facts(path: Path) -> FactTable:
    """The table of a file.

    Raises:
        AnalysisError: it cannot be read, or is no such table (`facts_of`).
    """
    return facts_of(path, bytes_of(path))


def bytes_of(path: Path) -> bytes:
    """What stands in a file.

    Raises:
        AnalysisError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise AnalysisError(f"{path}: cannot be read ({error.strerror})") from None


def facts_of(path: Path, content: bytes) -> FactTable:
    """The table that a file holds.

    Raises:
        AnalysisError: it has no scenario, says something twice, or a cell is no number; with its line.
    """
    table = read_table(str(path), content)
    if SCENARIO not in table.headers:
        raise AnalysisError(f"{path}: found columns {', '.join(table.headers)}; expected one named `{SCENARIO}`")
    found: dict[tuple[str, int | None], dict[str, float]] = {}
    for cells, line in zip(table.rows, table.lines, strict=True):
        row = dict(zip(table.headers, cells, strict=True))
        where, scenario = f"{path}:{line}", row.pop(SCENARIO)
        repetition = row.pop(REPETITION, "")
        key = scenario, _repetition(where, repetition)
        if key in found:
            raise AnalysisError(
                f"{where}: {scenario}{repetition and f' {repetition}'} stands in the table twice; keep one of the lines"
            )
        found[key] = _with_sides({name: _number(where, name, cell) for name, cell in row.items() if cell})
        epochs = found[key].get(EPOCHS)
        if epochs is not None and (epochs < 1 or epochs != int(epochs)):
            raise AnalysisError(f"{where}: found {epochs:g} epochs, expected a whole number above 0")
    return FactTable(found)


def _repetition(where: str, cell: str) -> int | None:
    if cell and not cell.isdecimal():
        raise AnalysisError(f"{where}: found {cell!r} as {REPETITION}, expected a whole number, or nothing")
    return int(cell) if cell else None


def _number(where: str, name: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise AnalysisError(f"{where}: found {cell!r} as {name}, expected a number, or nothing")
    return value
