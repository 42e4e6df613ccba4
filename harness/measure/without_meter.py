"""A campaign without a meter: its SUT has a software meter that an earlier campaign qualified (`sut.qualification`).

Knows where the certificate lies, and what of lab.toml cannot be done without a meter. Knows nothing of what stands in a
certificate: `harness.evidence.certificates` reads and judges it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.measure.lab_tables import LabFile, StationFile
from harness.record.campaign_folder import DERIVED
from harness.record.errors import ConfigError, why
from harness.record.plain_files import read_named
from harness.station.station import SUT_CIRCUIT, absolute
from meters.registry import COUNTERS

CERTIFICATE = "qualification.json"
"""The certificate, in its folder and among the inputs of a run that rests on it."""
PLACES = (CERTIFICATE, f"{DERIVED}/{CERTIFICATE}")
"""Where it lies in a folder that is named: its own, or the campaign's."""


def certificate_in(folder: Path) -> Path | None:
    """The certificate of a folder; None where it has none."""
    return next((folder / place for place in PLACES if (folder / place).is_file()), None)


def certificate_of(path: Path, where: str, named: str) -> tuple[Path, bytes]:
    """The certificate's file and its bytes. `path`: lab.toml; `where`: the table that names it.

    Raises:
        ConfigError: there is none, or it cannot be read.
    """
    folder = absolute(path.parent, named)
    file = certificate_in(folder)
    if file is None:
        raise ConfigError(
            f"{path}: {where}.qualification: no {CERTIFICATE} in {folder}; name the folder of a qualification campaign "
            "or of its certificate: `wattlab qualify` makes one"
        )
    try:
        return file, read_named(file)
    except OSError as error:
        raise ConfigError(f"{path}: {where}.qualification: {file} cannot be read ({why(error)})") from None


def of_station(where: str, view: StationFile) -> Iterator[str]:
    """What stands in the room of a SUT whose software meter is qualified."""
    sut, meters = view.sut, view.meters
    if not sut.qualification:
        for key in ("software_meter", "qualification_key"):
            if getattr(sut, key):
                yield f"{where}.{key}: is about a certificate; name its folder in {where}.qualification"
        return
    real = [name for name, section in meters.items() if section.driver not in COUNTERS]
    if real:
        yield (
            f"{where}.qualification: the meter {real[0]} measures this SUT, so nothing has to be estimated; take "
            f"{where}.qualification out, or the table [meters.{real[0]}]"
        )
    if sut.circuits != [SUT_CIRCUIT]:
        yield (
            f"{where}.circuits: found {', '.join(sut.circuits)}; an estimate is of the wall as a whole: take the line "
            f"out, beside {where}.qualification"
        )


def of_campaign(path: Path, lab: LabFile, views: Mapping[str, StationFile]) -> Iterator[str]:
    """What is asked of the room and needs a meter; `views`: table of a SUT -> the room as it holds for it."""
    if not any(view.sut.qualification for view in views.values()):
        return
    asked = {
        "sync_pulse": lab.campaign.sync_pulse,
        "gate.limit_s": lab.campaign.gate.limit_s > 0,
        "settle.limit_s": lab.campaign.settle.limit_s > 0,
    }
    for key, is_set in asked.items():
        if is_set:
            yield (
                f"{path}: campaign.{key}: looks at the readings of a meter while it measures, and a qualified software "
                "meter is read only afterwards; take it out of a campaign without a meter"
            )
    for name, section in lab.scenarios.items():
        if not section.load_kind:
            yield (
                f'{path}: scenarios.{name}.load_kind: missing; say what it keeps busy ("cpu", "memory", "gpu" or '
                '"other"): a software meter is qualified for kinds of load'
            )


def require_meter(path: Path, lab: LabFile, what: str) -> None:
    """Raise ConfigError where `what` is asked of a lab without a meter."""
    if not lab.meters:
        raise ConfigError(
            f"{path}: {what} needs the readings of a meter, and a qualified software meter stands for one here "
            "(sut.qualification); name a meter in [meters.NAME]"
        )
