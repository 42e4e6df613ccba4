"""One row of a tracker's file: what it says, and what it shows of itself.

Knows the columns of CodeCarbon 0.0.10 to 3.3.2. Knows no file, no campaign and no run.

What CodeCarbon writes (its released code, and files that its releases wrote)
- A row of emissions.csv is the total of an object: `timestamp` when it was written (whole seconds, local time without a
  zone), `duration` in s since its last start, `energy_consumed` and `*_energy` in kWh since the object was made, times
  `pue`. energy_consumed is the sum of the parts, emissions_rate is emissions / duration (in g until 2.1, then in kg).
- Since 3.3.1 an object may be started again: its energies go on, its duration begins anew. Until 3.3.0 both go on.
- The task interface moves the last start to the last task: its emissions.csv has the energies of all tasks under the
  duration of the last one. Its task file (a column task_name, none for the pue) has the increments, one row a task.
- `cpu_power`, `gpu_power`, `ram_power` are the last values until 3.1, since 3.2 means over the measurements; they hold
  the pue since 3.3.1. The memory's power is a constant of the machine (in process mode of the process, in steps since
  3.0), so ram_energy / ram_power is the time over which the energies were counted. In 37,000 public rows it exceeds the
  duration only where a row holds more than its duration: tasks of 1139 s in a row of 73 s, and CodeCarbon's own race of
  two measurements at one moment, which counts 15 s twice (3420 of the 28,190 rows of a benchmark of 30 s).
- 3.2.9 and 3.3.0 leave empty columns out of the rows that they append, so these are short.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

PARTS = ("cpu", "gpu", "ram")
LONGEST_S = 366 * 86_400.0
PARTS_DIFFER = 1e-4
"""What a spreadsheet's digits leave; CodeCarbon's own sums agree to 1e-9."""
PUE_IN_POWER_SINCE, PUE_SINCE = (3, 3, 1), (2, 2)


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line, its end (as written, and as a datetime; None where it is no time), duration (NaN: no number),
    energies as they stand (Wh with the factor; NaN, None: none), powers (W, NaN: none), the pue as written (None:
    there is no column), how many boards (NaN: not stated).

    `rate_s`: its duration by emissions and emissions_rate. `since`: the line of the row whose energies were taken off.
    `remarks`: what a reader of its figure has to know.
    """

    line: int
    stamp: str
    end: datetime | None
    duration_text: str
    duration_s: float
    energy_text: str
    energy_wh: float
    parts_wh: Mapping[str, float | None]
    powers_w: Mapping[str, float]
    pue_text: str | None
    boards: float
    run_id: str = ""
    task: str | None = None
    mode: str = ""
    version: str | None = None
    rate_s: float = math.nan
    since: int | None = None
    remarks: tuple[str, ...] = ()

    @property
    def whole_seconds(self) -> bool:
        """Whether its stamp was cut to seconds."""
        return self.end is not None and self.end.microsecond == 0

    @property
    def lasting(self) -> bool:
        """Whether its duration is one."""
        return 0 < self.duration_s <= LONGEST_S

    @property
    def begin(self) -> datetime:
        """When it began; only of a row that has a stamp and lasts."""
        assert self.end is not None
        return self.end - timedelta(seconds=self.duration_s)

    @property
    def pue(self) -> float | None:
        """Its column's number; None where there is no column or the cell is empty."""
        value = number_of(self.pue_text or "")
        return value if math.isfinite(value) else None

    @property
    def tells_its_time(self) -> bool:
        """Whether its memory's power is constant, so that it shows how long the energies were counted."""
        return self.mode == "machine" and math.isfinite(self.ram_s(1.0))

    @property
    def silent_on_pue(self) -> bool:
        """Whether its energies may hold a pue that it does not say: a task, a cell or a column that is gone."""
        return self.pue is None and (self.task is not None or self.pue_text is not None or self.release >= PUE_SINCE)

    @property
    def release(self) -> tuple[int, ...]:
        """Its version as numbers; empty where it is not stated."""
        return tuple(int(digits) for digits in re.findall(r"\d+", self.version or "")[:3])

    def ram_s(self, pue: float) -> float:
        """Over how long its energies were counted, by its memory; NaN where it does not say."""
        energy_wh, power_w = self.parts_wh.get("ram") or math.nan, self.powers_w.get("ram", math.nan)
        return energy_wh * 3600 / (power_w * self._per_power(pue)) if power_w > 0 else math.nan

    def own_w(self, pue: float) -> float:
        """Its power by its own columns, with the pue; NaN where there are none."""
        known = [power_w for power_w in self.powers_w.values() if power_w > 0]
        return math.fsum(known) * self._per_power(pue) if known else math.nan

    def _per_power(self, pue: float) -> float:
        return 1.0 if self.release >= PUE_IN_POWER_SINCE else pue

    def less(self, earlier: "Row") -> "Row":
        """The same row with what an earlier one of its object had counted already taken off."""
        before = dict(earlier.parts_wh) | {"gpu": earlier.parts_wh.get("gpu") or 0.0}  # no board, no energy of it
        parts = {part: _less(value, before.get(part)) for part, value in self.parts_wh.items()}
        remark = (
            f"the object was used again: line {self.line} holds {self.energy_wh:.6g} Wh since it was made, of which "
            f"line {earlier.line} had {earlier.energy_wh:.6g} Wh"
        )
        own_wh = self.energy_wh - earlier.energy_wh
        remarks = (*self.remarks, remark)
        return replace(self, energy_wh=own_wh, parts_wh=parts, since=earlier.line, remarks=remarks)


def _less(value: float | None, earlier: float | None) -> float | None:
    return None if value is None or earlier is None else value - earlier


def number_of(text: str, *, comma: bool = False) -> float:
    """A number as Python, pandas or (`comma`) a spreadsheet wrote it; NaN for anything else."""
    plain = text.replace(",", ".") if comma and text.count(",") == 1 and "." not in text else text
    return float(plain) if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", plain, re.ASCII) else math.nan


def split(row: Row) -> bool:
    """Whether a row says how its energy is split; boards may be absent."""
    return row.parts_wh.get("cpu") is not None and row.parts_wh.get("ram") is not None and "gpu" in row.parts_wh


def adds_up(row: Row) -> bool:
    """Whether its parts are its energy."""
    parts_wh = sum_of(list(row.parts_wh.values()))
    return split(row) and abs(parts_wh - row.energy_wh) <= PARTS_DIFFER * abs(row.energy_wh)


def sum_of(parts: Sequence[float | None]) -> float:
    """The sum of what is known."""
    return math.fsum(part for part in parts if part is not None)
