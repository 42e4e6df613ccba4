"""The PTDaemon dialogue with a scripted daemon; what needs a real one is not here."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from meters.meter import (
    Meter,
    MeterError,
    MeterGarbage,
    MeterMismatch,
    MeterOptionError,
    MeterRefused,
    MeterTimeout,
    MeterUnavailable,
)
from meters.ptdaemon import dialogue as ptdaemon_dialogue
from meters.reading import Identity
from meters.registry import open_meter
from tests.meters.ptdaemon_samples import IDENTITY, NOT_STOPPED, RANGES, STARTED, STOPPED, UNCERTAINTY

# --- the dialogue ---------------------------------------------------------------------------------------------------


class ScriptedDaemon:
    """A TCP port that expects these commands in this order and gives these lines; anything else is noted as wrong."""

    def __init__(self, script: Sequence[tuple[str, str]]) -> None:
        self._script = list(script)
        self.wrong: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.port = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                client, _address = self._listener.accept()
            except TimeoutError:
                continue
            with client:
                client.settimeout(0.05)
                self._talk(client)

    def _talk(self, client: socket.socket) -> None:
        pending = b""
        while not self._closing.is_set():
            try:
                data = client.recv(4096)
            except TimeoutError:
                continue
            if not data:
                return
            *commands, pending = (pending + data).split(b"\r\n")
            for command in commands:
                expected, reply = self._script.pop(0) if self._script else ("nothing", "")
                if command.decode() != expected:
                    self.wrong.append(f"found {command!r}, expected {expected}")
                client.sendall(reply.replace("\n", "\r\n").encode())

    def hang_up(self) -> None:
        self._closing.set()
        self._thread.join()
        self._listener.close()

    def close(self) -> None:
        self.hang_up()
        assert self.wrong == []
        assert self._script == []


StartDaemon = Callable[[Sequence[tuple[str, str]]], ScriptedDaemon]


@pytest.fixture
def start_daemon() -> Iterator[StartDaemon]:
    daemons: list[ScriptedDaemon] = []

    def start(script: Sequence[tuple[str, str]]) -> ScriptedDaemon:
        daemons.append(ScriptedDaemon(script))
        return daemons[-1]

    yield start
    for daemon in daemons:
        daemon.close()


HELLO = [("Hello", "Hello, PTDaemon here!\n"), ("Identify", IDENTITY + "\n")]

BEGIN = [*HELLO, ("Stop", NOT_STOPPED + "\n"), ("RR", RANGES + "\n"), ("Go,1000,0,wattlab", STARTED + "\n")]

END = [("Stop", STOPPED + "\n")]


def row(second: float, watts: float) -> str:
    return f"Time,03-03-2021 00:07:{second:06.3f},Watts,{watts:.6f},Volts,250.400000,Amps,0.036500,PF,0.438000"


def opened(daemon: ScriptedDaemon, **options: float | str) -> Meter:
    return open_meter("ptdaemon", daemon.port, capture=None, options=options)


def test_the_published_conversation_opens_a_reference_meter_with_fixed_ranges(start_daemon: StartDaemon) -> None:
    meter = opened(start_daemon([*BEGIN, *END]))
    description = meter.describe()
    assert meter.identify().serial == "C3VD30030E"
    assert (description.tier, description.ranging, description.window_s) == ("reference", "fixed", 1.0)
    assert description.columns[0].range == (-150.0, 150.0)
    assert all(column.accuracy is None for column in description.columns)
    meter.close()
    meter.close()


def test_unread_rows_come_out_in_order_a_second_apart_each_with_the_mean_uncertainty(
    start_daemon: StartDaemon,
) -> None:
    rows = "".join(row(second, watts) + "\n" for second, watts in ((17.98, 4.0), (18.98, -1.0), (19.98, 4.2)))
    script = [
        *BEGIN,
        ("RL", "Last 0 samples\n"),
        ("RL", "Last 3 samples\n" + rows),
        ("Uncertainty", UNCERTAINTY + "\n"),
    ]
    meter = opened(start_daemon([*script, *END]))
    readings = [meter.read(1.0) for _ in range(3)]
    assert [reading.power_w for reading in readings] == [4.0, None, 4.2]
    assert [reading.flags for reading in readings] == [frozenset(), {"nan"}, frozenset()]
    assert [reading.relative_uncertainty for reading in readings] == [0.006264] * 3
    assert readings[1].voltage_v == 250.4
    times = [reading.time_ns for reading in readings]
    assert [times[1] - times[0], times[2] - times[1]] == [10**9, 10**9]
    meter.close()


def test_a_missed_sample_is_no_reading_at_all(start_daemon: StartDaemon) -> None:
    missed = row(18.98, -2.0).replace("250.4", "-2.0").replace("0.0365", "-2.0").replace("0.438", "-2.0")
    rows = "\n".join([row(17.98, 4.0), missed, row(19.98, 4.2)]) + "\n"
    script = [*BEGIN, ("RL", "Last 3 samples\n" + rows), ("Uncertainty", UNCERTAINTY + "\n")]
    meter = opened(start_daemon([*script, *END]))
    first, second = meter.read(1.0), meter.read(1.0)
    assert (first.power_w, second.power_w) == (4.0, 4.2)
    assert second.time_ns - first.time_ns == 2 * 10**9
    meter.close()


def test_a_sample_outside_the_range_is_a_reading_without_power(start_daemon: StartDaemon) -> None:
    rows = "\n".join([row(17.98, 24.1), row(18.98, -27.1).replace("Amps,0.0365", "Amps,-3.1990")]) + "\n"
    script = [*BEGIN, ("RL", "Last 2 samples\n" + rows), ("Uncertainty", UNCERTAINTY + "\n")]
    meter = opened(start_daemon([*script, *END]))
    readings = [meter.read(1.0) for _ in range(2)]
    assert [(reading.power_w, sorted(reading.flags)) for reading in readings] == [(24.1, []), (None, ["overrange"])]
    meter.close()


@pytest.mark.parametrize(
    "reply",
    [
        "Unknown command",
        "Uncertainty,-1.000000,-1.000000,-1.000000,1,0,0,1",
        "Uncertainty,-1.0,10000000.000000,0.000000,1,0,0,1",  # [R] inference_results_v4.1, in automatic range
    ],
)
def test_an_uncertainty_nobody_knows_is_left_out(start_daemon: StartDaemon, reply: str) -> None:
    script = [*BEGIN, ("RL", f"Last 1 samples\n{row(17.98, 4.0)}\n"), ("Uncertainty", reply + "\n")]
    meter = opened(start_daemon([*script, *END]))
    assert meter.read(1.0).relative_uncertainty is None
    meter.close()


def test_a_daemon_without_the_word_uncertainty_is_asked_once(start_daemon: StartDaemon) -> None:
    script = [*BEGIN, ("RL", f"Last 1 samples\n{row(17.98, 4.0)}\n"), ("Uncertainty", "Unknown command\n")]
    meter = opened(start_daemon([*script, ("RL", f"Last 1 samples\n{row(18.98, 4.1)}\n"), *END]))
    assert [meter.read(1.0).power_w for _ in range(2)] == [4.0, 4.1]
    meter.close()


def test_more_rows_than_announced_are_garbage_and_the_step_is_regained(start_daemon: StartDaemon) -> None:
    twice = f"Last 1 samples\n{row(17.98, 4.0)}\n{row(17.98, 4.0)}\n"
    again = [*HELLO, ("RL", f"Last 1 samples\n{row(19.98, 4.2)}\n"), ("Uncertainty", UNCERTAINTY + "\n")]
    meter = opened(start_daemon([*BEGIN, ("RL", twice), *again, *END]))
    with pytest.raises(MeterGarbage, match="before Uncertainty was asked"):
        meter.read(1.0)
    reading = meter.read(1.0)
    assert (reading.power_w, reading.flags) == (4.2, frozenset({"resynced"}))
    meter.close()


def test_a_daemon_that_falls_silent_is_a_timeout_that_says_what_to_check(
    start_daemon: StartDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ptdaemon_dialogue, "FETCH_S", 0.2)
    monkeypatch.setattr(ptdaemon_dialogue, "ANSWER_S", 0.2)
    meter = opened(start_daemon([*BEGIN, ("RL", ""), ("Stop", "")]))
    with pytest.raises(MeterTimeout, match="no answer to RL in time; check that the daemon runs"):
        meter.read(1.0)
    meter.close()


def test_ranges_are_set_before_they_are_read_and_auto_is_said(start_daemon: StartDaemon) -> None:
    script = [*HELLO, ("Stop", NOT_STOPPED + "\n"), ("SR,V,250.700000", "Range V changed\n")]
    script += [("SR,A,Auto", "Range A changed\n"), ("RR", "Ranges,1,0.500000,0,300.000000\n")]
    script += [("Go,500,0,run-1", STARTED.replace("1000ms", "500ms") + "\n"), *END]
    meter = opened(start_daemon(script), voltage_range_v=250.7, current_range_a="auto", interval_ms=500.0, mark="run-1")
    assert (meter.describe().ranging, meter.describe().window_s) == ("auto", 0.5)
    meter.close()


def test_a_range_the_daemon_does_not_set_is_an_error_of_the_lab(start_daemon: StartDaemon) -> None:
    script = [*HELLO, ("Stop", NOT_STOPPED + "\n"), ("SR,A,0.056070", "Range A not changed\n")]
    with pytest.raises(MeterOptionError, match=r"does not set range A to 0\.056070: 'Range A not changed'"):
        opened(start_daemon(script), current_range_a=0.05607)


def test_a_measurement_of_before_is_stopped_and_its_end_waited_for(
    start_daemon: StartDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ptdaemon_dialogue, "START_WAIT_S", 0.01)
    script = [*HELLO, ("Stop", STOPPED + "\n"), ("RR", RANGES + "\n"), ("Go,1000,0,wattlab", "Error: busy\n")]
    opened(start_daemon([*script, ("Go,1000,0,wattlab", STARTED + "\n"), *END])).close()


def test_a_daemon_that_starts_nothing_has_refused(start_daemon: StartDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ptdaemon_dialogue, "START_WAIT_S", 0.01)
    go = ("Go,1000,0,wattlab", "Error: no analyser\n")
    with pytest.raises(MeterRefused, match="starts no measurement: 'Error: no analyser'"):
        opened(start_daemon([*BEGIN[:4], go, go, go, go]))


def test_an_analyser_spec_does_not_accept_is_no_reference(start_daemon: StartDaemon) -> None:
    own = "wattlab-wattsup,1000,1,1,1,1,0,0,0,version=wattlab-0.1.0,OS=Linux,mode=power,0,0,1,0,0,no_cal_date,a;b;;c"
    script = [
        HELLO[0],
        ("Identify", own + "\n"),
        BEGIN[2],
        ("RR", "Ranges,-1,-1.000000,0,300.000000\n"),
        BEGIN[4],
        *END,
    ]
    meter = opened(start_daemon(script))
    assert (meter.describe().tier, meter.describe().ranging) == ("uncalibrated", "auto")
    assert meter.identify() == Identity("a", "b", "", "c, PTDaemon wattlab-0.1.0")
    meter.close()


def test_something_else_at_the_port_is_a_mismatch(start_daemon: StartDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ptdaemon_dialogue, "QUIET_S", 0.01)
    script = [("Hello", "220 mail.example ESMTP\n")] * 3
    with pytest.raises(MeterMismatch, match=r"found '220 mail.example ESMTP', expected 'Hello, PTDaemon here!'"):
        opened(start_daemon(script))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"interval_ms": 10.0}, "option interval_ms is 10.0, expected a number from 50 to 3.6e"),
        ({"mark": "a,b"}, "option mark is 'a,b', expected letters"),
        ({"mark": ""}, "option mark is ''"),
        (
            {"current_range_a": "max"},
            "option current_range_a is 'max', expected a number from 1e-06 to 10000 or one of keep, auto",
        ),
        ({"baud": 9600.0}, "unknown option 'baud'"),
    ],
)
def test_a_wrong_option_is_named_with_what_was_expected(options: dict[str, float | str], text: str) -> None:
    with pytest.raises(MeterOptionError, match=text.replace("(", r"\(")):
        open_meter("ptdaemon", "socket://127.0.0.1:1", capture=None, options=options)


def test_no_daemon_at_the_port_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(MeterUnavailable):
        open_meter("ptdaemon", f"socket://127.0.0.1:{port}", capture=None, options={})


def test_a_hung_up_daemon_does_not_keep_the_meter_from_closing(start_daemon: StartDaemon) -> None:
    daemon = start_daemon(BEGIN)
    meter = opened(daemon)
    daemon.hang_up()
    with pytest.raises(MeterError):
        meter.read(1.0)
    meter.close()
