"""The summary: one page, whatever is missing or however much there is; it answers, and says what it leaves out."""

import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pypdf
import pytest

from harness.cli import main
from harness.evidence.campaigns import RESULTS_DOCUMENT, CampaignInputs
from harness.evidence.verifier import check_page
from reports.pages.campaign import HEADS
from reports.pages.few import few_lines
from reports.pages.numbers import in_page_units
from reports.pages.summary import summary_page
from reports.pdf import pdf_of
from reports.render import SUMMARY, render, summary_html
from reports.results.codec import document_text
from reports.results.document import results_of
from reports.results.finding import Finding
from tests.campaign_results import read
from tests.reports.example_results import SCENARIOS, number, results
from tests.reports.make_campaign import Load, Shape, make_campaign
from tests.reports.test_campaign_page import HOSTILE, SHAPES, checked, hostile, with_verdict

DIGEST = "d" * 64


def html_of(tree: dict[str, Any]) -> str:
    return render(summary_page(read(tree), DIGEST), "summary.html.j2")


def many() -> dict[str, Any]:
    """As much as a page could be asked to hold."""
    tree = results(scenarios={f"a-scenario-with-a-rather-long-name-{index}": SCENARIOS["cnn"] for index in range(12)})
    tree["findings"] = [
        {"code": code, "severity": "warn", "subject": f"scenario {index}", "evidence": {}}
        for index, code in enumerate(("gap", "stuck", "few-runs", "baseline-drift", "underpowered", "clock-bound"))
    ]
    return tree


@pytest.mark.parametrize("tree", [results(), many(), SHAPES["only-baseline"](), SHAPES["imported"]()])
def test_it_is_one_page(tree: dict[str, Any]) -> None:
    html = html_of(tree)
    checked(html)
    (page,) = pypdf.PdfReader(io.BytesIO(pdf_of(html, "x"))).pages
    assert "End" not in page.extract_text()
    assert DIGEST in re.sub(r"\s", "", page.extract_text())


@pytest.mark.parametrize("shape", SHAPES)
def test_every_campaign_has_a_summary(shape: str) -> None:
    text = checked(html_of(SHAPES[shape]())).text
    assert "Verdict: " in text
    assert "None" not in text


def test_it_answers_with_u_and_says_what_cannot_be_told_from_zero() -> None:
    tree = results()
    first, second, *_ = tree["scenarios"]
    tree["scenarios"][second]["induced_energy_wh"] = number(0.01, "Wh", sd=0.01, n=3, u=0.01, U=0.03, dof=4.0)
    text = checked(html_of(tree)).text
    assert f"{first}: one run took (0.820 ± 0.071)\u202fWh more than the idle machine takes in the same time" in text
    assert f"{second}: what one run took beyond the idle machine, (0.010 ± 0.028)\u202fWh, cannot be told" in text


def test_of_one_run_it_says_what_the_terminal_says(tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path, Shape(loads={"cnn": Load(52.0, 34.0, 61.0, epochs=3)}, repetitions=1,
                                             baseline_blocks=2, duration_s=20, gpu=False))  # fmt: skip
    assert main(["report", str(campaign), "--summary", "--audit"]) == 0
    text = (campaign / "derived" / "results.json").read_text()
    (sentence,) = few_lines(in_page_units(results_of(text), *HEADS))
    summary = checked(summary_html(text)).text
    assert sentence in summary
    (advised,) = few_lines(results_of(text), advised=True)
    assert advised.endswith("how far runs differ is not in it: --runs 5.")
    run = next(run.folder for run in results_of(text).runs if run.scenario == "cnn")
    short = replace(results_of(text), findings=(Finding("too-short-to-resolve", "info", run, {"windows": 2.0}),))
    (advised,) = few_lines(short, advised=True)
    assert advised.endswith("the command is too short for this meter, let it do its work several times in one run.")
    assert "There are fewer scenario runs than the 30" in summary
    assert "There are fewer baseline blocks than the method asks for" in summary
    assert not any(words in summary for words in ("true value lies", "Whiskers"))
    induced = sentence.partition(" gross, ")[2].partition(" induced")[0]
    assert f"one run took {induced} more than the idle machine" in summary
    for page in ("report.html", "audit.html"):
        assert sentence in checked((campaign / "derived" / page).read_text()).text


def test_what_has_no_room_is_counted() -> None:
    text = checked(html_of(many())).text
    assert "8 more scenarios: see the report." in text
    assert "4 more scenarios stand in the report." in text
    assert re.search(r"\d more warnings?: see the report\.", text)


def test_the_decision_stands_there() -> None:
    decision = {
        "scenario": "cnn", "quantity": "induced_energy_wh", "limit_wh": 0.08, "guard_band_factor": 1.0,
        "value_wh": 0.07, "U_wh": 0.005, "guard_band_wh": 0.005, "acceptance_limit_wh": 0.075, "accepted": True,
        "risk": 0.0012, "risk_of": "false acceptance",
    }  # fmt: skip
    assert "accepted with a guard band of" in checked(html_of(with_verdict("valid", decision=decision))).text
    assert "No limit was stated" in checked(html_of(with_verdict("valid"))).text


def test_hostile_text_is_shown_as_text() -> None:
    tree = results()
    tree["scenarios"] = {HOSTILE + name: part for name, part in tree["scenarios"].items()}
    text = checked(render(summary_page(hostile(read(tree)), DIGEST), "summary.html.j2")).text
    assert "<script>alert(1)</script>" in text


def test_the_same_results_give_the_same_bytes() -> None:
    text = document_text(read(results()))
    assert summary_html(text) == summary_html(text)


def test_the_command_writes_page_and_pdf(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shape = Shape(repetitions=1, baseline_blocks=2, duration_s=12, loads={"idle": Load(2.0, 3.0)})
    campaign = make_campaign(tmp_path, shape)
    assert main(["report", str(campaign), "--summary", "--pdf"]) in (0, 3)
    assert {"summary.html", "summary.pdf"} <= {path.name for path in (campaign / "derived").iterdir()}
    assert not (campaign / "derived" / "audit.pdf").exists()
    assert "summary.pdf" in capsys.readouterr().out
    assert check_page(RESULTS_DOCUMENT, campaign, SUMMARY, CampaignInputs(campaign)).passed
    page = campaign / "derived" / SUMMARY
    page.write_text(page.read_text().replace("one run took", "one run saved").replace("Summary: ", "A summary: "))
    assert not check_page(RESULTS_DOCUMENT, campaign, SUMMARY, CampaignInputs(campaign)).passed
    assert main(["report", str(campaign), "--pdf"]) == 1
    assert "give --audit --pdf, or --summary --pdf" in capsys.readouterr().err
