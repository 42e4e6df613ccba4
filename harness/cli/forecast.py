"""What the run that goes on will have taken, by STEP, once enough of its epochs have ended: an estimate, and said so.

Knows the run underway, and the estimator of `wattlab estimate score`, which it asks. Computes nothing itself.

How many epochs there will be: a parameter of the scenario that fixes the amount of work (`target.unless`), or one named
`epochs`; else the mean of the runs of the same scenario that this campaign has made.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean

import numpy as np

from harness.measure.campaign import Progress
from harness.measure.epochs import EpochMeter, EpochsSoFar
from harness.measure.run import Run
from harness.measure.scenario import Scenario
from harness.record.documents import ActionEvent
from harness.record.run_folder import RunFolder
from harness.record.work import read_declaration
from reports.estimation.step import START, WINDOW, ahead, step_epoch
from reports.estimation.training import Training
from reports.results.undeclared import useful_work_of

EPOCHS = "epochs"
WH = 3600.0


@dataclass(frozen=True, slots=True)
class Length:
    """How many epochs a run is expected to have, and by what."""

    epochs: float
    because: str


class Forecast:
    """Follows the runs of a campaign. `scenarios`: those that a run may be of; `made`: its runs so far."""

    def __init__(self, scenarios: Iterable[Scenario], made: Iterable[RunFolder] = ()) -> None:
        self._scenarios = {scenario.name: scenario for scenario in scenarios}
        self._earlier: dict[str, list[int]] = {}
        self._run: Run | None = None
        self._meter: EpochMeter | None = None
        self._seen = 0
        self._said = ""
        for run in made:
            self.ended(run)

    def follow(self, progress: Progress) -> str:
        """One sentence once s + w epochs have ended; empty before, and in a run that marks none."""
        run, scenario = progress.underway, self._scenarios.get(progress.current.scenario)
        if run is not self._run:
            self._run, self._meter, self._seen, self._said = run, None, 0, ""
        if run is None or scenario is None or progress.phase != "rating":
            return self._said
        begins_ns = run.begins_of(useful_work_of(scenario.to_json()).repeats)
        self._meter = self._meter or EpochMeter(run.of_the_sut())
        so_far = self._meter.follow(begins_ns)
        if so_far is not None and self._seen < len(so_far.epoch_j) >= START + WINDOW:
            self._seen = len(so_far.epoch_j)
            self._said = said(so_far, self.length_of(scenario), datetime.now())
        return self._said

    def ended(self, run: RunFolder) -> None:
        """A run is done; how many epochs it had is known from now on."""
        if run.start.kind != "scenario" or run.exit_status != "success":
            return
        repeats = useful_work_of(run.start.scenario_config).repeats
        marks = (event for event in run.events if isinstance(event, ActionEvent) and event.edge == "end")
        if epochs := sum(mark.name == repeats for mark in marks):
            self._earlier.setdefault(run.start.scenario, []).append(epochs)

    def length_of(self, scenario: Scenario) -> Length | None:
        """How many epochs a run of a scenario is expected to have; None where nothing says it."""
        declared, _ = read_declaration(scenario.declared)
        fixing = (declared.target.unless if declared.target else "", EPOCHS)
        for name in filter(None, fixing):
            value = scenario.parameters.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return Length(value, f"parameter {name}")
        earlier = self._earlier.get(scenario.name, [])
        return (
            Length(fmean(earlier), f"mean of {len(earlier)} earlier run{'s' * (len(earlier) > 1)}") if earlier else None
        )


def said(so_far: EpochsSoFar, length: Length | None, now: datetime) -> str:
    """The sentence: what the run will have taken, and when it ends, where its number of epochs is expected."""
    training = Training(
        "", "", np.array(so_far.epoch_j), np.array(so_far.epoch_s), so_far.before_j, so_far.before_s, 0.0, 0.0,
        is_uniform=False,
    )  # fmt: skip
    if length is None:
        mean_wh = float(training.epoch_j[START : START + WINDOW].mean()) / WH
        return f"estimate (STEP): {mean_wh:.3g} Wh an epoch; how many are to come is not known"
    extent = ahead(training, length.epochs, START, WINDOW)
    found = step_epoch(training, extent)
    left_s = extent.duration_s - training.before_s - float(training.epoch_s.sum())
    ends = now + timedelta(seconds=max(left_s, 0.0))
    return (
        f"estimate (STEP): {found.energy_j / WH:.3g} ± {found.half_width_j / WH:.1g} Wh (95 %) for {extent.epochs:.3g} "
        f"epochs ({length.because}), ends {ends:%H:%M:%S}"
    )
