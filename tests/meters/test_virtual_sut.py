"""Physical laws of the virtual computer, in virtual time."""

from __future__ import annotations

import itertools
import math
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.emulators.virtual_sut import (
    CpuLoad,
    PowerSource,
    ScriptedPower,
    Steps,
    VirtualSut,
    nvml_power_w,
    parse_profile,
    supply_input_w,
)
from meters.emulators.wattsup import WattsUpDevice

LOADS = st.floats(0.0, 1.0)


def quiet(steps: tuple[tuple[float, float], ...]) -> VirtualSut:
    return VirtualSut(Steps(steps), seed=1, noise_percent=0.0)


def settled_w(load: float) -> float:
    sut = quiet(((0.0, load),))
    sut.advance(1000.0)
    return sut.advance(1001.0).mean_w


@given(LOADS, LOADS)
def test_more_load_never_draws_less_power(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert settled_w(low) <= settled_w(high)


def test_full_load_draws_much_more_than_idle_and_idle_more_than_nothing() -> None:
    assert 20 < settled_w(0.0) < 40
    assert settled_w(1.0) > 2.5 * settled_w(0.0)


@given(st.floats(0.0, 400.0), st.floats(0.0, 400.0))
def test_a_supply_draws_more_than_it_delivers_and_never_less_for_more(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert supply_input_w(low) <= supply_input_w(high)
    assert supply_input_w(low) > low


@given(LOADS, LOADS)
def test_power_approaches_its_new_level_from_one_side_and_settles(before: float, after: float) -> None:
    sut = quiet(((0.0, before), (1000.0, after)))
    sut.advance(1000.0)
    trace = [sut.advance(1000.0 + second).mean_w for second in range(1, 400)]
    steps = [later - earlier for earlier, later in itertools.pairwise(trace)]
    assert all(step >= -1e-9 for step in steps) or all(step <= 1e-9 for step in steps)
    assert trace[-1] == pytest.approx(settled_w(after), rel=1e-6)


def test_the_thermal_lag_has_its_time_constant() -> None:
    sut = quiet(((0.0, 0.0), (500.0, 1.0)))
    sut.advance(500.0)
    early = sut.advance(500.001).mean_w
    at_tau = (sut.advance(519.999), sut.advance(520.0))[1].mean_w
    rise = (at_tau - early) / (settled_w(1.0) - early)
    assert rise == pytest.approx(1 - math.exp(-1), abs=0.01)


@given(st.lists(st.floats(0.01, 30.0), min_size=1, max_size=20))
def test_energy_does_not_depend_on_how_often_one_looks(slices: list[float]) -> None:
    total_s = math.fsum(slices)
    fine, coarse = quiet(((0.0, 0.7),)), quiet(((0.0, 0.7),))
    now_s = energy_j = 0.0
    for length in slices:
        now_s += length
        energy_j += fine.advance(now_s).mean_w * length
    assert energy_j == pytest.approx(coarse.advance(total_s).mean_w * total_s, rel=1e-3)


def test_noise_follows_its_seed_and_does_not_shift_the_mean() -> None:
    def trace(seed: int) -> list[float]:
        sut = VirtualSut(Steps(((0.0, 0.5),)), seed=seed)
        sut.advance(1000.0)
        return [sut.advance(1000.0 + second).mean_w for second in range(1, 2001)]

    assert trace(7) == trace(7)
    assert trace(7) != trace(8)
    assert sum(trace(7)) / 2000 == pytest.approx(settled_w(0.5), rel=5e-4)


@given(
    st.lists(st.tuples(st.floats(0.1, 50.0), st.floats(0.0, 500.0)), min_size=1, max_size=6),
    st.floats(0.1, 300.0),
    st.floats(0.01, 0.99),
)
def test_scripted_energy_is_additive_and_constant_power_gives_p_times_t(
    parts: list[tuple[float, float]], end_s: float, share: float
) -> None:
    times = [0.0]
    for length, _level in parts[:-1]:
        times.append(times[-1] + length)
    script = Steps(tuple(zip(times, (level for _length, level in parts), strict=True)))
    whole, split = ScriptedPower(script), ScriptedPower(script)
    cut_s = end_s * share
    energy_j = split.advance(cut_s).mean_w * cut_s + split.advance(end_s).mean_w * (end_s - cut_s)
    assert energy_j == pytest.approx(whole.advance(end_s).mean_w * end_s, rel=1e-9, abs=1e-6)
    constant = ScriptedPower(Steps(((0.0, parts[0][1]),)))
    assert constant.advance(end_s).mean_w * end_s == pytest.approx(parts[0][1] * end_s)


@given(st.lists(st.tuples(st.integers(1, 40), st.floats(0.0, 1.0)), min_size=1, max_size=5), st.booleans())
def test_the_energy_register_agrees_with_the_sum_of_the_lines(parts: list[tuple[int, float]], noisy: bool) -> None:
    times = [0.0]
    for length, _level in parts[:-1]:
        times.append(times[-1] + length)
    script = Steps(tuple(zip(times, (level for _length, level in parts), strict=True)))
    device = WattsUpDevice(VirtualSut(script, seed=3, noise_percent=0.3 if noisy else 0.0), seed=3)
    device.receive(b"#L,W,3,E,0,1;", 0.0)
    lines = [device.push(float(second))[0] for second in range(1, 301)]
    watts = [int(line.split(b",")[3]) / 10 for line in lines]
    register_wh = int(lines[-1].split(b",")[6]) / 10
    assert len(lines) == 300
    assert abs(register_wh - sum(watts) / 3600) <= 0.1 + 300 * 0.05 / 3600
    assert register_wh <= device.energy_wh < register_wh + 0.1 + 1e-6


def test_the_load_of_this_machine_is_the_busy_share_between_two_samples(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 2 3\n", encoding="ascii")
    load = CpuLoad(stat)
    stat.write_text("cpu  125 0 125 730 120 0 0 0 0 0\ncpu0 1 2 3\n", encoding="ascii")
    assert load.mean(0.0, 0.05) == 0.0
    assert load.mean(0.05, 0.11) == 0.5
    assert load.mean(0.11, 1.11) == 0.5


def test_the_real_load_of_this_machine_gives_a_plausible_power() -> None:
    source = parse_profile("cpu", 1)
    assert 20 < source.advance(1.0).mean_w < 5000
    assert nvml_power_w()() >= 0.0


class FakeNvml(ModuleType):
    """NVML as its Python binding shows it: milliwatts per board, an error where a board is lost."""

    class NVMLError(Exception):
        pass

    def __init__(self, milliwatts: list[int], broken: str) -> None:
        super().__init__("pynvml")
        self.milliwatts, self.broken = milliwatts, broken

    def nvmlInit(self) -> None:  # noqa: N802 - the binding's name
        if self.broken == "init":
            raise self.NVMLError

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.milliwatts)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetPowerUsage(self, handle: int) -> int:  # noqa: N802
        if self.broken == "power":
            raise self.NVMLError
        return self.milliwatts[handle]


@pytest.mark.parametrize(("broken", "power_w"), [("", 75.5), ("init", 0.0), ("power", 0.0)])
def test_the_power_of_all_boards_is_added_and_a_lost_driver_counts_nothing(
    monkeypatch: pytest.MonkeyPatch, broken: str, power_w: float
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml([25_000, 50_500], broken))
    assert nvml_power_w()() == power_w


def test_the_power_of_the_boards_reaches_the_inlet_with_the_losses_of_the_supply() -> None:
    with_gpu = VirtualSut(Steps(((0.0, 0.5),)), seed=1, noise_percent=0.0, gpu_power_w=lambda: 100.0)
    assert with_gpu.advance(1000.0).mean_w > settled_w(0.5) + 105.0


@pytest.mark.parametrize(
    ("text", "power_w"), [("watts=50", 50.0), ("watts=0:20,5:80", 50.0), ("watts=0:20,10:99", 20.0)]
)
def test_a_scripted_profile_gives_exactly_its_watts(text: str, power_w: float) -> None:
    source: PowerSource = parse_profile(text, 1)
    assert source.advance(10.0).mean_w == pytest.approx(power_w)


@pytest.mark.parametrize(
    "text",
    ["", "gpu", "watts", "watts=", "watts=x", "watts=-1", "watts=nan", "watts=5:1,5:2", "watts=-1:3",
     "watts=1:2:3", "watts=1:2,3", "load=2", "load=0:0.5,9:1.5", "load=", "cpu=1"],
)  # fmt: skip
def test_a_profile_that_is_none_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match="expected cpu, load=L"):
        parse_profile(text, 1)
