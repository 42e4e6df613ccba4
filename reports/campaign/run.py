"""One run and what is computed of it by itself: its streams, energies, actions, and whether it enters the means.

Knows one run folder and its series. Knows no baseline, no other run and no shape of results.json but the run's own
artefacts.

A run enters the means when it ended with success, its seal holds, its interval was marked, the meter read something in
it, no finding keeps it out (`lab_rules.TAKES_RUN_OUT`), and no annotation of the operator takes it out: that is a
finding with who, when and why. A run whose seal is broken never enters one: nothing says what was measured. Nor does
one that was thrown out when it was measured, and repeated: the log says so.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import Json, PhaseEvent, PowerDescriptor
from harness.record.run_folder import RunFolder
from reports.campaign.other_streams import OtherStream, other_streams
from reports.energy import hardware, publisher
from reports.energy.climbs import Climb, climbs
from reports.energy.contributions import RunTerms, Stream, run_terms
from reports.energy.energy import Block, register_energy_wh
from reports.energy.meter_error import ROOT_3, MeterError, error_of
from reports.energy.power_function import Convention, PowerFunction, power_function, summed
from reports.findings import foreign_load
from reports.findings.lab_rules import TAKES_RUN_OUT, takes_run_out
from reports.ratings.served import Served
from reports.readings.artifacts import artifact_of
from reports.readings.batches import Batches
from reports.readings.bounded import number
from reports.readings.held import held
from reports.readings.long import deviation
from reports.readings.outline import Outline
from reports.readings.rated import LAG_U
from reports.readings.series import Action, PowerSeries, RunSeries
from reports.results.finding import Finding
from reports.results.undeclared import Goal, goal_of, useful_work_of
from reports.results.useful_work import UsefulWork

FACTS = (
    "block", "doubles_j", "energy_j", "errors", "foreign_percent", "gap_energy_j", "gap_s", "gpu", "idle_w",
    "indicator_means", "noises_w", "others", "own_terms", "parts_j", "register_wh",
)  # fmt: skip
"""Attributes of a run that take no memory and are computed of its readings (`AnalysedRun.keep_facts`)."""
IDLE_S = 30.0
"""So long before a run the machine is looked at, at most."""
AT_RUN = 0
"""Where the rating interval stands among `AnalysedRun.edges_ns`."""
NOT_RATED = {
    "sync": "a sync pulse: it shows the meter's latency, no workload",
    "observer": "a block of the observer effect: it shows what the agent adds",
    "warm-up": "a warm-up: it brings the machine to its temperature before the runs",
    "ranging": "a ranging run: the analyser's ranges were being found in it",
}


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
    outline: Outline | None = None
    """What a picture shows of its power, where it was read for its own sake."""
    batches: Batches | None = None
    """What its service logged of its batches."""
    served: Served | None = None
    """What its service did with the tasks of its rating interval, where an emulator made any."""
    block_w: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """Circuit -> mean powers of the baseline blocks beside it, where its readings may begin late or end early."""

    @cached_property
    def summary(self) -> Json:
        """artifacts/summary.json; empty where there is none."""
        return artifact_of(self.run, "summary.json")

    @cached_property
    def feeding(self) -> tuple[PowerDescriptor, ...]:
        """The meters whose sum is the SUT's power, where each reads anything in the run's interval; else none."""
        interval_ns, parts = self.interval_ns, self.series.parts
        is_read = interval_ns is not None and all(part.reads_in(*interval_ns) for part in parts)
        return tuple(part.descriptor for part in parts) if is_read else ()

    @property
    def parts(self) -> tuple[PowerSeries, ...]:
        """Their streams."""
        return self.series.parts if self.feeding else ()

    @cached_property
    def errors(self) -> tuple[MeterError, ...]:
        """What is known of their meters' errors."""
        return tuple(error_of(descriptor, self.run.start.utc) for descriptor in self.feeding)

    @cached_property
    def parts_j(self) -> tuple[float, ...]:
        """Energy of the rating interval by each of them."""
        return tuple(float(stream.function.energy_j(*self.interval_ns)) for stream in self.streams if self.interval_ns)

    @cached_property
    def register_wh(self) -> float | None:
        """The same by the meters' own registers, summed; None where one of them has none."""
        if self.interval_ns is None:
            return None
        known = [register_energy_wh(part, *self.interval_ns) for part in self.parts]
        return None if None in known else float(sum(value for value in known if value is not None))

    @cached_property
    def span_ns(self) -> tuple[tuple[int, int], ...]:
        """First and last stamp of each of them."""
        return tuple((int(part.times_ns[0]), int(part.times_ns[-1])) for part in self.parts)

    @cached_property
    def foreign_percent(self) -> float | None:
        """CPU time of neither the load nor the agent in the rating interval (% of all CPUs)."""
        return foreign_load.share_percent(self.series, *self.interval_ns) if self.interval_ns else None

    @cached_property
    def block(self) -> Block:
        """Its mean power and how it changes."""
        return block_of(self, self.energy_j)

    @held
    def functions(self) -> tuple[PowerFunction, ...]:
        """Their power functions."""
        return tuple(power_function(part, self.convention) for part in self.parts)

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The same streams with their power functions and what is known of their meters' errors."""
        return tuple(
            Stream(part, function, error, self.convention, self.block_w.get(part.descriptor.circuit, ()))
            for part, function, error in zip(self.parts, self.functions, self.errors, strict=True)
        )

    @property
    def function(self) -> PowerFunction | None:
        """The SUT's power function."""
        return self._sum if len(self.feeding) > 1 else next(iter(self.functions), None)

    @held
    def _sum(self) -> PowerFunction:
        return summed(self.functions)

    @cached_property
    def noises_w(self) -> tuple[float, ...]:
        """The spread of the readings of each stream within the interval (W); 0 for fewer than two."""
        begin_ns, end_ns = self.interval_ns or (0, 0)
        values = [part.power_w[slice(*np.searchsorted(part.times_ns, [begin_ns, end_ns]))] for part in self.parts]
        return tuple(deviation(own) if own.size > 1 else 0.0 for own in values)

    @cached_property
    def edges_ns(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Begins and ends of the intervals that have an energy: the rating interval, every action, from the beginning
        to the end of every action, every climb, a service's steady state (`AT_RUN`, `at_action` to `at_window`)."""
        if self.interval_ns is None:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        begin_ns, end_ns = self.interval_ns
        begins = [action.begin_ns for action in self.series.actions]
        ends = [action.end_ns for action in self.series.actions]
        from_ns = [self.repeated[climb.start].end_ns for climb in self.climbs]
        to_ns = [self.repeated[climb.stop].end_ns for climb in self.climbs]
        if self.served is not None and self.served.window is not None:
            from_ns.append(self.served.window.begin_ns)
            to_ns.append(self.served.window.end_ns)
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

    @property
    def at_window(self) -> int:
        """Where the steady state of a service stands among `edges_ns`, where there is one."""
        return 1 + 2 * len(self.series.actions) + len(self.climbs)

    @cached_property
    def useful_work(self) -> UsefulWork:
        """What its scenario and its program declare of its work, or what holds where neither does."""
        return useful_work_of(self.run.start.scenario_config, self.series.work.totals)

    @cached_property
    def goal(self) -> Goal:
        """What it is to come to, as its scenario declares it, or what holds where it does not."""
        return goal_of(self.run.start.scenario_config)

    @cached_property
    def repeated(self) -> list[Action]:
        """The actions of the name that repeats (epochs), in order of time."""
        named = (action for action in self.series.actions if action.name == self.useful_work.repeats)
        return sorted(named, key=lambda action: action.end_ns)

    @cached_property
    def qualities(self) -> list[float]:
        """Quality at the end of each of `repeated`; NaN where it was not marked, none where no metric is declared."""
        metric = self.useful_work.quality
        return [] if metric is None else [number(action.metrics.get(metric.metric)) for action in self.repeated]

    @cached_property
    def climbs(self) -> list[Climb]:
        """From one level of quality to the next, as far as it came."""
        return [] if self.useful_work.quality is None else climbs(self.qualities, self.useful_work.quality.levels)

    @property
    def clock_bound_s(self) -> float:
        """How wrong the SUT's stamps may be on the meter's: the clocks' bound, and what is not known of a latency that
        a sync pulse found (as a bound of the same variance); of an estimate what is not known of the software meter's
        lag; 0 where only one clock stamped everything."""
        if self.series.estimate is not None:  # one clock stamps software meter and marks
            return float(ROOT_3 * self.series.estimate.descriptor.evidence[LAG_U])
        bound_s = self.series.clock_bound_s
        if (window := publisher.window_of(self.run)) is not None:
            bound_s = window.bound_s or 0.0
        return float(np.hypot(bound_s, ROOT_3 * self.latency_u_s))

    @property
    def stamps_unknown(self) -> bool:
        """Whether a meter's stamps may mark either edge of their window."""
        return self.convention is None and any(
            descriptor.stamp == "unknown" and descriptor.averaging == "window" for descriptor in self.feeding
        )

    @cached_property
    def own_terms(self) -> RunTerms | None:
        """What makes its energies uncertain, without a baseline; None where it has none."""
        return self.terms_over(*self.edges_ns, 0.0) if self.feeding else None

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
        was recorded there, or where a service was under load already, as its stabilization phase is to be."""
        if self.function is None or self.interval_ns is None or self.served is not None:
            return None
        reach_ns = round(1e9 * max(part.usual_window_s or part.usual_step_s for part in self.parts))
        end_ns = self.interval_ns[0] - reach_ns
        begin_ns = max(self.function.origin_ns + round(1e9 * self.function.first_s), end_ns - round(1e9 * IDLE_S))
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
        function, interval_ns = self.function, self.interval_ns
        return float(function.gap_energy_j(*interval_ns)) if function and interval_ns else float("nan")

    @cached_property
    def doubles_j(self) -> list[tuple[float, float]]:
        """Energy of the rating interval by both meters of each pair on one circuit (`RunSeries.doubles`)."""
        if self.interval_ns is None:
            return []
        return [
            (float(one.energy_j(*self.interval_ns)), float(other.energy_j(*self.interval_ns)))
            for one, other in ((power_function(a), power_function(b)) for a, b in self.series.doubles)
        ]

    @cached_property
    def others(self) -> tuple[OtherStream, ...]:
        """What meters on circuits that do not feed the SUT read in the rating interval."""
        return tuple(other_streams(self.series, self.clock_bound_s))

    @property
    def mean_power_w(self) -> float:
        """Energy / duration."""
        return self.energy_j / self.duration_s

    @cached_property
    def gpu(self) -> hardware.GpuEnergy | None:
        """GPU energy of the rating interval (J, shape (1,))."""
        edges_ns = [np.array([edge], dtype=np.int64) for edge in self.interval_ns or ()]
        return hardware.gpu_energy(self.series.indicators, *edges_ns) if edges_ns else None

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

    def keep_facts(self) -> None:
        """Compute what a campaign asks of its runs, while the readings are at hand: they may be let go afterwards."""
        if self.interval_ns is None or not self.feeding or not self.duration_s:
            return
        for name in FACTS:
            getattr(self, name)
        _ = self.series.periods_s, self.series.sample_period_s, self.series.double_meters

    @property
    def excluded_because(self) -> str | None:
        """Why it enters no mean; None where it does."""
        if self.broken:
            return "its seal is broken: its bytes are not those that were measured"
        if self.unreadable is not None:
            return f"{TAKES_RUN_OUT['unreadable']}: {self.unreadable}"
        if self.run.exit_status != "success":
            return self.run.reason or "it did not succeed"
        if self.run.start.kind in NOT_RATED:
            return NOT_RATED[self.run.start.kind]
        if self.interval_ns is None:
            return TAKES_RUN_OUT["no-rating"]
        if (applied := self.series.applied) is not None and applied.against:
            return f"{TAKES_RUN_OUT['not-qualified']}: {applied.against[0]}"
        if not self.feeding:
            return TAKES_RUN_OUT["no-power"]
        failed = [TAKES_RUN_OUT[f.code] for f in self.findings if takes_run_out(f)]
        return failed[0] if failed else self.exclusion

    @property
    def is_aborted_late(self) -> bool:
        """Whether the lab's side ended it when its rating interval was over: the host had gone on to the supplementary
        run, or the command had ended by itself. What was imported nobody here aborted."""
        start = self.run.start
        if self.run.exit_status != "abort" or start.source is not None or start.kind in NOT_RATED:
            return False
        if self.interval_ns is None or self.run.is_unended:
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


def block_of(run: AnalysedRun, energy_j: float) -> Block:
    """A block by the energy of its rating interval."""
    begin_ns, end_ns = run.interval_ns or (0, 0)
    middle_ns, slope_w_s = (begin_ns + end_ns) // 2, 0.0
    if run.function is not None and middle_ns > begin_ns:
        first_j, second_j = run.function.energy_j(np.array([begin_ns, middle_ns]), np.array([middle_ns, end_ns]))
        slope_w_s = float(second_j - first_j) / (run.duration_s / 2) ** 2
    return Block(begin_ns, end_ns, energy_j / run.duration_s, run.session, slope_w_s)
