"""What a lab may set of an instrument: the options, and the settings that they ask for.

Knows: options, and in which order settings undo none of each other. Does not know: how a setting is sent and checked
(`meters.yokogawa.dialogue`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from meters.meter import MeterOptionError
from meters.options import Option, Value, number, whole, word
from meters.yokogawa.codec import OFF, ON
from meters.yokogawa.dialects import Dialect
from meters.yokogawa.models import COUNTS, Model

AUTO = "auto"

SHARED_OPTIONS: Mapping[str, Option] = {
    "baud": Option(
        9600, "bits per second of the RS-232 line; no matter on USB and Ethernet", low=1200, high=57600, whole=True
    ),
    "voltage_range_v": Option(AUTO, "measuring range in V; auto or 0: the instrument's choice", 0, 1000, (AUTO,)),
    "current_range_a": Option(AUTO, "measuring range in A; auto or 0: the instrument's choice", 0, 100, (AUTO,)),
    "crest_factor": Option(3, "crest factor, 3 or 6", low=3, high=6, whole=True),
    "rate_s": Option(1.0, "update interval in s", low=0.1, high=20.0),
    "averaging": Option("off", "moving average over updates", choices=("off", "lin", "exp")),
    "averaging_count": Option(
        8, "updates in a linear average, or attenuation of an exponential one", low=8, high=64, whole=True
    ),
    "sync": Option("voltage", "signal whose periods are measured", choices=("voltage", "current", "off")),
    "line_filter": Option("off", "500 Hz low-pass in the measuring circuit; costs accuracy", choices=("off", "on")),
    "frequency_filter": Option("on", "500 Hz low-pass before the zero-crossing detector", choices=("off", "on")),
    "integration": Option(0, "1: start the integrator, its watt hours are energy_wh", low=0, high=1),
}
WT310_OPTIONS: Mapping[str, Option] = {
    **SHARED_OPTIONS,
    "element": Option(1, "input element, 1 to 3", low=1, high=3, whole=True),
}
WT210_OPTIONS = SHARED_OPTIONS


@dataclass(frozen=True, slots=True)
class Setup:
    """What the lab wants of an instrument; ranges in V and A, `None` where the instrument chooses."""

    baud: int
    voltage_range_v: float | None
    current_range_a: float | None
    crest_factor: int
    rate_s: float
    averaging: str
    averaging_count: int
    sync: str
    line_filter: bool
    frequency_filter: bool
    integration: bool
    element: int

    @property
    def window_s(self) -> float:
        """How long a reading looks back: an exponential average of attenuation K is as smooth as one over 2K - 1."""
        updates = {"off": 1, "lin": self.averaging_count, "exp": 2 * self.averaging_count - 1}
        return self.rate_s * updates[self.averaging]

    def check(self, dialect: Dialect, name: str, model: Model) -> None:
        """Raise `MeterOptionError` with the list of what the model has, for the first option it does not."""
        places: list[tuple[str, float | None, Sequence[float]]] = [
            ("voltage_range_v", self.voltage_range_v, model.voltage_ranges(self.crest_factor)),
            ("current_range_a", self.current_range_a, model.current_ranges(self.crest_factor)),
            ("rate_s", self.rate_s, model.rates),
            ("element", self.element, model.elements),
        ]
        for option, value, choices in places:
            if value is not None and not any(math.isclose(value, choice) for choice in choices):
                listed = ", ".join(f"{choice:g}" for choice in choices)
                raise MeterOptionError(
                    f"{dialect.driver}: option {option} is {value:g}, expected one of {listed} "
                    f"({name}, crest factor {self.crest_factor})"
                )

    def commands(self, dialect: Dialect) -> Iterator[tuple[str, str]]:
        """Yield header and argument of each setting, in an order in which none undoes another."""
        headers = dialect.headers
        yield headers["hold"], OFF
        yield headers["max_hold"], OFF
        yield headers["mode"], "RMS"
        yield headers["scaling"], OFF
        yield headers["crest_factor"], f"{self.crest_factor}"
        yield headers["rate"], f"{self.rate_s:g}"
        for name, value in (("voltage", self.voltage_range_v), ("current", self.current_range_a)):
            yield headers[f"{name}_auto"], ON if value is None else OFF
            if value is not None:
                yield headers[f"{name}_range"], f"{value:g}"
        yield headers["sync"], {"voltage": "VOLT", "current": "CURR", "off": OFF}[self.sync]
        yield headers["line_filter"], ON if self.line_filter else OFF
        yield headers["frequency_filter"], ON if self.frequency_filter else OFF
        yield from self._averaging(headers)

    def _averaging(self, headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        if self.averaging != "off":
            kind, count = self.averaging.upper(), f"{self.averaging_count}"
            if "averaging_count" in headers:
                yield headers["averaging_type"], kind
                yield headers["averaging_count"], count
            else:
                yield headers["averaging_type"], f"{kind},{count}"
        yield headers["averaging"], OFF if self.averaging == "off" else ON


def make_setup(driver: str, values: Mapping[str, Value]) -> Setup:
    """Return the set-up the options ask for; raises `MeterOptionError` where whole numbers were expected."""
    for name, choices in (("crest_factor", (3, 6)), ("averaging_count", COUNTS), ("integration", (0, 1))):
        if values[name] not in choices:
            listed = ", ".join(map(str, choices))
            raise MeterOptionError(f"{driver}: option {name} is {values[name]!r}, expected one of {listed}")
    return Setup(
        baud=whole(values, "baud"),
        voltage_range_v=_range(values["voltage_range_v"]),
        current_range_a=_range(values["current_range_a"]),
        crest_factor=whole(values, "crest_factor"),
        rate_s=number(values, "rate_s"),
        averaging=word(values, "averaging"),
        averaging_count=whole(values, "averaging_count"),
        sync=word(values, "sync"),
        line_filter=word(values, "line_filter") == "on",
        frequency_filter=word(values, "frequency_filter") == "on",
        integration=bool(values["integration"]),
        element=whole(values, "element") if "element" in values else 1,
    )


def _range(value: Value) -> float | None:
    return value if isinstance(value, float) and value > 0 else None
