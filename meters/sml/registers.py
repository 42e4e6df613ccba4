"""Power, energy and identity out of the value list of a telegram.

Knows: units, status words, what DZG meters do. Does not know: which code is which quantity (`meters.obis`), bytes
(`meters.sml.elements`), when a telegram comes (`meters.sml.dialogue`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from meters.obis import Quantity, Registers, Unit
from meters.reading import Identity, Reading
from meters.sml.elements import ENERGY, SCALER_LIMIT, Number, Telegram, name_of, obis_of

# DLMS unit codes (Blue Book, enumeration `unit`).
W, WH, V, A, HZ = 27, 30, 35, 33, 44
UNITS: Mapping[Unit, int] = {"W": W, "Wh": WH, "V": V, "A": A, "Hz": HZ}

POWER_ABSOLUTE = "15.7.0"
ENERGY_TARIFFS = tuple(obis_of(f"1-0:1.8.{tariff}*255") for tariff in range(1, 5))
ENERGY_EXPORT = obis_of("1-0:2.8.0*255")
MAKERS = (obis_of("129-129:199.130.3*255"), obis_of("1-0:96.50.1*1"))
FIRMWARES = (obis_of("1-0:0.2.0*0"), obis_of("1-0:0.2.0*255"))
SHORT_BYTES = 4  # a DZG's power that is sent in fewer may be one too large for them


def draws(telegram: Telegram) -> bool | None:
    """Whether the status word of the energy register says that power is drawn (not delivered); `None`: not told."""
    for obis in (ENERGY, *ENERGY_TARIFFS, ENERGY_EXPORT):
        entry = telegram.entries.get(obis)
        if entry is not None and entry.status is not None:
            if entry.status & 0xFF == 0x04:
                return not entry.status & 0x2000
            return not entry.status & 0x20 if entry.status & 0x80 else None
    return None


class TelegramRegisters(Registers):
    """The registers of one telegram."""

    decimals = SCALER_LIMIT
    highest_wh = 1e12
    power_codes = "16.7.0, 1.7.0, 15.7.0"

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram

    def find(self, code: str, unit: Unit) -> Quantity | None:
        """Return a register in `unit`, `None` where the meter has no such one; where it is not understood it has no
        value and a remark that says why."""
        obis = _obis(code)
        entry = self._telegram.entries.get(obis)
        if entry is None:
            return None
        name, step = name_of(obis), 10.0**entry.scaler
        if not isinstance(entry.value, Number):
            return Quantity(None, (name,), step)
        if entry.unit != UNITS[unit]:
            remark = f"{name} is not read: found unit {entry.unit}, expected {UNITS[unit]}"
            return Quantity(None, (name,), step, remark)
        value = entry.value.value
        scaled = float(value * 10**entry.scaler) if entry.scaler >= 0 else value / 10**-entry.scaler
        return Quantity(scaled, (name,), step)

    def momentary_groups(self) -> Iterable[int]:
        """Return group C of every momentary value of electricity."""
        return (obis[2] for obis in self._telegram.entries if obis[0] == 1 and obis[3] == 7)

    def power_at(self, code: str, *, alone: bool) -> Quantity | None:
        """Return a register of power; what a DZG meter does to one that is too large for the signed number it sends is
        undone where the direction in the status word is that of this power (`alone`)."""
        quantity = self.find(code, "W")
        if quantity is None or text_of(self._telegram, MAKERS) != "DZG":
            return quantity
        entry = self._telegram.entries[_obis(code)]
        number = entry.value
        if not isinstance(number, Number) or number.value >= 0 or number.size >= SHORT_BYTES:
            return quantity
        if not alone:
            (name,) = quantity.codes
            remark = f"{name} is not read: {number.value} of a DZG is a phase that delivers, or a large power"
            return replace(quantity, value=None, remark=remark)
        if not draws(self._telegram):
            return quantity
        value = number.value + (1 << 8 * number.size)
        return replace(quantity, value=value * 10.0**entry.scaler if entry.scaler >= 0 else value / 10**-entry.scaler)

    def power_in_place(self) -> Quantity | None:
        """Return the power without a sign (15.7.0), with that of the status word."""
        absolute = self.find(POWER_ABSOLUTE, "W")
        if absolute is None or not absolute.value:
            return absolute
        absolute = self.power_at(POWER_ABSOLUTE, alone=True)
        assert absolute is not None
        assert absolute.value is not None
        is_drawn = draws(self._telegram)
        if is_drawn is None:
            remark = "15.7.0 is not read: no status word says whether this power is drawn or delivered"
            return replace(absolute, value=None, remark=remark)
        return absolute if is_drawn else replace(absolute, value=-absolute.value)


def _obis(code: str) -> bytes:
    return obis_of(f"1-0:{code}*255")


def text_of(telegram: Telegram, codes: tuple[bytes, ...]) -> str:
    """Return the first of `codes` that is a text, as printable ASCII; empty if there is none."""
    for obis in codes:
        entry = telegram.entries.get(obis)
        if entry is not None and isinstance(entry.value, bytes):
            return "".join(chr(byte) for byte in entry.value if 0x20 < byte < 0x7F)
    return ""


def serial_text(server_id: bytes) -> str:
    """Return a server identity as on the plate: `1ISK0075126084` (DIN 43863-5), else its text, else its hex."""
    letters = server_id[2:5]
    if len(server_id) == 10 and server_id[0] == 0x0A and letters.isalpha() and letters.isascii():
        number_text = f"{int.from_bytes(server_id[6:], 'big'):08d}"
        return f"{server_id[1]:X}{letters.decode('ascii')}{server_id[5]:02X}{number_text}"
    return server_id.decode("ascii") if server_id.isalnum() and server_id.isascii() else server_id.hex()


def identify(telegram: Telegram) -> Identity:
    """Return maker, serial number and firmware as the meter gives them; it does not tell its model."""
    return Identity(text_of(telegram, MAKERS), "", serial_text(telegram.server_id), text_of(telegram, FIRMWARES))


def to_reading(telegram: Telegram, time_ns: int, range_w: float, flags: frozenset[str]) -> Reading:
    """Return the telegram as SI values with `flags` and its own (`meters.obis.Registers.reading`)."""
    return TelegramRegisters(telegram).reading(time_ns, range_w, flags)
