"""A run as results.json has it, and what its publisher counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.record.documents import ExitStatus, Json, RunKind
from reports.results.action import RunAction
from reports.results.codec import keyed
from reports.results.ratings import StimulusResult
from reports.results.served import ServedResult
from reports.results.uncertainty import Number


@dataclass(frozen=True, slots=True)
class PublisherRecord:
    """All that was recorded of a run of a publisher."""

    begin_utc: str
    """First sample's beginning, ISO 8601."""
    end_utc: str
    """Last sample's end, ISO 8601."""
    rows: Number
    """Samples."""
    duration_s: Number
    """Length, s."""
    mean_power_w: Number | None
    """Mean power, W."""
    energy_wh: Number | None
    """Energy, Wh."""


@dataclass(frozen=True, slots=True)
class PublishedCircuit:
    """What a publisher's rule counts of one circuit of a run."""

    rows: Number
    """Samples that count."""
    energy_wh: Number
    """By the rule, Wh."""
    overlap_energy_wh: Number
    """By exact overlap with the window, Wh."""


@dataclass(frozen=True, slots=True)
class PublishedRun:
    """What the publisher of an imported run counts itself (`reports/energy/publisher.py`). The window is the run's
    rating interval, so `runs[].energy_wh` is its energy by exact overlap, with U."""

    publisher: str
    """Who published it."""
    rule: str
    """`rows-inside` (MLPerf Inference): the samples stamped between both edges whose power is above zero;
    `since-previous`: each sample between them but the first, for the time since the one before;
    `reading-times-step` (MLPerf Training): the same with the first; `samples-from-to` (MLPerf Tiny): the samples from
    the first mark up to before the second."""
    sentence: str
    """The rule in words."""
    begin_utc: str
    """The window's beginning on the publisher's clock, ISO 8601."""
    end_utc: str
    """The window's end."""
    duration_s: Number
    """Its length, s."""
    offset_s: float
    """Was added to the publisher's stamps to reach the samples' clock, s."""
    bound_s: float | None
    """How far the two clocks may be apart, s (a line `clock` of the budget); null: not known."""
    source: Json
    """File, digest, lines and stamps that the window is from."""
    rows: Number
    """Samples that count."""
    mean_power_w: Number
    """Their mean, W."""
    energy_wh: Number
    """Each of them for its sampling interval, Wh."""
    spanned_energy_wh: Number
    """Their mean times the window's length, Wh, as MLPerf's checker takes it for an energy per query."""
    record: PublisherRecord
    """All that was recorded."""
    stated_energy_wh: Number | None = field(default=None, metadata=keyed(left_out=True))
    """What the publisher itself prints for the window, Wh; absent where it prints nothing."""
    circuits: Mapping[str, PublishedCircuit] | None = field(default=None, metadata=keyed(left_out=True))
    """Circuit -> its part; absent of a run of one."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Something that was waited for before or in a run."""

    name: str
    """What."""
    outcome: str
    """How it ended."""
    waited_s: float
    """How long, s."""
    limit_s: float
    """How long it would have been waited for, s."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """One run or baseline block. Numbers are single observations: without sd, with u where everything is known."""

    ordinal: int
    """Its number in the plan, from 1; 0 of a sync pulse."""
    attempt: int
    """1 for the first try."""
    kind: RunKind
    """Kind of the start document; `sync` (a sync pulse), `observer` (a block of the observer effect), `ranging` (of an
    import: the meter's ranges were being found in it) and `warm-up` enter no mean and no scenario."""
    scenario: str
    """Name of the scenario, or of the kind."""
    repetition: int
    """From 1."""
    seed: int
    """What its program was given."""
    block: int | None
    """Block of the design; null where there are none."""
    folder: str
    """Name of the run folder."""
    status: ExitStatus
    """How it ended."""
    reason: str | None
    """Why it did not succeed."""
    included: bool
    """Whether it enters the means."""
    excluded_because: str | None
    """Why not, as a sentence; null where it does."""
    start_utc: str
    """Host's clock, ISO 8601."""
    duration_s: Number | None
    """Length of the rating interval, s."""
    mean_power_w: Number | None
    """Mean power, W."""
    energy_wh: Number | None
    """Energy, Wh."""
    induced_energy_wh: Number | None
    """Energy less the baseline, Wh."""
    gap_s: Number | None
    """Time without readings, s."""
    gap_energy_wh: Number | None
    """Energy that was interpolated there, Wh, with u_gap."""
    publisher: PublishedRun | None
    """What the publisher of an imported run counts itself; null where there is no such window."""
    gpu_energy_wh: Number | None
    """By the boards' own reading, Wh."""
    indicators: Mapping[str, float]
    """Indicator -> mean over the rating interval in the unit of `indicators`; of amounts (`disk_*_kb`, `net_*_kb`) per
    second."""
    waits: tuple[Wait, ...]
    """What was waited for."""
    final_metrics: Json
    """`artifacts/summary.json`, verbatim; empty where there is none."""
    actions: tuple[RunAction, ...]
    """In the order of their marks."""
    history: Mapping[str, list[Any]]
    """Metric -> value per epoch (from `artifacts/history.json`, else from the epochs' metrics)."""
    manifest: str | None
    """Digest of its manifest; null: not sealed."""
    findings: tuple[str, ...]
    """Codes of the findings about it."""
    stimulus: StimulusResult | None = field(default=None, metadata=keyed(left_out=True))
    """The load that an emulator made, beside what it was to be; only where one did."""
    served: ServedResult | None = field(default=None, metadata=keyed(left_out=True))
    """What the service did with it; only where an emulator made one."""
    work: Mapping[str, float] | None = field(default=None, metadata=keyed(left_out=True))
    """Unit -> useful work that its program marked; only where it marked some."""
