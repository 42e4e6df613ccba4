"""The campaign's page: everything the issue asks for is on it, whatever is missing, and nothing is invented."""

import base64
import dataclasses
import json
import re
import types
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any, get_args, get_origin, get_type_hints

import html5lib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.record.documents import Thresholds
from reports.figures.campaign import TracePanel
from reports.pages import budgets, other_rules, run_tables, set_up_tables
from reports.pages.blocks import Table, css_text
from reports.pages.campaign import HEADS, campaign_page
from reports.pages.declared import _plural
from reports.pages.lookup import enumerated_runs, run_names
from reports.pages.numbers import Scale, in_page_units
from reports.pages.plots import baseline_figure
from reports.pages.remarks import remarks
from reports.pages.result_tables import success_table
from reports.pages.sentences import LIMITS, VERDICTS
from reports.pages.verdict import verdict_line
from reports.render import render
from reports.results.document import Results
from reports.results.finding_kinds import KINDS
from reports.results.kinds.kind import UNKNOWN
from reports.results.statistics import Statistics
from reports.results.uncertainty import Number
from tests.campaign_results import read
from tests.reports.example_results import SCENARIOS, budget, number, results, with_statistics

COMMAND = "wattlab report runs/synthetic"
HOSTILE = "\"><script>alert(1)</script>\\'{{ 7*7 }}</style> & \x01 $x$ 日本"
BESIDE = ("results.json", "comparison.json", "study.json", "estimation.json")
VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}


def traces(name: str = "cnn") -> list[TracePanel]:
    x = np.arange(30, dtype=float)
    return [TracePanel(f"{name}, 1 run", 0, [(x, 60 + x)], (x, 60 + x), (), name, ["2"])]


def html_of(tree: dict[str, Any], panels: list[TracePanel] | None = None) -> str:
    return render(campaign_page(read(tree), traces() if panels is None else panels, "note", COMMAND))


@cache
def whole(origin: str = "emulated") -> str:
    return html_of(results(origin))


class Checker(HTMLParser):
    """What a self-contained, well-formed page may not do: cross its tags, repeat an id, point outside itself."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.problems: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.text = ""
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script" and named not in ({}, {"type": "application/json", "id": "runs-data"}):
            self.problems.append(f"<script {named}>")
        if tag in ("iframe", "object", "embed", "link", "form", "img"):
            self.problems.append(f"<{tag}>")
        self.problems += [key for key in named if key.startswith("on")]
        self.ids += [named["id"] or ""] if "id" in named else []
        self.references += str(named.get("aria-labelledby") or "").split()
        if href := named.get("href") or named.get("src") or named.get("xlink:href"):
            self.references += [href[1:]] if href not in BESIDE else []
            self.problems += [f"outside: {href}"] if not href.startswith("#") and href not in BESIDE else []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.remove(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text += data
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)


def checked(html: str) -> Checker:
    """Parse strictly (html5lib raises on any parse error of the HTML standard), assert what holds for every page."""
    html5lib.HTMLParser(strict=True).parse(html)
    checker = Checker()
    checker.feed(html)
    assert checker.problems == []
    assert checker.open == []
    assert len(checker.ids) == len(set(checker.ids))
    assert set(checker.references) <= set(checker.ids)
    assert not re.search(r"@import|url\((?!#)|https?://(?!www\.w3\.org)", html)
    allowed = re.findall(r"""script-src (?:'sha256-([\w+/=]+)'|'none');""", html)
    digests = [base64.b64encode(sha256(text.encode()).digest()).decode() for text in checker.scripts[-1:]]
    assert len(allowed) == 1
    assert digests == [allowed[0]] or (not digests and not allowed[0])
    assert all(isinstance(json.loads(text), dict) for text in checker.scripts[:-1])
    return checker


def without(tree: dict[str, Any], *path: str) -> dict[str, Any]:
    node = tree
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = None
    return tree


def only_baseline() -> dict[str, Any]:
    return results(scenarios={})


def no_success() -> dict[str, Any]:
    tree = results()
    for part in tree["scenarios"].values():
        for key in ("mean_power_w", "energy_wh", "induced_energy_wh", "duration_s", "gpu", "oscar", "success"):
            part[key] = None
        part |= {
            "n_runs": number(0, "1"),
            "n_excluded": number(3, "1"),
            "epochs": [],
            "actions": [],
            "hardware": {},
            "alternatives": [],
        }
        part["efficiency"] = {"suppressed": "no successful run", "per_total": {}, "per_induced": {}, "values": {}}
    for run in tree["runs"]:
        run |= {"included": False, "status": "fail", "excluded_because": "failed: exit code 1", "duration_s": None}
    return tree


def one_run() -> dict[str, Any]:
    tree = results(scenarios={"cnn": SCENARIOS["cnn"]})
    part = tree["scenarios"]["cnn"]
    part |= {
        "n_runs": number(1, "1"),
        "induced_energy_wh": number(0.82, "Wh", n=1),
        "energy_wh": number(1.5, "Wh", n=1),
    }
    tree["runs"] = [run for run in tree["runs"] if run["ordinal"] in (1, 2)]
    return tree


def no_markers() -> dict[str, Any]:
    tree = results(scenarios={"mine": (60.0, 19.0, 0)})
    tree["scenarios"]["mine"] |= {"actions": [], "epochs": []}
    return tree


def imported() -> dict[str, Any]:
    tree = results("imported", gpu=False)
    tree["campaign"] |= {
        "config": None,
        "plan": None,
        "uid": None,
        "seed": None,
        "source": {"format": "oscar", "files": {"a": "b" * 64}, "note": "n"},
    }
    tree |= {"sut": {}, "host": {}, "indicators": []}
    return tree


SHAPES: dict[str, Callable[[], dict[str, Any]]] = {
    "no-gpu": lambda: results(gpu=False),
    "only-baseline": only_baseline, "no-success": no_success, "one-run": one_run, "no-markers": no_markers,
    "imported": imported, "no-baseline": lambda: without(results(), "baseline"),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_every_campaign_gives_a_whole_page(shape: str) -> None:
    text = checked(html_of(SHAPES[shape]())).text
    assert "End of report." in text
    assert "None" not in text
    assert "nan" not in re.findall(r"\b\w+\b", text)


def test_the_page_answers_first() -> None:
    text = checked(whole()).text
    assert text.index("(0.820 ± 0.071)") < text.index("Result per scenario and run")
    assert "induced energy per run, 95 %, n\u00a0=\u00a03" in text
    assert "0.976 ± 0.084 validation accuracy per Wh" in text


def test_runs_that_reached_a_target_are_numbers_of_their_own() -> None:
    table = success_table(read(results()))
    assert table is not None
    assert table.rows[0].cells[1:4] == ("target reached", "2", "3")
    assert [head.text for head in table.heads[2:4]] == ["Runs that reached it", "Runs"]


def test_the_pooled_baseline_is_drawn_only_where_a_run_has_it() -> None:
    shown = read(results())
    assert shown.baseline is not None
    blocks = sorted(shown.baseline.blocks, key=lambda block: block.midpoint_s or 0.0)
    inside = replace(shown.runs[0], kind="scenario", included=True, ordinal=blocks[0].ordinal + 1)
    outside = replace(inside, ordinal=blocks[-1].ordinal + 1)
    blocks[-1] = replace(blocks[-1], ordinal=inside.ordinal + 1)
    for runs, is_drawn in (((inside,), False), ((inside, outside), True)):
        one = replace(shown, runs=runs, baseline=replace(shown.baseline, blocks=tuple(blocks)))
        figure = baseline_figure(one, "")
        assert figure is not None
        assert ("pooled" in figure.caption, "pooled" in figure.svg) == (is_drawn, is_drawn)
        assert "straight line" in figure.caption


def test_everything_the_report_must_show_is_there() -> None:
    checker = checked(whole())
    figures = {"fig-setup", "fig-power", "fig-energy", "fig-hardware", "fig-epochs", "fig-efficiency", "fig-history"}
    assert figures | {"fig-durations", "fig-induced", "fig-baseline"} <= set(checker.ids)
    for words in (
        "System under test", "Hardware indicators", "AMD Ryzen 7 1700", "GPU share of energy",
        "aborted: SIGTERM", "without baseline outliers", "OSCAR rule", "kind: generated", "Runs that reached it",
        COMMAND, "structured after", "Drift", "2" * 64,
    ):  # fmt: skip
        assert words.lower() in checker.text.lower(), words
    assert "conforms to" not in checker.text


def test_the_budget_is_a_table_and_a_bar_and_says_what_dominates() -> None:
    checker = checked(whole())
    assert "fig-budget" in checker.ids
    assert "cnn, induced energy: spread of runs (64 % of the variance)" in checker.text
    assert "Uncertainty budget, cnn: induced energy" in checker.text
    assert "Limits of error unknown" not in checker.text
    assert "cnn, induced energy: spread of runs 64.0 %, gain of the meter 36.0 %." in whole()


def test_a_meter_without_limits_of_error_is_named_before_any_result() -> None:
    tree = results()
    for part in tree["scenarios"].values():
        part["budget"]["induced"] = budget(part["induced_energy_wh"], known=False)
    text = checked(html_of(tree)).text
    assert text.index("Limits of error unknown: wall.") < text.index("Result per scenario and run")
    assert "limits of error of wall" in text


def test_figures_are_numbered_in_the_order_in_which_they_stand() -> None:
    numbers = re.findall(r"<figcaption><strong>Figure (\d+)\.</strong>", whole())
    assert numbers == [str(n) for n in range(1, len(numbers) + 1)]
    assert len(numbers) >= 10


def test_an_emulated_campaign_says_so_everywhere() -> None:
    html = whole("emulated")
    assert '<div class="banner"' in html
    assert '@top-right { content: "EMULATED"' in html
    for figure in re.findall(r"<figure .*?</figure>", html, re.DOTALL):
        assert ">EMULATED<" in figure


def test_a_measured_campaign_carries_no_mark() -> None:
    html = whole("instrument")
    assert '<div class="banner"' not in html
    assert "EMULATED" not in html.replace("firmware 4.12 (EMULATED)", "")  # what the made-up instrument says itself


def test_an_unattested_campaign_is_marked() -> None:
    assert ">UNATTESTED<" in html_of(results("unattested"))
    assert html_of(results("estimated")).count("ESTIMATED") >= 3  # banner, running head, figures


def oscar_tables(campaign: Results) -> dict[str, Table]:
    return {block.name: block for block in other_rules.oscar_table(campaign) if isinstance(block, Table)}


def test_numbers_by_the_oscar_rule_have_the_digits_that_u_leaves() -> None:
    tree = results("imported", gpu=False)
    part = tree["scenarios"]["cnn"]
    part["induced_energy_wh"] = number(0.075234513, "Wh", sd=0.005563211, n=30, u=0.002685, U=0.0058, dof=13.0)
    part["oscar"] |= {"induced_energy_wh": number(0.0754675, "Wh"), "mean_power_w": number(12.7487393, "W")}
    part["oscar"]["hardware"] = {"ram_not_free_kib": number(2563931.9, "KiB")}
    part["hardware"]["ram_not_free_kib"] = part["hardware"]["ram_used_kib"]
    text = checked(html_of(tree)).text
    tables_of = oscar_tables(in_page_units(read(tree), *HEADS))
    shown = {row.cells[2]: row.cells[3:] for row in tables_of["oscar"].rows if row.cells[:2] == ("cnn", "OSCAR")}
    assert shown["Induced energy\u00a0/\u00a0Wh"] == ("0.0752 ± 0.0058", "0.0755", "+0.31 %")
    assert "(0.0752 ± 0.0058)" in text
    assert "0.0754675" not in text
    hardware = tables_of["oscar-hardware"]
    assert hardware.folded
    assert hardware.rows[0].cells[2] == "RAM not free (total − free)\u00a0/\u00a0GiB"


def test_where_no_uncertainty_is_known_none_is_shown() -> None:
    text = checked(html_of(one_run())).text
    assert "0.820\u202fWh" in text
    assert "induced energy per run, no U, n\u00a0=\u00a01" in text
    assert "Whiskers: U at 95 %; none where there is one run." in text
    assert "No U: one run does not show how far runs differ." in text
    assert "The card shows" in text
    assert "campaign 5e7c0de5" in text


KEPT = ("origin", "unit", "kind")


def hostile(value: Any, hint: Any = None, key: str = "") -> Any:  # noqa: ANN401  a record or a part of one
    """The same with every name and text that is no code replaced by markup."""
    if isinstance(value, str):
        is_free = hint is None or hint is str or (get_origin(hint) is types.UnionType and str in get_args(hint))
        return HOSTILE if is_free and key not in KEPT else value
    if dataclasses.is_dataclass(value) and not isinstance(value, type | Number | Statistics):
        hints = get_type_hints(type(value))
        names = [spec.name for spec in dataclasses.fields(value)]
        changed = {name: hostile(getattr(value, name), hints[name], name) for name in names}
        return dataclasses.replace(value, **changed)
    items = [part for part in get_args(hint) if part is not Ellipsis] if get_origin(hint) is tuple else [None]
    if isinstance(value, dict):
        of = (get_args(hint) or (None, None))[1]
        return {name: hostile(part, None if of is Any else of, str(name)) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(hostile(part, items[0], key) for part in value)
    return value


def test_hostile_text_is_shown_as_text() -> None:
    tree = results()
    tree["scenarios"] = {HOSTILE + name: part for name, part in tree["scenarios"].items()}
    for run in tree["runs"]:
        if run["scenario"] != "baseline":
            run["scenario"] = HOSTILE + run["scenario"]
    html = render(campaign_page(hostile(read(with_statistics(tree))), (), "", COMMAND))
    text = checked(html).text
    assert "<script>alert(1)</script>" in text
    assert "{{ 7*7 }}" in text
    assert html.count("</style>") == 1


@given(st.text(max_size=40))
def test_no_text_leaves_its_css_string(text: str) -> None:
    escaped = css_text(text)
    assert not set(escaped) & set("\"'<>{};\n\r")
    read = re.sub(r"\\([0-9a-f]{1,6}) ", lambda match: chr(int(match.group(1), 16)), escaped)
    assert read == text


def test_a_finding_of_another_version_is_read_and_shown() -> None:
    tree = results()
    tree["findings"] = [{"code": "brand-new", "severity": "warn", "subject": "run 1", "evidence": {"x": 1}}]
    found = remarks(read(tree))
    assert (found[0].code, found[0].severity, found[0].evidence) == ("brand-new", "warning", "x: 1")
    assert found[0].meaning == UNKNOWN.meaning
    assert "brand-new" in checked(html_of(tree)).text


def test_invalid_findings_stand_first_and_before_the_contents() -> None:
    tree = results()
    tree["findings"].append(
        {"code": "induced-negative", "severity": "invalid", "subject": "scenario idle", "evidence": {}}
    )
    assert remarks(read(tree))[0].severity == "invalid"
    html = html_of(tree)
    assert html.index("induced-negative") < html.index("<nav")


def found_in(tree: dict[str, Any], code: str, subjects: list[str], evidence: Callable[[int], Any]) -> dict[str, Any]:
    found = [{"code": code, "severity": "warn", "subject": s, "evidence": evidence(i)} for i, s in enumerate(subjects)]
    return tree | {"findings": found}


def test_runs_are_called_by_their_number_and_their_folder_stands_once_in_their_table() -> None:
    tree = results()
    folders = [run["folder"] for run in tree["runs"]]
    tree = found_in(tree, "gap", folders, lambda index: {"gap_s": 3.0 + index, "energy_wh": 0.5})
    (remark,) = remarks(read(tree))
    numbers = [run["ordinal"] for run in tree["runs"]]
    assert remark.subjects == "runs 1, 2, 4, 5, 8, 11, 14, 17, 20, 23, 26"
    assert remark.evidence == f"run {numbers[0]}: gap: 3 s, Energy: 0.5000\u202fWh"
    assert remark.more_summary == f"evidence of the {len(folders) - 1} other cases"
    assert all(f"run {number}: gap: " in remark.more for number in numbers[1:])
    page = html_of(tree)
    section = page[page.index('<h2 id="findings">') : page.index('<h2 id="results">')]
    assert not any(folder in section for folder in folders)
    table = run_tables.run_table(read(tree))
    tree["inputs"] = dict.fromkeys(folders, "0" * 64)
    listed = [(row.cells[0], row.cells[1]) for row in set_up_tables.manifest_table(read(tree)).rows]
    assert listed == list(dict.fromkeys((str(n), folder) for n, folder in zip(numbers, folders, strict=True)))
    place = [head.text for head in table.heads].index("In the means")
    assert {row.cells[place] for row in table.rows if not row.tone} == {"yes"}


def test_what_a_board_says_of_itself_is_not_taken_for_the_meters() -> None:
    tree = results()
    number = tree["runs"][0]["energy_wh"] or tree["runs"][-1]["energy_wh"]
    for run in tree["runs"]:
        run["gpu_energy_wh"] = number
    table = run_tables.run_table(read(tree))
    assert next(head.text for head in table.heads if "GPU" in head.text).startswith("GPU, own reading")
    assert "the board's own reading, not the meter's" in table.note
    for run in tree["runs"]:
        run["gpu_energy_wh"] = None
    assert "GPU" not in run_tables.run_table(read(tree)).note


def test_a_second_attempt_is_told_from_the_first() -> None:
    runs = [{"ordinal": 7, "attempt": 1, "folder": "a"}, {"ordinal": 7, "attempt": 2, "folder": "b"},
            {"ordinal": 8, "attempt": 1, "folder": "c"}]  # fmt: skip
    assert list(run_names(read({"runs": runs})).values()) == ["run 7 (attempt 1)", "run 7 (attempt 2)", "run 8"]


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([7], "run 7"), ([7, 8], "runs 7, 8"), ([1, 2, 3, 4, 8, 10, 11, 12], "runs 1 to 4, 8, 10 to 12")],
)
def test_neighbouring_runs_are_taken_together(numbers: list[int], text: str) -> None:
    assert enumerated_runs([f"run {number}" for number in numbers]) == text


def test_every_subject_of_a_finding_is_on_the_page_however_many() -> None:
    names = [f"scenario-with-a-long-name-{index}" for index in range(40)]
    text = checked(html_of(found_in(results(), "few-runs", names, lambda index: {"runs": index}))).text
    assert all(name in text for name in names)


def test_verdict_and_top_lead_to_the_findings() -> None:
    tree = with_verdict("not-certifiable", ("emulated", "not-certifiable"))
    tree["findings"] = [{"code": "emulated", "severity": "warn", "subject": "campaign", "evidence": {}}]
    html = html_of(tree)
    top = html[: html.index("<nav")]
    assert '<a href="#findings">1 finding: 1 warning</a>' in top
    assert '<a href="#finding-warning-emulated">' in top
    assert '<li class="warning" id="finding-warning-emulated">' in html


def test_findings_stand_first_and_what_proves_the_results_last_and_folded() -> None:
    page = html_of(results() | {"thresholds": {"gap_windows": 2.0}})
    heads = re.findall(r'<h2 id="([^"]+)">', page)
    folded = re.findall(r'<details class="closed"><summary><h2 id="([^"]+)">', page)
    assert folded == ["set-up", "material", "rules", "limits-applied", "evidence", "glossary"] == heads[-6:]
    places = [heads.index(name) for name in ("findings", "results", "runs", "efficiency-factors", "rules")]
    assert places == sorted(places)
    assert heads.index("rules") < heads.index("limits-applied")


def test_every_limit_has_words_and_a_unit() -> None:
    assert set(LIMITS) == {field.name for field in dataclasses.fields(Thresholds)}


def test_energies_of_evidence_have_the_unit_of_the_page() -> None:
    tree = results()
    for part in tree["scenarios"].values():
        part["energy_wh"] = number(5e3, "Wh", sd=10.0, n=3, u=12.5, dof=2.0)
    found = read(found_in(tree, "baseline-drift", ["cnn"], lambda _: {"drift_wh": 12.0}))
    assert remarks(in_page_units(found, *HEADS))[0].evidence == "drift: 0.01200\u202fkWh"


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8])
def test_no_card_is_left_alone(count: int) -> None:
    tree = results(scenarios={f"s{index}": SCENARIOS["cnn"] for index in range(count)})
    columns = campaign_page(read(tree), (), "", COMMAND).cards_in_a_row
    assert count == 1 or count % columns != 1


def test_no_sentence_of_a_finding_sends_the_reader_beside() -> None:
    texts = [text for kind in KINDS.values() for text in (kind.meaning, kind.remedy)]
    texts += [text for words in VERDICTS.values() for text in (words.meaning, words.remedy)]
    assert [text for text in texts if "stands beside" in text or "printed beside" in text] == []


def with_verdict(word: str, *reasons: tuple[str, str], decision: dict[str, Any] | None = None) -> dict[str, Any]:
    """Results with a verdict; reasons as (code, the word it weighs)."""
    listed = [{"code": code, "severity": "warn", "weighs": weighs, "subjects": ["x"]} for code, weighs in reasons]
    return results() | {"verdict": {"word": word, "reasons": listed, "decision": decision}}


def test_the_verdict_stands_in_the_headline_with_the_reasons_that_made_it() -> None:
    tree = with_verdict("not-certifiable", ("emulated", "not-certifiable"), ("few-runs", "valid-with-remarks"))
    line = verdict_line(read(tree))
    assert line.startswith("Verdict: not certifiable. ")
    said = "The power readings come from an emulated meter: they prove the pipeline, not a consumption."
    assert line.endswith(f"Reason: emulated (x): {said}")
    html = html_of(tree)
    assert html.index("Verdict: not certifiable.") < html.index("<nav")
    assert verdict_line(read(with_verdict("valid"))) == "Verdict: valid. No rule of the method found anything."
    many = with_verdict("invalid", *[(f"code-{n}", "invalid") for n in range(8)])
    assert "code-2 (x)" in verdict_line(read(many))
    assert verdict_line(read(many)).endswith(" And 5 more reasons.")


def test_the_decision_stands_in_the_headline_with_guard_band_and_risk() -> None:
    decision = {
        "scenario": "cnn", "quantity": "induced_energy_wh", "limit_wh": 0.08, "guard_band_factor": 1.0,
        "value_wh": 0.07, "U_wh": 0.005, "guard_band_wh": 0.005, "acceptance_limit_wh": 0.075, "accepted": True,
        "risk": 0.0012345, "risk_of": "false acceptance",
    }  # fmt: skip
    line = verdict_line(read(with_verdict("valid", decision=decision)))
    assert "accepted with a guard band of" in line
    assert line.endswith("risk of false acceptance 0.0012.")
    unknown = decision | dict.fromkeys(("value_wh", "U_wh", "guard_band_wh", "risk", "risk_of")) | {"accepted": False}
    assert "not accepted, for its uncertainty is not known" in verdict_line(
        read(with_verdict("valid", decision=unknown))
    )


def test_every_limit_that_was_applied_is_printed_also_where_nothing_was_found() -> None:
    tree = results() | {"findings": [], "thresholds": {"gap_total_percent": 1.0, "ambient_c": 23.0}}
    text = checked(html_of(tree)).text
    assert "No finding." in text
    assert "All gaps of a run together1% of the interval" in text
    assert "Temperature of the room23°C" in text


@pytest.mark.usefixtures("nothing_remembered")
def test_the_same_results_give_the_same_bytes() -> None:
    assert html_of(results()) == whole()


def test_the_repeated_action_has_its_plural_as_a_title() -> None:
    assert [_plural(noun) for noun in ("epoch", "batch", "request", "pass")] == [
        "epochs", "batches", "requests", "passes",
    ]  # fmt: skip
    assert '<h2 id="epochs">' in html_of(results())
    assert ">Epochs<" in html_of(results())


def test_a_command_without_accuracy_has_no_word_of_it() -> None:
    tree = results(scenarios={"cnn": SCENARIOS["cnn"]})
    for record in tree["scenarios"]["cnn"]["epochs"]:
        record["metrics"] = {"loss": record["metrics"]["val_accuracy"]}
    page = html_of(tree)
    figure = page[page.index('id="fig-cumulative"') :].partition("</figcaption>")[0]
    assert "to the end of an epoch (total), mean over the runs. Whiskers" in figure
    assert "training loss" not in page
    table = page[page.index('id="epochs-0"') :].partition("</table>")[0]
    assert re.findall(r'<th scope="row"[^>]*>(\d+)</th>', table)[:2] == ["0", "1"]


def test_epochs_that_the_meter_does_not_see_say_so_below_their_table() -> None:
    tree = results()
    for row in tree["scenarios"]["cnn"]["epochs"]:
        row |= dict.fromkeys(("energy_wh", "induced_energy_wh", "mean_power_w", "cumulative_energy_wh"))
    assert "is not seen" not in html_of(tree)
    evidence = {"actions": {"epoch": 9}, "of": 12, "longest_s": 1.9, "needed_s": 2.0}
    finding = {"code": "action-too-short", "severity": "info", "subject": "cnn", "evidence": evidence}
    tree["findings"] = [*tree["findings"], finding]
    assert "shorter than two of their distances (2.0 s) is not seen (epoch)" in html_of(tree)


def test_what_only_counts_up_is_in_no_row_of_the_hardware_by_the_oscar_rule() -> None:
    tree = results()
    tree["scenarios"]["cnn"]["oscar"]["hardware"]["busy_cpu_s"] = number(4711.0, "s")
    text = checked(html_of(tree)).text
    assert "Hardware indicators by the OSCAR rule" in text
    assert "4711" not in text.replace("\u202f", "")
    assert "busy cpu s" not in text


def test_the_spread_in_a_budget_has_the_unit_of_its_table() -> None:
    assert budgets._note("s=4.29e-05, n=3", Scale("mWh", 1000.0)) == "SD 0.0429 mWh, n 3"
    assert budgets._note("difference=0.0012", Scale("mWh", 1000.0)) == "difference 1.20 mWh"
    assert budgets._note("bound=0.02 s", Scale("mWh", 1000.0)) == "bound 0.0200 s"
