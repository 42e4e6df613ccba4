"""Power, energy and the rest of an electricity meter out of its OBIS registers, whatever telegram brought them.

Knows: which code is which quantity (DLMS UA Blue Book), what may be added to what, limits of error by the class on the
plate, how what was left out or taken by convention is said. Does not know: how a register reads on the wire
(`meters.sml`, `meters.iec62056`).

Power is 16.7.0, else 1.7.0 less what is delivered (2.7.0), else what a kind of meter has in their place, else the sum
of the phases, where all phases that the meter speaks of have one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from meters.options import Option
from meters.reading import Accuracy, Column, Description, Reading, within

Unit = Literal["W", "Wh", "V", "A", "Hz"]

# Group C of a phase is that of all phases and 20, 40 or 60 more.
NET, DRAWN, DELIVERED = 16, 1, 2
PHASES = {"L1": 20, "L2": 40, "L3": 60}
VOLTAGE, CURRENT, FREQUENCY = "32.7.0", "31.7.0", "14.7.0"
OTHER_CURRENTS = ("51.7.0", "71.7.0")
ENERGY = "1.8.0"
TARIFFS = tuple(f"1.8.{tariff}" for tariff in range(1, 5))
HIGHEST: tuple[tuple[str, Unit, str, float], ...] = (
    ("voltage_v", "V", VOLTAGE, 400.0),
    ("current_a", "A", CURRENT, 100.0),
    ("frequency_hz", "Hz", FREQUENCY, 70.0),
)

RANGE_W = Option(41400.0, "W, above which a reading is overrange; 3 x 60 A x 230 V", low=1.0, high=1e6)
ACCURACY_CLASS = Option("unknown", "class on the meter's plate (MID: A, B, C)", choices=("unknown", "A", "B", "C"))
_PLATE = "EN 50470-3 class {} as on the meter's plate: energy from I_tr to I_max at power factor 1; power taken alike"
ACCURACY = {
    name: Accuracy(percent, 0.0, 0.0, _PLATE.format(name)) for name, percent in (("A", 2.0), ("B", 1.0), ("C", 0.5))
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """What registers say of a quantity: its value (`None`: there is none), of which codes as the meter writes them,
    the step of its last digit, what an operator should know."""

    value: float | None
    codes: tuple[str, ...] = ()
    step: float = 1.0
    remark: str = ""


class Registers(ABC):
    """The registers of one telegram or readout."""

    decimals: ClassVar[int]
    """To how many of them a sum is rounded."""
    highest_wh: ClassVar[float]
    """What the register of energy can show."""
    power_codes: ClassVar[str]
    """Where a power of all phases is looked for."""

    @abstractmethod
    def find(self, code: str, unit: Unit) -> Quantity | None:
        """Return a register of electricity (`16.7.0`) in `unit`, `None` where the meter has no such register.

        Its value is `None` where it is no number; where it is not understood, a remark says why.
        """

    @abstractmethod
    def momentary_groups(self) -> Iterable[int]:
        """Return group C of every momentary value of electricity."""

    def power_at(self, code: str, *, alone: bool) -> Quantity | None:
        """Return a register of power; `alone`: the meter has no other power, or this is that of all phases."""
        return self.find(code, "W")

    def power_in_place(self) -> Quantity | None:
        """Return the power of all phases from a register that only this kind of meter has."""
        return None

    def power(self) -> Quantity:
        """Return the active power in W as the meter says it: drawn, negative when delivered."""
        power = self._power_of(0, alone=True) or self.power_in_place() or self._power_of_phases()
        return power or Quantity(None, remark=f"the meter sends no active power ({self.power_codes}, or by phase)")

    def _power_of(self, phase: int, *, alone: bool) -> Quantity | None:
        """Return the power of all phases (0) or of one (20, 40, 60): net, else drawn less delivered."""
        net = self.power_at(f"{NET + phase}.7.0", alone=alone)
        if net is not None:
            return net
        drawn = self.power_at(f"{DRAWN + phase}.7.0", alone=alone)
        delivered = self.find(f"{DELIVERED + phase}.7.0", "W")
        if drawn is None or delivered is None:
            return drawn
        return self._sum([drawn, replace(delivered, value=None if delivered.value is None else -delivered.value)])

    def _power_of_phases(self) -> Quantity | None:
        """Return the sum of the phases; a meter that speaks of a phase without its power has no sum."""
        spoken = {name for name, phase in PHASES.items() if self._speaks_of(phase)}
        powers = {name: self._power_of(phase, alone=len(spoken) == 1) for name, phase in PHASES.items()}
        present = {name: power for name, power in powers.items() if power is not None}
        if not present:
            return None
        codes = ", ".join(code for power in present.values() for code in power.codes)
        if spoken != set(present) or len(present) not in (1, len(PHASES)):
            lacking = ", ".join(sorted((spoken | (set(PHASES) if len(present) > 1 else set())) - set(present)))
            remark = f"power stands at {codes} only, without {lacking}: phases that lack give no sum"
            return Quantity(None, remark=remark)
        total = self._sum(list(present.values()))
        return replace(total, remark=total.remark or f"power is taken from the phases: {codes}")

    def _speaks_of(self, phase: int) -> bool:
        """Whether the meter has a momentary value (power, current, voltage, angle) of a phase: C 21 to 39 for L1."""
        return any(phase < group < phase + 20 for group in self.momentary_groups())

    def _sum(self, parts: Sequence[Quantity]) -> Quantity:
        values = [part.value for part in parts if part.value is not None]
        total = round(sum(values), self.decimals) if len(values) == len(parts) else None
        codes = tuple(code for part in parts for code in part.codes)
        remark = next((part.remark for part in parts if part.remark), "")
        return Quantity(total, codes, max(part.step for part in parts), remark)

    def energy(self) -> Quantity:
        """Return the register of energy drawn in Wh: 1.8.0, else the sum of its tariffs, where each is a number."""
        total = self.find(ENERGY, "Wh")
        if total is not None and total.value is not None:
            return total
        tariffs = [tariff for code in TARIFFS if (tariff := self.find(code, "Wh")) is not None]
        return self._sum(tariffs) if tariffs else total or Quantity(None)

    def reading(self, time_ns: int, range_w: float, flags: frozenset[str]) -> Reading:
        """Return the registers as SI values with `flags` and their own; voltage is that of phase L1.

        The current of phase L1 is left out where there are others: power is that of all phases.
        """
        power_w, own_flags = within(self.power().value, range_w)
        is_single = all(self.find(code, "A") is None for code in OTHER_CURRENTS)
        return Reading(
            time_ns=time_ns,
            power_w=power_w,
            voltage_v=self._value(VOLTAGE, "V"),
            current_a=self._value(CURRENT, "A") if is_single else None,
            frequency_hz=self._value(FREQUENCY, "Hz"),
            energy_wh=self.energy().value,
            window_s=0.0,
            flags=flags | own_flags,
        )

    def _value(self, code: str, unit: Unit) -> float | None:
        quantity = self.find(code, unit)
        return None if quantity is None else quantity.value

    def describe(
        self, driver: str, latency_s: float, range_w: float, accuracy: Accuracy | None, troubles: Sequence[str] = ()
    ) -> Description:
        """Return the columns of what the meter has sent, and what of it was left out or taken by convention.

        `latency_s` is how long it took on the line, `troubles` what the codec did not understand.
        """
        power, energy = self.power(), self.energy()
        columns = [Column("power_w", "W", power.step, (-range_w, range_w), accuracy)]
        remarks = [*troubles, power.remark, energy.remark]
        for name, unit, code, highest in HIGHEST:
            quantity = self.find(code, unit)
            if quantity is not None:
                columns.append(Column(name, unit, quantity.step, (0.0, highest), None))
                remarks.append(quantity.remark)
        columns.append(Column("energy_wh", "Wh", energy.step, (0.0, self.highest_wh), accuracy))
        return Description(
            driver=driver,
            averaging="instantaneous",
            window_s=0.0,
            stamp="unknown",
            latency_s=latency_s,
            columns=tuple(columns),
            tier="indicative",
            remarks=tuple(remark for remark in remarks if remark),
        )
