"""`wattlab study FILE [--into DIR]`: the whole analysis that a study file declares, in a sealed folder."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.cli.types import Verbs

if TYPE_CHECKING:
    from harness.documents import Json


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    verb = verbs.add_parser(
        "study",
        help="analyse campaigns, or a published table of runs, as a study file declares",
        description="Analyse campaigns, or a published table of runs, as a study file (TOML) declares: factors, "
        "responses, exclusions, questions with their tests, correlations, reductions, Pareto front. Writes a new "
        "sealed folder with study.json and report.html. Exit code 3 when a number is not as the file says it was "
        "published, and no erratum explains it.",
    )
    verb.add_argument("file", type=Path, help="study file, such as docs/studies/delrey-v1.toml (docs/studies.md)")
    verb.add_argument("--into", type=Path, metavar="DIR", help="new folder (default: runs/study-NAME)")
    verb.set_defaults(call=call)


def call(arguments: argparse.Namespace) -> int:
    """Write the study, print its answers and where it is."""
    from harness.study import read_declared, write_study  # R and matplotlib cost what other verbs need not pay
    from reports.analysis.study import STUDY
    from reports.pages.study import unused
    from reports.render import REPORT

    into = arguments.into
    if into is None:
        into = Path("runs") / f"study-{read_declared(arguments.file)[0].study.name}"
    folder = write_study(arguments.file, into)
    study = json.loads((folder / STUDY).read_text(encoding="utf-8"))
    console = Console()
    console.print(_questions(study))
    published = study["published"]
    if published["n"]:
        console.print(
            f"{published['agree']} of {published['n']} published values are as printed, {published['explained']} "
            f"differ as a known erratum says, {published['differ']} differ."
        )
    rows = study["rows"]
    console.print(f"{rows['used']} of {rows['read']} runs were used; the others are listed with the reason.")
    for sentence in unused(study):
        console.print(f"[yellow]{escape(sentence)}[/]", soft_wrap=True)
    print(f"report   {(folder / REPORT).resolve()}")
    print(f"numbers  {(folder / STUDY).resolve()}")
    return 3 if published["differ"] else 0


def _questions(study: "Json") -> Table:
    table = Table(box=SIMPLE, padding=(0, 1))
    for heading in ("question", "test", "statistic", "p", "effect"):
        table.add_column(heading, no_wrap=heading != "question")
    for question in study["questions"]:
        table.add_row(escape(question["name"]), *_result(question["omnibus"]))
    for one in study["correlations"]:
        table.add_row(escape(one["name"]), *_result(one["run_level"]))
    return table


def _result(test: "Json") -> tuple[str, str, str, str]:
    if test["refused"] is not None:
        return test["name"], f"refused: {test['refused']}", "", ""
    from reports.pages.statistics_tables import effect_text, p_text

    size = "" if test["effect"] is None else effect_text(test["effect"])
    return test["name"], f"{test['symbol']} = {test['statistic']:.5g}", p_text(test["p"]), size
