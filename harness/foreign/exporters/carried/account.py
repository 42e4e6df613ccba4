"""What every export carries of one scenario: its figures with U, whose readings they are, and the digests behind them.

Knows results.json and the certificate beside it. Knows no form of an export.

Decisions
- The figures are those of `derived/results.json` as it lies there, and its SHA-256 goes along: an export can be held
  against the campaign, whose own documents `wattlab verify` checks.
- The label says how much of a measurement it is: `measured` only by a meter of this lab's own; `imported`, `estimated`,
  `emulated` and `unattested` figures are called so in every export, whatever field of another's form they stand in.
- No export claims that anything conforms to anything.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.record.campaign_folder import DERIVED
from harness.record.documents import VERSION, Json, load_object
from harness.record.errors import ExportError, why
from harness.record.plain_files import read_named
from reports.results.document import RESULTS, Results, results_in
from reports.results.qualification import QUALIFICATION
from reports.results.scenario import ScenarioResult
from reports.results.uncertainty import Number

LABELS: Mapping[str, str] = {
    "instrument": "measured", "attested": "measured", "declared": "measured", "imported": "imported",
    "unattested": "unattested", "estimated": "estimated", "emulated": "emulated",
}  # fmt: skip
NO_CLAIM = "Data for that document. No conformity with any standard, rule or law is claimed."
KWH_OF_WH = 1e-3
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Account:
    """One scenario of a campaign as it is exported; `energy` is per run, baseline included."""

    campaign: Path
    results: Results
    results_sha256: str
    certificate: Json | None
    """`sha256`, and where it is known `campaign` and `meter`, of the certificate behind the figures; None: none is."""
    scenario: str
    part: ScenarioResult
    energy: Number

    @property
    def label(self) -> str:
        """In one word, whose readings they are."""
        return LABELS.get(self.results.measurement.origin, self.results.measurement.origin)

    @property
    def per_unit(self) -> Mapping[str, Number]:
        """Unit of useful work -> energy of one, Wh."""
        return {work.work: work.energy_wh for work in self.part.energy_per_work if work.energy_wh is not None}

    def to_json(self) -> Json:
        """The account as every export holds it: `label`, `origin`, figures with `U`, digests, and that nothing is
        claimed."""
        part, results = self.part, self.results
        figures = {
            "energy_wh": self.energy, "induced_energy_wh": part.induced_energy_wh, "mean_power_w": part.mean_power_w,
            "duration_s": part.duration_s,
        }  # fmt: skip
        return {
            "schema": SCHEMA,
            "label": self.label,
            "origin": results.measurement.origin,
            "said_of_origin": results.measurement.sentence,
            "campaign": results.campaign.name,
            "scenario": self.scenario,
            "runs": int(part.n_runs.value),
            "figures": {name: figure_of(number) for name, number in figures.items() if number is not None},
            "energy_wh_per_unit": {unit: figure_of(number) for unit, number in self.per_unit.items()},
            "scenario_invalid_because": list(part.invalid_because),
            "verdict": results.verdict.word,
            "first_utc": results.campaign.first_utc,
            "last_utc": results.campaign.last_utc,
            "computed_by": f"wattlab {results.computed_by.version}",
            "exported_by": f"wattlab {VERSION}",
            "results_json_sha256": self.results_sha256,
            "certificate": self.certificate,
            "conformity": NO_CLAIM,
        }


def figure_of(number: Number) -> Json:
    """A figure with what it rests on: `U` is the expanded uncertainty of 95 %, null where it is not known."""
    return {
        "value": number.value, "unit": number.unit, "U": number.expanded, "coverage": "95 %",
        "n": number.n, "sd": number.sd,
    }  # fmt: skip


def account_of(campaign: Path, scenario: str | None) -> Account:
    """What is exported of a scenario of a campaign.

    Raises:
        ExportError: no results.json, no such scenario, several of them and none named, none with an energy.
        DocumentError: results.json is none.
    """
    content = _read(campaign / DERIVED / RESULTS, "make it: wattlab report CAMPAIGN")
    results = results_in(load_object(content, RESULTS))
    name = _chosen(campaign, results, scenario)
    part = results.scenarios[name]
    if part.energy_wh is None:
        raise ExportError(f"{campaign}: no run of {name!r} enters a mean, so it has no energy; see `wattlab report`")
    digest = hashlib.sha256(content).hexdigest()
    return Account(campaign, results, digest, _certificate(campaign, results), name, part, part.energy_wh)


def _chosen(campaign: Path, results: Results, scenario: str | None) -> str:
    names = list(results.scenarios)
    if scenario is None and len(names) == 1:
        return names[0]
    if scenario is None or scenario not in results.scenarios:
        asked = "several scenarios" if scenario is None else f"no scenario {scenario!r}"
        raise ExportError(f"{campaign}: {asked}; name one of {', '.join(names) or 'none'} with --scenario")
    return scenario


def _certificate(campaign: Path, results: Results) -> Json | None:
    """Of the certificate by which the power was estimated, else of the campaign's own."""
    if (told := results.measurement.certificate) is not None:
        return {"sha256": told.get("certificate_sha256"), "campaign": told.get("campaign"), "meter": told.get("meter")}
    file = campaign / DERIVED / QUALIFICATION
    if not file.is_file():
        return None
    return {"sha256": hashlib.sha256(_read(file, "copy it again")).hexdigest(), "campaign": results.campaign.name}


def _read(file: Path, remedy: str) -> bytes:
    try:
        return read_named(file)
    except OSError as error:
        raise ExportError(f"{file}: cannot be read ({why(error)}); {remedy}") from None
