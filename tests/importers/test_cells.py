"""Cells of a log read by where they stand: the same as when every line is taken apart by itself."""

import csv
from collections.abc import Sequence

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from harness.foreign.importers.nvidia_smi.cells import LONGEST, Cells, CellTable, numbers_of

CELL = st.text(" 0123456789.WMiB%[]/A", max_size=20)
ODD = st.text(' \t\0\u00a0é"7W', max_size=6)
WIDTH = 3


def split(line: str) -> list[str]:
    cells = next(csv.reader([line], skipinitialspace=True), []) if '"' in line else line.split(",")
    return [cell.strip() for cell in cells]


def columns(table: CellTable) -> list[list[str]]:
    return [table.cells(at).texts() for at in range(WIDTH)]


def lines_of(rows: Sequence[Sequence[str]]) -> list[str]:
    return [",".join(row) for row in rows]


ROWS = st.lists(st.lists(CELL, min_size=WIDTH, max_size=WIDTH), max_size=30)


@given(ROWS)
@example([["", "", ""]])
@example([["NVIDIA GeForce RTX 3090", " 119.17 W ", "0"], ["NVIDIA GeForce RTX 3080", "119.17 W", "00"]])
@example([["x" * (LONGEST + 1), "y", ""], ["x" * LONGEST, "y", ""]])
def test_cells_are_those_of_every_line_by_itself(rows: list[list[str]]) -> None:
    lines = lines_of(rows)
    table = CellTable.of_lines(lines, ",", WIDTH, split)
    expected = [split(line) for line in lines]
    assert columns(table) == [[row[at] for row in expected] for at in range(WIDTH)]
    assert [table.texts(at) for at in range(WIDTH)] == columns(table)


@given(st.lists(st.lists(CELL | ODD, min_size=WIDTH, max_size=WIDTH), max_size=12))
def test_so_are_cells_of_lines_with_quotes_controls_and_letters_beyond_ascii(rows: list[list[str]]) -> None:
    lines = [line for line in lines_of(rows) if len(split(line)) == WIDTH]
    table = CellTable.of_lines(lines, ",", WIDTH, split)
    expected = [split(line) for line in lines]
    assert columns(table) == [[row[at] for row in expected] for at in range(WIDTH)]


@given(ROWS)
def test_some_of_the_rows_have_the_cells_that_they_had(rows: list[list[str]]) -> None:
    places = [place for place in range(len(rows)) if place % 2]
    taken = CellTable.of_lines(lines_of(rows), ",", WIDTH, split).taken(places)
    assert columns(taken) == [[rows[place][at].strip() for place in places] for at in range(WIDTH)]


@given(st.lists(CELL, max_size=40))
def test_kinds_come_in_the_order_of_the_rows_and_each_once(texts: list[str]) -> None:
    table = CellTable.of_rows([[text, "", ""] for text in texts], WIDTH)
    assert table.cells(0).kinds == list(dict.fromkeys(texts)) == Cells.of(texts).kinds


def test_numbers_are_read_once_a_kind_and_the_rows_of_what_is_none_are_told() -> None:
    asked: list[str] = []

    def value_of(text: str) -> float | None:
        asked.append(text)
        return float(text) if text.isdigit() else None

    numbers, odd = numbers_of(Cells.of(["1", "x", "1", "2", "x"]), value_of)
    assert asked == ["1", "x", "2"]
    assert odd == [1, 4]
    assert np.array_equal(numbers.values, [1, np.nan, 1, 2, np.nan], equal_nan=True)
    assert numbers.texts(repr) == ["1.0", "nan", "1.0", "2.0", "nan"]


def test_zero_keeps_its_sign() -> None:
    numbers, _ = numbers_of(Cells.of(["-0", "0"]), float)
    assert numbers.texts(repr) == ["-0.0", "0.0"]
