"""What the judged runs of a campaign are together: baseline, scenarios, findings, every section of results.json.

Knows which run belongs where, and the order of findings. Computes nothing itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from harness.record.campaign_folder import PHOTO, TRACKER
from harness.record.documents import VERSION, Json, Thresholds
from harness.record.entries import Attachment, of
from harness.record.verify import Examination
from reports.campaign import label, other_circuits, recorded, searches, witnessed
from reports.campaign.baseline import Baseline
from reports.campaign.baseline_entry import baseline_entry, baseline_findings, outlying_blocks
from reports.campaign.group import Group
from reports.campaign.header import header_section
from reports.campaign.indicators import indicators_of, units_of
from reports.campaign.judgement import clock_findings, outlier_finding
from reports.campaign.label_checks import BASELINE, LabelRun
from reports.campaign.log import lost_runs, never_recorded, reasons_thrown_out, thrown_out_findings
from reports.campaign.meters import cross_checks, measurement_section
from reports.campaign.run import AT_RUN, AnalysedRun
from reports.campaign.run_entry import run_entry
from reports.campaign.runs import clock_section
from reports.campaign.scenario import Scenario
from reports.energy import hardware
from reports.energy.contributions import RunTerms
from reports.energy.energy import WH
from reports.energy.observer import ObserverEffect
from reports.energy.sync import SyncPulses
from reports.findings import campaign as findings_campaign
from reports.findings import lab_rules, meter_rules, own_load, range_rules, stamps, verdict
from reports.findings.foreign_load import BusyCpu, busy_cpu
from reports.results.baseline import BaselineResult
from reports.results.document import SCHEMA, CampaignNumbers, Writer
from reports.results.finding import Finding
from reports.results.header import LostRun
from reports.results.label import Label
from reports.results.meters import Meter
from reports.results.rules import Rule, was
from reports.results.scenario import ScenarioResult
from reports.results.trackers import MissingAccount
from reports.trackers import cost as tracker_cost
from reports.trackers.account import accounts_of
from reports.trackers.decomposition import supply_of
from reports.trackers.findings import findings_of as tracker_findings
from reports.trackers.pair import Pair, pair_of
from reports.trackers.section import TrackedCampaign


@dataclass(frozen=True, slots=True)
class JudgedRuns:
    """Every run that can be read, in the log's order, with what was judged of each and what they share.

    `unreadable`: findings about what cannot be read. `aborted`: runs and baseline blocks that were aborted when their
    rating interval was over, and are sound otherwise. `unwatched`: run folder -> what nobody watched while it ran.
    """

    runs: list[AnalysedRun]
    unreadable: list[Finding]
    pulses: SyncPulses
    observer: ObserverEffect | None
    limits: Thresholds
    aborted: list[AnalysedRun]
    unwatched: dict[str, frozenset[str]]
    baseline: Baseline


@dataclass(frozen=True)
class Reduction:
    """The numbers of a campaign, of its runs and of what `examine` found."""

    seen: Examination
    judged: JudgedRuns

    @cached_property
    def included(self) -> list[AnalysedRun]:
        """The runs that enter the means."""
        return [run for run in self.judged.runs if run.excluded_because is None]

    @cached_property
    def baseline_runs(self) -> list[AnalysedRun]:
        """The baseline blocks among them."""
        return self.judged.baseline.runs

    @cached_property
    def outliers(self) -> list[tuple[AnalysedRun, float]]:
        """Baseline blocks that are outliers, with their scores."""
        return outlying_blocks(self.baseline_runs, self.judged.limits)

    @cached_property
    def lost(self) -> list[LostRun]:
        """Runs that had been begun and of which nothing is left."""
        return lost_runs(self.seen.entries)

    @cached_property
    def groups(self) -> dict[str, Group]:
        """Scenario -> its included runs."""
        baseline, runs = self.judged.baseline, self.judged.runs
        names = sorted({run.run.start.scenario for run in runs if run.run.start.kind == "scenario"})
        return {
            name: Group([run for run in self.included if run.run.start.scenario == name], baseline) for name in names
        }

    @cached_property
    def terms(self) -> dict[int, RunTerms]:
        """By the identity of a run of a scenario: its terms against the baseline."""
        groups = self.groups.values()
        return {id(run): own for group in groups for run, own in zip(group.runs, group.terms, strict=True)}

    @cached_property
    def scenarios(self) -> dict[str, Scenario]:
        """Scenario -> its entry and its findings."""
        return {name: self._scenario(name, group) for name, group in self.groups.items()}

    def _scenario(self, name: str, group: Group) -> Scenario:
        runs = self.judged.runs
        everyone = [run for run in runs if run.run.start.scenario == name and run.run.start.kind == "scenario"]
        gone = sum(run.scenario == name for run in self.lost)
        odd_blocks = [run for run, _ in self.outliers]
        return Scenario(
            name, group, everyone, self.baseline_runs, odd_blocks, self.judged.aborted, self.judged.limits,
            self.seen.entries, gone,
        )  # fmt: skip

    @cached_property
    def trackers(self) -> TrackedCampaign:
        """What trackers said of the runs: by the runs' own artefacts, and attached to the campaign, where the
        attachment is as it was attached."""
        attached, pairs, missing = self._attached(), list[Pair](), list[MissingAccount]()
        for run in self.judged.runs:
            if run.run.start.kind != "scenario" or run.broken:
                continue
            folder = run.run.path.name
            accounts, absent = accounts_of(run.run, list(attached.get(folder, {}).values()))
            pairs += [pair_of(run, account, self.judged.limits) for account in accounts]
            if run.excluded_because is None:
                missing += [MissingAccount(folder, account.name, account.reason) for account in absent]
        return TrackedCampaign(pairs, missing)

    def _attached(self) -> dict[str, dict[str, Json]]:
        """Run folder -> tracker -> the last account that was attached for it."""
        broken = {check.subject for check in self.seen.checks if not check.passed and check.name == "attachment"}
        attached: dict[str, dict[str, Json]] = {}
        for attachment in of(Attachment, self.seen.entries):
            sound = attachment.note == TRACKER and attachment.path not in broken
            if sound and isinstance(record := attachment.raw.get("tracker"), dict):
                attached.setdefault(attachment.run, {})[str(record.get("name"))] = record
        return attached

    def numbers(self) -> CampaignNumbers:
        """Every section of results.json but the statistics."""
        runs, limits, entries = self.judged.runs, self.judged.limits, self.seen.entries
        scenarios = {name: scenario.result for name, scenario in self.scenarios.items()}
        measurement, meters = measurement_section(runs)
        found = self._findings(meters, scenarios)
        out = {run.run.path.name for run in runs if run.excluded_because is not None} | self.seen.unreadable.keys()
        owners = self._owners()
        invalid = verdict.invalid_because(found, out, owners)
        scenarios = {
            name: replace(entry, invalid_because=tuple(invalid.get(name, ()))) for name, entry in scenarios.items()
        }
        lost_blocks = sum(run.kind == "baseline" for run in self.lost)
        base = baseline_entry(runs, self.baseline_runs, self.outliers, lost_blocks)
        first = runs[0].run.start
        cost = tracker_cost.evaluate(self.groups, limits)
        return CampaignNumbers(
            schema=SCHEMA,
            computed_by=Writer("wattlab", VERSION),
            campaign=header_section(entries, runs, self.lost),
            measurement=measurement,
            meters=meters,
            cross_checks=cross_checks(self.included),
            sut=first.sut,
            host=first.host,
            indicators=tuple(indicators_of(runs)),
            baseline=base,
            scenarios=scenarios,
            label=self._label(base, scenarios),
            clock=clock_section(runs, self.judged.pulses),
            observer=None if self.judged.observer is None else self.judged.observer.record(),
            records=recorded.evaluate([run.series for run in runs]),
            trackers=self.trackers.record(cost, supply_of(first.config)),
            runs=tuple(run_entry(run, self.terms.get(id(run), run.own_terms), found) for run in runs),
            findings=tuple(found),
            thresholds=lab_rules.limits_entry(runs[0].run),
            verdict=verdict.judged(found, out, verdict.decided(first.config, scenarios), owners),
            inputs={run.run.path.name: run.run.manifest_sha256 for run in runs},
            evidence=witnessed.evaluate(entries, self.seen.receipts, limits),
            searches=searches.evaluate(entries, runs, self.judged.baseline),
            other_circuits=other_circuits.evaluate(runs, self.terms, meters, limits),
        )

    def _findings(self, meters: Sequence[Meter], scenarios: Mapping[str, ScenarioResult]) -> list[Finding]:
        """All, worst first."""
        runs = self.judged.runs
        certify = all(run.run.start.config.get("lab", {}).get("certify_declared") is True for run in runs)
        found = [
            *lab_rules.of_origins(meters, certify_declared=certify),
            *self._of_evidence(),
            *self._of_runs(),
            *self._of_campaign(),
            *self._of_included(),
            *self._of_scenarios(scenarios),
        ]
        return lab_rules.ordered([one for one in found if not was(Rule.NEW_FINDINGS) or lab_rules.is_of_first(one)])

    def _of_evidence(self) -> Iterator[Finding]:
        """Broken seals, what the operator noted, what cannot be read."""
        for check in self.seen.broken:
            yield Finding("broken-seal", "invalid", check.subject, {"check": check.name, "detail": check.detail})
        yield from lab_rules.of_annotations(self.seen.annotations)
        yield from self.judged.unreadable

    def _of_runs(self) -> Iterator[Finding]:
        """What pulses and runs show by themselves, and runs that are not there."""
        yield from self.judged.pulses.findings()
        yield from lab_rules.of_thresholds(self.judged.limits)
        for run in self.judged.runs:
            yield from run.findings
        yield from never_recorded(self.seen.entries, self.lost)

    def _of_campaign(self) -> Iterator[Finding]:
        """What holds of all runs together."""
        runs, entries = self.judged.runs, self.seen.entries
        yield from lab_rules.of_notes([run.run for run in runs])
        yield from witnessed.findings_of(entries, self.seen.receipts, self.judged.limits)
        yield from stamps.of_host_clock([run.series for run in runs])
        yield from thrown_out_findings(runs, reasons_thrown_out(entries))
        parts = [part for run in self.included if run.own_terms for part in run.own_terms.parts]
        yield from findings_campaign.of_limits([part.error for part in parts if part.reported_j is None])
        yield from lab_rules.of_stated_limits([run.run for run in runs])
        yield from findings_campaign.of_calibration([run.run for run in runs])
        yield from own_load.of_host([run.series for run in self.included], self._busy_cpu())
        yield from findings_campaign.of_pooling([run.run for run in self.included])
        powers = [(run.run, run.energy_j / run.duration_s) for run in self.included if run.interval_ns]
        yield from range_rules.of_different_ranges(powers)
        names = [run.run.path.name for run in self.included]
        yield from findings_campaign.of_monitoring({name: self.judged.unwatched[name] for name in names})

    def _busy_cpu(self) -> BusyCpu | None:
        """What a busy CPU takes, where pulse, observer effect or full load show it."""
        full = self.groups.get(label.FULL_LOAD)
        above_w = [] if full is None else (full.induced_wh * WH / full.durations_s).tolist()
        return busy_cpu([run.series for run in self.judged.runs], self.judged.pulses, self.judged.observer, above_w)

    def _of_included(self) -> Iterator[Finding]:
        """What the runs in the means and the baseline show against each other."""
        limits = self.judged.limits
        for run in self.included:
            own = self.terms.get(id(run), run.own_terms)
            yield from clock_findings(run, None if own is None else own.level, limits)
            if own is not None and not was(Rule.SHORT_INTERVALS):
                yield from meter_rules.of_length(run.series, own.parts, AT_RUN, run.duration_s, limits)
        for run, score in self.outliers:
            yield outlier_finding(run, score)
        yield from baseline_findings(self.baseline_runs, self.judged.runs, limits)

    def _of_scenarios(self, scenarios: Mapping[str, ScenarioResult]) -> Iterator[Finding]:
        """What is said of scenarios, by trackers, and of the order of runs."""
        for name, scenario in self.scenarios.items():
            yield from scenario.findings
            yield from findings_campaign.of_half_width(name, scenarios[name], self.judged.limits)
        yield from tracker_findings(self.trackers.pairs, self.trackers.missing, self.judged.limits)
        ordinals = {name: [run.run.start.ordinal for run in group.runs] for name, group in self.groups.items()}
        yield from findings_campaign.of_order(ordinals, self.judged.limits)
        yield from verdict.of_result(scenarios)

    def _owners(self) -> verdict.Scenarios:
        """Which runs are of which scenario, and which scenarios have any in the means."""
        runs = self.judged.runs
        owner = {run.run.path.name: run.run.start.scenario for run in runs if run.run.start.kind == "scenario"}
        measured = frozenset(name for name, group in self.groups.items() if group.runs)
        return verdict.Scenarios(owner | {name: name for name in self.groups}, measured)

    def _label(self, base: BaselineResult | None, scenarios: dict[str, ScenarioResult]) -> Label:
        """The label's rows, of the runs that enter the means."""
        runs = self.judged.runs
        parts = {BASELINE: self.baseline_runs} | {name: group.runs for name, group in self.groups.items()}
        units = {name: hardware.unit_of(name, unit) for name, unit in units_of(runs).items()}
        taken = {name: [LabelRun(run.series, run.indicator_means) for run in part] for name, part in parts.items()}
        photos = sum(attachment.note == PHOTO for attachment in of(Attachment, self.seen.entries))
        series = [run.series for run in runs]
        return label.evaluate(taken, units, base, scenarios, self.judged.limits, series, photos)
