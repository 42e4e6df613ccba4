"""The wall meters of a qualification: who they are, whose word speaks for them, how good they are.

Knows the meters of a campaign and the runs of its loads. Knows no software meter.
"""

from collections.abc import Sequence

from reports.campaign.meters import ORIGINS, SENTENCES
from reports.qualification.recorded import RecordedRun
from reports.qualification.wall import limit_percent
from reports.results.meters import CampaignOrigin, Measurement, Meter
from reports.results.qualification import Reference, ReferenceMeter


def reference_of(
    measurement: Measurement, meters: Sequence[Meter], runs: Sequence[RecordedRun], x_percent: float
) -> Reference:
    """The meters whose sum is the wall; others of the campaign, software among them, are none."""
    sentences = {source.meter: source.sentence for source in measurement.meters}
    own = [meter for meter in meters if meter.role == "headline"]
    limits = [limit_percent(run.analysed) for run in runs]
    known = [limit for limit in limits if limit is not None]
    worst = max(known) if known and len(known) == len(limits) else None
    origin: CampaignOrigin = min((meter.origin for meter in own), key=ORIGINS.index) if own else "none"
    return Reference(
        origin=origin,
        meters=tuple(
            ReferenceMeter(
                meter.meter, meter.circuit, meter.identity, meter.origin, sentences[meter.meter], meter.tier,
                meter.window_s, meter.columns, meter.calibration, meter.assumed_percent,
            )
            for meter in own
        ),
        worst_limit_percent=worst,
        is_better_than_limit=None if worst is None else worst < x_percent,
    )  # fmt: skip


def sentence_of(reference: Reference) -> str:
    """Where the wall's readings come from, of the worst of its meters."""
    found = (meter.sentence for meter in reference.meters if meter.origin == reference.origin)
    return next(found, f"The wall was {SENTENCES[reference.origin]}.")
