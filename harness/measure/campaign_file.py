"""What is asked of a station: the tables [campaign], [baseline], [warm_up], [decision] and [analysis] of lab.toml, and
what contradicts itself in them.

Knows these tables, their defaults and their rules; each mistake is a sentence that begins with file and TOML path.
Knows no scenario (`harness.measure.scenario`) and nothing of the room. The table [qualification] is a record of
`harness.record.qualification`, for what reads a campaign needs it too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from harness.measure.scenario import ScenarioSection
from harness.measure.usage import BaselineState
from harness.station.station import at_least
from meters.options import did_you_mean

TWO_STAGE = "two-stage"
"""How `campaign.design` begins where the campaign may be extended after its first stage."""
SHOWN_CELLS = 4
"""Cells that a message lists."""
BASELINE, SYNC, WARM_UP = "baseline", "sync", "warm-up"
"""The scenarios of baseline blocks, of the sync pulse, and of the warm-up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The thermal gate before a run: power and temperatures back within a band of the session's first idle readings."""

    limit_s: float = field(default=0.0, metadata=at_least(0))
    """How long a run waits at most; 0: no gate."""
    power_percent: float = field(default=2.0, metadata=at_least(0))
    """Band of the mean power."""
    cpu_c: float = field(default=3.0, metadata=at_least(0))
    """Band of the CPU's temperature."""
    gpu_c: float = field(default=3.0, metadata=at_least(0))
    """Band of a GPU's temperature."""
    mean_s: float = field(default=10.0, metadata=at_least(0.1))
    """Over which power is averaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """Stabilization until settled: two consecutive means over `mean_s` differ by less than `percent` or 2 standard
    errors. It lasts `campaign.stabilization_s` at least, and `limit_s` at most."""

    limit_s: float = field(default=0.0, metadata=at_least(0))
    """How long stabilization lasts at most; 0: exactly `campaign.stabilization_s`."""
    mean_s: float = field(default=30.0, metadata=at_least(0.1))
    """Over which each of two means is taken."""
    percent: float = field(default=1.0, metadata=at_least(0))
    """By which they may differ, % of the power."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoStage:
    """The first stage is the pilot; the second is sized from it, once, by the rule declared here."""

    half_width_percent: float = field(default=0.0, metadata=at_least(0))
    """Of the interval that is wanted, % of the induced energy; 0: one stage."""
    share_percent: float = field(default=90.0, metadata=at_least(50))
    """In how many of 100 campaigns it is to be reached; below 100."""
    most_repetitions: int = field(default=200, metadata=at_least(2))
    """Of each scenario, whatever the rule asks for."""
    most_blocks: int = field(default=200, metadata=at_least(2))
    """Of the baseline, whatever the rule asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What is measured in which order. Durations in seconds."""

    name: str = "first"
    """Its folder's name, below `runs_folder`; another measurement has another one."""
    sut: str = ""
    """The SUT that is measured, where lab.toml declares several; `--sut` names it where this is empty."""
    runs_folder: str = "runs"
    """Where campaigns are kept, relative to this file."""
    seed: int = field(default=1, metadata=at_least(0))
    """From it follow the order of the runs and the seed of every repetition."""
    release: str = ""
    """The version of what is measured, such as a model's; an archive compares one with the next."""
    design: str = ""
    """In words, for the report. One that begins with `two-stage` is extended once by the rule of `two_stage`."""
    order: Literal["shuffled", "as-listed"] = "shuffled"
    """Each repetition of all scenarios in drawn order, or in the order of this file."""
    stabilization_s: float = field(default=10.0, metadata=at_least(0))
    """Agent and meter record before each run, and nothing is rated yet."""
    supplementary_s: float = field(default=5.0, metadata=at_least(0))
    """Recording goes on for so long after the rating interval, and on until the next reading of a slower meter."""
    pause_s: float = field(default=0.0, metadata=at_least(0))
    """Cool-down between runs; not together with a gate."""
    max_failed_attempts: int = field(default=2, metadata=at_least(1))
    """Of one planned run; then the campaign stops, or goes on without a run that gaps and the like threw out."""
    when_failed: Literal["stop", "leave-out"] = "stop"
    """When a workload has failed in every attempt at a run: the campaign stops, or goes on without that run, and, while
    no run of its scenario or cell has succeeded (it does not fit into memory, say), without the others of it."""
    sync_pulse: bool = False
    """At the start of each session the load is switched on and off, which shows the meter's latency and window."""
    gate: Gate = field(default_factory=Gate)
    """Runs wait until the machine has cooled down."""
    settle: Settle = field(default_factory=Settle)
    """Stabilization ends when the power has settled."""
    two_stage: TwoStage = field(default_factory=TwoStage)
    """More runs, sized from the first ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Baseline blocks: how many, how long (s). The first stands before, the last after the scenario runs."""

    blocks: int = field(default=5, metadata=at_least(1))
    """Spread over the session."""
    duration_s: float = field(default=30.0, metadata=at_least(1))
    """Of each; as long as a run is best."""
    state: BaselineState = "os"
    """What runs on the SUT meanwhile: nothing but the operating system, or the service of `scenario` as far as this
    says; induced energy is above that."""
    scenario: str = ""
    """The scenario whose service is started, where `state` is another than os."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUp:
    """A run that is recorded and enters no mean, each time before `wattlab run` begins to measure: the machine is warm
    then. It waits at no gate, and where a session began is noted after it."""

    folder: str
    """The scenario that it is of: a folder with a scenario.toml, as in [scenarios.NAME]."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """They override those of the same name there, and no other."""
    max_duration_s: float = field(default=86400.0, metadata=at_least(1))
    """After so long the command is killed, and the warm-up has failed."""
    pause_s: float = field(default=0.0, metadata=at_least(0))
    """The pause after it, in place of `campaign.pause_s`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The limit a result is held against (a label's, a customer's), and how (JCGM 106): accepted up to
    limit - guard_band * U. Without a scenario nothing is decided."""

    scenario: str = ""
    """The scenario, or the cell, that is held against the limit; empty: none."""
    quantity: Literal["induced_energy_wh", "energy_wh"] = "induced_energy_wh"
    """Which of its energies per run."""
    limit_wh: float = field(default=0.0, metadata=at_least(0))
    """The limit, above 0."""
    guard_band: float = field(default=1.0, metadata=at_least(0))
    """Accepted up to the limit less so many times U."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """How scenarios are tested beside each other, declared before the first run: `welch`, Welch's analysis of variance
    on the values as they are with Games-Howell, or `rank`, Kruskal-Wallis with Dunn's test (Holm)."""

    test: Literal["welch", "rank"] = "welch"
    """Welch's and Games-Howell, of means; or Kruskal-Wallis and Dunn, of ranks."""


def of_decided(path: Path, decision: Decision, cells: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """A limit is one for a scenario that is measured, or for one of its cells. `cells`: table of a scenario -> what its
    runs are called; nothing where the table has a mistake."""
    if decision.scenario:
        yield from _of_measured(f"{path}: decision.scenario", decision.scenario, cells, "the one that the limit is for")


def of_loads(path: Path, loads: Iterable[str], cells: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """A load of a qualification is a scenario that is measured, or one of its cells; `cells` as in `of_decided`."""
    for name in loads:
        yield from _of_measured(f"{path}: qualification.loads.{name}", name, cells, "each that is a load")


def _of_measured(place: str, name: str, cells: Mapping[str, Sequence[str]], which: str) -> Iterator[str]:
    """A name that a table gives is that of a scenario without cells, or of a cell."""
    names = [name for called in cells.values() for name in called]
    unread = [table for table, called in cells.items() if not called]
    if name in names or any(name == table or name.startswith(f"{table}.") for table in unread):
        return
    if name in cells:
        listed = ", ".join(cells[name][:SHOWN_CELLS]) + (", ..." if len(cells[name]) > SHOWN_CELLS else "")
        yield f"{place}: {name!r} is measured in cells; name {which}: {listed}"
    else:
        yield f"{place}: no scenario {name!r} here; {did_you_mean(name, [*names, *unread])}"


def of_limit(path: Path, decision: Decision) -> Iterator[str]:
    """A limit that a result can keep."""
    if decision.scenario and not decision.limit_wh:
        yield f"{path}: decision.limit_wh: found {decision.limit_wh!r}, expected a limit above 0"


def of_gate(path: Path, campaign: Campaign) -> Iterator[str]:
    """The gate waits as long as is needed, the pause for a fixed time."""
    if campaign.gate.limit_s and campaign.pause_s:
        yield f"{path}: campaign.pause_s: the gate replaces the pause; set pause_s = 0 or gate.limit_s = 0"


def of_settle(path: Path, settle: Settle) -> Iterator[str]:
    """Two means need their time."""
    if settle.limit_s and settle.limit_s < 2 * settle.mean_s:
        least_s = 2 * settle.mean_s
        yield f"{path}: campaign.settle.limit_s: two means of settle.mean_s need at least {least_s:g} s"


def of_stages(path: Path, campaign: Campaign) -> Iterator[str]:
    """A second stage is declared in the design, with its rule."""
    if campaign.design.startswith(TWO_STAGE) != bool(campaign.two_stage.half_width_percent):
        yield (
            f'{path}: campaign.design: a design that begins with "{TWO_STAGE}" needs two_stage.half_width_percent, '
            "and that needs such a design: what decides about more runs is declared before the first one"
        )
    if campaign.two_stage.share_percent >= 100:
        yield f"{path}: campaign.two_stage.share_percent: no plan keeps a promise always; below 100"


def of_first_stage(
    path: Path, campaign: Campaign, baseline: Baseline, scenarios: Mapping[str, ScenarioSection]
) -> Iterator[str]:
    """A second stage is sized by the spread of the first."""
    few = [f"scenarios.{name}.repetitions" for name, section in scenarios.items() if section.repetitions < 2]
    few += ["baseline.blocks"] if baseline.blocks < 2 else []
    if campaign.design.startswith(TWO_STAGE) and few:
        yield f"{path}: {', '.join(few)}: the first stage shows no spread with one; at least 2"
    searching = [f"scenarios.{name}.search" for name, section in scenarios.items() if section.search is not None]
    if campaign.design.startswith(TWO_STAGE) and searching:
        yield f"{path}: {', '.join(searching)}: a search has no second stage; declare all its rounds beforehand"
