"""The section on trackers: the sentence a user needs, what stands behind a figure, refusals in words, figures."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.campaign.analyse import analyse
from reports.pages import trackers
from reports.pages.audit import Issue, Material, audit_page
from reports.pages.blocks import Block, Figure, Paragraph, Table
from reports.pages.campaign import campaign_page
from reports.pages.trackers import REFUSED, tracker_blocks
from tests.analysis.tracked import Account, Tracked, TrackedRun, shown, tracked_campaign
from tests.reports.make_campaign import Load

ROOT = Path(__file__).parents[2]


def results_of(path: Path, shape: Tracked) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(analyse(tracked_campaign(path, shape)).to_json()))
    return found


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Idle and cnn with two trackers, cnn without, from one campaign."""
    loads = {
        "cnn": Load(52.0, 34.0, 61.0, epochs=2),
        "cnn-2": Load(53.0, 34.0, 61.0, epochs=2),
        "idle-2": Load(1.2, 3.0),
    }
    trackers = {"cnn-2": ["codecarbon", "eit"], "idle-2": ["codecarbon", "eit"]}
    folders = {"cnn": "workloads/cnn", "cnn-2": "workloads/cnn", "idle-2": "workloads/idle"}
    shape = Tracked(loads=loads, trackers=trackers, folders=folders, account=shown, power_w=None, psu=(88.0, 2.0))
    return results_of(tmp_path_factory.mktemp("page"), shape)


def paragraphs(blocks: list[Block]) -> str:
    return "\n".join(block.text for block in blocks if isinstance(block, Paragraph))


def tables(blocks: list[Block]) -> dict[str, Table]:
    return {block.name: block for block in blocks if isinstance(block, Table)}


def test_the_sentence_says_how_far_off_the_tracker_is_and_what_it_cannot_see(results: dict[str, Any]) -> None:
    text = paragraphs(tracker_blocks(results, ""))
    ratio = results["trackers"]["scenarios"]["cnn-2"]["codecarbon"]
    low, high = (round(100 * end, 1) for end in ratio["interval"])
    assert (
        f"CodeCarbon reported {100 * ratio['ratio']['value']:.1f} % [{low}, {high}] (n\u00a0=\u00a03) in cnn-2" in text
    )
    assert "Its CPU figure is a model, not a measurement: constant 4 W a thread: no RAPL." in text
    assert "No figure of RAM." in text
    assert (
        "Of that the power supply loses (12.0 ± 2.3)\u202f%; components that it does not cover take the rest." in text
    )
    assert "experiment-impact-tracker reported" in text
    assert "0.0 % [0.0, 0.0] (n\u00a0=\u00a03) in idle-2" in text
    assert "It multiplies by 1.58 (the PUE of data centres that the package multiplies by); undone here." in text
    assert "It noted: no process of this run was on a GPU: 0 by the published method." in text
    assert "For context only" in text


@pytest.mark.parametrize(
    ("tier", "whose"), [("uncalibrated", "the plug's"), ("working", "the meter's"), (None, "the meter's")]
)
def test_of_a_meter_whose_error_is_unknown_the_sentence_has_no_interval(
    results: dict[str, Any], tier: str | None, whose: str
) -> None:
    told = json.loads(json.dumps(results))
    for meter in told["meters"]:
        meter["tier"] = tier
    one = told["trackers"]["scenarios"]["cnn-2"]["codecarbon"]
    for by_tracker in told["trackers"]["scenarios"].values():
        by_tracker["codecarbon"]["complete"] = False
    text = paragraphs(tracker_blocks(told, ""))
    share = round(100 * one["ratio"]["value"])
    assert f"CodeCarbon reported {share} % (n\u00a0=\u00a03) in cnn-2" in text
    assert f"of what the meter measured; {whose} own error is unknown." in text


def test_without_a_stated_efficiency_the_page_says_that_the_rest_cannot_be_split(results: dict[str, Any]) -> None:
    told = json.loads(json.dumps(results))
    told["trackers"]["psu_efficiency"] = None
    for of in told["trackers"]["scenarios"].values():
        for one in of.values():
            one["supply"] = None
    text = paragraphs(tracker_blocks(told, ""))
    assert "to tell the two apart, state psu_efficiency_percent in [sut] of lab.toml." in text
    assert "Of that the power supply loses" not in text


def test_figure_9_and_the_agreement_have_every_scenario_and_tracker(results: dict[str, Any]) -> None:
    figures = {block.name: block for block in tracker_blocks(results, "EMULATED") if isinstance(block, Figure)}
    assert list(figures) == ["fig-trackers", "fig-agreement"]
    for word in ("cnn-2", "idle-2", "CodeCarbon", "experiment-impact-tracker", "meter", "EMULATED"):
        assert word in figures["fig-trackers"].svg
    assert "limits of agreement" in figures["fig-agreement"].svg


def test_tables_hold_ratios_parts_epochs_costs_and_every_run(results: dict[str, Any]) -> None:
    found = tables(tracker_blocks(results, ""))
    assert [len(found[name].rows) for name in ("tracker-ratios", "tracker-cost", "tracker-runs")] == [4, 2, 12]
    assert {row.cells[3] for row in found["tracker-intervals"].rows} == {"1", "2", "all, summed by run"}
    parts = [row.cells[2] for row in found["tracker-parts"].rows if row.cells[:2] == ("cnn-2", "CodeCarbon")]
    assert parts == [
        "CPU", "GPU", "GPU by the agent (integrated power)", "not reported", "… loss of the power supply",
        "… components out of scope",
    ]  # fmt: skip
    costs = {row.cells[1]: row.cells for row in found["tracker-cost"].rows}
    assert "mWh" in costs["cnn-2"][4]
    assert costs["idle-2"][6] == "not given: there is no scenario of the same folder and parameters without trackers"
    over = [row for row in found["tracker-agreement"].rows if row.cells[0] == "over scenarios"]
    assert {row.cells[3] for row in over} == {"fewer than five scenarios"}
    assert found["tracker-runs"].folded


def test_both_reports_have_the_section_and_a_campaign_without_trackers_has_none(results: dict[str, Any]) -> None:
    page = campaign_page(results, (), "", "wattlab report")
    assert "trackers" in [section.name for section in page.sections]
    audit = audit_page(results, Issue("1", "a", "b", "", "", ""), Material((), "", (), ()))
    (block,) = (section for section in audit.sections if section.name == "results")
    assert "tracker-ratios" in tables(list(block.blocks))
    assert tracker_blocks(results | {"trackers": None}, "") == []
    older = {key: value for key, value in results.items() if key != "trackers"}
    assert tracker_blocks(older, "") == []


def test_one_run_is_said_with_the_meters_uncertainty_alone(tmp_path: Path) -> None:
    text = paragraphs(tracker_blocks(results_of(tmp_path, Tracked(repetitions=1)), ""))
    assert "CodeCarbon reported (78.0 ± 1.4)\u202f% (one run, U by the meter alone) in cnn" in text
    assert "limits of error are not all known" not in text


def test_a_tracker_that_says_more_than_the_meter_is_said_to_model_too_much(tmp_path: Path) -> None:
    shape = Tracked(account=lambda run, name: run.account(name, share=1.2), baseline_blocks=0)
    text = paragraphs(tracker_blocks(results_of(tmp_path, shape), ""))
    assert "In cnn it says more than the machine took from the mains: what it models is too high." in text
    assert "It leaves out" not in text


def test_a_tracker_without_a_figure_is_named_with_the_reason(tmp_path: Path) -> None:
    def account(run: TrackedRun, name: str) -> Account | None:
        return None if name == "eit" else run.account(name, reported_wh=None, problems=["nothing can be read."])

    shape = Tracked(trackers={"cnn": ["carbontracker", "eit"]}, account=account, baseline_blocks=0)
    blocks = tracker_blocks(results_of(tmp_path, replace(shape, repetitions=2)), "")
    text = paragraphs(blocks)
    assert "carbontracker cannot be compared: it gave no energy. It noted: nothing can be read." in text
    assert "experiment-impact-tracker cannot be compared: it left no file." in text
    assert [row.tone for row in tables(blocks)["tracker-runs"].rows] == ["excluded"] * 4


def test_every_code_of_a_refusal_has_its_words() -> None:
    sources = [
        (ROOT / "reports" / f"{name}.py").read_text()
        for name in ("trackers/compared", "trackers/cost", "inference/agreement")
    ]
    assert [code for code in REFUSED if not any(f'"{code}"' in text for text in sources)] == []
    assert trackers.NAMES.keys() == {"codecarbon", "carbontracker", "eit", "nvml-rapl"}
