"""What is answered to questions about the meter and its samples: lines of text.

Knows: the daemon's lines, field by field. Does not know: who asks, when (`meters.ptd_server.server`).
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from meters.meter import Meter
from meters.ptd_server.samples import ERROR, MISSED, Sample
from meters.reading import EMULATOR_MARK, Description, RangeChoice

DEFAULT_INTERVAL_MS = 1000
AXES = {"A": "current_a", "V": "voltage_v"}


def identify_line(meter: Meter, version: str) -> str:
    """Return the reply to `Identify`: fields in the places the daemon gives them, content the meter's and ours."""
    identity, description = meter.identify(), meter.describe()
    names = {column.name for column in description.columns}
    can = ",".join("1" if name in names else "0" for name in ("power_w", "voltage_v", "current_a", "power_factor"))
    system = os.uname()
    host = f"{system.sysname} {system.release} {system.machine}"
    # A protocol without a place for the mark of an emulator must not lose it here.
    unmarked = meter.origin().kind == "emulated" and not identity.emulated
    firmware = f"{identity.firmware} {EMULATOR_MARK}" if unmarked else identity.firmware
    parts = [
        field_of(text).replace(";", " ").strip() for text in (identity.maker, identity.model, identity.serial, firmware)
    ]
    return (
        f"{serving_name(description)},{DEFAULT_INTERVAL_MS},{can},0,0,0,version={field_of(version)},OS={field_of(host)},"
        f"mode=power,0,0,1,0,0,no_cal_date,{';'.join(parts)}"
    )


def serving_name(description: Description) -> str:
    """Return the name we give ourselves in the place of the analyser's."""
    return f"wattlab-{field_of(description.driver)}"


def ranges_line(description: Description, options: Mapping[str, object] = MappingProxyType({})) -> str:
    """Return the reply to `RR`: the end of each range where it does not change, -1 where it may. `options` are those
    the meter was opened with; they tell the ranges apart where one is fixed and the other is not."""
    tops = {column.name: column.range[1] for column in description.columns}
    words = []
    for name in AXES.values():
        choice = choice_for(description, name)
        is_auto = description.ranging == "auto"
        if choice is not None and choice.option in options:
            is_auto = is_automatic(choice, options[choice.option])
        fixed = not is_auto and name in tops
        automatic = "0" if fixed else "1" if is_auto else "-1"
        words += [automatic, f"{tops[name] if fixed else -1.0:.6f}"]
    return ",".join(["Ranges", *words])


def choice_for(description: Description, quantity: str) -> RangeChoice | None:
    """Return how the range of a quantity can be chosen; `None` where it cannot."""
    return next((choice for choice in description.range_choices if choice.quantity == quantity), None)


def is_automatic(choice: RangeChoice, value: object) -> bool:
    """Whether an option's value leaves the range to the instrument; so does 0, where its numbers begin there."""
    return value == choice.automatic or value == 0


def wanted_range(choice: RangeChoice, value: str) -> float | str | None:
    """Return the option's value for what `SR` asks for; `None` where no range is as large."""
    if value == "Auto":
        return choice.automatic
    return min((step for step in choice.steps or (float(value),) if step >= float(value) * (1 - 1e-9)), default=None)


def statistic_line(name: str, samples: Sequence[Sample]) -> str:
    """Return the reply to `Watts`, `Volts`, `Amps` or `PF`: mean, lowest, highest, total, errors, valid."""
    places = {"Watts": "watts", "Volts": "volts", "Amps": "amps", "PF": "factor"}
    values: list[float] = [getattr(sample, places[name]) for sample in samples]
    valid = [value for value in values if value not in (ERROR, MISSED)]
    return f"{name},{_figures(valid)},{len(values)},{len(values) - len(valid)},{len(valid)}"


def uncertainty_line(samples: Sequence[Sample]) -> str:
    """Return the reply to `Uncertainty`: mean, lowest, highest, total, invalid, valid, unknown."""
    known = [sample.uncertainty for sample in samples if sample.uncertainty is not None]
    invalid = sum(not sample.sound for sample in samples)
    unknown = len(samples) - invalid - len(known)
    return f"Uncertainty,{_figures(known)},{len(samples)},{invalid},{len(known)},{unknown}"


def _figures(values: Sequence[float]) -> str:
    if not values:
        return "-1.000000,-1.000000,-1.000000"
    return f"{math.fsum(values) / len(values):.6f},{min(values):.6f},{max(values):.6f}"


def field_of(text: str) -> str:
    """Return text that cannot end a field or a line."""
    return re.sub(r"[^\x21-\x2b\x2d-\x7e]+", " ", text)
