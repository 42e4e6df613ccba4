"""Whether every meter of the lab is there and speaks, asked before a run is begun: what is away costs no attempt then.

Knows how a meter is opened and what of its errors may pass. Knows no campaign and no run folder; what is read here is
kept nowhere.
"""

import io
import time
from collections.abc import Callable, Mapping
from typing import BinaryIO

from harness.record.errors import LabError
from meters.meter import Meter, MeterError, MeterGarbage, MeterTimeout, MeterUnavailable, MeterUnplugged

FIRST_READING_S = 15.0
"""A meter that has not spoken so long after it was opened is not there."""
BACK_S = 60.0
"""So long is waited for a meter that is away."""
AGAIN_S = 1.0


class MeterAway(LabError):
    """A meter of the lab cannot be opened or does not speak."""


def require_speaking(open_meters: Mapping[str, Callable[[BinaryIO], Meter]], on_wait: Callable[[str], None]) -> None:
    """Return when every meter has given a reading; `on_wait` is told which one is waited for.

    Raises:
        MeterAway: one does not come back within BACK_S, or another instrument answers in its place.
    """
    for name, open_meter in open_meters.items():
        end_s, waited = time.monotonic() + BACK_S, ""
        while (problem := _problem(open_meter)) is not None:
            may_pass = isinstance(problem, MeterUnavailable | MeterTimeout | MeterUnplugged | MeterGarbage)
            if not may_pass or time.monotonic() >= end_s:
                raise MeterAway(f"meter {name}: {problem}{waited}") from problem
            waited = f" (waited {BACK_S:g} s for it)"
            on_wait(name)
            time.sleep(AGAIN_S)


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
