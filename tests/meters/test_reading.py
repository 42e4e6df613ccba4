"""The records that leave a driver."""

from __future__ import annotations

import json
import math

import pytest

from meters.reading import CODEC, Accuracy, Column, Description, Identity, Origin, Reading

IDENTITY = Identity("Maker", "Model", "0815", "1.0")
COLUMN = Column("power_w", "W", 0.1, (0.0, 1800.0), Accuracy(1.5, 0.0, 3.0, "manual, page 7"))
DESCRIPTION = Description("wattsup", "window", 1.0, "end", 0.0, (COLUMN,), "indicative")


@pytest.mark.parametrize("flag", ["overrange", "nan"])
def test_a_reading_without_power_needs_the_flag_that_says_why(flag: str) -> None:
    assert Reading(1, None, flags=frozenset({flag})).power_w is None
    with pytest.raises(ValueError, match="power_w=None"):
        Reading(1, None, flags=frozenset({"resynced"}))
    with pytest.raises(ValueError, match="power_w=3"):
        Reading(1, 3.0, flags=frozenset({flag}))


def test_a_reading_with_an_unknown_flag_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown flags \\['late'\\]"):
        Reading(1, 3.0, flags=frozenset({"late"}))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_no_reading(value: float) -> None:
    with pytest.raises(ValueError, match="power_w="):
        Reading(1, value)
    with pytest.raises(ValueError, match="energy_wh="):
        Reading(1, 3.0, energy_wh=value)


def test_the_descriptor_has_the_keys_and_values_of_the_run_folder_page() -> None:
    document = DESCRIPTION.document(IDENTITY, Origin("emulated", {"port": "/dev/pts/1", "device_major": 136}))
    assert document == {
        "type": "descriptor",
        "kind": "power",
        "identity": {"maker": "Maker", "model": "Model", "serial": "0815", "firmware": "1.0", "driver": "wattsup"},
        "origin": "emulated",
        "evidence": {"port": "/dev/pts/1", "device_major": 136},
        "averaging": "window",
        "window_s": 1.0,
        "stamp": "end",
        "latency_s": 0.0,
        "ranging": "none",
        "tier": "indicative",
        "codec": CODEC,
        "columns": [
            {
                "name": "power_w",
                "unit": "W",
                "resolution": 0.1,
                "range": [0.0, 1800.0],
                "accuracy": {"reading_percent": 1.5, "range_percent": 0.0, "counts": 3.0, "source": "manual, page 7"},
            }
        ],
        "calibration": None,
    }
    assert json.loads(json.dumps(document)) == document


def test_the_mark_of_an_emulator_counts_in_any_part_of_the_identity() -> None:
    assert not IDENTITY.emulated
    assert Identity("Maker", "Model", "EMULATED", "1").emulated
    assert Identity("Maker", "Model", "", "4.12 (EMULATED), hardware 1.3").emulated
