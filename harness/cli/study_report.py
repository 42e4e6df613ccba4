"""`wattlab study report FILE [--into DIR]`: the whole analysis that a study file declares, in a sealed folder."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from harness.cli.documents import FileDocument
from harness.cli.progress import at_work
from harness.cli.screen import Sheet, columns, say
from harness.cli.types import add_json_argument

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reports.results.inference import Test
    from reports.results.study import StudyResult

STUDY_FILE = FileDocument("study.json", "studies.md#studyjson", "reports.results.study:StudyResult")


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = (
        "Analyse campaigns, or a published table of runs, as a study file (TOML) declares: factors, "
        "responses, exclusions, questions with their tests, correlations, reductions, Pareto front. Writes a new "
        "sealed folder with study.json and report.html. Exit code 3 when a number is not as the file says it was "
        "published, and no erratum explains it."
    )
    verb.add_argument("file", type=Path, help="study file, such as docs/studies/delrey-v1.toml (docs/studies.md)")
    verb.add_argument(
        "--incomplete", action="store_true", help="although runs are to be made: the page says that it is interim"
    )
    verb.add_argument("--into", type=Path, metavar="DIR", help="new folder (default: runs/study-NAME)")
    add_json_argument(verb, "the content of study.json", STUDY_FILE)
    verb.set_defaults(call=call, interrupted="the study was not written; the same command begins anew")


def call(arguments: argparse.Namespace) -> int:
    """Write the study, print its answers and where it is."""
    with at_work("reading the runs, testing, writing the study"):
        from harness.evidence.studies import write_study  # R and numpy cost what other verbs need not pay
        from harness.evidence.study_declared import read_declared
        from reports.results.study import STUDY, study_of

        into = arguments.into
        if into is None:
            into = Path("runs") / f"study-{read_declared(arguments.file)[0].study.name}"
        folder = write_study(arguments.file, into, incomplete=arguments.incomplete)
    text = (folder / STUDY).read_text(encoding="utf-8")
    study = study_of(text)
    if arguments.json:
        arguments.answer = text
    else:
        show(study, folder)
    return 3 if study.published.differ else 0


def show(study: "StudyResult", folder: Path) -> None:
    """Print the answers of a study, and where its sealed folder has them."""
    from reports.pages.document import STAMPS
    from reports.pages.study.environments import declared_late, given_up, incomplete, not_as_sealed
    from reports.pages.study.rows import unused
    from reports.render import REPORT
    from reports.results.study import STUDY

    console = Console()
    if tests := list(declared_tests(study)):
        console.print(tests_sheet(tests))
    if study.predictions:
        console.print(predictions_sheet(study))
    published, rows = study.published, study.rows
    if published.n:
        say(
            console,
            f"{published.agree} of {published.n} published values are as printed, {published.explained} differ as a "
            f"known erratum says, {published.differ} differ without a reason.",
        )
    left_out = rows.read - rows.used
    why = f"; the report lists the other {left_out} with the reason" if left_out else ""
    say(console, f"The study uses {rows.used} of {rows.read} runs{why}.")
    said = (incomplete, given_up, declared_late, not_as_sealed, unused)
    for sentence in (sentence for about in said for sentence in about(study)):
        say(console, sentence, "yellow")
    if sentence := STAMPS.get(study.measurement.origin, ("", ""))[1]:
        say(console, sentence, "yellow")
    print(f"report   {(folder / REPORT).resolve()}")
    print(f"numbers  {(folder / STUDY).resolve()}")


def declared_tests(study: "StudyResult") -> "Iterator[tuple[str, Test]]":
    """The test of each question and correlation, under its name."""
    yield from ((question.name, question.omnibus) for question in study.questions)
    for part in study.interactions:
        names = {"first": part.factors[0], "second": part.factors[1], "interaction": " × ".join(part.factors)}
        yield from ((f"{part.name}, {names[effect.of]}", effect.test) for effect in part.effects)
    yield from ((correlation.name, correlation.run_level) for correlation in study.correlations)


def tests_sheet(tests: "Iterable[tuple[str, Test]]") -> Sheet:
    """A line for each test."""
    rows = [(name, *_result(test)) for name, test in tests]
    return Sheet(columns("question", "test", "statistic", "p", "effect", numbers=("statistic", "p")), rows)


def predictions_sheet(study: "StudyResult") -> Sheet:
    """A line for each prediction and split: its best model at random, on runs that it had not seen."""
    from reports.pages.study.predictions import MODELS, split_text
    from reports.pages.study.words import response_of, value_text

    rows = []
    for part in study.predictions:
        unit = response_of(study, part.scored).unit
        for split in part.splits:
            score = next((one for one in split.scores if one.model == part.best and one.rmse is not None), None)
            model = "none could be fitted" if score is None else MODELS[score.model]
            rmse = "" if score is None else value_text(score.rmse, unit)
            r2 = "" if score is None or score.r2 is None else f"{score.r2:.3f}"
            rows.append((part.name, split_text(study, split), model, rmse, r2))
    heads = columns("prediction", "not seen", "model", "RMSE", "R²", numbers=("RMSE", "R²"))
    return Sheet(heads, rows, "Predictions")


def _result(test: "Test") -> tuple[str, str, str, str]:
    from reports.pages.statistics_tables import effect_text, p_text, refusal

    if test.refused is not None:
        return test.name, "", "", refusal(test.refused)
    size = "" if test.effect is None else effect_text(test.effect)
    return test.name, f"{test.symbol} = {test.statistic:.5g}", p_text(test.p), size
