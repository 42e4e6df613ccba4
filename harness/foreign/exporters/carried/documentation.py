"""The energy fields that ITU-T L.1801 and the EU AI Act's model documentation ask for, as data for them.

Knows which fields those are, in our words, and where they stand. Knows no file.

- EU AI Act (Regulation (EU) 2024/1689), Annex XI, section 1, point 2 (d) and (e): training time, and the known or
  estimated energy consumption of the model. The provider's Model Documentation asks for MWh of the training, with at
  least two significant figures, and for how they were had.
- ITU-T L.1801 (02/2026) assesses an AI system over its life cycle by the LCA of L.1410; the use stage needs the
  electricity that the system uses, per functional unit, the boundary and the quality of the data. Its own tables were
  not at hand when this was written: the names of the fields here are ours.
"""

from typing import Literal, TypeAlias

from harness.foreign.exporters.carried.account import KWH_OF_WH, NO_CLAIM, Account, figure_of
from harness.foreign.exporters.carried.spdx import Stage
from harness.record.documents import Json
from reports.results.uncertainty import Estimate, Number

MWH_OF_WH = 1e-6
Quality: TypeAlias = Literal["measured", "measured by another lab, imported", "estimated", "not a measurement"]


def ai_act_of(account: Account, stage: Stage) -> Json:
    """Data for the energy fields of the technical documentation of a general-purpose AI model."""
    runs = int(account.part.n_runs.value)
    return {
        "data_for": "Regulation (EU) 2024/1689, Annex XI, section 1, point 2 (d) and (e)",
        "stage": stage,
        "energy_consumption": figure_of(scaled(account.energy, MWH_OF_WH, "MWh")),
        "known_or_estimated": _quality(account),
        "duration_s": None if account.part.duration_s is None else figure_of(account.part.duration_s),
        "covers": f"the mean of {runs} runs of {account.scenario!r}; what was not run in it is not in it",
        "methodology": _methodology(account),
        "account": account.to_json(),
        "conformity": NO_CLAIM,
    }


def l1801_of(account: Account, unit: str | None) -> Json:
    """Data for the use stage of an assessment by ITU-T L.1801."""
    per_unit = account.per_unit.get(unit) if unit else None
    return {
        "data_for": "ITU-T L.1801 (02/2026), use stage: electricity of the AI system",
        "life_cycle_stage": "use",
        "functional_unit": unit or f"one run of {account.scenario!r}",
        "electricity": figure_of(scaled(per_unit or account.energy, KWH_OF_WH, "kWh")),
        "electricity_less_baseline": None
        if account.part.induced_energy_wh is None
        else figure_of(scaled(account.part.induced_energy_wh, KWH_OF_WH, "kWh")),
        "system_boundary": {
            "circuits": list(account.results.measurement.circuits),
            "not_included": ["cooling and power distribution of the building", "networks outside these circuits",
                             "hardware's production and end of life"],
        },
        "data_quality": {"source": _quality(account), "sentence": account.results.measurement.sentence},
        "period": {"first_utc": account.results.campaign.first_utc, "last_utc": account.results.campaign.last_utc},
        "account": account.to_json(),
        "conformity": NO_CLAIM,
    }  # fmt: skip


def scaled(number: Number, factor: float, unit: str) -> Number:
    """A number in another unit."""
    estimate = number.estimate
    u = None if estimate.u is None else estimate.u * factor
    sd = None if number.sd is None else number.sd * factor
    return Number(Estimate(estimate.value * factor, u, estimate.dof), unit, sd, number.n)


def _quality(account: Account) -> Quality:
    """An imported figure was measured by somebody else, who vouches for it; an emulated one was not at all."""
    words: dict[str, Quality] = {
        "measured": "measured",
        "imported": "measured by another lab, imported",
        "estimated": "estimated",
    }
    return words.get(account.label, "not a measurement")


def _methodology(account: Account) -> str:
    how = {
        "measured": "an external power meter before the machine",
        "imported": "the power readings that another lab recorded and vouches for",
        "estimated": "what software computes from the machine's counters or a UPS's load, where a certificate is named "
        "with its U",
        "emulated": "an emulated meter: these figures show the pipeline and no consumption",
    }.get(account.label, "a connection that does not show which instrument is behind it")
    return f"{how}; energy by exact overlap with the run's interval, U by the GUM, of 95 %"
