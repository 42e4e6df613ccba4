"""The PTDaemon driver against published lines and against a scripted daemon; what needs a real one is not here."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from meters.ptdaemon.codec import (
    ALLOWED,
    Range,
    Row,
    Statistic,
    decode_identity,
    decode_ranges,
    decode_row,
    decode_statistic,
    decode_text,
    decode_unread,
    encode,
    outside_range,
    to_reading,
)
from meters.reading import Identity
from meters.registry import open_meter

# [R] mlcommons/inference_results_v1.0, closed/Krai/results/rpi4coral-fan.on-tflite-v2.4.1-ruy/resnet50/offline/
# performance: power/server.json, ranging/spl.txt, power/ptd_logs.txt; the uncertainty of mlcommons/power-dev PR #273.
IDENTITY = (
    "YokogawaWT330E,1000,1,1,1,1,0,0,1,version=1.9.2-e8c7a49a-20201208,OS=Linux 5.8.0-43-generic #49~20.04.1-Ubuntu "
    "SMP Fri Feb 5 09:57:56 UTC 2021 x86_64,mode=power,1,1,1,0,0,no_cal_date,YOKOGAWA;WT333E;C3VD30030E;F1.04"
)
RANGES = "Ranges,0,0.500000,0,300.000000"
STARTED = "Starting untimed measurement, maximum 500000 samples at 1000ms with 0 rampup samples"
STOPPED = "Stopping untimed measurement"
NOT_STOPPED = "Error: no measurement to stop"
LOGGED = (
    "Time,03-03-2021 00:07:17.980,Watts,4.000000,Volts,250.420000,Amps,0.036470,PF,0.438000,"
    "Mark,2021-03-03_00-06-49_ranging"
)
WATTS = "Watts,23.492803,8.410000,24.560000,692,0,692"
UNCERTAINTY = "Uncertainty,0.006264,0.006105,0.009201,692,0,692,0"
# [R] a temperature daemon, in the notes of a SPECpower user: the mark is `notset`, a missed sample is -2 throughout.
SENSOR = (
    "PCsensor USB9097+DS18B20,5000,1,0,0,0,0,0,1,version=1.9.1-a2d19f26-20190717,OS=Windows 8 / Server 2012,"
    "mode=temperature,0,0,1,0,0,no_cal_date,na"
)


# --- published lines ------------------------------------------------------------------------------------------------


def test_the_published_identity_names_the_analyser_and_that_spec_accepts_it() -> None:
    daemon = decode_identity(IDENTITY)
    assert daemon.identity == Identity("YOKOGAWA", "WT333E", "C3VD30030E", "F1.04, PTDaemon 1.9.2-e8c7a49a-20201208")
    assert daemon.accepted


def test_the_published_ranges_are_fixed_at_half_an_ampere_and_300_volts() -> None:
    assert decode_ranges(RANGES) == (Range(False, 0.5), Range(False, 300.0))


def test_ranges_the_daemon_does_not_know_are_none() -> None:
    assert decode_ranges("Ranges,1,-1.000000,-1,-1.0") == (Range(True, None), Range(None, None))


def test_the_published_row_is_4_watts_and_its_power_factor_fits() -> None:
    row = decode_row(LOGGED)
    assert row == Row(
        datetime(2021, 3, 3, 0, 7, 17, 980000), 4.0, 250.42, 0.03647, 0.438, False, "2021-03-03_00-06-49_ranging"
    )
    assert row.watts == pytest.approx(250.42 * 0.03647 * 0.438, abs=0.005)


def test_the_published_statistics_add_up() -> None:
    assert decode_statistic(WATTS, "Watts") == Statistic(23.492803, 8.41, 24.56, 692, 0, 692, 0)
    assert decode_statistic(UNCERTAINTY, "Uncertainty") == Statistic(0.006264, 0.006105, 0.009201, 692, 0, 692, 0)


def test_a_daemon_of_a_temperature_sensor_is_no_power_meter() -> None:
    with pytest.raises(MeterGarbage, match="mode=temperature"):
        decode_identity(SENSOR)


def test_an_identity_of_twelve_fields_has_the_name_alone() -> None:
    """The form SPECjvm2008 expects (spec.harness.analyzer.PowerMeter); values made up."""
    daemon = decode_identity("WT210,1000,1,1,1,1,0,0,0,version=1.4.2,OS=Windows,mode=power")
    assert (daemon.identity, daemon.accepted) == (Identity("", "WT210", "", "PTDaemon 1.4.2"), False)


# --- codec ----------------------------------------------------------------------------------------------------------


def test_minus_one_is_an_error_and_minus_two_a_missed_sample() -> None:
    start = "Time,03-03-2021 00:07:17.980,"
    error = decode_row(start + "Watts,-1.000000,Volts,230.100000,Amps,-1.000000,PF,-1.000000")
    assert (error.watts, error.volts, error.amps, error.factor, error.missed) == (None, 230.1, None, None, False)
    missed = decode_row(start + "Watts,-2.000000,Volts,-2.000000,Amps,-2.000000,PF,-2.000000")
    assert (missed.watts, missed.missed) == (None, True)
    assert decode_row(start + "Watts,-1.500000,Volts,230.1,Amps,0.1,PF,-0.5").watts == -1.5  # fed back, a number


# [R] values outside their range: mlcommons/power-dev issues 253 and 329, inference_results_v3.0 (open/Qualcomm,
# g292_z43_q18e, bert_pruned, ranging) and v1.1 (closed/NVIDIA, AGX_Xavier, resnet50, SingleStream, ranging).
MARKED = {
    "27.1, below the least current of its range": ((-27.1, 251.85, -3.199, 0.4814), 24.1),
    "a second analyser, merged as 11.112 W by MLPerf": ((-11.112, 243.47, -3.0815, 0.4089), 8.112),
    "1120 W at 5.5 A in the 5 A range": ((-1123.4, 204.08, -8.5003, 0.9982), 1120.4),
    "8 W": ((-11.2, 120.72, -3.168, 0.4024), 8.2),
}


@pytest.mark.parametrize(("values", "power_w"), MARKED.values(), ids=MARKED)
def test_a_published_value_outside_its_range_is_marked_and_its_values_fit_each_other(
    values: tuple[float, float, float, float], power_w: float
) -> None:
    watts, volts, amps, factor = values
    assert outside_range(*values) == (True, False, True)
    assert -watts - 3 == pytest.approx(power_w)
    assert volts * (-amps - 3) * factor == pytest.approx(power_w, rel=0.01)


def test_a_value_outside_its_range_is_no_number_and_says_so() -> None:
    line = "Time,08-01-2021 22:21:25.318,Watts,-27.100000,Volts,251.850000,Amps,-3.199000,PF,0.481400,Mark,x_ranging"
    row = decode_row(line)
    assert (row.watts, row.volts, row.amps, row.outside, row.missed) == (None, 251.85, None, True, False)
    reading = to_reading(row, 0, 1.0, None, resynced=False)
    assert reading.power_w is None
    assert reading.flags == {"overrange"}


@pytest.mark.parametrize(
    ("values", "marked"),
    [
        ((-27.1, 230.0, 0.12, -0.98), (False, False, False)),  # fed back: 230 V x .12 A x .98 = 27.05 W
        ((-27.1, 230.0, 0.107, -0.98), (True, False, False)),  # 24.1 W by the rest
        ((-27.1, -1.0, -1.0, -1.0), (True, False, False)),  # nothing says that it is a value
        ((-27.1, 230.0, 0.0, 0.0), (True, False, False)),
        ((-2.5, 230.0, 0.011, -0.98), (False, False, False)),  # no mark is above -3
        ((-3.0, 230.0, -3.0, 0.0), (True, False, True)),  # no power, no current, both below their ranges
        ((-4.0, -234.0, 0.1, 0.9), (True, True, False)),
        ((24.1, 230.0, -3.1, 0.9), (False, False, True)),
        ((-1.0, 230.0, -1.0, -1.0), (False, False, False)),  # an error
        ((-2.0, -2.0, -2.0, -2.0), (False, False, False)),  # a missed sample
    ],
)
def test_a_negative_value_is_one_where_the_rest_of_the_sample_says_so(
    values: tuple[float, float, float, float], marked: tuple[bool, bool, bool]
) -> None:
    assert outside_range(*values) == marked


@given(
    volts=st.floats(min_value=10.0, max_value=600.0),
    amps=st.floats(min_value=0.001, max_value=40.0),
    factor=st.floats(min_value=0.05, max_value=1.0),
)
def test_a_marked_sample_is_never_taken_for_a_value_nor_a_value_for_a_mark(
    volts: float, amps: float, factor: float
) -> None:
    watts = volts * amps * factor
    assert outside_range(-watts - 3, volts, -amps - 3, factor) == (True, False, True)
    assert outside_range(-watts - 3, volts, amps, factor) == (True, False, False)
    assert outside_range(-watts, volts, amps, -factor) == (False, False, False)
    assert outside_range(watts, volts, amps, factor) == (False, False, False)


def test_a_row_of_several_channels_is_their_sum() -> None:
    """[R] inference_results_v4.1, closed/NVIDIA, H200-SXM-141GBx8, 3d-unet-99: a reply to `RL,*,*`, of two channels."""
    line = (
        "Time,07-12-2024 07:05:15.373,Watts,1568.400000,Volts,239.060000,Amps,3.402000,PF,0.964250,"
        "Watts,803.600000,Volts,239.340000,Amps,3.477000,PF,0.965700,Watts,764.800000,Volts,238.780000,Amps,3.327000,"
        "PF,0.962800"
    )
    assert decode_row(line).watts == 1568.4
    assert decode_unread("Last 796 samples from sum channel and channels 1 - 3") == 796


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Time",
        LOGGED.replace("Watts,4.000000", "Watts,nan"),
        LOGGED.replace("Watts,4.000000", "Watts,9.91E37"),
        LOGGED.replace("Watts,4.000000", "Watts,"),
        LOGGED.replace("03-03-2021", "13-03-2021"),
        LOGGED.replace("03-03-2021", "99-99-9999"),
        LOGGED.replace("Amps,", "Apms,"),
        LOGGED + ",Ch1,Watts,4.0",
        LOGGED[:60],
        LOGGED[60:],
        LOGGED + LOGGED,
    ],
)
def test_what_is_no_row_is_garbage(line: str) -> None:
    with pytest.raises(MeterGarbage):
        decode_row(line)


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("Last 692 samples", 692),
        ("Last 1 sample", 1),
        ("Last 0 samples", 0),
        ("No data", 0),
        ("Insufficient unread samples, 0 available", 0),
    ],
)
def test_every_form_of_nothing_unread_is_nothing(line: str, count: int) -> None:
    assert decode_unread(line) == count


@pytest.mark.parametrize("line", ["Last samples", "Last -1 samples", "Last 999999 samples", "Unknown command", LOGGED])
def test_what_is_no_header_is_garbage(line: str) -> None:
    with pytest.raises(MeterGarbage, match="Last <n> samples"):
        decode_unread(line)


@pytest.mark.parametrize(
    "line",
    [
        UNCERTAINTY.replace("692,0,692", "692,1,692"),
        UNCERTAINTY.replace("0.006264", "0.016264"),
        WATTS,
        "Uncertainty,nan,nan,nan,1,0,1,0",
    ],
)
def test_a_statistic_that_does_not_add_up_is_garbage(line: str) -> None:
    with pytest.raises(MeterGarbage):
        decode_statistic(line, "Uncertainty")


@given(st.binary(max_size=200))
def test_any_line_is_decoded_or_is_garbage(body: bytes) -> None:
    decoders: list[Callable[[str], object]] = [
        decode_identity,
        decode_ranges,
        decode_row,
        decode_unread,
        lambda line: decode_statistic(line, "Watts"),
        lambda line: decode_statistic(line, "Uncertainty"),
    ]
    for decode in decoders:
        try:
            decode(decode_text(body))
        except MeterGarbage:
            continue


@given(
    at=st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1)),
    values=st.lists(st.floats(min_value=0.0, max_value=1e6), min_size=4, max_size=4),
)
def test_a_row_says_what_was_written_into_it(at: datetime, values: list[float]) -> None:
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    stamp = at.strftime("%m-%d-%Y %H:%M:%S.") + f"{at.microsecond // 1000:03d}"
    row = decode_row(
        f"Time,{stamp},Watts,{values[0]:.6f},Volts,{values[1]:.6f},Amps,{values[2]:.6f},PF,{values[3]:.6f}"
    )
    assert (row.at, row.missed) == (at, False)
    assert [row.watts, row.volts, row.amps, row.factor] == pytest.approx(values, abs=1e-6)


def test_only_words_that_read_or_measure_can_be_sent() -> None:
    assert {"Hello", "Identify", "RR", "SR", "Go", "RL", "Watts", "Uncertainty", "Stop"} == ALLOWED
    assert encode("Go", "1000", "0", "x_testing") == b"Go,1000,0,x_testing\r\n"
    assert encode("SR", "V", "250.700000") == b"SR,V,250.700000\r\n"
    for command in ("Quit", "Timed", "Hello\r\nStop", ""):
        with pytest.raises(MeterRefused):
            encode(command)
    with pytest.raises(MeterRefused, match="end or split"):
        encode("Go", "1000", "0", "x\r\nStop")


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
