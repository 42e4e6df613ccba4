"""A run that had trackers: what is asked of it, and what its start document says of trackers and work.

Knows the start document. Does not know any tracker's figure.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import Start, dump
from harness.record.run_folder import RunFolder
from reports.energy.contributions import RunTerms, Stream
from reports.readings.series import RunSeries


class TrackedRun(Protocol):
    """What is needed of a run: `campaign.run.AnalysedRun`."""

    @property
    def run(self) -> RunFolder:
        """Its documents."""
        ...

    @property
    def series(self) -> RunSeries:
        """Its clock and indicators."""
        ...

    @property
    def interval_ns(self) -> tuple[int, int] | None:
        """The rating interval."""
        ...

    @property
    def streams(self) -> Sequence[Stream]:
        """The meters whose sum is the SUT's power."""
        ...

    @property
    def excluded_because(self) -> str | None:
        """Why it enters no mean."""
        ...

    def terms_over(self, begins_ns: NDArray[np.int64], ends_ns: NDArray[np.int64], bound_s: float) -> RunTerms:
        """Gross energies of intervals with all that makes them uncertain; `bound_s` joins the clock's."""
        ...


def named_in(start: Start) -> list[str]:
    """The trackers that a run was to have, by their names (lab.toml: `NAME` or `NAME=SECONDS`), sorted."""
    words = start.scenario_config.get("trackers")
    return sorted(str(word).split("=")[0] for word in words) if isinstance(words, list) else []


def work_of(start: Start) -> tuple[str, ...]:
    """What a scenario does, whatever its name and its trackers: folder, command, parameters and, of a cell, levels."""
    sections = start.config.get("scenarios")
    table = start.scenario_config.get("cell_of", start.scenario)
    section = sections.get(table) if isinstance(sections, dict) else None
    work = section if isinstance(section, dict) else {"command": start.scenario_config.get("command")}
    parameters = start.scenario_config.get("parameters")
    plain = dump(parameters if isinstance(parameters, dict) else {})
    levels = () if start.cell is None else (dump(start.cell),)
    return str(work.get("folder")), str(work.get("command")), plain, *levels
