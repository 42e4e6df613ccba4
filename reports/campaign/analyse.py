"""Assembles what the analysis modules return into `CampaignResult` and writes it as results.json (docs/results.md).

Knows the shape of results.json and which run belongs where. Computes nothing itself: every number comes from energy,
hardware, efficiency, oscar, uncertainty or findings.

Decisions
- `examine` comes first and reads each run once; what it finds becomes `broken-seal` (invalid) and the numbers are still
  given, beside it. With a broken chain the runs are taken as they lie on disk.
- A run enters the means when it ended with success, its seal holds, its interval was marked, the meter read something
  in it, no finding of `OUT` fails it, and no annotation of the operator takes it out: that is a finding with who, when
  and why. A run whose seal is broken never enters one: nothing says what was measured. Nor does one that was thrown out
  when it was measured, and repeated: the log says so.
- A run that the lab aborted when its rating interval was over has an energy. It enters no mean, but what the mean would
  be with it stands beside (`with-aborted`): who may abort a run after he saw its power could choose.
- A session is one boot of host and SUT; of an import, one calendar day. Monotonic clocks of two boots are never
  compared.
- The order of runs on disk is irrelevant: the log's order is used, and the folders' names where the log is broken.
- Results depend on the run folders and the log only: no time of now, no path of the machine; rebuilt, the file is
  byte-identical.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.record.campaign_folder import LOST, PHOTO, TRACKER, CampaignFolder, write_derived
from harness.record.documents import VERSION, Json, PhaseEvent, PowerDescriptor, WaitEvent
from harness.record.entries import (
    Annotation,
    Attachment,
    Entry,
    Header,
    Plan,
    Preflight,
    RunBegin,
    RunEnd,
    header_of,
    of,
)
from harness.record.errors import AnalysisError, DocumentError, RunFolderError
from harness.record.plain_files import read_plain
from harness.record.run_folder import RunFolder
from harness.record.verify import Examination, examine
from reports.campaign import label, witnessed
from reports.campaign import recorded as records
from reports.campaign import statistics as campaign_statistics
from reports.energy import budget, efficiency, hardware, oscar, publisher, sync, tail
from reports.energy.budget import Budget, Single
from reports.energy.contributions import PartBaseline, RunTerms, Stream, baseline_term, run_terms
from reports.energy.energy import (
    NS,
    WH,
    BaselineLevel,
    Block,
    Convention,
    PowerFunction,
    baseline_for,
    induced,
    pooled_w,
    power_function,
    register_energy_wh,
    summed,
)
from reports.energy.epochs import LEVELS, Climb, climbs, first_at
from reports.energy.meter_error import ROOT_3, error_of
from reports.energy.observer import ObserverBlock, ObserverEffect, difference
from reports.findings import campaign as findings_campaign
from reports.findings import catalogue as findings
from reports.findings import foreign_load as foreign
from reports.findings import oracle, verdict
from reports.findings import run as findings_run
from reports.findings import stamps as findings_time
from reports.inference import planning
from reports.readings import bounded
from reports.readings.bounded import number
from reports.readings.held import held
from reports.readings.series import Action, PowerSeries, RunSeries, read_run
from reports.results.finding import Finding
from reports.results.rules import Rule, was
from reports.results.uncertainty import (
    Estimate,
    Number,
    Term,
    count,
    mean_of,
    mean_with_shared,
    single,
    standard_error,
)
from reports.trackers import compared as trackers
from reports.trackers import cost as tracker_cost

SCHEMA = 2
"""Schema history of results.json: 1, 2026-11-21, first version; 2, 2026-11-28, `computed_by`, more keys, and the rules
of wattlab 0.2.0 (`rules.Rule`; CHANGELOG.md, "Changes to results")."""
RESULTS = "results.json"
EPOCH = "epoch"
ORIGINS = ("emulated", "unattested", "imported", "declared", "attested", "instrument")
"""Worst first: a campaign is what its worst meter is."""
OUT = {
    "gap": "gaps in its power readings exceed the limits",
    "negative": "too many of its power readings are negative",
    "zero": "too many of its power readings are zero",
    "nan": "too many of its power readings are no numbers",
    "too-short-to-resolve": "its interval is shorter than two distances of its meter's instantaneous values",
    "foreign-load": "other processes took too much of its CPUs",
    "oom": "processes were killed for want of memory while it ran",
    "frozen": "it was frozen, or a machine stood still, while it ran",
    "agent-late": "the agent that stamped its end was late",
    "arrival-contradicted": "the stamps of its rating interval contradict when they reached the host",
    "computational-incorrect": "its workload did not do the work it was to do",
}
"""Code of an invalid finding of a run -> why the run enters no mean."""
IDLE_S = 30.0
"""So long before a run the machine is looked at, at most."""
AT_RUN = 0
"""Where the rating interval stands among `AnalysedRun.edges_ns`."""
SENTENCES = {
    "emulated": "read from an emulated meter: a demonstration, not a measurement",
    "unattested": "read over a connection that does not show which instrument is behind it",
    "imported": "measured by another lab and imported; the instrument is what that lab says it is",
    "declared": "read over a network from the instrument that the lab declares to be there; nothing else shows it",
    "attested": "read over TLS from the holder of the key that the lab registered for the instrument",
    "instrument": "read from an instrument whose port and identity were recorded",
    "none": "no power was recorded",
}

PULSE: Json = {"kind": "sync", "scenario": "sync", "repetition": None}
"""What no plan holds: a sync pulse, of ordinal 0."""
NOT_RATED = {
    "sync": "a sync pulse: it shows the meter's latency, no workload",
    "observer": "a block of the observer effect: it shows what the agent adds",
    "ranging": "a ranging run: the analyser's ranges were being found in it",
}


def write_results(campaign: Path, checkout: Json | None = None) -> Path:
    """Compute a campaign and write `derived/results.json`; return its path. `checkout`: commit of the program that
    computes, and whether it was changed, where that is known.

    Raises:
        AnalysisError: the campaign holds no run. RunFolderError, DocumentError: it cannot be read.
    """
    results = analyse(campaign).to_json()
    results["computed_by"] |= checkout or {}
    return write_derived(campaign, RESULTS, results_text(results))


def results_text(results: Json) -> str:
    """results.json as it is written; half a character (of a name that a SUT said) is replaced."""
    text = json.dumps(results, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    return str(bounded.cleaned(text))


@dataclass(frozen=True, slots=True)
class CampaignResult:
    """results.json, section by section."""

    campaign: Json
    measurement: Json
    meters: list[Json]
    cross_checks: list[Json]
    sut: Json
    host: Json
    indicators: list[Json]
    baseline: Json | None
    scenarios: dict[str, Json]
    label: Json
    clock: Json
    observer: Json | None
    records: Json
    trackers: Json | None
    runs: list[Json]
    findings: list[Finding]
    thresholds: Json
    verdict: Json
    inputs: dict[str, str | None]
    evidence: Json
    groups: "dict[str, Group]"
    """Scenario -> its included runs; not in the file, for what is computed of several campaigns."""

    def to_json(self) -> Json:
        """For the file, in the order of docs/results.md; `statistics` is computed here, of the rest."""
        rest = self.without_statistics()
        return rest | {"statistics": campaign_statistics.evaluate(rest)}

    def without_statistics(self) -> Json:
        """All but what R computes."""
        return {
            "schema": SCHEMA, "computed_by": {"name": "wattlab", "version": VERSION},
            "campaign": self.campaign, "measurement": self.measurement, "meters": self.meters,
            "cross_checks": self.cross_checks,
            "sut": self.sut, "host": self.host, "indicators": self.indicators, "baseline": self.baseline,
            "scenarios": self.scenarios, "label": self.label, "clock": self.clock, "observer": self.observer,
            "records": self.records, "trackers": self.trackers, "runs": self.runs,
            "findings": [asdict(finding) for finding in self.findings], "thresholds": self.thresholds,
            "verdict": self.verdict, "inputs": self.inputs, "evidence": self.evidence,
        }  # fmt: skip


@dataclass(frozen=True)
class AnalysedRun:
    """One run and what was computed of it; `excluded_because` is None where it enters the means. `broken`: its seal."""

    run: RunFolder
    series: RunSeries
    convention: Convention | None = None
    findings: list[Finding] = field(default_factory=list)
    exclusion: str | None = None
    broken: bool = False
    unreadable: str | None = None
    """Why nothing of it can be used."""
    latency_u_s: float = 0.0
    """Standard uncertainty of the stamps' place, where a sync pulse found it."""
    block_w: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """Circuit -> mean powers of the baseline blocks beside it, where its readings may begin late or end early."""

    @cached_property
    def summary(self) -> Json:
        """artifacts/summary.json; empty where there is none."""
        return _artifact(self.run, "summary.json")

    @held
    def parts(self) -> tuple[PowerSeries, ...]:
        """The streams whose sum is the SUT's power, where each reads anything in the run's interval; else none."""
        if self.series.begin_ns is None or self.series.end_ns is None:
            return ()
        for part in self.series.parts:
            reach_ns = int(2e9 * max(float(part.window_s.max()), 1.0))
            first, last = np.searchsorted(part.times_ns, [self.series.begin_ns, self.series.end_ns + reach_ns])
            if last <= first:
                return ()
        return self.series.parts

    @held
    def streams(self) -> tuple[Stream, ...]:
        """The same streams with their power functions and what is known of their meters' errors."""
        return tuple(
            Stream(part, power_function(part, self.convention), error_of(part.descriptor, self.run.start.utc),
                   self.convention, self.block_w.get(part.descriptor.circuit, ()))
            for part in self.parts
        )  # fmt: skip

    @held
    def function(self) -> PowerFunction | None:
        """The SUT's power function."""
        return summed([stream.function for stream in self.streams]) if self.streams else None

    @cached_property
    def noises_w(self) -> tuple[float, ...]:
        """The spread of the readings of each stream within the interval (W); 0 for fewer than two."""
        begin_ns, end_ns = self.interval_ns or (0, 0)
        edges = [np.searchsorted(part.times_ns, [begin_ns, end_ns]) for part in self.parts]
        values = [part.power_w[first:last] for part, (first, last) in zip(self.parts, edges, strict=True)]
        return tuple(float(own.std(ddof=1)) if own.size > 1 else 0.0 for own in values)

    @cached_property
    def edges_ns(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Begins and ends of the intervals that have an energy: the rating interval, every action, from the beginning
        to the end of every action, every climb (`AT_RUN`, `at_action`, `until_action`, `at_climb`)."""
        if self.interval_ns is None:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        begin_ns, end_ns = self.interval_ns
        begins = [action.begin_ns for action in self.series.actions]
        ends = [action.end_ns for action in self.series.actions]
        from_ns = [self.epochs[climb.start].end_ns for climb in self.climbs]
        to_ns = [self.epochs[climb.stop].end_ns for climb in self.climbs]
        edges = [begin_ns, *begins, *([begin_ns] * len(begins)), *from_ns], [end_ns, *ends, *ends, *to_ns]
        return np.array(edges[0], dtype=np.int64), np.array(edges[1], dtype=np.int64)

    def at_action(self, position: int) -> int:
        """Where an action stands among `edges_ns`."""
        return 1 + position

    def until_action(self, position: int) -> int:
        """Where the interval from the run's beginning to an action's end stands among `edges_ns`."""
        return 1 + len(self.series.actions) + position

    def at_climb(self, position: int) -> int:
        """Where a climb stands among `edges_ns`."""
        return 1 + 2 * len(self.series.actions) + position

    @cached_property
    def epochs(self) -> list[Action]:
        """The epochs in order of time."""
        return sorted((a for a in self.series.actions if a.name == EPOCH), key=lambda action: action.end_ns)

    @cached_property
    def accuracies(self) -> list[float]:
        """Validation accuracy of each of `epochs`; NaN where it was not marked."""
        return [number(action.metrics.get("val_accuracy")) for action in self.epochs]

    @cached_property
    def climbs(self) -> list[Climb]:
        """From one level of accuracy to the next, as far as it came."""
        return climbs(self.accuracies)

    @property
    def clock_bound_s(self) -> float:
        """How wrong the SUT's stamps may be on the meter's: the clocks' bound, and what is not known of a latency that
        a sync pulse found (as a bound of the same variance); 0 where only one clock stamped everything."""
        bound_s = self.series.clock_bound_s
        if (window := publisher.window_of(self.run)) is not None:
            bound_s = window.bound_s or 0.0
        return float(np.hypot(bound_s, ROOT_3 * self.latency_u_s))

    @property
    def stamps_unknown(self) -> bool:
        """Whether a meter's stamps may mark either edge of their window."""
        return self.convention is None and any(
            part.descriptor.stamp == "unknown" and part.descriptor.averaging == "window" for part in self.parts
        )

    @cached_property
    def own_terms(self) -> RunTerms | None:
        """What makes its energies uncertain, without a baseline; None where it has none."""
        return Baseline([]).terms(self) if self.streams else None

    def terms_over(self, begins_ns: NDArray[np.int64], ends_ns: NDArray[np.int64], bound_s: float) -> RunTerms:
        """Gross energies of any intervals with all that makes them uncertain; `bound_s` (of their stamps) joins the
        clock's."""
        return self.terms_on_meter(begins_ns, ends_ns, self.clock_bound_s + bound_s)

    def terms_on_meter(self, begins_ns: NDArray[np.int64], ends_ns: NDArray[np.int64], bound_s: float) -> RunTerms:
        """The same of intervals whose edges the meter's own stamps tell within `bound_s`."""
        start, convention_j = self.with_convention("start"), None
        if self.stamps_unknown and self.function is not None and start.function is not None:
            more_j = start.function.energy_j(begins_ns, ends_ns) - self.function.energy_j(begins_ns, ends_ns)
            convention_j = more_j, np.full(more_j.size, np.nan)
        return run_terms(self.streams, begins_ns, ends_ns, None, (), bound_s, convention_j)

    @property
    def interval_ns(self) -> tuple[int, int] | None:
        """The rating interval."""
        if self.series.begin_ns is None or self.series.end_ns is None:
            return None
        return self.series.begin_ns, self.series.end_ns

    @property
    def duration_s(self) -> float:
        """Length of the rating interval; NaN where it was not marked."""
        return (self.interval_ns[1] - self.interval_ns[0]) * 1e-9 if self.interval_ns else float("nan")

    @cached_property
    def energy_j(self) -> float:
        """Energy of the rating interval; NaN where unknown."""
        return float(self.function.energy_j(*self.interval_ns)) if self.function and self.interval_ns else float("nan")

    @cached_property
    def idle_w(self) -> float | None:
        """Mean power just before the rating interval, without the window that it begins in; None where hardly anything
        was recorded there."""
        if self.function is None or self.interval_ns is None:
            return None
        reach_ns = round(1e9 * max(float(np.median(part.window_s)) or part.usual_step_s for part in self.parts))
        end_ns = self.interval_ns[0] - reach_ns
        first_ns = self.function.origin_ns + round(1e9 * float(self.function.edges_s[0]))
        begin_ns = max(first_ns, end_ns - round(1e9 * IDLE_S))
        if end_ns - begin_ns < 2 * reach_ns:
            return None
        return float(self.function.energy_j(begin_ns, end_ns)) / ((end_ns - begin_ns) * 1e-9)

    @cached_property
    def gap_s(self) -> float:
        """Time of the rating interval that no reading covers."""
        return float(self.function.gap_s(*self.interval_ns)) if self.function and self.interval_ns else float("nan")

    @cached_property
    def gap_energy_j(self) -> float:
        """Energy of the gaps."""
        return (
            float(self.function.gap_energy_j(*self.interval_ns)) if self.function and self.interval_ns else float("nan")
        )

    @cached_property
    def doubles_j(self) -> list[tuple[float, float]]:
        """Energy of the rating interval by both meters of each pair on one circuit (`RunSeries.doubles`)."""
        if self.interval_ns is None:
            return []
        return [
            (float(one.energy_j(*self.interval_ns)), float(other.energy_j(*self.interval_ns)))
            for one, other in ((power_function(a), power_function(b)) for a, b in self.series.doubles)
        ]

    @property
    def mean_power_w(self) -> float:
        """Energy / duration."""
        return self.energy_j / self.duration_s

    @cached_property
    def gpu(self) -> hardware.GpuEnergy | None:
        """GPU energy of the rating interval (J, shape (1,))."""
        if self.interval_ns is None:
            return None
        begins_ns, ends_ns = (np.array([edge], dtype=np.int64) for edge in self.interval_ns)
        return hardware.gpu_energy(self.series.indicators, begins_ns, ends_ns)

    @cached_property
    def gpu_energy_j(self) -> float:
        """GPU energy; NaN where unknown."""
        return float("nan") if self.gpu is None else float(self.gpu.energy_j[0])

    @cached_property
    def indicator_means(self) -> dict[str, float]:
        """Indicator -> mean over the rating interval."""
        if self.series.indicators is None or self.interval_ns is None:
            return {}
        return hardware.means(self.series.indicators, *self.interval_ns)

    @property
    def excluded_because(self) -> str | None:
        """Why it enters no mean; None where it does."""
        if self.broken:
            return "its seal is broken: its bytes are not those that were measured"
        if self.unreadable is not None:
            return f"it cannot be read: {self.unreadable}"
        if self.run.exit_status != "success":
            return self.run.reason or "it did not succeed"
        if self.run.start.kind in NOT_RATED:
            return NOT_RATED[self.run.start.kind]
        if self.interval_ns is None:
            return "its rating interval was never marked"
        if not self.parts:
            return "no power reading lies in its rating interval"
        failed = [OUT[f.code] for f in self.findings if f.severity == "invalid" and f.code in OUT]
        return failed[0] if failed else self.exclusion

    @property
    def is_aborted_late(self) -> bool:
        """Whether the lab's side ended it when its rating interval was over: the host had gone on to the supplementary
        run, or the command had ended by itself. What was imported nobody here aborted."""
        start = self.run.start
        if self.run.exit_status != "abort" or start.source is not None or start.kind in NOT_RATED:
            return False
        if self.interval_ns is None:
            return False
        phases = [event for event in self.run.events if isinstance(event, PhaseEvent)]
        names = {event.name for event in phases}
        if "supplementary" in names or "stabilization" not in names:
            return True
        return any(event.name == "rating" and event.exit_code == 0 for event in phases)

    @property
    def session(self) -> str:
        """What shares a clock and a warm-up with it: one boot of host and SUT; of an import, one calendar day."""
        if self.run.start.time_base == "source-wall":
            return f"day {self.run.start.time_ns // (86_400 * 10**9)}"
        return f"{self.run.start.host.get('boot_id')} {self.run.start.sut.get('boot_id')}"

    def with_convention(self, convention: Convention) -> "AnalysedRun":
        """The same run, its meter's stamps read otherwise."""
        return replace(self, convention=convention)


@dataclass(frozen=True)
class Baseline:
    """The included baseline runs of a campaign, and what the agent adds to all power (None: not measured)."""

    runs: list[AnalysedRun]
    observer: ObserverEffect | None = None

    @cached_property
    def blocks(self) -> list[Block]:
        """Their mean powers."""
        return _blocks(self.runs)

    @cached_property
    def started(self) -> "Baseline":
        """The same runs, their stamps marking the start of their window."""
        return Baseline([run.with_convention("start") for run in self.runs], self.observer)

    @cached_property
    def by_circuit(self) -> dict[str, list[tuple[AnalysedRun, int]]]:
        """Circuit -> the runs that measured it, and where it stands among their streams."""
        found: dict[str, list[tuple[AnalysedRun, int]]] = {}
        for run in self.runs:
            for place, part in enumerate(run.parts):
                found.setdefault(part.descriptor.circuit, []).append((run, place))
        return found

    def level(self, run: AnalysedRun) -> BaselineLevel | None:
        """P_B for a run."""
        return baseline_for(self.blocks, run.session, *run.interval_ns, run.idle_w) if run.interval_ns else None

    def terms(self, run: AnalysedRun) -> RunTerms:
        """What makes the energies of a run's `edges_ns` uncertain against this baseline."""
        level, (begins_ns, ends_ns) = self.level(run), run.edges_ns
        beside = () if level is None else tuple(self._beside(run, level, stream) for stream in run.streams)
        convention_j = self._convention_j(run, level) if run.stamps_unknown else None
        bound_s, observer = run.clock_bound_s, self.observer
        return run_terms(run.streams, begins_ns, ends_ns, level, beside, bound_s, convention_j, observer)

    def _beside(self, run: AnalysedRun, level: BaselineLevel, stream: Stream) -> PartBaseline:
        """The baseline of the circuit of one of the run's streams."""
        begins_ns, ends_ns = run.edges_ns
        everyone = self.by_circuit.get(stream.series.descriptor.circuit, [])
        own = [(one, place) for one, place in everyone if one.session == run.session]
        errors = [one.streams[place].error for one, place in own or everyone]
        same = bool(errors) and all(error.key == stream.error.key and error.one_range for error in errors)
        same = same and stream.error.one_range
        alone: BaselineLevel | None = level
        if len(run.streams) > 1:
            blocks = [_block(one, float(one.streams[place].function.energy_j(*one.interval_ns)))
                      for one, place in everyone if one.interval_ns]  # fmt: skip
            alone = baseline_for(blocks, run.session, *run.interval_ns) if run.interval_ns else None
        energy_j = np.zeros(begins_ns.size) if alone is None else alone.energy_j(begins_ns, ends_ns)
        limits_w = [part.reported_j[0] / one.duration_s for one, place in own or everyone if one.own_terms
                    if (part := one.own_terms.parts[place]).reported_j is not None]  # fmt: skip
        reported_j = np.mean(limits_w) * (ends_ns - begins_ns) * 1e-9 if limits_w else None
        noises_w = [one.noises_w[place] for one, place in own or everyone] or [0.0]
        noise_w = float(np.sqrt(np.mean(np.square(noises_w))))
        return PartBaseline(energy_j, reported_j, same, same and bool(own), noise_w)

    def _convention_j(
        self, run: AnalysedRun, level: BaselineLevel | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """How much more energy there would be if the stamps marked the start of their windows: total and induced."""
        start, (begins_ns, ends_ns) = run.with_convention("start"), run.edges_ns
        if run.function is None or start.function is None:
            return None
        more_j = start.function.energy_j(begins_ns, ends_ns) - run.function.energy_j(begins_ns, ends_ns)
        other = self.started.level(start)
        if level is None or other is None:
            return more_j, np.full(more_j.size, np.nan)
        return more_j, more_j - (other.energy_j(begins_ns, ends_ns) - level.energy_j(begins_ns, ends_ns))


@dataclass(frozen=True)
class Group:
    """The included runs of one scenario against a baseline; everything an array of shape (runs,)."""

    runs: list[AnalysedRun]
    baseline: Baseline

    @property
    def blocks(self) -> list[Block]:
        """The baseline's blocks."""
        return self.baseline.blocks

    @cached_property
    def levels(self) -> list[BaselineLevel | None]:
        """P_B for each run."""
        return [terms.level for terms in self.terms]

    @cached_property
    def terms(self) -> list[RunTerms]:
        """What makes each run's energies uncertain."""
        return [self.baseline.terms(run) for run in self.runs]

    @cached_property
    def durations_s(self) -> NDArray[np.float64]:
        """Seconds."""
        return np.array([run.duration_s for run in self.runs])

    @cached_property
    def energies_wh(self) -> NDArray[np.float64]:
        """Total energy."""
        return np.array([own.energy_j[AT_RUN] for own in self.terms]) / WH

    @cached_property
    def induced_wh(self) -> NDArray[np.float64]:
        """Induced energy; NaN without a baseline."""
        return np.array([own.induced_j[AT_RUN] for own in self.terms]) / WH

    @cached_property
    def gross_budget(self) -> Budget | None:
        """The budget of the mean energy of a run (Wh)."""
        shared = baseline_term(self.terms, self._whole, np.full(len(self.runs), 1 / WH), induced=False)
        return budget.of_mean(self.terms, self._whole, np.full(len(self.runs), 1 / WH), "Wh", "gross", shared)

    @cached_property
    def induced_budget(self) -> Budget | None:
        """The budget of the mean induced energy of a run (Wh)."""
        shared = baseline_term(self.terms, self._whole, np.full(len(self.runs), 1 / WH), induced=True)
        return budget.of_mean(self.terms, self._whole, np.full(len(self.runs), 1 / WH), "Wh", "induced", shared)

    @property
    def induced(self) -> Number | None:
        """The scenario's induced energy."""
        return None if self.induced_budget is None else self.induced_budget.number

    @property
    def power(self) -> Number | None:
        """Mean power of a run (W)."""
        shared = baseline_term(self.terms, self._whole, 1 / self.durations_s, induced=False)
        return _number_of(budget.of_mean(self.terms, self._whole, 1 / self.durations_s, "W", "gross", shared))

    @property
    def induced_power(self) -> Number | None:
        """Mean power above the baseline (W)."""
        shared = baseline_term(self.terms, self._whole, 1 / self.durations_s, induced=True)
        return _number_of(budget.of_mean(self.terms, self._whole, 1 / self.durations_s, "W", "induced", shared))

    @property
    def _whole(self) -> list[int]:
        return [AT_RUN] * len(self.runs)


def induced_j(run: AnalysedRun, level: BaselineLevel | None) -> float:
    """Induced energy of a run (J); NaN where unknown."""
    if level is None or run.interval_ns is None:
        return float("nan")
    return run.energy_j - float(level.energy_j(*run.interval_ns))


def exclusion_of(path: Path) -> str | None:
    """Why one sealed run enters no mean, judged when it was made: by itself, and by its foreign load beside what its
    campaign holds so far; None where it does, as far as can be told then."""
    try:
        run = RunFolder.open(path)
        analysed = AnalysedRun(run, read_run(run))
        limits = findings.thresholds_of(run)
        analysed.findings.extend(_run_findings(analysed, findings_run.typical_steps_s([analysed.series]), limits))
    except (AnalysisError, DocumentError, RunFolderError) as error:
        return f"it cannot be read: {str(error).replace(f'{path.parent}/', '')}"
    analysed.findings.extend(_oracle_findings(analysed, [analysed]))
    if analysed.excluded_because is None:
        analysed.findings.extend(_foreign_so_far(analysed, limits))
    return analysed.excluded_because


def _foreign_so_far(run: AnalysedRun, limits: Mapping[str, float]) -> list[Finding]:
    """`foreign-load` of a run by the blocks, the pulses and the full load that its campaign holds so far, as `analyse`
    judges it. One with less of it than the baseline is left to the report: what was disturbed is the baseline then, and
    to make the run again would mend nothing."""
    runs = [*_measured_before(run.run.path), replace(run, findings=list(run.findings))]
    pulses = _pulses(runs)
    runs = [_placed(one, pulses) for one in runs]
    _judge_foreign_load(runs, pulses, _observer(runs), limits)
    own = (finding for finding in runs[-1].findings if finding.code == "foreign-load")
    return [one for one in own if one.evidence["percent_of_all_cpus"] > one.evidence["baseline_percent"]]


def _measured_before(path: Path) -> Iterator[AnalysedRun]:
    """What tells the foreign load of a run of the same campaign: everything but runs of other scenarios than full load.
    What was thrown out is in no mean; what cannot be read any more is the report's business."""
    campaign = CampaignFolder(path.parent)
    thrown_out = _thrown_out(campaign.entries())
    for other in campaign.run_paths():
        try:
            run = RunFolder.open(other)
            if other == path or (run.start.kind == "scenario" and run.start.scenario != label.FULL_LOAD):
                continue
            series = read_run(run)
            _ = series.power, series.indicators  # read now, so that damage is found here
        except (AnalysisError, DocumentError, RunFolderError):
            continue
        yield AnalysedRun(run, series, exclusion=thrown_out.get(other.name))


def analyse(path: Path, examination: Examination | None = None) -> CampaignResult:
    """Every number of a campaign; `examination` is what `examine(path)` found, where it was called before.

    Raises:
        AnalysisError: the campaign holds no run that can be read.
    """
    seen = examination or examine(path)
    entries = seen.entries
    found = [
        Finding("broken-seal", "invalid", check.subject, {"check": check.name, "detail": check.detail})
        for check in seen.checks
        if not check.passed
    ]
    found += findings.of_annotations(seen.annotations)
    runs = list(_read_runs(path, seen, found))
    if not runs:
        raise AnalysisError(f"{path}: the campaign holds no run that can be read; `wattlab run` measures it")
    pulses = _pulses(runs)
    runs = [_placed(run, pulses) for run in runs]
    _tell_idle_power(runs)
    found += pulses.findings()
    limits = findings.thresholds_of(runs[0].run)
    found += findings.of_thresholds(limits)
    typical_s = findings_run.typical_steps_s([run.series for run in runs])
    for run in runs:
        run.findings.extend(_run_findings(run, typical_s, limits))
        run.findings.extend(_oracle_findings(run, runs))
    aborted = [run for run in runs if run.is_aborted_late and _is_sound(run, typical_s, limits)]
    observer = _observer(runs)
    _judge_foreign_load(runs, pulses, observer, limits)
    included = [run for run in runs if run.excluded_because is None]
    baseline_runs = [run for run in included if run.run.start.kind == "baseline"]
    baseline = Baseline(baseline_runs, observer)
    outliers = _outliers(baseline_runs, limits)
    lost = lost_runs(entries)
    found += [finding for run in runs for finding in run.findings] + _never_recorded(entries, lost)
    found += findings.of_notes([run.run for run in runs])
    found += witnessed.findings_of(entries, seen.receipts, limits)
    found += findings_time.of_host_clock([run.series for run in runs])
    found += _thrown_out_findings(runs, _thrown_out(entries))
    parts = [part for run in included if run.own_terms for part in run.own_terms.parts]
    found += findings_campaign.of_limits([part.error for part in parts if part.reported_j is None])
    found += findings_campaign.of_calibration([run.run for run in runs])
    found += findings_campaign.of_pooling([run.run for run in included])
    found += findings_campaign.of_monitoring({run.run.path.name: _not_monitored(run, limits) for run in included})
    names = sorted({run.run.start.scenario for run in runs if run.run.start.kind == "scenario"})
    groups = {name: Group([run for run in included if run.run.start.scenario == name], baseline) for name in names}
    terms = {id(run): own for group in groups.values() for run, own in zip(group.runs, group.terms, strict=True)}
    for run in included:
        own = terms.get(id(run), run.own_terms)
        found += _clock_findings(run, None if own is None else own.level, limits)
        if own is not None and not was(Rule.SHORT_INTERVALS):
            found += findings_run.of_length(run.series, own.parts, AT_RUN, run.duration_s, limits)
    found += [_outlier_finding(run, score) for run, score in outliers]
    found += _baseline_findings(baseline_runs, runs, limits)
    scenarios = {}
    for name, group in groups.items():
        everyone = [run for run in runs if run.run.start.scenario == name and run.run.start.kind == "scenario"]
        gone = sum(run["scenario"] == name for run in lost)
        odd_blocks = [run for run, _ in outliers]
        context = ScenarioContext(name, group, everyone, baseline_runs, odd_blocks, aborted, limits, entries, gone)
        scenarios[name] = context.to_json()
        found += context.findings + findings_campaign.of_half_width(name, scenarios[name], limits)
    beside = _trackers(runs, entries, seen, limits)
    found += beside.findings()
    ordinals = {name: [run.run.start.ordinal for run in group.runs] for name, group in groups.items()}
    found += findings_campaign.of_order(ordinals, limits) + verdict.of_result(scenarios)
    measurement, meters = _measurement(runs)
    base = _baseline(runs, baseline_runs, outliers, sum(one["kind"] == "baseline" for one in lost))
    certify = all(run.run.start.config.get("lab", {}).get("certify_declared") is True for run in runs)
    found = findings.of_origins(meters, certify_declared=certify) + found
    found = findings.ordered([one for one in found if not was(Rule.NEW_FINDINGS) or findings.is_of_first(one)])
    out = {run.run.path.name for run in runs if run.excluded_because is not None} | seen.unreadable.keys()
    known = _scenarios(runs, groups)
    invalid = verdict.invalid_because(found, out, known)
    for name, entry in scenarios.items():
        entry["invalid_because"] = invalid.get(name, [])
    return CampaignResult(
        campaign=_campaign(entries, runs) | {"lost": lost},
        measurement=measurement,
        meters=meters,
        cross_checks=_cross_checks(included),
        sut=runs[0].run.start.sut,
        host=runs[0].run.start.host,
        indicators=_indicators(runs),
        baseline=base,
        scenarios=scenarios,
        label=_label(baseline_runs, groups, base, scenarios, runs, entries, limits),
        clock=_clock(runs, pulses),
        observer=None if observer is None else observer.to_json(),
        records=records.evaluate([run.series for run in runs]),
        trackers=beside.to_json(tracker_cost.evaluate(groups, limits), trackers.supply_of(runs[0].run.start.config)),
        runs=[_run_json(run, terms.get(id(run), run.own_terms), found) for run in runs],
        findings=found,
        thresholds=dict(limits),
        verdict=verdict.judged(found, out, verdict.decided(runs[0].run.start.config, scenarios), known),
        inputs={run.run.path.name: run.run.manifest_sha256 for run in runs},
        evidence=witnessed.evaluate(entries, seen.receipts, limits),
        groups=groups,
    )


def _scenarios(runs: Sequence[AnalysedRun], groups: "Mapping[str, Group]") -> verdict.Scenarios:
    """Which runs are of which scenario, and which scenarios have any in the means."""
    owner = {run.run.path.name: run.run.start.scenario for run in runs if run.run.start.kind == "scenario"}
    measured = frozenset(name for name, group in groups.items() if group.runs)
    return verdict.Scenarios(owner | {name: name for name in groups}, measured)


def _trackers(
    runs: Sequence[AnalysedRun], entries: Sequence[Entry], seen: Examination, limits: Mapping[str, float]
) -> trackers.Trackers:
    """What trackers said of the runs: by the runs' own artefacts, and attached to the campaign, where the attachment is
    as it was attached."""
    broken = {check.subject for check in seen.checks if not check.passed and check.name == "attachment"}
    attached: dict[str, dict[str, Json]] = {}
    for attachment in of(Attachment, entries):
        sound = attachment.note == TRACKER and attachment.path not in broken
        if sound and isinstance(record := attachment.raw.get("tracker"), dict):
            attached.setdefault(attachment.run, {})[str(record.get("name"))] = record  # the last one counts
    rows, missing = [], []
    for run in runs:
        if run.run.start.kind != "scenario" or run.broken:
            continue
        accounts, none = trackers.accounts_of(run.run, list(attached.get(run.run.path.name, {}).values()))
        rows += [trackers.beside(run, account, limits) for account in accounts]
        missing += [(run.run.path.name, one) for one in none] if run.excluded_because is None else []
    return trackers.Trackers(rows, missing, limits)


def _label(
    baseline_runs: Sequence[AnalysedRun], groups: Mapping[str, "Group"], base: Json | None, scenarios: dict[str, Json],
    runs: Sequence[AnalysedRun], entries: Sequence[Entry], limits: Mapping[str, float],
) -> Json:  # fmt: skip
    """The label's rows, of the runs that enter the means."""
    parts = {label.BASELINE: baseline_runs} | {name: group.runs for name, group in groups.items()}
    units = {name: hardware.unit_of(name, unit) for name, unit in _units(runs).items()}
    taken = {name: [label.LabelRun(run.series, run.indicator_means) for run in part] for name, part in parts.items()}
    photos = sum(attachment.note == PHOTO for attachment in of(Attachment, entries))
    return label.evaluate(taken, units, base, scenarios, limits, [run.series for run in runs], photos)


def _read_runs(path: Path, seen: Examination, found: list[Finding]) -> Iterator[AnalysedRun]:
    """Every run on disk, in the log's order. What cannot be read is a finding, which does not say where the campaign
    lies; the run is then excluded."""
    order = {begin.folder: place for place, begin in enumerate(of(RunBegin, seen.entries))}
    exclusions = _thrown_out(seen.entries) | _exclusions(seen.annotations)
    broken = {check.subject for check in seen.checks if not check.passed}
    for name in sorted(seen.runs.keys() | seen.unreadable.keys(), key=lambda name: (order.get(name, len(order)), name)):
        if name in seen.unreadable:
            detail = seen.unreadable[name].replace(f"{path}/", "")
            found.append(Finding("unreadable", "invalid", name, {"detail": detail}))
            continue
        run, unreadable = seen.runs[name], None
        try:
            series = read_run(run)
            _ = series.power, series.indicators  # read now, so that damage is found here
        except AnalysisError as error:
            unreadable = str(error).replace(f"{path}/", "")
            found.append(Finding("unreadable", "invalid", name, {"detail": unreadable}))
            unreadable = None if was(Rule.DAMAGED_CELLS) else unreadable
            series = read_run(replace(run, power=(), indicators=(), events=()))
        exclusion = exclusions.get(name)
        yield AnalysedRun(run, series, exclusion=exclusion, broken=name in broken, unreadable=unreadable)


def _pulses(runs: Sequence[AnalysedRun]) -> sync.SyncPulses:
    """What the sync runs that succeeded show."""
    made = [run for run in runs if run.run.start.kind == "sync" and run.run.exit_status == "success" and not run.broken]
    return sync.SyncPulses(tuple(pulse for run in made for pulse in sync.pulses_of(run.series, run.session)))


def _placed(run: AnalysedRun, pulses: sync.SyncPulses) -> AnalysedRun:
    """The run with the stamps that its meters leave open placed where the pulses found them."""
    series = pulses.placed(run.series, run.session)
    if series is run.series:
        return run
    changed = {after.meter for before, after in zip(run.run.power, series.run.power, strict=True) if before != after}
    offsets = [pulses.offset(descriptor, run.session) for descriptor in run.run.power if descriptor.meter in changed]
    return replace(run, series=series, latency_u_s=max((o.u or 0.0 for o in offsets if o is not None), default=0.0))


def _tell_idle_power(runs: Sequence[AnalysedRun]) -> None:
    """Say the mean powers of the blocks of its session (of all, where there is none) to every run whose readings do not
    reach over its interval: they bound the power that was not read."""
    open_ended = [run for run in runs if _may_be_open(run)]
    blocks = [
        run for run in runs
        if open_ended and run.run.start.kind == "baseline" and run.run.exit_status == "success" and not run.broken
    ]  # fmt: skip
    means_w: dict[str, list[tuple[str, float]]] = {}
    for block in blocks:
        for part in block.parts if block.interval_ns else ():
            energy_j = float(power_function(part, block.convention).energy_j(*(block.interval_ns or (0, 0))))
            means_w.setdefault(part.descriptor.circuit, []).append((block.session, energy_j / block.duration_s))
    for run in open_ended:
        for circuit, means in means_w.items():
            own = tuple(mean_w for session, mean_w in means if session == run.session)
            run.block_w[circuit] = own or tuple(mean_w for _, mean_w in means)


def _may_be_open(run: AnalysedRun) -> bool:
    """Whether a stream begins late or ends early, as far as its stamps alone tell."""
    begin_ns, end_ns = run.interval_ns or (0, 0)
    lags_ns = [round(part.descriptor.latency_s / NS) for part in run.parts]
    return any(
        part.times_ns[0] - lag_ns > begin_ns or part.times_ns[-1] - lag_ns < end_ns
        for part, lag_ns in zip(run.parts, lags_ns, strict=True)
    )


def _clock(runs: Sequence[AnalysedRun], pulses: sync.SyncPulses) -> Json:
    bounds_s = [run.series.clock.bound_ns * 1e-9 for run in runs if run.series.clock is not None]
    primary = sorted({meter for run in runs for meter in run.series.primary_meters})
    return {"bound_s": single(max(bounds_s), "s").to_json() if bounds_s else None, **pulses.to_json(primary)}


def _observer(runs: Sequence[AnalysedRun]) -> ObserverEffect | None:
    """The observer effect from its blocks; None without any."""
    made = [
        run for run in runs
        if run.run.start.kind == "observer" and run.run.exit_status == "success" and run.streams and not run.broken
    ]  # fmt: skip
    found = {
        load: difference([
            ObserverBlock(sum(run.interval_ns or (0, 0)) * 0.5e-9, run.mean_power_w, bool(parameters["agent"]))
            for run in made
            if (parameters := run.run.start.scenario_config["parameters"])["load"] == load
        ])
        for load in ("idle", "load")
    }  # fmt: skip
    return ObserverEffect(found["idle"], found["load"]) if made else None


def _exclusions(annotations: Sequence[Entry]) -> dict[str, str]:
    """Run folder -> why the operator took it out, with who and when."""
    return {
        note.run: f"excluded by {note.operator}, {note.utc}: {note.exclude}"
        for note in of(Annotation, annotations)
        if note.exclude and note.run
    }


def _thrown_out(entries: Sequence[Entry]) -> dict[str, str]:
    """Run folder -> why it was thrown out when it was measured."""
    return {
        end.folder: f"thrown out when it was measured: {end.thrown_out}"
        for end in of(RunEnd, entries)
        if end.thrown_out
    }


def _thrown_out_findings(runs: Sequence[AnalysedRun], reasons: Mapping[str, str]) -> list[Finding]:
    """`thrown-out`: runs that were thrown out when they were measured, and that nothing found today keeps out."""
    return [
        Finding("thrown-out", "warn", run.run.path.name, {"reason": run.exclusion})
        for run in runs
        if run.run.path.name in reasons and run.excluded_because == run.exclusion
    ]


def lost_runs(entries: Sequence[Entry]) -> list[Json]:
    """Runs that had been begun and of which nothing is left: `{ordinal, attempt, kind, scenario, repetition, folder,
    begun_utc, reason}`, in the order they were begun."""
    planned = {str(run.get("ordinal")): run for plan in of(Plan, entries) for run in plan.runs}
    begun = {begin.folder: begin for begin in of(RunBegin, entries)}
    lost = []
    for end in of(RunEnd, entries):
        if end.lost == LOST:
            begin, plan = begun.get(end.folder), planned.get(str(end.ordinal), PULSE)
            lost.append({
                "ordinal": end.ordinal, "attempt": begin and begin.attempt,
                **{key: plan.get(key) for key in ("kind", "scenario", "repetition")},
                "folder": end.folder, "begun_utc": begin and begin.utc, "reason": end.reason,
            })  # fmt: skip
    return lost


def _never_recorded(entries: Sequence[Entry], lost: Sequence[Json]) -> list[Finding]:
    """Runs that the log knows and that left no folder: removed, or cut off before anything was recorded."""
    gone = {one["folder"] for one in lost}
    aborted = [
        Finding("run-aborted", "info", end.folder, {"reason": end.reason})
        for end in of(RunEnd, entries)
        if end.manifest is None and end.folder not in gone
    ]
    keys = ("ordinal", "attempt", "scenario", "begun_utc", "reason")
    return aborted + [Finding("run-lost", "warn", one["folder"], {key: one[key] for key in keys}) for one in lost]


def _run_findings(run: AnalysedRun, typical_s: Mapping[str, float], limits: Mapping[str, float]) -> list[Finding]:
    found, name = findings.of_ending(run.run), run.run.path.name
    found += publisher.findings(run.run, run.parts[0] if run.parts else None)
    if run.is_aborted_late:
        evidence = {"reason": run.run.reason, "duration_s": run.duration_s, "energy_wh": _or_none(run.energy_j / WH)}
        found.append(Finding("aborted-after-rating", "warn", name, evidence))
    if run.run.exit_status != "success" or run.run.start.kind in NOT_RATED or run.unreadable is not None:
        return found
    found += findings.of_artifacts(run.run)
    if run.interval_ns is None:
        return [*found, Finding("no-rating", "invalid", name)]
    if not run.parts or run.own_terms is None:
        return [*found, *findings_run.of_odd_values(run.series, *run.interval_ns, limits),
                Finding("no-power", "invalid", name)]  # fmt: skip
    found += _measured_findings(run, run.interval_ns, run.own_terms, typical_s, limits)
    if not run.indicator_means:
        found.append(Finding("agent-missing", "info", name))
    return found


def _measured_findings(
    run: AnalysedRun,
    interval_ns: tuple[int, int],
    own: RunTerms,
    typical_s: Mapping[str, float],
    limits: Mapping[str, float],
) -> list[Finding]:
    """What the streams of a run with a rating interval and power say."""
    found: list[Finding] = []
    for stream, terms in zip(run.streams, own.parts, strict=True):
        missing = findings_run.missing_of(stream, *interval_ns, float(terms.gap_j[AT_RUN]))
        found += findings_run.of_readings(run.series, stream.series, *interval_ns, missing, limits)
    found += findings_run.of_odd_values(run.series, *interval_ns, limits)
    found += findings_run.of_rate(run.series, *interval_ns, typical_s, limits)
    found += findings_run.of_overrange(run.series, *interval_ns)
    found += findings_run.of_ranging(run.series)
    found += findings_run.of_doubles(run.series, *interval_ns, run.doubles_j)
    found += findings_run.of_repetitions(run.series, *interval_ns)
    found += findings_run.of_markers(run.series)
    found += findings_run.of_odd_cells(run.series)
    found += findings_run.of_resolution(run.series, own.parts, AT_RUN, limits)
    if was(Rule.SHORT_INTERVALS) or not findings_run.is_seen(own.parts, AT_RUN):
        found += findings_run.of_length(run.series, own.parts, AT_RUN, run.duration_s, limits)
    found += findings_run.of_accuracy(run.series, run.streams, *interval_ns, limits)
    found += findings_run.of_machine(run.series, *interval_ns)
    for rule in (findings_run.of_settling, findings_run.of_supply, findings_run.of_room):
        found += rule(run.series, *interval_ns, limits)
    if not was(Rule.LATE_STAMPS):
        found += findings_time.of_frozen(run.series, *interval_ns, limits)
        found += findings_time.of_agent(run.series, *interval_ns, limits)
        found += findings_time.of_arrival(run.series, *interval_ns)
    return found


def _is_sound(run: AnalysedRun, typical_s: Mapping[str, float], limits: Mapping[str, float]) -> bool:
    """Whether nothing but its ending keeps an aborted run out of the means."""
    if run.broken or run.unreadable or run.exclusion or not run.parts or not run.interval_ns or not run.own_terms:
        return False
    found = _measured_findings(run, run.interval_ns, run.own_terms, typical_s, limits)
    return not any(finding.severity == "invalid" and finding.code in OUT for finding in found)


def _judge_foreign_load(
    runs: Sequence[AnalysedRun], pulses: sync.SyncPulses, observer: ObserverEffect | None, limits: Mapping[str, float]
) -> None:
    """Append `foreign-load` to the findings of runs that enter the means so far: of blocks by the median of all blocks,
    of the others by the blocks that are left and by their U."""
    entering = [run for run in runs if run.excluded_because is None and run.interval_ns]
    shares = {id(run): foreign.share_percent(run.series, *run.interval_ns) for run in entering if run.interval_ns}
    blocks = [run for run in entering if run.run.start.kind == "baseline"]
    known = [share for run in blocks if (share := shares[id(run)]) is not None]
    usual = float(np.median(known)) if known else 0.0
    for run in blocks:
        run.findings.extend(_foreign_findings(run, shares[id(run)], usual, None, None, limits))
    baseline = Baseline([run for run in blocks if run.excluded_because is None], observer)
    left = [run for run in entering if run.run.start.kind != "baseline"]
    full = [run for run in left if run.run.start.scenario == label.FULL_LOAD]
    above_w = [float(baseline.terms(run).induced_j[AT_RUN]) / run.duration_s for run in full]
    cpu = foreign.busy_cpu([run.series for run in runs], pulses, observer, above_w)
    for run in left:
        beside = [share for block in baseline.runs if (share := shares[id(block)]) is not None]
        usual = float(np.mean(beside)) if beside else 0.0
        terms = baseline.terms(run) if cpu is not None and shares[id(run)] is not None else None
        run.findings.extend(_foreign_findings(run, shares[id(run)], usual, terms, cpu, limits))


def _foreign_findings(
    run: AnalysedRun, share: float | None, usual: float, terms: RunTerms | None, cpu: foreign.BusyCpu | None,
    limits: Mapping[str, float],
) -> list[Finding]:  # fmt: skip
    cpus = foreign.cpus_of(run.series)
    if share is None or cpus is None:
        return []
    expanded_j = float("nan") if terms is None else float(budget.of_one(terms, "induced").expanded_j[AT_RUN])
    known = expanded_j if np.isfinite(expanded_j) else None
    judged = foreign.Judged(run.run.path.name, share, usual, cpus, run.duration_s, known)
    return list(foreign.findings_of(judged, cpu, limits))


def _oracle_findings(run: AnalysedRun, runs: Sequence[AnalysedRun]) -> list[Finding]:
    """Whether the workload did its work, beside the other runs of its scenario."""
    expected = run.run.start.scenario_config.get("verification")
    if run.run.exit_status != "success" or run.run.start.kind in NOT_RATED or not isinstance(expected, dict):
        return []
    same = [one.summary for one in runs if one.run.start.scenario == run.run.start.scenario]
    return oracle.of_summary(run.run.path.name, expected, run.summary, same)


def _not_monitored(run: AnalysedRun, limits: Mapping[str, float]) -> frozenset[str]:
    interval_ns = run.interval_ns
    return findings_run.not_monitored(run.series, *interval_ns, limits) if interval_ns else frozenset()


def _clock_findings(run: AnalysedRun, level: BaselineLevel | None, limits: Mapping[str, float]) -> list[Finding]:
    """A clock's error counts by the step of power at the edges: against the baseline where there is one."""
    over_j = float("nan") if level is None else induced_j(run, level)
    step_w = over_j / run.duration_s if np.isfinite(over_j) else 0.0
    return list(findings_run.of_clock(run.series, run.energy_j, step_w, limits))


def _blocks(baseline_runs: Sequence[AnalysedRun]) -> list[Block]:
    return [_block(run, run.energy_j) for run in baseline_runs if run.interval_ns]


def _block(run: AnalysedRun, energy_j: float) -> Block:
    begin_ns, end_ns = run.interval_ns or (0, 0)
    middle_ns, slope_w_s = (begin_ns + end_ns) // 2, 0.0
    if run.function is not None and middle_ns > begin_ns:
        first_j, second_j = run.function.energy_j(np.array([begin_ns, middle_ns]), np.array([middle_ns, end_ns]))
        slope_w_s = float(second_j - first_j) / (run.duration_s / 2) ** 2
    return Block(begin_ns, end_ns, energy_j / run.duration_s, run.session, slope_w_s)


def _outliers(baseline_runs: Sequence[AnalysedRun], limits: Mapping[str, float]) -> list[tuple[AnalysedRun, float]]:
    means_w = np.array([run.mean_power_w for run in baseline_runs])
    return [(baseline_runs[at], score) for at, score in findings_campaign.outliers(means_w, limits)]


def _outlier_finding(run: AnalysedRun, score: float) -> Finding:
    quantity = "mean_power_w" if run.run.start.kind == "baseline" else "energy_wh"
    value = run.mean_power_w if quantity == "mean_power_w" else run.energy_j / WH
    evidence = {"quantity": quantity, "value": value, "modified_z": score}
    return Finding("outlier", "warn", run.run.path.name, evidence)


def _baseline_findings(
    baseline_runs: Sequence[AnalysedRun], runs: Sequence[AnalysedRun], limits: Mapping[str, float]
) -> list[Finding]:
    begun = sum(run.run.start.kind == "baseline" for run in runs)
    lost = findings_campaign.of_success("baseline", len(baseline_runs), begun, [], has_target=False, limits=limits)
    if not baseline_runs:
        return [Finding("baseline-missing", "warn", "campaign"), *lost]
    shortest_s = min(run.duration_s for run in baseline_runs)
    means_w = np.array([run.mean_power_w for run in baseline_runs])
    found = findings_campaign.of_correlation("baseline", means_w, limits)
    return [
        *lost,
        *found,
        *findings_campaign.shortened("baseline", "baseline", len(baseline_runs), shortest_s, {}, [], limits),
    ]


def _baseline(
    runs: Sequence[AnalysedRun], baseline_runs: Sequence[AnalysedRun], outliers: Sequence[tuple[AnalysedRun, float]],
    lost: int,
) -> Json | None:  # fmt: skip
    if not baseline_runs:
        return None
    means_w = np.array([run.mean_power_w for run in baseline_runs])
    scores = findings_campaign.modified_z(means_w)
    out = {id(run) for run, _ in outliers}
    everyone = sum(run.run.start.kind == "baseline" for run in runs) + lost
    gpu_w = [run.gpu_energy_j / run.duration_s for run in baseline_runs]
    pooled = _pooled(baseline_runs)
    blocks = [
        {
            "ordinal": run.run.start.ordinal, "folder": run.run.path.name, "block": run.run.start.block,
            "start_utc": run.run.start.utc, "midpoint_s": _midpoint_s(run, runs[0]),
            "duration_s": single(run.duration_s, "s").to_json(),
            "mean_power_w": single(run.mean_power_w, "W").to_json(),
            "modified_z": None if scores is None else float(scores[index]), "outlier": id(run) in out,
        }
        for index, run in enumerate(baseline_runs)
    ]  # fmt: skip
    return {
        "n_blocks": count(len(baseline_runs)).to_json(),
        "n_excluded": count(everyone - len(baseline_runs)).to_json(),
        "mean_power_w": _json(_number_of(pooled)),
        "budget": None if pooled is None else pooled.to_json(),
        "duration_s": _json(
            _lasting([run.duration_s for run in baseline_runs], [run.series.clock_bound_s for run in baseline_runs])
        ),
        "drift_w": single(means_w[-1] - means_w[0], "W").to_json() if means_w.size > 1 else None,
        "without_outliers": (
            _json(_number_of(_pooled([run for run in baseline_runs if id(run) not in out]))) if out else None
        ),
        "blocks": blocks,
        "hardware": {name: _json(mean_of(values, unit)) for name, (unit, values) in _hardware(baseline_runs).items()},
        "gpu_power_w": _json(mean_of(gpu_w, "W")),
    }


def _pooled(runs: Sequence[AnalysedRun]) -> Budget | None:
    """The budget of the pooled baseline power (W), its spread over the block means."""
    own = [(run.own_terms, run.duration_s) for run in runs]
    terms = [one for one, _ in own if one is not None]
    per_j = np.array([1 / duration_s for one, duration_s in own if one is not None])
    spread = budget.of_mean(terms, [AT_RUN] * len(terms), per_j, "W", "gross", None)
    if spread is None:
        return None
    level_w = pooled_w(_blocks(runs))
    number = replace(spread.number, estimate=replace(spread.number.estimate, value=level_w))
    return replace(spread, number=number, independent=replace(spread.independent, value=level_w))


def _midpoint_s(run: AnalysedRun, first: AnalysedRun) -> float | None:
    """From the first run's beginning; None across boots, whose monotonic clocks have nothing in common."""
    if run.interval_ns is None or (run.session != first.session and run.run.start.time_base != "source-wall"):
        return None
    origin_ns = first.series.begin_ns if first.series.begin_ns is not None else first.run.start.time_ns
    return ((run.interval_ns[0] + run.interval_ns[1]) // 2 - origin_ns) * 1e-9


def _hardware(runs: Sequence[AnalysedRun]) -> dict[str, tuple[str, NDArray[np.float64]]]:
    """Indicator -> unit, mean per run (NaN where a run has none)."""
    units = _units(runs)
    names = [name for name in units if any(name in run.indicator_means for run in runs)]
    return {
        name: (hardware.unit_of(name, units[name]), np.array([run.indicator_means.get(name, np.nan) for run in runs]))
        for name in names
    }


def _units(runs: Sequence[AnalysedRun]) -> dict[str, str]:
    return {
        str(column["name"]): hardware.recorded_unit(column)
        for run in runs
        for descriptor in run.run.indicators
        for column in descriptor.columns
    }


@dataclass(frozen=True)
class ScenarioContext:
    """One scenario: its included runs, all its runs, the baseline; assembles its entry and its findings."""

    name: str
    group: Group
    everyone: list[AnalysedRun]
    baseline_runs: list[AnalysedRun]
    outliers: list[AnalysedRun]
    aborted: list[AnalysedRun]
    """Runs and baseline blocks of the campaign that were aborted when their rating interval was over."""
    limits: Mapping[str, float]
    entries: Sequence[Entry]
    lost: int
    """Runs of it that had been begun and of which nothing is left."""

    @cached_property
    def findings(self) -> list[Finding]:
        """Findings about the scenario as a whole."""
        runs, group = self.group.runs, self.group
        found = findings_campaign.of_induced(self.name, group.induced) + self._success_findings()
        if not runs:
            return found
        own = [level.session is not None for level in group.levels if level is not None]
        if own and not all(own):
            found.append(
                Finding("baseline-other-session", "warn", self.name, {"runs": len(own) - sum(own), "of": len(own)})
            )
        elif own:
            found += self._of_baseline()
        summaries = [run.summary for run in runs]
        found += findings_campaign.shortened(
            self.name, "scenario", len(runs), float(group.durations_s.min()), self.parameters, summaries, self.limits
        )
        intervals = [(*run.interval_ns, run.session) for run in runs if run.interval_ns]
        found += findings_campaign.of_blocks(self.name, intervals, group.blocks)
        known = np.isfinite(group.induced_wh).all()
        series = group.induced_wh if known else group.energies_wh
        found += findings_campaign.of_correlation(self.name, series, self.limits)
        return found + [_outlier_finding(run, score) for run, score in self.odd]

    @cached_property
    def odd(self) -> list[tuple[AnalysedRun, float]]:
        """Runs whose energy is an outlier, with their scores."""
        found = findings_campaign.outliers(self.group.energies_wh, self.limits)
        return [(self.group.runs[at], score) for at, score in found]

    def _success_findings(self) -> list[Finding]:
        runs, fixed = self.group.runs, self.parameters.get("fixed_epochs")
        reached = [run.summary.get("reached") for run in runs]
        return findings_campaign.of_success(
            self.name, len(runs), len(self.everyone) + self.lost, reached, has_target=not fixed, limits=self.limits
        )

    def _of_baseline(self) -> list[Finding]:
        """Whether the blocks of the runs' session are one baseline."""
        group = self.group
        blocks = [block for block in group.blocks if block.session == group.runs[0].session]
        means_w = np.array([block.mean_w for block in blocks])
        times_s = np.array([block.midpoint_ns - blocks[0].midpoint_ns for block in blocks]) * 1e-9
        sd_wh = None if group.induced is None else group.induced.sd
        duration_s, runs = float(group.durations_s.mean()), len(group.runs)
        found = findings_campaign.of_drift(self.name, means_w, times_s, duration_s, sd_wh, runs, self.limits)
        return found + findings_campaign.of_unsteady(self.name, means_w, duration_s, group.induced, self.limits)

    @property
    def parameters(self) -> Json:
        """Parameters of the scenario, as resolved."""
        found = self.everyone[0].run.start.scenario_config.get("parameters")
        return found if isinstance(found, dict) else {}

    def to_json(self) -> Json:
        """`scenarios.NAME` of results.json."""
        group = self.group
        records = self._records()
        config = self.everyone[0].run.start.scenario_config
        return {
            "title": config.get("title") or self.name,
            "n_runs": count(len(group.runs)).to_json(),
            "n_excluded": count(len(self.everyone) + self.lost - len(group.runs)).to_json(),
            "parameters": self.parameters,
            "mean_power_w": _json(group.power),
            "energy_wh": _json(_number_of(group.gross_budget)),
            "induced_energy_wh": _json(group.induced),
            "induced_power_w": _json(group.induced_power),
            "budget": {
                "gross": None if group.gross_budget is None else group.gross_budget.to_json(),
                "induced": None if group.induced_budget is None else group.induced_budget.to_json(),
            },
            "duration_s": _json(_lasting(group.durations_s, [run.series.clock_bound_s for run in group.runs])),
            "gap_energy_wh": _json(mean_of([run.gap_energy_j / WH for run in group.runs], "Wh")),
            "tail": self._tail(),
            "two_stage": self._two_stage(),
            "alternatives": self._alternatives(),
            "efficiency": self._efficiency(),
            "success": self._success(),
            "energy_to_accuracy": self._energy_to_accuracy(),
            "marginal_energy": self._marginal_energy(),
            "epochs": [record for record in records if record["name"] == EPOCH],
            "actions": [record for record in records if record["name"] != EPOCH],
            "hardware": self._hardware(),
            "gpu": self._gpu(),
            "oscar": self._oscar(),
            "publisher": self._publisher(),
            "registers": self._registers(),
        }

    def _tail(self) -> Json | None:
        """The thermal tail, beside the induced energy."""
        tails = [
            (found, level)
            for run, level in zip(self.group.runs, self.group.levels, strict=True)
            if level is not None and run.function is not None and run.interval_ns is not None
            if (until_ns := _recorded_until_ns(run)) is not None
            if (found := tail.tail_of(run.function, run.parts, level, run.interval_ns[1], until_ns)) is not None
        ]
        if not tails:
            return None
        energies_wh = np.array([found.energy_j / WH for found, _ in tails])
        durations_s = np.array([found.duration_s for found, _ in tails])
        return {
            "energy_wh": _json(induced(energies_wh, durations_s, [level for _, level in tails])),
            "duration_s": _json(mean_of(durations_s, "s")),
            "settled": sum(found.settled is True for found, _ in tails),
            "n": len(tails),
        }

    def _two_stage(self) -> Json | None:
        """The interval that was promised when the campaign was declared: with the pilot's spread (`planning`)."""
        plans = {plan.stage: plan for plan in of(Plan, self.entries)}
        rule = plans["first"].rule if "second" in plans and "first" in plans else None
        if rule is None or not self.group.runs:
            return None
        first = {run["ordinal"] for run in plans["first"].runs}
        pilot_runs = [run for run in self.group.runs if run.run.start.ordinal in first]
        pilot_blocks = [run for run in self.baseline_runs if run.run.start.ordinal in first]
        if not pilot_runs:
            return None
        pilot = planning.pilot_of(Group(pilot_runs, Baseline(pilot_blocks)).induced, self._hours(pilot_runs))
        base = planning.baseline_of(mean_of([run.mean_power_w for run in pilot_blocks], "W"), self._hours(pilot_blocks))
        everyone = self.group.induced
        if pilot is None or base is None or everyone is None:
            return None
        runs, blocks = len(self.group.runs), len(self.baseline_runs)
        final = planning.final_interval(everyone.estimate.value, pilot, base, runs, blocks)
        wanted = float(rule["half_width_percent"])
        reached = final.expanded is not None and final.expanded <= wanted / 100 * abs(final.value)
        sizes = (plans["second"].sizes or {}).get("repetitions", {})
        return {
            "half_width_percent": wanted, "share_percent": float(rule["share_percent"]),
            "pilot_runs": pilot.runs, "pilot_blocks": base.blocks, "planned_runs": sizes.get(self.name),
            "induced_energy_wh": Number(final, "Wh", n=runs).to_json(), "reached": reached,
        }  # fmt: skip

    @staticmethod
    def _hours(runs: Sequence[AnalysedRun]) -> float:
        return float(np.mean([run.duration_s for run in runs])) / 3600 if runs else float("nan")

    def _alternatives(self) -> list[Json]:
        found = []
        runs = self.group.runs
        if any(part.descriptor.stamp == "unknown" for run in runs for part in run.parts):
            group = Group([run.with_convention("start") for run in runs], self.group.baseline.started)
            sentence = "if the meter's stamps mark the beginning of their window instead of its end"
            found.append(_alternative("stamps-mark-window-start", sentence, group))
        if self.outliers and runs:
            out = {id(run) for run in self.outliers}
            baseline = Baseline([run for run in self.baseline_runs if id(run) not in out])
            sentence = "without the baseline blocks that are outliers"
            found.append(_alternative("without-baseline-outliers", sentence, Group(runs, baseline)))
        if self.odd:
            out = {id(run) for run, _ in self.odd}
            others = Group([run for run in runs if id(run) not in out], self.group.baseline)
            found.append(_alternative("without-outliers", "without the runs that are outliers", others))
        own = [run for run in self.aborted if run.run.start.scenario == self.name]
        blocks = [run for run in self.aborted if run.run.start.kind == "baseline"]
        if (own or blocks) and not was(Rule.ABORTED_LATE):
            baseline = Baseline([*self.baseline_runs, *blocks], self.group.baseline.observer)
            sentence = "with the runs and blocks that were aborted when their rating interval was over"
            found.append(_alternative("with-aborted", sentence, Group([*runs, *own], baseline)))
        return found

    def _work(self) -> list[dict[str, float]]:
        return [
            efficiency.work_of(run.summary, sum(action.name == EPOCH for action in run.series.actions))
            for run in self.group.runs
        ]

    def _efficiency(self) -> Json:
        group, work = self.group, self._work()
        gross, over = group.gross_budget, group.induced_budget
        reason = self._suppressed()
        total = {} if gross is None else efficiency.ratios(work, group.energies_wh, gross.shared)
        net = {} if reason or over is None else efficiency.ratios(work, group.induced_wh, over.shared)
        return {
            "suppressed": reason,
            "per_total": {kind: ratio.number.to_json() for kind, ratio in total.items()},
            "per_induced": {kind: ratio.number.to_json() for kind, ratio in net.items()},
            "intervals": {
                "total": {kind: _pair(ratio.interval) for kind, ratio in total.items()},
                "induced": {kind: _pair(ratio.interval) for kind, ratio in net.items()},
            },
            "values": {
                kind: {
                    "total": _finite(total[kind].per_run),
                    "induced": _finite(net[kind].per_run) if kind in net else [],
                }
                for kind in total
            },
        }

    def _suppressed(self) -> str | None:
        value = self.group.induced
        if value is None:
            return "there is no baseline, so there is no induced energy"
        expanded = value.estimate.expanded
        if expanded is None:
            return "the induced energy has no uncertainty (fewer than two runs or two baseline blocks)"
        if value.estimate.value <= expanded:
            return "the induced energy cannot be told from zero"
        return None

    def _success(self) -> Json | None:
        reached = [run.summary.get("reached") for run in self.group.runs]
        known = [index for index, value in enumerate(reached) if isinstance(value, bool)]
        if not known:
            return None
        successes = np.array([float(bool(reached[index])) for index in known])
        gross = self.group.gross_budget
        shared = Term(0.0, np.inf) if gross is None else gross.shared
        per_success = efficiency.energy_per_success(successes, self.group.energies_wh[known], shared)
        fraction = Number(Estimate(float(successes.mean()), None, None), "1", n=len(known))
        return {
            "reached": int(successes.sum()),
            "n": len(known),
            "fraction": fraction.to_json(),
            "energy_per_success_wh": _json(per_success),
        }

    def _energy_to_accuracy(self) -> list[Json]:
        """Energy from a run's beginning to the end of its first epoch at each level."""
        rows = []
        first = [first_at(run.accuracies) for run in self.group.runs]
        trained = sum(bool(run.epochs) for run in self.group.runs)
        for level in LEVELS:
            terms, at = [], []
            for run, own, places in zip(self.group.runs, self.group.terms, first, strict=True):
                if level in places:
                    terms.append(own)
                    at.append(run.until_action(run.series.actions.index(run.epochs[places[level]])))
            if terms:
                mean = _mean_wh(terms, at, "gross")
                reached = {"n_reached": len(terms), "n": trained}
                rows.append({"metric": "val_accuracy", "level": level, **reached, "energy_wh": mean})
        return rows

    def _marginal_energy(self) -> list[Json]:
        """Energy per percentage point between neighbouring levels of accuracy, where a run reached the lower one."""
        rows = []
        first = [first_at(run.accuracies) for run in self.group.runs]
        for low, high in pairwise(LEVELS):
            started = sum(low in places for places in first)
            reached = sum(high in places for places in first)
            found = [
                (own, run.at_climb(position), 1 / (WH * climb.points))
                for run, own in zip(self.group.runs, self.group.terms, strict=True)
                for position, climb in enumerate(run.climbs)
                if (climb.low, climb.high) == (low, high)
            ]
            if started:
                terms, at, per_j = zip(*found, strict=True) if found else ((), (), ())
                mean = _number_of(budget.of_mean(terms, at, np.array(per_j), "Wh/pp", "gross", None))
                rows.append({
                    "metric": "val_accuracy", "low": low, "high": high, "n": len(found),
                    "n_not_reached": started - reached, "n_at_once": reached - len(found),
                    "energy_per_point": _json(mean),
                })  # fmt: skip
        return rows

    def _records(self) -> list[Json]:
        """Actions of the same name and index, over the runs; in the order in which they begin."""
        gathered: dict[tuple[str, int], list[tuple[Json, RunTerms, int, int]]] = {}
        for run, own in zip(self.group.runs, self.group.terms, strict=True):
            for position, row in enumerate(action_rows(run, own)):
                places = run.at_action(position), run.until_action(position)
                gathered.setdefault((row["name"], row["index"]), []).append((row, own, *places))
        records = [_record(name, index, members) for (name, index), members in gathered.items()]
        return sorted(records, key=lambda r: (r["name"] == EPOCH, r["begin_s"]["value"], r["name"], r["index"]))

    def _hardware(self) -> Json:
        base = _hardware(self.baseline_runs)
        durations_s = self.group.durations_s
        quantities = {str(c["name"]): str(c.get("quantity", "")) for c in _indicators(self.everyone)}
        result = {}
        for name, (unit, values) in _hardware(self.group.runs).items():
            level = mean_of(base[name][1], unit) if name in base else None
            over = values - level.estimate.value if level else None
            shared = standard_error(base[name][1]) if name in base else None
            longer = None if shared is None else Term(shared.u * float(durations_s.mean()), shared.dof)
            result[name] = {
                "quantity": quantities.get(name, name),
                "unit": unit,
                "mean": _json(mean_of(values, unit)),
                "baseline": _json(level),
                "induced": None if over is None else _json(mean_with_shared(over, unit, shared)),
                "work": None if over is None else _json(mean_with_shared(over * durations_s, f"{unit}·s", longer)),
            }
        return result

    def _gpu(self) -> Json | None:
        runs = [run for run in self.group.runs if run.gpu is not None]
        if not runs or any(not run.series.whole for run in runs):
            return None
        gpu_j = np.array([run.gpu_energy_j for run in runs])
        durations_s = np.array([run.duration_s for run in runs])
        blocks = [
            Block(*run.interval_ns, run.gpu_energy_j / run.duration_s, run.session)
            for run in self.baseline_runs
            if run.interval_ns and run.gpu is not None
        ]
        levels = [baseline_for(blocks, run.session, *run.interval_ns) for run in runs if run.interval_ns]
        over_j = np.array(
            [
                energy_j - float(level.energy_j(*run.interval_ns)) if level and run.interval_ns else np.nan
                for run, energy_j, level in zip(runs, gpu_j, levels, strict=True)
            ]
        )
        wall_j = np.array([run.energy_j for run in runs])
        own = {id(run): value for run, value in zip(self.group.runs, self.group.induced_wh, strict=True)}
        wall_over_wh = np.array([own[id(run)] for run in runs])
        shares = np.divide(over_j / WH, wall_over_wh, out=np.full(len(runs), np.nan), where=wall_over_wh > 0)
        suppressed = self._suppressed() is not None
        return {
            "label": "DC board / AC wall",
            "method": ", ".join(sorted({run.gpu.method for run in runs if run.gpu})),
            "complete": False,
            "missing": [{"what": "limits-of-error", "meter": "gpu"}],
            "energy_wh": _json(mean_of(gpu_j / WH, "Wh")),
            "induced_energy_wh": _json(induced(over_j / WH, durations_s, levels)),
            "mean_power_w": _json(mean_of(gpu_j / durations_s, "W")),
            "share": _json(mean_of(gpu_j / wall_j, "1")),
            "induced_share": None if suppressed else _json(mean_of(shares, "1")),
        }

    def _oscar(self) -> Json | None:
        if not self.group.runs or any(len(run.parts) > 1 for run in self.group.runs):
            return None  # the rule counts the lines of one log
        inputs = _oscar_inputs(self.group.runs), _oscar_inputs(self.baseline_runs)
        values = oscar.evaluate(self.group.durations_s, *inputs)
        base = mean_of(values.baseline_energy_wh, "Wh")
        shared = standard_error(values.baseline_energy_wh)
        over = None if base is None else mean_with_shared(values.energy_wh - base.estimate.value, "Wh", shared)
        spread = values.sd_over_runs_w
        units = _units(self.group.runs)
        return {
            "rule": oscar.RULE,
            "seconds": values.seconds,
            "reason": values.reason,
            "mean_power_w": _json(mean_of(values.mean_power_w, "W")),
            "sd_over_runs_w": None if spread is None else single(spread, "W").to_json(),
            "energy_wh": _json(mean_of(values.energy_wh, "Wh")),
            "induced_energy_wh": None if over is None else _json(over),
            "baseline_mean_power_w": _json(mean_of(values.baseline_power_w, "W")),
            "hardware": {name: _json(mean_of(column, units[name])) for name, column in values.hardware.items()},
        }

    def _publisher(self) -> Json | None:
        """The means by the publisher's rule and over the whole record; None unless every run has a window."""
        told = [published(run) for run in self.group.runs]
        if not told or None in told:
            return None
        columns = {
            key: _json(mean_of([row[key]["value"] for row in told if row], unit))
            for key, unit in (("rows", "1"), ("mean_power_w", "W"), ("energy_wh", "Wh"), ("spanned_energy_wh", "Wh"))
        }
        record = {
            key: _json(mean_of([row["record"][key]["value"] for row in told if row], unit))
            for key, unit in (("duration_s", "s"), ("mean_power_w", "W"), ("energy_wh", "Wh"))
        }
        first = told[0] or {}
        same = {key: first[key] for key in ("publisher", "rule", "sentence")}
        return same | {"n": len(told)} | columns | {"record": record}

    def _registers(self) -> Json | None:
        pairs = [
            (register_wh, run.energy_j / WH)
            for run in self.group.runs
            if run.parts and run.interval_ns
            if (register_wh := _register_wh(run.parts, *run.interval_ns)) is not None
        ]
        if not pairs:
            return None
        register_wh, sums_wh = np.array(pairs).T
        columns = [column for part in self.group.runs[0].parts for column in part.descriptor.columns]
        resolution = max((c["resolution"] for c in columns if c.get("name") == "energy_wh"), default=None)
        return {
            "energy_wh": _json(mean_of(register_wh, "Wh")),
            "difference_wh": _json(mean_of(register_wh - sums_wh, "Wh")),
            "resolution_wh": None if resolution is None else single(float(resolution), "Wh").to_json(),
        }


def _recorded_until_ns(run: AnalysedRun) -> int | None:
    """The end of the supplementary phase; None where there was none."""
    ends = [
        e.time_ns for e in run.run.events if isinstance(e, PhaseEvent) and (e.name, e.edge) == ("supplementary", "end")
    ]
    return ends[-1] if ends else None


def _register_wh(parts: Sequence[PowerSeries], begin_ns: int, end_ns: int) -> float | None:
    """The sum of the registers; None where one of the meters has none."""
    found = [register_energy_wh(part, begin_ns, end_ns) for part in parts]
    return None if None in found else float(sum(value for value in found if value is not None))


def _alternative(name: str, sentence: str, group: Group) -> Json:
    return {"name": name, "sentence": sentence, "induced_energy_wh": _json(group.induced)}


def _oscar_inputs(runs: Sequence[AnalysedRun]) -> list[oscar.OscarInput]:
    return [
        oscar.OscarInput(run.parts[0], run.series.indicators, run.interval_ns[0])
        for run in runs
        if run.parts and run.interval_ns is not None
    ]


def action_rows(run: AnalysedRun, own: RunTerms | None) -> list[Json]:
    """One plain row per action of a run; energies of all of them in one go."""
    actions = run.series.actions
    if not actions or run.interval_ns is None:
        return []
    begins_ns = np.array([action.begin_ns for action in actions], dtype=np.int64)
    ends_ns = np.array([action.end_ns for action in actions], dtype=np.int64)
    warmth_c = hardware.gpu_temperatures_c(run.series.indicators, begins_ns, ends_ns)
    gross = None if own is None else budget.of_one(own, "gross")
    over = None if own is None else budget.of_one(own, "induced")
    at = [run.at_action(position) for position in range(len(actions))]
    until = [run.until_action(position) for position in range(len(actions))]
    columns = (
        _columns_wh("energy", gross, at)
        | _columns_wh("induced_energy", over, at)
        | _columns_wh("cumulative_energy", gross, until)
    )
    return [
        {
            "name": action.name, "index": action.index, "begin_s": (action.begin_ns - run.interval_ns[0]) * 1e-9,
            "duration_s": (action.end_ns - action.begin_ns) * 1e-9,
            **{name: None if column is None else column[i] for name, column in columns.items()},
            "gpu_temperature_c": _or_none(warmth_c[i]), "metrics": action.metrics, "exit_code": action.exit_code,
        }
        for i, action in enumerate(actions)
    ]  # fmt: skip


def _columns_wh(name: str, one: Single | None, at: Sequence[int]) -> dict[str, list[float | None] | None]:
    """`NAME_wh` with `NAME_u_wh`, `NAME_U_wh` and `NAME_dof` at some intervals."""
    keys = (f"{name}_wh", f"{name}_u_wh", f"{name}_U_wh", f"{name}_dof")
    if one is None:
        return dict.fromkeys(keys)
    columns = (one.energy_j / WH, one.u_j / WH, one.expanded_j / WH, one.dof)
    return {key: _finite(column[list(at)].tolist()) for key, column in zip(keys, columns, strict=True)}


def _record(name: str, index: int, members: Sequence[tuple[Json, RunTerms, int, int]]) -> Json:
    """One action over the runs that have it: its plain row, the run's terms, its place there and that of everything
    up to its end."""
    rows, terms, at, until = (list(column) for column in zip(*members, strict=True))

    def over(key: str, unit: str) -> Json | None:
        return _json(mean_of([number(row[key]) for row in rows], unit))

    lasting = [place for place, row in enumerate(rows) if row["duration_s"] > 0]
    metrics = sorted({key for row in rows for key, value in row["metrics"].items() if np.isfinite(number(value))})
    return {
        "name": name,
        "index": index,
        "n": len(rows),
        "begin_s": over("begin_s", "s"),
        "duration_s": _json(_lasting([row["duration_s"] for row in rows], [own.clock_bound_s for own in terms])),
        "energy_wh": _mean_wh(terms, at, "gross"),
        "induced_energy_wh": _mean_wh(terms, at, "induced"),
        "mean_power_w": _mean_w([terms[i] for i in lasting], [at[i] for i in lasting]),
        "gpu_temperature_c": over("gpu_temperature_c", "°C"),
        "cumulative_energy_wh": _mean_wh(terms, until, "gross"),
        "metrics": {key: _json(mean_of([number(row["metrics"].get(key)) for row in rows], "1")) for key in metrics},
    }


def _mean_wh(terms: Sequence[RunTerms], at: Sequence[int], kind: budget.Kind) -> Json | None:
    """Mean energy of one interval of each run."""
    per_j = np.full(len(terms), 1 / WH)
    shared = baseline_term(terms, at, per_j, induced=kind == "induced")
    return _json(_number_of(budget.of_mean(terms, at, per_j, "Wh", kind, shared)))


def _mean_w(terms: Sequence[RunTerms], at: Sequence[int]) -> Json | None:
    """Mean power of one interval of each run."""
    per_j = np.array([1 / own.duration_s[k] for own, k in zip(terms, at, strict=True)])
    shared = baseline_term(terms, at, per_j, induced=False)
    return _json(_number_of(budget.of_mean(terms, at, per_j, "W", "gross", shared)))


def _lasting(durations_s: Sequence[float] | NDArray[np.float64], bounds_s: Sequence[float]) -> Number | None:
    """Mean duration (s); what the clocks may be wrong by does not average out."""
    values_s = np.asarray(durations_s, dtype=np.float64)
    if was(Rule.CLOCKS_IN_DURATIONS):
        return mean_of(values_s, "s")
    clocks = Term(max(bounds_s, default=0.0) / ROOT_3, np.inf)
    return mean_with_shared(values_s, "s", clocks)


def _number_of(found: Budget | None) -> Number | None:
    return None if found is None else found.number


def _run_json(run: AnalysedRun, own: RunTerms | None, found: Sequence[Finding]) -> Json:
    start = run.run.start
    gross = None if own is None else budget.of_one(own, "gross").number(AT_RUN)
    over = None if own is None else budget.of_one(own, "induced").number(AT_RUN)
    because = run.excluded_because
    plain = {
        key: getattr(start, key) for key in ("ordinal", "attempt", "kind", "scenario", "repetition", "seed", "block")
    }
    return {
        **plain,
        "folder": run.run.path.name,
        "status": run.run.exit_status,
        "reason": run.run.reason,
        "included": because is None,
        "excluded_because": because,
        "start_utc": start.utc,
        "duration_s": _one(run.duration_s, "s"),
        "mean_power_w": _mean_power(gross, run.duration_s),
        "energy_wh": _json(gross),
        "induced_energy_wh": _json(over),
        "gap_s": _one(run.gap_s, "s"),
        "gap_energy_wh": _gap_energy(run, own),
        "publisher": published(run),
        "gpu_energy_wh": _gpu_energy(run.gpu),
        "indicators": {name: value for name, value in run.indicator_means.items() if np.isfinite(value)},
        "waits": [
            {"name": event.name, "outcome": event.outcome, "waited_s": event.waited_s, "limit_s": event.limit_s}
            for event in run.run.events
            if isinstance(event, WaitEvent)
        ],
        "final_metrics": run.summary,
        "actions": action_rows(run, own),
        "history": _history(run),
        "manifest": run.run.manifest_sha256,
        "findings": sorted({finding.code for finding in found if finding.subject == run.run.path.name}),
    }


def published(run: AnalysedRun) -> Json | None:
    """The run by its publisher's window and rule, and the whole record beside it (`runs[].publisher`)."""
    window = publisher.window_of(run.run)
    if window is None or len(run.parts) != 1:
        return None
    part, rule = run.parts[0], publisher.RULES[window.rule]
    counted = rule.count(part, window.from_ns, window.to_ns)
    if counted is None:
        return None
    begin_ns, end_ns = publisher.record_ns(part)
    edges_ns = np.array([begin_ns], dtype=np.int64), np.array([end_ns], dtype=np.int64)
    whole = budget.of_one(run.terms_on_meter(*edges_ns, 0.0), "gross").number(0)
    duration_s = (end_ns - begin_ns) * 1e-9
    return {
        "publisher": window.publisher, "rule": window.rule, "sentence": rule.sentence,
        "begin_utc": wall_utc(window.from_ns), "end_utc": wall_utc(window.to_ns),
        "duration_s": single((window.to_ns - window.from_ns) * 1e-9, "s").to_json(),
        "offset_s": window.offset_s, "bound_s": window.bound_s, "source": window.source,
        "rows": count(counted.rows).to_json(), "mean_power_w": single(counted.mean_w, "W").to_json(),
        "energy_wh": single(counted.energy_j / WH, "Wh").to_json(),
        "spanned_energy_wh": single(counted.spanned_j / WH, "Wh").to_json(),
        "record": {
            "begin_utc": wall_utc(begin_ns), "end_utc": wall_utc(end_ns), "rows": count(part.times_ns.size).to_json(),
            "duration_s": single(duration_s, "s").to_json(), "mean_power_w": _mean_power(whole, duration_s),
            "energy_wh": _json(whole),
        },
    }  # fmt: skip


def wall_utc(time_ns: int) -> str:
    """A moment of a source's wall clock, printed as if it were UTC."""
    moment = datetime.fromtimestamp(time_ns // 1_000_000 / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _mean_power(gross: Number | None, duration_s: float) -> Json | None:
    """A run's energy (Wh) over its duration, in W."""
    if gross is None:
        return None
    one, hours = gross.estimate, duration_s / 3600
    power = Estimate(one.value / hours, None if one.u is None else one.u / hours, one.dof)
    return Number(power, "W", n=1).to_json()


def _gap_energy(run: AnalysedRun, own: RunTerms | None) -> Json | None:
    """Energy of the gaps with its own uncertainty (u_gap)."""
    if own is None or not np.isfinite(run.gap_energy_j):
        return None
    u_wh = float(np.sum([part.gap_j[AT_RUN] for part in own.parts])) / WH
    return Number(Estimate(run.gap_energy_j / WH, u_wh, np.inf), "Wh", n=1).to_json()


def _gpu_energy(gpu: hardware.GpuEnergy | None) -> Json | None:
    """GPU energy of one run with what is known of its uncertainty."""
    if gpu is None or not np.isfinite(gpu.energy_j[0]):
        return None
    u_j = np.nan if gpu.sampling_j is None else float(gpu.sampling_j[0])
    known = bool(np.isfinite(u_j))
    estimate = Estimate(float(gpu.energy_j[0]) / WH, u_j / WH if known else None, np.inf if known else None)
    return Number(estimate, "Wh", n=1).to_json()


def _history(run: AnalysedRun) -> Json:
    """Metric -> value per epoch: the training's own history, else what the epochs were marked with."""
    written = _artifact(run.run, "history.json")
    if written and all(isinstance(values, list) for values in written.values()):
        return written
    epochs = [action.metrics for action in run.series.actions if action.name == EPOCH]
    names = sorted({name for metrics in epochs for name in metrics})
    return {name: [metrics.get(name) for metrics in epochs] for name in names}


def _artifact(run: RunFolder, name: str) -> Json:
    """A JSON object that the workload left; empty where there is none or it is none (a workload may write anything)."""
    try:
        value = bounded.loads(read_plain(run.path / "artifacts" / name))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _campaign(entries: Sequence[Entry], runs: Sequence[AnalysedRun]) -> Json:
    first = runs[0].run.start
    header = header_of(entries) or Header(seq=0, utc="", raw={}, schema=SCHEMA, name=first.campaign)
    plans = [len(plan.runs) for plan in of(Plan, entries)]
    lab = (header.config or {}).get("lab", {})
    ends = [run.run.stop.utc if run.run.stop else run.run.start.utc for run in runs]
    notes = sorted({str(run.run.start.source["note"]) for run in runs if run.run.start.source and len(runs) == 1})
    source = None if first.source is None else {
        "format": first.source.get("format"),
        "files": {name: sha for run in runs for name, sha in (run.run.start.source or {}).get("files", {}).items()},
        "note": notes[0] if notes else str(first.source.get("note", "")).split("; test run")[0],
    }  # fmt: skip
    return {
        "name": header.name, "uid": header.uid or None, "seed": header.seed, "design": header.design,
        "customer": header.customer, "lab": lab.get("name", ""), "place": lab.get("place", ""),
        "operator": first.operator, "software": first.software if header.software is None else header.software,
        "created_utc": header.utc or None, "first_utc": min(run.run.start.utc for run in runs), "last_utc": max(ends),
        "config": header.config, "source": source, "plan": sum(plans) if plans else None,
        "attachments": [
            {key: attachment.raw.get(key) for key in ("path", "sha256", "note", "run")}
            for attachment in of(Attachment, entries)
        ],
        "preflight": _preflight(entries),
    }  # fmt: skip


def _preflight(entries: Sequence[Entry]) -> list[Json]:
    """What preflight did not find in order, each remark once: `{severity, subject, text, utc, times}`."""
    found: dict[tuple[str, ...], Json] = {}
    for preflight in of(Preflight, entries):
        for reason in preflight.reasons:
            said = {key: str(reason.get(key)) for key in ("severity", "subject", "text")}
            if said["severity"] != "ok":
                found.setdefault(tuple(said.values()), {**said, "utc": preflight.utc, "times": 0})["times"] += 1
    return list(found.values())


def _measurement(runs: Sequence[AnalysedRun]) -> tuple[Json, list[Json]]:
    """Where the readings come from, and every meter once, as its first run describes it."""
    seen: dict[str, list[PowerDescriptor]] = {}
    for run in runs:
        for descriptor in run.run.power:
            seen.setdefault(descriptor.meter, []).append(descriptor)
    everyone = [descriptor for descriptors in seen.values() for descriptor in descriptors]
    origins = {descriptor.origin for descriptor in everyone}
    origin = next((origin for origin in ORIGINS if origin in origins), "none")
    roles = {meter: "headline" for run in runs for meter in run.series.primary_meters}
    fed = {circuit for run in runs for circuit in run.series.circuits}
    meters = []
    for meter, descriptors in seen.items():
        plain = asdict(descriptors[0])
        keys = ["meter", "circuit", "identity", "evidence", "averaging", "window_s", "stamp", "latency_s"]
        keys += ["ranging", "tier", "columns"]
        worst = next(o for o in ORIGINS if o in {d.origin for d in descriptors})
        role = roles.get(meter, "cross-check" if descriptors[0].circuit in fed else "other")
        meters.append(
            {key: plain[key] for key in keys}
            | {"role": role, "origin": worst, "calibration": plain["calibration"], "n_runs": len(descriptors)}
            | {"assumed_percent": _assumed_percent(runs, meter)}
        )
    listed = [
        {
            "meter": meter["meter"], "origin": meter["origin"], "evidence": meter["evidence"],
            "sentence": _meter_sentence(meter),
        }
        for meter in meters
    ]  # fmt: skip
    sentence = f"Power was {SENTENCES[origin]}." if meters else "No power was recorded."
    circuits = sorted({circuit for run in runs for circuit in run.series.circuits}) if meters else []
    return {"origin": origin, "sentence": sentence, "circuits": circuits, "meters": listed}, meters


def _assumed_percent(runs: Sequence[AnalysedRun], meter: str) -> float | None:
    """The limit of error (% of the reading) that is assumed of a meter; None where one is stated."""
    own = (stream for run in runs for stream in run.streams if stream.series.descriptor.meter == meter)
    first = next(own, None)
    if first is None or first.error.known or first.series.reported is not None:
        return None
    return 100 * first.error.assumed


def _meter_sentence(meter: Json) -> str:
    """Where a meter's readings come from, and on whose word."""
    sentence = f"The meter {meter['meter']} was {SENTENCES[str(meter['origin'])]}"
    if meter["origin"] == "declared":
        return f"{sentence}: {findings.declared_words(meter['evidence'])}."
    if meter["origin"] == "attested":
        evidence = meter["evidence"]
        key = evidence.get("tls_public_key_sha256") or evidence.get("tls_sha256")
        return f"{sentence} {evidence.get('instrument')} (SHA-256 {key})."
    return f"{sentence}."


def _cross_checks(runs: Sequence[AnalysedRun]) -> list[Json]:
    """Each pair of meters on one circuit: how far the second is from the first over the runs that both measured."""
    pairs: dict[tuple[str, str, str], list[tuple[float, float | None]]] = {}
    for run in runs:
        for (one, other), (one_j, other_j) in zip(run.series.doubles, run.doubles_j, strict=True):
            key = (one.descriptor.circuit, one.descriptor.meter, other.descriptor.meter)
            limit_w = findings_run.joint_limit_w(one, other, (one_j + other_j) / 2 / run.duration_s)
            if one_j:
                limit = None if limit_w is None else 100 * limit_w * run.duration_s / one_j
                pairs.setdefault(key, []).append((100 * (other_j / one_j - 1), limit))
    found = []
    for (circuit, *meters), values in pairs.items():
        limits = np.array([np.nan if limit is None else limit for _difference, limit in values])
        difference = mean_of(np.array([difference for difference, _limit in values]), "%")
        together = single(float(limits.mean()), "%") if np.isfinite(limits).all() else None
        shown = {"difference": _json(difference), "limit": _json(together), "n_runs": count(len(values)).to_json()}
        found.append({"circuit": circuit, "meters": meters, **shown})
    return found


def _indicators(runs: Sequence[AnalysedRun]) -> list[Json]:
    """Table 2: every indicator once."""
    found: dict[str, Json] = {}
    for run in runs:
        for descriptor in run.run.indicators:
            for column in descriptor.columns:
                keys = ("name", "quantity", "unit", "method", "kind")
                told = {key: column.get(key) for key in keys} | {"unit": hardware.recorded_unit(column)}
                found.setdefault(str(column.get("name")), told)
    return list(found.values())


def _json(number: Number | None) -> Json | None:
    return None if number is None else number.to_json()


def _one(value: float, unit: str) -> Json | None:
    return single(value, unit).to_json() if np.isfinite(value) else None


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _finite(values: Sequence[float]) -> list[float | None]:
    return [_or_none(value) for value in values]


def _pair(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else list(interval)
