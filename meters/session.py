"""A recorded session: a folder with the bytes between a host and a meter, and what the driver made of them.

Knows: the two files of the folder, `wire.log` (`meters.wire_log.Capture`) and `session.json`; whether they belong
together; whether other readings are those recorded.
Does not know: drivers and wires; how a session is recorded (`harness.cli.meter_record`) or played
(`meters.emulators.replay`).

A session of an emulator carries its origin, and a claim that its own evidence contradicts is refused. Whoever forges
both files is outside what this can find.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar, get_args

from meters.meter import CaptureError
from meters.reading import PTY_MAJORS, QUANTITIES, Identity, Origin, OriginKind, Reading
from meters.wire_log import Exchange, read_capture

FORMAT = 1
"""History: 1 (2026-11-21) the first."""
WIRE_LOG = "wire.log"
DOCUMENT = "session.json"
PORT_KINDS = ("serial", "tcp", "usbtmc", "http", "snmp", "ipmi", "mqtt")
REMEDY = "`wattlab meter record` writes it otherwise: take the original folder, or record again"

ROW_NUMBERS = ("time_ns", *QUANTITIES, "window_s")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Session:
    """What stands in `session.json`, but for the digest of the wire log.

    `options` are the driver's options as they were given, `login` whether it had a password (which is not kept),
    `port_kind` one of `PORT_KINDS`, `description` the descriptor's part without identity and origin, `note` what the
    operator says was measured.
    """

    driver: str
    options: Mapping[str, float | str]
    login: bool
    port_kind: str
    wattlab: str
    recorded_utc: str
    note: str
    identity: Identity
    origin: Origin
    description: Mapping[str, object]
    readings: tuple[Reading, ...]


def write_session(folder: Path, session: Session) -> None:
    """Write `session.json` beside the finished wire log; raises `OSError` where one stands already."""
    document = {
        "format": FORMAT,
        "driver": session.driver,
        "options": dict(session.options),
        "login": session.login,
        "port_kind": session.port_kind,
        "wattlab": session.wattlab,
        "recorded_utc": session.recorded_utc,
        "note": session.note,
        "identity": asdict(session.identity),
        "origin": session.origin.kind,
        "evidence": dict(session.origin.evidence),
        "description": dict(session.description),
        "wire_log_sha256": hashlib.sha256((folder / WIRE_LOG).read_bytes()).hexdigest(),
    }
    rows = ",\n".join("  " + json.dumps(_row(reading), allow_nan=False) for reading in session.readings)
    head = json.dumps(document, indent=1, allow_nan=False).removesuffix("\n}")
    with (folder / DOCUMENT).open("x", encoding="utf-8") as file:
        file.write(f'{head},\n "readings": [\n{rows}\n ]\n}}\n')


def _row(reading: Reading) -> dict[str, object]:
    row: dict[str, object] = {"time_ns": reading.time_ns}
    row |= {name: value for name in QUANTITIES if (value := getattr(reading, name)) is not None}
    return row | {"window_s": reading.window_s, "flags": sorted(reading.flags)}


def read_session(folder: Path) -> tuple[Session, tuple[Exchange, ...]]:
    """Return the session in `folder` and its wire log.

    Raises `CaptureError`: a file is missing, is no session, was changed after recording, or contradicts itself.
    """
    place = folder / DOCUMENT
    document = _document(place)
    log = _read(folder / WIRE_LOG)
    digest, recorded = hashlib.sha256(log).hexdigest(), _field(document, "wire_log_sha256", str, place)
    if digest != recorded:
        raise CaptureError(
            f"{folder / WIRE_LOG}: found the digest {digest}, expected {recorded[:64]} as {DOCUMENT} says; "
            "the log was changed after it was recorded, take the original"
        )
    exchanges = tuple(read_capture(log.splitlines(keepends=True), str(folder / WIRE_LOG)))
    return _session(document, place), exchanges


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CaptureError(
            f"{path}: {error.strerror}; expected a folder with {WIRE_LOG} and {DOCUMENT}, as `wattlab meter record` "
            "writes it"
        ) from error


def _document(place: Path) -> Mapping[str, object]:
    try:
        document = json.loads(_read(place))
    except (ValueError, RecursionError) as error:
        raise CaptureError(f"{place}: found no JSON ({error}), expected that of `wattlab meter record`") from error
    if not isinstance(document, dict) or not isinstance(document.get("format"), int):
        raise CaptureError(f"{place}: found no `format`, expected {FORMAT}; the file is no session")
    if document["format"] > FORMAT:
        raise CaptureError(f"{place}: found format {document['format']}, expected at most {FORMAT}; update wattlab")
    return document


def _session(document: Mapping[str, object], place: Path) -> Session:
    options = _field(document, "options", dict, place)
    identity = _identity(_field(document, "identity", dict, place), place)
    rows = _field(document, "readings", list, place)
    return Session(
        driver=_field(document, "driver", str, place),
        options={str(name): value for name, value in options.items()},
        login=document.get("login") is True,
        port_kind=_one_of(PORT_KINDS, _field(document, "port_kind", str, place), "port_kind", place),
        wattlab=_field(document, "wattlab", str, place),
        recorded_utc=_field(document, "recorded_utc", str, place),
        note=_field(document, "note", str, place),
        identity=identity,
        origin=_origin(document, identity, place),
        description=_field(document, "description", dict, place),
        readings=tuple(_reading(row, f"{place}: reading {number}") for number, row in enumerate(rows, start=1)),
    )


def _field(document: Mapping[str, object], name: str, kind: type[T], place: Path) -> T:
    value = document.get(name)
    if not isinstance(value, kind):
        raise CaptureError(f"{place}: found {name} {value!r:.40}, expected a {kind.__name__}; {REMEDY}")
    return value


def _one_of(known: Sequence[str], value: str, name: str, place: Path) -> str:
    if value not in known:
        raise CaptureError(f"{place}: found {name} {value!r:.40}, expected one of {', '.join(known)}")
    return value


def _identity(document: Mapping[str, object], place: Path) -> Identity:
    return Identity(
        maker=_field(document, "maker", str, place),
        model=_field(document, "model", str, place),
        serial=_field(document, "serial", str, place),
        firmware=_field(document, "firmware", str, place),
        asked=_field(document, "asked", bool, place),
    )


def _origin(document: Mapping[str, object], identity: Identity, place: Path) -> Origin:
    """Return the origin; raises `CaptureError` when its own evidence says that it is none of an instrument."""
    kinds: tuple[OriginKind, ...] = get_args(OriginKind)
    kind = _one_of(kinds, _field(document, "origin", str, place), "origin", place)
    evidence = _field(document, "evidence", dict, place)
    played = identity.emulated or evidence.get("device_major") in PTY_MAJORS or _is_loopback(evidence)
    named = identity.asked and bool(identity.model or identity.serial)
    proof = {"instrument": "sysfs_serial", "attested": "tls_pinned", "declared": "declared_by"}.get(kind)
    if (kind != "emulated" and played) or (proof is not None and not (named and evidence.get(proof))):
        raise CaptureError(
            f"{place}: found the origin {kind!r}, but its evidence says otherwise (device major "
            f"{evidence.get('device_major')}, addresses {evidence.get('addresses')}, serial number of the port "
            f"{evidence.get('sysfs_serial')!r}, identity {identity.model!r}); a session of an emulator is never one of "
            "an instrument"
        )
    return Origin(next(known for known in kinds if known == kind), evidence)


def _is_loopback(evidence: Mapping[str, object]) -> bool:
    addresses = evidence.get("addresses")
    return isinstance(addresses, list) and any(str(address).startswith(("127.", "::1")) for address in addresses)


def _reading(row: object, place: str) -> Reading:
    """Return the reading of a row, in which a quantity that was not reported, power too, is left out."""
    if not isinstance(row, dict):
        raise CaptureError(f"{place}: found {row!r:.40}, expected an object; {REMEDY}")
    flags = row.get("flags")
    if not isinstance(flags, list) or not all(isinstance(flag, str) for flag in flags):
        raise CaptureError(f"{place}: found flags {flags!r:.40}, expected a list of words; {REMEDY}")
    numbers = {name: value for name, value in row.items() if name != "flags"}
    for name, value in numbers.items():
        kinds = int if name == "time_ns" else (int, float)
        if name not in ROW_NUMBERS or isinstance(value, bool) or not isinstance(value, kinds):
            known = ", ".join(ROW_NUMBERS)
            raise CaptureError(f"{place}: found {name:.40} {value!r:.40}, expected numbers, of {known}; {REMEDY}")
    missing = [name for name in ("time_ns", "window_s") if name not in numbers]
    if missing:
        raise CaptureError(f"{place}: found no {missing[0]}, expected it; {REMEDY}")
    try:
        return Reading(**{"power_w": None} | numbers | {"flags": frozenset(flags)})
    except (ValueError, OverflowError) as error:
        raise CaptureError(f"{place}: {error}; {REMEDY}") from error


def first_difference(recorded: Sequence[Reading], found: Sequence[Reading]) -> str | None:
    """Return where `found` begins to differ from `recorded`, in words, `None` where all are the same but for time."""
    for number, (expected, reading) in enumerate(zip(recorded, found, strict=False), start=1):
        for name in (*QUANTITIES, "window_s", "flags"):
            value, known = getattr(reading, name), getattr(expected, name)
            if value != known:
                return f"reading {number} of {len(recorded)}: found {name} {_shown(value)}, recorded is {_shown(known)}"
    if len(found) != len(recorded):
        return f"found {len(found)} readings, recorded are {len(recorded)}"
    return None


def _shown(value: object) -> str:
    return "|".join(sorted(value)) or "none" if isinstance(value, frozenset) else repr(value)
