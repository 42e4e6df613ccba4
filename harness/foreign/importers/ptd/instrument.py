"""PTDaemon's Identify line: its version and system, the analyser, its calibration date.

Knows that line. Knows no file.
"""

import re
from dataclasses import dataclass

from harness.record.documents import Json
from harness.record.errors import ImportFileError
from meters.reading import EMULATOR_MARK


@dataclass(frozen=True, slots=True)
class Instrument:
    """What the Identify line says: PTDaemon's version and system, the analyser, its calibration date, whether SPEC
    accepts it."""

    identity: Json
    evidence: Json
    calibration: Json | None
    emulated: bool
    dummy: bool
    accepted: bool = False

    @property
    def simulated(self) -> bool:
        """Whether no analyser stood behind PTDaemon."""
        return self.emulated or self.dummy


def parse_identify(line: str, where: str) -> Instrument:
    """The Identify line: `model,ms,...,version=..,OS=..,mode=power,...,calibration date,maker;model;serial;firmware`.

    Raises:
        ImportFileError: a temperature sensor's line, or one without version, mode and analyser.
    """
    head, _, tail = line.partition(",mode=")
    fields = tail.split(",")
    version = re.search(r",version=([^,]+)", head)
    if version is None or len(fields) < 3:
        raise ImportFileError(f"{where}: found the Identify line {line!r:.120}, expected version=, OS=, mode= in it")
    if fields[0] != "power":
        raise ImportFileError(f"{where}: PTDaemon ran in mode {fields[0]!r}, expected 'power'; name the analyser's log")
    calibrated, analyser = fields[-2], fields[-1].split(";")
    maker, model, serial, firmware = (analyser + [""] * 4)[:4] if len(analyser) >= 4 else ("", fields[-1], "", "")
    system = re.search(r",OS=(.*)$", head)
    evidence: Json = {"identify": line, "ptdaemon_version": version[1], "ptdaemon_device": head.split(",")[0]}
    return Instrument(
        {
            "maker": maker, "model": model, "serial": serial, "firmware": firmware,
            "driver": f"ptdaemon {version[1]}",
        },
        evidence | ({"ptdaemon_os": system[1]} if system else {}),
        None if calibrated == "no_cal_date" else {"date": calibrated, "source": "PTDaemon Identify"},
        EMULATOR_MARK in line,
        "dummy" in line.lower(),
        head.split(",")[8:9] == ["1"],
    )  # fmt: skip
