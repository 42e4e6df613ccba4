"""Where the readings come from: the meters of a campaign, their origins, and how far two on one circuit are apart.

Knows descriptors and energies of analysed runs. Knows no mean of a scenario.
"""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from harness.record.documents import Json, PowerDescriptor
from reports.campaign.run import AnalysedRun
from reports.findings import catalogue
from reports.findings import run as findings_run
from reports.results.codec import encoded
from reports.results.uncertainty import count, mean_of, single

ORIGINS = ("emulated", "unattested", "imported", "declared", "attested", "instrument")
"""Worst first: a campaign is what its worst meter is."""
SENTENCES = {
    "emulated": "read from an emulated meter: a demonstration, not a measurement",
    "unattested": "read over a connection that does not show which instrument is behind it",
    "imported": "measured by another lab and imported; the instrument is what that lab says it is",
    "declared": "read over a network from the instrument that the lab declares to be there; nothing else shows it",
    "attested": "read over TLS from the holder of the key that the lab registered for the instrument",
    "instrument": "read from an instrument whose port and identity were recorded",
    "none": "no power was recorded",
}


def measurement_section(runs: Sequence[AnalysedRun]) -> tuple[Json, list[Json]]:
    """Where the readings come from, and every meter once, as its first run describes it."""
    seen: dict[str, list[PowerDescriptor]] = {}
    for run in runs:
        for descriptor in run.run.power:
            seen.setdefault(descriptor.meter, []).append(descriptor)
    everyone = [descriptor for descriptors in seen.values() for descriptor in descriptors]
    origins = {descriptor.origin for descriptor in everyone}
    origin = next((origin for origin in ORIGINS if origin in origins), "none")
    roles = {meter: "headline" for run in runs for meter in run.series.primary_meters}
    fed = {circuit for run in runs for circuit in run.series.circuits}
    meters = []
    for meter, descriptors in seen.items():
        plain = asdict(descriptors[0])
        keys = ["meter", "circuit", "identity", "evidence", "averaging", "window_s", "stamp", "latency_s"]
        keys += ["ranging", "tier", "columns"]
        worst = next(o for o in ORIGINS if o in {d.origin for d in descriptors})
        role = roles.get(meter, "cross-check" if descriptors[0].circuit in fed else "other")
        meters.append(
            {key: plain[key] for key in keys}
            | {"role": role, "origin": worst, "calibration": plain["calibration"], "n_runs": len(descriptors)}
            | {"assumed_percent": _assumed_percent(runs, meter)}
        )
    listed = [
        {
            "meter": meter["meter"], "origin": meter["origin"], "evidence": meter["evidence"],
            "sentence": _meter_sentence(meter),
        }
        for meter in meters
    ]  # fmt: skip
    sentence = f"Power was {SENTENCES[origin]}." if meters else "No power was recorded."
    circuits = sorted({circuit for run in runs for circuit in run.series.circuits}) if meters else []
    return {"origin": origin, "sentence": sentence, "circuits": circuits, "meters": listed}, meters


def _assumed_percent(runs: Sequence[AnalysedRun], meter: str) -> float | None:
    """The limit of error (% of the reading) that is assumed of a meter; None where one is stated."""
    own = (part for run in runs if run.own_terms for part in run.own_terms.parts if part.error.meter == meter)
    first = next(own, None)
    if first is None or first.error.known or first.reported_j is not None:
        return None
    return 100 * first.error.assumed


def _meter_sentence(meter: Json) -> str:
    """Where a meter's readings come from, and on whose word."""
    sentence = f"The meter {meter['meter']} was {SENTENCES[str(meter['origin'])]}"
    if meter["origin"] == "declared":
        return f"{sentence}: {catalogue.declared_words(meter['evidence'])}."
    if meter["origin"] == "attested":
        evidence = meter["evidence"]
        key = evidence.get("tls_public_key_sha256") or evidence.get("tls_sha256")
        return f"{sentence} {evidence.get('instrument')} (SHA-256 {key})."
    return f"{sentence}."


def cross_checks(runs: Sequence[AnalysedRun]) -> list[Json]:
    """Each pair of meters on one circuit: how far the second is from the first over the runs that both measured."""
    pairs: dict[tuple[str, str, str], list[tuple[float, float | None]]] = {}
    for run in runs:
        for (one, other), (one_j, other_j) in zip(run.series.double_meters, run.doubles_j, strict=True):
            key = (one.circuit, one.meter, other.meter)
            limit_w = findings_run.joint_limit_w(one, other, (one_j + other_j) / 2 / run.duration_s)
            if one_j:
                limit = None if limit_w is None else 100 * limit_w * run.duration_s / one_j
                pairs.setdefault(key, []).append((100 * (other_j / one_j - 1), limit))
    found = []
    for (circuit, *meters), values in pairs.items():
        limits = np.array([np.nan if limit is None else limit for _difference, limit in values])
        difference = mean_of(np.array([difference for difference, _limit in values]), "%")
        together = single(float(limits.mean()), "%") if np.isfinite(limits).all() else None
        shown = {"difference": encoded(difference), "limit": encoded(together), "n_runs": count(len(values)).to_json()}
        found.append({"circuit": circuit, "meters": meters, **shown})
    return found
