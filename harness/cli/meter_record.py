"""`wattlab meter record`: a session with a meter becomes golden test bytes, and proves at once that it replays.

Knows: how a session is recorded, and played back to its own driver. Does not know: protocols, and what was measured
but for the operator's `--note`. A replay shows that bytes and readings agree; whether the readings are right it
cannot show.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from harness.cli.meter_documents import RecordedSession
from harness.cli.meter_port import NamedMeter, add_meter_arguments, named, say_remarks
from harness.cli.screen import say
from harness.cli.types import add_json_argument, at_least, seconds
from harness.measure.embedded import emulator, emulator_wire
from harness.record.errors import ConfigError, LabError
from harness.station.provenance import software_facts
from harness.station.station import APPLICATION
from meters.access import ANYBODY, REPLAYED, Access
from meters.meter import Meter, MeterError, MeterGarbage, MeterTimeout
from meters.port_forms import link_of
from meters.reading import Reading
from meters.registry import COUNTERS
from meters.session import WIRE_LOG, Session, first_difference, read_session, write_session

READ_TIMEOUT_S = 1.0
DEFAULT_S = 60.0
SILENT_S = 10.0
"""A replay that says nothing for so long, and for twice the longest pause of the recording, has ended."""
AS_RECORDED = 1.0
OWN_PARTS = frozenset({"type", "kind", "identity", "origin", "evidence", "calibration"})
DIFFERS = 3


def add_arguments(record: argparse.ArgumentParser) -> None:
    """What the action takes."""
    add_meter_arguments(record)
    record.add_argument("--into", type=Path, required=True, metavar="FOLDER", help="new folder that takes the session")
    length = record.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=seconds, default=DEFAULT_S, help=f"how long (default: {DEFAULT_S:g})")
    length.add_argument("--count", type=at_least(1), metavar="N", help="stop after N readings instead")
    record.add_argument("--note", default="", metavar="TEXT", help="what was measured: load, ranges, what stood beside")
    add_json_argument(record, "what was recorded, and whether it replays,", RecordedSession)
    record.set_defaults(call=call_record)


def call_record(arguments: argparse.Namespace) -> int:
    """Exit code 0 when the session replays to the same readings, 3 when it does not."""
    console = Console()
    done = _stop_rule(arguments)
    with named(arguments) as place:
        if place.driver in COUNTERS:
            raise ConfigError(f"{place.driver}: counters of this machine are no meter; a session is one with a meter")
        session = _recorded(place, arguments, console, done)
    write_session(arguments.into, session)
    say(console, f"{arguments.into}: {len(session.readings)} readings, {session.origin.kind}")
    if session.origin.kind == "emulated":
        say(console, "This meter is emulated, and the session says so: it tells nothing about an instrument.")
    difference, how = prove(arguments.into, console)
    arguments.answer = RecordedSession(
        folder=str(arguments.into), driver=session.driver, identity=session.identity, origin=session.origin.kind,
        readings=len(session.readings), difference=difference, at_recorded_pace=bool(how),
    )  # fmt: skip
    if difference is not None:
        say(console, f"replayed: {difference}")
        return DIFFERS
    say(console, f"replayed: {len(session.readings)} readings, identical{how}")
    return 0


# --- recording ----------------------------------------------------------------------------------------------------


StopRule = Callable[[int, float], float]


def _stop_rule(arguments: argparse.Namespace) -> StopRule:
    """What says, from readings and seconds so far, which part of the session is done (1: all)."""
    count: int | None = arguments.count
    length_s: float = arguments.seconds
    return lambda readings, elapsed_s: elapsed_s / length_s if count is None else readings / count


def _recorded(place: NamedMeter, arguments: argparse.Namespace, console: Console, done: StopRule) -> Session:
    recorded_utc = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with _wire_log(arguments.into) as log:
        meter = place.open(log)
        try:
            say(console, f"{place.driver}, {meter.origin().kind}: {' '.join(_who(meter))}")
            say_remarks(meter, console)
            readings = _listen(meter, done, console)
            identity, origin, description = meter.identify(), meter.origin(), meter.describe()
        finally:
            meter.close()
        if not readings:
            raise LabError(f"{place.port}: no reading came; look at the meter with `wattlab meter read`")
    document = description.document(identity, origin)
    return Session(
        driver=place.driver,
        options={name: value for name, value in place.options.items() if isinstance(value, (float, int, str))},
        login=place.access.credentials is not None,
        port_kind=link_of(place.port),
        wattlab=str(software_facts(APPLICATION)["version"]),
        recorded_utc=recorded_utc,
        note=arguments.note,
        identity=identity,
        origin=origin,
        description={key: value for key, value in document.items() if key not in OWN_PARTS},
        readings=tuple(readings),
    )


@contextmanager
def _wire_log(folder: Path) -> Iterator[BinaryIO]:
    """The log in a new folder; when nothing was said on the wire, the folder goes again.

    Raises:
        LabError: the folder exists or cannot be made. With what was said, a failure leaves the log behind.
    """
    try:
        folder.mkdir(parents=True)
        log = (folder / WIRE_LOG).open("xb")
    except FileExistsError:
        raise LabError(f"{folder}: exists; a session is never recorded over another, name a new folder") from None
    except OSError as error:
        raise LabError(f"{folder}: cannot be made ({error.strerror}); name another folder") from error
    try:
        with log:
            yield log
    except (LabError, MeterError) as error:
        if not (folder / WIRE_LOG).stat().st_size:
            (folder / WIRE_LOG).unlink()
            folder.rmdir()
            raise
        raise LabError(f"{error} (what was said until then stands in {folder / WIRE_LOG}; it is no session)") from error


def _who(meter: Meter) -> list[str]:
    identity = meter.identify()
    parts = [part for part in (identity.maker, identity.model, identity.serial, identity.firmware) if part]
    return parts or ["a meter that does not say who it is"]


def _listen(meter: Meter, done: StopRule, console: Console) -> list[Reading]:
    """The readings until the rule says that it is enough, or Ctrl-C; garbage and silence cost what they cost."""
    readings: list[Reading] = []
    begin_s = time.monotonic()
    with _progress(console) as progress:
        task = progress.add_task("recording", total=1.0)
        try:
            while (part := done(len(readings), time.monotonic() - begin_s)) < 1.0:
                try:
                    readings.append(meter.read(READ_TIMEOUT_S))
                except MeterTimeout:
                    pass
                except MeterGarbage as error:
                    say(progress.console, str(error))
                progress.update(task, completed=part, description=f"recording{_power(readings)}")
        except KeyboardInterrupt:
            say(progress.console, "stopped; what came until now is the session")
    return readings


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True)


def _power(readings: list[Reading]) -> str:
    power_w = readings[-1].power_w if readings else None
    return "" if power_w is None else f" {power_w:.2f} W"


# --- the proof ----------------------------------------------------------------------------------------------------


def prove(folder: Path, console: Console) -> tuple[str | None, str]:
    """Where a replay of the session in `folder` differs, `None` where nowhere; and what to add about it in words.

    Late replies and repeats are known by their time, so what differs without waiting is played once more at the
    recorded pace.
    """
    difference = _replayed(folder, None, console)
    if difference is None:
        return None, ""
    return _replayed(folder, AS_RECORDED, console), ", at the recorded pace only"


def _replayed(folder: Path, speed: float | None, console: Console) -> str | None:
    """Play the session to its driver; the first difference in words."""
    session, _log = read_session(folder)
    with TemporaryDirectory(prefix="wattlab-replay-") as place:
        wire = emulator_wire(Path(place) / "meter", on_line=session.port_kind in ("serial", "usbtmc"))
        pace = [] if speed is None else ["--speed", f"{speed:g}"]
        with emulator(["replay", "--session", str(folder.absolute()), *wire, *pace]) as running:
            found: list[Reading] = []
            try:
                access = Access(REPLAYED) if session.login else ANYBODY
                meter = NamedMeter(session.driver, running.port, session.options, access).open(None)
                try:
                    if meter.identify() != session.identity:
                        return f"found the identity {meter.identify()}, recorded is {session.identity}"
                    _read_again(meter, session, found, console)
                finally:
                    meter.close()
            except MeterError as error:
                known = first_difference(session.readings[: len(found)], found)
                said = running.complaint() or str(error)
                return known or f"after {len(found)} of {len(session.readings)} readings: {said}"
    return first_difference(session.readings, found)


def _read_again(meter: Meter, session: Session, found: list[Reading], console: Console) -> None:
    """Append as many readings as were recorded, or those until the replay falls silent."""
    times_s = [reading.time_ns / 1e9 for reading in session.readings]
    pauses_s = [later - earlier for earlier, later in pairwise(times_s)]
    patience_s = SILENT_S + 2 * max(pauses_s, default=0.0)
    spoken_s = time.monotonic()
    with _progress(console) as progress:
        task = progress.add_task("replaying", total=len(session.readings))
        while len(found) < len(session.readings) and time.monotonic() - spoken_s < patience_s:
            try:
                found.append(meter.read(READ_TIMEOUT_S))
            except (MeterTimeout, MeterGarbage):
                continue
            spoken_s = time.monotonic()
            progress.update(task, completed=len(found), description=f"replaying{_power(found)}")
