"""`wattlab archive regression ...`: a release held against the one before it, for whoever asks every night."""

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console

from harness.cli.documents import Document
from harness.cli.progress import at_work
from harness.cli.screen import Sheet, columns, counted, say
from harness.cli.types import Parser, add_json_argument, at_least
from harness.record.errors import printable
from reports.results.regression import Regression

if TYPE_CHECKING:
    from harness.evidence.archive_releases import Release

CODES = {"not-worse": 0, "regression": 4, "undecided": 5}
INVALID = 3
QUANTITIES = {"energy": "energy_wh", "induced": "induced_energy_wh"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRelease:
    """A campaign of a release, as its report has it."""

    release: str
    """The release; the campaign's name where it names none."""
    campaign: str
    """The campaign."""
    n_runs: int
    """Runs in its mean."""
    energy_wh: float | None
    """Mean energy of a run."""
    U_energy_wh: float | None
    """Its expanded uncertainty (95 %)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseAnswer(Document):
    """A release held against another, and all that there are."""

    regression: Regression
    """What was shown. Exit code 0: it is not worse by more than the margin; 4: it is; 5: neither was shown; 3: a
    campaign of either is invalid."""
    releases: tuple[MeasuredRelease, ...]
    """Every campaign of the scenario on the machine, in order of time."""


def add_arguments(verb: Parser) -> None:
    """What the verb takes."""
    verb.description = (
        "Hold a release against the one before it: the same scenario, on the same machine, computed from the sealed "
        "files of both (`archive add --raw`). A release is what campaigns name as `campaign.release`. Exit code 0: "
        "shown to use no more than the margin more; 4: shown to use more; 5: neither was shown, and no CI job should "
        "take that for equal; 3: a campaign is invalid."
    )
    verb.add_argument("archive", help="a folder or a URL")
    verb.add_argument("scenario", help="the scenario, or the cell, that both ran")
    verb.add_argument("--margin", required=True, metavar="M", help="how much more counts as no more: 5%%, or 0.1Wh")
    verb.add_argument("--release", default="", metavar="NAME", help="this one (default: the last that was begun)")
    verb.add_argument("--against", default="", metavar="NAME", help="held against this (default: the one before)")
    verb.add_argument("--sut", default="", metavar="NAME", help="on this machine, where several were measured")
    verb.add_argument(
        "--looks", type=at_least(1), default=1, metavar="N",
        help="how often you ask: of so many questions together at most one in twenty errs (default: 1)",
    )  # fmt: skip
    verb.add_argument(
        "--energy",
        choices=tuple(QUANTITIES),
        help="the energy of a run, or the induced one (default: where both have it)",
    )
    verb.add_argument(
        "--differs", metavar="KEY[,KEY]", default="",
        help="what of the work may differ besides program, environment, weights and command",
    )  # fmt: skip
    add_json_argument(verb, "what was shown", ReleaseAnswer)
    verb.set_defaults(call=call)


def call(arguments: argparse.Namespace) -> int:
    """Hold the newest against the reference; the exit code says what was shown."""
    from harness.evidence.archive_releases import chosen, judged, releases_of
    from reports.archive.contents import Contents
    from reports.archive.store import Store
    from reports.comparison.margin import parse_margin
    from reports.pages.document import STAMPS

    margin = parse_margin(arguments.margin)
    contents = Contents(Store(arguments.archive))
    named = [name for name in (arguments.release, arguments.against) if name]
    sut, releases = releases_of(contents, arguments.scenario, arguments.sut, named)
    sides = chosen(releases, arguments.release, arguments.against)
    differs = [key.strip() for key in arguments.differs.split(",") if key.strip()]
    quantity: Any = QUANTITIES.get(arguments.energy)
    with at_work("computing both from their sealed files"):
        found = judged(contents, sut, sides, margin, arguments.looks, differs, quantity)
    told = measured(releases, found.quantity)
    arguments.answer = ReleaseAnswer(regression=found, releases=told)
    Console().print(releases_sheet(told, found.quantity))
    for sentence in sentences(found):
        say(Console(), sentence)
    if found.origin in STAMPS:
        say(Console(), STAMPS[found.origin][1], "yellow")
    if "invalid" in (*found.reference.verdicts, *found.newest.verdicts):
        say(Console(), "A campaign of these is invalid, so this counts for nothing; its report says why.", "yellow")
        return INVALID
    return CODES[found.verdict]


def measured(releases: "list[Release]", quantity: str) -> tuple[MeasuredRelease, ...]:
    """Every campaign of every release."""
    expanded = quantity.replace("_wh", "_expanded_wh")
    return tuple(
        MeasuredRelease(
            release=release.name, campaign=row["campaign"], n_runs=row["n_runs"], energy_wh=row[quantity],
            U_energy_wh=row[expanded],
        )
        for release in releases
        for row in release.rows
    )  # fmt: skip


def releases_sheet(told: tuple[MeasuredRelease, ...], quantity: str) -> Sheet:
    """A line a campaign."""
    rows = [
        (
            printable(one.release),
            printable(one.campaign),
            str(one.n_runs),
            _figure(one.energy_wh),
            _figure(one.U_energy_wh),
        )
        for one in told
    ]
    what = "induced energy, Wh" if quantity.startswith("induced") else "energy, Wh"
    return Sheet(columns("release", "campaign", "runs", what, "U, Wh", numbers=("runs", what, "U, Wh")), rows)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.5g}"


def sentences(found: Regression) -> list[str]:
    """What was shown, and what of it depends on how often it is asked."""
    margin = f"{100 * found.margin.value:g} %" if found.margin.relative else f"{found.margin.value:g} Wh"
    newest, reference = printable(found.newest.release), printable(found.reference.release)
    what = "induced energy" if found.quantity.startswith("induced") else "energy"
    said = {
        "regression": f"Regression: {newest} uses over {margin} more {what} than {reference}",
        "not-worse": f"No regression: that {newest} uses at most {margin} more {what} than {reference} is shown",
        "undecided": f"Not decided: that {newest} uses over {margin} more {what} than {reference} is not shown, and "
        "neither is that it does not",
    }[found.verdict]
    runs = f"{counted(found.newest.n_runs, 'run')} against {found.reference.n_runs}"
    more = [f"{said} ({_interval(found)}; {runs})."]
    if found.looks > 1:
        more.append(f"That counts {found.looks} questions: for one alone the interval would be of 95 %.")
    if found.differing:
        more.append(f"Both also differ in {', '.join(found.differing)}.")
    return more


def _interval(found: Regression) -> str:
    """The one that decides, in the unit of the margin, with as many digits as show on which side that lies."""
    level = f"{100 * found.level:.6g} %"
    if found.deciding_interval is None:
        return f"no interval: {found.reason}" if found.reason else f"at {level} the interval has no end"
    scale, from_value = (100, 1) if found.margin.relative else (1, 0)
    limit = scale * found.margin.value
    unit = "%" if found.margin.relative else "Wh"
    low, high = (_beside(scale * (end - from_value), limit) for end in found.deciding_interval)
    return f"{low} {unit} to {high} {unit}, {level}"


def _beside(end: float, limit: float) -> str:
    """An end of an interval, with as many digits as tell it from a limit."""
    said = (f"{end:+.{digits}g}" for digits in range(3, 12))
    return next((text for text in said if (float(text) > limit) == (end > limit) and float(text) != limit), f"{end:+}")
