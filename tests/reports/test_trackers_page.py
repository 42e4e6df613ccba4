"""The section on trackers: the sentence a user needs, what stands behind a figure, refusals in words, figures."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from harness.record.errors import DocumentError
from reports.campaign.analyse import analyse
from reports.pages.audit import Issue, Material, audit_page
from reports.pages.blocks import Block, Figure, Paragraph, Table
from reports.pages.campaign import campaign_page
from reports.pages.trackers.section import tracker_blocks
from reports.pages.trackers.words import NAMES, REFUSED
from reports.results.agreement import NoAgreement
from reports.results.codec import decoded, encoded
from reports.results.document import Results
from reports.results.meters import Tier
from reports.results.trackers import Exclusion, NoAccountReason, NoCost, TrackerComparison, Trackers
from tests.analysis.tracked import Account, Tracked, TrackedRun, shown, tracked_campaign
from tests.campaign_results import complete, read
from tests.reports.make_campaign import Load

Edited = Callable[[TrackerComparison], TrackerComparison]


def written(path: Path, shape: Tracked) -> dict[str, Any]:
    """results.json as it is read again."""
    results: dict[str, Any] = json.loads(json.dumps(complete(analyse(tracked_campaign(path, shape)))))
    return results


def results_of(path: Path, shape: Tracked) -> Results:
    """What a page is made of."""
    return read(written(path, shape))


def edited(results: Results, edit: Edited) -> Results:
    """The same with another comparison of every tracker."""
    trackers = trackers_of(results)
    scenarios = {
        name: {key: edit(comparison) for key, comparison in by_tracker.items()}
        for name, by_tracker in trackers.scenarios.items()
    }
    return replace(results, trackers=replace(trackers, scenarios=scenarios))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Idle and cnn with two trackers, cnn without, from one campaign."""
    loads = {
        "cnn": Load(52.0, 34.0, 61.0, epochs=2),
        "cnn-2": Load(53.0, 34.0, 61.0, epochs=2),
        "idle-2": Load(1.2, 3.0),
    }
    trackers = {"cnn-2": ["codecarbon", "eit"], "idle-2": ["codecarbon", "eit"]}
    folders = {"cnn": "workloads/cnn", "cnn-2": "workloads/cnn", "idle-2": "workloads/idle"}
    shape = Tracked(loads=loads, trackers=trackers, folders=folders, account=shown, power_w=None, psu=(88.0, 2.0))
    return written(tmp_path_factory.mktemp("page"), shape)


@pytest.fixture(scope="module")
def results(file: dict[str, Any]) -> Results:
    return read(file)


def trackers_of(results: Results) -> Trackers:
    assert results.trackers is not None
    return results.trackers


def paragraphs(blocks: list[Block]) -> str:
    return "\n".join(block.text for block in blocks if isinstance(block, Paragraph))


def tables(blocks: list[Block]) -> dict[str, Table]:
    return {block.name: block for block in blocks if isinstance(block, Table)}


def test_the_sentence_says_how_far_off_the_tracker_is_and_what_it_cannot_see(results: Results) -> None:
    text = paragraphs(tracker_blocks(results, ""))
    comparison: TrackerComparison = trackers_of(results).scenarios["cnn-2"]["codecarbon"]
    assert comparison.interval is not None
    low, high = (round(100 * end, 1) for end in comparison.interval)
    share = f"{100 * comparison.ratio.value:.1f} % [{low}, {high}]"
    assert f"CodeCarbon reported {share} (n\u00a0=\u00a03) in cnn-2" in text
    assert "Its CPU figure is a model, not a measurement: constant 4 W a thread: no RAPL." in text
    assert "No figure of RAM." in text
    assert (
        "Of that the power supply loses (12.0 ± 2.3)\u202f%; components that it does not cover take the rest." in text
    )
    assert "experiment-impact-tracker reported" in text
    assert "0.0 % [0.0, 0.0] (n\u00a0=\u00a03) in idle-2" in text
    assert (
        "It multiplies by 1.58 (the PUE of data centres that the package multiplies by); that was divided out here."
        in text
    )
    assert "It noted: no process of this run was on a GPU: 0 by the published method." in text
    assert "For context only" in text


@pytest.mark.parametrize(
    ("tier", "whose"), [("uncalibrated", "the plug's"), ("working", "the meter's"), (None, "the meter's")]
)
def test_of_a_meter_whose_error_is_unknown_the_sentence_has_no_interval(
    results: Results, tier: Tier | None, whose: str
) -> None:
    meters = tuple(replace(meter, tier=tier) for meter in results.meters)
    unknown = replace(edited(results, lambda comparison: replace(comparison, complete=False)), meters=meters)
    text = paragraphs(tracker_blocks(unknown, ""))
    share = round(100 * trackers_of(results).scenarios["cnn-2"]["codecarbon"].ratio.value)
    assert f"CodeCarbon reported {share} % (n\u00a0=\u00a03) in cnn-2" in text
    assert f"of what the meter measured; {whose} own error is unknown." in text


def test_without_a_stated_efficiency_the_page_says_that_the_rest_cannot_be_split(results: Results) -> None:
    text = paragraphs(tracker_blocks((edited(results, lambda comparison: replace(comparison, supply=None))), ""))
    assert "to tell the two apart, state psu_efficiency_percent in [sut] of lab.toml." in text
    assert "Of that the power supply loses" not in text


def test_figure_9_and_the_agreement_have_every_scenario_and_tracker(results: Results) -> None:
    figures = {block.name: block for block in tracker_blocks(results, "EMULATED") if isinstance(block, Figure)}
    assert list(figures) == ["fig-trackers", "fig-agreement"]
    for word in ("cnn-2", "idle-2", "CodeCarbon", "experiment-impact-tracker", "meter", "EMULATED"):
        assert word in figures["fig-trackers"].svg
    assert "limits of agreement" in figures["fig-agreement"].svg


def test_tables_hold_ratios_parts_epochs_costs_and_every_run(results: Results) -> None:
    found = tables(tracker_blocks(results, ""))
    assert [len(found[name].rows) for name in ("tracker-ratios", "tracker-cost", "tracker-runs")] == [4, 2, 12]
    assert {row.cells[3] for row in found["tracker-intervals"].rows} == {"0", "1", "all, summed by run"}
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


def test_both_reports_have_the_section_and_a_campaign_without_trackers_has_none(file: dict[str, Any]) -> None:
    page = campaign_page(read(file), (), "", "wattlab report")
    assert "trackers" in [section.name for section in page.sections]
    audit = audit_page(read(file), Issue("1", "a", "b", "", "", ""), Material((), "", (), ()))
    (block,) = (section for section in audit.sections if section.name == "results")
    assert "tracker-ratios" in tables(list(block.blocks))
    assert tracker_blocks(read(file | {"trackers": None}), "") == []


def test_the_section_is_read_and_written_again_as_it_was(file: dict[str, Any]) -> None:
    again = encoded(decoded(Trackers, file["trackers"], "trackers"))
    assert json.dumps(again) == json.dumps(file["trackers"])


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("scenarios", "cnn-2", "codecarbon", "ratio"), 0.78, ".scenarios.cnn-2.codecarbon.ratio: found 0.78"),
        (("scenarios", "cnn-2", "codecarbon", "complete"), "yes", ".scenarios.cnn-2.codecarbon.complete: found 'yes'"),
        (("agreement", "eit", "refused"), "because", ".agreement.eit.refused: found 'because'"),
        (("own_induced", 0, "with"), None, ".own_induced[0].with: found None, expected str"),
        (("runs", 0, "excluded_because"), "moon", ".runs[0].excluded_because: found 'moon'"),
        (("runs", 0, "more"), 1, ".runs[0]: has 'more', which no ComparedRun has"),
        (("missing",), {}, ".missing: found {}, expected a list"),
    ],
)
def test_a_forged_section_is_refused_with_its_place(
    file: dict[str, Any], path: tuple[str | int, ...], value: object, says: str
) -> None:
    forged: dict[str, Any] = json.loads(json.dumps(file))
    part: Any = forged["trackers"]
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    with pytest.raises(DocumentError) as refused:
        campaign_page(read(forged), (), "", "wattlab report")
    assert f"results.json.trackers{says}" in str(refused.value)


def test_one_run_is_said_with_the_meters_uncertainty_alone(tmp_path: Path) -> None:
    text = paragraphs(tracker_blocks((results_of(tmp_path, Tracked(repetitions=1))), ""))
    assert "CodeCarbon reported (78.0 ± 1.4)\u202f% (one run, U by the meter alone) in cnn" in text
    assert "limits of error are not all known" not in text


def test_a_tracker_that_says_more_than_the_meter_is_said_to_model_too_much(tmp_path: Path) -> None:
    shape = Tracked(account=lambda run, name: run.account(name, share=1.2), baseline_blocks=0)
    text = paragraphs(tracker_blocks((results_of(tmp_path, shape)), ""))
    assert "In cnn it says more than the machine took from the mains: what it models is too high." in text
    assert "It leaves out" not in text


def test_a_tracker_without_a_figure_is_named_with_the_reason(tmp_path: Path) -> None:
    def account(run: TrackedRun, name: str) -> Account | None:
        return None if name == "eit" else run.account(name, reported_wh=None, problems=["nothing can be read."])

    shape = Tracked(trackers={"cnn": ["carbontracker", "eit"]}, account=account, baseline_blocks=0)
    blocks = tracker_blocks((results_of(tmp_path, replace(shape, repetitions=2))), "")
    text = paragraphs(blocks)
    assert "carbontracker cannot be compared: it gave no energy. It noted: nothing can be read." in text
    assert "experiment-impact-tracker cannot be compared: it left no file." in text
    assert [row.tone for row in tables(blocks)["tracker-runs"].rows] == ["excluded"] * 4


def test_every_code_of_a_refusal_has_its_words() -> None:
    codes = [code for kind in (NoAgreement, NoCost, Exclusion, NoAccountReason) for code in get_args(kind)]
    assert sorted(codes) == sorted(REFUSED)
    assert NAMES.keys() == {"codecarbon", "carbontracker", "eit", "nvml-rapl"}
