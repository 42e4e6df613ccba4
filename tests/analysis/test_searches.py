"""`searches` of results.json, and what verify says of a search whose log was changed: a campaign of one search in which
one trial fails, one gives no number, and one is cut off and made again."""

import hashlib
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.searches import check_searches
from harness.evidence.verification import verify
from harness.measure.plan import make_plan
from harness.record.campaign_folder import CAMPAIGN, CampaignFolder
from harness.record.chain import GENESIS, line_of
from harness.record.documents import Json
from harness.record.entries import RunEnd, of
from harness.record.errors import Interrupted
from harness.record.verify import examine
from reports.campaign.analyse import analyse
from reports.pages.blocks import Table
from reports.pages.campaign import campaign_page
from reports.pages.searches import MOST_SEARCHES, best_figure, best_lines
from reports.results.codec import document_text
from reports.results.document import Results, results_of
from reports.results.search import CutAttempt, SearchResult, TrialResult
from tests.harness.lying import POWER_W, config_in
from tests.harness.searching import LONG_S, SEARCHING, Failed, InTheMiddle, searched

ROUNDS = 5
TEXT = SEARCHING.replace("rounds = 3", f"rounds = {ROUNDS}").replace("blocks = 1", "blocks = 2")


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trial 1 is fine, 2 says NaN, 3 is cut off while it is rated and then best, 4 is killed on the SUT, 5 is fine."""
    folder, called = tmp_path_factory.mktemp("searched"), list[Json]()

    def odd(parameters: Json) -> float:
        called.append(parameters)
        if (number := len(called)) == 5:
            raise Failed
        return {1: 0.5, 2: math.nan, 3: 0.7, 4: 0.9, 6: 0.6}[number]

    def stop() -> None:
        raise Interrupted("SIGTERM")

    third = next(run.ordinal for run in make_plan(config_in(folder, TEXT)) if run.trial == 3)
    with pytest.raises(Interrupted):
        searched(config_in(folder, TEXT), odd, InTheMiddle(third, stop), LONG_S)
    return searched(config_in(folder, TEXT), odd).folder.path


@pytest.fixture(scope="module")
def results(campaign: Path) -> Results:
    return analyse(campaign).results


@pytest.fixture(scope="module")
def search(results: Results) -> SearchResult:
    (found,) = results.searches
    return found


def test_a_search_says_what_it_tried_and_what_was_best(search: SearchResult) -> None:
    assert (search.scenario, search.search, search.strategy, search.rounds) == ("bayes", 1, "bayes-pi", ROUNDS)
    assert (search.ended, search.without_value) == (5, 2)
    assert (search.best_trial, search.best_objective) == (3, 0.9)
    assert [trial.objective for trial in search.trials] == [0.5, None, 0.9, None, 0.6]
    assert [trial.reason is None for trial in search.trials] == [True, False, True, False, True]
    assert all(set(trial.values) == {"x", "y"} for trial in search.trials)


def test_every_attempt_is_charged_and_the_cut_one_as_far_as_it_was_recorded(search: SearchResult) -> None:
    (cut,) = search.cut
    assert cut.trial == 3
    assert "SIGTERM" in str(cut.reason)
    attempts: list[TrialResult | CutAttempt] = [*search.trials, cut]
    assert all(one.energy_wh is not None and one.duration_s is not None for one in attempts)
    joules = [
        (3600 * one.energy_wh.value, one.duration_s.value) for one in attempts if one.energy_wh and one.duration_s
    ]
    for energy_j, duration_s in joules:
        assert energy_j == pytest.approx(POWER_W * duration_s, rel=0.02)
    assert search.energy_wh is not None
    assert search.cut_energy_wh is not None
    assert 3600 * search.energy_wh.value == pytest.approx(math.fsum(energy_j for energy_j, _ in joules))
    assert 3600 * search.cut_energy_wh.value == pytest.approx(joules[-1][0])
    assert search.energy_wh.n == 6
    # 60 W is all that this machine ever draws: nothing is induced, and U says so.
    for number in (search.induced_energy_wh, search.until_best_wh, search.cut_induced_energy_wh):
        assert number is not None
        assert abs(number.value) <= (number.expanded or 0.0) + 1e-9
    assert search.until_best_wh is not None
    assert search.until_best_wh.n == 4
    assert search.unknown == ()


def test_what_the_host_took_is_a_line_of_its_own_and_not_measured(search: SearchResult) -> None:
    assert search.host.suggestions == ROUNDS
    assert search.host.cpu_s.value > 0
    assert search.host.energy_wh is None


def test_trials_are_no_replicates_for_any_test_or_finding(results: Results) -> None:
    assert results.statistics.reason == "nothing-to-test"
    codes = {finding.code for finding in results.findings}
    assert not codes & {"pooled-incomparable", "outlier", "autocorrelated"}
    assert results.scenarios["bayes"].parameters == {"deep": False}
    # A machine that is busy with other tests may have cost runs their place in the means, but none its rating.
    rated = [run for run in results.runs if run.scenario == "bayes" and run.status == "success"]
    assert len(rated) == 4
    assert results.scenarios["bayes"].n_runs.value == sum(run.included for run in rated)


def test_results_are_read_back_and_a_campaign_without_a_search_has_no_such_key(results: Results) -> None:
    text = document_text(results)
    assert results_of(text).searches == results.searches
    example = Path(__file__).parents[1] / "data" / "results-example.json"
    assert "searches" not in json.loads(example.read_text())


def test_the_page_shows_searches_trials_and_what_was_cut_off(results: Results) -> None:
    page = campaign_page(results, [], "", "")
    (section,) = [one for one in page.sections if one.name == "searches"]
    tables = {block.name: block for block in section.blocks if isinstance(block, Table)}
    assert list(tables) == ["each-search", "trials", "cut-attempts"]
    (row,) = tables["each-search"].rows
    assert row.cells[:5] == ("bayes", "1", "bayes-pi", "5 of 5, 2 without a number", "quality.score 0.9000 (trial 3)")
    assert row.cells[-1] == "not measured"
    objectives = [one.cells[6] for one in tables["trials"].rows]
    assert objectives[2] == "0.9000 (best)"
    assert objectives[1] == "quality.score is nan, no number"


def test_a_figure_shows_every_trial_and_the_best_so_far(results: Results) -> None:
    (one,) = results.searches
    worse = replace(one, search=2, best_objective=0.1, best_trial=1)
    figure = best_figure(replace(results, searches=(one, worse)), "")
    assert figure is not None
    assert all(text in figure.svg for text in ("bayes (bayes-pi)", "quality.score", "search 2", "trial"))
    alone = replace(one, trials=tuple(replace(trial, objective=None) for trial in one.trials))
    assert best_figure(replace(results, searches=(alone,)), "") is None
    many = tuple(replace(one, search=number) for number in range(1, MOST_SEARCHES + 2))
    assert best_figure(replace(results, searches=many), "") is None


def test_what_each_scenario_found_is_a_sentence_and_searches_of_one_stand_together(results: Results) -> None:
    (one,) = results.searches
    worse = replace(one, search=2, best_objective=0.1, best_trial=1)
    other = replace(one, scenario="drawn", strategy="random", best_objective=None, best_trial=None)
    both = replace(results, searches=(worse, other, one))
    best, none = best_lines(both)
    assert best.startswith("bayes (bayes-pi): best quality.score 0.9000 of 2 searches, in search 1, trial 3: x = ")
    assert none == "drawn (random): no trial gave a number of quality.score."
    least = best_lines(replace(both, searches=tuple(replace(one, direction="minimise") for one in both.searches)))[0]
    assert "best quality.score 0.1000 of 2 searches, in search 2, trial 1" in least
    (section,) = [part for part in campaign_page(both, [], "", "").sections if part.name == "searches"]
    (table,) = [block for block in section.blocks if isinstance(block, Table) and block.name == "each-search"]
    assert [row.cells[:2] for row in table.rows] == [("bayes", "1"), ("bayes", "2"), ("drawn", "1")]


# --- verify ---


def forged(campaign: Path, folder: Path, change: Any) -> list[str]:  # noqa: ANN401  (entries) -> entries
    """What the check of searches says when somebody rewrites the log, chain and all."""
    shutil.copytree(campaign, folder / "forged")
    log = folder / "forged" / CAMPAIGN
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    previous, lines = GENESIS, list[bytes]()
    for number, entry in enumerate(change(entries), 1):
        plain = {key: value for key, value in entry.items() if key != "line_sha256"}
        lines.append(line_of(plain | {"seq": number, "prev": previous}))
        previous = hashlib.sha256(lines[-1]).hexdigest()
    log.chmod(0o644)
    log.write_bytes(b"".join(line + b"\n" for line in lines))
    return [check.detail for check in check_searches("c", examine(folder / "forged")) if not check.passed]


def altered(entries: list[Json], kind: str, number: int, **fields: Any) -> list[Json]:  # noqa: ANN401
    """The log with other fields in the nth entry of a kind."""
    at = [place for place, entry in enumerate(entries) if entry["type"] == kind][number]
    return [*entries[:at], entries[at] | fields, *entries[at + 1 :]]


def moved(entries: list[Json], kind: str, number: int, by: int) -> list[Json]:
    at = [place for place, entry in enumerate(entries) if entry["type"] == kind][number]
    entry = entries.pop(at)
    entries.insert(at + by, entry)
    return entries


def test_a_campaign_with_a_search_verifies(campaign: Path) -> None:
    outcome = verify(campaign, None)
    meters = ("wire", "origin", "descriptor")  # this one has no wire
    assert [check for check in outcome.checks if not check.passed and check.name not in meters] == []
    (held,) = [check.detail for check in outcome.checks if check.name == "searches"]
    assert held == "5 of 5 trials: suggested before they were begun, registered as they were sealed"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda e: altered(e, "registered", 0, value=0.95), "registered with 0.95, it holds 0.5"),
        (lambda e: altered(e, "registered", 1, value=0.1, reason=None), "registered with 0.1, it holds None"),
        (lambda e: altered(e, "registered", 1, reason=None), "registered without a value, and nothing says why"),
        (lambda e: altered(e, "registered", 0, folder="20261130T000000Z-r02-00000000"), "which had not ended"),
        (lambda e: altered(e, "suggestion", 1, values={"x": 2.0, "y": 1.0}), "x is 2.0, which is not from 0.0 to 1.0"),
        (lambda e: altered(e, "suggestion", 1, values={"x": 0.5}), "it has x, the space has x, y"),
        (lambda e: altered(e, "suggestion", 4, told=4), "it was suggested by 4 values, 2 were registered"),
        (lambda e: altered(e, "suggestion", 0, ordinal=99), "suggestion of run 99, which is no trial"),
        (lambda e: moved(e, "suggestion", 2, 1), "was begun before its parameters were suggested"),
        (lambda e: moved(e, "suggestion", 1, -1), "was suggested before the one before it ended"),
        (lambda e: altered(e, "suggestion", 2, ordinal=e[1]["runs"][2]["ordinal"]), "was suggested before"),
        (lambda e: altered(e, "campaign", 0, config={}), "declares no search that can be read"),
    ],
)  # fmt: skip
def test_a_log_of_a_search_that_contradicts_itself_is_found(
    campaign: Path, tmp_path: Path, change: Any, said: str  # noqa: ANN401
) -> None:  # fmt: skip
    told = "; ".join(forged(campaign, tmp_path, change))
    assert said in told, told


def test_another_suggestion_than_the_run_was_made_with_is_found(campaign: Path, tmp_path: Path) -> None:
    assert forged(campaign, tmp_path, lambda e: altered(e, "suggestion", 1, values={"x": 0.125, "y": 1.0})) == []
    outcome = verify(tmp_path / "forged", None)
    (detail,) = [check.detail for check in outcome.checks if check.name == "config" and not check.passed]
    assert "its parameters are not those of inputs/scenario.toml and lab.toml, and of the log's suggestion" in detail


def test_a_trial_that_failed_is_no_planned_run_that_is_missing(campaign: Path) -> None:
    ends = [end.exit_status for end in of(RunEnd, CampaignFolder(campaign).entries())]
    assert ends.count("fail") == 1
