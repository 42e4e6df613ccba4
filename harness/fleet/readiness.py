"""Whether a station may measure: its meters with their certificates and newest check loads, by lab.toml and register.

Knows no wire: which instrument a meter is, is what lab.toml or the newest check load says.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from harness.fleet.station_report import MeterStanding
from harness.station.check_loads import CheckLoadRecord
from harness.station.instruments import Certificate, certificate_on
from harness.station.register import Register, load_register
from harness.station.station import MeterSection, Station


def meters_of(station: Station, meters: Mapping[str, MeterSection]) -> list[MeterStanding]:
    """Each meter as it stands today.

    Raises:
        ConfigError, LabError: the register or its history cannot be read.
    """
    register = load_register(station)
    tried = [] if register is None else register.check_loads()
    return [_standing(name, section, register, tried) for name, section in meters.items()]


def _standing(
    name: str, section: MeterSection, register: Register | None, tried: list[CheckLoadRecord]
) -> MeterStanding:
    named = section.instrument
    mine = [one for one in tried if (one.instrument == named if named else one.meter == name)]
    last = mine[-1] if mine else None
    instrument = named or (None if last is None else last.instrument)
    certificate = _certificate(register, instrument)
    return MeterStanding(
        name=name,
        driver=section.driver,
        circuit=section.circuit,
        instrument=instrument,
        certificate=None if certificate is None else certificate.number,
        expires=None if certificate is None else certificate.expires.isoformat(),
        check_load=None if last is None else last.utc,
        passed=None if last is None else last.passed,
    )


def _certificate(register: Register | None, instrument: str | None) -> Certificate | None:
    known = None if register is None or instrument is None else register.file.instruments.get(instrument)
    return None if known is None else certificate_on(known, datetime.now(UTC).date())


def refusal(meters: list[MeterStanding]) -> str | None:
    """Why a station with these meters gets nothing to measure; None: it does."""
    failed = [one for one in meters if one.passed is False]
    if not failed:
        return None
    tried = ", ".join(f"meter {one.name} on {one.check_load}" for one in failed)
    return (
        f"a check load did not fit ({tried}); find out why, and try it again by `wattlab check --check-load NAME`: "
        "until it fits, this station measures nothing for a fleet"
    )
