"""How the two families spell what is said to them: headers of settings, names of values.

Knows: WT310 and WT210 by their drivers' names, the models of each. Does not know: how a message is made of it
(`meters.yokogawa.codec`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from meters.meter import MeterGarbage
from meters.reading import Identity
from meters.yokogawa.models import MODELS, WT210_MODELS, Model

WT310 = "wt310"
WT210 = "wt210"

Quantity = Literal[
    "voltage_v", "current_a", "power_w", "apparent_power_va", "power_factor", "frequency_hz", "energy_wh"
]
QUANTITIES: tuple[Quantity, ...] = (
    *("voltage_v", "current_a", "power_w", "apparent_power_va", "power_factor", "frequency_hz"),
    "energy_wh",
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one family spells what is said to it: headers of settings, names of values in the order they come."""

    driver: str
    models: Mapping[str, Model]
    headers: Mapping[str, str]
    items: tuple[str, ...]
    values: str
    integrator_state: str
    hint: str


WT310_DIALECT = Dialect(
    driver=WT310,
    models=MODELS,
    headers={
        **{"hold": ":HOLD", "max_hold": ":MEAS:MHOL", "mode": ":INP:MODE", "scaling": ":INP:SCAL:STAT"},
        **{"crest_factor": ":INP:CFAC", "rate": ":RATE", "sync": ":INP:SYNC"},
        **{"voltage_auto": ":INP:VOLT:AUTO", "voltage_range": ":INP:VOLT:RANG"},
        **{"current_auto": ":INP:CURR:AUTO", "current_range": ":INP:CURR:RANG"},
        **{"line_filter": ":INP:FILT:LINE", "frequency_filter": ":INP:FILT:FREQ"},
        **{"averaging": ":MEAS:AVER:STAT", "averaging_type": ":MEAS:AVER:TYPE", "averaging_count": ":MEAS:AVER:COUN"},
    },
    items=("U", "I", "P", "S", "LAMB", "FU", "WH"),
    values=":NUM:NORM:VAL?",
    integrator_state=":INTEG:STAT?",
    hint="if it does not know the command, set its command type to WT300 on the panel",
)
WT210_DIALECT = Dialect(
    driver=WT210,
    models=WT210_MODELS,
    headers={
        **{"hold": ":SAMP:HOLD", "max_hold": ":CONF:MHOL", "mode": ":CONF:MODE", "scaling": ":CONF:SCAL:STAT"},
        **{"crest_factor": ":CONF:CFAC", "rate": ":SAMP:RATE", "sync": ":CONF:SYNC"},
        **{"voltage_auto": ":CONF:VOLT:AUTO", "voltage_range": ":CONF:VOLT:RANG"},
        **{"current_auto": ":CONF:CURR:AUTO", "current_range": ":CONF:CURR:RANG"},
        **{"line_filter": ":CONF:LFIL", "frequency_filter": ":CONF:FILT"},
        **{"averaging": ":CONF:AVER:STAT", "averaging_type": ":CONF:AVER:TYPE"},
    },
    items=("V", "A", "W", "VA", "PF", "VHZ", "WH"),
    values=":MEAS:VAL?",
    integrator_state="",  # it has no such question; the condition register says whether the integrator runs
    hint="set its communication to the 488.2 mode on the panel",
)
WT210_OTHER_ITEMS = ("VAR", "DEGR", "AHZ", "VPK", "APK", "WHP", "WHM", "AH", "AHP", "AHM", "MATH", "TIME")


def find_model(dialect: Dialect, identity: Identity) -> Model:
    """Return what is fixed about the model of this identity; raises `MeterGarbage` for one of another family."""
    model = dialect.models.get(identity.model.partition("-")[0])
    if model is None:
        known = ", ".join(dialect.models)
        raise MeterGarbage(
            f"found a {identity.model}, expected one of {known}; name its driver instead of {dialect.driver}, or "
            + dialect.hint
        )
    return model
