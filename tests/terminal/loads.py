"""An emulator's load for tests: a population file, the real process, and its two streams as tables."""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from harness.record.documents import Json
from harness.terminal.endpoint import Endpoint
from harness.terminal.process import EmulatorProcess, Load

LEAD_NS = 50_000_000


@dataclass(frozen=True)
class Made:
    """What came of a load; the tables are DataFrames, whose columns mypy knows nothing of."""

    tasks: Any
    generator: Any
    said: list[Json]
    begin_ns: int

    @property
    def rated(self) -> Any:  # noqa: ANN401
        """The tasks of the rating interval."""
        return self.tasks[self.tasks.phase == "rating"]


def make_load(folder: Path, population: str, port: int, seed: int = 1, limit_s: float = 60.0) -> Made:
    """Make the load of a population file's text on a service of this machine."""
    path = folder / "population.toml"
    path.write_text(population)
    said = list[Json]()
    with ExitStack() as open_files:
        names = ("tasks.csv", "generator.csv", "answers.log")
        streams = [open_files.enter_context((folder / name).open("xb", buffering=0)) for name in names]
        process = EmulatorProcess(Load(path, seed, Endpoint("127.0.0.1", port)), *streams)
        open_files.callback(process.end)
        begin_ns, end_s = time.monotonic_ns() + LEAD_NS, time.monotonic() + limit_s
        process.begin(begin_ns)
        while not said or "ended" not in said[-1]:
            assert time.monotonic() < end_s, f"the load did not end: {said}"
            heard = process.hear(0.5)
            said += [] if heard is None else [heard]
    tasks = pd.read_csv(folder / "tasks.csv", keep_default_na=False, na_values=[""], dtype={"reason": str})
    return Made(tasks, pd.read_csv(folder / "generator.csv"), said, begin_ns)
