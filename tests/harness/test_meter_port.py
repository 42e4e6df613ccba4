"""Options of a driver on the command line."""

import pytest

from harness.cli.meter_port import options_of
from harness.record.errors import ConfigError


def test_digits_are_a_number_but_where_every_driver_takes_a_word() -> None:
    given = ["interval_s=0.5", "secondary=00032629", "record=only", "ain=087610000434", "name=7"]
    assert options_of(given) == {
        "interval_s": 0.5, "secondary": "00032629", "record": "only", "ain": "087610000434", "name": 7.0,
    }  # fmt: skip
    for wrong in ("interval_s", "=5"):
        with pytest.raises(ConfigError, match="expected NAME=VALUE"):
            options_of([wrong])


def test_an_option_of_a_driver_is_given_once() -> None:
    with pytest.raises(ConfigError, match="outlet is given twice"):
        options_of(["outlet=8", "outlet=9"])
