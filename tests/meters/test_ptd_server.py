"""Our meters behind the protocol of PTDaemon: every command, one client at a time, ranges, a meter that goes away.

The clients are ours. They send what published clients send, in their order, and take replies apart the way those do:
MLPerf's power server (mlcommons/power-dev, ptd_client_server/lib/server.py), SPECjvm2008
(spec.harness.analyzer.PowerMeter).
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

import pytest

from meters.meter import MeterError, MeterGarbage, MeterUnavailable, MeterUnplugged
from meters.ptd_server.server import PtdServer
from meters.ptdaemon.codec import decode_row, decode_statistic
from meters.reading import Accuracy, Identity, RangeChoice, Reading
from tests.meters.conftest import wait_until
from tests.meters.ptd_bench import STARTED, Client, FakeMeter

# --- the server -----------------------------------------------------------------------------------------------------


def served(
    meter: FakeMeter,
    *,
    say: Callable[[str], None],
    log_row: Callable[[str], None],
    show_row: Callable[[str], None],
    open_anew: Callable[[Mapping[str, object]], FakeMeter] | None = None,
    options: Mapping[str, object] | None = None,
) -> PtdServer:
    return PtdServer(
        meter,
        version="test-0",
        host="127.0.0.1",
        port=0,
        say=say,
        log_row=log_row,
        show_row=show_row,
        open_anew=open_anew or (lambda _options: meter),
        options=options or {},
        idle_s=0.3,
    )


class Running:
    """A server in a thread of its own, with what it said and logged."""

    def __init__(
        self,
        meter: FakeMeter,
        open_anew: Callable[[Mapping[str, object]], FakeMeter] | None = None,
        options: Mapping[str, object] | None = None,
    ) -> None:
        self.meter = meter
        self.said: list[str] = []
        self.rows: list[str] = []
        self.shown: list[str] = []
        self.server = served(
            meter,
            say=self.said.append,
            log_row=self.rows.append,
            show_row=self.shown.append,
            open_anew=open_anew or (lambda _options: meter),
            options=options or {},
        )
        self.thread = threading.Thread(target=self.server.serve)
        self.thread.start()

    def heard(self, text: str) -> bool:
        return any(text in line for line in self.said)

    def stop(self) -> None:
        self.server.stop()
        self.thread.join()


@pytest.fixture
def running() -> Iterator[Running]:
    server = Running(FakeMeter())
    yield server
    server.stop()


@pytest.fixture
def client(running: Running) -> Iterator[Client]:
    with Client(running.server.port) as connected:
        yield connected


def measure(running: Running, count: int, ahead: int = 20) -> None:
    """Let the meter show 50 W for `count` samples of 50 ms and `ahead` more.

    The readings carry their times and are put in at once: how busy the machine is does not matter.
    """
    wanted = len(running.rows) + count
    begin_ns = time.monotonic_ns()
    for place in range(5 * (count + ahead) + 5):
        running.meter.show(50.0, begin_ns + place * 10_000_000)
    wait_until(lambda: len(running.rows) >= wanted, f"{wanted} rows")
    if not ahead:
        wait_until(lambda: time.monotonic_ns() > begin_ns + (5 * count + 15) * 10_000_000, "the end of the readings")


def test_every_word_is_answered_as_published_but_for_who_we_are_and_what_we_cannot(client: Client) -> None:
    assert client.ask("Hello") == "Hello, PTDaemon here!"
    assert client.ask("Identify").startswith("wattlab-fake,")
    assert client.ask("RR") == "Ranges,0,20.000000,0,300.000000"
    assert client.ask("SR,V,Auto") == "Range V not changed: wattlab-fake has no such range to set"
    assert client.ask("SR,A,0.056070") == "Range A not changed: wattlab-fake has no such range to set"
    assert client.ask("Go,1000,0,x_ranging") == STARTED.format(1000, 0)
    assert client.ask("Go,1000,0,x_ranging") == "Error: a measurement is running"
    assert client.ask("Stop") == "Stopping untimed measurement"
    assert client.ask("Stop") == "Error: no measurement to stop"
    assert client.ask("Go,0,3") == STARTED.format(1000, 3)
    assert client.ask("RL") == "Last 0 samples"
    assert client.ask("RL,1") == "Insufficient unread samples"
    assert client.ask("RL,*,*") == "Invalid number of parameters"
    assert client.ask("Watts") == "No data"
    assert client.ask("Uncertainty") == "No data"
    assert client.ask("Mark,half") == "Mark set to half"
    assert client.ask("DC-RL") == "Unknown command"


NONSENSE = (
    *("", "hello", "Go", "Go,,", "Go,10,0", "Go,-1,0", "Go,1e3,0", "Go,1000,0,a,b", "Go,1000,x"),
    *("SR", "SR,P,1", "SR,A,-1", "SR,A,nan", "SR,V,inf", "RL,-1", "RL,1,1,1", "Timed,0,1000,0", "Timed,5"),
    *("Mark", "Mark,", "RR,1", "\xff\xfe"),
)


def test_nonsense_is_refused_in_words_and_starts_nothing(client: Client) -> None:
    refusals = ("Error: ", "Invalid number of parameters", "Unknown command")
    replies = {command: client.ask(command) for command in NONSENSE}
    assert [command for command, reply in replies.items() if not reply.startswith(refusals)] == []
    assert client.ask("Stop") == "Error: no measurement to stop"


def test_rows_statistics_and_log_are_one_and_the_same(running: Running, client: Client) -> None:
    client.ask("Go,50,0,x_testing")
    measure(running, 4)
    client.ask("Stop")
    rows = client.rows()
    assert running.rows == [f"{row},Mark,x_testing" for row in rows]
    assert [decode_row(row).watts for row in rows] == [50.0] * len(rows)
    watts = decode_statistic(client.ask("Watts"), "Watts")
    assert (watts.mean, watts.total, watts.valid) == (50.0, len(rows), len(rows))
    assert client.ask("Volts") == f"Volts,230.000000,230.000000,230.000000,{len(rows)},0,{len(rows)}"
    assert client.ask("PF").startswith("PF,0.434783,")
    # 1.5 % of 50 W and 3 counts of 0.1 W.
    assert decode_statistic(client.ask("Uncertainty"), "Uncertainty").mean == 0.021
    assert running.heard("WARNING: Uncertainty 2.10% above 1.00% limit for the last measurement sample!")
    assert running.heard(": Go with mark 'x_testing'")
    assert running.heard(": Completed test")
    assert running.heard(
        f": Avg watts 50.000000, min watts 50.000000, max watts 50.000000, samples {len(rows)}, errors 0"
    )


def test_the_rows_of_a_reply_stand_in_the_window_as_the_daemon_shows_them(running: Running, client: Client) -> None:
    """[R] inference_results_v4.1, closed/UntetherAI: the head with its time, the rows without mark."""
    client.ask("Go,50,0,x_testing")
    measure(running, 3)
    client.ask("Stop")
    rows = client.rows()
    wait_until(lambda: running.heard(f"Response to client sent: Last {len(rows)} samples"), "the head")
    wait_until(lambda: running.shown == rows, "the rows")


AMPS = RangeChoice("current_range_a", "current_a", "auto", (0.5, 1.0, 5.0, 20.0))

VOLTS = RangeChoice("voltage_range_v", "voltage_v", "auto", (150.0, 300.0))


class Bench:
    """A meter with two ranges to choose; what it was opened with, and what it does when it is opened again."""

    def __init__(self) -> None:
        self.opened: list[dict[str, object]] = []
        self.meters: list[FakeMeter] = []
        self.refusal: MeterError | None = None
        self.identity: Identity | None = None
        self.options: dict[str, object] = {"current_range_a": "auto", "voltage_range_v": "auto"}

    def open(self, options: Mapping[str, object]) -> FakeMeter:
        if self.refusal is not None:
            raise self.refusal
        amps, volts = (options[choice.option] for choice in (AMPS, VOLTS))
        fixed = isinstance(amps, float) and isinstance(volts, float)
        meter = FakeMeter(ranging="fixed" if fixed else "auto", identity=self.identity, choices=(AMPS, VOLTS))
        tops = {"current_a": amps if isinstance(amps, float) else 20.0}
        tops["voltage_v"] = volts if isinstance(volts, float) else 300.0
        tops["power_w"] = tops["current_a"] * tops["voltage_v"]
        limits = Accuracy(0.1, 0.1, 0.0, "manual")
        columns = tuple(
            replace(column, range=(0.0, tops[column.name]), accuracy=limits if column.name == "power_w" else None)
            for column in meter.describe().columns
        )
        meter._description = replace(meter.describe(), columns=columns)
        self.opened.append(dict(options))
        self.meters.append(meter)
        return meter


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def ranged(bench: Bench) -> Iterator[Running]:
    server = Running(bench.open(bench.options), bench.open, bench.options)
    yield server
    server.stop()


def test_sr_opens_the_meter_on_the_smallest_range_that_holds_the_value(bench: Bench, ranged: Running) -> None:
    with Client(ranged.server.port) as client:
        assert client.ask("RR") == "Ranges,1,-1.000000,1,-1.000000"
        assert client.ask("SR,V,Auto") == "Range V changed"
        assert len(bench.opened) == 1  # it was so
        assert client.ask("SR,V,230.400000") == "Range V changed"
        assert client.ask("RR") == "Ranges,1,-1.000000,0,300.000000"
        assert client.ask("SR,A,1.0000000001") == "Range A changed"
        assert client.ask("RR") == "Ranges,0,1.000000,0,300.000000"
        assert client.ask("SR,A,Auto") == "Range A changed"
    assert [options["current_range_a"] for options in bench.opened] == ["auto", "auto", 1.0, "auto"]
    assert [options["voltage_range_v"] for options in bench.opened] == ["auto", 300.0, 300.0, 300.0]
    assert [meter.closed for meter in bench.meters] == [True, True, True, False]
    assert ranged.server.meter is bench.meters[-1]
    said = [line.partition(": ")[2] for line in ranged.said]
    assert [line for line in said if "range set to" in line] == [
        "Volt range set to Auto", "Volt range set to 300.000000V", "Amp range set to 1.000000A",
        "Ampere range set to Auto",
    ]  # fmt: skip


def test_the_stated_uncertainty_is_that_of_the_range(bench: Bench, ranged: Running) -> None:
    with Client(ranged.server.port) as client:
        stated = []
        for amps in ("Auto", "0.9"):
            client.ask("SR,V,230")
            client.ask(f"SR,A,{amps}")
            client.ask("Go,50,0,x")
            ranged.meter = bench.meters[-1]
            measure(ranged, 2)
            client.ask("Stop")
            stated.append(decode_statistic(client.ask("Uncertainty"), "Uncertainty").mean)
    # .1 % of 50 W and .1 % of 300 V times 20 A, then 1 A
    assert stated == pytest.approx([0.001 + 6.0 / 50, 0.001 + 0.3 / 50])


def test_a_range_that_cannot_be_set_is_an_error_and_the_meter_stays_as_it_was(bench: Bench, ranged: Running) -> None:
    with Client(ranged.server.port) as client:
        assert client.ask("SR,A,21") == ("Error: range A not changed: 21 is above the largest of wattlab-fake, 20")
        client.ask("Go,50,0,x")
        assert client.ask("SR,A,1") == "Error: range A not changed: a measurement is running"
        client.ask("Stop")
        bench.refusal = MeterUnavailable("fake: in use")
        assert client.ask("SR,A,1") == "Error: range A not changed: fake: in use"
        wait_until(lambda: ranged.heard("The meter is back"), "the meter")
        assert client.ask("RR") == "Ranges,1,-1.000000,1,-1.000000"
        bench.refusal, bench.identity = None, Identity("Acme", "Other", "7", "1.0")
        assert "expected Identity" in client.ask("SR,A,1")
        assert ranged.server.meter is bench.meters[0]


def test_a_silent_client_gives_way_to_one_that_waits_and_only_then(running: Running) -> None:
    with Client(running.server.port) as silent:
        assert silent.ask("Hello") == "Hello, PTDaemon here!"
        time.sleep(0.6)
        assert silent.ask("Hello") == "Hello, PTDaemon here!"  # nobody waits
        with Client(running.server.port) as other:
            assert other.ask("Hello") == "Hello, PTDaemon here!"
        assert silent._file.readline() == b""
    assert running.heard("WARNING: no command for 0.3 s while another client waits")


def test_a_client_that_never_ends_a_command_gives_way_too(running: Running) -> None:
    address = ("127.0.0.1", running.server.port)
    with socket.create_connection(address, timeout=30) as dripping, Client(running.server.port) as other:
        with suppress(OSError):  # it is hung up on meanwhile
            for _ in range(8):
                dripping.sendall(b"H")
                time.sleep(0.1)
        assert other.ask("Hello") == "Hello, PTDaemon here!"


def test_a_client_whose_measurement_runs_may_be_silent(running: Running) -> None:
    with Client(running.server.port) as measuring:
        measuring.ask("Go,1000,0,x")
        with Client(running.server.port) as other:
            other._socket.settimeout(0.8)
            with pytest.raises(TimeoutError):
                other.ask("Hello")
        assert measuring.ask("Stop") == "Stopping untimed measurement"


def test_a_client_of_specjvm2008_gets_seven_tokens(running: Running) -> None:
    """Commands and their order as in spec.harness.analyzer.PowerMeter, which ends lines with LF."""
    with Client(running.server.port, end=b"\n") as client:
        assert len(client.ask("Identify").split(",")) == 19
        assert client.ask("Timed,3,50,1") == "Starting timed measurement, 3 samples at 50ms with 1 rampup samples"
        measure(running, 3)
        wait_until(lambda: running.heard("Completed test"), "the end of a timed measurement")
        assert client.ask("Stop") == "Error: no measurement to stop"
        for word in ("Watts", "Volts", "Amps", "PF"):
            assert len(client.ask(word).split(",")) == 7
        assert client.ask("Watts").endswith(",3,0,3")


def test_a_meter_that_speaks_nonsense_or_goes_away_leaves_errors_and_gaps_and_comes_back(
    running: Running, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("meters.ptd_server.sampler.REOPEN_S", 0.05)
    client.ask("Go,50,0,x")
    measure(running, 2, ahead=0)
    running.meter.queue.put(MeterGarbage("fake: found noise"))
    wait_until(lambda: any("Watts,-1.000000" in row for row in running.rows), "an error")
    running.meter.away = True
    running.meter.queue.put(MeterUnplugged("fake: went away"))
    wait_until(lambda: any("Watts,-2.000000" in row for row in running.rows), "a missed sample")
    running.meter.away = False
    wait_until(lambda: running.heard("The meter is back"), "the meter")
    measure(running, 2, ahead=0)
    client.ask("Stop")
    assert running.meter.reopened == 1
    assert running.heard("ERROR: fake: went away")
    assert running.heard("WARNING: Missed 1 samples")
    watts = decode_statistic(client.ask("Watts"), "Watts")
    assert (watts.mean, watts.low, watts.high) == (50.0, 50.0, 50.0)
    assert watts.errors >= 2


def test_a_client_that_hangs_up_ends_its_measurement_and_the_next_one_is_served(running: Running) -> None:
    with Client(running.server.port) as first:
        first.ask("Go,1000,0,x")
    wait_until(lambda: running.heard("Connection is down."), "the end of the connection")
    with Client(running.server.port) as second:
        assert second.ask("Hello") == "Hello, PTDaemon here!"
        assert second.ask("Stop") == "Error: no measurement to stop"


def test_a_command_without_end_is_hung_up_on(running: Running) -> None:
    with socket.create_connection(("127.0.0.1", running.server.port), timeout=30) as noise:
        noise.sendall(b"A" * 3000)
        assert noise.recv(100) == b""
    assert running.heard("a command of more than 1024 bytes")


def test_a_bug_while_reading_ends_the_server_instead_of_serving_nothing() -> None:
    class Broken(FakeMeter):
        def read(self, timeout_s: float) -> Reading:
            raise ZeroDivisionError

    server = served(Broken(), say=lambda _: None, log_row=lambda _: None, show_row=lambda _: None)
    with pytest.raises(ZeroDivisionError):
        server.serve()
