"""What is fixed about a model: ranges, limits of error, update intervals, input elements.

Knows: the tables of the manuals. Does not know: how anything is said to an instrument.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from meters.reading import Accuracy

VOLTAGES = (15.0, 30.0, 60.0, 150.0, 300.0, 600.0)
CURRENTS_FINE = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
CURRENTS = CURRENTS_FINE[6:]
CURRENTS_HIGH = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0)
RATES = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
RATES_E = (*RATES, 10.0, 20.0)
COUNTS = (8, 16, 32, 64)
LINE_FILTER_PERCENT = 0.3  # IM WT310E-02EN 7-8, IM WT310-02EN 7-8, IM 760401-01E 16-4, 45 to 66 Hz

_E_PAGES = "IM WT310E-02EN 7-7, 7-8: 12 months, 45 to 66 Hz; below power factor 1 add 0.1 % of the reactive power"
_OLD_PAGES = "IM WT310-02EN 7-7, 7-8: 12 months, 45 to 66 Hz; below power factor 1 add 0.2 % of the reactive power"
_WT210_PAGE = "IM 760401-01E 16-4: 12 months, 45 to 66 Hz; below power factor 1 add 0.2 % of the reactive power"


@dataclass(frozen=True, slots=True)
class Model:
    """Limits of error of the power at crest factor 3 without line filter, in percent; ranges at crest factor 3.

    Ranges: IM WT310E-01EN 2-6, 2-7; elements: IM WT310-02EN 7-9. `elements` are the input elements that are there,
    `digits` those of a value.
    """

    reading_percent: float
    range_percent: float
    source: str
    currents: tuple[float, ...]
    rates: tuple[float, ...]
    elements: tuple[int, ...] = (1,)
    digits: int = 5

    def voltage_ranges(self, crest_factor: float) -> tuple[float, ...]:
        """Return the voltage ranges in V; crest factor 6 halves them."""
        return tuple(volts * (3 / crest_factor) for volts in VOLTAGES)

    def current_ranges(self, crest_factor: float) -> tuple[float, ...]:
        """Return the current ranges in A; crest factor 6 halves them."""
        return tuple(amperes * (3 / crest_factor) for amperes in self.currents)

    def accuracy(self, crest_factor: float, line_filter: bool) -> Accuracy:
        """Return the limits of error of the power; crest factor 6 doubles the part of the range."""
        reading_percent = self.reading_percent + (LINE_FILTER_PERCENT if line_filter else 0.0)
        return Accuracy(reading_percent, self.range_percent * (crest_factor / 3), 0.0, self.source)


MODELS: Mapping[str, Model] = {
    "WT310E": Model(0.1, 0.05, _E_PAGES, CURRENTS_FINE, RATES_E),
    "WT310EH": Model(0.1, 0.05, _E_PAGES, CURRENTS_HIGH, RATES_E),
    "WT332E": Model(0.1, 0.05, _E_PAGES, CURRENTS, RATES_E, (1, 3)),
    "WT333E": Model(0.1, 0.05, _E_PAGES, CURRENTS, RATES_E, (1, 2, 3)),
    "WT310": Model(0.1, 0.1, _OLD_PAGES, CURRENTS_FINE, RATES),
    "WT310HC": Model(0.1, 0.1, _OLD_PAGES, CURRENTS_HIGH, RATES),
    "WT332": Model(0.1, 0.1, _OLD_PAGES, CURRENTS, RATES, (1, 3)),
    "WT333": Model(0.1, 0.1, _OLD_PAGES, CURRENTS, RATES, (1, 2, 3)),
}
# The page gives 3 months; 12 months add half of the reading error. It names itself by its model code.
_WT210_MODEL = Model(0.15, 0.1, _WT210_PAGE, CURRENTS_FINE, RATES, digits=4)
WT210_MODELS: Mapping[str, Model] = {"760401": _WT210_MODEL, "WT210": _WT210_MODEL}
