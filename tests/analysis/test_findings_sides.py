"""Rules with two sides or two ways to fire, each just outside and just inside its limit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.campaign.analyse import analyse
from tests.analysis.monitored import Fault, Monitored, Table, campaign_of
from tests.analysis.test_every_finding import at, in_config, keep, scaled, steps_up

SIDES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("supply", {"readings": at(10, 11, "voltage_v", 227.6)}, {"readings": at(10, 11, "voltage_v", 227.8)}),
    ("supply", {"readings": at(10, 11, "voltage_v", 232.4)}, {"readings": at(10, 11, "voltage_v", 232.2)}),
    ("supply", {"readings": at(10, 11, "frequency_hz", 49.4)}, {"readings": at(10, 11, "frequency_hz", 49.6)}),
    (
        "supply",
        {"readings": at(10, 11, "voltage_thd_percent", 2.1)},
        {"readings": at(10, 11, "voltage_thd_percent", 1.9)},
    ),
    ("supply", {"readings": at(10, 11, "voltage_v", 233.0)}, {"readings": at(-20, -10, "voltage_v", 233.0)}),
    ("ambient", {"room": at(10, 20, "room_temperature_c", 17.9)}, {"room": at(10, 20, "room_temperature_c", 18.1)}),
    ("ambient", {"room": at(10, 20, "room_temperature_c", 28.1)}, {"room": at(10, 20, "room_temperature_c", 27.9)}),
    ("not-settled", {"readings": steps_up(-30, "power_w", -2.0)}, {"readings": steps_up(-30, "power_w", -0.1)}),
    ("not-settled", {"readings": steps_up(-30, "power_w", 2.0)}, {"readings": steps_up(-30, "power_w", 0.1)}),
    (
        "not-settled",
        {"samples": lambda t: t.update(gpu0_temperature_c=34 - 0.05 * t["t"])},
        {"samples": lambda t: t.update(gpu0_temperature_c=34 - 0.02 * t["t"])},
    ),
    ("throttled", {"samples": steps_up(30, "cpu_throttle_count", 2.0)}, {"samples": steps_up(-30, "oom_kills", 0.0)}),
    ("oom", {"samples": steps_up(30, "oom_kills", 1.0)}, {"samples": steps_up(-30, "oom_kills", 1.0)}),
    (
        "foreign-load",
        {"samples": scaled("busy_cpu_s", lambda busy: busy + 0.021 * 16 * np.arange(busy.size))},
        {"samples": scaled("busy_cpu_s", lambda busy: busy + 0.010 * 16 * np.arange(busy.size))},
    ),
    ("rate-drift", {"readings": scaled("t", lambda t: t * 1.03)}, {"readings": scaled("t", lambda t: t * 1.015)}),
    ("rate-drift", {"readings": scaled("t", lambda t: t * 0.96)}, {"readings": scaled("t", lambda t: t * 0.985)}),
    (
        "gap",
        {"readings": keep(lambda t: (t["t"] < 20) | (t["t"] > 22))},
        {"readings": keep(lambda t: np.abs(t["t"] - 20) > 0.5)},
    ),
]


def with_stated_limits(share: float, value: float) -> dict[str, Any]:
    """The instrument states a limit of error for that share of its readings, and 0.05 % for the others."""

    def change(table: Table) -> None:
        chosen = np.arange(table["t"].size) % 100 < 100 * share
        table["relative_uncertainty"] = np.where(chosen, value, 0.0005)

    return {"readings": change}


SIDES += [
    ("meter-uncertainty", with_stated_limits(0.10, 0.02), with_stated_limits(0.02, 0.02)),
    ("meter-uncertainty", with_stated_limits(0.04, 0.9), with_stated_limits(1.0, 0.009)),
]


def codes(path: Path, fault: dict[str, Any]) -> set[str]:
    """What is found where the first scenario run has a fault."""
    shape = Monitored(repetitions=2, baseline_blocks=2, duration_s=100, fault=Fault(only=frozenset({2}), **fault))
    return {finding.code for finding in analyse(campaign_of(path, shape)).numbers.findings}


@pytest.mark.parametrize(("code", "outside", "inside"), SIDES)
def test_a_rule_fires_outside_its_limit_and_is_silent_inside(
    code: str, outside: dict[str, Any], inside: dict[str, Any], tmp_path: Path
) -> None:
    assert code in codes(tmp_path / "outside", outside)
    assert code not in codes(tmp_path / "inside", inside)


def test_a_threshold_of_lab_toml_moves_the_limit_and_a_stricter_one_is_no_finding(tmp_path: Path) -> None:
    def judged(name: str, percent: float) -> set[str]:
        start, readings = in_config("thresholds", supply_voltage_percent=percent), at(10, 11, "voltage_v", 231.5)
        shape = Monitored(repetitions=2, baseline_blocks=2, fault=Fault(start=start, readings=readings))
        return {finding.code for finding in analyse(campaign_of(tmp_path / name, shape)).numbers.findings}

    assert not {"supply", "limits-loosened"} & judged("own", 1.0)
    assert {"supply", "limits-loosened"} & judged("strict", 0.5) == {"supply"}
    assert {"supply", "limits-loosened"} & judged("loose", 1.5) == {"limits-loosened"}
