"""Power files of OSCAR measurements: every form, what is cut off, what is refused and why."""

import numpy as np
import pytest

from harness.foreign.importers.oscar.kinds import kind_of
from harness.record.errors import ImportFileError
from tests.importers.oscar_files import ACTIONS, POWER_HEADER, hardware_text, power_of, power_text, source

MOBILE = "Zeit;Wert 1-avg[W]\n2022-05-21 17:52:22.838772; 23.760564\n2022-05-21 17:52:24; 23.656351\n"
"""Python leaves a fraction of exactly 0 out."""


def test_gridvis_kecolab_handbook_and_gude_files_of_the_same_measurement_agree() -> None:
    gridvis = power_of(power_text(5))
    rows = [(i + 1, f"25.01.24, 12:00:{i:02d}", f"{10 + i}.5") for i in range(5)]
    kecolab = power_of("Zeit;Wert 1-avg[W];\n" + "".join(f"{n};{t};{w};\n" for n, t, w in rows))
    handbook = power_of(";Zeit;Wert 1-avg[W]\n" + "".join(f"{n};{t};{w.replace('.', ',')}\n" for n, t, w in rows))
    quoted = power_of('"";"Zeit";"Wert 1-avg[W]"\n' + "".join(f'"{n}";"{t}";{w}\n' for n, t, w in rows))
    epoch_us = 1706184000_000000  # 2024-01-25 12:00:00 UTC
    gude = power_of("".join(f"{epoch_us + i * 1_000_000} {10 + i}.5\n" for i in range(5)))
    table = power_of("".join(f"{epoch_us + i * 1_000_000} ; {10 + i}.5\n" for i in range(5)))
    for other in (kecolab, handbook, quoted, gude, table):
        np.testing.assert_array_equal(other.times_ns, gridvis.times_ns)
        np.testing.assert_array_equal(other.power_w, gridvis.power_w)
    assert [p.averaging for p in (gridvis, kecolab, handbook, gude)] == ["window", "window", "window", "instantaneous"]
    assert [p.is_utc for p in (gridvis, kecolab, gude)] == [False, False, True]
    assert gridvis.resolution_w == pytest.approx(0.001)
    assert power_of(power_text(2, lambda i: ("43", "28,2")[i])).resolution_w is None


def test_the_labs_mobile_meter_gives_instants_with_fractions_of_a_second() -> None:
    """measurement_setup.md of KDE prints this form: current, voltage and power factor, read and multiplied."""
    power = power_of(MOBILE)
    assert (power.times_ns - 1_653_155_542 * 10**9).tolist() == [838_772_000, 2_000_000_000 - 10**9 + 10**9]
    assert power.power_w.tolist() == [23.760564, 23.656351]
    assert (power.averaging, power.is_utc, power.resolution_w) == ("instantaneous", False, None)
    assert power_of(MOBILE.replace("; 23.", "; 23,")).power_w.tolist() == [23.760564, 23.656351]


def test_crlf_a_decimal_point_and_utf16_are_read_as_what_they_are() -> None:
    comma = power_of(power_text())
    point = power_of(power_text(value=lambda i: f"{10 + i}.500").replace("\n", "\r\n"))
    np.testing.assert_array_equal(comma.power_w, point.power_w)
    np.testing.assert_array_equal(comma.power_w, power_of(power_text().encode("utf-16")).power_w)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (power_text()[:-9], 24),  # behind the mean, in front of the least value
        (power_text()[:-30], 24),  # in the stamp
        (power_text()[:-10], 24),  # in the mean: half a number is never a value
        (power_text()[:-2], 24),  # in the greatest value
        (MOBILE[:-1], 1),
        (MOBILE[:-4], 1),
        ("1706184000000000 20\n1706184001000000 2", 1),
        ("Zeit;Wert 1-avg[W];\n1;25.01.24, 12:00:00;45.3;\n2;25.01.24, 12:00:01;4", 1),
    ],
)
def test_a_last_line_that_was_cut_off_is_left_out_and_said(text: str, rows: int) -> None:
    power = power_of(text)
    assert power.power_w.size == rows
    (remark,) = power.remarks
    assert remark.code == "truncated-source"
    assert str(remark) == f"x.csv:{text.count(chr(10)) + 1}: cut off in mid-line; the line is left out"


def test_a_last_line_whose_number_is_whole_is_kept_without_a_newline_and_blank_lines_are_nothing() -> None:
    text = "Zeit;Wert 1-avg[W];\n1;25.01.24, 12:00:00;45.3;\n2;25.01.24, 12:00:01;45.4;"
    assert (power_of(text).power_w.tolist(), power_of(text).remarks) == ([45.3, 45.4], ())
    assert power_of(text.replace("45.3;\n", "45.3;\n\n") + "\n\n \n").remarks == ()


@pytest.mark.parametrize("text", ["", "NA", "NaN", "nan", "--"])
def test_a_row_without_a_power_costs_itself_and_is_said(text: str) -> None:
    power = power_of(power_text(value=lambda i: text if i in (3, 7) else "1,5"))
    assert np.flatnonzero(np.isnan(power.power_w)).tolist() == [3, 7]
    assert [str(remark) for remark in power.remarks] == [
        f"x.csv:6: no power in this row ({text!r}), 2 rows in all; a gap"
    ]
    assert power.resolution_w == pytest.approx(0.1)


def test_a_line_that_stands_twice_counts_once_and_is_said() -> None:
    line = "25.01.24, 12:00:04;14,500;1,0;2,0;\n"
    power = power_of(power_text(8).replace("5;" + line, "5;" + line + "5;" + line))
    np.testing.assert_array_equal(power.power_w, power_of(power_text(8)).power_w)
    assert [(remark.code, remark.line) for remark in power.remarks] == [("doubled-lines", 8)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (power_text(value=lambda i: "1.500" if i == 7 else "1,500"), r"x\.csv:10: found '1\.500'.*decimal comma"),
        (power_text(value=lambda i: "much" if i == 3 else "1,5"), r"x\.csv:6: found 'much', expected a number"),
        (power_text(value=lambda i: "NA"), r"x\.csv:3: no row has a power"),
        (power_text(value=lambda i: "inf" if i == 3 else "1,5"), r"x\.csv:6: found 'inf'"),
        (power_text(value=lambda i: "1e999" if i == 3 else "1.5"), r"x\.csv:6: found '1e999'"),
        (power_text(value=lambda i: "1_0" if i == 3 else "1.5"), r"x\.csv:6: found '1_0'"),
        (power_text().replace("12:00:10;20,500;1,0;2,0;", "12:00:10;"), r"x\.csv:13: .*damaged"),
        (power_text().replace("12:00:09", "11:00:09"), r"x\.csv:12: time goes back"),
        (power_text().replace("25.01.24, 12:00:09", "2024-01-25 12:00:09"), r"x\.csv:12: found the time"),
        (power_text().replace("25.01.24, 12:00:09", "45.01.24, 12:00:09"), r"x\.csv:12: found the time"),
        (power_text().replace("avg", "mean"), r"x\.csv:2: no column '\.\.\.-avg\[W\]'"),
        (power_text().replace("avg[W]", "avg[kW]"), r"x\.csv:2: the column 'Wert 1-avg\[kW\]' is in kW"),
        (POWER_HEADER, r"x\.csv:3: no data line"),
        (hardware_text(), r"x\.csv:1: expected a power file, found a hardware file .* are files swapped\?"),
        (ACTIONS, r"x\.csv:1: expected a power file, found an actions file .* are files swapped\?"),
        ("hello\n", r"x\.csv:1: expected a power file, found no form that is known \('hello'\); docs/importing\.md"),
        ("1;25.01.24, 12:00:00;45.3;\n", r"found rows without the line that names their columns .*header line missing"),
        (MOBILE.partition("\n")[2], r"found rows without the line that names their columns .*header line missing"),
        ("PK\x03\x04 a workbook", r"found a workbook or a zip archive; save the sheet as CSV"),
        ("a\0b", r"found no text; export the file as text"),
        ("1706184000000000 20\n170618400100000 21\n", r"x\.csv:2: found the time '170618400100000'"),
        ("1706184000000000 20\n9906184001000000 21\n", r"x\.csv:2: found the time '9906184001000000'"),
    ],
)  # fmt: skip
def test_a_damaged_or_swapped_power_file_is_refused_with_file_line_and_the_true_reason(text: str, message: str) -> None:
    with pytest.raises(ImportFileError, match=message) as refusal:
        power_of(text)
    assert ("swapped" in str(refusal.value)) == ("hardware file" in message or "actions file" in message)


def test_every_kind_of_power_file_is_told_by_its_first_lines() -> None:
    kinds = [kind_of(source(text)) for text in (power_text(), MOBILE, "1706184000000000 3.5\n", ACTIONS, "?")]
    assert kinds == ["power-gridvis", "power-mobile", "power-gude", "actions", "unknown"]
