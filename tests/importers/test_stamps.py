"""Columns of time stamps: read at once they are what each is by itself, and what Python's own calendar says."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.foreign.importers.stamps import (
    CLOCK,
    FIRST_YEAR,
    LAST_YEAR,
    SECOND_NS,
    moment_of,
    read_stamps,
    time_of,
    wall_ns,
)

ISO = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d) " + CLOCK + r"(?:\.(?P<part>\d{1,9}))?(?P<offset>Z|[+-]\d\d:\d\d)?",
    re.ASCII,
)
SHORT = re.compile(r"(?P<day>\d\d)\.(?P<month>\d\d)\.(?P<year>\d\d), " + CLOCK, re.ASCII)
MOMENTS = st.datetimes(datetime(FIRST_YEAR, 1, 1), datetime(LAST_YEAR, 12, 31))
PLAIN = "2023-03-08 14:56:21.991"


@given(st.lists(st.tuples(MOMENTS, st.integers(0, 9)), min_size=1, max_size=40))
def test_a_column_is_what_the_calendar_says_whatever_the_decimals(drawn: list[tuple[datetime, int]]) -> None:
    texts, expected = [], []
    for moment, decimals in drawn:
        part = f"{moment.microsecond * 1000:09d}"[:decimals]
        texts.append(f"{moment:%Y-%m-%d %H:%M:%S}".rjust(19, "0") + (f".{part}" if part else ""))
        since = moment.replace(microsecond=0, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
        expected.append((since.days * 86_400 + since.seconds) * SECOND_NS + int(part.ljust(9, "0")))
    column = read_stamps(texts, ISO)
    assert column.odd is None
    assert column.times_ns.tolist() == expected


@given(st.lists(st.text("0123456789-:. +Z٣é\0", max_size=24) | st.just(PLAIN), min_size=1, max_size=12))
def test_the_first_row_that_is_none_is_the_first_that_the_pattern_or_the_calendar_refuses(texts: list[str]) -> None:
    each = [None if match is None else time_of(match) for match in map(ISO.fullmatch, texts)]
    column = read_stamps(texts, ISO)
    assert column.odd == next((row for row, time_ns in enumerate(each) if time_ns is None), None)
    until = len(texts) if column.odd is None else column.odd
    assert column.times_ns.tolist()[:until] == each[:until]


@pytest.mark.parametrize(
    "text",
    ["2023-02-29 00:00:00", "2023-13-01 00:00:00", "2023-00-01 00:00:00", "2023-01-00 00:00:00", "2023-01-01 24:00:00",
     "2023-01-01 00:60:00", "2023-01-01 00:00:60", "1677-12-31 00:00:00", "2262-01-01 00:00:00", "2023-1-01 00:00:00",
     "2023/01/01 00:00:00"],
)  # fmt: skip
def test_what_no_calendar_has_is_told_with_its_row_among_others_of_its_length(text: str) -> None:
    others = [PLAIN[: len(text)], PLAIN[: len(text)]] if len(text) == 19 else ["2023-03-08 14:56:21"] * 2
    assert read_stamps([*others, text, others[0]], ISO).odd == 2
    assert read_stamps([text], ISO).odd == 0


def test_what_is_said_of_the_zone_is_kept_with_its_first_row_and_not_applied() -> None:
    column = read_stamps([f"{PLAIN}+01:00", f"{PLAIN}+01:00", f"{PLAIN}+02:00", PLAIN, f"{PLAIN}Z"], ISO)
    assert column.offsets == {"+01:00": 0, "+02:00": 2, "": 3, "Z": 4}
    assert list(column.offsets) == ["+01:00", "+02:00", "", "Z"]
    assert len(set(column.times_ns.tolist())) == 1


def test_years_of_two_digits_are_of_1969_to_2068() -> None:
    column = read_stamps(["01.01.68, 00:00:00", "01.01.69, 00:00:00"], SHORT)
    assert [moment_of(time_ns)[:4] for time_ns in column.times_ns.tolist()] == ["2068", "1969"]


def test_a_wall_clock_has_fractions_and_no_sixtieth_second() -> None:
    assert wall_ns(1970, 1, 1, 0, 0, 1, fraction_ns=5) == SECOND_NS + 5
    assert wall_ns(1970, 1, 1, 0, 0, 60) is None
