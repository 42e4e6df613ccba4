"""Campaigns -> a model of PRE: their trainings with what was known of each beforehand, and what tells them.

Knows campaigns' cases and the fit. Knows no file but the campaigns.
"""

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path

from harness.record.campaign_folder import CampaignFolder
from harness.record.errors import AnalysisError
from reports.estimation.assessment import Case
from reports.estimation.cases import cases_of
from reports.estimation.facts import FEATURES, Facts, FactTable, facts_of
from reports.estimation.pre import MODELS, fitted_targets
from reports.estimation.training import Source
from reports.results.pre_model import SCHEMA, FittedCampaign, FittedTraining, PreModel
from reports.results.prediction import Model
from reports.results.software import Software

SEED = 1


def fitted_model(
    campaigns: Sequence[Path], facts: bytes | None, source: Source, software: Software, *,
    features: Sequence[str] = (), models: Sequence[Model] = MODELS, seed: int = SEED,
) -> PreModel:  # fmt: skip
    """The model that is fitted to the trainings of some campaigns; without `features` to all published ones that are
    known of every training.

    Raises:
        AnalysisError: a campaign or the table cannot be read, a feature is not known of a training, or there are too
            few of them.
    """
    table = FactTable() if facts is None else facts_of(Path("facts.csv"), facts)
    cases, _ = cases_of(campaigns, source, table)
    chosen = _features(cases, features)
    rows = [_row(case, chosen) for case in cases]
    columns = list(zip(*(row.features for row in rows), strict=True))
    return PreModel(
        schema=SCHEMA, software=software, source=source,
        origins=tuple(dict.fromkeys(origin for case in cases for origin in case.origins)), seed=seed, features=chosen,
        ranges={name: (min(column), max(column)) for name, column in zip(chosen, columns, strict=True)},
        campaigns=tuple(FittedCampaign(path.resolve().name, CampaignFolder(path).head()) for path in campaigns),
        facts_sha256=None if facts is None else hashlib.sha256(facts).hexdigest(),
        targets=fitted_targets(rows, seed, models), trainings=tuple(rows),
    )  # fmt: skip


def known(case: Case) -> Facts:
    """What is known of a training; what the table says goes before what the run says."""
    return {**case.own, **case.facts}


def _features(cases: Sequence[Case], wanted: Sequence[str]) -> tuple[str, ...]:
    everywhere = set.intersection(*(set(known(case)) for case in cases))
    chosen = tuple(dict.fromkeys(wanted)) or tuple(name for name in FEATURES if name in everywhere)
    _require_known(cases, chosen, everywhere)
    if not any(len({known(case)[name] for case in cases}) > 1 for name in chosen):
        raise AnalysisError(
            "nothing is known of every training beforehand that differs between them: give a table (--facts) with some "
            f"of the columns {', '.join(FEATURES)}"
        )
    return chosen


def _require_known(cases: Sequence[Case], features: Sequence[str], everywhere: Collection[str]) -> None:
    for name in features:
        for case in cases:
            if name not in known(case):
                raise AnalysisError(
                    f"{case.training.run} ({case.training.configuration}): the feature `{name}` is not known of it; "
                    f"give it in the table (--facts), or name others of {', '.join(sorted(everywhere)) or 'none'}"
                )


def _row(case: Case, features: Sequence[str]) -> FittedTraining:
    training, facts = case.training, known(case)
    return FittedTraining(
        case.campaign, training.run, training.configuration, case.machine, tuple(facts[name] for name in features),
        training.epochs, training.duration_s, float(training.epoch_j.sum()), training.energy_j,
    )  # fmt: skip
