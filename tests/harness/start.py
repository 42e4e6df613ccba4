"""A start document, by its fields."""

from typing import Any

START: dict[str, Any] = {
    "uid": "0123abcd",
    "campaign": "c",
    "ordinal": 1,
    "attempt": 1,
    "kind": "scenario",
    "scenario": "cnn",
    "repetition": 1,
    "seed": 7,
    "block": None,
    "time_base": "host-monotonic",
    "time_ns": 5,
    "utc": "2026-11-21T10:00:00Z",
    "previous_manifest": None,
    "sut": {},
    "host": {},
    "inputs": {"lab.toml": "ab"},
    "software": {},
    "operator": "",
    "config": {},
    "scenario_config": {},
}
