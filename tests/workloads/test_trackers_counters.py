"""The adapters that read NVML and RAPL, in virtual time: power from a stub of the driver's library, counters from a
powercap tree of files. What experiment-impact-tracker's method makes of a trace equals a calculation by hand."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sut.conftest import compiled
from tests.workloads.conftest import ROOT
from workloads.trackers.tracker_counters import Zone, between

Follow = Callable[..., dict[str, Any]]
CYCLE_S, SNAPSHOT_S = 6.0, 5.0
"""Without RAPL a poll of the method takes five readings 1 s apart, then it sleeps 1 s: one snapshot in 6 s."""
PUE = 1.58


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled("nvml_stub.c", tmp_path_factory.mktemp("nvml") / "libnvidia-ml.so.1").parent


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A folder that nobody can enter, as pytest's own cannot be."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@pytest.fixture
def follow(library: Path, open_folder: Path) -> Follow:
    program = open_folder / "program"
    if not program.exists():
        program.mkdir()
        for file in (*(ROOT / "workloads" / "trackers").glob("*.py"), Path(__file__).parent / "trackers_driver.py"):
            shutil.copy(file, program)

    def run(tracker: str, end_s: float, **specification: Any) -> dict[str, Any]:  # noqa: ANN401
        out = open_folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        out.chmod(0o777)
        (open_folder / "trace").touch()
        (open_folder / "trace").chmod(0o666)
        places = {"powercap": str(open_folder / "no-powercap"), "folder": str(out)}
        words = {**places, **specification, "tracker": tracker, "end_s": end_s}
        traced = {"LD_LIBRARY_PATH": str(library), "NVML_TRACE": str(open_folder / "trace")}
        command = [sys.executable, "trackers_driver.py", json.dumps(words)]
        environment = {**os.environ, **traced}
        done = subprocess.run(command, cwd=program, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    return run


def bursts(end_s: float) -> list[list[float]]:
    """100 W, but 300 W for 1 s around every snapshot of the method."""
    points = [[0.0, 100.0]]
    begin_s = SNAPSHOT_S - 0.5
    while begin_s < end_s:
        points += [[begin_s, 300.0], [begin_s + 1.0, 100.0]]
        begin_s += CYCLE_S
    return points


def test_one_snapshot_stands_for_its_whole_interval_and_overstates_bursts_by_what_was_computed(
    follow: Follow,
) -> None:
    trace: dict[str, Any] = {"power_w": bursts(60.0), "ours_sm": 80}
    said = follow("eit", 60.0, **trace)
    # Ten snapshots, each on a burst: 300 W held over all of the 60 s. The board's mean is (5 * 100 + 300) / 6 W.
    assert said["parts_wh"]["gpu"] == pytest.approx(60 * 300 / 3600, rel=1e-12)
    assert said["polls"] == 10
    assert (said["reported_wh"], said["factor"]) == (pytest.approx(PUE * 5.0, rel=1e-12), PUE)
    true_wh = 60 * (5 * 100 + 300) / 6 / 3600
    direct = follow("nvml-rapl", 60.0, step_s=0.5, **trace)
    assert direct["reported_wh"] == pytest.approx(true_wh, rel=1e-12)
    assert said["parts_wh"]["gpu"] / direct["reported_wh"] == pytest.approx(2.25, rel=1e-12)


def test_bursts_that_miss_the_snapshots_are_not_seen_at_all(follow: Follow) -> None:
    late = [[second + 1.0 if second else 0.0, power] for second, power in bursts(60.0)]
    trace: dict[str, Any] = {"power_w": late, "ours_sm": 80}
    assert follow("eit", 60.0, **trace)["parts_wh"]["gpu"] == pytest.approx(60 * 100 / 3600, rel=1e-12)
    seen = follow("nvml-rapl", 60.0, step_s=0.5, **trace)["reported_wh"]
    assert seen == pytest.approx(60 * (5 * 100 + 300) / 6 / 3600, rel=0.01)


def test_in_idle_the_method_reports_nothing_although_the_board_draws_power(follow: Follow) -> None:
    trace: dict[str, Any] = {"power_w": [[0.0, 60.0]]}
    said = follow("eit", 60.0, **trace)
    assert (said["reported_wh"], said["parts_wh"]["gpu"], said["polls"]) == (0.0, 0.0, 10)
    assert any("no process of the run was on a GPU" in problem for problem in said["problems"])
    assert follow("nvml-rapl", 60.0, step_s=1.0, **trace)["reported_wh"] == pytest.approx(1.0, rel=1e-12)


def test_a_gpu_process_that_does_not_compute_is_given_nothing(follow: Follow) -> None:
    said = follow("eit", 30.0, power_w=[[0.0, 60.0]], ours_sm=0)
    assert said["reported_wh"] == 0.0
    assert not any("no process" in problem for problem in said["problems"])


def test_the_power_is_shared_by_sm_load_among_all_processes(follow: Follow) -> None:
    said = follow("eit", 60.0, power_w=[[0.0, 90.0]], ours_sm=40, others_sm=20)
    assert said["parts_wh"]["gpu"] == pytest.approx(90.0 * 40 / 60 * 60 / 3600, rel=1e-12)


def test_the_last_row_is_held_to_the_end_and_the_first_weighs_nothing(follow: Follow) -> None:
    # Stamps 0, 6, 12 s with snapshots at 5, 11, 17 s; the fourth poll is cut off. 100 W until 8 s, then 200 W.
    said = follow("eit", 20.0, power_w=[[0.0, 100.0], [8.0, 200.0]], ours_sm=1)
    by_hand_j = 0 * 100 + 6 * 200 + 6 * 200 + (20 - 12) * 200
    assert (said["polls"], said["parts_wh"]["gpu"]) == (3, pytest.approx(by_hand_j / 3600, rel=1e-12))


def test_a_run_that_is_over_before_the_first_poll_has_no_figure(follow: Follow) -> None:
    said = follow("eit", 4.0, power_w=[[0.0, 100.0]], ours_sm=50)
    assert said["reported_wh"] is None
    assert any("over after 4.0 s" in problem for problem in said["problems"])


def test_a_straight_line_is_integrated_exactly_and_a_lost_board_is_bridged_and_told(follow: Follow) -> None:
    line: dict[str, Any] = {"power_w": [[0.0, 50.0], [40.0, 250.0]], "line": True, "step_s": 2.5}
    assert follow("nvml-rapl", 40.0, **line)["reported_wh"] == pytest.approx(40 * 150 / 3600, rel=1e-9)
    lost = follow("nvml-rapl", 40.0, lost_s=[9.0, 21.0], **line)
    assert lost["reported_wh"] == pytest.approx(40 * 150 / 3600, rel=1e-9)
    assert any("GPU is lost; bridged" in problem for problem in lost["problems"])


def tree(folder: Path, zones: dict[str, str], range_uj: int) -> Path:
    """A powercap folder with one zone per entry, name by folder."""
    powercap = folder / "powercap"
    shutil.rmtree(powercap, ignore_errors=True)
    for zone, name in zones.items():
        (powercap / zone).mkdir(parents=True)
        files = {"name": name, "max_energy_range_uj": str(range_uj), "energy_uj": "0"}
        for file, text in files.items():
            (powercap / zone / file).write_text(text + "\n")
    return powercap


ZONES = {"intel-rapl:0": "package-0", "intel-rapl:0:0": "core", "intel-rapl:0:1": "dram", "intel-rapl:1": "psys"}


def test_counters_are_read_over_their_wrap_and_nothing_is_counted_twice(follow: Follow, open_folder: Path) -> None:
    powercap = tree(open_folder, ZONES, 1_000_000_000)
    energy_uj = {
        "intel-rapl:0": [[0, 900_000_000], [10, 990_000_000], [20, 80_000_000]],  # 90 J, then 90 J over the wrap
        "intel-rapl:0:0": [[0, 0], [10, 70_000_000], [20, 140_000_000]],
        "intel-rapl:0:1": [[0, 5], [10, 20_000_005], [20, 40_000_005]],
        "intel-rapl:1": [[0, 0], [10, 500_000_000], [20, 900_000_000]],
    }
    said = follow("nvml-rapl", 20.0, step_s=10.0, powercap=str(powercap), energy_uj=energy_uj)
    assert said["parts_wh"] == {"cpu": pytest.approx(180 / 3600), "gpu": None, "ram": pytest.approx(40 / 3600)}
    assert said["reported_wh"] == pytest.approx(220 / 3600)
    assert said["methods"] == {"cpu": "RAPL package counters", "gpu": "none", "ram": "RAPL dram counters"}


def test_a_counter_that_was_reset_is_told_and_counts_nothing_meanwhile(follow: Follow, open_folder: Path) -> None:
    powercap = tree(open_folder, {"intel-rapl:0": "package-0"}, 1_000_000_000)
    energy_uj = {"intel-rapl:0": [[0, 300_000_000], [10, 390_000_000], [10.001, 1_000_000], [20, 81_000_000]]}
    said = follow("nvml-rapl", 20.0, step_s=10.0, powercap=str(powercap), energy_uj=energy_uj)
    assert said["reported_wh"] == pytest.approx(90 / 3600)  # of the second step nobody knows what was used
    assert any("package-0 (intel-rapl:0) was reset meanwhile" in problem for problem in said["problems"])


DIES = {"intel-rapl:0": "package-0-die-0", "intel-rapl:0:0": "core", "intel-rapl:1": "package-0-die-1",
        "intel-rapl:1:0": "core", "intel-rapl:2": "package-1-die-0", "intel-rapl:2:0": "core"}  # fmt: skip


def constant(begin_uj: int, power_w: float, end_s: int = 60) -> list[list[int]]:
    return [[second, begin_uj + round(1e6 * power_w * second)] for second in range(end_s + 1)]


@pytest.mark.parametrize("begin_uj", [0, 777_000_000])
def test_dies_that_show_one_counter_count_once(begin_uj: int, follow: Follow, open_folder: Path) -> None:
    powercap = tree(open_folder, DIES, 10**11)
    energy_uj = {zone: constant(begin_uj, 40.0 if zone.count(":") > 1 else 50.0) for zone in DIES}
    given: dict[str, Any] = {"powercap": str(powercap), "energy_uj": energy_uj}
    # One counter of package 0 whatever its dies, and one of package 1, though it reads the same.
    direct = follow("nvml-rapl", 60.0, step_s=1.0, **given)
    assert direct["parts_wh"]["cpu"] == pytest.approx(100 * 60 / 3600)
    method = follow("eit", 60.0, alone=True, **given)
    assert method["parts_wh"]["cpu"] == pytest.approx(100 * 60 / 3600)
    told = "package-0-die-1 (intel-rapl:1) shows the counter of package-0-die-0 (intel-rapl:0), which counts once"
    assert told in direct["problems"]
    assert told in method["problems"]


@pytest.mark.parametrize(
    "second", [constant(5_000_000_000, 50.0), constant(777_000_000, 55.0)], ids=["begins elsewhere", "drifts apart"]
)
def test_dies_with_a_counter_each_are_added(second: list[list[int]], follow: Follow, open_folder: Path) -> None:
    powercap = tree(open_folder, {"intel-rapl:0": "package-0-die-0", "intel-rapl:1": "package-0-die-1"}, 10**11)
    energy_uj = {"intel-rapl:0": constant(777_000_000, 50.0), "intel-rapl:1": second}
    said = follow("nvml-rapl", 60.0, step_s=1.0, powercap=str(powercap), energy_uj=energy_uj)
    both_j = sum(points[-1][1] - points[0][1] for points in energy_uj.values()) / 1e6
    assert said["parts_wh"]["cpu"] == pytest.approx(both_j / 3600)
    assert not any("counts once" in problem for problem in said["problems"])


@given(st.integers(10**7, 2**40), st.data())
def test_a_view_of_a_counter_lies_between_two_readings_of_it_however_late_they_are(
    range_uj: int, data: st.DataObject
) -> None:
    zone = Zone("package-0-die-1", Path("zone"), range_uj, top=True)
    start = data.draw(st.integers(0, range_uj - 1))
    late = data.draw(st.integers(0, range_uj - 1))
    view = data.draw(st.integers(0, late))
    assert between(zone, start, (start + view) % range_uj, (start + late) % range_uj)


def test_the_method_takes_no_more_of_the_package_than_the_package_drew(follow: Follow, open_folder: Path) -> None:
    powercap = tree(open_folder, {"intel-rapl:0": "package-0"}, 10**12)
    energy_uj = {"intel-rapl:0": [[second, 50_000_000 * second] for second in range(61)]}  # 50 W
    said = follow("eit", 60.0, powercap=str(powercap), energy_uj=energy_uj)
    assert said["polls"] == 20  # 2 s of RAPL and 1 s of sleep
    assert 0.0 <= said["parts_wh"]["cpu"] <= 50 * 60 / 3600
    assert said["reported_wh"] == pytest.approx(PUE * said["parts_wh"]["cpu"])


def test_a_counter_that_only_root_may_read_is_told_with_its_remedy(follow: Follow, open_folder: Path) -> None:
    powercap = tree(open_folder, {"intel-rapl:0": "package-0"}, 1_000_000)
    powercap.chmod(0o755)
    counter = powercap / "intel-rapl:0" / "energy_uj"
    counter.chmod(0o400 if os.geteuid() == 0 else 0)
    said = follow("nvml-rapl", 5.0, step_s=1.0, powercap=str(powercap), as_nobody=True)
    assert said["reported_wh"] is None
    assert f"{counter}: not readable; since 2020 only root may read it" in said["problems"][0]
    assert f"sudo chmod o+r {counter}" in said["problems"][0]


def test_without_gpu_and_rapl_it_measured_nothing_and_says_so(follow: Follow) -> None:
    said = follow("nvml-rapl", 3.0, step_s=1.0)
    assert (said["reported_wh"], set(said["parts_wh"].values())) == (None, {None})
    assert "neither a GPU nor RAPL can be read: it measured nothing" in said["problems"]


@given(st.integers(1, 2**40), st.data())
def test_a_counter_difference_is_additive_over_a_split_and_never_negative(range_uj: int, data: st.DataObject) -> None:
    zone = Zone("package-0", Path("zone"), range_uj, top=True)
    start = data.draw(st.integers(0, range_uj - 1))
    total = data.draw(st.integers(0, range_uj - 1))
    part = data.draw(st.integers(0, total))
    after_part, after_all = (start + part) % range_uj, (start + total) % range_uj
    assert zone.since(start, after_part) == part
    assert zone.since(start, after_part) + zone.since(after_part, after_all) == zone.since(start, after_all) == total
