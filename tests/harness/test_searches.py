"""A search in a campaign: its plan, what it records, and that no kill changes what is suggested."""

import itertools
import json
import math
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli.suggesting import suggester
from harness.measure.campaign import Campaign, Progress
from harness.measure.lab_file import LabConfig, changed_since
from harness.measure.plan import make_plan, repetition_seed, search_seed, trial_seed
from harness.measure.search_section import SearchSection, of_search, outside, space_of
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import Json, dump
from harness.record.entries import Plan, Registered, RunBegin, RunEnd, Suggestion, of
from harness.record.errors import ConfigError, Interrupted
from harness.record.run_folder import RunFolder
from harness.record.searches import trials_of
from tests.harness.lying import bench_of, config_in
from tests.harness.searching import BRIEF_S, ROUNDS, SEARCHING, SOFTWARE, Failed, SearchedSut, places, searched, smooth
from workloads.search.space import Bounds, Choices


def suggestions(campaign: CampaignFolder) -> bytes:
    """Every suggestion of a log, in its order."""
    return dump({str(one.ordinal): one.values for one in of(Suggestion, campaign.entries())}).encode()


def registered(campaign: CampaignFolder) -> list[tuple[int, float | None]]:
    return [(one.ordinal, one.value) for one in of(Registered, campaign.entries())]


def started_with(campaign: CampaignFolder, ordinal: int) -> list[Json]:
    """The parameters of every attempt at a run."""
    runs = [run for run in campaign.runs() if run.start.ordinal == ordinal]
    return [run.start.scenario_config["parameters"] for run in runs]


# --- the plan ---


def planned_for(tmp_path: Path, tables: str, repetitions: int = 2) -> LabConfig:
    text = SEARCHING.replace("repetitions = 1", f"repetitions = {repetitions}").replace("candidates = 500\n", "")
    return config_in(tmp_path, text.replace("[scenarios.bayes]", f"{tables}[scenarios.bayes]"))


OTHER = """\
[scenarios.drawn]
command = ["work"]
artifacts = ["summary.json"]
repetitions = 2
parameters = { x = 0.5, deep = false }
search = { strategy = "random", rounds = 2, objective = "a", space = { x = { low = 0.0, high = 1.0 } } }
[scenarios.still]
command = ["idle"]
repetitions = 2
"""


def test_every_trial_is_a_planned_run_and_each_block_is_one_trial_of_every_search(tmp_path: Path) -> None:
    config = planned_for(tmp_path, OTHER)
    runs = [run for run in make_plan(config) if run.kind == "scenario"]
    assert Counter(run.scenario for run in runs) == {"drawn": 4, "still": 2, "bayes": 2 * ROUNDS}
    assert [run.ordinal for run in make_plan(config)] == list(range(1, 14))
    blocks = [
        (place, {run.scenario for run in group})
        for place, group in itertools.groupby(runs, lambda run: (run.search or run.repetition, run.trial or 1))
    ]
    both = {"drawn", "bayes"}
    assert blocks == [
        ((1, 1), {*both, "still"}), ((1, 2), both), ((1, 3), {"bayes"}),
        ((2, 1), {*both, "still"}), ((2, 2), both), ((2, 3), {"bayes"}),
    ]  # fmt: skip
    for run in runs:
        if run.trial is None:
            assert (run.search, run.seed) == (None, repetition_seed(1, run.repetition))
        else:
            rounds = {"drawn": 2, "bayes": ROUNDS}[run.scenario]
            assert run.repetition == (run.search or 0) * rounds - rounds + run.trial
            assert run.seed == trial_seed(1, run.search or 0, run.trial)
    assert len({trial_seed(1, search, trial) for search in range(1, 9) for trial in range(1, 65)}) == 512
    assert search_seed(1, 2) not in (search_seed(1, 1), repetition_seed(1, 2))


def test_a_plan_without_a_search_is_the_one_that_it_was(tmp_path: Path) -> None:
    text = SEARCHING.partition("[scenarios.bayes.search]")[0]
    (run,) = [run for run in make_plan(config_in(tmp_path, text)) if run.kind == "scenario"]
    assert run.to_json().keys() == {"ordinal", "kind", "scenario", "repetition", "seed", "block"}
    assert "search" not in config_in(tmp_path, text).to_json()["scenarios"]["bayes"]


def test_a_campaign_is_not_continued_with_another_search(tmp_path: Path) -> None:
    begun = config_in(tmp_path, SEARCHING).to_json()
    assert changed_since(config_in(tmp_path, SEARCHING), json.loads(dump(begun))) is None
    other = config_in(tmp_path, SEARCHING.replace("high = 1.0 ", "high = 2.0 "))
    assert "scenarios.bayes.search.space.x.high differ" in str(changed_since(other, begun))


# --- what cannot be right ---


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"bayes-pi"', '"bayes"', r"search\.strategy: found 'bayes', .* did you mean bayes-pi\?"),
        (f"rounds = {ROUNDS}", "rounds = 0", r"search\.rounds: found 0, expected at least 1"),
        (f"rounds = {ROUNDS}\n", "", r"search\.rounds: missing"),
        ('"quality.score"', '"quality."', r"search\.objective: found 'quality\.', expected a key of summary\.json"),
        ('artifacts = ["summary.json"]\n', "", r'read from summary\.json, .* write artifacts = \["summary\.json"\]'),
        ("x = { low = 0.0, high = 1.0 }", "z = { low = 0.0, high = 1.0 }", r"space\.z: the scenario has no parameter"),
        ("x = { low = 0.0, high = 1.0 }", "x = { low = 1.0, high = 1.0 }", r"space\.x\.high: .* more than low"),
        ("x = { low = 0.0, high = 1.0 }", "x = { low = 0.0 }", r"space\.x: found .*, expected \{ low = 0\.1, high"),
        ("x = { low = 0.0, high = 1.0 }", 'x = { low = "a", high = 1.0 }', r"space\.x\.low: found 'a', expected a n"),
        ("x = { low = 0.0, high = 1.0 }", "x = { choices = [0.5] }", r"space\.x\.choices: .* two values or more"),
        ("x = { low = 0.0, high = 1.0 }", "x = { choices = [0.5, 0.5] }", r"choices\[1\]: 0\.5 stands there twice"),
        ("x = { low = 0.0, high = 1.0 }", 'x = { choices = [0.5, "a"] }', r"choices\[1\]: found 'a', expected float"),
        ("x = { low = 0.0, high = 1.0 }", "deep = { low = 0.0, high = 1.0 }", r"space\.deep: .* bounds are for a num"),
        ('1e1, scale = "log"', '1e1, scale = "ln"', r"space\.y\.scale: found 'ln', expected"),
        ("y = { low = 1e-3", "y = { low = 0.0", r"space\.y\.low: .* more than 0 on a log scale"),
        ('"bayes-pi"', '"grid"\npoints = 1', r"search\.points: found 1, expected at least 2"),
        (f'"bayes-pi"\nrounds = {ROUNDS}', '"partial-grid"\nrounds = 26', r"search\.rounds: found 26, .* 25 points"),
        ('"bayes-pi"', '"grid"\npoints = 2000', r"search\.points: a grid of 4000000 points"),
        ("[scenarios.bayes.search]", "factors = { x = 0.5 }\n[scenarios.bayes.search]", r"space\.x: it is a factor"),
        ('order = "shuffled"', 'order = "shuffled"\ndesign = "two-stage"\ntwo_stage = { half_width_percent = 5.0 }',
         r"scenarios\.bayes\.search: a search has no second stage"),
    ],
)  # fmt: skip
def test_a_search_that_cannot_be_is_refused_with_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in SEARCHING
    with pytest.raises(ConfigError, match=message):
        config_in(tmp_path, SEARCHING.replace(old, new, 1))


def test_what_lies_outside_a_space_is_said() -> None:
    space = space_of({"x": {"low": 0, "high": 1}, "n": {"choices": [1, 2]}})
    assert space == {"x": Bounds(0.0, 1.0), "n": Choices((1, 2))}
    assert list(outside(space, {"x": 0.5, "n": 2})) == []
    assert list(outside(space, {"x": 1.5, "n": 2.0})) == [
        "x is 1.5, which is not from 0.0 to 1.0", "n is 2.0, none of its choices",
    ]  # fmt: skip
    assert list(outside(space, {"n": 2})) == ["it has n, the space has x, n"]


# --- kills ---


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Campaigns that were killed, each in another place, and continued."""
    folder = tmp_path_factory.mktemp("killed")
    subprocess.run([sys.executable, "-m", "tests.harness.searching", folder], check=True, timeout=240)
    return folder


def test_a_kill_in_any_place_leaves_the_same_suggestions_to_the_byte(killed: Path) -> None:
    whole = CampaignFolder(killed / "never" / "runs" / "c")
    assert len(of(Suggestion, whole.entries())) == len(of(Registered, whole.entries())) == ROUNDS
    for place in places():
        campaign = CampaignFolder(killed / place / "runs" / "c")
        assert suggestions(campaign) == suggestions(whole), place
        assert registered(campaign) == registered(whole), place
        for one in trials_of(campaign.entries()):
            assert one.suggestion is not None
            for parameters in started_with(campaign, one.ordinal):
                assert parameters == {"x": 0.5, "y": 1.0, "deep": False} | one.suggestion.values, place


def test_a_trial_that_was_cut_off_is_made_again_and_both_attempts_stay(killed: Path) -> None:
    for ordinal in range(2, ROUNDS + 2):
        campaign = CampaignFolder(killed / f"rating-{ordinal}" / "runs" / "c")
        ends = [(end.ordinal, end.exit_status) for end in of(RunEnd, campaign.entries()) if end.ordinal == ordinal]
        assert ends == [(ordinal, "abort"), (ordinal, "success")]
        (counts,) = [one for one in of(Registered, campaign.entries()) if one.ordinal == ordinal]
        assert RunFolder.open(campaign.path / counts.folder).exit_status == "success"


def test_each_trial_is_suggested_begun_ended_and_registered_before_the_next(killed: Path) -> None:
    entries = CampaignFolder(killed / "never" / "runs" / "c").entries()
    of_trials = Suggestion | RunBegin | RunEnd | Registered
    told = [(entry.ordinal, entry.TYPE) for entry in entries if isinstance(entry, of_trials)]
    kinds = ("suggestion", "run-begin", "run-end", "registered")
    assert told[2:] == [(ordinal, kind) for ordinal in range(2, ROUNDS + 2) for kind in kinds]
    assert [one.told for one in of(Suggestion, entries)] == list(range(ROUNDS))
    assert all(one.cpu_s > 0 and one.software["scikit-learn"] for one in of(Suggestion, entries))


def test_with_a_noisy_objective_what_was_suggested_and_registered_never_changes(tmp_path: Path) -> None:
    config = config_in(tmp_path, SEARCHING)
    calls: list[Json] = []

    def drifting(parameters: Json) -> float:
        calls.append(parameters)
        return smooth(parameters) + 0.01 * len(calls)

    def interrupted(progress: Progress) -> None:
        if (progress.current.ordinal, progress.phase) == (3, "supplementary"):
            raise Interrupted("SIGTERM")

    with pytest.raises(Interrupted):
        searched(config, drifting, interrupted)
    campaign = Campaign(config, SOFTWARE).folder
    before, known = suggestions(campaign), registered(campaign)
    assert [ordinal for ordinal, _ in known] == [2]
    searched(config, drifting)
    assert suggestions(campaign).startswith(before[:-1])
    assert registered(campaign)[: len(known)] == known
    assert len(calls) == ROUNDS + 1
    # The attempt that was cut off gave a value too: it is not the one that was registered.
    assert started_with(campaign, 3)[0] == started_with(campaign, 3)[1] == calls[1] == calls[2]
    assert dict(registered(campaign))[3] == smooth(calls[2]) + 0.01 * 3


# --- trials that give no number ---


def test_a_trial_that_fails_or_gives_no_number_is_a_result_and_the_search_goes_on(tmp_path: Path) -> None:
    config = config_in(tmp_path, SEARCHING.replace(f"rounds = {ROUNDS}", "rounds = 5"))
    results = iter([math.nan, None, "high", 0.5])

    def odd(parameters: Json) -> object:
        found = next(results, "killed")
        if found == "killed":
            raise Failed
        return found

    campaign = searched(config, odd)
    said = {one.ordinal: (one.value, one.reason) for one in of(Registered, campaign.folder.entries())}
    assert said[2] == (None, "quality.score is nan, no number")
    assert said[3] == (None, "quality.score is None, no number")
    assert said[4] == (None, "quality.score is 'high', no number")
    assert said[5] == (0.5, None)
    value, reason = said[6]
    assert value is None
    assert "its program failed: the command of bayes ended with exit code 137" in str(reason)
    assert campaign.remaining() == []
    assert [begin.ordinal for begin in of(RunBegin, campaign.folder.entries())] == [1, 2, 3, 4, 5, 6]
    assert [one.told for one in of(Suggestion, campaign.folder.entries())] == [0, 0, 0, 0, 1]
    assert Campaign(config, SOFTWARE).remaining() == []


def test_a_trial_that_is_thrown_out_is_made_again_with_its_suggestion_and_then_left(tmp_path: Path) -> None:
    config = config_in(tmp_path, SEARCHING)
    campaign = Campaign(config, SOFTWARE)
    verdicts = iter([None, None, "gaps", "gaps", "gaps", None])
    bench = bench_of(config, SearchedSut(smooth, BRIEF_S))
    campaign.measure(bench, lambda _: None, lambda _: next(verdicts), suggest=suggester(config))
    said = {one.ordinal: (one.value is None, one.reason) for one in of(Registered, campaign.folder.entries())}
    assert said == {2: (False, None), 3: (True, "thrown out when it was measured: gaps"), 4: (False, None)}
    for ordinal in (3, 4):
        first, second = started_with(campaign.folder, ordinal)
        assert first == second


def test_a_log_that_says_a_trial_twice_has_the_first(tmp_path: Path) -> None:
    config = config_in(tmp_path, SEARCHING)
    campaign = Campaign(config, SOFTWARE).folder
    body = {"ordinal": 2, "told": 0, "cpu_s": 0.1, "duration_s": 0.1, "software": {}}
    for x in (0.25, 0.75):
        campaign.append("suggestion", "2026-11-30T08:00:00Z", body | {"values": {"x": x, "y": 1.0}})
    first = trials_of(campaign.entries())[0].suggestion
    assert first is not None
    assert first.values["x"] == 0.25
    (plan,) = of(Plan, campaign.entries())
    for odd in ({"trial": "one"}, {"search": 0}, {"scenario": None}):
        assert trials_of([replace(plan, runs=[run | odd for run in plan.runs])]) == []


def test_a_service_is_not_searched() -> None:
    section = SearchSection(strategy="random", rounds=3, objective="score", space={"x": {"low": 0.0, "high": 1.0}})
    found = list(of_search("lab.toml: scenarios.a.search", section, {"x": 0.5}, [], ["summary.json"], is_served=True))
    assert found == [
        "lab.toml: scenarios.a.search: the scenario is a service (population), and a search needs a program; leave one "
        "of the two out"
    ]
