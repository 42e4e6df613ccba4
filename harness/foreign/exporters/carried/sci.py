"""The Green Software Foundation's Impact Framework: a manifest with the energy input of an SCI score.

Knows the form of a manifest (Green-Software-Foundation/if). Knows no file.

An input's `energy` is in kWh, as SCI (ISO/IEC 21031) has it. What SCI asks beside it, carbon intensity of the grid and
embodied carbon, no power meter measures: they are left to who computes a score. Where the program marks useful work, a
plugin divides the energy by it: kWh per functional unit. Every input carries label, U and digests in `wattlab`.
"""

from harness.foreign.exporters.carried.account import KWH_OF_WH, NO_CLAIM, Account
from harness.record.documents import Json

METHOD = "energy-per-unit"


def manifest_of(account: Account, unit: str | None) -> Json:
    """The manifest; `unit` is the functional unit, a kind of work that the program marked, None: energies alone."""
    included = [run for run in account.results.runs if run.included and run.scenario == account.scenario]
    inputs: list[Json] = []
    for run in included:
        if run.energy_wh is None or run.duration_s is None:
            continue
        expanded = run.energy_wh.expanded
        told = {
            "label": account.label,
            "origin": account.results.measurement.origin,
            "energy-U-kwh": None if expanded is None else expanded * KWH_OF_WH,
            "run": run.folder,
            "manifest-sha256": run.manifest,
            "results-json-sha256": account.results_sha256,
            "certificate-sha256": (account.certificate or {}).get("sha256"),
        }
        work = {unit: run.work[unit]} if unit and run.work and unit in run.work else {}
        inputs.append(
            {"timestamp": run.start_utc, "duration": run.duration_s.value, "energy": run.energy_wh.value * KWH_OF_WH}
            | work
            | {"wattlab": told}
        )
    plugins = _plugins(unit) if unit else {}
    return {
        "name": f"{account.results.campaign.name} {account.scenario}",
        "description": f"{account.label}: {account.results.measurement.sentence} {NO_CLAIM}",
        "tags": {"kind": "energy", "category": account.label},
        "initialize": {"plugins": plugins},
        "tree": {
            "children": {
                account.scenario: {"pipeline": {"compute": [METHOD] if unit else []}, "inputs": inputs},
            },
            "wattlab": account.to_json(),
        },
    }


def _plugins(unit: str) -> Json:
    config = {"numerator": "energy", "denominator": unit, "output": "energy-per-unit"}
    return {METHOD: {"path": "builtin", "method": "Divide", "config": config}}
