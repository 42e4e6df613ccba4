"""`wattlab compare A B [C ...]`: campaigns or scenarios beside each other, as a sealed folder with numbers and page."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from harness.cli.documents import FileDocument
from harness.cli.progress import at_work
from harness.cli.screen import Column, Sheet, say
from harness.cli.types import add_json_argument
from harness.record.errors import LabError

if TYPE_CHECKING:
    from reports.comparison.selection import Part
    from reports.results.compared_pair import ComparedPair
    from reports.results.comparison import ComparedSet, Comparison

COMPARED = FileDocument("comparison.json", "comparing.md#comparisonjson", "reports.results.comparison:Comparison")
LONGEST_NAME = 60
"""Of a side."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = (
        "Compare two or more campaigns or scenarios; the first is the reference. A side is a campaign "
        "folder, FOLDER:SCENARIO, or several of them joined by a comma (pooled), with a name before it where it should "
        "have one: NAME=A:x,B:x. Campaigns without a scenario are "
        "compared in every scenario that all have. Writes a new sealed folder. Exit code 3 when a side is invalid."
    )
    verb.add_argument("sides", nargs="+", metavar="SIDE", help="FOLDER, FOLDER:SCENARIO, A:x,B:x, or NAME=A:x,B:x")
    verb.add_argument("--into", type=Path, metavar="DIR", help="new folder (default: compare-A-vs-B beside A)")
    verb.add_argument(
        "--margin", metavar="M", help="how large a difference still counts as none: 5%% of the reference, or 0.1Wh"
    )
    verb.add_argument(
        "--test", choices=("welch", "rank"), default="welch",
        help="welch (default): t test on the values as they are; rank: Kruskal-Wallis",
    )  # fmt: skip
    verb.add_argument(
        "--differs", metavar="KEY[,KEY]", default="", help="what of the work is the difference that is compared"
    )
    verb.add_argument(
        "--timeliness", metavar="G:R[,G:R]", help="timeliness function of ISO/IEC 14756 for I_TI: 60s:90%%,120s:100%%"
    )
    add_json_argument(verb, "the content of comparison.json", COMPARED)
    verb.set_defaults(call=call, interrupted="nothing was written; the same command begins anew")


def call(arguments: argparse.Namespace) -> int:
    """Write the folder, print the statements; 3 where a side is invalid.

    Raises:
        LabError: a side is not what it should be, or the folder cannot be written.
    """
    from harness.evidence.comparisons import COMPARISON_DOCUMENT, ComparisonInputs
    from harness.evidence.derived import write
    from harness.record.documents import load_object
    from harness.station.provenance import software_facts
    from harness.station.station import APPLICATION
    from reports.comparison.margin import parse_margin
    from reports.ratings.iso14756 import parse_timeliness
    from reports.render import REPORT
    from reports.results.codec import decoded
    from reports.results.comparison import COMPARISON, Options, comparison_of
    from reports.results.software import Software

    labels, texts = zip(*map(parse_label, arguments.sides), strict=True)
    if twice := [label for label in labels if label and labels.count(label) > 1]:
        raise LabError(f"{twice[0]}=: two sides have this name; give each its own")
    sides = [parse_side(text) for text in texts]
    options = Options(
        margin=None if arguments.margin is None else parse_margin(arguments.margin),
        test=arguments.test,
        differs=tuple(filter(None, (key.strip() for key in arguments.differs.split(",")))),
        timeliness=None if arguments.timeliness is None else parse_timeliness(arguments.timeliness),
        labels=labels if any(labels) else (),
    )
    folder = arguments.into or default_folder(sides, labels)
    _refuse_inside(folder, sides)
    with at_work("reading the campaigns, comparing, writing the page"):
        software = decoded(Software, software_facts(APPLICATION), "this program")
        written = write(COMPARISON_DOCUMENT, ComparisonInputs(sides, options, software, folder), folder)
    text = written.read_text(encoding="utf-8")
    document = comparison_of(load_object(text, COMPARISON))
    if arguments.json:
        arguments.answer = text
    else:
        _print(document)
        print(f"report   {written.with_name(REPORT).resolve()}")
        print(f"numbers  {written.resolve()}")
    return 3 if any("invalid" in side.verdicts for of_set in document.sets for side in of_set.sides) else 0


def parse_label(text: str) -> tuple[str, str]:
    """`local=A:cnn,B:cnn` -> the name of a side (empty: none) and the rest. A folder that is there as it is written has
    none.

    Raises:
        LabError: a name that is too long.
    """
    label, mark, rest = text.partition("=")
    if not mark or _is_folder(text) or any(sign in label for sign in "/,"):
        return "", text
    if not 0 < len(label.strip()) <= LONGEST_NAME:
        raise LabError(f"{text[:LONGEST_NAME]}: expected a name of 1 to {LONGEST_NAME} characters before the =")
    return label.strip(), rest


def parse_side(text: str) -> "list[Part]":
    """`A`, `A:cnn`, `A:cnn,B:cnn`: the parts of a side. A folder that is there as it is written names no scenario.

    Raises:
        LabError: a folder is not there.
    """
    from reports.comparison.selection import Part

    parts = []
    for name in [text] if _is_folder(text) else map(str.strip, text.split(",")):
        folder, colon, scenario = name.rpartition(":")
        if _is_folder(name):
            parts.append(Part(Path(name)))
        elif colon and scenario and _is_folder(folder):
            parts.append(Part(Path(folder), scenario))
        else:
            raise LabError(
                f"{name[:200] or repr(text[:200])}: no such folder; a side is FOLDER, FOLDER:SCENARIO, or both by a "
                "comma"
            )
    return parts


def _is_folder(text: str) -> bool:
    try:
        return bool(text) and Path(text).is_dir()
    except OSError:  # the name is longer than names can be
        return False


def default_folder(sides: "list[list[Part]]", labels: Sequence[str] = ()) -> Path:
    """`compare-A-vs-B` beside the first campaign."""
    names = []
    for side, label in zip(sides, labels or [""] * len(sides), strict=True):
        parts = ["-".join(filter(None, (part.folder.resolve().name, part.scenario))) for part in side]
        names.append(label or "+".join(parts))
    name = re.sub(r"[^A-Za-z0-9._+-]", "_", "compare-" + "-vs-".join(names))
    return sides[0][0].folder.resolve().parent / name[:200]


def _refuse_inside(folder: Path, sides: "list[list[Part]]") -> None:
    for part in (part for side in sides for part in side):
        if folder.resolve().is_relative_to(part.folder.resolve()):
            raise LabError(f"{folder}: lies in the campaign {part.folder}, which is sealed; name another with --into")


def _print(document: "Comparison") -> None:
    from reports.pages.comparison.page import legible
    from reports.pages.comparison.statements import mark, statements

    console, shown = Console(), legible(document)
    for of_set in shown.sets:
        for pair in of_set.pairs:
            console.print(pair_sheet(of_set, pair))
    for sentence in statements(shown):
        say(console, sentence)
    if sentence := mark(document):
        say(console, sentence, "yellow")


def pair_sheet(of_set: "ComparedSet", pair: "ComparedPair") -> Sheet:
    """The plain quantities of one pair of sides."""
    from reports.pages.comparison.tables import short_table

    caption, heads, rows = short_table(of_set, pair)
    return Sheet([Column(head, number=place > 0) for place, head in enumerate(heads)], rows, title=caption)
