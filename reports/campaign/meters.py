"""Where the readings come from: the meters of a campaign, their origins, and how far two on one circuit are apart.

Knows descriptors and energies of analysed runs. Knows no mean of a scenario.
"""

from collections.abc import Mapping, Sequence
from typing import get_args

import numpy as np

from harness.record.documents import Json, PowerDescriptor
from reports.campaign.run import AnalysedRun
from reports.findings import lab_rules, meter_rules
from reports.results.meters import QUALIFIED, CampaignOrigin, CrossCheck, Measurement, Meter, MeterSource, Origin, Role
from reports.results.uncertainty import count, mean_of, single

ORIGINS: tuple[Origin, ...] = get_args(Origin)
SENTENCES: Mapping[CampaignOrigin, str] = {
    "emulated": "read from an emulated meter: a demonstration, not a measurement",
    "estimated": "estimated by software, from counters of the machine or a UPS's load: no power meter measured it",
    "unattested": "read over a connection that does not show which instrument is behind it",
    "imported": "measured by another lab and imported; the instrument is what that lab says it is",
    "declared": "read over a network from the instrument that the lab declares to be there; nothing else shows it",
    "attested": "read over TLS from the holder of the key that the lab registered for the instrument",
    "instrument": "read from an instrument whose port and identity were recorded",
    "none": "no power was recorded",
}


def measurement_section(runs: Sequence[AnalysedRun]) -> tuple[Measurement, tuple[Meter, ...]]:
    """Where the readings come from, and every meter once, as its first run describes it."""
    descriptors: dict[str, list[PowerDescriptor]] = {}
    for run in runs:
        for descriptor in run.run.power:
            descriptors.setdefault(descriptor.meter, []).append(descriptor)
    meters = tuple(_meter(runs, own) for own in descriptors.values())
    if not meters:
        return Measurement("none", "No power was recorded.", (), ()), ()
    origin = _worst(meters)
    circuits = tuple(sorted({circuit for run in runs for circuit in run.series.circuits}))
    sources = tuple(MeterSource(meter.meter, meter.origin, meter.evidence, _meter_sentence(meter)) for meter in meters)
    certificates = [one for meter in meters if isinstance(one := meter.evidence.get(QUALIFIED), dict)]
    words = qualified_words(certificates[0]) if certificates else SENTENCES[origin]
    return Measurement(origin, f"Power was {words}.", circuits, sources), meters


def qualified_words(certificate: Json) -> str:
    """How a qualified software meter came to the power, and by which certificate."""
    return (
        f"estimated by a qualified software meter ({certificate['meter']}), not measured; it was qualified on "
        f"{certificate['date']} with a power meter in the campaign {certificate['campaign']!r} (certificate SHA-256 "
        f"{certificate['certificate_sha256']})"
    )


def _worst(described: Sequence[PowerDescriptor] | Sequence[Meter]) -> Origin:
    origins = {each.origin for each in described}
    return next(origin for origin in ORIGINS if origin in origins)


def _meter(runs: Sequence[AnalysedRun], descriptors: Sequence[PowerDescriptor]) -> Meter:
    """One meter, by the descriptors of all runs."""
    first = descriptors[0]
    return Meter(
        first.meter, first.circuit, first.identity, first.evidence, first.averaging, first.window_s, first.stamp,
        first.latency_s, first.ranging, first.tier, tuple(first.columns), _role(runs, first), _worst(descriptors),
        first.calibration, len(descriptors), _assumed_percent(runs, first.meter),
    )  # fmt: skip


def _role(runs: Sequence[AnalysedRun], descriptor: PowerDescriptor) -> Role:
    if any(descriptor.meter in run.series.primary_meters for run in runs):
        return "headline"
    return "cross-check" if any(descriptor.circuit in run.series.circuits for run in runs) else "other"


def _assumed_percent(runs: Sequence[AnalysedRun], meter: str) -> float | None:
    """The limit of error (% of the reading) that is assumed of a meter; None where one is stated."""
    own = (part for run in runs if run.own_terms for part in run.own_terms.parts if part.error.meter == meter)
    first = next(own, None)
    if first is None or first.error.known or first.reported_j is not None:
        return None
    return 100 * first.error.assumed


def _meter_sentence(meter: Meter) -> str:
    """Where a meter's readings come from, and on whose word."""
    sentence, evidence = f"The meter {meter.meter} was {SENTENCES[meter.origin]}", meter.evidence
    if isinstance(certificate := evidence.get(QUALIFIED), dict):
        return f"Power was {qualified_words(certificate)}."
    if meter.origin == "declared":
        return f"{sentence}: {lab_rules.declared_words(evidence)}."
    if meter.origin == "attested":
        key = evidence.get("tls_public_key_sha256") or evidence.get("tls_sha256")
        return f"{sentence} {evidence.get('instrument')} (SHA-256 {key})."
    return f"{sentence}."


def cross_checks(runs: Sequence[AnalysedRun]) -> tuple[CrossCheck, ...]:
    """Each pair of meters on one circuit: how far the second is from the first over the runs that both measured."""
    pairs: dict[tuple[str, str, str], list[tuple[float, float | None]]] = {}
    for run in runs:
        for (one, other), (one_j, other_j) in zip(run.series.double_meters, run.doubles_j, strict=True):
            key = (one.circuit, one.meter, other.meter)
            limit_w = meter_rules.joint_limit_w(one, other, (one_j + other_j) / 2 / run.duration_s)
            if one_j:
                limit = None if limit_w is None else 100 * limit_w * run.duration_s / one_j
                pairs.setdefault(key, []).append((100 * (other_j / one_j - 1), limit))
    return tuple(_cross_check(*key, values) for key, values in pairs.items())


def _cross_check(circuit: str, first: str, second: str, values: Sequence[tuple[float, float | None]]) -> CrossCheck:
    """`values`: difference and limit of error together of each run, in %."""
    limits = np.array([np.nan if limit is None else limit for _, limit in values])
    difference = mean_of(np.array([difference for difference, _ in values]), "%")
    together = single(float(limits.mean()), "%") if np.isfinite(limits).all() else None
    return CrossCheck(circuit, (first, second), difference, together, count(len(values)))
