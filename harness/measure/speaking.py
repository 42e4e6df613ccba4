"""Whether every meter of the lab is there and speaks, asked before a run is begun: what is away costs no attempt then.

Knows how a meter is opened and what of its errors may pass. Knows no campaign and no run folder; what is read here is
kept nowhere.
"""

import io
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, wait
from functools import partial
from typing import BinaryIO

from harness.measure.opening import at_once
from harness.record.errors import LabError
from harness.station.station import MeterSection
from meters.meter import Meter, MeterError, MeterGarbage, MeterTimeout, MeterUnavailable, MeterUnplugged

FIRST_READING_S = 15.0
"""A meter that has not spoken so long after it was opened is not there."""
BACK_S = 60.0
"""So long is waited for a meter that is away."""
AGAIN_S = 1.0


class MeterAway(LabError):
    """A meter of the lab cannot be opened or does not speak."""


def require_speaking(
    open_meters: Mapping[str, Callable[[BinaryIO], Meter]],
    sections: Mapping[str, MeterSection],
    on_wait: Callable[[str], None],
) -> None:
    """Return when every meter has given a reading; all are asked at the same time. `on_wait` is told which ones are
    waited for.

    Raises:
        MeterAway: one does not come back within BACK_S, or another instrument answers in its place.
    """
    away: dict[str, MeterError] = {}
    is_over = threading.Event()
    jobs = {name: partial(_wait_for, name, open_meter, away, is_over) for name, open_meter in open_meters.items()}
    asked = at_once(jobs, sections)
    try:
        left = set(asked.values())
        while left:
            done, left = wait(left, timeout=AGAIN_S, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
            for name in tuple(away):
                on_wait(name)
    finally:
        is_over.set()


def _wait_for(
    name: str, open_meter: Callable[[BinaryIO], Meter], away: dict[str, MeterError], is_over: threading.Event
) -> None:
    """Return when a meter has given a reading; as long as it gives none it stands in `away`."""
    end_s = time.monotonic() + BACK_S
    while not is_over.is_set() and (problem := _problem(open_meter)) is not None:
        may_pass = isinstance(problem, MeterUnavailable | MeterTimeout | MeterUnplugged | MeterGarbage)
        if not may_pass or time.monotonic() >= end_s:
            waited = f" (waited {BACK_S:g} s for it)" if name in away else ""
            raise MeterAway(f"meter {name}: {problem}{waited}") from problem
        away[name] = problem
        is_over.wait(AGAIN_S)
    away.pop(name, None)


def _problem(open_meter: Callable[[BinaryIO], Meter]) -> MeterError | None:
    """Why a meter gives no reading; None where it does."""
    try:
        meter = open_meter(io.BytesIO())
        try:
            meter.read(max(FIRST_READING_S, meter.describe().patience_s))
        finally:
            meter.close()
    except MeterError as error:
        return error
    return None
