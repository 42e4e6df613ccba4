"""What is wrong with a row of a tracker's file, by its own columns: figure, time, power.

Knows one row at a time. Knows no campaign and no run.
"""

import math
from pathlib import Path

from harness.foreign.importers.tracker.row import Row, adds_up, split, sum_of
from harness.foreign.importers.tracker.table import WH_PER_KWH

GRAMS = 1000.0
LARGEST_W = 2e5
"""No machine draws more; a rack of 72 GPUs draws 1.3e5 W."""
LARGEST_PUE = 1e3
RATE_DIFFERS, RATE_DIFFERS_S = 0.02, 0.5
"""A task's rate is of a duration that was taken some ms apart."""
RAM_STEADY, RAM_OF_PROCESS, ALL_POWERS = 1.05, 1.95, 2.5
"""How much longer than a row's duration its energies may have been counted: by the memory's constant power; by that of
a process, which may give memory back (10 W from 20 W); by all powers, which are last values, or means of samples of
unlike length: 35,000 public rows of 2.x reach 1.75."""
PERIOD_S, RACE_S = 15.0, 1.5
"""CodeCarbon's own period of its measurements, and how far off one is."""
JITTER_S = 0.5
COUNTED = 0.9
"""Of its duration; less is told. CodeCarbon 3.0 begins to count a second late."""
STEPS_SINCE = (3, 0)


def fault_of(path: Path, row: Row) -> str | None:
    """What is wrong with a row's figure, whatever its time; None where nothing is."""
    if not math.isfinite(row.energy_wh) or row.energy_wh < 0:
        return (
            f"{path}:{row.line}: energy_consumed is {row.energy_text!r:.40}, expected kWh of at least 0; the tracker "
            "gave no energy for this row"
        )
    if row.pue_text and not 1 / LARGEST_PUE <= (row.pue or 0.0) <= LARGEST_PUE:
        return f"{path}:{row.line}: pue is {row.pue_text!r:.40}, expected a number such as 1.0; the file was edited"
    negative = next(((part, wh) for part, wh in row.parts_wh.items() if wh is not None and wh < 0), None)
    if negative is not None:
        part, kwh = negative[0], negative[1] / WH_PER_KWH
        return f"{path}:{row.line}: {part}_energy is {kwh:.6g} kWh, below 0; {_cause_of_negative(row, part)}"
    if split(row) and not adds_up(row):
        together_kwh = sum_of(list(row.parts_wh.values())) / WH_PER_KWH
        return (
            f"{path}:{row.line}: cpu_energy, gpu_energy and ram_energy are {together_kwh:.6g} kWh together, "
            f"energy_consumed is {row.energy_wh / WH_PER_KWH:.6g} kWh; CodeCarbon writes their sum, so the row was "
            "edited or damaged: give the file that CodeCarbon wrote"
        )
    return None


def _cause_of_negative(row: Row, part: str) -> str:
    if not adds_up(row):
        return (
            "energy_consumed is not the sum of the parts, so the row was edited or damaged: give the file that "
            "CodeCarbon wrote"
        )
    return (
        f"energy_consumed is the sum of the parts, so CodeCarbon counted that: the counter that it read of the {part} "
        "went back while it ran, as where its driver is loaded again. What this row used is not known: track that run "
        "again"
    )


def time_fault_of(path: Path, row: Row) -> str | None:
    """What is wrong with a row's time; None where nothing is."""
    if row.end is None:
        return f"{path}:{row.line}: timestamp is {row.stamp!r:.40}, expected a time like 2026-11-21T08:00:00"
    if not row.lasting:
        return (
            f"{path}:{row.line}: duration is {row.duration_text!r:.40} s, which no run lasts (a clock was set while "
            "the tracker ran, or the file was edited); --run RUN --over-run takes its energy as that of the whole run"
        )
    # Until 2.1, which names no version, the rate is in g/s.
    rates_s = [row.rate_s] if row.version else [row.rate_s, row.rate_s * GRAMS]
    if all(abs(rate_s - row.duration_s) > RATE_DIFFERS * row.duration_s + RATE_DIFFERS_S for rate_s in rates_s):
        return (
            f"{path}:{row.line}: duration is {row.duration_text:.40} s, but emissions / emissions_rate is "
            f"{row.rate_s:.6g} s; CodeCarbon divides by the duration, so the row was edited or damaged"
        )
    return None


def power_fault_of(path: Path, row: Row, pue: float) -> str | None:
    """Why a row's energy cannot be that of its duration, by its own columns; None where it can."""
    power_w, own_w = row.energy_wh * 3600 / row.duration_s, row.own_w(pue)
    longer, allowed, by = _strain(row, pue)
    if power_w <= LARGEST_W and not longer > allowed + JITTER_S / row.duration_s:
        return None
    own = f", its own columns say {own_w:.4g} W" if math.isfinite(own_w) else ""
    over = f" (by its {by} its energies were counted over {longer * row.duration_s:.4g} s)" if by else ""
    return (
        f"{path}:{row.line}: {row.energy_wh:.6g} Wh in {row.duration_s:.6g} s are {power_w:.4g} W{own}{over}: the "
        f"energy is not that of the duration. {_cause(row, longer)}; --run RUN --over-run takes its energy as that of "
        "the whole run"
    )


def _strain(row: Row, pue: float) -> tuple[float, float, str]:
    """How many times its duration a row's energies were counted over, how many times may be, and by which column."""
    by_ram, by_all = row.ram_s(pue) / row.duration_s, row.energy_wh * 3600 / row.duration_s / row.own_w(pue)
    if row.tells_its_time:
        return by_ram, RAM_STEADY, "ram_power"
    if math.isfinite(by_ram):
        steps = row.release >= STEPS_SINCE
        return (by_ram if steps else min(by_ram, by_all)), RAM_OF_PROCESS, "ram_power"
    return by_all, ALL_POWERS, ""


def left_out_of(row: Row, pue: float) -> str | None:
    """A sentence where a row's energies were counted over less than its duration; None where they were not, or nothing
    tells."""
    counted_s = row.ram_s(pue)
    if not row.tells_its_time or counted_s + JITTER_S >= COUNTED * row.duration_s:
        return None
    return f"by its ram_power its energies were counted over {counted_s:.4g} of its {row.duration_s:.4g} s"


def _cause(row: Row, longer: float) -> str:
    twice_s = (longer - 1.0) * row.duration_s
    if abs(twice_s - PERIOD_S) < RACE_S and row.duration_s % PERIOD_S < RACE_S:
        return f"CodeCarbon counted {PERIOD_S:g} s twice: it was stopped at the moment of a measurement"
    if row.task is not None:
        return "CodeCarbon was set to a power usage effectiveness (--pue says which), or counted some time twice"
    return (
        "It is the total of several tasks (their file emissions_<name>_<run_id>.csv has each by itself), or of an "
        "object that was used again and whose earlier rows are gone, or CodeCarbon counted some time twice"
    )
