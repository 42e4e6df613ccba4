"""A release held against the one before it: what is shown, what is refused, and that nothing undecided passes."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli import main
from harness.cli.archive_regression import ReleaseAnswer
from harness.evidence.archive_checks import verify
from harness.evidence.archive_releases import chosen, judged, releases_of
from harness.evidence.archives import add
from reports.api import open_archive
from reports.archive.contents import Contents
from reports.archive.errors import ArchiveError
from reports.archive.store import Store
from reports.comparison.regression import verdict
from reports.inference.contrast import Contrast, Mean
from reports.results.codec import decoded
from reports.results.comparison import Margin
from tests.reports.make_campaign import LOADS, Shape, make_campaign


def night(folder: Path, name: str, release: str, power_w: float, seed: int, host: str = "sut-01") -> Path:
    """A campaign of one scenario."""
    loads = {"serve": dataclasses.replace(LOADS["idle"], power_w=power_w)}
    shape = Shape(
        name=name,
        release=release,
        loads=loads,
        repetitions=6,
        baseline_blocks=3,
        duration_s=20,
        seed=seed,
        hostname=host,
    )
    return make_campaign(folder, shape)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """1.0 and 1.1 alike, 1.2 in two campaigns with a third more."""
    folder = tmp_path_factory.mktemp("nights")
    found = Store(str(folder / "archive"))
    nights = (("a", "1.0", 50.0), ("b", "1.1", 50.0), ("c", "1.2", 70.0), ("d", "1.2", 70.0))
    for seed, (name, release, power_w) in enumerate(nights):
        add(night(folder, name, release, power_w, seed), found, raw=True, key=None)
    return found


def asked(store: Store, *arguments: str) -> int:
    return main(["archive", "regression", store.url, "serve", *arguments])


def test_what_is_shown_is_the_exit_code_and_what_is_not_is_none_of_them(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(store, "--margin", "10%") == 4
    said = " ".join(capsys.readouterr().out.split())
    assert "Regression: 1.2 uses over 10 % more induced energy than 1.1" in said
    assert "12 runs against 6" in said
    assert "Nothing here is a measured consumption" in said
    assert asked(store, "--margin", "25%", "--release", "1.1") == 0
    assert "No regression: that 1.1 uses at most 25 % more" in " ".join(capsys.readouterr().out.split())
    assert asked(store, "--margin", "0.1%", "--release", "1.1", "--looks", "365") == 5
    assert "Not decided" in capsys.readouterr().out
    assert asked(store, "--margin", "10%", "--release", "1.0", "--against", "1.2", "--energy", "energy") == 0


def test_nights_of_releases_pass_every_check(store: Store) -> None:
    assert [check for check in verify(store, "c", None) if not check.passed] == []


def test_the_answer_is_that_of_compare_and_counts_the_looks(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(store, "--margin", "10%", "--json") == 4
    once = json.loads(capsys.readouterr().out)
    assert asked(store, "--margin", "10%", "--looks", "3", "--json") == 4
    assert decoded(ReleaseAnswer, once, "the answer").regression.verdict == "regression"
    often = json.loads(capsys.readouterr().out)["regression"]
    assert often["p_more"] == pytest.approx(3 * once["regression"]["p_more"])
    assert [one["release"] for one in once["releases"]] == ["1.0", "1.1", "1.2", "1.2"]
    assert once["regression"]["newest"]["campaigns"] == ["c", "d"]
    assert once["regression"]["ratio_interval"][0] > 1.1


def test_the_printed_interval_is_the_one_that_decides_in_the_unit_of_the_margin(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*arguments: str, code: int) -> str:
        assert asked(store, *arguments) == code
        return " ".join(capsys.readouterr().out.split())

    assert re.search(r"\(\+[\d.]+ Wh to \+[\d.]+ Wh, 95 %; 12 runs", said("--margin", "10mWh", code=4))
    assert re.search(r"\(\+[\d.]+ % to \+[\d.]+ %, 95 %; 12 runs", said("--margin", "10%", code=4))
    assert "%, 99.9863 %; 6 runs" in said("--margin", "0.1%", "--release", "1.1", "--looks", "365", code=5)
    found = json.loads(said("--margin", "10%", "--looks", "3", "--json", code=4))["regression"]
    low, high = found["deciding_interval"]
    assert found["level"] == pytest.approx(1 - 0.05 / 3)
    assert 1.1 < low < found["ratio_interval"][0] < found["ratio_interval"][1] < high
    found = json.loads(said("--margin", "10mWh", "--json", code=4))["regression"]
    assert found["deciding_interval"] == found["difference_interval_wh"]


def test_named_releases_say_which_machine_and_a_release_is_not_held_against_itself(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(store, "--margin", "10%", "--release", "1.0", "--against", "1.0") == 1
    assert "--release and --against both name 1.0; name two releases" in " ".join(capsys.readouterr().err.split())
    two = Store(str(tmp_path / "archive"))
    for seed, (name, release, host) in enumerate((("a", "1", "one"), ("b", "2", "one"), ("c", "2", "other"))):
        add(night(tmp_path, name, release, 50.0, seed, host), two, raw=False, key=None)
    assert releases_of(Contents(two), "serve", named=["2", "1"])[0] == "one"
    for named in ([], ["2"]):
        with pytest.raises(ArchiveError, match="measured on several machines; name one with --sut: one, other"):
            releases_of(Contents(two), "serve", named=named)


def test_releases_are_a_column_and_a_campaign_without_one_is_its_own(store: Store, tmp_path: Path) -> None:
    assert open_archive(store.url).campaigns["release"].tolist() == ["1.0", "1.1", "1.2", "1.2"]
    other = Store(str(tmp_path / "a"))
    add(night(tmp_path, "nightly-7", "", 50.0, 7), other, raw=False, key=None)
    sut, releases = releases_of(Contents(other), "serve")
    assert (sut, [release.name for release in releases]) == ("sut-01", ["nightly-7"])
    with pytest.raises(ArchiveError, match="nightly-7: no release before it"):
        chosen(releases, "", "")


def test_what_cannot_be_held_against_each_other_is_said(store: Store, tmp_path: Path) -> None:
    contents = Contents(store)
    with pytest.raises(ArchiveError, match="no campaign has a scenario 'swerve'; there are serve"):
        releases_of(contents, "swerve")
    with pytest.raises(ArchiveError, match="no campaign of serve is of this machine; there are sut-01"):
        releases_of(contents, "serve", "sut-02")
    _, releases = releases_of(contents, "serve")
    with pytest.raises(ArchiveError, match=r"no release '9'.*there are 1\.0, 1\.1, 1\.2"):
        chosen(releases, "9", "")
    plain = Store(str(tmp_path / "a"))
    for seed, release in enumerate(("1", "2")):
        add(night(tmp_path, f"n{release}", release, 50.0, seed), plain, raw=False, key=None)
    sut, two = releases_of(Contents(plain), "serve")
    with pytest.raises(ArchiveError, match=r"n1: its sealed files were not archived.*again with --raw"):
        judged(Contents(plain), sut, chosen(two, "", ""), Margin(0.05, "1"), 1)


runs = st.lists(st.floats(9.0, 11.0), min_size=3, max_size=12, unique=True)


@given(first=runs, second=runs, limit=st.floats(0.8, 1.2), relative=st.booleans())
def test_a_limit_is_told_where_the_interval_lies_beside_it(
    first: list[float], second: list[float], limit: float, relative: bool
) -> None:
    one, other = (Mean(float(np.mean(of)), np.array(of) - np.mean(of), {}) for of in (first, second))
    contrast = Contrast(one, other)
    limit = limit if relative else 10 * (limit - 1)
    told = contrast.at_limit(limit, relative=relative)
    found = contrast.interval_of_ratio(complete=True) if relative else contrast.interval(complete=True)
    assert (told is None) == (found is None)
    if told is not None and found is not None:
        apart = min(abs(end - limit) for end in found)
        # Fieller's ends have the degrees of freedom of the ratio that was found.
        if apart > 1e-6:
            assert (told.above < 0.05, told.below < 0.05) == (found[0] > limit, found[1] < limit)
        often = contrast.interval_of_ratio if relative else contrast.interval
        wide = often(complete=True, level=1 - 0.05 / 365)
        if wide is not None and min(abs(end - limit) for end in wide) > 1e-6:
            shown = "regression" if wide[0] > limit else "not-worse" if wide[1] < limit else "undecided"
            assert verdict(told, 365) == shown
        word = verdict(told, 1)
        assert (word == "undecided") == (told.above >= 0.05 and told.below >= 0.05)
