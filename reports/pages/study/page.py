"""The page of a study: its answers first, then figures, then every test, folded where only few will look.

Knows which sections a study's page has, and its first sentences. Knows no table of runs, no HTML, and computes no
result.
"""

from collections.abc import Iterable

from reports.pages.blocks import Block, Paragraph, Section
from reports.pages.document import STAMPS, DocumentPage, document_page, section_of
from reports.pages.numbers import fixed
from reports.pages.statistics_tables import NEVER_CHOSEN
from reports.pages.study.choices import choice_blocks, chosen
from reports.pages.study.environments import declared_late, environment_blocks, given_up, incomplete, not_as_sealed
from reports.pages.study.figures import drawn, medians_figure
from reports.pages.study.interactions import interaction_blocks
from reports.pages.study.predictions import prediction_blocks, told_beforehand
from reports.pages.study.progress import progress_blocks
from reports.pages.study.published import companion_blocks, published_blocks
from reports.pages.study.questions import answers_table, question_blocks
from reports.pages.study.relations import correlation_blocks, largest_decrease, pareto_blocks, reduction_blocks
from reports.pages.study.rows import data_blocks, descriptive_table, row_blocks, unused
from reports.pages.study.trials import cluster_blocks, increase_blocks, scatter_blocks, spread_blocks
from reports.results.study import IMPORTED, StudyResult

BESIDE = "Beside the companion study"


def study_page(study: StudyResult) -> DocumentPage:
    """The page of one study."""
    about, origin = study.study, study.measurement.origin
    stamp = "" if origin == IMPORTED else STAMPS.get(origin, ("", ""))[0]
    return document_page(
        f"Study: {about.title or about.name}",
        origin,
        filter(None, (about.citation, about.description)),
        " ".join(_answer(study)),
        _sections(study, stamp),
        _colophon(study),
        "study.json",
        opening=_opening(study, stamp),
    )


def _answer(study: StudyResult) -> Iterable[str]:
    """What was found, in two or three sentences."""
    if study.questions:
        shown = sum(any(pair.differ for pair in question.posthoc) for question in study.questions)
        level = f"{study.study.alpha:g}"
        yield f"{shown} of {len(study.questions)} questions show a difference (p < {level} for a pair)."
    tested = [effect.test for part in study.interactions for effect in part.effects if effect.of == "interaction"]
    if tested:
        shown = sum((test.p or 1.0) < study.study.alpha for test in tested)
        yield f"{shown} of {len(tested)} pairs of factors act on each other (p < {study.study.alpha:g})."
    for choice in study.choices:
        yield from chosen(study, choice)
    for part in study.predictions:
        yield from told_beforehand(study, part)
    shown_reductions = ((part, part.overall) for part in study.reductions if part.overall is not None)
    widest = max(shown_reductions, key=lambda reduced: len(reduced[0].medians), default=None)
    if widest is not None:
        yield f"{largest_decrease(study, *widest)} That is read off the medians, not tested."


def _opening(study: StudyResult, stamp: str) -> Iterable[Block]:
    for sentence in (*incomplete(study), *given_up(study), *declared_late(study), *not_as_sealed(study)):
        yield Paragraph(sentence, "note")
    for erratum in study.errata:
        if not erratum.affects:
            yield Paragraph(f"Erratum of the publication: {erratum.title}. {erratum.text.strip()}")
    if text := _companion(study):
        yield Paragraph(text)
    if text := " ".join(unused(study)):
        yield Paragraph(text, "note")
    if table := answers_table(study):
        yield table
        yield Paragraph(NEVER_CHOSEN, "note")
    yield from drawn(medians_figure(study, stamp))


def _companion(study: StudyResult) -> str:
    """Where the companion's numbers stand, and its largest decrease."""
    if study.companion is None:
        return ""
    about = study.companion.study
    text = f"Beside this study stands its companion, {about.title or about.name} (section {BESIDE})."
    largest = [row.there for row in study.companion.rows if row.what == "largest" and row.there.labels]
    widest = max(largest, key=lambda there: float(there.value or 0.0), default=None)
    if widest is None:
        return text
    percent = fixed(float(widest.value or 0.0), 2)
    return f"{text} Its largest decrease of a median is {percent}\u00a0%, from {' to '.join(widest.labels)}."


def _sections(study: StudyResult, stamp: str) -> Iterable[Section | None]:
    for question in study.questions:
        yield Section(f"q-{question.name}", question.title, tuple(question_blocks(study, question, stamp)))
    yield section_of("interactions", "Two factors at once", list(interaction_blocks(study)))
    yield section_of("choices", "What is best where", list(choice_blocks(study, stamp)))
    yield section_of("progress", "Searches: the best so far", list(progress_blocks(study, stamp)))
    yield section_of("increases", "Increases of means", list(increase_blocks(study, stamp)))
    yield section_of("scatters", "Every run", list(scatter_blocks(study, stamp)))
    yield section_of("clusters", "Clusters", list(cluster_blocks(study)))
    yield section_of("spreads", "Spread within combinations", list(spread_blocks(study, stamp)))
    descriptive = [descriptive_table(study, table) for table in study.descriptive]
    yield section_of("correlations", "Correlations", list(correlation_blocks(study, stamp)))
    yield section_of("reductions", "Decreases of medians", list(reduction_blocks(study)))
    yield section_of("pareto", "Pareto front: what no other beats", list(pareto_blocks(study, stamp)))
    yield section_of("predictions", "Predictions: what can be told beforehand", list(prediction_blocks(study, stamp)))
    yield section_of("published", "Published values and errata", published_blocks(study))
    yield section_of("companion", BESIDE, companion_blocks(study))
    yield section_of("descriptive", "Descriptive tables", descriptive)
    yield section_of("environments", "Where it was run", list(environment_blocks(study)))
    yield section_of("rows", "Rows and exclusions", list(row_blocks(study)))
    yield section_of("data", "Data, definitions and software", list(data_blocks(study)))


def _colophon(study: StudyResult) -> Iterable[str]:
    yield f"Every number of this page stands in study.json (schema {study.schema}) beside it."
    yield "Computed by wattlab from the study file and the table in this folder; the folder's seal names every file."
