"""Releases in an archive: which there are of a scenario on a machine, and the newest held against the one before it.

Knows the archive's index and tables, and where the sealed files are. Computes no number: `comparison.regression` does,
from the sealed files of both, for only they have what two means have in common.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.evidence.archives import unpacked
from harness.record.steps import steps
from reports.archive.contents import Contents
from reports.archive.errors import ArchiveError
from reports.archive.index import Entry, required_in
from reports.archive.query import answer, connection
from reports.comparison.regression import regression
from reports.comparison.selection import Part
from reports.results.compared_pair import Headline
from reports.results.comparison import Margin
from reports.results.regression import Regression

SCENARIOS = (
    "SELECT s.scenario, c.sut, coalesce(c.release, c.campaign) AS release, c.campaign, c.begun_utc_ns, s.n_runs, "
    "s.energy_wh, s.energy_expanded_wh, s.induced_energy_wh, s.induced_energy_expanded_wh "
    "FROM scenarios s JOIN campaigns c USING (campaign_uid, campaign) ORDER BY c.begun_utc_ns, c.campaign"
)


@dataclass(frozen=True, slots=True)
class Release:
    """A release of what a scenario runs, on one machine: its campaigns in order of time, each a row of SCENARIOS."""

    name: str
    rows: tuple[dict[str, Any], ...]


def releases_of(
    contents: Contents, scenario: str, sut: str = "", named: Sequence[str] = ()
) -> tuple[str, list[Release]]:
    """The machine, and its releases in the order in which they were first measured. A campaign that names none is one
    of its own. Where several machines were measured and none is asked for, it is the one that has all named releases.

    Raises:
        ArchiveError: no campaign has the scenario, or several machines come into question and none is asked for.
    """
    every = answer(connection(contents, SCENARIOS), SCENARIOS).to_pylist()
    rows = [row for row in every if row["scenario"] == scenario]
    if not rows:
        known = ", ".join(sorted({row["scenario"] for row in every})) or "none"
        raise ArchiveError(f"{contents.store.url}: no campaign has a scenario {scenario!r}; there are {known}")
    suts = sorted({row["sut"] for row in rows})
    those_of = {one: {row["release"] for row in rows if row["sut"] == one} for one in suts}
    suiting = [one for one in suts if named and set(named) <= those_of[one]]
    if sut and sut not in suts:
        raise ArchiveError(f"--sut {sut}: no campaign of {scenario} is of this machine; there are {', '.join(suts)}")
    if not sut and len(suts) > 1 and len(suiting) != 1:
        raise ArchiveError(f"{scenario} was measured on several machines; name one with --sut: {', '.join(suts)}")
    own = sut or (suiting or suts)[0]
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["sut"] == own:
            found.setdefault(row["release"], []).append(row)
    return own, [Release(name, tuple(of)) for name, of in found.items()]


def chosen(releases: Sequence[Release], newest: str, against: str) -> tuple[Release, Release]:
    """The reference and the newest; the last release, and the one before it, where they are not named.

    Raises:
        ArchiveError: there is no such release, only one, or both are the same.
    """
    if newest and newest == against:
        raise ArchiveError(f"--release and --against both name {newest}; name two releases")
    names = [release.name for release in releases]
    for name in filter(None, (newest, against)):
        if name not in names:
            raise ArchiveError(f"no release {name!r} of this scenario; there are {', '.join(names)}")
    last = newest or next(name for name in reversed(names) if name != against or len(names) == 1)
    before = against or next((name for name in reversed(names[: names.index(last)])), "")
    if not before or before == last:
        raise ArchiveError(
            f"{last}: no release before it to hold it against; add campaigns of another one, or name it with --against"
        )
    return releases[names.index(before)], releases[names.index(last)]


def judged(
    contents: Contents, sut: str, sides: tuple[Release, Release], margin: Margin, looks: int,
    differs: Sequence[str] = (), quantity: Headline | None = None,
) -> Regression:  # fmt: skip
    """The second release held against the first.

    Raises:
        ArchiveError: sealed files of one of their campaigns were not archived, or are damaged.
        AnalysisError: they did different work, or their campaigns cannot be pooled.
    """
    entries = [[_with_files(contents, row["campaign"]) for row in release.rows] for release in sides]
    with tempfile.TemporaryDirectory(prefix="wattlab-") as scratch:
        parts: list[list[Part]] = [[], []]
        for place, entry in steps(
            "unpacking sealed files", [(place, entry) for place, side in enumerate(entries) for entry in side]
        ):
            into = Path(scratch) / str(place) / entry.name
            into.mkdir(parents=True)
            parts[place].append(Part(unpacked(contents.store, entry, into), sides[place].rows[0]["scenario"]))
        names = (sides[0].name, sides[1].name)
        return regression((parts[0], parts[1]), names, sut, margin, looks, differs, quantity)


def _with_files(contents: Contents, campaign: str) -> Entry:
    entry = required_in(contents.store, campaign).entry
    if entry.raw is None:
        raise ArchiveError(
            f"{campaign}: its sealed files were not archived, and only they say what two releases have in common; add "
            "it again with --raw"
        )
    return entry
