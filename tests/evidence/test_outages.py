"""Wire logs of meters on a network that went away and came back, decoded again as `verify` does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest

from harness.evidence.wire import _Followed
from harness.measure.recorder import listen
from meters import host, kasa
from meters.emulators.kasa import KasaDevice
from meters.emulators.nut import NutDevice
from meters.emulators.virtual_sut import parse_profile
from meters.nut import codec as nut_codec
from meters.playback import Playback, PlaybackOver
from meters.reading import Identity, Reading
from meters.registry import open_meter
from meters.wire_log import Exchange

LOAD = "watts=0:50,10:60"
MS = 10**6
WHO = kasa.encode_sysinfo()
POWER = kasa.encode_realtime(kasa.Device(Identity("", "", "", ""), kasa.PLUG_EMETER), 0)
UPSS, VARIABLES = nut_codec.encode("LIST", "UPS"), nut_codec.encode("LIST", "VAR", "ups")


def log_of(answer: Callable[[bytes, float], list[bytes]], questions: Sequence[tuple[int, bytes]]) -> list[Exchange]:
    """What was said at these moments (ms), and answered a millisecond later."""
    log = []
    for at_ms, question in questions:
        (reply,) = answer(question, at_ms / 1e3)
        log += [Exchange(at_ms * MS, ">", question), Exchange((at_ms + 1) * MS, "<", reply)]
    return log


@pytest.mark.parametrize(
    ("driver", "answer", "greeting", "question"),
    [
        ("kasa", KasaDevice(parse_profile(LOAD, 1), refresh_s=0.1).receive, (WHO, POWER), POWER),
        ("nut", NutDevice(parse_profile(LOAD, 1), refresh_s=0.1).receive, (UPSS, VARIABLES), VARIABLES),
    ],
    ids=["kasa", "nut"],
)
def test_an_outage_of_which_the_log_has_no_trace_is_followed(
    driver: str, answer: Callable[[bytes, float], list[bytes]], greeting: tuple[bytes, bytes], question: bytes
) -> None:
    first, second = greeting
    moments = [(1, first), (3, second), (5, question), (1005, question)]  # then it is gone for 20 s
    moments += [(21_000, first), (21_002, second), (21_004, question), (22_004, question)]
    played, found = Playback(log_of(answer, moments), [1_500 * MS]), []
    with host.playing(played), suppress(PlaybackOver):
        meter = open_meter(driver, "socket://192.0.2.1:9", capture=None, options={"interval_s": 1.0})
        for heard in listen(_Followed(meter, played), 1.0, lambda: False, host.sleep):
            found += [heard] if isinstance(heard, Reading) else []
    assert [reading.power_w for reading in found] == [50.0, 50.0, 60.0, 60.0]
    assert ["resynced" in reading.flags for reading in found] == [False, False, True, False]
