"""Every reason not to start, collected and shown as one list; nothing stops at the first.

Knows what to ask of the disk, the meters, the SUT and the campaign folder. Changes nothing.
"""

import io
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Literal

from harness.config import LabConfig
from harness.errors import LabError, LabNotReady
from harness.run_folder import CAMPAIGN, CampaignFolder, verify_campaign
from harness.sut import Sut, SutConfig
from meters.meter import Meter, MeterError

FREE_BYTES = 1 << 30
FIRST_READING_S = 15.0


@dataclass(frozen=True, slots=True)
class Reason:
    """One line of the list: `refuse` stops a start, `warn` goes into the report, `ok` is what was found in order."""

    severity: Literal["refuse", "warn", "ok"]
    subject: str
    text: str


def check_lab(
    config: LabConfig, sut: SutConfig, open_meters: Mapping[str, Callable[[BinaryIO], Meter]]
) -> list[Reason]:
    """Everything that can be found out without measuring, in the order disk, campaign, meters, SUT."""
    return [*_disk(config), *_campaign(config), *_meters(open_meters), *_sut(sut)]


def require_ready(reasons: list[Reason]) -> None:
    """Raise LabNotReady with every refusal, if there is one."""
    if refusals := [f"{reason.subject}: {reason.text}" for reason in reasons if reason.severity == "refuse"]:
        raise LabNotReady("not started:\n  - " + "\n  - ".join(refusals))


def _disk(config: LabConfig) -> Iterator[Reason]:
    folder = config.campaign_folder
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < FREE_BYTES:
        yield Reason("refuse", "disk", f"{free / 1e6:.0f} MB free below {folder}; at least 1 GiB is needed, free some")
    else:
        yield Reason("ok", "disk", f"{free / 1e9:.0f} GB free below {folder}")


def _campaign(config: LabConfig) -> Iterator[Reason]:
    path = config.campaign_folder
    if not (path / CAMPAIGN).is_file():
        yield Reason("ok", "campaign", f"{path} will be created")
        return
    failed = [c for c in verify_campaign(path) if not c.passed and "never ended" not in c.detail and c.name != "sealed"]
    broken = [check for check in failed if check.name in ("chain", "bytes", "link", "streams")]
    if broken:
        found = f"{broken[0].subject}: {broken[0].detail}"
        yield Reason("refuse", "campaign", f"{path} is not as it was sealed ({found}); choose another campaign.name")
    else:
        begun = len(CampaignFolder(path).runs())
        yield Reason("ok", "campaign", f"{path} will be continued after run {begun}" if begun else f"{path} is new")


def _meters(open_meters: Mapping[str, Callable[[BinaryIO], Meter]]) -> Iterator[Reason]:
    for name, open_meter in open_meters.items():
        subject = f"meter {name}"
        try:
            meter = open_meter(io.BytesIO())
        except MeterError as error:
            yield Reason("refuse", subject, str(error))
            continue
        try:
            identity, origin = meter.identify(), meter.origin()
            reading = meter.read(FIRST_READING_S)
            description = meter.describe()
        except MeterError as error:
            yield Reason("refuse", subject, str(error))
        else:
            who = " ".join(filter(None, (identity.maker, identity.model, identity.serial, identity.firmware)))
            power = "no power" if reading.power_w is None else f"{reading.power_w:.1f} W"
            found = f"{who}, reads {power}"
            if origin.kind == "instrument":
                yield Reason("ok", subject, found)
            else:
                yield Reason(
                    "warn", subject, f"{found}; {origin.kind}: its numbers are no evidence about a real machine"
                )
            if description.ranging == "auto" and description.range_choices:
                options = ", ".join(choice.option for choice in description.range_choices)
                text = f"it chooses its range itself; `wattlab run --ranging` finds what to fix ({options})"
                yield Reason("warn", subject, text)
        finally:
            meter.close()


def _sut(wire: SutConfig) -> Iterator[Reason]:
    try:
        with Sut.connect(wire) as sut:
            yield Reason("ok", "SUT", f"{wire.user}@{wire.host}:{wire.port} reached, host key known")
            for found in sut.diagnose():
                yield Reason("ok" if found.severity == "info" else found.severity, "SUT", found.text)
    except LabError as error:
        yield Reason("refuse", "SUT", str(error))
