"""Records the sessions of emulated meters in tests/data/sessions anew: `python -m tests.meters.record_sessions [NAME]`.

Only after a deliberate change of a protocol or an emulator; sessions of instruments are never made again. The emulators
are those of tests/meters/fleet.py.
"""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.cli import main as wattlab
from tests.meters.conftest import EmulatorProcess
from tests.meters.fleet import FLEET

SESSIONS = Path(__file__).resolve().parents[1] / "data" / "sessions"
READINGS = 6
PROFILE = "watts=" + ",".join(f"{step / 20:g}:{60 + 7 * (step % 11)}" for step in range(1200))
"""Watts that change each 50 ms, so that few readings equal the one before."""
SLOWER: Mapping[str, Mapping[str, float]] = {
    "mcp39f511n": {"interval_s": 0.4},
    **{
        name: {"interval_s": 0.1}
        for name in ("gude", "tasmota", "shelly", "shelly-gen1", "redfish", "redfish-session", "ipmi", "ipmi-sensor")
    },
    **{name: {"interval_s": 0.1} for name in ("homewizard", "homewizard-v2")},
    **{name: {"interval_s": 0.1} for name in ("kasa", "kasa-gen1", "fritz", "mystrom", "netio", "homeassistant")},
    **{name: {"interval_s": 0.1} for name in ("nut", "nut-load", "tapo", "tapo-kasa", "tapo-strip")},
    **{name: {"interval_s": 0.1} for name in ("apc-rpdu2", "apc-rpdu2-v3", "raritan-px", "eaton-epdu", "sentry4")},
    **{name: {"interval_s": 0.4} for name in ("mbus", "mbus-several")},
    **{name: {"interval_s": 0.1} for name in ("sentry3", "schleifenbauer", "rittal-cmc3")},
}
"""Asked more rarely than its values change, it repeats nothing: a repeat is known by its time."""
NOTE = "emulated: shows that driver and recording agree, and that a change of the codec is noticed; no instrument"


def record(name: str) -> int:
    """Record one session in place of the one before; the exit code of `wattlab meter record`."""
    entry, goal = FLEET[name], SESSIONS / f"emulated-{name}"
    driver = entry.driver or name
    with TemporaryDirectory() as place:
        emulator = EmulatorProcess(Path(place), driver, "--profile", PROFILE, *entry.said)
        try:
            options = {**entry.options, **SLOWER.get(name, {})}
            words = [f"--option={option}={value}" for option, value in options.items()]
            if entry.password:
                secret = Path(place) / "password"
                secret.write_text(entry.password)
                secret.chmod(0o600)
                words += ["--password-file", str(secret), *(["--user", entry.user] if entry.user else [])]
            fresh = Path(place) / "session"
            length = ["--count", str(READINGS), "--note", NOTE]
            code = wattlab(["meter", "record", driver, emulator.address, "--into", str(fresh), *length, *words])
        finally:
            emulator.stop(signal.SIGTERM)
        if code == 0:
            shutil.rmtree(goal, ignore_errors=True)
            shutil.copytree(fresh, goal)
        return code


def main(names: Sequence[str]) -> int:
    """Record the named sessions, or all; 1 when one of them failed."""
    codes = {name: record(name) for name in names or FLEET}
    failed = [name for name, code in codes.items() if code]
    print(f"{len(codes)} sessions, failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
