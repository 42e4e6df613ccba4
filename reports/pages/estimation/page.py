"""The page of estimators beside what was measured: how far each is off first, then why that depends on what it knew.

Knows the record of estimation.json and the blocks of a page. Knows no run folder, and computes nothing.
"""

from collections.abc import Iterator
from pathlib import Path

from reports.pages.blocks import Block, Card, Facts, Paragraph, Section
from reports.pages.document import NOT_STATED, STAMPS, DocumentPage, document_page, section_of
from reports.pages.estimation.figures import curves_figure, estimated_figure, settling_figures
from reports.pages.estimation.tables import held, proxies_table, scores_table, trainings_table
from reports.pages.estimation.words import KJ, NAMES, SOURCES, origin_of, settles, unscored
from reports.pages.numbers import significant
from reports.results.estimation import Assessment, Estimation, Estimator, Known, Score

CARDS: tuple[Estimator, ...] = ("step-epoch", "step-power", "mean-epoch", "green-algorithms", "mlco2")
ESTIMATED = (
    "What is scored here are estimates. The energies beside which they stand are those of the campaigns named below, "
    "with their own uncertainty."
)
NAMES_OF_FLUSS = (
    "FLUSS looks at the whole trace, so nobody has its answer while a training goes on. It always names a place; the "
    "column Arcs of the table of trainings says how clear the change is there."
)


def estimation_page(document: Estimation) -> DocumentPage:
    """The page of one document."""
    found = document.assessment
    return document_page(
        title=f"Estimators beside {SOURCES[found.source]}",
        origin=origin_of(found),
        identity=_identity(document),
        answer=" ".join(_answer(found)),
        sections=_sections(document),
        colophon=_colophon(document),
        numbers="estimation.json",
        cards=[card for style, name in enumerate(CARDS) if (card := _card(found, name, style)) is not None],
        opening=[Paragraph(ESTIMATED, "note")],
    )


def score_of(found: Assessment, name: Estimator, extent: Known) -> Score | None:
    """The score of an estimator."""
    return next(one.score for one in found.scores if (one.estimator, one.extent) == (name, extent))


def off_by(score: Score) -> str:
    """'0.61 kJ (0.17 %)': the RMSE, and the mean error over the measured energy."""
    return f"{KJ.factor * score.rmse_j:.3g}{KJ.suffix} ({score.mape_percent:.2g}\u202f%)"


def _identity(document: Estimation) -> Iterator[str]:
    found, names = document.assessment, [Path(campaign.place).name for campaign in document.campaigns]
    yield f"{len(found.trainings)} trainings of {', '.join(names)}"
    if found.source == "meter":
        yield f"Read at {', '.join(found.circuits)}"
    yield f"STEP counts the epochs {found.start} to {found.start + found.window - 1}"


def _answer(found: Assessment) -> Iterator[str]:
    known = {name: score for name in CARDS if (score := score_of(found, name, "known")) is not None}
    if not known:
        yield "No estimator could be scored."
        return
    best = min(known, key=lambda name: known[name].rmse_j)
    yield f"Told how long each training was, {NAMES[best]} is nearest: off by {off_by(known[best])}."
    if (score := score_of(found, best, "predicted")) is not None:
        yield f"Not told, it is off by {off_by(score)}."


def _card(found: Assessment, name: Estimator, style: int) -> Card | None:
    known, predicted = (score_of(found, name, extent) for extent in ("known", "predicted"))
    if known is None:
        return None
    lines = [f"mean error {significant(known.mape_percent, 2)}\u202f% of the measured energy"]
    if predicted is not None:
        lines.append(f"length not told: {off_by(predicted)}")
    if known.intervals:
        lines.append(f"95\u202f% interval held in {held(known)}")
    value = f"{KJ.factor * known.rmse_j:.3g}{KJ.suffix}"
    return Card(NAMES[name], value, f"RMSE of {known.n} trainings, length known", tuple(lines), style)


def _sections(document: Estimation) -> Iterator[Section | None]:
    found, mark = document.assessment, STAMPS.get(origin_of(document.assessment), ("", ""))[0]
    missing = [Paragraph(sentence, "note") for sentence in unscored(found)]
    yield section_of("scores", "How far each is off", scores_table(found), missing, estimated_figure(found, mark))
    yield section_of("choice", "Which epochs STEP counts", curves_figure(found, mark))
    if said := settles(found):
        texts = [Paragraph(said), Paragraph(NAMES_OF_FLUSS, "note")]
        yield section_of("settling", "When power settles", texts, settling_figures(found, mark))
    yield section_of("proxies", "Proxies", proxies_table(found))
    yield section_of("trainings", "Trainings", trainings_table(found), list(_remarks(found)))
    yield section_of("evidence", "How to recompute it", _evidence(document))


def _remarks(found: Assessment) -> Iterator[Block]:
    uniform = sum(training.is_uniform for training in found.trainings)
    if uniform:
        yield Paragraph(
            f"{uniform} of {len(found.trainings)} trainings mark no epochs: their record was shared out evenly over "
            "the number that the table of facts states."
        )
    for run, why in found.left_out.items():
        yield Paragraph(f"{run} was left out: {why}.")


def _evidence(document: Estimation) -> Facts:
    software = document.software
    state = ", with uncommitted changes" if software.dirty else ""
    heads = ((f"Log of {campaign.place} ends with", campaign.chain_head) for campaign in document.campaigns)
    return Facts("Inputs", (
        ("Again", "wattlab estimate score CAMPAIGN... --into DIR"),
        ("Checked by", "wattlab verify DIR"),
        ("Computed with", f"wattlab {software.version}, commit {software.commit or NOT_STATED}{state}"),
        *heads,
        ("SHA-256 of facts.csv", document.facts_sha256 or "no table was given"),
    ))  # fmt: skip


def _colophon(document: Estimation) -> Iterator[str]:
    yield f"Every number of this page stands in estimation.json (schema {document.schema}) beside it."
    yield f"Computed by wattlab {document.software.version} from the campaigns; the folder's seal names every file."
