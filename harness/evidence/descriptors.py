"""What a power descriptor says of its meter, against everything else in the run that says it.

Knows: the driver's own description of the meter, as its wire log played back gives it; the meter's table in the run's
lab.toml; the instrument register that the run kept. Knows no bytes and no rows. What of a certificate nobody kept (the
history of check loads in runs of wattlab 0.1.0) is compared with nothing.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from harness.evidence.codecs import changes_since
from harness.measure.recorder import power_descriptor
from harness.record.codec import read_records
from harness.record.documents import VERSION, Json, PowerDescriptor, load_object
from harness.record.errors import LabError
from harness.record.origins import REGISTER
from harness.record.plain_files import read_plain
from harness.record.run_folder import JOURNAL, RunFolder
from harness.record.verify import Check
from harness.station.check_loads import stated
from harness.station.instruments import RegisterFile
from harness.station.register import Register
from harness.station.station import SUT_CIRCUIT
from meters.reading import ESTIMATE_DRIVERS, Description, Identity, Origin
from meters.registry import remedy

DESCRIPTOR = "descriptor"
"""The name of the check."""
ELSEWHERE = frozenset({"stream", "meter", "identity", "origin", "evidence", "codec", "calibration"})
"""Fields of a descriptor that the driver's description does not decide, or that `wire` and `origin` hold."""
EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class Described:
    """Who a meter is and what is fixed of its readings, as its driver says."""

    identity: Identity
    description: Description


def check_descriptor(run: RunFolder, descriptor: PowerDescriptor, meter: Described) -> Check:
    """Every field of the descriptor against what the driver, lab.toml and the register of the run say."""
    section = _section(run, descriptor.meter)
    problems = [
        *_of_driver(descriptor, meter, section),
        *_of_identity(descriptor),
        *_of_port(descriptor, section),
        *_of_remedy(run, descriptor),
        *_of_register(run, descriptor, meter, section),
    ]
    where = f"{JOURNAL}:{_line(run, descriptor)}: {descriptor.stream}: "
    held = f"{descriptor.stream} is described as its driver, lab.toml and the register of the run have it"
    return Check(run.path.name, DESCRIPTOR, not problems, where + "; ".join(problems) if problems else held)


def _line(run: RunFolder, descriptor: PowerDescriptor) -> int:
    """The line of the journal in which it stands."""
    for number, line in enumerate(read_plain(run.path / JOURNAL).split(b"\n"), 1):
        if b'"descriptor"' in line and load_object(line, JOURNAL).get("stream") == descriptor.stream:
            return number
    return 0


def _section(run: RunFolder, meter: str) -> Json:
    """The meter's table in the lab.toml that the run kept."""
    try:
        table = tomllib.loads((run.read_input("lab.toml") or b"").decode()).get("meters", {}).get(meter)
    except (AttributeError, ValueError, RecursionError):
        return {}
    return table if isinstance(table, dict) else {}


def _of_driver(descriptor: PowerDescriptor, meter: Described, section: Json) -> Iterator[str]:
    """Window, stamp, latency, ranging, tier, columns: as the driver has them, with the limits that the lab states."""
    limits = section.get("limits_percent", 0.0)
    if not isinstance(limits, int | float):
        yield f"limits_percent is {limits!r:.40} in inputs/lab.toml, which is no number"
        return
    description = stated(meter.description, limits)
    circuit, nobody = str(section.get("circuit", SUT_CIRCUIT)), Origin("unattested", {})
    told = power_descriptor(descriptor.stream, descriptor.meter, circuit, meter.identity, nobody, description, None)
    changes = changes_since(descriptor.codec, meter.description.driver)
    here, there = (
        dict(_flat({key: value for key, value in asdict(one).items() if key not in ELSEWHERE}))
        for one in (descriptor, told)
    )
    for path in sorted(here.keys() | there.keys()):
        sealed, said = here.get(path), there.get(path)
        if sealed != said and not any(change.describes(path, sealed, said) for change in changes):
            source = "inputs/lab.toml has" if path == "circuit" else f"its driver {meter.description.driver} says"
            yield f"{path} is {sealed!r:.60}, {source} {said!r:.60}"


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401  a decoded document
    """Every single value of a document by its path; columns by their names."""
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from _flat(part, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list | tuple) and value:
        for index, part in enumerate(value):
            name = part["name"] if isinstance(part, dict) and isinstance(part.get("name"), str) else index
            yield from _flat(part, f"{path}.{name}")
    else:
        yield path, value


def _of_identity(descriptor: PowerDescriptor) -> Iterator[str]:
    """Nothing more than who it is; the four words themselves are held against the log by `wire`."""
    for key in sorted(descriptor.identity.keys() - {"maker", "model", "serial", "firmware", "driver"}):
        yield f"identity.{key} is {descriptor.identity[key]!r:.60}, which no driver says"


def _of_port(descriptor: PowerDescriptor, section: Json) -> Iterator[str]:
    """The port of the evidence is the one in lab.toml, and what it says of the identity is the descriptor's."""
    evidence = descriptor.evidence
    port = section.get("port")
    if port != EMBEDDED and evidence.get("port", port) != port:
        yield f"evidence.port is {evidence['port']!r:.60}, inputs/lab.toml has {port!r:.60}"
    driver = descriptor.identity.get("driver")
    estimates = driver in ESTIMATE_DRIVERS
    if estimates != (descriptor.origin == "estimated") and not (estimates and descriptor.origin == "emulated"):
        yield f"origin is {descriptor.origin!r}, and its driver is {driver!r:.40}: what is computed is 'estimated'"
    if descriptor.origin == "imported":
        yield "origin is 'imported', and the run was measured"
    if descriptor.origin == "emulated" and "lacks" in evidence:
        yield f"evidence.lacks is {evidence['lacks']!r:.60}, which nobody asks of an emulated meter"
    model = descriptor.identity.get("model")
    if evidence.get("identity_model", model) != model:
        yield f"evidence.identity_model is {evidence['identity_model']!r:.60}, identity.model {model!r:.60}"


def _of_remedy(run: RunFolder, descriptor: PowerDescriptor) -> Iterator[str]:
    """The advice that this wattlab gives on what it found; another version may have worded it otherwise."""
    if run.start.software.get("version") != VERSION or descriptor.origin == "imported":
        return
    given = str(descriptor.evidence.get("remedy", ""))
    advice = remedy(str(descriptor.identity.get("driver")), Origin(descriptor.origin, descriptor.evidence))
    if given != advice:
        yield f"evidence.remedy is {given!r:.60}, what was found calls for {advice!r:.60}"


def _of_register(run: RunFolder, descriptor: PowerDescriptor, meter: Described, section: Json) -> Iterator[str]:
    """The certificate as the register kept with the run has it, on the day the meter was opened."""
    sealed = descriptor.calibration
    if run.read_input(REGISTER) is None:
        if sealed is not None:
            yield f"calibration is {sealed!r:.60}, but the run kept no instrument register"
        return
    stamps = [run.start.utc] if run.stop is None else [run.start.utc, run.stop.utc]
    try:
        told = [_calibration(run, descriptor, meter, str(section.get("instrument", "")), utc) for utc in stamps]
    except (LabError, ValueError) as error:
        yield f"calibration cannot be held against inputs/{REGISTER} ({error})"
        return
    if sealed in told:
        return
    if sealed is None or told[0] is None:
        yield f"calibration is {sealed!r:.60}, inputs/{REGISTER} gives {told[0]!r:.60}"
        return
    here, there = dict(_flat(sealed)), dict(_flat(told[0]))
    for path in sorted(here.keys() | there.keys()):
        if here.get(path) != there.get(path):
            yield f"calibration.{path} is {here.get(path)!r:.60}, inputs/{REGISTER} gives {there.get(path)!r:.60}"


def _calibration(run: RunFolder, descriptor: PowerDescriptor, meter: Described, named: str, utc: str) -> Json | None:
    path = run.path / "inputs" / REGISTER
    file, source = read_records(RegisterFile, path, "the run kept it")
    register = Register(path, file, source)
    told = register.calibration(meter.identity, Origin(descriptor.origin, {}), named, utc)  # type: ignore[arg-type]
    if told is not None and run.start.staged is None:  # wattlab 0.1.0 kept no history of check loads
        told["check_load"] = (descriptor.calibration or {}).get("check_load")
    return told
