"""The tables of estimates: scores of estimators and proxies, every training.

Knows their records and the words for them. Computes nothing.
"""

from reports.pages.blocks import Head, Row, Table
from reports.pages.estimation.words import KJ, LENGTHS, NAMES, PROXIES, WITHOUT_NOTE
from reports.pages.numbers import NOTHING, significant
from reports.results.estimation import Assessment, Score, ScoredTraining

SCORES = ("n", KJ.axis("RMSE"), KJ.axis("MAE"), "MAPE / %", KJ.axis("bias"), "R²")


def scores_table(found: Assessment) -> Table:
    """Every estimator that was scored, told the length and not told."""
    heads = (*_heads("Estimator", "Length"), Head("Held"))
    rows = tuple(
        Row((NAMES[one.estimator], one.extent, *score_cells(one.score), held(one.score)))
        for one in found.scores if one.score is not None
    )  # fmt: skip
    counted = f"STEP counts the epochs {found.start} to {found.start + found.window - 1}."
    return Table("scores-table", "Estimators beside what was measured", heads, rows, f"{counted} {LENGTHS}")


def proxies_table(found: Assessment) -> Table | None:
    """Every proxy that was scored; None where none was."""
    rows = tuple(
        Row((PROXIES[one.proxy], one.without, *score_cells(one.score)))
        for one in found.proxies if one.score is not None
    )  # fmt: skip
    return (
        Table("proxies-table", "Proxies as estimators", _heads("Proxy", "Without"), rows, WITHOUT_NOTE)
        if rows
        else None
    )


def _heads(*words: str) -> tuple[Head, ...]:
    return (*(Head(word, numeric=False) for word in words), *map(Head, SCORES))


def score_cells(score: Score) -> tuple[str, ...]:
    """The numbers of a score, energies in kJ."""
    errors = (f"{KJ.factor * value:.4g}" for value in (score.rmse_j, score.mae_j))
    r2 = NOTHING if score.r2 is None else f"{score.r2:.3f}"
    return str(score.n), *errors, f"{score.mape_percent:.3g}", f"{KJ.factor * score.bias_j:+.4g}", r2


def held(score: Score) -> str:
    """In how many of the intervals the measured energy lies."""
    return f"{score.intervals_held}/{score.intervals}" if score.intervals else NOTHING


def trainings_table(found: Assessment) -> Table:
    """Every training: how long it was, what it took, when it settled, what STEP said."""
    heads = (
        Head("Run", numeric=False, keep=True), Head("Scenario", numeric=False), Head("Machine", numeric=False),
        Head("Epochs"), Head("Duration / s"), Head(KJ.axis("Measured")), Head("Settles in epoch"), Head("Arcs"),
        Head(KJ.axis("STEP, epochs")),
    )  # fmt: skip
    rows = tuple(_row(training) for training in found.trainings)
    note = "Arcs: how clear the change is by FLUSS, 0 a clear one, 1 none. STEP is told the length."
    return Table("trainings-table", "Every training", heads, rows, note, folded=True)


def _row(training: ScoredTraining) -> Row:
    settles = training.settling
    said = (one.energy_j for one in training.estimates if (one.estimator, one.extent) == ("step-epoch", "known"))
    estimate = next(said, None)
    return Row((
        training.run, training.configuration, training.machine or NOTHING, str(training.epochs),
        significant(training.duration_s), f"{KJ.factor * training.energy_j:.5g}",
        NOTHING if settles is None else str(settles.epoch), NOTHING if settles is None else f"{settles.arcs:.2f}",
        NOTHING if estimate is None else f"{KJ.factor * estimate:.5g}",
    ))  # fmt: skip
