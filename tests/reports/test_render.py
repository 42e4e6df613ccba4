"""From sealed run folders to the report's bytes: every kind of campaign, rebuilt alike."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.record.errors import LabError
from reports.figures.campaign import TracePanel
from reports.figures.scale import Floats
from reports.pages.traces import note_of
from reports.readings.outline import mean_over, mean_step_s, outline_of_trace
from tests.documents import write_report
from tests.reports.make_campaign import LOADS, Load, Shape, make_campaign
from tests.reports.test_campaign_page import checked

HOSTILE = '</style><script>alert("x")</script>{{ 7*7 }}'
SHAPES = {
    "one-run": Shape(name="one-run", repetitions=1, baseline_blocks=1, loads={"cnn": LOADS["cnn"]}),
    "no-gpu": Shape(name="no-gpu", repetitions=2, gpu=False, baseline_blocks=2, loads={"idle": LOADS["idle"]}),
    "only-baseline": Shape(name="only-baseline", loads={}, baseline_blocks=3),
    "no-baseline": Shape(name="no-baseline", baseline_blocks=0, repetitions=2, loads={"cnn": LOADS["cnn"]}),
    "no-success": Shape(
        name="no-success", repetitions=2, baseline_blocks=1, loads={"cnn": LOADS["cnn"]}, broken={2: "fail", 3: "abort"}
    ),
    "own-command": Shape(
        name="own-command", repetitions=2, baseline_blocks=2,
        loads={"mine": Load(20.0, 10.0, marked=False, configured=False)},
    ),
    "hostile": Shape(
        name="hostile", repetitions=1, baseline_blocks=1, hostname=HOSTILE, lab=HOSTILE, operator=HOSTILE,
        reason=HOSTILE, loads={HOSTILE.replace("/", ""): LOADS["cnn"]}, broken={1: "abort"},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_campaign(tmp_path_factory.mktemp("campaign"), Shape(repetitions=2, broken={5: "abort"}))


@pytest.mark.parametrize("name", SHAPES)
def test_every_kind_of_campaign_gives_a_whole_report(name: str, tmp_path: Path) -> None:
    report = write_report(make_campaign(tmp_path, SHAPES[name]))
    text = checked(report.read_text()).text
    assert "End of report." in text
    assert "None" not in text
    assert report.read_text().count("<script") == 2  # the page's own, and the JSON of its runs
    for tag in ("<script>alert", "</style><"):
        assert tag not in report.read_text()


@pytest.mark.usefixtures("nothing_remembered")
def test_a_rebuilt_report_has_the_same_bytes(campaign: Path) -> None:
    first = write_report(campaign).read_bytes()
    shutil.rmtree(campaign / "derived")
    assert write_report(campaign).read_bytes() == first


def test_a_moved_campaign_gives_the_same_report(campaign: Path, tmp_path: Path) -> None:
    first = write_report(campaign).read_bytes()
    moved = tmp_path / "elsewhere" / campaign.name
    shutil.copytree(campaign, moved)
    assert write_report(moved).read_bytes() == first


def test_an_excluded_run_is_listed_and_not_drawn(campaign: Path) -> None:
    html = write_report(campaign).read_text()
    assert re.search(r'<tr id="run-5" class="excluded"><th scope="row" class="num">5</th>', html)
    assert "SIGTERM: the operator stopped the lab" in checked(html).text
    drawn = [int(count) for count in re.findall(r">[a-z]+, (\d+) runs?<", html)]
    runs = json.loads((campaign / "derived" / "results.json").read_text())["runs"]
    assert sum(drawn) == sum(run["included"] for run in runs) == len(runs) - 1


@pytest.mark.parametrize("name", ["run.jsonl", "readings-wall.csv", "samples-agent.csv"])
def test_a_damaged_run_is_reported_and_stops_nothing(name: str, campaign: Path, tmp_path: Path) -> None:
    damaged = tmp_path / campaign.name
    shutil.copytree(campaign, damaged)
    target = sorted(damaged.glob(f"*-r03-*/{name}"))[0]
    for path in (target.parent, target):
        path.chmod(0o755)
    target.write_bytes(b"nonsense \xff<script>\n" * 3)
    html = write_report(damaged).read_text()
    text = checked(html).text
    assert "invalid broken-seal" in " ".join(text.split())
    assert html.count("<script") == 2


def test_what_is_no_campaign_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=str(tmp_path)):
        write_report(tmp_path)


def test_a_report_that_cannot_be_written_is_an_error_that_names_it(campaign: Path) -> None:
    report = write_report(campaign)
    report.unlink()
    report.mkdir()
    with pytest.raises(LabError, match=r"report\.html: cannot write"):
        write_report(campaign)
    report.rmdir()


def test_the_power_of_every_scenario_is_drawn(campaign: Path) -> None:
    html = write_report(campaign).read_text()
    figure = re.search(r'<figure id="fig-power">.*?</figure>', html, re.DOTALL)
    assert figure is not None
    for name in ("baseline", *LOADS):
        assert f">{name}, " in figure.group()


@given(st.lists(st.floats(0, 500), min_size=1, max_size=5), st.integers(2, 40))
def test_the_mean_of_constant_runs_is_the_mean_of_their_powers(powers: list[float], seconds: int) -> None:
    x: Floats = np.arange(seconds, dtype=np.float64) + 0.5
    _, mean = mean_over([outline_of_trace(x, np.full(seconds, power)) for power in powers])
    assert np.allclose(mean, np.mean(powers))


def test_the_mean_ends_where_the_shortest_run_ends_and_never_jumps() -> None:
    long: Floats = np.arange(40, dtype=np.float64) + 0.5
    seconds, mean = mean_over(
        [outline_of_trace(long, np.full(40, 10.0)), outline_of_trace(long[:20], np.full(20, 30.0))]
    )
    assert mean.tolist() == [20.0] * 20
    assert seconds[-1] == 19.5


def test_a_second_without_a_reading_of_one_run_does_not_move_the_mean() -> None:
    every: Floats = np.arange(30, dtype=np.float64) + 0.5
    fewer = np.delete(every, [7, 8, 20])
    _, mean = mean_over([outline_of_trace(every, np.full(30, 10.0)), outline_of_trace(fewer, np.full(27, 30.0))])
    assert mean.tolist() == [20.0] * 30


def test_the_mean_of_short_runs_begins_with_their_readings_and_says_its_steps() -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0, 4.7])
    outlines = [outline_of_trace(x, np.full(5, power)) for power in (10.0, 30.0)]
    seconds, mean = mean_over(outlines)
    assert seconds[0] + mean_step_s(outlines) / 2 > 1.0 >= seconds[0] - mean_step_s(outlines)
    assert set(mean.tolist()) == {20.0}
    short = TracePanel("cnn, 2 runs", 0, [(x, x)], (x, x), step_s=mean_step_s(outlines))
    assert "per tenth of the shortest run: cnn (0.47 s)" in note_of([short])
    assert "formed per second" in note_of([replace(short, step_s=1.0)])
    assert "per second, of short runs per tenth of the shortest run: cnn (0.47 s)" in note_of(
        [short, replace(short, step_s=1.0)]
    )
