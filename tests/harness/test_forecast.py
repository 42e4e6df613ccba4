"""STEP while a run goes on: energies of epochs as the report has them, the estimate as `estimate score` has it."""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cli.forecast import Forecast, Length, said
from harness.measure.attempt import execute
from harness.measure.campaign import Progress
from harness.measure.epochs import EpochMeter, EpochsSoFar
from harness.measure.plan import PlannedRun
from harness.measure.recorder import MeterRecorder
from harness.measure.run import Run
from harness.measure.scenario import Scenario
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import Json
from meters.reading import Column, Description, Reading
from reports.energy.power_function import power_function
from reports.estimation.step import Extent, step_epoch
from reports.readings.series import PowerSeries
from tests.analysis.streams import at, descriptor, stream
from tests.estimation.test_step import training
from tests.harness.lying import LAB, MATERIAL, POWER_W, Lie, LyingSut, bench_of, config_in
from tests.reports.make_campaign import Shape, make_campaign


@dataclass
class Recorder:
    """What `EpochMeter` has of a recorder."""

    circuit: str
    description: Description
    recent: deque[Reading]


def recorder(series: PowerSeries, circuit: str = "sut-ac-inlet") -> MeterRecorder:
    """The readings of a stream, as they are recorded."""
    of, column = series.descriptor, Column("power_w", "W", 0.1, (0.0, 1e4), None)
    described = Description("d", of.averaging, of.window_s, of.stamp, of.latency_s, (column,), "uncalibrated")
    rows = zip(series.times_ns.tolist(), series.power_w.tolist(), series.window_s.tolist(), strict=True)
    recent = deque(Reading(at_ns, watts, window_s=window_s) for at_ns, watts, window_s in rows)
    return cast("MeterRecorder", Recorder(circuit, described, recent))


HOW = {
    "end": descriptor(), "start": descriptor(stamp="start"), "late": descriptor(latency_s=0.3),
    "instantaneous": descriptor("instantaneous", window_s=0.0),
}  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.sampled_from([0.9, 1.0, 1.0, 1.0, 1.3, 4.0]), min_size=22, max_size=60),
    seed=st.integers(0, 1000), how=st.sampled_from(sorted(HOW)),
    edges=st.lists(st.floats(5.0, 18.0), min_size=3, max_size=8, unique=True), at_once=st.booleans(),
)  # fmt: skip
def test_epochs_so_far_have_the_energies_of_the_report(
    steps: list[float], seed: int, how: str, edges: list[float], at_once: bool
) -> None:
    """Whether the readings are taken up at once or between the marks."""
    series = stream(
        np.cumsum(steps).tolist(), np.random.default_rng(seed).uniform(20, 200, len(steps)).tolist(), HOW[how]
    )
    recorded = recorder(series)
    meter, begins_ns = EpochMeter([recorded]), [at(edge) for edge in sorted(edges)]
    if not at_once:
        whole = recorded.recent.copy()
        for count in range(1, len(whole)):
            recorded.recent = deque(list(whole)[:count])
            meter.follow([at_ns for at_ns in begins_ns if at_ns <= whole[count - 1].time_ns])
        recorded.recent = whole
    so_far = meter.follow(begins_ns)
    expected = power_function(series).energy_j(np.array(begins_ns[:-1]), np.array(begins_ns[1:]))
    assert so_far is not None
    assert [so_far.before_j, *so_far.epoch_j] == pytest.approx(expected.tolist(), rel=1e-7, abs=1e-5)
    assert [so_far.before_s, *so_far.epoch_s] == pytest.approx((np.diff(begins_ns) * 1e-9).tolist(), abs=1e-6)


def test_circuits_are_added_and_a_second_meter_of_one_is_not() -> None:
    steady, other = stream(list(range(1, 20)), [50.0] * 19), stream(list(range(1, 20)), [7.0] * 19)
    recorders = [recorder(steady), recorder(other), recorder(other, "second-supply")]
    so_far = EpochMeter(recorders).follow([at(3), at(5), at(8)])
    assert so_far is not None
    assert so_far.epoch_j == pytest.approx((3 * 57.0,))


def test_nothing_is_said_before_every_meter_has_spoken() -> None:
    late = recorder(stream([1, 2, 3], [50.0] * 3))
    meter = EpochMeter([late])
    assert meter.follow([]) is None
    assert meter.follow([at(1), at(2), at(4)]) is None
    late.recent.append(Reading(at(4), 50.0, window_s=1.0))
    assert meter.follow([at(1), at(2), at(4)]) is not None


def so_far(epochs: int) -> EpochsSoFar:
    """Epochs of 3600 J and 10 s, every second of them 36 J more."""
    return EpochsSoFar(tuple(3600.0 + 36.0 * (n % 2) for n in range(epochs)), (10.0,) * epochs, 100.0, 2.0)


def test_the_estimate_is_that_of_estimate_score() -> None:
    seen = so_far(15)
    one = training(list(seen.epoch_j), list(seen.epoch_s))
    found = step_epoch(one, Extent(40, 402.0))
    text = said(seen, Length(40, "parameter epochs"), datetime(2026, 11, 30, 12, 0, 0))
    assert f"estimate (STEP): {found.energy_j / 3600:.3g} ± {found.half_width_j / 3600:.1g} Wh (95 %)" in text
    assert "for 40 epochs (parameter epochs), ends 12:04:10" in text


def test_without_a_number_of_epochs_it_is_an_epoch_that_is_told() -> None:
    assert "1 Wh an epoch; how many are to come is not known" in said(so_far(15), None, datetime(2026, 11, 30))


class Marks(Sequence[Json]):
    """Epochs that begin every 100 ms from the moment on at which the agent says so."""

    def __len__(self) -> int:
        return 18

    def __getitem__(self, place: Any) -> Any:  # noqa: ANN401
        raise IndexError

    def __iter__(self) -> Iterator[Json]:
        now_ns = time.monotonic_ns()
        for n in range(18):
            begin = {"rec": "marker", "action": "epoch", "index": n, "edge": "begin"}
            yield begin | {"sut_ns": now_ns + n * 100_000_000, "sut_wall_ns": 1}


def test_a_run_underway_is_told_what_it_will_take(tmp_path: Path) -> None:
    """A steady meter of 60 W: the estimate is 60 W times the epochs, while the run goes on."""
    config = config_in(tmp_path, LAB.replace('command = ["work"]', 'command = ["work"]\nparameters = { epochs = 40 }'))
    scenario = config.scenarios[0]
    planned = PlannedRun(ordinal=1, kind="scenario", scenario=scenario.name, repetition=1, seed=1, block=1)
    forecast, heard = Forecast([scenario]), []

    def on_phase(phase: str, _: object, run: Run | None) -> None:
        progress = Progress(
            done=0, total=1, current=planned, attempt=1, phase=phase, power_w=None, left_s=0.0, underway=run
        )
        heard.append((phase, forecast.follow(progress)))

    ended = execute(
        bench_of(config, LyingSut(Lie(during=Marks(), rating_s=2.5))), planned, scenario,
        tmp_path / "20260101T000000Z-r01-0a", MATERIAL, attempt=1, previous_manifest=None, on_start=lambda _: None,
        on_phase=on_phase, reference=None,
    )  # fmt: skip
    assert ended.exit_status == "success"
    told = [text for phase, text in heard if phase == "rating" and text]
    assert told
    assert told[0].startswith(f"estimate (STEP): {POWER_W * 0.1 * 40 / 3600:.3g} ± ")
    assert "for 40 epochs (parameter epochs), ends " in told[0]
    assert heard[0] == ("stage", "")


def like(**fields: object) -> Scenario:
    """What is asked of a scenario."""
    return cast("Scenario", SimpleNamespace(**fields))


def test_earlier_runs_say_how_many_epochs_there_will_be(tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path, Shape(repetitions=2))
    forecast = Forecast([], CampaignFolder(campaign).runs())
    assert forecast.length_of(like(name="none", declared={}, parameters={"epochs": 0})) is None
    assert forecast.length_of(like(name="cnn", declared={}, parameters={})) == Length(6, "mean of 2 earlier runs")
    fixed = {"target": {"key": "reached", "unless": "fixed"}}
    assert forecast.length_of(like(name="cnn", declared=fixed, parameters={"fixed": 7})) == Length(7, "parameter fixed")
