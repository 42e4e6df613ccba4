"""Options of drivers: every value in its place, or an error that says where."""

from __future__ import annotations

import math

import pytest

from meters.meter import MeterOptionError
from meters.options import Option, number, read_options, whole, word
from meters.registry import DRIVERS

DECLARED = {
    "baud": Option(9600.0, "bits per second", low=300, high=115200),
    "range_a": Option("auto", "A", low=0.01, high=20, choices=("auto",)),
    "mode": Option("lin", "kind of averaging", choices=("lin", "exp")),
    "sensor": Option("", "name of the sensor"),
}
WHOLE = {"address": Option(1, "address of the meter", low=1, high=247, whole=True)}


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


def test_a_whole_number_is_not_cut_to_one() -> None:
    assert whole(read_options("m", WHOLE, {"address": 7.0}), "address") == 7
    for address in (1.5, 7.000001):
        with pytest.raises(MeterOptionError, match=r"expected a whole number from 1 to 247 \(address of the meter\)"):
            read_options("m", WHOLE, {"address": address})


@pytest.mark.parametrize("name", ["baud", "sign_on_baud", "channel", "address", "element", "averaging_count"])
def test_every_driver_with_such_an_option_refuses_half_of_one(name: str) -> None:
    declared = {
        d: o.options for d, o in DRIVERS.items() if name in o.options and not isinstance(o.options[name].default, str)
    }
    assert declared
    for driver, options in declared.items():
        with pytest.raises(MeterOptionError, match="a whole number"):
            read_options(driver, options, {name: float(options[name].default) + 0.5})
