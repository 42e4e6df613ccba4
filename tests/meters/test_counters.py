"""RAPL and NVML as what they are: estimates of the machine about itself, by a fake tree and a stub of the library."""

import os
import subprocess
import sys
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters import counters, host, rapl
from meters.counters import Counter, Counts, decode_counters
from meters.meter import MeterGarbage, MeterUnavailable
from meters.playback import Playback
from meters.registry import open_meter
from meters.wire_log import read_capture
from tests.sut.conftest import compiled

RANGE_UJ = 262_143_328_850
QUICK = {"interval_s": 0.05}


def write_zone(tree: Path, folder: str, name: str, energy_uj: int, range_uj: int = RANGE_UJ) -> None:
    (tree / folder).mkdir(parents=True, exist_ok=True)
    for file, content in (("name", name), ("max_energy_range_uj", range_uj), ("energy_uj", energy_uj)):
        (tree / folder / file).write_text(f"{content}\n")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write_zone(tmp_path, "intel-rapl:0", "package-0", 10_000_000)
    write_zone(tmp_path, "intel-rapl:0:0", "core", 4_000_000)
    write_zone(tmp_path, "intel-rapl:0:1", "dram", 30_000_000)
    write_zone(tmp_path, "intel-rapl:1", "psys", 90_000_000)
    return tmp_path


def test_packages_and_their_memory_are_summed_and_nothing_twice(tree: Path) -> None:
    meter = open_meter("rapl", str(tree), capture=None, options=QUICK)
    write_zone(tree, "intel-rapl:0", "package-0", 12_000_000)
    write_zone(tree, "intel-rapl:0:0", "core", 9_000_000)
    write_zone(tree, "intel-rapl:0:1", "dram", 30_500_000)
    write_zone(tree, "intel-rapl:1", "psys", 99_000_000)
    reading = meter.read(1.0)
    assert reading.power_w is not None
    assert reading.power_w * reading.window_s == pytest.approx(2.5)
    assert reading.window_s > 0


def test_every_reading_is_estimated_whatever_stands_behind_the_port(tree: Path) -> None:
    meter = open_meter("rapl", str(tree), capture=None, options=QUICK)
    assert meter.origin().kind == "estimated"
    assert "ESTIMATED" in meter.identify().model
    assert meter.describe().column("power_w").accuracy is None  # type: ignore[union-attr]
    assert "an estimate" in meter.describe().remarks[0]


def test_a_counter_that_begins_anew_goes_on(tree: Path) -> None:
    write_zone(tree, "intel-rapl:0", "package-0", RANGE_UJ - 1_000_000)
    meter = open_meter("rapl", str(tree), capture=None, options=QUICK)
    write_zone(tree, "intel-rapl:0", "package-0", 500_000)
    reading = meter.read(1.0)
    assert reading.power_w is not None
    assert reading.power_w * reading.window_s == pytest.approx(1.5)


def test_two_dies_that_show_one_counter_count_once(tmp_path: Path) -> None:
    write_zone(tmp_path, "intel-rapl:0", "package-0-die-0", 5_000_000)
    write_zone(tmp_path, "intel-rapl:1", "package-0-die-1", 5_000_400)
    write_zone(tmp_path, "intel-rapl:2", "package-1-die-0", 70_000_000)
    assert set(decode_counters(rapl.PowercapTree(str(tmp_path)).read())) == {"intel-rapl:0", "intel-rapl:2"}


def test_a_log_of_counters_is_decoded_again(tree: Path) -> None:
    log = BytesIO()
    meter = open_meter("rapl", str(tree), capture=log, options=QUICK)
    readings = []
    for nth in range(1, 4):
        write_zone(tree, "intel-rapl:0", "package-0", 10_000_000 + nth * 1_000_000)
        readings.append(meter.read(1.0))
    session = Playback(tuple(read_capture(log.getvalue().splitlines(keepends=True), "log")), [])
    with host.playing(session):
        again = open_meter("rapl", "not there", capture=None, options=QUICK)
        assert again.identify() == meter.identify()
        assert [again.read(1.0) for _ in readings] == readings


@pytest.mark.parametrize(
    ("port", "said"),
    [("", "no RAPL counter"), ("/proc/self", "no RAPL counter"), ("/nowhere", "no RAPL counter")],
)
def test_a_machine_without_counters_says_so(port: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(MeterUnavailable, match=said):
        open_meter("rapl", port or str(tmp_path), capture=None, options={})


def test_a_counter_that_only_root_may_read_is_told_with_the_remedy(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_zone: rapl.Zone) -> int:
        raise PermissionError

    monkeypatch.setattr(rapl.Zone, "read_uj", refuse)
    with pytest.raises(MeterUnavailable, match=r"sudo chmod o\+r .*energy_uj"):
        open_meter("rapl", str(tree), capture=None, options={})


@given(st.binary(max_size=200))
def test_bytes_that_are_no_counters_are_garbage_and_nothing_else(data: bytes) -> None:
    with suppress(MeterGarbage):
        decode_counters(data)


@given(st.integers(0, RANGE_UJ - 1), st.lists(st.integers(0, RANGE_UJ // 4), max_size=5))
def test_what_is_counted_over_parts_is_what_is_counted_over_the_whole(start: int, steps: list[int]) -> None:
    values = [start]
    for step in steps:
        values.append((values[-1] + step) % RANGE_UJ)
    counts = Counts(0, {"a": Counter("package-0", RANGE_UJ, start)})
    parts = 0
    for nth, value in enumerate(values[1:], start=1):
        parts += counts.advance(nth * 10**12 * 2**nth, {"a": Counter("package-0", RANGE_UJ, value)})[0]
    assert parts == sum(steps)


def test_other_counters_and_one_that_goes_back_are_garbage() -> None:
    counts = Counts(0, {"gpu0": Counter("A100", 0, 5)})
    with pytest.raises(MeterGarbage, match="other counters"):
        counts.advance(1, {"gpu1": Counter("A100", 0, 6)})
    with pytest.raises(MeterGarbage, match="went back"):
        counts.advance(1, {"gpu0": Counter("A100", 0, 4)})
    with pytest.raises(MeterGarbage, match="no later"):
        counts.advance(1, {"gpu0": Counter("A100", 0, 9)})


@pytest.mark.parametrize(("before_uj", "after_uj"), [(100_000_000_000, 7_000_000), (RANGE_UJ - 40_000_000_000, 5)])
def test_a_counter_that_was_reset_did_not_turn_and_is_counted_from_there_on(before_uj: int, after_uj: int) -> None:
    # By a step above half of the range, and by one of 40 kJ in a second where all others were of 50 J.
    counts = Counts(0, {"a": Counter("package-0", RANGE_UJ, before_uj - 50_000_000)})
    assert counts.advance(10**9, {"a": Counter("package-0", RANGE_UJ, before_uj)}) == (50_000_000, 1.0)
    with pytest.raises(MeterGarbage, match="reset"):
        counts.advance(2 * 10**9, {"a": Counter("package-0", RANGE_UJ, after_uj)})
    again = {"a": Counter("package-0", RANGE_UJ, after_uj + 60_000_000)}
    assert counts.advance(4 * 10**9, again) == (60_000_000, 2.0)


def test_a_meter_whose_counter_was_reset_reads_on(tree: Path) -> None:
    write_zone(tree, "intel-rapl:0", "package-0", 100_000_000_000)
    meter = open_meter("rapl", str(tree), capture=None, options=QUICK)
    write_zone(tree, "intel-rapl:0", "package-0", 3_000_000)
    with pytest.raises(MeterGarbage, match="reset"):
        meter.read(1.0)
    assert meter.read(1.0).power_w == 0.0  # it was greeted again


def test_boards_are_read_through_the_drivers_library(tmp_path: Path) -> None:
    """In a process of its own: a library is loaded once."""
    library = compiled("nvml_stub.c", tmp_path / "libnvidia-ml.so.1").parent
    trace = tmp_path / "trace"
    trace.write_text("count 2\ngpu0.energy_mj 9000\ngpu1.energy_mj 500\n")
    program = (
        "import sys, pathlib; from meters.registry import open_meter\n"
        "meter = open_meter('nvml', 'all', capture=None, options={'interval_s': 0.05})\n"
        "pathlib.Path(sys.argv[1]).write_text('count 2\\ngpu0.energy_mj 9001\\ngpu1.energy_mj 502\\n')\n"
        "reading = meter.read(1.0)\n"
        "print(meter.origin().kind, round(reading.power_w * reading.window_s, 9))\n"
    )
    environment = {**os.environ, "LD_LIBRARY_PATH": str(library), "NVML_TRACE": str(trace)}
    done = subprocess.run(
        [sys.executable, "-c", program, str(trace)], env=environment, capture_output=True, text=True, check=False,
        cwd=Path(counters.__file__).parents[1],
    )  # fmt: skip
    assert done.stdout.split() == ["estimated", "0.003"], done.stderr
