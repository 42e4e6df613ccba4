"""Section "Statistics" of the campaign's report and item 12 of the audit report: n beside every test, the declared test
explained, what cannot be said not said."""

import copy
import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from reports.campaign.statistics import evaluate
from reports.pages.audit import Material, audit_page
from reports.pages.blocks import Block, Figure, Fold, Paragraph, Table
from reports.pages.campaign import campaign_page
from reports.pages.campaign_statistics import is_blocked, marginal_table, statistics_blocks
from reports.pages.declared import DEFAULT
from reports.pages.epoch_correlations import epoch_correlation_blocks
from reports.render import render
from reports.results.statistics import Absence, Planning, Statistics
from tests.analysis.test_campaign_statistics import course, made, trained
from tests.campaign_results import read
from tests.reports.example_results import results
from tests.reports.test_audit_page import ISSUE
from tests.reports.test_campaign_page import checked, traces


def shown(tree: dict[str, Any]) -> list[Block]:
    return statistics_blocks(evaluate(read(tree)), DEFAULT, "", blocked=is_blocked(read(tree)))


def beside_epochs(tree: dict[str, Any]) -> list[Block]:
    return epoch_correlation_blocks(evaluate(read(tree)), DEFAULT, tree["scenarios"])


def unfolded(blocks: Iterable[Block]) -> list[Block]:
    return [one for block in blocks for one in (unfolded(block.blocks) if isinstance(block, Fold) else [block])]


def tables(blocks: list[Block]) -> dict[str, Table]:
    return {block.name: block for block in unfolded(blocks) if isinstance(block, Table)}


def said(blocks: list[Block]) -> str:
    return " ".join(block.text for block in blocks if isinstance(block, Paragraph))


@cache
def compared() -> dict[str, Any]:
    """Two scenarios of five and four runs, declared in drawn order."""
    tree = made({"a": [1.0, 1.1, 1.3, 1.2, 1.25], "b": [2.0, 2.2, 2.1, 2.4], "c": [3.0]})
    tree["campaign"]["config"] = {"campaign": {"order": "shuffled"}}
    return tree


def test_every_test_is_printed_with_its_n() -> None:
    found = tables(shown(compared()))
    rows = [row.cells for row in found["tests"].rows]
    assert [cells[1] for cells in rows] == ["Welch's ANOVA", "Levene, about medians"]
    assert {cells[2] for cells in rows} == {"9 (5, 4)"}
    (pair,) = found["pairs-energy_wh"].rows
    assert pair.cells[:2] == ("a − b", "5 + 4")
    assert "differ" in pair.cells
    assert [row.cells[2] for row in found["levels"].rows] == ["5", "4"]
    assert "With a single run, and in no test: c." in found["levels"].note


def test_the_declared_test_is_named_and_nothing_chose_it() -> None:
    text = said(shown(compared()))
    assert "lab.toml (Welch where it says nothing) declares Welch's analysis of variance." in text
    assert "no test is chosen by them" in text


def test_rank_tests_speak_of_ranks() -> None:
    tree = copy.deepcopy(compared())
    tree["campaign"]["config"]["analysis"] = {"test": "rank"}
    blocks = shown(tree)
    assert "lab.toml (Welch where it says nothing) declares the Kruskal-Wallis test." in said(blocks)
    heads = [head.text for head in tables(blocks)["pairs-energy_wh"].heads]
    assert any("mean ranks" in head for head in heads)
    assert "Dunn" in tables(blocks)["pairs-energy_wh"].caption


def test_what_a_replicate_is_and_how_many_blocks_are_whole_stands_there() -> None:
    text = said(shown(compared()))
    assert "n counts runs, never seconds or epochs" in text
    assert "the baseline is what is subtracted, no level" in text
    assert "1 of 5 blocks are complete" in text
    straight = copy.deepcopy(compared())
    straight["campaign"]["config"]["campaign"]["order"] = "as-listed"
    assert "blocks are complete" not in said(shown(straight))


def test_what_the_runs_could_have_shown_stands_in_the_unit_of_the_quantity() -> None:
    (row,) = tables(shown(compared()))["power"].rows
    detectable = evaluate(read(compared())).responses["energy_wh"].detectable[0].difference
    assert row.cells[1] == "Energy\u00a0/\u00a0Wh"
    assert float(row.cells[4]) == pytest.approx(detectable, rel=5e-3)


def test_runs_and_blocks_that_a_half_width_takes_are_said() -> None:
    planned = Planning(5.0, 90.0, blocks=12, runs={"a": 17, "b": None}, unreachable={"b": "not-above-zero"})
    text = said(planned_as(planned))
    aim = "±5 % of the induced energy in 90 % of campaigns"
    assert f"A new campaign that is to reach {aim} needs 17 runs of a, 12 baseline blocks." in text
    assert "b: its induced energy cannot be told from zero yet" in text
    assert f"No new campaign can be planned for {aim}." in said(planned_as(replace(planned, runs={}, blocks=None)))


def planned_as(planned: Planning) -> list[Block]:
    return statistics_blocks(replace(evaluate(read(compared())), planning=planned), DEFAULT, "", blocked=False)


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("r-missing", "apt-get install r-base-core"),
        ("r-failed", "did not start"),
        ("nothing-to-test", "two scenarios with two runs each"),
    ],
)
def test_without_tests_the_reason_stands_there_and_no_table(reason: Absence, sentence: str) -> None:
    part = Statistics(False, reason, "welch", None, None, {}, (), ())
    blocks = statistics_blocks(part, DEFAULT, "", blocked=True)
    assert sentence in said(blocks)
    assert tables(blocks) == {}
    assert epoch_correlation_blocks(part, DEFAULT, ["cnn"]) == []


def test_a_refused_test_says_why() -> None:
    blocks = shown(made({"a": [1.0] * 4, "b": [1.0, 2.0, 3.0, 4.0]}))
    row = tables(blocks)["tests"].rows[0]
    assert row.cells[-1] == "not computed: all values of a group are equal, so there is no spread to judge by"


def test_q_q_panels_stand_there_and_are_read_aloud() -> None:
    eight = [1.0, 1.1, 1.3, 1.2, 1.25, 1.15, 1.05, 1.22]
    blocks = shown(made({"a": eight, "b": [2.0, 2.2, 2.1, 2.4]}))
    (figure,) = [block for block in blocks if isinstance(block, Figure)]
    assert figure.name == "fig-quantiles"
    assert "a: 8 runs, Shapiro-Wilk p" in figure.svg
    assert "b: " not in figure.svg  # of four runs nothing shows
    assert not [block for block in shown(compared()) if isinstance(block, Figure)]


def test_where_nothing_can_be_shown_the_section_says_so_and_is_folded() -> None:
    blocks = shown(made({"a": [1.0, 1.4, 1.1], "b": [1.1, 1.3, 1.2]}))
    assert "they show no difference and no correlation" in said(blocks)
    assert [block.kind for block in blocks[:2]] == ["paragraph", "fold"]
    assert not [block for block in blocks if isinstance(block, Table | Figure)]
    assert {"tests", "levels"} <= set(tables(blocks))
    assert not [block for block in shown(compared()) if isinstance(block, Fold)]
    assert "they show no difference" not in said(shown(compared()))


def test_beside_the_epochs_raw_and_partial_stand_side_by_side_and_no_p_of_epochs() -> None:
    blocks = beside_epochs(trained(*course("time-only")))
    table = tables(blocks)["correlations-heat"]
    cells = table.rows[0].cells
    assert cells[2] == "30; 600"
    assert cells[3].startswith("0.98; ")
    assert abs(float(cells[4].replace("−", "-"))) < 0.1
    assert sum("p =" in cell for cell in cells) == 1
    assert "p =" in cells[-1]
    assert "need not mean that a warmer GPU uses more" in said(blocks)
    assert "both 53.8 W" in said(blocks)


def test_the_context_of_the_core_study_stands_only_beside_its_scenarios() -> None:
    tree = trained(*course("time-only"))
    for run in tree["runs"]:
        run["scenario"] = "mine"
    tree["scenarios"] = {"mine": tree["scenarios"]["cnn"]}
    assert "53.8 W" not in said(beside_epochs(tree))


def test_correlations_over_runs_and_over_medians_stand_under_each_other() -> None:
    tree = made({name: [1.0 + i + 0.1 * k for k in range(5)] for i, name in enumerate("abc")})
    for place, run in enumerate(tree["runs"]):
        run["final_metrics"] = {"val_accuracy": 0.7 + 0.01 * ((7 * place) % 5)}
    rows = [row.cells for row in tables(shown(tree))["correlations-runs"].rows]
    named = {cells[0]: cells[2] for cells in rows}
    assert named["validation accuracy and energy, all runs"] == "15"
    assert named["validation accuracy and energy, medians of the scenarios"] == "3"


def test_a_point_of_accuracy_is_printed_with_the_runs_that_tell_of_it() -> None:
    table = marginal_table(read(results()))
    assert table is not None
    assert table.rows[0].cells[:5] == ("cnn", "0.6 → 0.7", "2", "1", "0")
    assert "mWh/pp" in table.rows[0].cells[5]


def test_both_reports_hold_the_section_and_are_whole() -> None:
    tree = results()
    page = checked(render(campaign_page(read(tree), traces(), "note", "wattlab report x")))
    assert "Do the scenarios differ?" in page.text
    audit = render(audit_page(read(tree), ISSUE, Material(traces(), "note", (), ())), "audit.html.j2")
    (section,) = (part for part in re.split(r"<h2 ", audit) if part.startswith('id="statistics"'))
    assert "12 Statistics" in section
    assert "Do the scenarios differ?" in section
    assert "9 (3 × 3)" in section
    assert "With a stop at a target the numerator is nearly constant." in audit


def test_where_nothing_was_tested_the_section_does_not_speak_of_what_tests_show() -> None:
    blocks = shown(made({"a": [1.0, 1.4, 1.1]}))
    assert "Nothing was tested" in said(blocks)
    assert "below 5 %" not in said(blocks)
    assert "What a test would rest on" in [block.summary for block in blocks if isinstance(block, Fold)]
