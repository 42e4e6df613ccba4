"""The meters on a page: what an instrument does not say of itself, certificates, check loads, meters side by side."""

from typing import Any

import pytest

from reports.pages.blocks import Paragraph, Table
from reports.pages.meters import check_load_table, cross_check_table, diagram_lines, evidence_of, meter_table
from reports.results.meters import Meter
from tests.campaign_results import read
from tests.reports.example_results import estimate, meter

CHECK = {
    "check_load": "lamp", "utc": "2026-11-20T08:00:00Z", "expected_w": 60.0, "measured_w": 59.4, "ratio": 0.99,
    "passed": True,
}  # fmt: skip
CERTIFICATE = {
    "number": "K-1", "laboratory": "Lab A", "date": "2026-01-01", "expires": "2027-01-01", "k": 2.0,
    "points": [{"load_w": 100.0, "error_w": 0.25, "U_w": 0.1}], "conditions": "23 °C", "check_load": CHECK,
}  # fmt: skip


def meters(**changed: Any) -> tuple[Meter, ...]:  # noqa: ANN401
    """The example's meter with other parts."""
    return read({"meters": [meter("instrument") | changed]}).meters


def cells(table: object) -> tuple[str, ...]:
    assert isinstance(table, Table)
    (row,) = table.rows
    return row.cells


def test_what_an_instrument_does_not_say_of_itself_is_said() -> None:
    assert cells(meter_table(meters(identity={})))[2] == (
        "maker and model not stated, serial number not stated, firmware not stated"
    )
    named = {"maker": "Yokogawa", "model": "WT310", "serial": "91K", "firmware": "1.05", "board": "GPU 0"}
    assert cells(meter_table(meters(identity=named)))[2] == "Yokogawa WT310, serial 91K, firmware 1.05, GPU 0"


@pytest.mark.parametrize(
    ("changed", "column", "text"),
    [
        ({"role": "cross-check"}, 0, "wall (checks the other meter)"),
        ({"role": "other"}, 0, "wall"),
        ({"ranging": "auto"}, 4, "window, 1 s, stamp: end, range: automatic"),
        ({"averaging": "instantaneous", "stamp": "unknown"}, 4, "instantaneous, 1 s, stamp: unknown"),
        ({"columns": []}, 5, "not stated"),
        ({"columns": [{"name": "power_w", "accuracy": None}]}, 5, "not stated"),
        ({}, 5, "±(1.500 % of reading + 3 digits); operator's manual"),
        ({}, 6, "no certificate"),
        ({"calibration": {"certificate": "as an imported log says"}}, 6, "certificate: as an imported log says"),
        ({"calibration": CERTIFICATE | {"number": None}}, 6,
         "no certificate; check load lamp, 2026-11-20T08:00:00Z: 59.40 W of 60 W, passed"),
    ],
)  # fmt: skip
def test_role_readings_limits_and_certificate_stand_in_words(changed: dict[str, Any], column: int, text: str) -> None:
    assert cells(meter_table(meters(**changed)))[column] == text


def test_a_certificate_is_printed_with_its_points_and_the_last_check_load() -> None:
    assert cells(meter_table(meters(calibration=CERTIFICATE)))[6] == (
        "K-1, Lab A; 2026-01-01 to 2027-01-01; 100 W: error 0.2500 W, U 0.1000 W (k = 2); 23 °C; "
        "check load lamp, 2026-11-20T08:00:00Z: 59.40 W of 60 W, passed"
    )


def test_check_loads_are_listed_and_their_absence_is_said() -> None:
    failed = CERTIFICATE | {"check_load": CHECK | {"passed": False}}
    assert cells(check_load_table(meters(calibration=failed))) == (
        "wall", "lamp", "2026-11-20T08:00:00Z", "60", "59.4", "0.99", "FAIL",
    )  # fmt: skip
    assert check_load_table(meters()) == Paragraph("Check load: not stated.", "note")


def test_meters_on_one_circuit_stand_side_by_side() -> None:
    check = {"circuit": "inlet", "meters": ["wall", "second"], "n_runs": estimate(3, "1", 0)}
    known = check | {"difference": estimate(0.5, "%"), "limit": {"value": 3.2, "unit": "%"}}
    assert cross_check_table(read({}).cross_checks) is None
    table = cross_check_table(read({"cross_checks": [known]}).cross_checks)
    assert cells(table)[:3] == ("inlet", "wall", "second")
    assert cells(table)[5] == "3.200"
    open_check = cross_check_table(read({"cross_checks": [known | {"limit": None}]}).cross_checks)
    assert cells(open_check)[5] == "not known"


def test_the_diagram_and_the_evidence_name_every_meter() -> None:
    assert list(diagram_lines(meters())) == ["wall: Watts up? PRO", "at sut-ac-inlet, instrument"]
    source = {"meter": "wall", "origin": "instrument", "evidence": {"port": "/dev/ttyUSB0", "lacks": "x"},
              "sentence": "The meter wall was read."}  # fmt: skip
    sources = read({"measurement": {"meters": [source]}}).measurement.meters
    assert list(evidence_of(sources)) == [("Meter wall", "The meter wall was read. port: /dev/ttyUSB0")]
