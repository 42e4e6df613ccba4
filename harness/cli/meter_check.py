"""`wattlab meter check`: is this meter fit to measure with? How often it has a new value, what it says of a constant
load, then perhaps of one that is switched."""

import argparse
import io
import os
import random
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import replace

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from harness.cli.meter_documents import SelfTest, TestedPart
from harness.cli.meter_port import NamedMeter, add_meter_arguments, named, say_remarks, sparkline, time_to_read_s
from harness.cli.screen import Sheet, columns, say
from harness.cli.types import add_json_argument, at_least, seconds
from harness.record.errors import LabError
from meters import registry
from meters.meter import Meter, MeterGarbage, MeterTimeout
from meters.reading import Description, Reading
from reports.energy.refresh import refresh_check
from reports.energy.selftest import (
    LEAST_EDGES,
    LEAST_READINGS,
    Check,
    Floats,
    Readings,
    Stated,
    constant_load,
    fit_window,
    window_check,
)

READ_TIMEOUT_S = 1.0
USUAL_S = 60.0
SHORTEST_S, LONGEST_S = 2.3, 4.1
"""Between two switchings, drawn anew each time so that they fall anywhere in the meter's window; in windows where
that is longer."""
TAIL_S = 5.0
FASTEST_S = 0.05
ASKED_IN_A_REFRESH = 10
LEAST_S, REFRESHES = 15.0, 20
"""How long a meter is asked faster than it has new values: so many seconds and refreshes at the least."""
BESIDE = ("voltage_v", "current_a", "power_factor", "frequency_hz", "apparent_power_va")
CPU_LOAD = "cpu"
BAD = 3


def add_arguments(check: argparse.ArgumentParser) -> None:
    """What the action takes."""
    add_meter_arguments(check)
    check.add_argument(
        "--seconds", type=seconds, help=f"length of the constant part (default: {USUAL_S:g}, longer for a slow meter)"
    )
    check.add_argument(
        "--switch",
        metavar="COMMAND",
        help="a command that is a load as long as it runs; `cpu` loads this machine's CPUs. Shows window and stamp",
    )
    check.add_argument(
        "--edges", type=at_least(LEAST_EDGES), default=16, help="how often the load is switched (default: 16)"
    )
    add_json_argument(check, "what the test showed", SelfTest)
    check.set_defaults(call=call_check, interrupted="the test is not finished, so nothing is said of the meter")


def call_check(arguments: argparse.Namespace) -> int:
    """Exit code 0 when every line is good or a remark, 3 when one is bad."""
    console = Console()
    command = _command(arguments.switch)
    with named(arguments) as place, ExitStack() as stack:
        meter = stack.enter_context(closing(place.open(io.BytesIO())))
        description = meter.describe()
        seconds_s = time_to_read_s(arguments.seconds, description.pace_s, LEAST_READINGS, USUAL_S)
        fast_s = _fast_s(place.driver, description)
        enough_s = 0.0 if fast_s is None else _enough_s(description, seconds_s)
        whole_s = seconds_s + enough_s
        say(console, f"{place.driver}, {meter.origin().kind}: keep the load constant for {whole_s:g} s")
        say_remarks(meter, console)
        fast: list[Reading] = []
        if fast_s is not None:
            stack.close()
            fast = _asked_fast(place, fast_s, enough_s, console)
            meter = stack.enter_context(closing(place.open(io.BytesIO())))
        steady = _listen(meter, seconds_s, console, "constant load")
        _show(steady, console)
        checks = constant_load(_arrays(steady), _stated(description))
        checks.insert(1, _refresh(place.driver, fast or steady, description))
        if command is not None:
            interval_s = description.interval_s or description.window_s or 1.0
            edges_s, first = _moments(arguments.edges, interval_s), time.monotonic()
            with _Switch(command, [first + at for at in edges_s]) as switch:
                trace = _listen(meter, edges_s[-1] + TAIL_S, console, "switched load")
            _show(trace, console)
            arrays = _arrays(trace)
            known = np.isfinite(arrays.power_w)
            fit = fit_window(arrays.times_s[known], arrays.power_w[known], switch.edges_s, first_on=True)
            checks += window_check(fit, _stamp_offset_s(description), description.window_s)
        _report(checks, meter)
        arguments.answer = SelfTest(
            driver=place.driver, identity=meter.identify(), origin=meter.origin().kind,
            checks=tuple(TestedPart(check.name, check.grade, check.sentence, check.numbers) for check in checks),
        )  # fmt: skip
    return BAD if any(check.grade == "bad" for check in checks) else 0


def _fast_s(driver: str, description: Description) -> float | None:
    """How often (s) a meter is asked so that its refresh is seen; None: it sends unasked, or says what is new."""
    option = registry.KNOWN[driver].options.get("interval_s")
    if option is None or description.refresh_s is None:
        return None
    refresh_s = description.refresh_s or description.interval_s or 1.0
    return max(option.low, FASTEST_S, refresh_s / ASKED_IN_A_REFRESH)


def _enough_s(description: Description, seconds: float) -> float:
    """How long it is asked so: some refreshes, at most `seconds`."""
    return min(seconds, max(LEAST_S, REFRESHES * (description.refresh_s or description.interval_s or 1.0)))


def _asked_fast(place: NamedMeter, fast_s: float, enough_s: float, console: Console) -> list[Reading]:
    """The readings of a meter that is asked faster than it has new values."""
    faster = replace(place, options=dict(place.options) | {"interval_s": fast_s})
    with closing(faster.open(io.BytesIO())) as meter:
        return _listen(meter, enough_s, console, f"asked each {fast_s:g} s")


def _refresh(driver: str, readings: Sequence[Reading], description: Description) -> Check:
    """How often the meter has a new value, as far as the readings show it."""
    arrays = _arrays(readings)
    beside = [_column(readings, name) for name in BESIDE]
    stated_s = description.interval_s if description.refresh_s is None else description.refresh_s or None
    is_set = "refresh_s" if "refresh_s" in registry.KNOWN[driver].options else ""
    told = [column for column in beside if np.isfinite(column).any()]
    return refresh_check((arrays.times_s, arrays.power_w), told, stated_s, is_set=is_set)


def _command(text: str | None) -> list[list[str]] | None:
    """What is started to switch the load on; `cpu`: a busy loop on every CPU."""
    if text is None:
        return None
    if text == CPU_LOAD:
        return [["sh", "-c", "while :; do :; done"]] * (os.cpu_count() or 1)
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise LabError(f"--switch {text!r}: {error}; expected a command, or cpu") from None
    if not words:
        raise LabError("--switch: expected a command, or cpu")
    return [words]


class _Switch:
    """Switches a load at planned moments (s, monotonic), in a thread; `edges_s` are those at which it really did."""

    def __init__(self, commands: Sequence[Sequence[str]], moments_s: Sequence[float]) -> None:
        self._commands, self._moments_s = commands, moments_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="switch", daemon=True)
        self._failure: OSError | None = None
        self.edges_s: list[float] = []

    def __enter__(self) -> "_Switch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._failure is not None:
            raise LabError(f"--switch {' '.join(self._commands[0])}: {self._failure}; correct the command")

    def _work(self) -> None:
        with ExitStack() as running:
            try:
                for number, moment_s in enumerate(self._moments_s):
                    if self._over.wait(max(0.0, moment_s - time.monotonic())):
                        return
                    if number % 2 == 0:
                        for command in self._commands:
                            running.callback(_end, _start(command))
                    else:
                        running.close()
                    self.edges_s.append(time.monotonic())
            except OSError as error:
                self._failure = error


def _start(command: Sequence[str]) -> "subprocess.Popen[bytes]":
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """The whole group, and at once: the moment counts."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _moments(edges: int, interval_s: float) -> list[float]:
    scale = max(1.0, interval_s)
    moment_s, found = 2.0 * scale, []
    for _edge in range(edges + edges % 2):  # an even number, so that the load is off at the end
        found.append(moment_s)
        moment_s += scale * random.uniform(SHORTEST_S, LONGEST_S)
    return found


def _listen(meter: Meter, seconds: float, console: Console, what: str) -> list[Reading]:
    """The readings of some seconds; garbage and silence leave out what they cost."""
    readings: list[Reading] = []
    begin_s = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=seconds)
        while (gone_s := time.monotonic() - begin_s) < seconds:
            try:
                readings.append(meter.read(READ_TIMEOUT_S))
            except (MeterTimeout, MeterGarbage) as error:
                if isinstance(error, MeterGarbage):
                    say(progress.console, str(error))
            last = readings[-1].power_w if readings else None
            shown = "" if last is None else f" {last:.2f} W"
            progress.update(task, completed=gone_s, description=f"{what}{shown}")
    return readings


def _show(readings: Sequence[Reading], console: Console) -> None:
    powers = [reading.power_w for reading in readings if reading.power_w is not None]
    if powers:
        step = max(1, len(powers) // 60)
        console.print(f"  {min(powers):.2f} W {sparkline(powers[::step])} {max(powers):.2f} W", markup=False)


def _column(readings: Sequence[Reading], name: str) -> Floats:
    values = [getattr(reading, name) for reading in readings]
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _arrays(readings: Sequence[Reading]) -> Readings:
    times_s = np.array([reading.time_ns for reading in readings], dtype=np.float64) * 1e-9
    return Readings(times_s, _column(readings, "power_w"), _column(readings, "energy_wh"))


def _stated(description: Description) -> Stated:
    columns = {column.name: column for column in description.columns}
    power, register = columns["power_w"], columns.get("energy_wh")
    accuracy = power.accuracy
    gain = 0.05 if accuracy is None else accuracy.reading_percent / 100
    offset_w = power.offset_limit or 0.0
    interval_s = description.interval_s or description.window_s or 1.0
    return Stated(interval_s, power.resolution, None if register is None else register.resolution, gain, offset_w)


def _stamp_offset_s(description: Description) -> float:
    """The stamp minus the end of the window, as the driver states it (`unknown` counts as `end`)."""
    return description.latency_s - (description.window_s if description.stamp == "start" else 0.0)


def _report(checks: Sequence[Check], meter: Meter) -> None:
    Console().print(grades_sheet(checks))
    if meter.origin().kind == "emulated":
        say(Console(), "This meter is emulated: the test says nothing about an instrument.")


def grades_sheet(checks: Sequence[Check]) -> Sheet:
    """A line for each part of the test."""
    colours = {"good": "green", "remark": "yellow", "bad": "red"}
    rows = [(check.name, Text(check.grade, colours[check.grade]), check.sentence) for check in checks]
    return Sheet(columns("check", "result", "what it showed"), rows)
