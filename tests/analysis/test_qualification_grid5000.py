"""What software meters of a real machine say beside its wall meter: RAPL, Scaphandre and the BMC of tests/data/grid5000
(CC BY-SA 4.0, Mathilde Jay, Vladimir Ostapenco et al.; 60 s idle, one load of 100 s, 60 s idle)."""

import csv
import gzip
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from reports.qualification.lag import Record, lag_of
from reports.qualification.sampling import sampling_of
from reports.qualification.share import WallError, run_means, seen_share
from reports.qualification.trace import Floats, of_gauge, of_windows
from reports.results.software_meter import Lag, LagMethod, Refusal, Sampling, SeenShare
from reports.results.uncertainty import Number

DATA = Path(__file__).resolve().parents[1] / "data" / "grid5000"
WALL, BMC = "wattmetre_power_watt", "bmc_node_power_watt"
IDLE_S, LOAD_S = (5.0, 55.0), (75.0, 140.0)
"""Spans of the first record, in s from its first reading: the load runs from 60 to 158 s."""
LIMIT = WallError(0.01 / 3**0.5, 0.0)
"""The wall meter's makers state no limits; 1 % of the reading is taken."""
Series = tuple[Floats, Floats]


def rows(name: str) -> Iterable[Mapping[str, str]]:
    """The rows of a packed table."""
    with gzip.open(DATA / name, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def summed(pairs: Iterable[tuple[str, str]]) -> Series:
    """Stamps (s) and sums of what has the same stamp: the domains of RAPL."""
    sums: dict[float, float] = {}
    for stamp, value in pairs:
        time_s = datetime.fromisoformat(stamp).timestamp()
        sums[time_s] = sums.get(time_s, 0.0) + float(value)
    times_s = sorted(sums)
    return np.array(times_s), np.array([sums[time_s] for time_s in times_s])


@cache
def software(number: int) -> Series:
    """RAPL's packages by PowerAPI (1), Scaphandre's host power (2)."""
    if number == 1:
        return summed((row["timestamp"], row["power"]) for row in rows("cpu-rapl-1.csv.gz") if row["scope"] == "cpu")
    return summed((row["timestamp"], row["value"]) for row in rows("cpu-scaphandre-host-2.csv.gz"))


@cache
def beside(number: int, metric: str) -> Series:
    """Wall meter or BMC beside the same run."""
    table = rows(f"cpu-wall-and-bmc-{number}.csv.gz")
    return summed((row["timestamp"], row["value"]) for row in table if row["metric_id"] == metric)


@pytest.mark.parametrize("method", ["cross-correlation", "likelihood"])
@pytest.mark.parametrize(("number", "lag_s", "widest_s"), [(1, 1.5, 1.0), (2, 8.2, 2.5)])
def test_rapl_and_scaphandre_lag_behind_the_wall(method: LagMethod, number: int, lag_s: float, widest_s: float) -> None:
    wall = of_windows(*beside(number, WALL), 1.0)
    lag = lag_of([Record("run", wall, *software(number))], method)
    assert isinstance(lag, Lag), lag
    assert lag.lag_s.value == pytest.approx(lag_s, abs=0.15)
    assert lag.lag_s.expanded is not None
    assert lag.lag_s.expanded < widest_s
    assert lag.correlation > 0.98


def share(number: int, span_s: tuple[float, float]) -> Number:
    """The share seen over a span, counted from the wall's first reading."""
    wall_s, wall_w = beside(number, WALL)
    times_s, power_w = software(number)
    record = Record("run", of_windows(wall_s, wall_w, 1.0), times_s, power_w)
    begin_s, end_s = (float(wall_s[0]) + edge_s for edge_s in span_s)
    inside = (times_s > begin_s) & (times_s < end_s)
    means = run_means(
        "run",
        record.wall,
        of_gauge(times_s, power_w),
        (begin_s, end_s),
        lag_of([record], "likelihood"),
        power_w[inside],
    )
    assert not isinstance(means, Refusal), means
    seen = seen_share([means], LIMIT, 0.0)
    assert isinstance(seen, SeenShare)
    return seen.share


def test_rapl_sees_an_eighth_of_the_wall_and_more_of_it_under_load() -> None:
    idle, load = share(1, IDLE_S), share(1, LOAD_S)
    assert idle.value == pytest.approx(0.120, abs=0.001)
    assert load.value == pytest.approx(0.142, abs=0.001)
    assert idle.expanded == pytest.approx(0.0014, abs=0.0003)
    assert load.value - (load.expanded or 9) > idle.value + (idle.expanded or 9)


def test_scaphandre_says_what_rapl_says() -> None:
    assert share(2, LOAD_S).value == pytest.approx(share(1, LOAD_S).value, abs=0.001)


def test_a_record_with_two_values_of_the_bmc_tells_no_lag() -> None:
    wall = of_windows(*beside(1, WALL), 1.0)
    refused = lag_of([Record("run", wall, *beside(1, BMC))], "cross-correlation")
    assert isinstance(refused, Refusal)


def test_the_bmc_says_multiples_of_36_w_every_5_s_and_is_late() -> None:
    table = rows("g5k_metrics.csv.gz")
    wall_s, wall_w = summed((row["timestamp"], row[WALL]) for row in table if row[WALL])
    bmc_s, bmc_w = summed((row["timestamp"], row[BMC]) for row in table if row[BMC])
    found = sampling_of(bmc_s, bmc_w, "gauge", None, 0.9, Refusal("constant", ""))
    assert isinstance(found, Sampling)
    assert (found.quantum, found.resolution, found.dead_band_w) == (36.0, 36.0, None)
    assert isinstance(found.update_interval_s, Number)
    assert found.update_interval_s.value == pytest.approx(5.0, abs=0.02)
    lag = lag_of([Record("runs", of_windows(wall_s, wall_w, 1.0), bmc_s, bmc_w)], "cross-correlation")
    assert isinstance(lag, Lag), lag
    assert lag.lag_s.value == pytest.approx(1.9, abs=0.4)
