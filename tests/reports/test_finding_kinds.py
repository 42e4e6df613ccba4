"""The catalogue of findings: whole, in sentences, and what docs/ say is what it says."""

import re
from collections import Counter
from dataclasses import fields
from typing import get_type_hints

import pytest

from harness.record.documents import Thresholds
from reports.pages.sentences import LIMITS
from reports.results import finding_reference
from reports.results.codec import decoded
from reports.results.finding import Finding
from reports.results.finding_kinds import GROUPS, KINDS, kind_of
from reports.results.kinds.code import FindingCode
from reports.results.kinds.kind import SEVERITIES, UNKNOWN, FindingKind
from reports.results.reference import DOCS


@pytest.mark.parametrize("name", finding_reference.PAGES)
def test_the_findings_of_every_page_are_those_of_the_catalogue(name: str) -> None:
    page = (DOCS / name).read_text(encoding="utf-8")
    whole = finding_reference.with_findings(page, finding_reference.PAGES[name])
    assert whole == page, f"docs/{name}: run `python -m reports.results.reference`"


def test_a_page_without_the_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="no place for the findings"):
        finding_reference.with_findings("# Page\n", finding_reference.table)


def test_a_code_stands_in_one_group() -> None:
    assert Counter(code for group in GROUPS for code in group.kinds) == Counter(list(KINDS))


@pytest.mark.parametrize("code", KINDS)
def test_every_kind_says_in_whole_sentences_what_it_means_what_to_do_and_what_it_does(code: str) -> None:
    kind = kind_of(code)
    order = list(SEVERITIES)[::-1]
    assert list(kind.severities) == sorted(kind.severities, key=order.index)
    assert kind.when
    assert not kind.when.endswith(".")
    for text in (kind.meaning, kind.remedy, *kind.effects()):
        assert re.fullmatch(r"[A-Z`w].*\.", text), text
        assert "  " not in text
    assert not kind.takes_run_out or "invalid" in kind.severities
    assert not kind.is_of_campaign or "invalid" in kind.severities


def test_every_limit_of_lab_toml_judges_a_finding_and_has_words() -> None:
    limits = {spec.name for spec in fields(Thresholds)}
    assert {key for kind in KINDS.values() for key in kind.limits} == limits == set(LIMITS)


def test_a_limit_that_a_rule_is_said_to_judge_by_is_named_in_what_it_finds_where_it_names_any() -> None:
    limits = {spec.name for spec in fields(Thresholds)}
    named = {code: set(re.findall(r"`(\w+)`", kind.when)) & limits for code, kind in KINDS.items()}
    assert {
        code: keys - set(KINDS[code].limits) for code, keys in named.items() if keys - set(KINDS[code].limits)
    } == {}


def test_the_effects_are_told_by_severity() -> None:
    def effects(code: str) -> str:
        return " ".join(kind_of(code).effects())

    assert effects("gap") == "Where it is invalid: the run enters no mean; the others stand."
    assert effects("oom") == "The run enters no mean; the others stand."
    assert "The whole campaign is invalid." in effects("broken-seal")
    assert effects("emulated") == "No certificate can rest on the results."
    assert effects("stale") == ""
    assert effects("induced-negative").startswith("The results of its scenario may not be used")


def test_a_code_is_of_the_catalogue_for_who_writes_it_and_any_text_for_who_reads_it() -> None:
    assert get_type_hints(Finding)["code"] is FindingCode
    raw = {"code": "of-another-version", "severity": "warn", "subject": "campaign", "evidence": {}}
    assert str(decoded(Finding, raw, "results.json").code) == "of-another-version"
    assert kind_of("of-another-version") is UNKNOWN
    assert isinstance(kind_of("gap"), FindingKind)
