"""What there is to say of the meters before a start: do they answer, whose are they, their ranges and certificates.

Knows the instrument register and what a meter says of itself. Changes nothing.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import BinaryIO

from harness.measure.agenda import horizon_s
from harness.measure.lab_file import LabConfig
from harness.measure.opening import at_once
from harness.measure.reason import Reason, Severity
from harness.measure.speaking import FIRST_READING_S
from harness.record.errors import ConfigError, LabError
from harness.station.check_loads import is_fresh, last_check_load
from harness.station.instruments import certificate_on, validity_on
from harness.station.register import Match, Register, load_register
from harness.station.station import MeterSection
from meters.meter import Meter, MeterError
from meters.reading import Description, Origin
from meters.registry import remedy, why

LEAST_W = 2.0
"""What a running computer takes at the least, by a large margin; boards that take less exist, and are no mistake."""
LOW = "{:.2g} W is less than a running computer takes: is the machine at this outlet, and is the unit W and not kW?"
DELIVERED = (
    "it reads less than zero now, and a run of such readings enters no mean; at a whole connection with solar panels "
    "measure at the machine's plug, or when nothing is delivered; else check polarity and wiring of its current path"
)
"""What a negative reading means before the first run."""


def register_of(config: LabConfig) -> Register | None:
    """The register, where there is one that can be read; `_register` says what is wrong with another."""
    try:
        return load_register(config.station)
    except ConfigError:
        return None


def of_meters(
    config: LabConfig, register: Register | None, open_meters: Mapping[str, Callable[[BinaryIO], Meter]]
) -> Iterator[Reason]:
    """Every meter of lab.toml, all opened at the same time for a reading; `register`: the lab's, None where there is
    none."""
    jobs = {name: partial(_of_meter, config, register, name, opener) for name, opener in open_meters.items()}
    for asked in at_once(jobs, config.file.meters).values():
        yield from asked.result()


def _of_meter(
    config: LabConfig, register: Register | None, name: str, open_meter: Callable[[BinaryIO], Meter]
) -> list[Reason]:
    """One of them."""
    subject = f"meter {name}"
    try:
        meter = open_meter(io.BytesIO())
    except (MeterError, ConfigError) as error:
        return [Reason("refuse", subject, str(error))]
    try:
        identity, origin = meter.identify(), meter.origin()
        description = meter.describe()
        reading = meter.read(max(FIRST_READING_S, description.patience_s))
    except MeterError as error:
        return [Reason("refuse", subject, str(error))]
    finally:
        meter.close()
    who = " ".join(filter(None, (identity.maker, identity.model, identity.serial, identity.firmware)))
    power = "no power" if reading.power_w is None else f"{reading.power_w:.1f} W"
    section = config.file.meters[name]
    found = [_of_origin(config, subject, f"{who}, reads {power}", section.driver, origin)]
    found += _of_power(config, subject, section, reading.power_w)
    found += _of_ranging(subject, description)
    try:
        match = None if register is None else register.find(identity, section.instrument)
    except ConfigError as error:
        return [*found, Reason("refuse", subject, str(error))]
    return [*found, *_of_register(config, register, subject, section, match, origin)]


def is_before_sut(config: LabConfig, section: MeterSection) -> bool:
    """Whether a meter stands before the SUT, and not at another circuit."""
    return not config.file.sut.circuits or section.circuit in config.file.sut.circuits


def _of_origin(config: LabConfig, subject: str, found: str, driver: str, origin: Origin) -> Reason:
    """What shows that the readings are those of an instrument, or what does not and what could."""
    evidence, advice = origin.evidence, remedy(driver, origin)
    match origin.kind:
        case "instrument":
            return Reason("ok", subject, found)
        case "attested":
            key = evidence["tls_public_key_sha256"] or evidence["tls_sha256"]
            return Reason(
                "ok", subject, f"{found}; attested by TLS: the key of {evidence['instrument']}, SHA-256 {key}"
            )
        case "declared":
            policy = (
                "the lab certifies on it (lab.certify_declared)"
                if config.file.lab.certify_declared
                else (f"that alone certifies nothing: {advice}")
            )
            said = f"{evidence['declared_by']} on {evidence['declared_on']} ({evidence['declared_link']})"
            return Reason("warn", subject, f"{found}; declared to be {evidence['instrument']} by {said}; {policy}")
    if origin.kind == "estimated":
        said = f"ESTIMATED, NOT MEASURED: {why(origin)}; no certificate can rest on it"
        return Reason("warn", subject, f"{found}; {said}")
    remark = f"{origin.kind}, for {why(origin)}: its numbers are no evidence about a real machine"
    return Reason("warn", subject, f"{found}; {remark}{f'; {advice}' if advice else ''}")


def _of_power(config: LabConfig, subject: str, section: MeterSection, power_w: float | None) -> Iterator[Reason]:
    """A power that no running computer takes, of a meter before the SUT."""
    if power_w is None or not is_before_sut(config, section):
        return
    if abs(power_w) < LEAST_W:
        yield Reason("warn", subject, LOW.format(power_w))
    elif power_w < 0:
        yield Reason("warn", subject, DELIVERED)


def _of_ranging(subject: str, description: Description) -> Iterator[Reason]:
    if description.ranging == "auto" and description.range_choices:
        options = ", ".join(choice.option for choice in description.range_choices)
        text = f"it chooses its range itself; `wattlab run --ranging` finds what to fix ({options})"
        yield Reason("warn", subject, text)


def _of_register(
    config: LabConfig,
    register: Register | None,
    subject: str,
    section: MeterSection,
    match: Match | None,
    origin: Origin,
) -> Iterator[Reason]:
    """Whether the register knows the meter, whether its certificate holds, when it was last checked."""
    bad: Severity = "refuse" if config.file.lab.expired_instrument == "refuse" else "warn"
    if register is None:
        if origin.kind == "instrument":
            yield Reason("warn", subject, "no certificate is known: the lab keeps no instrument register")
        return
    if match is None:
        how = "its serial is not among them" if not section.instrument else f"{section.instrument!r} is not among them"
        how = how if section.instrument else f"{how}; where it says none, name it in meters.NAME.instrument"
        yield Reason(bad, subject, f"{register.path} does not have this meter ({how})")
        return
    for remark in match.remarks:
        yield Reason("warn", subject, remark)
    if not section.instrument and (match.instrument.is_pinned or match.instrument.declared is not None):
        text = f"what the register says of {match.name} on a network is not used; name it in meters.NAME.instrument"
        yield Reason("warn", subject, text)
    yield _of_certificate(config, match, subject, bad)
    days = config.file.lab.check_load_days
    if days:
        yield _of_check_load(register, match, origin, subject, days, bad)


def _of_certificate(config: LabConfig, match: Match, subject: str, bad: Severity) -> Reason:
    now = datetime.now(UTC)
    certificate = certificate_on(match.instrument, now.date())
    if certificate is None:
        return Reason(bad, subject, f"instruments.{match.name} has no certificate; have it calibrated, or register it")
    named = f"certificate {certificate.number} of {certificate.laboratory}, {certificate.date}"
    if validity_on(certificate, now.date()) == "expired":
        return Reason(bad, subject, f"{named} expired on {certificate.expires}; have it calibrated again")
    if validity_on(certificate, (now + timedelta(seconds=horizon_s(config))).date()) == "expired":
        return Reason("warn", subject, f"{named} expires on {certificate.expires}, before the campaign ends")
    return Reason("ok", subject, f"{named}, until {certificate.expires} ({match.name}, known by its {match.by})")


def _of_check_load(register: Register, match: Match, origin: Origin, subject: str, days: int, bad: Severity) -> Reason:
    try:
        last = last_check_load(register.check_loads(), match.name, origin)
    except LabError as error:
        return Reason("refuse", subject, str(error))
    again = "`wattlab check --check-load NAME` makes one"
    if last is None:
        return Reason(bad, subject, f"no check load yet, lab.check_load_days asks for one in {days} days; {again}")
    told = f"check load {last['check_load']} on {last['utc']}: {last['measured_w']:.2f} W of {last['expected_w']:.2f} W"
    if is_fresh(last, days, datetime.now(UTC)):
        return Reason("ok", subject, told)
    why = f"it is older than {days} days" if last["passed"] else "it failed"
    return Reason(bad, subject, f"{told}; {why}; {again}")
