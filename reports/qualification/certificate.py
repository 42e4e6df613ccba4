"""A campaign that was measured to qualify software meters -> its certificate.

Knows the order of the steps: runs, loads, every software meter, what it holds for, what stands against it. Computes no
number itself. Knows no page.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import Start
from harness.record.entries import header_of
from harness.record.errors import AnalysisError
from harness.record.qualification import Load, declared_in
from harness.record.qualification import Qualification as Declared
from harness.record.verify import Examination
from reports.campaign.analyse import judged_runs
from reports.campaign.meters import measurement_section
from reports.campaign.reduction import Reduction
from reports.campaign.run import AT_RUN
from reports.energy import budget
from reports.qualification.aligned import AlignedTraces, aligned_traces
from reports.qualification.meters import Bench, software_meters
from reports.qualification.recorded import RecordedRun, loads_of, recorded_runs
from reports.qualification.reference import reference_of
from reports.qualification.validity import against, kind_of, missing_loads, validity
from reports.results.qualification import SCHEMA, Qualification, QualifiedCampaign, QualifiedLoad
from reports.results.software import Software
from reports.results.software_meter import SoftwareMeter
from reports.results.uncertainty import Estimate, Number, single

LIMIT_PERCENT = 5.0
"""Where neither the campaign nor the caller says another one."""


@dataclass(frozen=True, slots=True)
class Certified:
    """A certificate, and the traces that its page draws."""

    document: Qualification
    aligned: tuple[AlignedTraces, ...]


def certify(campaign: Path, seen: Examination, software: Software, limit: float | None = None) -> Certified:
    """The certificate of a campaign, of what `examine` found of it. `limit`: x in %, where the campaign declares none.

    Raises:
        AnalysisError: no run can be read, no run counts, or `limit` is another one than was declared.
    """
    judged = judged_runs(campaign, seen)
    declared = declared_in(judged.runs[0].run.start.config)
    runs = recorded_runs(judged.runs, declared)
    x_percent = limit_of(declared, limit)
    loads = loads_of(declared, runs)
    rated = [run for run in runs if run.scenario in loads]
    if not rated:
        raise AnalysisError("no run of a load counts, so there is nothing to qualify; `wattlab report` says why")
    qualified = tuple(_loads(loads, rated))
    meters = software_meters(Bench(runs, qualified, x_percent), Reduction(seen, judged).trackers.pairs)
    reference = reference_of(*measurement_section([run.analysed for run in rated]), rated, x_percent)
    not_because = tuple(against(reference, declared, rated, seen))
    document = Qualification(
        schema=SCHEMA,
        kind="qualification",
        campaign=_campaign(campaign, seen, rated[0].analysed.run.start),
        computed_by=software,
        limit_percent=x_percent,
        limit_is_declared=declared is not None,
        qualifies=not not_because,
        not_because=not_because,
        reference=reference,
        validity=validity(rated, qualified, meters),
        loads=qualified,
        meters=meters,
        remarks=(
            *_remarks(missing_loads(loads, rated), reference.is_better_than_limit, x_percent),
            *(_of_resets(meter) for meter in meters if meter.n_resets),
        ),
    )
    return Certified(document, tuple(aligned_traces(runs, meters)))


def limit_of(declared: Declared | None, limit: float | None) -> float:
    """x in %: as the campaign declared it before its first run.

    Raises:
        AnalysisError: another one is asked for.
    """
    if declared is None:
        return LIMIT_PERCENT if limit is None else limit
    if limit is not None and limit != declared.limit_percent:
        raise AnalysisError(
            f"--limit-percent {limit:g}: the campaign declared {declared.limit_percent:g} % before its first run, and "
            "that counts; leave the option away"
        )
    return declared.limit_percent


def _campaign(path: Path, seen: Examination, start: Start) -> QualifiedCampaign:
    header = header_of(seen.entries)
    name = header.name if header is not None else start.campaign
    digests = {run: folder.manifest_sha256 for run, folder in seen.runs.items()}
    told = start.config.get("lab")
    lab = str(told.get("name") or "") if isinstance(told, dict) else ""
    uid = (header and header.uid) or None
    return QualifiedCampaign(name, uid, CampaignFolder(path).head(), digests, lab, start.operator)


def _loads(loads: Mapping[str, Load | None], rated: Sequence[RecordedRun]) -> Iterator[QualifiedLoad]:
    """Every load of which a run counts."""
    for name, load in loads.items():
        runs = [run for run in rated if run.scenario == name]
        if runs:
            is_baseline = runs[0].analysed.run.start.kind == "baseline"
            level_percent = None if load is None else load.level
            kind = kind_of(load, is_baseline=is_baseline)
            yield QualifiedLoad(name, kind, level_percent, _power(runs), tuple(run.name for run in runs))


def _power(runs: Sequence[RecordedRun]) -> Number:
    """Mean power of a load at the wall (W): with everything that makes it uncertain, of one run too."""
    terms = [run.analysed.own_terms for run in runs]
    known = [own for own in terms if own is not None]
    per_s = np.array([1 / run.duration_s for run in runs])
    if len(known) < len(terms):
        return single(runs[0].wall_w, "W")
    if len(runs) == 1:
        one = budget.of_one(known[0], "gross")
        u_w, dof = float(one.u_j[AT_RUN]) * per_s[0], float(one.dof[AT_RUN])
        return Number(Estimate(runs[0].wall_w, u_w, dof if math.isfinite(u_w) else None), "W", n=1)
    whole = budget.of_mean(known, [AT_RUN] * len(known), per_s, "W", "gross")
    return single(runs[0].wall_w, "W") if whole is None else whole.number


def _remarks(missing: Sequence[str], is_better: bool | None, x_percent: float) -> Iterator[str]:
    """What a reader has to know besides."""
    if missing:
        yield f"No run counts of these declared loads: {', '.join(missing)}. `wattlab report` says why."
    if is_better is None:
        yield "The wall meter's limits of error are not stated. MLPerf's test asks for a reference whose limits are."
    elif not is_better:
        yield (
            f"The wall meter's limits of error are not below the {x_percent:g} % of the five-minute test. MLPerf's "
            "test asks for a reference that is better than its limit."
        )


def _of_resets(meter: SoftwareMeter) -> str:
    often = "once" if meter.n_resets == 1 else f"{meter.n_resets} times"
    return (
        f"{meter.name} falls {often} where it cannot have begun anew at {meter.range_j:.8g} J: it was reset, or its "
        "rows are of several counters. What it counted there is unknown, and no mean is taken over it."
    )
