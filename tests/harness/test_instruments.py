"""The instrument register: its errors by TOML path, who is found in it, certificates and check loads by their dates."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.lab_file import LabConfig, load
from harness.record.errors import ConfigError, DocumentError, LabError
from harness.station.check_loads import CheckLoadRecord, is_fresh, judge_check_load, last_check_load
from harness.station.instruments import CheckLoad, certificate_on, validity_on
from harness.station.register import Register, load_register
from meters.reading import Accuracy, Column, Description, Identity, Origin
from tests.harness.test_config import MINIMAL

REGISTER = """\
schema = 1

[instruments.wt]
maker = "Yokogawa"
model = "WT310E"
serial = "91N1"
firmware = "F1.03"
ranges = ["300 V", "2 A"]

[[instruments.wt.certificates]]
number = "2025-07"
laboratory = "Cal lab"
date = 2025-01-10
expires = 2026-01-10
k = 2
points = [{ load_w = 100.0, error_w = 0.1, U_w = 0.05 }]

[[instruments.wt.certificates]]
number = "2026-09"
laboratory = "Cal lab"
date = 2026-01-12
expires = 2027-01-12
k = 2.0
conditions = "23 °C, 230 V, 50 Hz"
stability_percent_per_year = 0.05
points = [
  { load_w = 200.0, error_percent = -0.02, U_percent = 0.03 },
  { load_w = 50.0, error_w = 0.01, U_w = 0.02 },
]

[instruments.plug]
maker = "Electronic Educational Devices"
model = "Watts up? PRO"

[check_loads.lamp]
expected_w = 60.0
U_w = 0.3
description = "incandescent lamp at 230 V"
source = "WT310E, 2026-09"
"""
LAB = MINIMAL.replace('name = "L"', 'name = "L"\ninstruments = "instruments.toml"')
WT = Identity("Yokogawa", "WT310E", "91N1", "F1.03")
MUTE = Identity("Electronic Educational Devices", "Watts up? PRO", "", "4.12")
INSTRUMENT, EMULATED = Origin("instrument", {}), Origin("emulated", {})
NOON = "2026-06-01T12:00:00.000Z"


def lab(folder: Path, register: str = REGISTER, text: str = LAB) -> LabConfig:
    (folder / "instruments.toml").write_text(register)
    (folder / "lab.toml").write_text(text)
    return load(folder / "lab.toml")


def register_in(folder: Path, register: str = REGISTER) -> Register:
    found = load_register(lab(folder, register).station)
    assert found is not None
    return found


# --- the file ---


def test_a_lab_without_a_register_has_none(tmp_path: Path) -> None:
    assert load_register(lab(tmp_path, text=MINIMAL).station) is None


def test_a_register_is_read_with_its_bytes(tmp_path: Path) -> None:
    register = register_in(tmp_path)
    assert register.source.decode() == REGISTER
    assert [c.expires for c in register.file.instruments["wt"].certificates] == [date(2026, 1, 10), date(2027, 1, 12)]
    assert register.history_path == tmp_path / "check-loads.jsonl"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("schema = 1", "schema = 2", "schema 2 is newer"),
        ('maker = "Yokogawa"', 'make = "Yokogawa"', "instruments.wt.make: unknown key"),
        ('model = "WT310E"\n', "", "instruments.wt.model: missing"),
        ('serial = "91N1"', "serial = 911", "instruments.wt.serial: found 911, expected text in quotes"),
        (
            "date = 2026-01-12",
            'date = "2026-01-12"',
            "certificates[1].date: found '2026-01-12', expected a date without",
        ),
        ("date = 2026-01-12", "date = 2026-01-12T10:00:00", "certificates[1].date: found 2026-01-12 10:00:00"),
        ("expires = 2027-01-12", "expires = 2025-01-12", "certificates[1].expires: 2025-01-12 is before its date"),
        ("k = 2.0", "k = 0", "certificates[1].k: found 0, expected a coverage factor"),
        ("points = [{ load_w = 100.0, error_w = 0.1, U_w = 0.05 }]", "points = []", "certificates[0].points: none"),
        (", U_w = 0.05", "", "certificates[0].points[0]: needs either U_w or U_percent, found 0"),
        ("error_w = 0.1", "error_w = 0.1, error_percent = 0.1", "needs either error_w or error_percent, found 2"),
        ("U_w = 0.05", "U_w = 0.0", "certificates[0].points[0]: U is 0.0"),
        ("load_w = 100.0", "load_w = -1.0", "certificates[0].points[0].load_w: found -1.0, expected at least 0"),
        ("error_w = 0.1", "error_w = nan", "certificates[0].points[0].error_w: found nan, expected a finite"),
        ("expected_w = 60.0", "expected_w = 0.0", "check_loads.lamp.expected_w: found 0.0, expected watts above 0"),
        (
            'model = "Watts up? PRO"',
            'model = "WT310E"\nserial = "91N1"',
            "instruments.plug.serial: '91N1' is also that",
        ),
        ("[[instruments.wt.certificates]]", "[instruments.wt.certificates]", "not TOML"),
    ],
)
def test_what_is_wrong_in_a_register_is_named_by_file_and_toml_path(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in REGISTER
    with pytest.raises(ConfigError) as caught:
        register_in(tmp_path, REGISTER.replace(old, new, 1))
    assert str(caught.value).startswith(f"{tmp_path / 'instruments.toml'}")
    assert said in str(caught.value)


def test_a_register_that_is_not_there_is_said_with_what_names_it(tmp_path: Path) -> None:
    configured = lab(tmp_path)
    (tmp_path / "instruments.toml").unlink()
    with pytest.raises(ConfigError, match=r"no such file; lab\.instruments names it"):
        load_register(configured.station)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MINIMAL.replace('name = "L"', 'name = "L"\nexpired_instrument = "refuse"'), "lab.expired_instrument: needs"),
        (MINIMAL.replace('name = "L"', 'name = "L"\ncheck_load_days = 30'), "lab.check_load_days: needs"),
        (MINIMAL.replace('circuit = "', 'instrument = "wt"\ncircuit = "'), "meters.wall.instrument: needs"),
        (LAB.replace('name = "L"', 'name = "L"\nexpired_instrument = "ignore"'), "'refuse' | 'label'"),
        (LAB.replace('name = "L"', 'name = "L"\ncheck_load_days = -1'), "lab.check_load_days: found -1"),
        (LAB.replace('circuit = "', 'instrument = "wt4"\ncircuit = "'), "meters.wall.instrument: 'wt4' is not in"),
    ],
)
def test_what_lab_toml_asks_of_a_register_it_can_only_ask_where_there_is_one(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_register(lab(tmp_path, text=text).station)
    assert said in str(caught.value)


# --- who is it ---


def test_the_meter_is_found_by_its_serial_and_one_that_says_none_by_the_name_in_lab_toml(tmp_path: Path) -> None:
    register = register_in(tmp_path)
    by_serial, by_name = register.find(WT, ""), register.find(MUTE, "plug")
    assert by_serial is not None
    assert by_name is not None
    assert (by_serial.name, by_serial.by, by_serial.remarks) == ("wt", "serial", ())
    assert (by_name.name, by_name.by) == ("plug", "name")
    assert register.find(MUTE, "") is None
    assert register.find(replace(WT, serial="91N2"), "") is None


def test_another_instrument_than_lab_toml_names_is_refused(tmp_path: Path) -> None:
    register = register_in(tmp_path)
    with pytest.raises(ConfigError, match="has serial '91N1', but the meter says '91N2'"):
        register.find(replace(WT, serial="91N2"), "wt")
    with pytest.raises(ConfigError, match=r"model is 'Watts up\? PRO', but the meter says 'PM100'"):
        register.find(replace(MUTE, model="PM100"), "plug")
    with pytest.raises(ConfigError, match="no instrument 'wt4', it has wt, plug"):
        register.find(WT, "wt4")


def test_a_driver_that_cannot_ask_claims_no_model(tmp_path: Path) -> None:
    assert register_in(tmp_path).find(replace(MUTE, model="PM100", asked=False), "plug") is not None


def test_a_firmware_that_changed_since_the_calibration_is_a_remark(tmp_path: Path) -> None:
    match = register_in(tmp_path).find(replace(WT, firmware="F1.04"), "wt")
    assert match is not None
    (remark,) = match.remarks
    assert "instruments.wt.firmware is 'F1.03', but the meter says 'F1.04'" in remark


# --- certificates ---


def test_the_certificate_in_force_is_the_latest_one_issued_by_then(tmp_path: Path) -> None:
    instrument = register_in(tmp_path).file.instruments["wt"]
    assert certificate_on(instrument, date(2025, 1, 9)) is None
    first = certificate_on(instrument, date(2026, 1, 11))
    second = certificate_on(instrument, date(2026, 1, 12))
    assert first is not None
    assert second is not None
    assert (first.number, validity_on(first, date(2026, 1, 11))) == ("2025-07", "expired")
    assert (second.number, validity_on(second, date(2026, 1, 12))) == ("2026-09", "valid")
    assert validity_on(second, date(2027, 1, 12)) == "valid"
    assert validity_on(second, date(2027, 1, 13)) == "expired"
    assert validity_on(None, date(2026, 1, 1)) == "missing"


def test_a_runs_descriptor_cites_the_certificate_with_every_point_in_watts(tmp_path: Path) -> None:
    assert register_in(tmp_path).calibration(WT, INSTRUMENT, "", NOON) == {
        "instrument": "wt", "matched_by": "serial", "number": "2026-09", "laboratory": "Cal lab",
        "date": "2026-01-12", "expires": "2027-01-12", "k": 2.0, "conditions": "23 °C, 230 V, 50 Hz",
        "stability_percent_per_year": 0.05,
        "points": [
            {"load_w": 50.0, "error_w": 0.01, "U_w": 0.02},
            {"load_w": 200.0, "error_w": pytest.approx(-0.04), "U_w": pytest.approx(0.06)},
        ],
        "check_load": None,
    }  # fmt: skip


def test_a_meter_without_a_certificate_is_named_and_one_that_is_not_registered_is_not(tmp_path: Path) -> None:
    register = register_in(tmp_path)
    plug = register.calibration(MUTE, INSTRUMENT, "plug", NOON)
    assert plug is not None
    assert (plug["instrument"], plug["number"], plug["expires"], plug["points"]) == ("plug", None, None, [])
    assert register.calibration(MUTE, INSTRUMENT, "", NOON) is None


# --- check loads ---


LIMITS = Accuracy(0.5, 0.1, 1.0, "page 7")


def described(accuracy: Accuracy | None = LIMITS) -> Description:
    column = Column("power_w", "W", 0.1, (0.0, 600.0), accuracy)
    return Description("wattsup", "window", 1.0, "end", 0.0, (column,), "working")


def tried(powers_w: list[float], description: Description | None = None, **changed: Any) -> CheckLoadRecord:  # noqa: ANN401
    record = judge_check_load(
        name="lamp",
        load=CheckLoad(expected_w=60.0, U_w=0.3, source="WT310E"),
        meter="wall",
        instrument=None,
        identity=MUTE,
        origin="instrument",
        description=description or described(),
        powers_w=powers_w,
        duration_s=30.0,
        operator="A. Tester",
    )
    return replace(record, **changed)


def test_a_check_load_passes_within_what_load_and_meter_allow_together() -> None:
    # at 60 W: 0.5 % of the reading 0.3 W + 0.1 % of 600 W 0.6 W + a digit 0.1 W, and 0.3 W of the load
    record = tried([60.0] * 10)
    assert (record.passed, record.fits, record.ratio) == (True, None, 1.0)
    assert record.meter_limit_w == pytest.approx(1.0)
    assert record.limit_w == pytest.approx(1.3)
    assert tried([61.3] * 10).passed
    assert not tried([61.4] * 10).passed
    assert tried([58.71] * 10).passed
    assert not tried([58.6] * 10).passed


def test_the_noise_of_the_reading_is_allowed_for() -> None:
    noisy = tried([58.0, 65.0] * 5)
    assert noisy.U_measured_w == pytest.approx(2 * 3.6893 / 10**0.5, rel=1e-3)
    assert noisy.passed
    assert not tried([61.5] * 10).passed


@pytest.mark.parametrize(
    ("factor", "named"),
    [(2, "2"), (10, "10"), (20, "20"), (0.5, "1/2"), (0.1, "1/10"), (0.05, "1/20"), (3, "3"), (-1, "-1"), (1.5, None)],
)
def test_a_wrong_transformer_ratio_is_named_where_the_reading_fits_it(factor: float, named: str | None) -> None:
    record = tried([60.0 * factor] * 10)
    assert (record.passed, record.fits) == (False, named)


def test_a_meter_that_states_no_limits_is_held_to_the_loads_own_uncertainty() -> None:
    record = tried([60.2] * 5, described(None))
    assert (record.meter_limit_w, record.passed) == (None, True)
    assert record.limit_w == pytest.approx(0.3)
    assert not tried([60.4] * 5, described(None)).passed


@given(st.floats(0.1, 5000.0), st.floats(0.0, 5.0))
def test_a_reading_that_is_right_always_passes_and_double_of_it_never(
    expected_w: float, relative_percent: float
) -> None:
    load = CheckLoad(expected_w=expected_w, U_w=relative_percent / 100 * expected_w, source="x")

    def passed(power_w: float) -> bool:
        return judge_check_load(
            name="x", load=load, meter="m", instrument=None, identity=MUTE, origin="instrument",
            description=described(Accuracy(1.0, 0.0, 0.0, "x")), powers_w=[power_w] * 3, duration_s=3.0, operator="",
        ).passed  # fmt: skip

    assert passed(expected_w)
    assert not passed(2 * expected_w)


def test_the_history_only_grows_and_gives_back_what_was_written(tmp_path: Path) -> None:
    register = register_in(tmp_path)
    assert register.check_loads() == []
    records = [tried([60.0] * 3, instrument="wt"), tried([120.0] * 3, instrument="wt", utc="2026-11-21T10:00:00Z")]
    for record in records:
        before = register.history_path.read_bytes() if register.history_path.exists() else b""
        register.append(record)
        assert register.history_path.read_bytes().startswith(before)
    assert register.check_loads() == records
    last = last_check_load(records, "wt", INSTRUMENT)
    assert last is not None
    assert (last["passed"], last["ratio"]) == (False, 2.0)


def test_a_check_load_of_an_emulator_says_nothing_about_an_instrument(tmp_path: Path) -> None:
    register = register_in(tmp_path)
    register.append(tried([60.0] * 3, instrument="wt", origin="emulated"))
    real, emulated = (register.calibration(WT, origin, "", NOON) for origin in (INSTRUMENT, EMULATED))
    assert real is not None
    assert emulated is not None
    assert real["check_load"] is None
    assert emulated["check_load"]["passed"] is True


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"passed": "yes"}, "passed is 'yes', expected bool"),
        ({"utc": "yesterday"}, "utc is 'yesterday'"),
        ({"utc": "2026-11-21T10:00:00"}, "expected a moment with its zone"),
        ({"extra": 1}, "no record of a check load (extra)"),
        (None, "not a JSON document"),
    ],
)
def test_an_edited_line_of_the_history_is_named_by_its_number(
    tmp_path: Path, change: dict[str, object] | None, said: str
) -> None:
    register = register_in(tmp_path)
    register.append(tried([60.0] * 3))
    line = json.loads(register.history_path.read_text())
    with register.history_path.open("a") as file:
        file.write("not json\n" if change is None else json.dumps(line | change) + "\n")
    with pytest.raises(DocumentError) as caught:
        register.check_loads()
    assert str(caught.value).startswith(f"{register.history_path}:2: ")
    assert said in str(caught.value)


def test_a_history_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    register = register_in(tmp_path)
    register.history_path.mkdir()
    with pytest.raises(LabError, match="cannot write"):
        register.append(tried([60.0] * 3))
    with pytest.raises(LabError, match="cannot read"):
        register.check_loads()


def test_a_check_load_is_fresh_until_its_days_are_over_and_never_when_it_failed() -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def last(days: float, **changed: Any) -> Any:  # noqa: ANN401  JSON
        utc = (now - timedelta(days=days)).isoformat().replace("+00:00", "Z")
        record = replace(tried([60.0] * 3), instrument="wt", utc=utc, **changed)
        return last_check_load([record], "wt", INSTRUMENT)

    assert is_fresh(last(29.9), 30, now)
    assert not is_fresh(last(30.1), 30, now)
    assert not is_fresh(last(1, passed=False), 30, now)
    assert not is_fresh(None, 30, now)
