"""One scenario of an OSCAR measurement as read: its power, actions and hardware files on the actions' clock.

Knows which clock each file has, and how files of one recording are joined. Knows no form of a file (power, actions,
collectl, perfmon) and no run.

Decisions
- Action logs and collectl's stamps are the SUT's local time. Stamps that are UTC (GUDE's, collectl's `#UTC`) are moved
  by `utc_offset_h` of oscar.toml, else by what the hardware file says of its time zone, else not at all; which it was
  is said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from harness.foreign.importers.oscar.actions import Actions, read_actions
from harness.foreign.importers.oscar.collectl import COLLECTL, Hardware, read_collectl
from harness.foreign.importers.oscar.kinds import require_kind
from harness.foreign.importers.oscar.layout import Files, Layout
from harness.foreign.importers.oscar.perfmon import read_perfmon
from harness.foreign.importers.oscar.power import Power, read_power
from harness.foreign.importers.remarks import Remark
from harness.foreign.importers.source import SourceFile, read_source
from harness.foreign.importers.stamps import SECOND_NS, moment_of
from harness.record.errors import ImportFileError


@dataclass(frozen=True, slots=True)
class Measurement:
    """One scenario as read: power and hardware on the actions' clock, and what has to be said of its files."""

    power: Power
    actions: Actions
    hardware: Hardware | None
    remarks: tuple[Remark, ...]

    @property
    def sources(self) -> tuple[SourceFile, ...]:
        """Every file of it."""
        return (self.power.source, self.actions.source, *(self.hardware.sources if self.hardware else ()))


def read_scenario(files: Files, layout: Layout) -> Measurement:
    """Read the files of one scenario and put them on one clock.

    Raises:
        ImportFileError: a file is missing, damaged or of another kind.
    """
    power_source, actions_source = read_source(files.power, partial=True), read_source(files.actions)
    require_kind(power_source, "power")
    require_kind(actions_source, "actions")
    power, actions = read_power(power_source), read_actions(actions_source)
    parts = [_read_hardware(path, layout.columns) for path in files.hardware]
    hardware = _joined(parts) if parts else None
    offset_h, on_zone = _offset_h(files, power, hardware)
    shift_ns = round(offset_h * 3600) * SECOND_NS
    if power.is_utc:
        power = replace(power, times_ns=power.times_ns + shift_ns)
    if hardware is not None and hardware.is_utc:
        hardware = replace(hardware, times_ns=hardware.times_ns + shift_ns)
    remarks = [*power.remarks, *actions.remarks, *(hardware.remarks if hardware else ()), *on_zone]
    return Measurement(power, actions, hardware, (*remarks, *_absent(hardware)))


def _read_hardware(path: Path, columns: Mapping[str, str]) -> Hardware:
    source = read_source(path, partial=True)
    is_collectl = require_kind(source, "hardware", columns) == "hardware-collectl"
    return read_collectl(source, columns) if is_collectl else read_perfmon(source)


def _joined(parts: Sequence[Hardware]) -> Hardware:
    """Several files of one recording (collectl begins a new one at midnight), one after the other."""
    parts = sorted(parts, key=lambda part: int(part.times_ns[0]))
    first = parts[0]
    for before, after in pairwise(parts):
        path = after.sources[0].path
        if after.columns.keys() != first.columns.keys() or after.is_utc != first.is_utc:
            raise ImportFileError(
                f"{path}:1: other columns than in {first.sources[0].path.name}; leave one of them out"
            )
        if after.times_ns[0] < before.times_ns[-1]:
            raise ImportFileError(
                f"{path}:1: begins at {moment_of(int(after.times_ns[0]))}, before {before.sources[0].path.name} ends; "
                "leave one of both out"
            )
    return replace(
        first,
        sources=tuple(source for part in parts for source in part.sources),
        times_ns=np.concatenate([part.times_ns for part in parts]),
        columns={name: np.concatenate([part.columns[name] for part in parts]) for name in first.columns},
        remarks=tuple(remark for part in parts for remark in part.remarks),
    )


def _offset_h(files: Files, power: Power, hardware: Hardware | None) -> tuple[float, list[Remark]]:
    """By how many hours stamps that are UTC are moved, and who says so."""
    utc = power.source if power.is_utc else hardware.sources[0] if hardware and hardware.is_utc else None
    stated, recorded = files.utc_offset_h, hardware.offset_h if hardware else None
    if utc is None:
        words = "utc_offset_h of oscar.toml moves stamps that are UTC only, and here are none; nothing was moved"
        return 0.0, [Remark("utc-offset", power.source, 0, words)] if stated else []
    if stated is not None:
        words = (
            f"the machine's clock was {recorded or 0:+g} h from UTC, oscar.toml says {stated:+g} h; moved by the latter"
        )
        odd = hardware is not None and recorded not in (None, stated)
        return stated, [Remark("utc-offset", hardware.sources[0], 0, words)] if hardware is not None and odd else []
    if recorded is not None and hardware is not None:
        words = (
            f"its stamps are UTC; moved by {recorded:+g} h, which {hardware.sources[0].path.name} says of its machine"
        )
        return recorded, [Remark("utc-offset", utc, 0, words)]
    words = "its stamps are UTC, and nothing says how far the actions' clock is from it: taken as 0 h (utc_offset_h)"
    return 0.0, [Remark("utc-offset", utc, 0, words)]


def _absent(hardware: Hardware | None) -> list[Remark]:
    """What of the six indicators a hardware file does not hold."""
    if hardware is None:
        return []
    absent = [name for name, indicator in COLLECTL.items() if indicator.name not in hardware.columns]
    words = f"without {', '.join(absent)}: not recorded"
    return [Remark("hardware-partial", hardware.sources[0], 0, words)] if absent else []
