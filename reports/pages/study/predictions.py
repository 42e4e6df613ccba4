"""Predictions on a study's page: what each model says of runs that it had not seen.

Knows their records and the words for them. Computes no result.
"""

from collections.abc import Iterable, Mapping

from reports.figures import scatter
from reports.figures.palette import BASELINE
from reports.figures.scatter import Points, ScatterPanel, Straight
from reports.pages.blocks import Block, Figure, Head, Paragraph, Row, Table
from reports.pages.numbers import NOTHING, Scale, significant
from reports.pages.study.figures import drawn, figure
from reports.pages.study.words import filter_text, named, plain, response_of, unit_text, value_text
from reports.results.prediction import Model, NoPrediction, PredictionResult, PredictionScore, PredictionSplit
from reports.results.study import StudyResult

MODELS: Mapping[Model, str] = {
    "mean": "the mean of the others", "linear": "least squares", "ridge": "ridge regression",
    "kernel-ridge": "kernel ridge regression", "svr": "support vector regression",
}  # fmt: skip
REFUSED: Mapping[NoPrediction, str] = {
    "too-few-runs": "not fitted: fewer than ten runs would be left to fit it to",
    "one-level": "not fitted: all runs have the same levels, so nothing would be left",
    "too-many-runs": "not fitted: it would take too long with more than 2000 runs",
}
REPETITIONS = (
    "At random, repetitions of a run that is scored are among those that a model was fitted to: it has seen the "
    "answer. The other rows leave out all runs of a combination at once. They say what such an estimate is worth for "
    "a case that nobody has measured."
)


def prediction_blocks(study: StudyResult, stamp: str) -> Iterable[Block]:
    """Every prediction: scores of each model and split, and what the best one says."""
    if study.predictions:
        yield Paragraph(REPETITIONS)
    for part in study.predictions:
        yield _scores(study, part)
        yield from drawn(_figure(study, part, stamp))


def told_beforehand(study: StudyResult, part: PredictionResult) -> Iterable[str]:
    """How far the best model misses, of runs like those it had seen and of cases that it had not."""
    unit = response_of(study, part.scored).unit
    missed = [
        (split, score) for split in part.splits for score in split.scores
        if score.model == part.best and score.rmse is not None
    ]  # fmt: skip
    if part.best is not None and missed:
        where = "; ".join(f"{value_text(score.rmse, unit)} ({split_text(study, split)})" for split, score in missed)
        yield f"{plain(part.title)}: {MODELS[part.best]} misses by {where} of runs that it had not seen."


def split_text(study: StudyResult, split: PredictionSplit) -> str:
    """What the models had not seen: '30 % of the runs, at random'; 'each architecture and environment in turn'."""
    if not split.held_out:
        return "30\u00a0% of the runs, at random"
    titles = {factor.name: factor.title for factor in study.factors}
    return f"in turn each of {split.groups}: {named([titles[name] for name in split.held_out])}"


def _scores(study: StudyResult, part: PredictionResult) -> Table:
    scored = response_of(study, part.scored)
    unit = Scale(unit_text(scored.unit))
    heads = (
        Head("Not seen", False), Head("Model", False), Head("Runs"), Head(unit.axis("RMSE")), Head(unit.axis("MAE")),
        Head("MAPE / %"), Head("R²"),
    )  # fmt: skip
    rows = tuple(
        Row((split_text(study, split), MODELS[score.model], *_cells(score)))
        for split in part.splits
        for score in split.scores
    )
    told = named([response_of(study, name).title for name in part.features])
    notes = [f"Told of: {told}. Fitted to: {response_of(study, part.target).title}."]
    if part.times is not None:
        notes.append(f"Scored: that times {response_of(study, part.times).title}, as it turned out.")
    notes.append(f"{part.n} runs have all of these.")
    if where := filter_text(study, part.filter):
        notes.append(f"Only runs with {where}.")
    return Table(f"prediction-{part.name}", part.title, heads, rows, " ".join(notes))


def _cells(score: PredictionScore) -> tuple[str, ...]:
    if score.refused is not None:
        return NOTHING, NOTHING, NOTHING, NOTHING, REFUSED[score.refused]
    percent = NOTHING if score.mape_percent is None else significant(score.mape_percent, 3)
    r2 = NOTHING if score.r2 is None else f"{score.r2:.3f}"
    return str(score.n), value_text(score.rmse or 0.0), value_text(score.mae or 0.0), percent, r2


def _figure(study: StudyResult, part: PredictionResult, stamp: str) -> Figure | None:
    axis = Scale(unit_text(response_of(study, part.scored).unit)).axis
    panels = [
        ScatterPanel(
            f"Not seen: {split_text(study, split)}", axis("measured"), axis("predicted"),
            [Points("", 0, split.points.measured, split.points.predicted)],
            [Straight("predicted = measured", 1.0, 0.0, style=BASELINE, dashed=True)],
        )
        for split in part.splits if split.points is not None
    ]  # fmt: skip
    if not panels or part.best is None:
        return None
    caption = f"What {MODELS[part.best]} says of runs that it had not seen, beside what was measured."
    spoken = " ".join(f"{panel.title}: {len(panel.points[0].x)} runs." for panel in panels)
    name = f"fig-prediction-{part.name}"
    return figure(name, caption, spoken, lambda label: scatter.scatters(label, panels, min(len(panels), 2)), stamp)
