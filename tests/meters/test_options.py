"""Options of drivers: every value in its place, or an error that says where."""

from __future__ import annotations

import math

import pytest

from meters.meter import MeterOptionError
from meters.options import Option, number, read_options, word

DECLARED = {
    "baud": Option(9600.0, "bits per second", low=300, high=115200),
    "range_a": Option("auto", "A", low=0.01, high=20, choices=("auto",)),
    "mode": Option("lin", "kind of averaging", choices=("lin", "exp")),
    "sensor": Option("", "name of the sensor"),
}


def test_defaults_stand_where_nothing_is_given_and_numbers_are_floats() -> None:
    assert read_options("m", DECLARED, {}) == {"baud": 9600.0, "range_a": "auto", "mode": "lin", "sensor": ""}
    values = read_options("m", DECLARED, {"baud": 300, "range_a": 2, "mode": "exp", "sensor": "Port 1"})
    assert values == {"baud": 300.0, "range_a": 2.0, "mode": "exp", "sensor": "Port 1"}
    assert isinstance(values["baud"], float)
    assert (number(values, "baud"), word(values, "sensor")) == (300.0, "Port 1")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"bauds": 1}, r"m: unknown option 'bauds'; did you mean baud\?"),
        ({"RANGE": 1}, r"m: unknown option 'RANGE'; did you mean range_a\?"),
        ({"foo": 1}, r"m: unknown option 'foo'; expected one of baud, mode, range_a, sensor"),
        ({"baud": 1}, r"m: option baud is 1, expected a number from 300 to 115200 \(bits per second\)"),
        ({"baud": True}, "option baud is True"),
        ({"baud": "fast"}, "option baud is 'fast', expected a number"),
        ({"baud": math.nan}, "option baud is nan"),
        ({"baud": None}, "option baud is None"),
        ({"range_a": "manual"}, "expected a number from 0.01 to 20 or one of auto"),
        ({"range_a": 21}, "option range_a is 21"),
        ({"mode": "linear"}, "expected one of lin, exp"),
        ({"mode": 1}, "expected one of lin, exp"),
        ({"sensor": 3}, r"option sensor is 3, expected a word \(name of the sensor\)"),
    ],
)
def test_a_value_out_of_place_is_refused_with_driver_option_and_what_may_stand(
    given: dict[str, object], message: str
) -> None:
    with pytest.raises(MeterOptionError, match=message):
        read_options("m", DECLARED, given)
