"""Texts that nobody foresaw: numbers and times in every form come back as they were, and a damaged file is read or
refused with its name, never anything else.
"""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.foreign.importers.power_csv.clock import times_of
from harness.foreign.importers.power_csv.columns import raw_of, readings_of, sorted_once
from harness.foreign.importers.power_csv.mapping import FileForm, PowerColumn, TimeColumn
from harness.foreign.importers.power_csv.proposal import asked, propose
from harness.foreign.importers.power_csv.proposal_text import rows_as_read, toml_of
from harness.foreign.importers.power_csv.table import read_rows
from harness.foreign.importers.source import SourceFile
from harness.record.errors import ImportFileError

PATH = Path("log.csv")
TIME = TimeColumn(column="time", format="iso", zone="Europe/Berlin")
POWER = PowerColumn(column="power", unit="W", reads="instant")
SOUND = (
    "time;power;id\n2026-11-21 10:00:01;1061,25;a\n2026-11-21 10:00:02;1062,5;a\n2026-11-21 10:00:03;NaN;b\n"
    '2026-11-21 10:00:04;1060,75;"c;d"\n'
)
FORM = FileForm(delimiter=";", decimal=",", thousands=".")
PIECES = st.sampled_from(
    ["\n", "\r\n", ";", ",", '"', "\0", "-", "e", ".", "1", " ", "\ufeff", "é", "#", "nan", "9" * 30]
)


def source(text: str) -> SourceFile:
    return SourceFile(PATH, text.encode(), text.encode())


@given(
    st.integers(-(10**9), 10**9), st.integers(0, 6), st.sampled_from([(".", ","), (",", "."), (",", " "), (".", "'")])
)
def test_a_number_comes_back_whatever_its_signs(whole: int, decimals: int, signs: tuple[str, str]) -> None:
    decimal, thousands = signs
    text = f"{whole / 10**decimals:,.{decimals}f}".translate({ord(","): thousands, ord("."): decimal})
    form = FileForm(delimiter=";", decimal=decimal, thousands=thousands)  # type: ignore[arg-type]
    rows = read_rows(source(f"time;power\n1;{text}\n"), form)
    assert rows.values("power", np.array([0]))[0] == whole / 10**decimals


@given(st.integers(0, 2**33 * 10**9 - 10**9), st.sampled_from(["s", "ms", "us", "ns"]))
def test_a_time_since_1970_comes_back_to_the_nanosecond(time_ns: int, unit: str) -> None:
    digits = {"s": 9, "ms": 6, "us": 3, "ns": 0}[unit]
    text = f"{time_ns // 10**digits}" + (f".{time_ns % 10**digits:0{digits}d}" if digits else "")
    rows = read_rows(source(f"time\n{text}\n"), FileForm())
    assert times_of(rows, TimeColumn(column="time", format=f"epoch-{unit}")).tolist() == [time_ns]


@given(st.permutations(range(8)), st.data())
def test_the_order_of_rows_and_rows_that_stand_twice_change_nothing(order: list[int], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(order), max_size=4))
    lines = [f"2026-11-21 10:00:0{n};{100 + n * n}" for n in [*order, *again]]
    rows = read_rows(source("\n".join(["time;power", *lines, ""])), FORM)
    raw, _ = sorted_once(raw_of(rows, 0, POWER, TIME, ()), POWER, [rows])
    assert readings_of(raw, POWER, [], "log.csv").power_w.tolist() == [100.0 + n * n for n in range(8)]


@given(st.integers(0, len(SOUND)), st.integers(0, 6), PIECES)
def test_a_damaged_file_is_read_or_refused_by_its_name(at: int, lost: int, piece: str) -> None:
    text = SOUND[:at] + piece + SOUND[at + lost :]
    try:
        rows = read_rows(source(text), FORM, {"time", "power"})
        raw, _ = sorted_once(raw_of(rows, 0, POWER, TIME, ()), POWER, [rows])
        readings = readings_of(raw, POWER, [], str(PATH))
    except ImportFileError as error:
        said = str(error)
    else:
        said = "log.csv"
        assert (np.diff(readings.times_ns) > 0).all()
    assert "log.csv" in said


def refused(reason: str) -> None:
    raise ImportFileError(reason)


@given(st.integers(0, len(SOUND)), st.integers(0, 40), PIECES)
def test_a_proposal_of_a_damaged_file_is_made_or_refused(at: int, lost: int, piece: str) -> None:
    text = SOUND[:at] + piece + SOUND[at + lost :]
    said = "log.csv"
    try:
        proposal = propose(source(text))
        assert toml_of(proposal)
        rows_as_read(proposal)
        rows_as_read(asked(proposal, lambda question: question.choices[0] if question.choices else "UTC", refused))
    except ImportFileError as error:
        said = str(error)
    assert "log.csv" in said or "[time]" in said
