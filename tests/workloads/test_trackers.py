"""Trackers around a program, as a run starts them: CodeCarbon and carbontracker for real in the SUT's environment, the
artefacts they leave, and that nothing a tracker does can spoil the run."""

import csv
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.sut.conftest import compiled
from tests.workloads.conftest import ROOT, Start
from workloads.trackers.tracking import NEXT_EPOCH_NS, TRACKERS, TrackerProblem, parse

Around = Callable[..., "subprocess.CompletedProcess[str]"]
ARTEFACT = {
    "schema", "name", "version", "begin_ns", "end_ns", "clock", "period_s", "reported_wh", "factor", "factor_reason",
    "parts_wh", "methods", "intervals", "polls", "raw", "problems",
}  # fmt: skip
WATCH = """\
import socket
def _told(real):
    def call(*words, **options):
        if words and isinstance(words[0], socket.socket) and words[0].family == socket.AF_UNIX:
            return real(*words, **options)
        with open({log!r}, "a") as file:
            file.write(repr(words[-1:]) + "\\n")
        raise OSError("no network here")
    return call
socket.socket.connect = _told(socket.socket.connect)
socket.getaddrinfo = _told(socket.getaddrinfo)
"""
GPU_W = 100
BOARD = """\
import os, pathlib, time
begin_s, trace = time.monotonic(), pathlib.Path(os.environ["NVML_TRACE"])
while (now_s := time.monotonic() - begin_s) < 2.0:
    energy_mj = round(1000 * {watt} * now_s)
    trace.with_suffix(".part").write_text("count 1\\ngpu0.power_mw {watt}000\\n" f"gpu0.energy_mj {{energy_mj}}\\n")
    trace.with_suffix(".part").replace(trace)
    time.sleep(0.02)
print("mine")
"""
"""A command of 2 s that is also the board of the stub library: a constant power, and its counter."""
BROKEN = {
    "at its import": "raise RuntimeError('broken')",
    "by sys.exit": "import sys\nsys.exit(70)",
    "when it starts": "class OfflineEmissionsTracker:\n    def __init__(self, **words): raise ValueError('broken')",
}


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A work folder with the files of the trackers, as a run stages them."""
    folder = tmp_path / "work"
    folder.mkdir()
    markers = ROOT / "workloads" / "markers" / "wattlab_markers.py"
    for file in (*(ROOT / "workloads" / "trackers").glob("*.py"), markers):
        shutil.copy(file, folder)
    return folder


@pytest.fixture
def around(program: Path, tmp_path: Path, sut_python: str) -> Around:
    """`around.py WORDS -- python -c CODE`; a network is neither there nor asked for unnoticed."""
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH.format(log=str(tmp_path / "network")))

    def run(words: list[str], code: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        places = {"WATTLAB_ARTIFACTS": str(tmp_path / "artifacts"), "HOME": str(home), "TMPDIR": str(home)}
        full = {**os.environ, "PYTHONPATH": str(tmp_path / "watch"), **places, **environment}
        command = [sut_python, "around.py", *words, "--", sut_python, "-c", code]
        return subprocess.run(command, cwd=program, env=full, capture_output=True, text=True, check=False)

    return run


def artefact(tmp_path: Path, name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((tmp_path / "artifacts" / f"tracker-{name}.json").read_text())
    assert set(document) == ARTEFACT
    assert (document["schema"], document["name"], document["clock"]) == (1, name, "sut-monotonic")
    return document


def names_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if "__pycache__" not in path.parts}


def test_all_trackers_run_for_real_around_a_command_and_nothing_leaves_the_machine(
    tmp_path: Path, program: Path, around: Around
) -> None:
    library = tmp_path / "board"
    library.mkdir()
    compiled("nvml_stub.c", library / "libnvidia-ml.so.1")
    (library / "nvidia-smi").write_text("#!/bin/sh\n")  # CodeCarbon looks for a GPU only where this can be called
    (library / "nvidia-smi").chmod(0o755)
    (library / "trace").write_text(f"count 1\ngpu0.power_mw {GPU_W}000\ngpu0.energy_mj 0\n")
    board = {"LD_LIBRARY_PATH": str(library), "NVML_TRACE": str(library / "trace")}
    path = f"{library}:{os.environ['PATH']}"
    before = names_of(program)
    words = ["codecarbon=1", "carbontracker", "eit", "nvml-rapl"]
    done = around(words, BOARD.format(watt=GPU_W), PATH=path, **board)
    assert (done.returncode, done.stdout) == (0, "mine\n")
    said = {name: artefact(tmp_path, name) for name in TRACKERS}
    for document in said.values():
        assert (document["end_ns"] - document["begin_ns"]) / 1e9 >= 2.0
        assert document["intervals"] == []
    expected = {f"tracker-{name}.json" for name in TRACKERS} | {TRACKERS[name].raw for name in TRACKERS}
    expected |= {"tracker-codecarbon-trace.csv"}
    assert names_of(tmp_path / "artifacts") == expected
    assert names_of(program) == before
    assert names_of(tmp_path / "home") == set()
    assert not (tmp_path / "network").exists()

    codecarbon = said["codecarbon"]
    (row,) = csv.DictReader((tmp_path / "artifacts" / "tracker-codecarbon.csv").read_text().splitlines())
    assert codecarbon["reported_wh"] == pytest.approx(float(row["energy_consumed"]) * 1000)
    assert sum(part or 0.0 for part in codecarbon["parts_wh"].values()) == pytest.approx(codecarbon["reported_wh"])
    assert float(row["duration"]) == pytest.approx((codecarbon["end_ns"] - codecarbon["begin_ns"]) / 1e9, rel=0.2)
    assert (codecarbon["factor"], codecarbon["period_s"], codecarbon["version"]) == (
        1.0,
        1.0,
        row["codecarbon_version"],
    )
    trace = list(csv.DictReader((tmp_path / "artifacts" / "tracker-codecarbon-trace.csv").read_text().splitlines()))
    stamps, counted_j = [int(row["sut_ns"]) for row in trace], [float(row["energy_j"]) for row in trace]
    assert (stamps[0], counted_j[0]) == (codecarbon["begin_ns"], 0.0)
    assert (stamps, counted_j) == (sorted(stamps), sorted(counted_j))
    assert 0 < counted_j[-1] <= codecarbon["reported_wh"] * 3600 * (1 + 1e-6)
    assert set(codecarbon["methods"]) == {"cpu", "gpu", "ram"}
    assert "unknown" not in codecarbon["methods"].values()
    assert codecarbon["polls"] >= 2
    # A constant power of the board gives power times time, whoever asks it how.
    for name, tolerance in (("codecarbon", 0.25), ("carbontracker", 0.05), ("nvml-rapl", 1e-9)):
        document = said[name]
        true_wh = GPU_W * (document["end_ns"] - document["begin_ns"]) / 3.6e12
        assert document["parts_wh"]["gpu"] == pytest.approx(true_wh, rel=tolerance), name

    tracker = said["carbontracker"]
    assert (tracker["factor"], "1.58" in tracker["factor_reason"]) == (1.58, True)
    assert sum(part or 0.0 for part in tracker["parts_wh"].values()) == pytest.approx(tracker["reported_wh"] / 1.58)
    printed = re.search(r"Energy:\t([\d.]+) kWh", (tmp_path / "artifacts" / "tracker-carbontracker.log").read_text())
    assert printed is not None
    assert tracker["reported_wh"] == pytest.approx(float(printed[1]) * 1000, rel=1e-6)


def test_the_measured_command_keeps_its_exit_status_and_does_not_see_the_trackers(
    tmp_path: Path, around: Around
) -> None:
    code = "import os, sys; sys.exit(7 if 'WATTLAB_TRACKERS' not in os.environ else 1)"
    assert around([], code, WATTLAB_TRACKERS="nvml-rapl=0.5").returncode == 7
    assert artefact(tmp_path, "nvml-rapl")["period_s"] == 0.5
    assert around(["eit"], "import os, signal; os.kill(os.getpid(), signal.SIGKILL)").returncode == 128 + 9


@pytest.mark.parametrize("how", BROKEN)
def test_a_tracker_that_dies_leaves_the_run_alone_and_says_so(how: str, tmp_path: Path, around: Around) -> None:
    package = tmp_path / "watch" / "codecarbon"
    package.mkdir()
    (package / "__init__.py").write_text(BROKEN[how])
    (package / "output.py").write_text("BaseOutput, OutputMethod = object, type('M', (), {'CSV': 'csv'})")
    done = around(["codecarbon", "nvml-rapl"], "print('mine')")
    assert (done.returncode, done.stdout) == (0, "mine\n")
    document = artefact(tmp_path, "codecarbon")
    assert (document["reported_wh"], document["raw"], document["parts_wh"]) == (None, None, {})
    assert document["problems"][0].startswith("it could not be prepared: ")
    assert artefact(tmp_path, "nvml-rapl")["polls"] == 2


def test_a_tracker_that_dies_in_mid_run_reports_nothing_and_the_others_go_on(
    tmp_path: Path, program: Path, sut_python: str
) -> None:
    (program / "tracker_eit.py").write_text(
        "import time\n"
        "class Dying:\n"
        "    def start(self): return time.monotonic_ns()\n"
        "    def so_far(self, action): raise OSError('lost')\n"
        "def adapter(folder, period_s, epochs): return Dying()\n"
    )
    (program / "tracker_nvml_rapl.py").write_text(
        "import time\n"
        "from tracking import Report\n"
        "class Steady:\n"
        "    def start(self):\n"
        "        self.begin_ns = time.monotonic_ns()\n"
        "        return self.begin_ns\n"
        "    def so_far(self, action):\n"
        "        now_ns = time.monotonic_ns()\n"
        "        return now_ns, (now_ns - self.begin_ns) / 1e9\n"
        "    def stop(self):\n"
        "        now_ns, total_wh = self.so_far('')\n"
        "        return Report('1', now_ns, total_wh, {}, {}, 0)\n"
        "def adapter(folder, period_s, epochs): return Steady()\n"
    )
    code = (
        "import pathlib, time\n"
        "from tracking import of_environment\n"
        "with of_environment(pathlib.Path('out'), epochs=True) as trackers:\n"
        "    for epoch in range(3):\n"
        "        with trackers.interval('epoch', epoch):\n"
        "            time.sleep(0.1)\n"
        "print('mine')\n"
    )
    environment = {**os.environ, "WATTLAB_TRACKERS": "eit nvml-rapl"}
    command = [sut_python, "-c", code]
    done = subprocess.run(command, cwd=program, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "mine\n"), done.stderr
    dead, steady = (json.loads((program / "out" / f"tracker-{name}.json").read_text()) for name in ("eit", "nvml-rapl"))
    assert (dead["reported_wh"], dead["intervals"]) == (None, [])
    assert dead["problems"] == ["it died at the action epoch: OSError: lost"]
    assert [interval["index"] for interval in steady["intervals"]] == [0, 1, 2]
    for interval in steady["intervals"]:
        assert interval["reported_wh"] == pytest.approx((interval["end_ns"] - interval["begin_ns"]) / 1e9)
    # The end of an epoch and the begin of the next are one question: nothing falls between them.
    edges = [(interval["begin_ns"], interval["end_ns"]) for interval in steady["intervals"]]
    assert [end for _, end in edges[:-1]] == [begin for begin, _ in edges[1:]]


def test_without_trackers_none_is_imported_and_nothing_is_written(program: Path, sut_python: str) -> None:
    code = (
        "import pathlib, sys\n"
        "from tracking import of_environment\n"
        "with of_environment(pathlib.Path('out'), epochs=True) as trackers, trackers.interval('epoch'):\n"
        "    print([name for name in sys.modules if name.startswith(('tracker_', 'codecarbon', 'carbontracker'))])\n"
    )
    before = names_of(program)
    environment = {name: value for name, value in os.environ.items() if name != "WATTLAB_TRACKERS"}
    command = [sut_python, "-c", code]
    done = subprocess.run(command, cwd=program, env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
    assert names_of(program) == before


def test_the_training_tells_its_actions_and_epochs_to_the_trackers(tmp_path: Path, start: Start) -> None:
    done = start("cnn", WATTLAB_TRACKERS="codecarbon carbontracker")
    assert done.returncode == 0, done.stderr
    codecarbon, carbontracker = artefact(tmp_path, "codecarbon"), artefact(tmp_path, "carbontracker")
    assert codecarbon["period_s"] == TRACKERS["codecarbon"].period_s == 15.0
    shown = [(interval["name"], interval["index"]) for interval in codecarbon["intervals"]]
    assert [index for name, index in shown if name == "epoch"] == [0, 1]
    assert {"training", "evaluation"} <= {name for name, _ in shown}
    marked = {
        (line["action"], line["index"], line["edge"]): line["sut_ns"]
        for line in map(json.loads, (tmp_path / "markers").read_text().splitlines())
    }
    for interval in (*codecarbon["intervals"], *carbontracker["intervals"]):
        edges_ns = [marked[interval["name"], interval["index"], edge] for edge in ("begin", "end")]
        assert edges_ns[0] - NEXT_EPOCH_NS <= interval["begin_ns"] < interval["end_ns"] <= edges_ns[1]
    assert codecarbon["begin_ns"] < min(marked.values())
    assert max(marked.values()) < codecarbon["end_ns"]
    of = {(interval["name"], interval["index"]): interval["reported_wh"] for interval in codecarbon["intervals"]}
    assert 0.0 < of["epoch", 0] + of["epoch", 1] <= of["training", 0] * (1 + 1e-9) <= codecarbon["reported_wh"]
    # carbontracker knows nothing but epochs: its own interval is theirs.
    first, second = carbontracker["intervals"]
    assert [(interval["name"], interval["index"]) for interval in (first, second)] == [("epoch", 0), ("epoch", 1)]
    assert (carbontracker["begin_ns"], carbontracker["end_ns"]) == (first["begin_ns"], second["end_ns"])


def epochs_of(count: int, seconds: float, between_s: float = 0.0) -> str:
    return (
        "import pathlib, time\n"
        "from tracking import of_environment\n"
        "with of_environment(pathlib.Path('artifacts'), epochs=True) as trackers:\n"
        "    time.sleep(0.2)\n"
        f"    for epoch in range({count}):\n"
        "        with trackers.interval('epoch', epoch):\n"
        f"            time.sleep({seconds})\n"
        f"        time.sleep({between_s})\n"
        "    time.sleep(0.2)\n"
    )


def test_an_epoch_too_short_for_carbontracker_to_measure_is_told(program: Path, sut_python: str) -> None:
    environment = {**os.environ, "WATTLAB_TRACKERS": "carbontracker=60"}
    command = [sut_python, "-c", epochs_of(4, 0.1)]
    done = subprocess.run(command, cwd=program, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    problems = artefact(program, "carbontracker")["problems"]
    assert any("of its 4 epochs were too short for a measurement" in problem for problem in problems)


@pytest.mark.parametrize("between_s", [0.0, 0.15])
def test_carbontrackers_epochs_add_up_to_what_it_reports(program: Path, sut_python: str, between_s: float) -> None:
    code = epochs_of(2, 1.3, between_s)
    environment = {**os.environ, "WATTLAB_TRACKERS": "carbontracker=0.2"}
    done = subprocess.run([sut_python, "-c", code], cwd=program, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    document = artefact(program, "carbontracker")
    assert sum(interval["reported_wh"] for interval in document["intervals"]) == pytest.approx(document["reported_wh"])
    assert (document["end_ns"] - document["begin_ns"]) / 1e9 >= 2.6
    assert document["polls"] >= 2
    assert not any("too short" in problem for problem in document["problems"])
    assert all(interval["reported_wh"] > 0 for interval in document["intervals"])


@pytest.mark.parametrize("word", ["unknown", "eit=0", "eit=-1", "eit=nan", "eit=soon", "codecarbon=inf"])
def test_a_word_that_names_no_tracker_or_no_time_is_refused_with_what_is_known(word: str) -> None:
    with pytest.raises(TrackerProblem, match=r"expected a tracker: codecarbon, carbontracker, eit, nvml-rapl|above 0"):
        parse([word])


def test_words_give_names_and_periods_in_order() -> None:
    assert parse(["nvml-rapl=0.25", "codecarbon"]) == {"nvml-rapl": 0.25, "codecarbon": 15.0}
    assert parse([]) == {}


@pytest.mark.parametrize(
    ("words", "status"), [([], 2), (["--"], 2), (["wrong", "--", "true"], 2), (["--", "/nowhere"], 127)]
)
def test_wrong_arguments_are_told_in_one_sentence(
    words: list[str], status: int, program: Path, sut_python: str
) -> None:
    command = [sut_python, "around.py", *words]
    done = subprocess.run(command, cwd=program, capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert re.fullmatch(r"around\.py: .+\n", done.stderr)


# --- what a tracker's settings and the machine make of its figure


Powercap = Callable[..., dict[str, Any]]


@pytest.fixture
def on_powercap(tmp_path: Path, program: Path, sut_python: str) -> Powercap:
    """carbontracker's report on a stand-in powercap folder."""
    shutil.copy(Path(__file__).parent / "carbontracker_driver.py", program)

    def run(zones: dict[str, tuple[str, float]], seconds: float, *, closed: bool = False) -> dict[str, Any]:
        given = {"zones": zones, "seconds": seconds, "closed": closed, "folder": str(tmp_path)}
        command = [sut_python, "carbontracker_driver.py", json.dumps(given)]
        done = subprocess.run(command, cwd=program, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    return run


def test_carbontracker_gives_the_mean_of_several_devices_and_says_so(
    on_powercap: Powercap,
) -> None:
    said = on_powercap({"intel-rapl:0": ("package-0", 50.0), "intel-rapl:0:0": ("dram", 10.0)}, 4.0)
    mean_w = said["parts_wh"]["cpu"] * 3600 / ((said["end_ns"] - said["begin_ns"]) / 1e9)
    assert mean_w == pytest.approx(30.0, rel=0.1)
    assert said["methods"]["cpu"] == "RAPL counters, mean power of its 2 devices times time (cpu:0, dram:0)"
    assert said["problems"] == ["its CPU figure is the mean of its 2 devices (cpu:0, dram:0), not their sum"]
    assert said["polls"] in (2, 3, 4)  # one a second and a bit, not one a device


def test_carbontracker_on_counters_that_it_may_not_read_has_no_method(
    on_powercap: Powercap,
) -> None:
    said = on_powercap({"intel-rapl:0": ("package-0", 50.0)}, 1.0, closed=True)
    assert (said["reported_wh"], said["parts_wh"]["cpu"], said["methods"]["cpu"]) == (0.0, None, "none")
    assert said["polls"] == 0
    assert said["problems"][0] == "its CPU cannot be read (cpu:0); it counts 0 for it, which is no measurement"
    assert not any("too short" in problem for problem in said["problems"])


def test_codecarbon_in_process_mode_is_told_not_to_count_the_machine(tmp_path: Path, around: Around) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".codecarbon.config").write_text("[codecarbon]\ntracking_mode = process\n")
    assert around(["codecarbon=1"], "import time; time.sleep(1.2)").returncode == 0
    document = artefact(tmp_path, "codecarbon")
    told = "tracking_mode is process: it counts its process and the children it sees once a second, not the machine"
    assert told in document["problems"] or "rapl" in document["methods"]["cpu"].lower()


@pytest.mark.parametrize(("zones", "asked"), [(("package-0", "psys"), True), (("psys",), False)])
def test_codecarbon_on_the_platforms_counter_is_told_to_count_the_memory_twice(
    zones: tuple[str, ...], asked: bool, tmp_path: Path, program: Path, sut_python: str
) -> None:
    for place, name in enumerate(zones):
        zone = tmp_path / "powercap" / f"intel-rapl:{place}"
        zone.mkdir(parents=True)
        for file, text in {"name": name, "energy_uj": "1000", "max_energy_range_uj": "999999"}.items():
            (zone / file).write_text(f"{text}\n")
    code = (
        "import logging, tracker_codecarbon\n"
        "from codecarbon.core.cpu import IntelRAPL\n"
        "told = tracker_codecarbon.Messages()\n"
        "logging.getLogger('codecarbon').handlers = [told]\n"
        "logging.getLogger('codecarbon').setLevel(logging.INFO)\n"
        "before = told.uses_psys()\n"
        f"IntelRAPL(rapl_dir={str(tmp_path / 'powercap')!r}, rapl_prefer_psys={asked})\n"
        "print(before, told.uses_psys())\n"
    )
    done = subprocess.run([sut_python, "-c", code], cwd=program, capture_output=True, text=True, check=False)
    assert done.stdout == "False True\n", done.stderr
