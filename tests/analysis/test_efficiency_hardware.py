"""Efficiency factors with Fieller's interval; hardware indicators and GPU energy over intervals."""

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.record.documents import IndicatorDescriptor
from reports.energy import efficiency, hardware
from reports.readings.series import Indicators
from reports.results.uncertainty import Term
from reports.results.undeclared import UNDECLARED
from tests.analysis.streams import at

NOTHING = Term(0.0, float("inf"))
"""Nothing that the energies of all runs share."""


def indicators(period_s: float = 1.0, **columns: list[float]) -> Indicators:
    count = len(next(iter(columns.values())))
    described = [{"name": n, "unit": "u", "quantity": n, "method": "m", "kind": "gauge"} for n in columns]
    how = IndicatorDescriptor(stream="samples-agent.csv", period_s=period_s, clock="sut", columns=described)
    times_ns = np.array([at(period_s * (i + 1)) for i in range(count)], dtype=np.int64)
    return Indicators(how, times_ns, tuple(columns), np.array(list(columns.values()), dtype=np.float64).T)


def intervals(*pairs: tuple[float, float]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.array([at(a) for a, _ in pairs]), np.array([at(b) for _, b in pairs])


def test_work_is_read_from_the_summary_its_quality_and_the_marked_epochs() -> None:
    summary = {"val_accuracy": 0.8, "quality": {"f1": 0.7, "correct": True}, "images_seen_train": float("nan")}
    work = efficiency.work_of(summary, UNDECLARED.work, {"epoch": 4}, {})
    assert work == {"val_accuracy_per_wh": 0.8, "f1_per_wh": 0.7, "epochs_per_wh": 4.0}
    assert efficiency.work_of({}, UNDECLARED.work, {}, {}) == {}


def test_the_efficiency_factor_is_the_ratio_of_means_and_not_the_mean_of_ratios() -> None:
    work = [{"val_accuracy_per_wh": 0.8}, {"val_accuracy_per_wh": 0.9}]
    ratio = efficiency.ratios(UNDECLARED.work, work, np.array([1.0, 3.0]), NOTHING)["val_accuracy_per_wh"]
    assert ratio.number.estimate.value == pytest.approx(0.85 / 2)
    assert ratio.per_run == pytest.approx((0.8, 0.3))


def test_images_are_counted_per_joule() -> None:
    ratio = efficiency.ratios(UNDECLARED.work, [{"images_per_j": 7200.0}], np.array([2.0]), NOTHING)["images_per_j"]
    assert (ratio.number.estimate.value, ratio.number.unit) == (1.0, "1/J")


def test_fiellers_interval_covers_the_true_ratio_about_95_times_in_100() -> None:
    random = np.random.default_rng(3)
    hits = 0
    for _ in range(2000):
        energy = random.normal(2.0, 0.3, 10)
        work = [{"f1_per_wh": w} for w in 3.0 + (energy - 2.0) + random.normal(0, 0.2, 10)]
        interval = efficiency.ratios(UNDECLARED.work, work, energy, NOTHING)["f1_per_wh"].interval
        assert interval is not None
        hits += interval[0] <= 1.5 <= interval[1]
    assert 0.93 <= hits / 2000 <= 0.97


def test_an_energy_that_may_be_zero_gives_no_interval() -> None:
    ratio = efficiency.ratios(UNDECLARED.work, [{"f1_per_wh": 1.0}] * 3, np.array([-1.0, 0.5, 2.0]), NOTHING)[
        "f1_per_wh"
    ]
    assert ratio.interval is None


def test_means_take_the_samples_in_the_interval_and_amounts_become_rates() -> None:
    samples = indicators(2.0, cpu_percent=[1, 2, 3, 4], disk_read_kb=[10, 20, 30, np.nan])
    assert hardware.means(samples, at(2), at(6)) == {"cpu_percent": 2.5, "disk_read_kb": 12.5}
    assert hardware.means(samples, at(20), at(30)) == {}


@pytest.mark.parametrize(
    ("name", "unit", "method", "mean"),
    [
        ("ram_used_kb", "kB", "psutil.virtual_memory().used / 1024 (psutil 5.9.0)", "KiB"),  # until 2026-11
        ("ram_used_kb", "kB", "collectl [MEM]Used", "KiB"),
        ("disk_read_kb", "kB", "collectl [DSK]ReadKBTot", "KiB/s"),
        ("net_sent_kb", "kB", "psutil.net_io_counters, sum of all interfaces but lo", "kB/s"),
        ("ram_used_kib", "KiB", "psutil.virtual_memory(): total - available", "KiB"),
        ("disk_read_kib_per_s", "KiB/s", "collectl [DSK]ReadKBTot", "KiB/s"),
        ("gpu0_memory_used_mib", "MiB", "nvmlDeviceGetMemoryInfo().used", "MiB"),
        ("gpu0_temperature_c", "degC", "nvmlDeviceGetTemperature", "°C"),
    ],
)
def test_an_indicator_has_the_unit_of_its_numbers_whatever_an_older_descriptor_calls_it(
    name: str, unit: str, method: str, mean: str
) -> None:
    recorded = hardware.recorded_unit({"name": name, "unit": unit, "method": method})
    assert hardware.unit_of(name, recorded) == mean


def test_gpu_energy_prefers_the_boards_counter_and_adds_boards() -> None:
    both = indicators(gpu0_power_w=[10] * 5, gpu0_energy_j=[0, 20, 40, 60, 80], gpu1_energy_j=[0, 1, 2, 3, 4])
    counted = hardware.gpu_energy(both, *intervals((1, 3), (2.5, 5)))
    assert counted is not None
    assert counted.method == hardware.COUNTER
    assert counted.energy_j == pytest.approx([42, 52.5])
    integrated = hardware.gpu_energy(indicators(gpu0_power_w=[10, 10, 20, 20]), *intervals((1, 4)))
    assert integrated is not None
    assert integrated.method == hardware.POWER
    assert integrated.energy_j == pytest.approx([45])
    assert hardware.gpu_energy(indicators(cpu_percent=[1, 2]), *intervals((1, 2))) is None
    assert hardware.gpu_energy(None, *intervals((1, 2))) is None


def test_gpu_temperature_is_unknown_where_no_sample_fell_into_the_action() -> None:
    warm = hardware.gpu_temperatures_c(indicators(gpu0_temperature_c=[40, 50, np.nan]), *intervals((0, 2), (1.2, 1.8)))
    assert warm[0] == 45
    assert np.isnan(warm[1])
    assert np.isnan(hardware.gpu_temperatures_c(None, *intervals((0, 2)))).all()


def test_integrated_gpu_power_is_uncertain_by_what_lies_between_its_samples_and_a_counter_is_not() -> None:
    powers = [50.0, 54.0] * 50
    found = hardware.gpu_energy(indicators(2.0, gpu0_power_w=powers, gpu1_power_w=powers), *intervals((20, 120)))
    assert found is not None
    assert found.sampling_j is not None
    one_board = 4 / np.sqrt(2) * np.sqrt(2.0 * 100)
    assert found.sampling_j == pytest.approx([one_board * np.sqrt(2)], rel=0.02)
    counted = hardware.gpu_energy(indicators(2.0, gpu0_energy_j=powers), *intervals((20, 120)))
    assert counted is not None
    assert counted.sampling_j is None


def test_energy_per_success_counts_failed_runs_and_knows_its_spread() -> None:
    found = efficiency.energy_per_success(np.array([1.0, 0.0, 1.0, 1.0]), np.array([2.0, 4.0, 2.0, 4.0]), NOTHING)
    assert found is not None
    assert (found.estimate.value, found.n) == (4.0, 4)
    assert found.estimate.u is not None
    wider = efficiency.energy_per_success(np.array([1.0, 0.0, 1.0, 1.0]), np.array([2.0, 4.0, 2.0, 4.0]), Term(1.0, 9))
    assert wider is not None
    assert wider.estimate.u == pytest.approx(np.hypot(found.estimate.u, 1 / 0.75))
    assert efficiency.energy_per_success(np.zeros(3), np.ones(3), NOTHING) is None


def test_what_all_energies_share_widens_the_factor() -> None:
    work = [{"f1_per_wh": 1.0}] * 3
    alone, shared = (efficiency.ratios(UNDECLARED.work, work, np.array([1.9, 2.0, 2.1]), one)["f1_per_wh"]
                     for one in (NOTHING, Term(0.2, float("inf"))))  # fmt: skip
    assert alone.number.estimate.u is not None
    assert shared.number.estimate.u == pytest.approx(np.hypot(alone.number.estimate.u, 0.5 * 0.2 / 2), rel=1e-9)
    assert shared.interval is not None
    assert alone.interval is not None
    assert shared.interval[1] - shared.interval[0] > alone.interval[1] - alone.interval[0]
