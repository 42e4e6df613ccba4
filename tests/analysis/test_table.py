"""Plain tables and those that pandas reads give the same columns; what is not plain is left to pandas."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.record.errors import AnalysisError
from reports.readings import table as tables
from reports.readings.table import read_frame, read_table

PATH = Path("readings-wall.csv")
WANTED = frozenset({"time_ns", "power_w", "energy_wh", "flags"})
HEADER = "time_ns,power_w,energy_wh,flags\n"
NUMBERS = st.one_of(
    st.just(""),
    st.decimals(-1_000_000, 1_000_000, places=3).map(str),
    st.floats(-1e6, 1e6).map(repr),
    st.integers(-(10**15), 10**15).map(str),
)
STAMPS = st.integers(-(2**63), 2**63 - 1)
WORDS = st.sampled_from(["", "stale", "overrange", "overrange|stale"])
ROWS = st.lists(st.tuples(STAMPS, NUMBERS, NUMBERS, WORDS), max_size=20)


def text_of(rows: list[tuple[int, str, str, str]]) -> bytes:
    return (HEADER + "".join(",".join(map(str, row)) + "\n" for row in rows)).encode()


@given(ROWS, st.sampled_from([64, 300, 1 << 20]))
def test_both_ways_give_the_same_numbers_to_the_bit(rows: list[tuple[int, str, str, str]], piece: int) -> None:
    content = text_of(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "PIECE_BYTES", piece)
        here = read_table(PATH, io.BytesIO(content), WANTED, ("stale", "overrange"))
    frame = read_frame(PATH, content, WANTED)
    for name in ("time_ns", "power_w", "energy_wh"):
        assert here.columns[name].tobytes() == frame[name].to_numpy().tobytes() or not rows
    texts = [row[3] for row in rows]
    assert here.flagged["stale"].tolist() == ["stale" in text for text in texts]
    assert here.size == len(rows)


def test_a_plain_table_needs_no_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    here = read_table(PATH, io.BytesIO(text_of([(1, "41.5", "", ""), (2, "-0.25", "7", "stale")])), WANTED, ("stale",))
    assert here.stamps("time_ns").tolist() == [1, 2]
    assert here.numbers("power_w").tolist() == [41.5, -0.25]
    assert np.isnan(here.numbers("energy_wh")).tolist() == [True, False]
    assert here.flagged["stale"].tolist() == [False, True]


def outcome(read: Callable[[], Any]) -> object:
    """The bytes of a column, or the sentence of its refusal."""
    try:
        return read().tobytes()
    except AnalysisError as error:
        return str(error)


@pytest.mark.parametrize(
    "row", ["1,1_0,,", "1,nan,,", "1,0x1,,", "1, 1,,", "1,1.5.1,,", "+1,1,,", "1_0,1,,", "1,1", "1,1,,,", "1,--1,,"]
)
def test_what_python_would_take_for_a_number_or_a_row_is_judged_by_pandas(row: str) -> None:
    content = f"{HEADER}5,1.0,,\n{row}\n".encode()
    assert outcome(lambda: read_table(PATH, io.BytesIO(content), WANTED).numbers("power_w")) == outcome(
        lambda: read_frame(PATH, content, WANTED)["power_w"].to_numpy()
    )
