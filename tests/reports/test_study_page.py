"""The page of a study: the answer first, every number of the paper, what is refused as a sentence, nothing broken."""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from reports.pages.blocks import Figure, Paragraph, Table
from reports.pages.document import DocumentPage
from reports.pages.statistics_tables import REFUSED
from reports.pages.study.page import study_page
from reports.pages.study.questions import equivalence_heads, equivalence_row
from reports.pages.study.words import unit_text
from reports.render import render, study_html
from reports.results.codec import decoded, encoded
from reports.results.environment import EnvironmentProgress
from reports.results.inference import Refusal, Test
from reports.results.question import Caution, DeclaredTest, LevelPair, QuestionResult, RelevantPair
from reports.results.study import Measured, StudyOrigin, StudyResult
from reports.study.study import compute
from tests.analysis.studies import CORRELATION, HEAD, PARETO, REDUCTION, TABLE, inputs_of, question, study_of
from tests.reports.test_campaign_page import HOSTILE, checked

EVERYTHING = HEAD + question() + 'relevant = "5 %"\n' + CORRELATION.format(method="spearman") + REDUCTION + PARETO


@cache
def of_the_paper() -> StudyResult:
    return compute(inputs_of("delrey-v1.toml"), inputs_of("delrey-corrected.toml"))


@cache
def page_of_the_paper() -> DocumentPage:
    return study_page(of_the_paper())


@cache
def text_of_the_paper() -> str:
    return " ".join(checked(render(page_of_the_paper(), "document.html.j2")).text.split())


@pytest.fixture
def small(tmp_path: Path) -> StudyResult:
    return study_of(tmp_path, EVERYTHING)


def measured_as(study: StudyResult, origin: StudyOrigin) -> StudyResult:
    return replace(study, measurement=Measured(origin, study.measurement.sources))


def tables(page: DocumentPage) -> dict[str, Table]:
    blocks = [*page.opening, *(block for section in page.sections for block in section.blocks)]
    return {block.name: block for block in blocks if isinstance(block, Table)}


def cells(page: DocumentPage, table: str) -> list[tuple[str, ...]]:
    return [row.cells for row in tables(page)[table].rows]


@pytest.mark.parametrize(
    "number",
    [
        "F = 239.092", "2.25e-38", "partial η² = 0.830", "H = 133.354", "H = 108.293", "H = 66.470", "H = 79.121",
        "ρ = 0.4303", "ρ = 0.8874", "ρ = 0.9061", "ρ = 0.3456", "76.00", "17.21", "47.62", "80.87", "98.83",
        "3\u202f177.7", "127.048", "81.39",
    ],
)  # fmt: skip
def test_the_numbers_of_the_paper_and_of_its_correction_are_on_the_page(number: str) -> None:
    assert number.replace("\u202f", " ") in text_of_the_paper().replace("\u202f", " ")


def test_the_answer_stands_first_and_says_that_the_energies_are_wrong() -> None:
    page = page_of_the_paper()
    assert "the largest decrease of the median is 98.83\u00a0% (85.8 times less)" in page.answer
    assert "7 of 7 questions show a difference" in page.answer
    opening = [block.text for block in page.opening if isinstance(block, Paragraph)]
    assert any(text.startswith("Erratum of the publication: The energies are no energies.") for text in opening)
    assert any("81.39\u00a0%" in text for text in opening)
    assert cells(page, "answers")[0] == (
        "RQ1.1: does the energy differ between the architectures (Cloud)?",
        "MobileNet V2: 0.3175\u202fkJ·s/image (best)", "NASNet Mobile: 1.323\u202fkJ·s/image", "9 of 10",
        "Xception and VGG16", "Welch's ANOVA, p = 2.25e-38",
    )  # fmt: skip


def test_runs_and_medians_stand_beside_each_other_with_the_reason_why_they_differ() -> None:
    text = text_of_the_paper()
    assert "ρ = 0.4303 (p = 5.60e-8) over 140 runs, ρ = 0.4000 (p = 0.258) over the medians of 5 groups." in text
    assert "where runs and medians disagree, believe the medians" in text


def test_what_is_printed_otherwise_is_named_with_its_erratum() -> None:
    found = {row[0]: row for row in cells(page_of_the_paper(), "differing")}
    key = "RQ2: does the energy differ between the environments (MobileNet V2)? · Shapiro-Wilk of Local ML, p"
    assert found[key][1:4] == ("2.36e-03", "0.0236", "differs, see erratum 3")
    assert len(found) == 13
    assert "135 agree to the printed digits, 13 differ and an erratum explains them, 0 differ unexplained" in (
        text_of_the_paper()
    )


def test_the_figures_of_the_paper_are_there_and_each_has_its_own_number() -> None:
    page = page_of_the_paper()
    blocks = [*page.opening, *(block for section in page.sections for block in section.blocks)]
    drawn = [block for block in blocks if isinstance(block, Figure)]
    assert [figure.number for figure in drawn] == list(range(1, len(drawn) + 1))
    names = {figure.name for figure in drawn}
    assert {"fig-medians", "fig-correlations", "fig-pareto-energy-f1", "fig-rq1-energy", "fig-qq-rq1-gpu"} <= names
    assert "fig-pairs-rq1-gpu" not in names  # Dunn's test gives no interval
    assert all(figure.folded == figure.name.startswith("fig-qq") for figure in drawn)


def test_every_table_row_is_as_wide_as_its_head() -> None:
    for table in tables(page_of_the_paper()).values():
        assert {len(row.cells) for row in table.rows} <= {len(table.heads)}, table.name


def test_a_study_of_a_table_says_that_it_has_no_readings() -> None:
    html = render(page_of_the_paper(), "document.html.j2")
    assert "<strong>IMPORTED TABLE</strong>" in html
    assert "no energy can be recomputed" in html


@pytest.mark.parametrize("origin", ["emulated", "unattested"])
def test_a_study_of_marked_campaigns_is_marked_on_page_and_figures(small: StudyResult, origin: StudyOrigin) -> None:
    html = study_html(measured_as(small, origin))
    assert f"<strong>{origin.upper()}</strong>" in html
    drawn = re.findall(r"<figure.*?</figure>", html, flags=re.DOTALL)
    assert len(drawn) >= 5
    assert all(origin.upper() in svg for svg in drawn)


def test_a_study_of_attested_campaigns_carries_no_mark(small: StudyResult) -> None:
    assert 'class="banner"' not in study_html(measured_as(small, "attested"))


@pytest.mark.parametrize("code", ["too-few", "transform-domain"])
def test_what_was_refused_is_a_sentence_everywhere(small: StudyResult, code: Refusal) -> None:
    (correlation,), (reduction,) = small.correlations, small.reductions
    medians = replace(correlation.medians, test=refused(correlation.medians.test, code))
    unknown = replace(
        small,
        questions=(all_refused(small.questions[0], code),),
        correlations=(replace(correlation, run_level=refused(correlation.run_level, code), medians=medians),),
        reductions=(replace(reduction, refused="one-level", overall=None, smallest=None, largest=None, decreases=()),),
    )
    text = checked(study_html(unknown)).text
    assert text.count(f"not computed: {REFUSED[code]}") >= 9
    assert text.count("not computed: there is only one group to compare") == 1
    assert "0 of 1 questions show a difference" in text
    assert "Not judged: Net A and b" in text
    assert not re.search(rf"\b{code}\b", text)


def refused(test: Test, code: Refusal) -> Test:
    return replace(test, statistic=None, p=None, effect=None, df=(), refused=code)


def unknown_pair(pair: LevelPair, code: Refusal) -> LevelPair:
    nothing = replace(pair, difference=None, interval=None, statistic=None, p=None, effect=None, df=None)
    return replace(nothing, refused=code, differ=None)


def all_refused(question: QuestionResult, code: Refusal) -> QuestionResult:
    assert question.relevant is not None
    assert question.assumptions.levene is not None
    pairs = tuple(
        replace(pair, low=None, high=None, p=None, equivalent=False, refused=code) for pair in question.relevant.pairs
    )
    return replace(
        question,
        omnibus=refused(question.omnibus, code),
        assumptions=replace(question.assumptions, levene=refused(question.assumptions.levene, code)),
        posthoc=tuple(unknown_pair(pair, code) for pair in question.posthoc),
        relevant=replace(question.relevant, pairs=pairs),
    )


@pytest.mark.parametrize(
    "table",
    [
        pytest.param("net,energy,load\na,1,1\n", id="one row"),
        pytest.param("net,energy,load\na,1,1\nb,1,1\n", id="two rows"),
        pytest.param("net,energy,load\n" + "a,1,1\n" * 5 + "b,1,1\n" * 5, id="constant"),
        pytest.param(TABLE.replace("a,10,50", "a,0,50").replace("b,20", "b,-3"), id="not positive"),
        pytest.param(TABLE.replace("a,10,50", "a,,nan"), id="missing"),
        pytest.param(TABLE + "d,1,1\n", id="another level"),
    ],
)
def test_poor_tables_make_whole_pages(tmp_path: Path, table: str) -> None:
    text = checked(study_html(study_of(tmp_path, EVERYTHING, table))).text
    assert "nan" not in text.lower().replace("nanovolt", "")
    assert "None" not in text


def test_a_row_that_cannot_be_used_is_listed_with_its_reason(tmp_path: Path) -> None:
    page = study_page(study_of(tmp_path, EVERYTHING, TABLE.replace("a,10,50", "a,,50") + "d,1,1\n"))
    reasons = {row[0]: row[2] for row in cells(page, "left-out")}
    assert reasons["2"] == "there is no number for this response, so the row is not used for it (Energy)"
    assert reasons["14"] == "the study file does not name this level of the factor (Network)"


def test_a_study_that_asks_nothing_still_describes_its_table(tmp_path: Path) -> None:
    page = study_page(study_of(tmp_path, HEAD))
    assert {"descriptive-energy", "descriptive-load", "responses"} <= set(tables(page))
    assert "questions" not in {section.name for section in page.sections}
    checked(study_html(study_of(tmp_path, HEAD)))


def test_a_relevant_difference_stands_beside_the_test_with_its_verdicts_and_what_the_runs_can_show() -> None:
    page = study_page(compute(inputs_of("delrey-corrected.toml"), None))
    text = " ".join(checked(render(page, "document.html.j2")).text.split())
    margin = "0.005949\u202fJ/image".replace("\u202f", " ")
    assert f"Differences below {margin} (5 % of the mean of MobileNet V2, the first level) are declared" in text
    assert "1 of 10 pairs are shown to be equivalent within it: NASNet Mobile and Xception." in text
    assert cells(page, "relevant-rq1-energy")[5] == (
        "NASNet Mobile − Xception", "26 + 30", "−0.0054 to 0.0006", "0.0260", "equivalent", "0.90", "22", "0.00513",
    )  # fmt: skip
    drawn = next(block for section in page.sections for block in section.blocks
                 if isinstance(block, Figure) and block.name == "fig-pairs-rq1-energy")  # fmt: skip
    assert drawn.caption.endswith("Band: differences that are declared irrelevant.")


def test_the_interval_of_a_mean_stands_with_its_method(small: StudyResult) -> None:
    row = cells(study_page(small), "descriptive-energy")[0]
    assert row[:5] == ("Net A", "4", "11.50", "11.5 [9.4, 13.6]", "Student's t")


def test_what_no_test_sees_is_said(small: StudyResult) -> None:
    caution = Caution("other-campaigns", {"a": ("monday",), "b": ("tuesday", "wednesday")})
    asked = replace(small, questions=(replace(small.questions[0], cautions=(caution,)),))
    text = checked(study_html(asked)).text
    assert "no test sees them; `wattlab compare` counts them: Net A (monday); b (tuesday and wednesday)." in text


def test_a_campaign_that_is_not_as_it_was_sealed_declares_nothing_beforehand(small: StudyResult) -> None:
    place = EnvironmentProgress("a", "A", "runs/s.a", planned=3, made=3, left=0, given_up=(), changed=())
    declared = "The analysis was declared before the first run"
    assert declared in checked(study_html(replace(small, environments=(place,)))).text
    text = checked(study_html(replace(small, environments=(replace(place, lacking=("run 2 (r02) is gone",)),)))).text
    assert "In a, run 2 (r02) is gone. So nothing proves what was declared before the first run" in text
    assert declared not in text


def hostile(part: Any) -> Any:  # noqa: ANN401  decoded JSON
    """Every text that a study file or a table can hold, replaced by one that must stay text."""
    free = {"title", "label", "description", "citation", "text", "place", "note", "design", "first_label",
            "second_label", "found", "formula"}  # fmt: skip
    if isinstance(part, dict):
        return {k: HOSTILE if k in free and isinstance(v, str) else hostile(v) for k, v in part.items()}
    return [hostile(item) for item in part] if isinstance(part, list) else part


def test_hostile_names_are_shown_as_text(small: StudyResult) -> None:
    whole = replace(small, companion=of_the_paper().companion, errata=of_the_paper().errata)
    whole = replace(whole, questions=(replace(small.questions[0], declared=declared_because(HOSTILE)),))
    html = study_html(decoded(StudyResult, hostile(encoded(whole)), "study.json"))
    assert "<script>alert" not in html
    assert "<script>alert(1)</script>" in checked(html).text


def declared_because(reason: str) -> DeclaredTest:
    return DeclaredTest("welch", "none", reason)


@pytest.mark.usefixtures("nothing_remembered")
def test_the_same_study_gives_the_same_bytes(small: StudyResult) -> None:
    assert study_html(small) == study_html(decoded(StudyResult, encoded(small), "study.json"))


def test_units_are_printed_with_a_dot_and_plain_numbers_without() -> None:
    assert unit_text("kJ s/image") == "kJ·s/image"
    assert unit_text("1") == ""


def test_equivalence_stands_with_its_interval_and_what_the_runs_can_show() -> None:
    pair = RelevantPair(
        "a", "b", "a", "b", (30, 29), low=-0.01, high=0.03, p=0.002, equivalent=True, margin=0.05, refused=None,
        power_now=0.874, required_n=1234, detectable=0.0412,
    )  # fmt: skip
    row = equivalence_row(pair).cells
    assert row == ("a − b", "30 + 29", "−0.010 to 0.030", "0.00200", "equivalent", "0.87", "1\u202f234", "0.0412")
    assert len(row) == len(equivalence_heads("Wh", 0.8))
    not_shown = equivalence_row(replace(pair, equivalent=False, required_n=None)).cells
    assert (not_shown[4], not_shown[6]) == ("not shown to be equivalent", "over ten million")
    unknown = equivalence_row(replace(pair, low=None, refused="too-few")).cells
    assert unknown[4] == "not computed: too few values for it"
    assert len(unknown) == len(row)
