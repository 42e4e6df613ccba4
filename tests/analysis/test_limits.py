"""What a descriptor says of its meter's error: limits, range, certificate and its age."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.record.documents import PowerDescriptor
from reports.energy.contributions import Stream, part_terms
from reports.energy.meter_error import certificate_of, error_of
from reports.energy.power_function import power_function
from reports.readings.series import read_power
from tests.analysis.streams import at, descriptor, stream

TODAY = "2026-11-21T08:00:00Z"
LIMITS = {"reading_percent": 1.5, "range_percent": 0.1, "counts": 3.0, "source": "manual"}
POINTS = [{"load_w": 100.0, "error_w": 1.0, "U_w": 0.4}, {"load_w": 10.0, "error_w": 0.0, "U_w": 0.1}]
CERTIFICATE = {
    "number": "1", "laboratory": "L", "date": "2025-11-21", "expires": "2027-11-21", "k": 2.0, "conditions": "23 °C",
    "stability_percent_per_year": None, "points": POINTS,
}  # fmt: skip


def meter(calibration: dict[str, Any] | None = None, **column: Any) -> PowerDescriptor:  # noqa: ANN401
    power = {"name": "power_w", "unit": "W", "resolution": 0.1, "range": [0.0, 1800.0], "accuracy": LIMITS} | column
    return replace(descriptor(), columns=[power], calibration=calibration)


def sources(how: PowerDescriptor, power_w: float = 100.0) -> dict[str, float]:
    return {gain.source: float(gain.relative_u[0]) for gain in error_of(how, TODAY).gains(np.array([power_w]))}


def test_limits_of_error_are_a_gain_and_an_offset_of_range_and_digits() -> None:
    found = error_of(meter(), TODAY)
    assert found.reading == 0.015
    assert found.offset_w == pytest.approx(1.8 + 0.3)
    assert found.offset_u_w == pytest.approx(2.1 / math.sqrt(3))
    assert sources(meter()) == {"gain": pytest.approx(0.015 / math.sqrt(3))}
    assert found.known


@pytest.mark.parametrize(
    ("tier", "percent"),
    [("reference", 0.5), ("working", 1.0), ("indicative", 2.0), ("uncalibrated", 3.0), (None, 3.0)],
)
def test_without_limits_nothing_is_known_and_the_tier_says_what_is_assumed(tier: Any, percent: float) -> None:  # noqa: ANN401
    found = error_of(replace(meter(accuracy=None, range=None), tier=tier), TODAY)
    assert (found.known, found.offset_u_w) == (False, 0.0)
    (gain,) = found.gains(np.array([1.0]))
    assert (gain.source, gain.distribution) == ("assumed", "rectangular")
    assert gain.relative_u == pytest.approx(percent / 100 / math.sqrt(3))


def test_what_anybody_states_takes_the_place_of_what_is_assumed() -> None:
    for known in (meter(), meter(CERTIFICATE, accuracy=None)):
        assert "assumed" not in sources(known)


def test_a_meter_on_another_range_or_of_another_serial_number_is_not_the_same() -> None:
    plain = error_of(meter(), TODAY)
    assert error_of(meter(), TODAY).key == plain.key
    assert error_of(meter(range=[0.0, 200.0]), TODAY).key != plain.key
    assert error_of(replace(meter(), identity={"serial": "7"}), TODAY).key != plain.key
    assert not error_of(replace(meter(), ranging="auto"), TODAY).one_range
    assert plain.one_range


def test_a_certificate_alone_stands_beside_the_limits_and_with_a_stability_replaces_them() -> None:
    assert sources(meter(CERTIFICATE)) == {"gain": pytest.approx(0.015 / math.sqrt(3)), "certificate": 0.002}
    stable = meter(CERTIFICATE | {"stability_percent_per_year": 0.3})
    assert sources(stable) == {"certificate": 0.002, "stability": pytest.approx(0.003 / math.sqrt(3), rel=1e-3)}
    assert error_of(stable, TODAY).offset_u_w == 0
    assert sources(stable, 55.0)["certificate"] == pytest.approx(0.125 / 55)
    assert error_of(meter(CERTIFICATE, accuracy=None), TODAY).known


def test_a_certificate_ages_and_one_without_points_is_none() -> None:
    stable = meter(CERTIFICATE | {"stability_percent_per_year": 0.3})
    later = error_of(stable, "2027-11-21T00:00:00Z").stability
    assert later == pytest.approx(2 * (error_of(stable, TODAY).stability or 0.0), rel=1e-3)
    assert certificate_of(meter({"date": "2020-11-30", "source": "PTDaemon Identify"})) is None
    assert certificate_of(meter(CERTIFICATE | {"points": [{"load_w": 1.0, "error_w": 0.1, "U_w": None}]})) is None


def test_the_error_that_a_certificate_knows_is_taken_off_every_reading(tmp_path: Path) -> None:
    (tmp_path / "readings-wall.csv").write_text("time_ns,power_w\n1,101\n2,10\n3,55.5\n4,0\n5,300\n")
    found = read_power(tmp_path, meter(CERTIFICATE))
    plain = read_power(tmp_path, meter())
    assert found is not None
    assert plain is not None
    assert found.corrected_w(slice(None)) == pytest.approx([100, 10, 55, 0, 299])
    assert found.power_w.tolist() == plain.power_w.tolist() == [101, 10, 55.5, 0, 300]  # as indicated
    middle = np.array([2]), np.array([3])
    energies_j = [float(power_function(one).energy_j(*middle)[0]) for one in (found, plain)]
    assert energies_j[0] == pytest.approx(energies_j[1] * 55 / 55.5)


def test_what_the_instrument_states_is_read_and_counts_by_the_power(tmp_path: Path) -> None:
    (tmp_path / "readings-wall.csv").write_text("time_ns,power_w,relative_uncertainty\n1,100,0.01\n2,10,\n")
    found = read_power(tmp_path, meter())
    assert found is not None
    assert found.reported is not None
    assert np.array_equal(found.reported, [0.01, np.nan], equal_nan=True)
    series = replace(stream(range(21), [100.0] * 21, meter()), reported=np.array([0.01] * 11 + [np.nan] * 10))
    one = Stream(series, power_function(series), error_of(meter(), TODAY), None)
    assert part_terms(one, np.array([at(0)]), np.array([at(20)])).reported_j == pytest.approx([0.01 * 100 * 20])
