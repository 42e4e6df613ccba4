"""A scenario: its entry of results.json and the findings about it as a whole.

Knows its runs, included and not, the baseline, the log. What its parts are computed of: `group`, `work`, `indicators`,
`actions`, `other_rules`, `two_stage`.

A run that the lab aborted when its rating interval was over has an energy. It enters no mean, but what the mean would
be with it stands beside (`with-aborted`): who may abort a run after he saw its power could choose.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.record.documents import Json, Thresholds
from harness.record.entries import Entry, Plan, of
from harness.record.searches import declared_for, stated_parameters
from reports.campaign.actions import action_rows, record
from reports.campaign.baseline import Baseline
from reports.campaign.group import Group
from reports.campaign.indicators import gpu_section, hardware_section
from reports.campaign.judgement import outlier_finding
from reports.campaign.means import mean_duration, number_of
from reports.campaign.other_rules import oscar_section, publisher_section, registers_section
from reports.campaign.ratings import Ratings
from reports.campaign.run import AnalysedRun
from reports.campaign.two_stage import two_stage_section
from reports.campaign.work import (
    efficiency_section,
    energy_per_work,
    energy_to_accuracy,
    marginal_energy,
    success_section,
    suppressed_because,
    units_of,
)
from reports.energy import budget
from reports.energy.contributions import RunTerms
from reports.energy.energy import SECOND_NS, WH
from reports.findings import campaign as findings_campaign
from reports.findings import meter_rules, work_rules
from reports.findings.load_before import Before, of_load_before
from reports.results.action import ActionResult, RunAction
from reports.results.finding import Finding
from reports.results.rules import Rule, was
from reports.results.scenario import Alternative, Budgets, ScenarioResult, TailResult
from reports.results.uncertainty import count, mean_of
from reports.results.undeclared import Goal, useful_work_of
from reports.results.useful_work import declared_by


@dataclass(frozen=True)
class Scenario:
    """One scenario: its included runs, all its runs, the baseline; assembles its entry and its findings."""

    name: str
    group: Group
    everyone: list[AnalysedRun]
    baseline_runs: list[AnalysedRun]
    outliers: list[AnalysedRun]
    aborted: list[AnalysedRun]
    """Runs and baseline blocks of the campaign that were aborted when their rating interval was over."""
    limits: Thresholds
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
        found += work_rules.of_missing(self.name, {run.run.path.name: run.series.work.totals for run in runs})
        own = [level.session is not None for level in group.levels if level is not None]
        if own and not all(own):
            found.append(
                Finding("baseline-other-session", "warn", self.name, {"runs": len(own) - sum(own), "of": len(own)})
            )
        elif own:
            found += self._of_baseline()
        summaries = [run.summary for run in runs]
        found += findings_campaign.shortened(
            self.name, "scenario", len(runs), float(group.durations_s.min()), self.parameters, summaries, self.goal,
            self.limits,
        )  # fmt: skip
        intervals = [(*run.interval_ns, run.session) for run in runs if run.interval_ns]
        found += findings_campaign.of_blocks(self.name, intervals, group.blocks)
        found += meter_rules.of_actions(
            self.name,
            [
                (run.series, own, [run.at_action(place) for place in range(len(run.series.actions))])
                for run, own in zip(runs, group.terms, strict=True)
            ],
        )
        known = np.isfinite(group.induced_wh).all()
        series = group.induced_wh if known else group.energies_wh
        if not self.searches:
            found += findings_campaign.of_correlation(self.name, series, self.limits)
        return found + [outlier_finding(run, score) for run, score in self.odd]

    @cached_property
    def odd(self) -> list[tuple[AnalysedRun, float]]:
        """Runs whose energy is an outlier, with their scores."""
        if self.searches:
            return []
        found = findings_campaign.outliers(self.group.energies_wh, self.limits)
        return [(self.group.runs[at], score) for at, score in found]

    def _success_findings(self) -> list[Finding]:
        runs, fixed = self.group.runs, self.goal.fixed_work(self.parameters)
        reached = [self.goal.reached(run.summary) for run in runs]
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
        found += findings_campaign.of_unsteady(self.name, means_w, duration_s, group.induced, self.limits)
        return found + of_load_before(self.name, list(self._before()))

    def _before(self) -> Iterator[Before]:
        """What stood just before the runs whose U holds it."""
        for run, level in zip(self.group.runs, self.group.levels, strict=True):
            if level is None or not level.shape_w or run.idle_w is None or run.interval_ns is None:
                continue
            begin_ns = run.interval_ns[0]
            baseline_w = float(level.energy_j(begin_ns - SECOND_NS, begin_ns))
            noise_w = max(level.sd_w or 0.0, baseline_w / 100)
            yield Before(run.idle_w, baseline_w, run.mean_power_w, noise_w)

    @property
    def goal(self) -> Goal:
        """What its runs are to come to."""
        return self.everyone[0].goal

    @property
    def parameters(self) -> Json:
        """Parameters of the scenario, as resolved, without those that it searches."""
        return stated_parameters(self.everyone[0].run.start)

    @property
    def searches(self) -> bool:
        """Whether its runs are trials: alike in nothing that spread and order of replicates are judged by."""
        return bool(declared_for(self.everyone[0].run.start))

    @cached_property
    def result(self) -> ScenarioResult:
        """`scenarios.NAME` of results.json, but for what makes it invalid."""
        group = self.group
        records = self._records()
        config, units = self.everyone[0].run.start.scenario_config, units_of(self.group.runs)
        work = useful_work_of(config, units)
        gross, induced = group.gross_budget, group.induced_budget
        return ScenarioResult(
            title=config.get("title") or self.name,
            n_runs=count(len(group.runs)),
            n_excluded=count(len(self.everyone) + self.lost - len(group.runs)),
            parameters=self.parameters,
            mean_power_w=group.power,
            energy_wh=number_of(gross),
            induced_energy_wh=group.induced,
            induced_power_w=group.induced_power,
            budget=Budgets(None if gross is None else gross.table, None if induced is None else induced.table),
            duration_s=mean_duration(group.durations_s, [run.series.clock_bound_s for run in group.runs]),
            gap_energy_wh=mean_of([run.gap_energy_j / WH for run in group.runs], "Wh"),
            tail=self._tail(),
            two_stage=two_stage_section(self.name, group, self.baseline_runs, self.entries),
            alternatives=tuple(self._alternatives()),
            efficiency=efficiency_section(group),
            success=success_section(group, self.goal),
            energy_to_accuracy=tuple(energy_to_accuracy(group, work)),
            marginal_energy=tuple(marginal_energy(group, work)),
            epochs=tuple(record for record in records if record.name == work.repeats),
            actions=tuple(record for record in records if record.name != work.repeats),
            hardware=hardware_section(group, self.baseline_runs, self.everyone),
            gpu=gpu_section(group, self.baseline_runs, suppressed=suppressed_because(group) is not None),
            oscar=oscar_section(group, self.baseline_runs),
            publisher=publisher_section(group),
            registers=registers_section(group),
            invalid_because=(),
            cell=self.everyone[0].run.start.cell,
            declared=work if units or declared_by(config) else None,
            energy_per_work=energy_per_work(group),
            ratings=Ratings(group, self.limits, self._is_finished).result,
        )

    @property
    def _is_finished(self) -> bool:
        """Whether every run of it that was planned has ended, as it may."""
        planned = [run for plan in of(Plan, self.entries) for run in plan.runs if run.get("scenario") == self.name]
        return len({run.run.start.ordinal for run in self.everyone}) + self.lost >= len(planned)

    def _tail(self) -> TailResult | None:
        """The thermal tail, beside the induced energy."""
        tails = [
            (tail, level)
            for run, level in zip(self.group.runs, self.group.levels, strict=True)
            if level is not None and (tail := self.group.baseline.tail(run)) is not None
        ]
        if not tails:
            return None
        energies_wh = np.array([tail.energy_j / WH for tail, _ in tails])
        durations_s = np.array([tail.duration_s for tail, _ in tails])
        return TailResult(
            energy_wh=budget.induced(energies_wh, durations_s, [level for _, level in tails]),
            duration_s=mean_of(durations_s, "s"),
            settled=sum(tail.settled is True for tail, _ in tails),
            n=len(tails),
        )

    def _alternatives(self) -> Iterator[Alternative]:
        runs = self.group.runs
        if any(descriptor.stamp == "unknown" for run in runs for descriptor in run.feeding):
            group = Group([run.with_convention("start") for run in runs], self.group.baseline.started)
            sentence = "if the meter's stamps mark the beginning of their window instead of its end"
            yield Alternative("stamps-mark-window-start", sentence, group.induced)
        if self.outliers and runs:
            out = {id(run) for run in self.outliers}
            baseline = Baseline([run for run in self.baseline_runs if id(run) not in out])
            sentence = "without the baseline blocks that are outliers"
            yield Alternative("without-baseline-outliers", sentence, Group(runs, baseline).induced)
        if self.odd:
            out = {id(run) for run, _ in self.odd}
            others = Group([run for run in runs if id(run) not in out], self.group.baseline)
            yield Alternative("without-outliers", "without the runs that are outliers", others.induced)
        own = [run for run in self.aborted if run.run.start.scenario == self.name]
        blocks = [run for run in self.aborted if run.run.start.kind == "baseline"]
        if (own or blocks) and not was(Rule.ABORTED_LATE):
            baseline = Baseline([*self.baseline_runs, *blocks], self.group.baseline.observer)
            sentence = "with the runs and blocks that were aborted when their rating interval was over"
            yield Alternative("with-aborted", sentence, Group([*runs, *own], baseline).induced)

    def _records(self) -> list[ActionResult]:
        """Actions of the same name and index, over the runs; in the order in which they begin."""
        gathered: dict[tuple[str, int], list[tuple[RunAction, RunTerms, int, int]]] = {}
        for run, own in zip(self.group.runs, self.group.terms, strict=True):
            for position, row in enumerate(action_rows(run, own)):
                places = run.at_action(position), run.until_action(position)
                gathered.setdefault((row.name, row.index), []).append((row, own, *places))
        records = [record(name, index, members) for (name, index), members in gathered.items()]
        return sorted(records, key=self._place)

    def _place(self, record: ActionResult) -> tuple[bool, float, str, int]:
        """What repeats last, the rest in the order in which they begin."""
        begin_s = math.nan if record.begin_s is None else record.begin_s.value
        return record.name == self.everyone[0].useful_work.repeats, begin_s, record.name, record.index
