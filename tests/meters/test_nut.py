"""The codec of upsd against answers of upsd 2.8.0 (Debian), and the dialogue against literal lines."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from meters.access import Access, Credentials
from meters.meter import MeterGarbage, MeterMismatch, MeterOptionError, MeterRefused, MeterUnavailable
from meters.nut import codec
from meters.origin import attest
from meters.reading import Identity
from meters.registry import open_meter
from tests.meters.conftest import StartEmulator, wait_until
from tests.meters.kept import said

# What upsd 2.8.0 says of a dummy-ups, as it came.
LINES = r"""VAR dummy device.mfr "APC"
VAR dummy device.model "Smart-UPS 1500"
VAR dummy driver.parameter.pollinterval "2"
VAR dummy output.frequency "50.0"
VAR dummy output.voltage "230.1"
VAR dummy ups.firmware "600.3.I"
VAR dummy ups.load "13"
VAR dummy ups.mfr "APC"
VAR dummy ups.model "Smart-UPS 1500"
VAR dummy ups.power "130"
VAR dummy ups.realpower "123"
VAR dummy ups.realpower.nominal "980"
VAR dummy ups.serial "AS0123456789"
VAR dummy ups.status "OL"
""".splitlines()


def variables(*changes: tuple[str, str | None]) -> dict[str, str]:
    """Those variables with some changed, or left out."""
    found = codec.decode_variables(LINES, "dummy") | {name: value or "" for name, value in changes}
    return {name: value for name, value in found.items() if (name, None) not in changes}


def test_what_upsd_says_is_a_reading_of_what_the_ups_measured() -> None:
    reading = codec.to_reading(variables(), 7, 3680.0, stale=False, estimated=False)
    assert (reading.power_w, reading.voltage_v, reading.frequency_hz, reading.apparent_power_va) == (
        123.0, 230.1, 50.0, 130.0,
    )  # fmt: skip
    assert (reading.time_ns, reading.current_a, reading.flags) == (7, None, frozenset())
    who = codec.decode_identity(variables(), estimated=False)
    assert who == Identity("APC", "Smart-UPS 1500", "AS0123456789", "600.3.I")
    assert not who.estimated


def test_load_times_nominal_power_is_another_number_and_says_that_it_is_an_estimate() -> None:
    power = codec.decode_power(variables(("ups.realpower", None)), estimated=True)
    assert power is not None
    assert power.value == 127.4
    assert power.step == pytest.approx(9.8)
    assert codec.decode_power(variables(("ups.realpower", None)), estimated=False) is None
    assert codec.decode_power(variables(("ups.realpower.nominal", None)), estimated=True) is None
    assert codec.decode_identity(variables(), estimated=True).estimated


@pytest.mark.parametrize(
    ("change", "flags"),
    [
        (("ups.realpower", None), {"nan"}),
        (("ups.realpower", "9999"), {"overrange"}),
        (("ups.status", "WAIT"), {"nan"}),
        (("ups.status", None), {"nan"}),
        (("ups.status", "OB DISCHRG"), set()),
    ],
)
def test_power_that_is_none_says_why(change: tuple[str, str | None], flags: set[str]) -> None:
    reading = codec.to_reading(variables(change), 1, 3680.0, stale=False, estimated=False)
    assert reading.flags == flags
    assert (reading.power_w is None) == bool(flags)


def test_a_bad_value_beside_a_sound_power_costs_that_quantity_alone() -> None:
    reading = codec.to_reading(variables(("output.voltage", "n/a")), 1, 3680.0, stale=False, estimated=False)
    assert (reading.power_w, reading.voltage_v, reading.frequency_hz) == (123.0, None, 50.0)
    with pytest.raises(MeterGarbage, match=r"found ups\.realpower 'n/a', expected a number of W"):
        codec.to_reading(variables(("ups.realpower", "n/a")), 1, 3680.0, stale=False, estimated=False)


def test_the_same_answer_is_no_new_one_for_as_long_as_upsd_or_the_driver_may_repeat_it() -> None:
    assert codec.refresh_of(variables(), 15.0) == 15.0
    assert codec.refresh_of(variables(("driver.parameter.pollfreq", "30")), 15.0) == 30.0
    assert codec.refresh_of(variables(), 0.5) == 2.0


@pytest.mark.parametrize(
    ("line", "error", "text"),
    [
        (b"ERR ACCESS-DENIED", MeterRefused, "wants a login: give or correct user and password_file"),
        (b"ERR UNKNOWN-UPS", codec.UnknownUps, "UNKNOWN-UPS"),
        (b"ERR UNKNOWN-COMMAND", MeterGarbage, "UNKNOWN-COMMAND"),
        (b"ERR DATA-STALE", codec.UpsSilent, "DATA-STALE"),
        (b"ERR DRIVER-NOT-CONNECTED", codec.UpsSilent, "DRIVER-NOT-CONNECTED"),
        (b"VAR\x07", MeterGarbage, "expected a line of printable characters"),
        (b"\xff", MeterGarbage, "expected a line of printable characters"),
    ],
)
def test_the_words_of_upsd_for_no_answer(line: bytes, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        codec.decode_line(line, 1)


def test_lines_of_another_ups_are_none_of_this_one() -> None:
    with pytest.raises(MeterGarbage, match="expected a line `VAR another NAME"):
        codec.decode_variables(LINES, "another")
    assert codec.decode_variables([r'VAR u ups.mfr "a \"b\" \\c"'], "u") == {"ups.mfr": r'a "b" \c'}


@pytest.mark.parametrize("word", ["SET", "INSTCMD", "FSD", "LOGIN", "MASTER", "PRIMARY", "STARTTLS"])
def test_nothing_that_commands_a_ups_can_be_sent(word: str) -> None:
    with pytest.raises(MeterRefused, match="does not say"):
        codec.encode(word, "ups")
    assert codec.encode("LIST", "VAR", "ups") == b"LIST VAR ups\n"
    assert codec.encode("PASSWORD", 'a "b\\') == b'PASSWORD "a \\"b\\\\"\n'
    with pytest.raises(MeterOptionError, match="no line of upsd can hold"):
        codec.encode("PASSWORD", "a\nb")


def test_a_login_is_given_and_its_password_stands_in_no_log(start_emulator: StartEmulator) -> None:
    secret, sink = 'p "w\\ä', io.BytesIO()
    emulator = start_emulator("--profile", "watts=50", "--interval", "0.05", "--password", secret, name="nut")
    access = Access(Credentials("lab", secret))
    meter = open_meter("nut", emulator.address, capture=sink, options={"interval_s": 0.05}, access=access)
    assert meter.read(5.0).power_w == 50.0
    assert any("the password goes over the network" in remark for remark in meter.describe().remarks)
    meter.close()
    log = said(sink.getvalue())
    assert b"USERNAME (withheld)\nOK\nPASSWORD (withheld)\nOK\n" in log
    assert not [form for form in (secret.encode(), codec.encode("PASSWORD", secret)[9:]) if form in log]
    with pytest.raises(MeterOptionError, match="takes a password with a user only; give user beside it"):
        open_meter("nut", emulator.address, capture=None, options={}, access=Access(Credentials("", secret)))
    for wrong in (Access(Credentials("lab", "another")), Access()):
        with pytest.raises(MeterRefused, match=r"ERR ACCESS-DENIED.*give or correct user and password_file") as caught:
            open_meter("nut", emulator.address, capture=None, options={}, access=wrong)
        assert "another" not in str(caught.value)


def test_what_upsd_does_not_hear_is_no_power_and_a_repetition_is_stale(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=50", "--interval", "0.05", name="nut")
    meter = open_meter("nut", emulator.address, capture=None, options={"interval_s": 0.02})
    flags = [meter.read(5.0).flags for _ in range(3)]
    assert flags == [frozenset(), {"stale"}, {"stale"}]
    emulator.fault("data-stale=always")
    wait_until(lambda: meter.read(5.0).flags == {"nan", "stale"}, "upsd hears nothing")
    assert meter.read(5.0).power_w is None
    meter.close()
    with pytest.raises(MeterUnavailable, match=r"no values of ups \(DATA-STALE\); look after the UPS's cable"):
        open_meter("nut", emulator.address, capture=None, options={})


def test_a_ups_without_power_names_the_driver_that_estimates_it(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=50", "--interval", "0.05", name="nut-load")
    with pytest.raises(MeterMismatch, match=r"tells no ups\.realpower; the driver 'nut-load' estimates it from"):
        open_meter("nut", emulator.address, capture=None, options={})
    meter = open_meter("nut-load", emulator.address, capture=None, options={})
    described = meter.describe()
    assert (described.tier, described.columns[0].resolution) == ("uncalibrated", 10.0)
    assert any("an estimate, which nobody measured" in remark for remark in described.remarks)
    assert meter.origin().kind == "emulated"
    elsewhere = attest(
        "socket://192.0.2.7:3493", replace(meter.identify(), serial="", model="UPS, ESTIMATED", maker="")
    )
    assert (elsewhere.kind, "lacks" in elsewhere.evidence) == ("estimated", False)
    meter.close()
    with pytest.raises(MeterOptionError, match="option ups is 'other', expected one of: ups"):
        open_meter("nut", emulator.address, capture=None, options={"ups": "other"})
    with pytest.raises(MeterOptionError, match="expected a name as `upsc -l` lists them"):
        open_meter("nut", emulator.address, capture=None, options={"ups": "a b"})
