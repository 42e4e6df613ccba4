"""Every recorded session of every driver is decoded again from its bytes alone, on the log's own clock."""

import math
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from meters import host, registry
from meters.access import ANYBODY, REPLAYED, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter
from meters.http_wire import HttpWire
from meters.meter import MeterError, MeterGarbage
from meters.playback import Guesses, Playback, PlaybackOver, Strayed
from meters.reading import Reading
from meters.session import first_difference, read_session
from meters.wire_log import Exchange

SESSIONS = sorted((Path(__file__).parents[1] / "data" / "sessions").iterdir())
ASK = b"#V,R,0;"
S = 10**9


def heard_again(folder: Path) -> tuple[object, list[Reading]]:
    session, log = read_session(folder)
    readings: list[Reading] = []
    port = str(session.origin.evidence["port"])
    with host.playing(Playback(log)):
        access = Access(REPLAYED) if session.login else ANYBODY
        meter = registry.open_meter(session.driver, port, capture=None, options=session.options, access=access)
        assert isinstance(meter, DialogueMeter)
        while len(readings) < len(session.readings):
            try:
                readings.append(meter.read(0.25))
            except MeterError:
                continue
    return meter.identify(), readings


@pytest.mark.parametrize("folder", SESSIONS, ids=lambda folder: folder.name)
def test_a_session_gives_the_same_readings_again_without_a_port_or_a_wait(folder: Path) -> None:
    session, _log = read_session(folder)
    identity, readings = heard_again(folder)
    assert identity == session.identity
    assert first_difference(session.readings, readings) is None
    assert [reading.time_ns for reading in readings] == [reading.time_ns for reading in session.readings]


def test_every_driver_has_a_session_here() -> None:
    assert {read_session(folder)[0].driver for folder in SESSIONS} == set(registry.DRIVERS)


def test_what_the_driver_says_otherwise_than_then_is_told_with_its_line() -> None:
    log = [Exchange(10, ">", b"#X,R,0;"), Exchange(20, "<", b"#v,-,1,0;")]
    with (
        host.playing(Playback(log)),
        pytest.raises(Strayed, match=r"says b'#V,R,0;', in the log b'#X,R,0;'"),
    ):
        registry.open_meter("wattsup", "/dev/played", capture=None, options={})


def test_a_log_that_ends_ends_the_session() -> None:
    with host.playing(Playback([Exchange(10, ">", ASK)])), pytest.raises(PlaybackOver):
        registry.open_meter("wattsup", "/dev/played", capture=None, options={})


def test_stamps_that_lie_ages_apart_hang_nothing() -> None:
    log = [Exchange(0, ">", ASK), Exchange(1 << 61, "<", b"#v,-,1,0;")]
    begin_s = time.process_time()
    with host.playing(Playback(log)), pytest.raises((MeterError, Strayed)):
        registry.open_meter("wattsup", "/dev/played", capture=None, options={})
    assert time.process_time() - begin_s < 60.0


def test_an_answer_that_the_end_of_its_connection_cut_off_is_waited_for_no_longer_than_then() -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{"
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    log = [
        Exchange(0, ">", b"GET /a HTTP/1.1\r\n\r\n"), Exchange(S // 100, "<", half),
        Exchange(S, ">", b"GET /b HTTP/1.1\r\n\r\n"), Exchange(S + S // 100, "<", whole),
    ]  # fmt: skip
    with host.playing(Playback(log)):
        wire = HttpWire("http://127.0.0.1", None)
        with pytest.raises(MeterGarbage, match="a body that ends after"):
            wire.get("/a", Deadline(5.0))
        assert host.monotonic_ns() == S // 100
        host.sleep(1.0)
        assert wire.get("/b", Deadline(5.0)).data == b"{}"


def test_what_a_host_heard_late_because_it_stood_still_is_heard_where_that_is_supposed() -> None:
    log = [Exchange(0, ">", ASK), Exchange(1, "<", b"a"), Exchange(9 * S, "<", b"b"), Exchange(20 * S, "<", b"c")]
    awake = Playback(log)
    awake.say(ASK)
    assert [awake.hear(0.25), awake.hear(0.25)] == [b"a", None]
    assert awake.also_still() == {2: math.inf}
    stopped = Playback(log, still={2: math.inf})
    stopped.say(ASK)
    assert [stopped.hear(0.25) for _ in range(3)] == [b"a", b"b", None]
    assert stopped.now_ns() == 9 * S + S // 4
    assert stopped.also_still() == {2: math.inf, 3: math.inf}
    assert Playback(log, still={2: math.inf, 3: math.inf}).also_still() is None


def test_a_host_that_stood_still_before_it_spoke_did_so_in_the_last_of_its_pauses() -> None:
    log = [Exchange(0, ">", ASK), Exchange(1, "<", b"a"), Exchange(9 * S, ">", ASK), Exchange(9 * S + 1, "<", b"b")]
    still: Mapping[int, float] | None = {}
    woke_ns = []
    for _playback in range(3):
        played = Playback(log, still=still)
        played.say(ASK)
        played.hear(0.25)
        for _pause in range(4):
            played.sleep(0.25)
            woke_ns.append(played.now_ns())
        played.say(ASK)
        assert played.now_ns() == 9 * S
        still = played.also_still()
    late_ns = 9 * S
    assert [stamp == late_ns for stamp in woke_ns[:1] + woke_ns[4:8] + woke_ns[8:]] == [
        True,
        *4 * [False],
        *3 * [False],
        True,
    ]
    assert still is None


def test_outside_a_playback_the_clock_is_the_hosts() -> None:
    assert host.recording() is None
    before_ns = time.monotonic_ns()
    assert before_ns <= host.monotonic_ns() <= time.monotonic_ns()


def test_the_last_guess_is_changed_first_and_each_follows_the_one_before() -> None:
    guesses = Guesses()
    assert [guesses.guess() for _ in range(3)] == [False, False, False]
    second = guesses.others()
    assert second is not None
    assert [second.guess() for _ in range(4)] == [False, False, True, True]
    third = second.others()
    assert third is not None
    assert [third.guess() for _ in range(4)] == [False, False, True, False]
    tried = 0
    while (guesses := guesses.others() or Guesses([True])) != Guesses([True]) and tried < 10:
        tried += 1
        for _ in range(3):
            guesses.guess()
        if guesses.others() is None:
            break
    assert tried == 7
