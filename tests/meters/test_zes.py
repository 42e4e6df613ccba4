"""The LMG codec and driver against rows of real instruments and a bare pty.

The golden rows are the output of a tool (cuveland/lmgtools, `example/lmg95.log` and `example/lmg670.log`), not wire
bytes: a host's time stamp stood in front (LMG95), blanks stand where semicolons were. Both are no-load logs: they
prove fields, NaN and cycle, not power. Rows with a load are made up and say so.
"""

from __future__ import annotations

import itertools
import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.meter import MeterError, MeterGarbage, MeterMismatch, MeterOptionError, MeterRefused, MeterTimeout
from meters.reading import Identity
from meters.registry import open_meter
from meters.zes import codec as zes_codec
from meters.zes import dialects as zes_dialects
from meters.zes import dialogue as zes_dialogue
from tests.meters.conftest import wait_until
from tests.meters.far_ends import BarePty

LMG95_COLUMNS = ("count", "sctc", "cycr", "utrms", "itrms", "udc", "idc", "ucf", "icf", "uff", "iff", "p", "pf", "freq")
LMG95_LOG = """\
1343641646.41 10267.0 434503856.0 0.500197 234.835 0.0 -0.0557327 0.0 1.38918 9.91e+37 1.11142 9.91e+37 0.0 9.91e+37 49.9803
1343641646.93 10268.0 434553545.0 0.500217 234.904 0.0 -0.0558853 0.0 1.38905 9.91e+37 1.11147 9.91e+37 0.0 9.91e+37 49.9794
1343641647.4 10269.0 434603234.0 0.500207 234.894 0.0 -0.0604019 0.0 1.38922 9.91e+37 1.11164 9.91e+37 0.0 9.91e+37 49.9792
1343641647.9 10270.0 434652923.0 0.500217 234.915 0.0 -0.0591507 0.0 1.38855 9.91e+37 1.11174 9.91e+37 0.0 9.91e+37 49.9784
"""  # noqa: E501
LMG670_COLUMNS = ("tsnorm", "durnorm", "utrms", "itrms", "udc", "idc", "ucf", "icf", "uff", "iff", "p", "pf", "fcyc")
LMG670_LOG = """\
2015:01:21D17:20:55.437817000+0000 0.500101824 2.316219E+02 0.000000E+00 4.982698E-02 0.000000E+00 1.387328E+00 9.910000E+37 1.111493E+00 9.910000E+37 0.000000E+00 9.910000E+37 4.998982E+01
2015:01:21D17:20:55.937918000+0000 0.500101824 2.316091E+02 0.000000E+00 4.967587E-02 0.000000E+00 1.387794E+00 9.910000E+37 1.111358E+00 9.910000E+37 0.000000E+00 9.910000E+37 4.998982E+01
2015:01:21D17:20:56.438020000+0000 0.500101824 2.315160E+02 0.000000E+00 6.272962E-02 0.000000E+00 1.387528E+00 9.910000E+37 1.111490E+00 9.910000E+37 0.000000E+00 9.910000E+37 4.998982E+01
2015:01:21D17:20:56.938122000+0000 0.500115008 2.315397E+02 0.000000E+00 5.761794E-02 0.000000E+00 1.386654E+00 9.910000E+37 1.111631E+00 9.910000E+37 0.000000E+00 9.910000E+37 4.998850E+01
"""  # noqa: E501


def rows_of(log: str, columns: tuple[str, ...], *, stamped: bool) -> list[dict[str, float]]:
    """The rows of a log, made lines of the wire again."""
    lines = [line.split(" ")[1 if stamped else 0 :] for line in log.splitlines()]
    return [zes_codec.decode_row(";".join(fields).encode("ascii") + b"\r", columns) for fields in lines]


LMG95_ROWS = rows_of(LMG95_LOG, LMG95_COLUMNS, stamped=True)
LMG670_ROWS = rows_of(LMG670_LOG, LMG670_COLUMNS, stamped=False)

# Made up: 50 W behind 230 V.
LOADED = b"10267;434503856;0.500197;49.9803;230.000;0.250000;50.0000;57.5000;0.869565"


def loaded(**changed: str) -> dict[str, float]:
    fields = dict(zip(zes_dialects.LMG95.names, LOADED.decode().split(";"), strict=True)) | changed
    row = zes_codec.decode_row(";".join(fields.values()).encode(), zes_dialects.LMG95.names)
    zes_codec.check_row(row, 0.5)
    return row


# --- the codec ----------------------------------------------------------------------------------------------------


def test_the_first_row_of_the_lmg95_log_decodes_to_its_values() -> None:
    zes_codec.check_row(LMG95_ROWS[0], 0.5)
    reading = zes_codec.to_reading(LMG95_ROWS[0], 7, frozenset())
    assert (reading.time_ns, reading.power_w, reading.voltage_v, reading.current_a) == (7, 0.0, 234.835, 0.0)
    assert (reading.power_factor, reading.frequency_hz, reading.window_s) == (None, 49.9803, 0.500197)
    assert (reading.energy_wh, reading.apparent_power_va, reading.flags) == (None, None, frozenset())


def test_the_first_row_of_the_lmg670_log_decodes_to_its_values() -> None:
    zes_codec.check_row(LMG670_ROWS[0], 0.5)
    reading = zes_codec.to_reading(LMG670_ROWS[0], 7, frozenset())
    assert (reading.power_w, reading.voltage_v, reading.current_a) == (0.0, 231.6219, 0.0)
    assert (reading.power_factor, reading.frequency_hz, reading.window_s) == (None, 49.98982, 0.500101824)
    assert LMG670_ROWS[0]["tsnorm"] == 1421860855.437817


def test_the_true_cycle_of_every_logged_row_holds_whole_mains_periods_and_is_not_the_nominal_one() -> None:
    for row in LMG95_ROWS + LMG670_ROWS:
        periods = zes_codec.true_cycle_s(row) * row.get("freq", row.get("fcyc", 0.0))
        assert periods == pytest.approx(25, abs=0.001)
        assert zes_codec.true_cycle_s(row) != 0.5


def test_the_logged_rows_follow_each_other_without_a_gap() -> None:
    for rows in (LMG95_ROWS, LMG670_ROWS):
        for row in rows:
            zes_codec.check_row(row, 0.5)
        flags = [zes_codec.order_flags(before, row) for before, row in itertools.pairwise(rows)]
        assert flags == [frozenset()] * 3
    assert zes_codec.order_flags(None, LMG95_ROWS[0]) == frozenset()


def test_a_row_left_out_is_noticed_and_a_row_repeated_is_stale() -> None:
    for rows in (LMG95_ROWS, LMG670_ROWS):
        assert zes_codec.order_flags(rows[0], rows[2]) == {"resynced"}
        assert zes_codec.order_flags(rows[1], rows[0]) == {"resynced"}
        assert zes_codec.order_flags(rows[1], rows[1]) == {"stale"}


def test_the_counters_may_go_back_to_0_at_their_ends() -> None:
    last = loaded(count="65535", sctc="2147483000")
    assert zes_codec.order_flags(last, loaded(count="0", sctc="49041")) == frozenset()
    assert zes_codec.order_flags(last, loaded(count="1", sctc="98730")) == {"resynced"}
    for changed in ({"count": "65536"}, {"sctc": "2147483648"}, {"count": "-1"}, {"count": "1.5"}):
        with pytest.raises(MeterGarbage, match="expected a whole number"):
            loaded(**changed)


def test_power_that_is_not_a_number_is_nan_and_infinite_values_are_overrange() -> None:
    reading = zes_codec.to_reading(loaded(p="9.91e+37", s="9.91E37", pf="9.910000E+37"), 1, frozenset({"stale"}))
    assert (reading.power_w, reading.voltage_v) == (None, 230.0)
    assert reading.flags == {"nan", "stale"}
    for name in ("p", "utrms", "itrms"):
        for sign in ("", "-"):
            row = loaded(**{name: f"{sign}9.9e+37"})
            assert zes_codec.to_reading(row, 1, frozenset()).flags == {"overrange"}
            assert zes_codec.to_reading(row, 1, frozenset()).power_w is None


def test_a_current_that_is_not_a_number_is_not_reported() -> None:
    reading = zes_codec.to_reading(loaded(itrms="9.91e37"), 1, frozenset())
    assert (reading.power_w, reading.current_a) == (50.0, None)
    assert not reading.flags


def test_power_fed_back_is_negative() -> None:
    assert zes_codec.to_reading(loaded(p="-50.0"), 1, frozenset()).power_w == -50.0


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"p": "5o.0"}, "field p: found '5o.0'"),
        ({"p": ""}, "field p: found ''"),
        ({"p": "nan"}, "field p: found 'nan'"),
        ({"p": "9.95e37"}, "field p: found '9.95e37'"),
        ({"p": "1e15"}, "field p: found '1e15'"),
        ({"p": "40.0"}, "field p: found 40, expected 50"),
        ({"p": "60.0", "pf": "9.91e37"}, "at most the apparent power"),
        ({"s": "67.5"}, "field s: found 67.5, expected 57.5"),
        ({"itrms": "0.35"}, "field s: found 57.5, expected 80.5"),
        ({"utrms": "2300"}, "field utrms: found 2300"),
        ({"pf": "1.2"}, "field pf: found 1.2"),
        ({"cycr": "0.9"}, "true cycle: found 0.9 s, expected nearly 0.5 s"),
        ({"cycr": "-0.5"}, "true cycle: found -0.5 s"),
        ({"cycr": "9.91e37"}, r"true cycle: found 9.91e\+37 s"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused(changed: dict[str, str], text: str) -> None:
    with pytest.raises(MeterGarbage, match=text):
        loaded(**changed)


@pytest.mark.parametrize(
    "stamp", ["2015:13:21D17:20:55.437817000+0000", "2015:01:21D17:20:55+0000", "0.5", "2015:01:21D17:20:55.437817000"]
)
def test_a_time_stamp_that_is_none_is_refused(stamp: str) -> None:
    with pytest.raises(MeterGarbage, match="field tsnorm"):
        zes_codec.decode_row(stamp.encode(), ("tsnorm",))


def test_a_row_with_a_field_too_many_or_too_few_is_refused() -> None:
    for line in (LOADED + b";1", LOADED.rpartition(b";")[0], b"", LOADED[:-1] + LOADED):
        with pytest.raises(MeterGarbage, match="expected 9"):
            zes_codec.decode_row(line, zes_dialects.LMG95.names)


def test_no_single_changed_digit_of_the_power_passes_by_more_than_the_rounding_of_the_row() -> None:
    for at, digit in itertools.product(range(len("50.0000")), "0123456789"):
        text = "50.0000"[:at] + digit + "50.0000"[at + 1 :]
        try:
            found = loaded(p=text)["p"]
        except MeterGarbage:
            continue
        assert abs(found - 50.0) <= 0.002 * 50.2 + 0.0005 * 57.5


@given(st.lists(st.sampled_from([LOADED, LOADED[:30], LOADED[30:], b";", b"\r\n", b"1", b"\0"]), max_size=9))
def test_torn_and_glued_rows_never_become_a_power_nobody_sent(pieces: list[bytes]) -> None:
    for line in b"".join(pieces).replace(b"\0", b"").split(b"\n"):
        try:
            row = zes_codec.decode_row(line, zes_dialects.LMG95.names)
            zes_codec.check_row(row, 0.5)
        except MeterGarbage:
            continue
        assert row["p"] == 50.0


def test_nothing_but_the_known_commands_can_be_sent() -> None:
    for command in ("*sav 1", "*rcl 1", "*rst;*sav", "syst:pass 1", "cal 1", "start", "mem:del", "", "zero", "actn;x?"):
        with pytest.raises(MeterRefused, match="does not send"):
            zes_codec.encode(command, b"\n")
    assert zes_codec.encode("actn;count?;utrms4?;iauto7 0;irng7 10", b"\r\n").endswith(b"irng7 10\r\n")


@pytest.mark.parametrize(
    "line", [b"", b"LMG95", b"a,b,c,d,e", b"1;2,3,4,5", b"ZES,,1,2", b"\xff,\xfe,3", b"Z,L,\x1b[2J,1"]
)
def test_what_is_no_identity_is_refused(line: bytes) -> None:
    with pytest.raises(MeterGarbage, match="<maker>,<model>,<serial>,<firmware>"):
        zes_codec.decode_identity(line)


# --- the dialogue with a bare pty ---------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zes_dialogue, "QUIET_S", 0.05)


IDENTITY_95 = b"ZES ZIMMER Electronic Systems GmbH, LMG95,02701001,3.140\r\n"
ACTION_95 = b"actn;count?;sctc?;cycr?;freq?;utrms?;itrms?;p?;s?;pf?\r\n"


@pytest.fixture
def lmg95(bare_pty: BarePty) -> BarePty:
    """A far end that goes through the start-up dialogue and then sends one row."""
    bare_pty.request = rb"[^\n]*\n"
    bare_pty.answers = [
        (rb"\*idn\?\r\n", IDENTITY_95),
        (rb"[^\n]*;\*opc\?\r\n", b"1\r\n"),
        (rb"syst:err:all\?\r\n", b'0,"No error"\r\n'),
        (rb"cont on\r\n", LOADED + b"\r\n"),
    ]
    return bare_pty


def test_the_start_up_dialogue_sends_these_bytes_and_no_others(lmg95: BarePty) -> None:
    meter = open_meter("lmg95", lmg95.path, capture=None, options={"current_range_a": 10, "voltage_range_v": 250})
    assert meter.describe().ranging == "fixed"
    assert meter.describe().columns[0].range == (-2500.0, 2500.0)
    lines = lmg95.heard.split(b"\r\n")
    assert lines == [
        *(b"syst:lang short", b"cont off", b"*idn?"),
        *(b"*rst;*opc?", b"syst:lang short", b"*cls;*opc?", b"cycl 0.5;*opc?"),
        *(b"iam manual;*opc?", b"irng 10;*opc?", b"uam manual;*opc?", b"urng 250;*opc?"),
        *(b"lang scpi", b"syst:err:all?", b"syst:lang short"),
        *(ACTION_95.strip(), b"cont on", b""),
    ]
    meter.close()
    meter.close()


def test_the_good_bye_stops_the_stream_and_gives_the_panel_back(lmg95: BarePty) -> None:
    meter = open_meter("lmg95", lmg95.path, capture=None, options={})
    meter.close()
    wait_until(lambda: lmg95.heard.endswith(b"gtl\r\n"), "the good-bye")
    assert lmg95.heard.endswith(b"cont on\r\ncont off\r\ngtl\r\n")


def test_settings_of_the_panel_are_kept_when_the_lab_says_so(lmg95: BarePty) -> None:
    meter = open_meter("lmg95", lmg95.path, capture=None, options={"reset": "no", "cycle_s": 0.5})
    assert b"*rst" not in lmg95.heard
    assert b"iam auto;*opc?\r\nuam auto;*opc?\r\n" in lmg95.heard
    assert meter.describe().ranging == "auto"
    meter.close()


def test_rows_are_readings_without_limits_of_error_that_nobody_confirmed(lmg95: BarePty) -> None:
    meter = open_meter("lmg95", lmg95.path, capture=None, options={})
    try:
        assert meter.identify() == Identity("ZES ZIMMER Electronic Systems GmbH", "LMG95", "02701001", "3.140")
        assert meter.origin().kind == "emulated"  # an honest identity does not make a pty an instrument
        assert [column.accuracy for column in meter.describe().columns] == [None] * 6
        assert meter.read(1.0).power_w == 50.0
        second = LOADED.replace(b"10267;434503856;0.500197", b"10268;434553545;0.480197")
        lmg95.send(second[:20])
        with pytest.raises(MeterTimeout):
            meter.read(0.1)
        lmg95.send(second[20:] + b"\r\n" + second + b"\r\n" + LOADED.replace(b"10267;4345", b"10270;4347") + b"\r\n")
        readings = [meter.read(1.0) for _row in range(3)]
        assert [reading.flags for reading in readings] == [frozenset(), {"stale"}, {"resynced"}]
        assert [reading.window_s for reading in readings] == [0.480197, 0.480197, 0.500197]
        lmg95.send(LOADED.replace(b"50.0000", b"40.0000") + b"\r\n")
        with pytest.raises(MeterGarbage, match="found 40, expected 50"):
            meter.read(0.1)
    finally:
        meter.close()


@pytest.mark.parametrize(
    ("pattern", "reply", "error", "text"),
    [
        (rb"\*idn\?\r\n", b"", MeterTimeout, r"no answer to \*idn\?"),
        (rb"\*idn\?\r\n", b"HAMEG HM8115-2\r\n", MeterMismatch, "what answers is no LMG"),
        (rb"\*idn\?\r\n", IDENTITY_95.replace(b"95", b"670"), MeterMismatch, "expected a model lmg95"),
        (rb"cycl[^\n]*\n", b"0\r\n", MeterMismatch, r"cycl 0\.05;\*opc\?: found b'0"),
        (rb"syst:err:all\?\r\n", b'-222,"Data out of range"\r\n', MeterRefused, "refused a setting: found '-222"),
        (rb"cont on\r\n", b"", MeterTimeout, "pushes no row"),
        (rb"cont on\r\n", b"1;2;3\r\n", MeterMismatch, "may not know all of count sctc"),
    ],
)
def test_what_is_no_lmg95_is_refused_at_the_start_with_the_reason(
    lmg95: BarePty,
    monkeypatch: pytest.MonkeyPatch,
    pattern: bytes,
    reply: bytes,
    error: type[MeterError],
    text: str,
) -> None:
    for name in ("REPLY_WAIT_S", "FIRST_ROW_WAIT_S"):
        monkeypatch.setattr(zes_dialogue, name, 0.05)
    lmg95.answers = [answer for answer in lmg95.answers if answer[0] != pattern]
    lmg95.answers.insert(0, (pattern, reply))
    with pytest.raises(error, match=text) as caught:
        open_meter("lmg95", lmg95.path, capture=None, options={"cycle_s": 0.05})
    assert lmg95.path in str(caught.value)


def test_where_nothing_sensible_answers_the_line_is_broken_and_the_question_asked_again(
    lmg95: BarePty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zes_dialogue, "REPLY_WAIT_S", 0.1)
    answer = lmg95.answers.pop(0)

    def wake() -> None:
        wait_until(lambda: b"\0" in lmg95.heard, "a break")
        lmg95.answers.append(answer)

    monkeypatch.setattr(zes_dialogue, "QUIET_S", 0.2)  # time to wake up
    waker = threading.Thread(target=wake)
    waker.start()
    meter = open_meter("lmg95", lmg95.path, capture=None, options={})
    waker.join()
    assert b"*idn?\r\n\0syst:lang short\r\n" in lmg95.heard
    meter.close()


def two_ports() -> tuple[socket.socket, socket.socket]:
    """Listening sockets at two ports that follow each other."""
    for _attempt in range(20):
        first = socket.create_server(("127.0.0.1", 0))
        try:
            return first, socket.create_server(("127.0.0.1", first.getsockname()[1] + 1))
        except OSError:
            first.close()
    raise AssertionError("no two free ports follow each other")


@pytest.mark.parametrize("name", ["lmg95", "lmg670"])
def test_a_break_through_tcp_is_telnets_or_goes_to_the_second_port(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(zes_dialogue, "REPLY_WAIT_S", 0.1)
    monkeypatch.setattr(zes_dialogue, "REPLY_ATTEMPTS", 2)
    first, second = two_ports()
    with first, second:
        with pytest.raises(MeterTimeout, match="no answer"):
            open_meter(name, f"socket://127.0.0.1:{first.getsockname()[1]}", capture=None, options={})
        client, _address = first.accept()
        with client:
            assert (b"\xff\xf3" in client.recv(4096)) == (name == "lmg95")
        second.settimeout(0.1)
        if name == "lmg95":
            with pytest.raises(TimeoutError):
                second.accept()
        else:
            beside, _address = second.accept()
            with beside:
                assert beside.recv(64) == b"break\n"


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("lmg95", {"channel": 1}, "unknown option 'channel'"),
        ("lmg450", {"channel": 5}, "option channel is 5"),
        ("lmg670", {"channel": 1.5}, "option channel is 1.5, expected a whole number"),
        ("lmg670", {"baud": 9600}, "unknown option 'baud'"),
        ("lmg95", {"reset": "maybe"}, "expected one of yes, no"),
        ("lmg95", {"cycle_s": 0.01}, "option cycle_s is 0.01"),
    ],
)
def test_an_option_the_driver_does_not_have_is_refused(name: str, options: dict[str, object], text: str) -> None:
    with pytest.raises(MeterOptionError, match=text):
        open_meter(name, "/dev/null", capture=None, options=options)


def test_each_dialect_names_its_channel_in_its_own_way() -> None:
    assert zes_dialects.LMG450.items(1)[4:] == ("utrms", "itrms", "p", "s", "pf")
    assert zes_dialects.LMG450.items(3)[4:] == ("utrms3", "itrms3", "p3", "s3", "pf3")
    assert zes_dialects.LMG670.items(1)[:3] == ("tsnorm1", "durnorm1", "fcyc1")
