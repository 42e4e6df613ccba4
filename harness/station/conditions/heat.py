"""How warm the machine is.

Knows hwmon and thermal of Linux, and which of their values are no temperatures.
"""

import re
from collections.abc import Iterator, Mapping

from harness.station.conditions.diagnosis import Diagnosis, number, some, unknown

HOT_C = 70.0
"""A machine at rest that is warmer is not settled; the limit of a sensor minus NEAR_LIMIT_K counts as well."""
NEAR_LIMIT_K = 15.0


def of_temperature(texts: Mapping[str, str]) -> Iterator[Diagnosis]:
    """Sensors that are warmer than those of a machine at rest."""
    found = dict(_sensors(texts))
    if not found:
        yield unknown("temperature", "temperature", "there is neither a hwmon nor a thermal sensor")
        return
    hot = [name for name, (value_c, limit_c) in found.items() if value_c >= min(HOT_C, limit_c - NEAR_LIMIT_K)]
    shown = [f"{name} {found[name][0]:.0f} °C" for name in sorted(found, key=lambda name: -found[name][0])]
    if hot:
        text = f"{some([one for one in shown if one.rsplit(' ', 2)[0] in hot])}: let it cool before the first baseline"
        yield Diagnosis("temperature", "warn", text)
    else:
        yield Diagnosis("temperature", "info", some(shown))


def _sensors(texts: Mapping[str, str]) -> Iterator[tuple[str, tuple[float, float]]]:
    """(name, (value, limit)) in degrees Celsius of every sensor; sysfs has thousandths. No limit is infinity."""
    for path, text in texts.items():
        value_c = number(text) / 1000.0
        # -273.15 and below, 0 and the 127.875 of unconnected chips are no temperatures of a running machine.
        if not 0.0 < value_c < 125.0:
            continue
        if match := re.fullmatch(r"(/sys/class/hwmon/(hwmon\d+))/(temp\d+)_input", path):
            folder, chip, sensor = match.groups()
            label = texts.get(f"{folder}/{sensor}_label", sensor).strip()
            limit = texts.get(f"{folder}/{sensor}_crit")
            limit_c = number(limit) / 1000.0 if limit else float("inf")
            yield f"{texts.get(f'{folder}/name', chip).strip()} {label}", (value_c, limit_c if limit_c > 0 else 1e9)
        elif match := re.fullmatch(r"(/sys/class/thermal/(thermal_zone\d+))/temp", path):
            yield texts.get(f"{match[1]}/type", match[2]).strip(), (value_c, float("inf"))
