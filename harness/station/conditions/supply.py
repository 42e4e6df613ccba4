"""Where the power comes from: batteries and mains adapters.

Knows the power_supply class of Linux.
"""

from collections.abc import Iterator, Mapping

from harness.station.conditions.diagnosis import Diagnosis


def of_supply(texts: Mapping[str, str]) -> Iterator[Diagnosis]:
    """Batteries and mains adapters (power_supply class); those of mice and headsets do not count."""
    folders = {path.rsplit("/", 1)[0] for path in texts if path.startswith("/sys/class/power_supply/")}
    supplies = [
        {key: texts.get(f"{folder}/{key}", "").strip() for key in ("type", "online", "status", "scope", "capacity")}
        for folder in sorted(folders)
    ]
    supplies = [supply for supply in supplies if supply["scope"] != "Device"]
    batteries = [supply for supply in supplies if supply["type"] == "Battery"]
    mains = [supply for supply in supplies if supply["type"] in ("Mains", "USB")]
    if not batteries:
        yield Diagnosis("battery", "info", "no battery")
        return
    status = batteries[0]["status"] or "status not known"
    charge = f"{batteries[0]['capacity']} %" if batteries[0]["capacity"] else "charge not known"
    if status == "Discharging" or (mains and all(supply["online"] == "0" for supply in mains)):
        text = f"it runs on its battery ({charge}): a meter at the wall sees nothing of it; connect the mains"
        yield Diagnosis("battery", "refuse", text)
    elif status == "Charging":
        text = f"its battery is charging ({charge}): the meter measures that too; wait until it is full"
        yield Diagnosis("battery", "warn", text)
    else:
        text = f"it has a battery ({status}, {charge}), which can hide load from the meter; take it out where it can be"
        yield Diagnosis("battery", "warn", text)
