"""Several meters on one SUT: circuits that add up, meters that check each other, ranges."""

from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Literal

import numpy as np
import pytest

from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import PowerDescriptor, RangeChangeEvent
from harness.record.run_folder import RunFolder
from reports.campaign.run import AnalysedRun
from reports.findings import meter_rules
from reports.readings.series import read_run
from tests.reports.make_campaign import Shape, make_campaign

LIMITS = {"reading_percent": 1.0, "range_percent": 0.1, "counts": 0.0, "source": "a page"}


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    campaign = make_campaign(tmp_path_factory.mktemp("s"), Shape(repetitions=1, baseline_blocks=1, duration_s=20))
    return next(run for run in CampaignFolder(campaign).runs() if run.start.scenario == "cnn")


@pytest.fixture
def run(sealed: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy that may be added to."""
    folder = Path(copytree(sealed.path, tmp_path / "run"))
    folder.chmod(0o755)
    return replace(sealed, path=folder)


def with_meter(
    run: RunFolder,
    meter: str,
    circuit: str,
    power_w: float,
    *,
    step_s: float = 0.7,
    accuracy: dict[str, object] | None = LIMITS,
    ranging: Literal["none", "auto", "fixed"] = "fixed",
) -> RunFolder:
    """The run with one more meter that read `power_w` all the time, at its own pace."""
    first = read_run(run).power["wall"].times_ns
    times = np.arange(first[0] + 123_456_789, first[-1], int(step_s * 1e9))
    rows = [f"{time_ns},{power_w},{step_s}," for time_ns in times.tolist()]
    stream = f"readings-{meter}.csv"
    (run.path / stream).write_text("\n".join(["time_ns,power_w,window_s,flags", *rows, ""]))
    column = {"name": "power_w", "unit": "W", "resolution": 0.01, "range": [0.0, 100.0], "accuracy": accuracy}
    descriptor = PowerDescriptor(
        stream=stream, meter=meter, circuit=circuit, identity={}, origin="emulated", evidence={}, averaging="window",
        window_s=step_s, stamp="end", latency_s=0.0, columns=[column], ranging=ranging,
    )  # fmt: skip
    return replace(run, power=(*run.power, descriptor))


def fed_by(run: RunFolder, *circuits: str) -> RunFolder:
    sut = run.start.config.get("sut", {}) | {"circuits": list(circuits)}
    return replace(run, start=replace(run.start, config=run.start.config | {"sut": sut}))


def analysed(run: RunFolder) -> AnalysedRun:
    return AnalysedRun(run, read_run(run))


def test_the_energy_is_the_sum_over_the_circuits_that_feed_the_sut(run: RunFolder) -> None:
    alone = analysed(run)
    both = analysed(fed_by(with_meter(run, "gpu", "gpu-supply", 50.0), "sut-ac-inlet", "gpu-supply"))
    assert both.energy_j == pytest.approx(alone.energy_j + 50.0 * alone.duration_s, rel=1e-9)
    assert both.series.primary_meters == ("wall", "gpu")
    assert both.series.whole


def test_the_boards_of_a_log_add_up_and_are_not_the_whole_machine(run: RunFolder) -> None:
    boards = with_meter(with_meter(fed_by(run), "gpu0", "gpu0-dc-board", 50.0), "gpu1", "gpu1-dc-board", 30.0)
    alone = analysed(replace(boards, power=boards.power[1:]))
    assert alone.series.primary_meters == ("gpu0", "gpu1")
    assert alone.energy_j == pytest.approx(80.0 * alone.duration_s, rel=1e-9)
    assert not alone.series.whole
    assert analysed(boards).series.primary_meters == ("wall",)


def test_a_meter_on_another_circuit_changes_nothing(run: RunFolder) -> None:
    beside = analysed(with_meter(run, "gpu", "gpu-supply", 50.0))
    assert beside.energy_j == analysed(run).energy_j
    assert beside.series.doubles == ()


def test_a_circuit_without_a_reading_leaves_no_energy_instead_of_a_part_of_it(run: RunFolder) -> None:
    run = fed_by(with_meter(run, "gpu", "gpu-supply", 50.0), "sut-ac-inlet", "gpu-supply")
    (run.path / "readings-gpu.csv").write_text("time_ns,power_w,window_s,flags\n")
    assert analysed(run).parts == ()
    assert analysed(run).excluded_because == "no power reading lies in its rating interval"


@pytest.mark.parametrize(
    ("factor", "accuracy", "codes"),
    [
        (1.005, LIMITS, []),
        (1.2, LIMITS, ["cross-check"]),
        (0.8, LIMITS, ["cross-check"]),
        (1.2, None, ["cross-check-open"]),
    ],
)
def test_a_second_meter_on_the_circuit_is_a_check_and_never_counted_twice(
    run: RunFolder, factor: float, accuracy: dict[str, object] | None, codes: list[str]
) -> None:
    alone = analysed(run)
    two = analysed(with_meter(run, "second", "sut-ac-inlet", factor * alone.mean_power_w, accuracy=accuracy))
    assert two.energy_j == alone.energy_j
    assert two.interval_ns is not None
    found = list(meter_rules.of_doubles(two.series, *two.interval_ns, two.doubles_j))
    assert [finding.code for finding in found] == codes
    for finding in found:
        assert finding.evidence["difference_percent"] == pytest.approx((factor - 1) * 100, abs=1e-6)
        assert finding.evidence["meters"] == ["wall", "second"]


def test_a_range_that_is_left_to_the_meter_or_changes_is_a_finding(run: RunFolder) -> None:
    fixed = fed_by(with_meter(run, "gpu", "gpu-supply", 50.0), "gpu-supply")
    assert list(meter_rules.of_ranging(read_run(fixed))) == []
    auto = fed_by(with_meter(run, "gpu", "gpu-supply", 50.0, ranging="auto"), "gpu-supply")
    (found,) = meter_rules.of_ranging(read_run(auto))
    assert (found.code, found.severity, found.evidence["meter"]) == ("auto-range", "warn", "gpu")

    def told(scale: float) -> RangeChangeEvent:
        return RangeChangeEvent(
            time_ns=1, stream="readings-gpu.csv", column="current_a", auto=False, full_scale=scale, text=""
        )

    assert list(meter_rules.of_ranging(read_run(replace(fixed, events=(*fixed.events, told(1.0), told(1.0)))))) == []
    (found,) = meter_rules.of_ranging(read_run(replace(fixed, events=(*fixed.events, told(1.0), told(2.0)))))
    assert found.evidence["changes"] == 1


def test_overrange_is_never_a_number_and_fails_the_run(run: RunFolder) -> None:
    run = fed_by(with_meter(run, "gpu", "gpu-supply", 50.0), "gpu-supply")
    lines = (run.path / "readings-gpu.csv").read_text().splitlines()
    lines[15] = lines[15].split(",")[0] + ",,0.7,overrange"
    (run.path / "readings-gpu.csv").write_text("\n".join([*lines, ""]))
    series = read_run(run)
    assert series.begin_ns is not None
    assert series.end_ns is not None
    (found,) = meter_rules.of_overrange(series, series.begin_ns, series.end_ns)
    assert (found.code, found.severity, found.evidence) == ("overrange", "invalid", {"meter": "gpu", "readings": 1})
