"""The meter behind the server: read by a thread of its own, its readings made samples of the measurement that runs.

Knows: when the meter is read, opened again and opened with another range; what is logged of a sample, and what is said
of one that is not as it should be. Does not know: clients and their words (`meters.ptd_server.server`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from meters.meter import Meter, MeterError, MeterGarbage, MeterMismatch, MeterTimeout
from meters.ptd_server.replies import statistic_line
from meters.ptd_server.samples import MISSED, Measurement, Sample, stamp
from meters.reading import Reading

READ_S = 0.2
LATE_S = 0.05
REOPEN_S = 1.0
UNCERTAINTY_LIMIT = 0.01  # what the daemon warns of, and what SPEC accepts


class Sampler:
    """An open meter and the measurement that runs, if one does; `run` reads it until `stopping` is set.

    `lock` is held by whoever uses the measurement: `run` while it puts readings into it, the server while it answers.
    """

    def __init__(
        self,
        meter: Meter,
        *,
        say: Callable[[str], None],
        log_row: Callable[[str], None],
        open_anew: Callable[[Mapping[str, object]], Meter],
        options: Mapping[str, object],
    ) -> None:
        """Take an open meter; the words are those of `meters.ptd_server.server.PtdServer`."""
        self.meter = meter
        """As it is open now; whoever ends the server closes it."""
        self.description = meter.describe()
        self.options = dict(options)
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.failure: BaseException | None = None
        """A bug while reading: it ends the server."""
        self.measurement: Measurement | None = None
        self.is_running = False
        self.mark = "notset"
        self._say_line, self._log_row, self._open_anew = say, log_row, open_anew
        self._reading = threading.Lock()  # held while the meter is read, and while it is opened anew
        self._lost = False

    @property
    def samples(self) -> list[Sample]:
        """Those of the measurement that runs or ran last."""
        return [] if self.measurement is None else self.measurement.samples

    def say(self, text: str) -> None:
        """Put a message into the daemon's window."""
        self._say_line(f"{stamp(datetime.now())}: {text}")

    def begin(self, interval_ms: int, most: int, rampup: int) -> None:
        """Start a measurement of `most` samples after `rampup` that are dropped."""
        self.measurement = Measurement(
            interval_ms=interval_ms,
            most=most,
            rampup=rampup,
            power=self.description.column("power_w"),
            began_ns=time.monotonic_ns(),
            wall=_time_of_day,
        )
        self.is_running = True

    def complete(self) -> None:
        """End the measurement that runs; its samples can still be read."""
        if not self.is_running or self.measurement is None:
            return
        self._note(self.measurement.finish())
        self.is_running = False
        _name, mean, low, high, total, errors, valid = statistic_line("Watts", self.measurement.samples).split(",")
        self.say("Completed test")
        self.say(
            f"Avg watts {mean}, min watts {low}, max watts {high}, samples {total}, errors {errors}, valid {valid}"
        )

    def open_with(self, option: str, value: float | str) -> None:
        """Open the meter with another option; where it does not open so, as it was.

        Raises `MeterError`, `MeterMismatch` where another instrument answers.
        """
        with self._reading:
            identity = self.meter.identify()
            self.meter.close()
            try:
                meter = self._open_anew(self.options | {option: value})
            except MeterError:
                self._lost = True  # the sampler opens it as it was, and goes on trying
                raise
            if meter.identify() != identity:
                meter.close()
                self._lost = True
                raise MeterMismatch(f"found {meter.identify()}, expected {identity}, which was there before")
            self.meter, self.description, self._lost = meter, meter.describe(), False
            self.options[option] = value

    def run(self) -> None:
        """Read until `stopping`. A bug ends the server: one that goes on without samples would look alive."""
        try:
            self._sample()
        except BaseException as error:
            self.failure = error
        finally:
            self.stopping.set()

    def _sample(self) -> None:
        """Read the meter until `stop`; one that went away is opened again as soon as it is back."""
        while not self.stopping.is_set():
            try:
                self._keep(self._read())
            except MeterTimeout:
                self._keep(None)
            except MeterGarbage as error:
                self._keep(None, str(error))
            except MeterError as error:
                if not self._lost:
                    self.say(f"ERROR: {error}")
                self._lost = True
                self._keep(None)
                self.stopping.wait(REOPEN_S)

    def _read(self) -> Reading:
        """Return the next reading, of a meter that went away after it was opened again; raises `MeterError`."""
        with self._reading:
            if self._lost:
                self.meter.reopen()
                self._lost = False
                self.say("The meter is back")
            return self.meter.read(READ_S)

    def _keep(self, reading: Reading | None, trouble: str = "") -> None:
        """Put a reading, garbage, or the passing of time into the measurement that runs."""
        with self.lock:
            measurement = self.measurement
            if not self.is_running or measurement is None:
                return
            now_ns = time.monotonic_ns()
            if trouble:
                self.say(f"ERROR: {trouble}")
                self._note(measurement.trouble(now_ns))
            elif reading is not None:
                self._note(measurement.take(reading))
            else:
                self._note(measurement.advance(now_ns - int(LATE_S * 1e9)))
            if measurement.complete:
                self.complete()

    def _note(self, samples: Sequence[Sample]) -> None:
        """Log complete samples and say what is not as it should be."""
        for sample in samples:
            self._log_row(f"{sample.row()},Mark,{self.mark}")
            if sample.watts == MISSED:
                self.say("WARNING: Missed 1 samples")
            elif sample.uncertainty is None:
                self.say("ERROR: Can't evaluate uncertainty of this sample!")
                self.say("WARNING: Uncertainty unknown for the last measurement sample! channel 0")
            elif sample.uncertainty > UNCERTAINTY_LIMIT:
                percent = f"{100 * sample.uncertainty:.2f}%"
                self.say(f"WARNING: Uncertainty {percent} above 1.00% limit for the last measurement sample!")


def _time_of_day(time_ns: int) -> datetime:
    """Return the local time of a moment of the monotonic clock, by what the two clocks say now."""
    return datetime.now() - timedelta(microseconds=(time.monotonic_ns() - time_ns) / 1000)
