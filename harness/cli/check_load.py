"""`wattlab check --check-load NAME`: try a meter with a known constant load, and keep the result.

A wrong transformer ratio shows in nothing else: every reading is then wrong alike. Knows how the operator is asked and
what is printed; what counts as a fit stands in `harness.station.check_loads`.
"""

import argparse
import sys
import time
from dataclasses import dataclass

from rich.console import Console

from harness.cli.documents import Document
from harness.cli.meter_port import time_to_read_s
from harness.cli.screen import say
from harness.measure.embedded import open_port
from harness.measure.lab_file import StationConfig
from harness.record.errors import LabError
from harness.station.access import access_of
from harness.station.check_loads import CheckLoadRecord, judge_check_load, stated
from harness.station.instruments import CheckLoad
from harness.station.register import load_register
from meters import registry
from meters.meter import Meter, MeterTimeout

CHECK_LOAD_S = 30.0
FEWEST_READINGS = 3
SILENT_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLoadTrial(Document):
    """A meter tried with a known load."""

    trial: CheckLoadRecord
    """The line that was written."""
    history: str
    """The register's history that it was written into."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """The options of `wattlab check` that belong to a check load."""
    verb.add_argument(
        "--check-load",
        metavar="NAME",
        help="instead: try a meter with this known load of the instrument register, and write the result into its "
        "history; exit code 1 when it does not fit",
    )
    verb.add_argument("--meter", metavar="METER", help="the meter of lab.toml to try (default: its only one)")
    verb.add_argument("--connected", action="store_true", help="the check load is connected already: do not ask")
    verb.add_argument(
        "--seconds",
        type=float,
        metavar="S",
        help=f"read for so long (default: {CHECK_LOAD_S:g}, longer for a slow meter)",
    )


def call(config: StationConfig, arguments: argparse.Namespace) -> int:
    """Read the meter while the load is connected, print the comparison, write it into the history; 1 on a failure.

    Raises:
        LabError: no register, no such load, no such meter, no reading. MeterError: the meter's side.
    """
    register = load_register(config.station)
    if register is None:
        raise LabError(f"{config.path}: lab.instruments names no register; a check load stands there")
    name = str(arguments.check_load)
    known = register.file.check_loads.get(name)
    if known is None:
        listed = ", ".join(register.file.check_loads) or "none"
        raise LabError(f"{register.path}: no check load {name!r}, it has {listed}")
    meter = _meter_to_try(config, arguments.meter)
    if arguments.seconds is not None and arguments.seconds <= 0:
        raise LabError(f"--seconds is {arguments.seconds:g}, expected more than 0")
    with open_port(config, meter) as port:
        section = config.file.meters[meter]
        access = access_of(config.station, register, meter)
        opened = registry.open_meter(section.driver, port, capture=None, options=section.options, access=access)
        try:
            duration_s = time_to_read_s(arguments.seconds, opened.describe().pace_s, FEWEST_READINGS, CHECK_LOAD_S)
            if not arguments.connected:
                _ask_to_connect(meter, name, known)
            match = register.find(opened.identify(), section.instrument)
            record = judge_check_load(
                name=name,
                load=known,
                meter=meter,
                instrument=None if match is None else match.name,
                identity=opened.identify(),
                origin=opened.origin().kind,
                description=stated(opened.describe(), section.limits_percent),
                powers_w=_read_for(opened, meter, duration_s),
                duration_s=duration_s,
                operator=config.file.lab.operator,
            )
        finally:
            opened.close()
    register.append(record)
    console = Console()
    arguments.answer = CheckLoadTrial(trial=record, history=str(register.history_path))
    for line in _told(record):
        say(console, line)
    say(console, f"written to {register.history_path}")
    return 0 if record.passed else 1


def _meter_to_try(config: StationConfig, named: str | None) -> str:
    names = list(config.file.meters)
    if named is None and len(names) > 1:
        raise LabError(f"{config.path}: it has the meters {', '.join(names)}; say which one with --meter")
    if named is not None and named not in names:
        raise LabError(f"{config.path}: no meter {named!r}, it has {', '.join(names)}")
    return named or names[0]


def _ask_to_connect(meter: str, name: str, known: CheckLoad) -> None:
    what = f" ({known.description})" if known.description else ""
    text = f"Connect the check load {name}{what}, {known.expected_w:g} W, and nothing else to meter {meter}, "
    if not sys.stdin.isatty():
        raise LabError(f"{text}then give --connected: there is no terminal to ask at")
    input(f"{text}wait until its power is constant, then press Enter: ")


def _read_for(meter: Meter, name: str, seconds: float) -> list[float]:
    """The power readings (W) of so many seconds; the first is left out, its window may begin before the load did."""
    meter.read(max(SILENT_S, meter.describe().patience_s))
    end, powers_w = time.monotonic() + seconds, []
    while (left_s := end - time.monotonic()) > 0:
        try:
            reading = meter.read(left_s)
        except MeterTimeout:
            break
        if reading.power_w is None:
            raise LabError(f"meter {name}: {', '.join(sorted(reading.flags))} instead of watts; choose a wider range")
        powers_w.append(reading.power_w)
    if len(powers_w) < FEWEST_READINGS:
        raise LabError(
            f"meter {name}: {len(powers_w)} readings in {seconds:g} s, at least {FEWEST_READINGS} are needed; "
            "read for longer"
        )
    return powers_w


def _told(record: CheckLoadRecord) -> list[str]:
    ratio = "" if record.ratio is None else f", ratio {record.ratio:.4f}"
    lines = [
        f"meter {record.meter}: {record.measured_w:.3f} W measured, {record.expected_w:.3f} W expected{ratio} "
        f"({record.readings} readings)",
        f"allowed: {record.limit_w:.3f} W, of which the load {record.U_expected_w:.3f} W"
        + ("" if record.meter_limit_w is None else f", the meter {record.meter_limit_w:.3f} W"),
    ]
    if record.meter_limit_w is None:
        lines.append("the meter states no limits of error: only the load's own uncertainty is allowed")
    if record.instrument is None:
        lines.append("the register does not have this meter: the result counts for none of its instruments")
    if record.passed:
        return [*lines, "PASS"]
    if record.fits is None:
        return [*lines, "FAIL: no usual wrong ratio fits; is anything else connected, is the load warm and constant?"]
    hints = {"-1": "the current sensor is the wrong way round"}
    hint = hints.get(record.fits, "a transformer ratio or a range is set wrong")
    return [*lines, f"FAIL: the readings fit {record.fits} times the load: {hint}"]
