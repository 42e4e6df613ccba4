"""`records` of results.json: what was recorded beside the energies, for the audit report.

Knows the shape of the section. Does not know how it is gathered (`reports/campaign/recorded.py`), and judges nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from harness.record.documents import Json
from reports.results.uncertainty import Number

Whose: TypeAlias = Literal["settings", "program", "trackers", "markers", "on-sut"]
"""Whose a file is, in the order of the table."""


@dataclass(frozen=True, slots=True)
class RecordedQuantity:
    """A quantity of the mains or of the room within the rating intervals of all runs."""

    source: str
    """The meter, or the stream of the sensor."""
    quantity: str
    """Name of the column: `voltage_v`, `frequency_hz`, `voltage_thd_percent`, `ambient_c`, ..."""
    unit: str
    """Its unit; empty where nobody says it."""
    mean: Number | None
    """Over the runs' means."""
    least: float
    """Of all values."""
    greatest: float
    """Of all values."""


@dataclass(frozen=True, slots=True)
class RecordedStep:
    """A wall clock was set in a run."""

    side: Literal["sut", "host"]
    """Whose clock."""
    jump_s: float
    """By how much."""


@dataclass(frozen=True, slots=True)
class RecordedClock:
    """The SUT's clock in one run, fitted to the exchanges; all null where none was made."""

    folder: str
    """The run."""
    time_base: str
    """What the run's stamps count by: `host-monotonic`, or of an import `source-wall`."""
    exchanges: int | None
    """How many were made."""
    bound_s: float | None
    """No stamp of the SUT is wrong by more on the host's clock."""
    drift_ppm: float | None
    """How much faster the host's clock is."""
    steps: tuple[RecordedStep, ...] | None
    """Wall clocks that were set meanwhile."""


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """A file that went into runs of a scenario."""

    scenario: str
    """Of the runs."""
    bytes: int | None
    """Its size; null where it was not recorded."""
    kept: bool
    """Whether the run folders hold it."""
    why: str | None
    """Why it has no digest; null where it has one."""
    of: Whose
    """Whose it is: `settings` are lab.toml, scenario.toml, agent and register; `program`, `trackers`, `markers` what
    was staged; `on-sut` a path that the command names on the SUT."""
    file: str
    """Its name in the run or in the work folder, its path on the SUT."""
    sha256: str | None
    """Its digest; null where `why` says so."""
    n_runs: int
    """How many runs of the scenario had it with this digest."""


@dataclass(frozen=True, slots=True)
class RecordedPrograms:
    """Of how many runs it is recorded what they are made of (journal schema 2)."""

    n_runs: int
    """Scenario runs."""
    recorded: int
    """Those that recorded it."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a campaign recorded beside its energies."""

    supply: tuple[RecordedQuantity, ...]
    """The mains, where a meter reads them."""
    ambient: tuple[RecordedQuantity, ...]
    """The room, where a sensor stands in it."""
    clocks: tuple[RecordedClock, ...]
    """Of every run, in the order they were begun."""
    phases: tuple[Mapping[str, str | float], ...]
    """Of every run: `folder`, and NAME_s -> length of each phase that was marked at both ends."""
    inputs: tuple[RecordedFile, ...]
    """Every file of every digest, by scenario, by whose it is, by name."""
    programs: RecordedPrograms
    """What is recorded of programs."""
    environments: tuple[Json, ...]
    """Every Python that ran a command, as the start documents have it: `scenario`, then `interpreter, executable,
    binary_sha256, python, packages, sha256, editable, extra_paths, problem`, and `n_runs`, in how many runs."""
