"""Comparisons and studies in the hands of an adversary: what was emulated does not become real, no run counts twice,
and what was changed afterwards is found, even where everything was sealed anew."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as hst

from harness.cli.compare import parse_side
from harness.evidence.attachments import check_trackers
from harness.evidence.campaigns import RESULTS_DOCUMENT, CampaignInputs
from harness.evidence.comparisons import COMPARISON_DOCUMENT
from harness.evidence.studies import STUDY_DOCUMENT, write_study
from harness.evidence.study_folder import sealed_inputs
from harness.evidence.verifier import Outcome, check_page, verify_document
from harness.foreign.importers.oscar.importer import import_oscar
from harness.foreign.importers.tracker.importer import import_tracker
from harness.foreign.importers.tracker.source import Choice
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import ExitStatus, Json
from harness.record.errors import AnalysisError, ConfigError, LabError
from harness.record.seal import MANIFEST, write_sealed
from harness.record.verify import examine
from reports.comparison.comparison import compare
from reports.comparison.margin import parse_margin
from reports.comparison.selection import Part
from reports.ratings.iso14756 import parse_timeliness
from reports.render import REPORT, comparison_html, study_html
from reports.results.codec import document_text
from reports.results.comparison import COMPARISON, Comparison, Options, comparison_of
from reports.results.study import SOURCES, STUDY
from reports.study.study import compute
from tests.analysis.studies import HEAD, TABLE, question
from tests.analysis.tracked import Tracked, tracked_campaign
from tests.evidence.forger import copied, reforge, unlock
from tests.evidence.test_hostile import drawn
from tests.importers.test_tracker import file, intervals, v1
from tests.reports.comparisons import SOFTWARE
from tests.reports.make_campaign import Load, Shape, SyntheticRun, make_campaign
from tests.reports.test_campaign_page import checked

OKULAR = Path(__file__).parents[1] / "data" / "okular"
SHAPE = Shape(loads={"cnn": Load(52.0, 34.0, epochs=2)}, repetitions=3, duration_s=20, baseline_blocks=3)
STUDY_TOML = """\
schema = 1
[study]
name = "two"
title = "Two machines"
alpha = 0.05
[campaigns.one]
folder = "a"
levels = { machine = "one" }
[campaigns.two]
folder = "b"
levels = { machine = "two" }
[factors.machine]
title = "Machine"
column = "machine"
levels = ["one", "two"]
[responses.energy]
title = "Energy"
formula = "energy_wh"
unit = "Wh"
better = "lower"
[questions.q]
title = "Do the machines differ?"
response = "energy"
factor = "machine"
test = "kruskal"
transform = "none"
"""
NOTE: Json = {"path": "campaign.jsonl", "sha256": "0" * 64, "note": "later"}
SLOW = settings(max_examples=6, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two emulated campaigns, their comparison, a study of them, and a study of an imported table."""
    folder = tmp_path_factory.mktemp("made")
    for name, seed in (("a", 7), ("b", 8)):
        make_campaign(folder, dataclasses.replace(SHAPE, name=name, seed=seed))
    document = compare([[Part(folder / "a")], [Part(folder / "b")]], Options(), SOFTWARE, folder / "compared")
    sealed_comparison(folder / "compared", document)
    (folder / "study.toml").write_text(STUDY_TOML)
    write_study(folder / "study.toml", folder / "studied")
    (folder / "runs.csv").write_text(TABLE)
    (folder / "table.toml").write_text(HEAD + question())
    write_study(folder / "table.toml", folder / "imported")
    return folder


@pytest.fixture
def lab(made: Path, tmp_path: Path) -> Path:
    """The same, for one attack."""
    return copied(made, tmp_path)


def verified_comparison(folder: Path) -> Outcome:
    return verify_document(COMPARISON_DOCUMENT, folder)


def verified_study(folder: Path) -> Outcome:
    return verify_document(STUDY_DOCUMENT, folder)


def sealed_comparison(folder: Path, document: Comparison) -> None:
    write_sealed(folder, {COMPARISON: document_text(document), REPORT: comparison_html(document)})


def forge_comparison(folder: Path, edit: Callable[[Json], None]) -> None:
    """Edit the numbers, render the page of them, seal everything anew."""
    written: Json = json.loads((folder / COMPARISON).read_text())
    edit(written)
    shutil.rmtree(folder)
    sealed_comparison(folder, comparison_of(written))


def forge_study(folder: Path, edit: Callable[[Json], None], **files: str) -> None:
    """Edit what is said of the sources (and other files), compute and render the study of it, seal everything anew."""
    facts: Json = json.loads((folder / SOURCES).read_text())
    edit(facts)
    (folder / SOURCES).write_text(json.dumps(facts))
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content)
    study = compute(sealed_inputs(folder), None)
    files = {path.name: path.read_text() for path in folder.iterdir() if path.name != MANIFEST}
    shutil.rmtree(folder)
    write_sealed(folder, files | {STUDY: document_text(study), REPORT: study_html(study)})


def said(outcome: Outcome) -> dict[str, str]:
    return {check.name: check.detail for check in outcome.failed}


def as_real(document: Json) -> None:
    """Whatever says emulated says instrument."""
    text = json.dumps(document).replace('"emulated"', '"instrument"').replace('"imported-table"', '"instrument"')
    document |= json.loads(text)


# --- emulated, passed off as real --------------------------------------------------------------------------------


def test_an_emulated_comparison_that_says_it_is_real_is_found_though_sealed_anew(lab: Path) -> None:
    forge_comparison(lab / "compared", as_real)
    assert "EMULATED" not in (lab / "compared" / REPORT).read_text()
    assert "origin is 'instrument', recomputed 'emulated'" in said(verified_comparison(lab / "compared"))["comparison"]


def test_an_emulated_study_that_says_it_is_real_is_found_though_sealed_anew(lab: Path) -> None:
    forge_study(lab / "studied", as_real)
    assert "EMULATED" not in (lab / "studied" / REPORT).read_text()
    failed = said(verified_study(lab / "studied"))
    assert failed.keys() == {"sources"}
    assert "origin is 'instrument', recomputed 'emulated'" in failed["sources"]


def test_an_imported_table_that_says_it_was_measured_is_found(lab: Path) -> None:
    forge_study(lab / "imported", as_real)
    failed = said(verified_study(lab / "imported"))
    assert failed.keys() == {"sources"}
    assert "origin is 'instrument', recomputed 'imported-table'" in failed["sources"]


def test_a_table_made_of_an_emulated_campaign_is_an_imported_table_and_says_that_no_reading_stands_behind_it(
    lab: Path,
) -> None:
    shutil.copy(lab / "studied" / "runs.csv", lab / "measured.csv")
    text = STUDY_TOML[: STUDY_TOML.index("[campaigns.one]")] + STUDY_TOML[STUDY_TOML.index("[factors") :]
    text += '[table]\nfile = "measured.csv"\n[columns]\nenergy_wh = { header = "energy_wh", unit = "Wh" }\n'
    (lab / "renamed.toml").write_text(text)
    outcome = verified_study(write_study(lab / "renamed.toml", lab / "renamed"))
    assert not outcome.failed
    assert "measured.csv is an imported table: no reading stands behind it, and none was checked." in outcome.notes
    assert json.loads((lab / "renamed" / STUDY).read_text())["measurement"]["origin"] == "imported-table"


def test_an_imported_table_exchanged_for_another_is_found(lab: Path) -> None:
    forge_study(lab / "imported", lambda facts: None, runs_csv=TABLE.replace("25,62", "21,62"))
    assert "sources[0].sha256 is " in said(verified_study(lab / "imported"))["sources"]


# --- changed afterwards ------------------------------------------------------------------------------------------


def test_a_campaign_that_was_written_on_after_it_was_used_is_found(lab: Path) -> None:
    CampaignFolder(lab / "b").append("attachment", "2026-11-22T10:00:00Z", NOTE)
    assert "b" in {check.subject for check in verified_comparison(lab / "compared").failed}
    assert "sources[1].sha256 is " in said(verified_study(lab / "studied"))["sources"]


def test_a_campaign_exchanged_for_another_of_its_name_is_found(lab: Path) -> None:
    shutil.rmtree(lab / "b")
    make_campaign(lab, dataclasses.replace(SHAPE, name="b", seed=9))
    assert {"campaign", "comparison"} <= said(verified_comparison(lab / "compared")).keys()
    assert {"campaigns", "sources"} <= said(verified_study(lab / "studied")).keys()


def test_where_the_campaigns_are_gone_a_comparison_says_that_nothing_was_recomputed(lab: Path) -> None:
    shutil.rmtree(lab / "a")
    outcome = verified_comparison(lab / "compared")
    assert not outcome.failed
    assert any("comparison.json was not recomputed: there is no campaign at ../a" in note for note in outcome.notes)


@pytest.mark.parametrize(("folder", "name"), [("compared", COMPARISON), ("studied", STUDY), ("studied", SOURCES)])
def test_a_link_in_a_sealed_folder_is_not_followed(lab: Path, folder: str, name: str) -> None:
    (lab / folder / name).rename(lab / "elsewhere")
    (lab / folder / name).symlink_to(lab / "elsewhere")
    outcome = verified_comparison(lab / folder) if folder == "compared" else verified_study(lab / folder)
    assert "plain" in said(outcome)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"verdict": "not-shown"', '"verdict": "certified"', "verdict: found 'certified', expected"),
        ('"headline": "induced_energy_wh"', '"headline": "price"', "headline: found 'price'"),
        ('"second": 1', '"second": 7', "sets[0].pairs[0]: first 0 and second 7 are no places among 2 sides"),
        ('"kind": "comparison"', '"kind": "comparison", "certified": true', "has 'certified', which no Comparison has"),
        ('"sets": [', '"sets": {}, "more": [', "comparison.json: has 'more'"),
    ],
)
def test_a_document_that_is_no_comparison_is_a_failed_check_with_its_place(
    lab: Path, old: str, new: str, says: str
) -> None:
    file = lab / "compared" / COMPARISON
    text = file.read_text()
    assert old in text
    file.chmod(0o644)
    file.write_text(text.replace(old, new, 1))
    assert says in said(verified_comparison(lab / "compared"))["comparison"]


def no_factor(study: Json) -> None:
    del study["questions"][0]["factor"]


def another_test(study: Json) -> None:
    study["questions"][0]["declared"]["test"] = "bayes"


def no_number(study: Json) -> None:
    study["descriptive"][0]["cells"][1]["mean"]["u"] = "little"


@pytest.mark.parametrize(
    ("edit", "said_of_it"),
    [
        (no_factor, "study.json.questions[0]: lacks factor"),
        (another_test, "study.json.questions[0].declared.test: found 'bayes', expected 'welch' | 'kruskal'"),
        (no_number, "study.json.descriptive[0].cells[1].mean: found {"),
    ],
)
def test_a_study_that_no_version_writes_fails_with_its_place(
    lab: Path, edit: Callable[[Json], None], said_of_it: str
) -> None:
    file = lab / "imported" / STUDY
    study = json.loads(file.read_text())
    edit(study)
    file.write_text(json.dumps(study))
    assert said_of_it in said(verified_study(lab / "imported"))["report"]


def test_sources_that_no_version_writes_fail_with_their_place(lab: Path) -> None:
    file = lab / "imported" / SOURCES
    file.write_text(json.dumps(json.loads(file.read_text()) | {"units": ["J"]}))
    assert "sources.json.units: found" in said(verified_study(lab / "imported"))["study"]


def test_statistics_of_a_campaign_that_no_version_writes_fail_with_their_place(reported: Path, tmp_path: Path) -> None:
    campaign = copied(reported, tmp_path)
    file = campaign / "derived" / "results.json"
    results = json.loads(file.read_text())
    results["statistics"]["test"] = "bayes"
    file.write_text(json.dumps(results))
    check = check_page(RESULTS_DOCUMENT, campaign, REPORT, CampaignInputs(campaign))
    assert not check.passed
    assert "results.json.statistics.test: found 'bayes', expected 'welch' | 'rank'" in check.detail


@SLOW
@given(data=hst.data())
def test_a_comparison_of_nonsense_is_found_and_stops_nothing(made: Path, data: hst.DataObject) -> None:
    file = made / "compared" / COMPARISON
    content = file.read_bytes()
    document = json.loads(content)
    drawn(data, document)
    file.chmod(0o644)
    try:
        file.write_text(json.dumps(document))
        assert verified_comparison(made / "compared").failed
    finally:
        file.write_bytes(content)


@SLOW
@given(data=hst.data(), name=hst.sampled_from([STUDY, SOURCES]))
def test_a_study_of_nonsense_is_found_and_stops_nothing(made: Path, data: hst.DataObject, name: str) -> None:
    file = made / "imported" / name
    content = file.read_bytes()
    document = json.loads(content)
    drawn(data, document)
    file.chmod(0o644)
    try:
        file.write_text(json.dumps(document))
        assert verified_study(made / "imported").failed
    finally:
        file.write_bytes(content)


# --- a run counts once -------------------------------------------------------------------------------------------


def a_copy(lab: Path) -> None:
    copied(lab / "a", lab / "c")
    (lab / "c" / "a").rename(lab / "copy")


def a_copy_with_a_longer_log(lab: Path) -> None:
    a_copy(lab)
    CampaignFolder(lab / "copy").append("attachment", "2026-11-22T10:00:00Z", NOTE)


def a_copy_sealed_anew(lab: Path) -> None:
    a_copy(lab)

    def edit(run: Path) -> None:
        journal = run / "run.jsonl"
        journal.write_text(journal.read_text().replace('"seed":100', '"seed":200'))

    reforge(lab / "copy", edit, results=False)


@pytest.mark.parametrize("make", [a_copy, a_copy_with_a_longer_log, a_copy_sealed_anew])
def test_a_copy_of_a_campaign_is_no_replicate_of_it(lab: Path, make: Callable[[Path], None]) -> None:
    make(lab)
    a, b, copy = (Part(lab / name, "cnn") for name in ("a", "b", "copy"))
    for sides in ([[a, copy], [b]], [[a], [copy]], [[a, b], [copy]], [[a, a], [b]]):
        with pytest.raises(AnalysisError, match=r"the same run stands twice \(.*a:cnn and "):
            compare(sides, Options(), SOFTWARE, lab / "out")
    (lab / "study.toml").write_text(STUDY_TOML.replace('folder = "b"', 'folder = "copy"'))
    with pytest.raises(ConfigError, match=r"the same run stands twice|the same campaign as one"):
        write_study(lab / "study.toml", lab / "out")


def test_published_readings_that_were_imported_twice_are_no_replicates(tmp_path: Path) -> None:
    for name in ("one", "two"):
        import_oscar(OKULAR, tmp_path / name)
    sides = [[Part(tmp_path / "one", "scenario"), Part(tmp_path / "two", "scenario")], [Part(tmp_path / "one", "idle")]]
    with pytest.raises(AnalysisError, match=r"the same run stands twice \(one:scenario and two:scenario\)"):
        compare(sides, Options(), SOFTWARE, tmp_path / "out")


def test_campaigns_of_one_uid_that_measured_twice_are_two(lab: Path) -> None:
    uids = [CampaignFolder(lab / name).entries()[0].raw["uid"] for name in ("a", "b")]
    assert uids[0] == uids[1]
    assert not verified_comparison(lab / "compared").failed


# --- ratios ------------------------------------------------------------------------------------------------------


class Negative(SyntheticRun):
    """Runs that draw less than the baseline, by 4 W or more."""

    less_w = 4.0

    def _readings(self) -> bytes:
        rows = super()._readings().decode().splitlines()
        if self.load is None:
            return "\n".join([*rows, ""]).encode()
        cells = [row.split(",") for row in rows[1:]]
        body = [",".join([time, f"{float(power) - self.less_w:.3f}", *rest]) for time, power, *rest in cells]
        return "\n".join([rows[0], *body, ""]).encode()


class MoreNegative(Negative):
    """By 10 W."""

    less_w = 10.0


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_a_negative_induced_energy_there_is_a_difference_and_no_ratio(
    tmp_path: Path, order: tuple[int, int]
) -> None:
    idle = dataclasses.replace(SHAPE, loads={"cnn": Load(0.0, 3.0)}, baseline_blocks=5)
    folders = [
        make_campaign(tmp_path, dataclasses.replace(idle, name="less", seed=7), Negative),
        make_campaign(tmp_path, dataclasses.replace(idle, name="least", seed=8), MoreNegative),
    ]
    document = compare([[Part(folders[place])] for place in order], Options(), SOFTWARE, tmp_path / "out")
    induced = document.sets[0].pairs[0].quantities["induced_energy_wh"]
    assert induced.verdict == ("less" if order == (0, 1) else "more")
    assert (induced.ratio, induced.ratio_interval, induced.relative) == (None, None, None)


# --- odd names and amounts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["", ":cnn", ",", "a:", "x" * 5000, "x" * 5000 + ":cnn", "\n"])
def test_a_side_that_names_no_folder_is_refused_in_a_short_sentence(side: str) -> None:
    with pytest.raises(LabError, match="no such folder; a side is FOLDER") as refused:
        parse_side(side)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("text", ["٣Wh", "1_0%", "1e400Wh", "1e-400Wh", "nan%", "0%", "-5%", "100%", "5", "Wh", "１%"])
def test_a_margin_that_is_no_plain_amount_is_refused(text: str) -> None:
    with pytest.raises(AnalysisError, match="expected a share of the reference"):
        parse_margin(text)


@pytest.mark.parametrize("text", ["٣s:100%", "1_0s:100%", "nans:100%", "infs:100%", "-1s:100%", "1s:50%", "1s:1_00%"])
def test_a_timeliness_function_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(AnalysisError, match="expected SECONDSs:SHARE%"):
        parse_timeliness(text)


def test_scenarios_with_names_of_markup_are_compared_and_their_page_holds(tmp_path: Path) -> None:
    names = ["<script>alert(1)</script>", "a,b", "a\nb", "=1+1", "{{ 7 * 7 }}"]
    loads = {name: Load(50.0 + place, 34.0, epochs=2) for place, name in enumerate(names)}
    folders = [
        make_campaign(tmp_path, dataclasses.replace(SHAPE, name=name, seed=seed, repetitions=2, loads=loads))
        for name, seed in (("one", 7), ("two", 8))
    ]
    document = compare([[Part(folder)] for folder in folders], Options(), SOFTWARE, tmp_path / "out")
    assert [of_set.name for of_set in document.sets] == sorted(names)
    page = checked(comparison_html(document))
    assert page.problems == []
    assert "{{ 7 * 7 }}" in page.text


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"repetitions": 1}, "too-few-runs"),
        ({"baseline_blocks": 1}, "baseline-spread-unknown"),
        ({"baseline_blocks": 0}, "no-baseline"),
    ],
)
def test_a_campaign_that_is_too_small_gives_no_interval(lab: Path, changed: dict[str, Any], says: str) -> None:
    small = make_campaign(lab, dataclasses.replace(SHAPE, name="small", seed=11, **changed))
    document = compare([[Part(lab / "a")], [Part(small)]], Options(), SOFTWARE, lab / "out")
    induced = document.sets[0].pairs[0].quantities["induced_energy_wh"]
    assert induced.reason == says
    assert (induced.interval, induced.ratio_interval) == (None, None)
    assert induced.test is None or induced.test.p is None


def test_a_campaign_of_which_every_run_was_aborted_is_refused(lab: Path) -> None:
    broken: dict[int, ExitStatus] = dict.fromkeys(range(1, 20), "abort")
    make_campaign(lab, dataclasses.replace(SHAPE, name="aborted", seed=11, broken=broken))
    with pytest.raises(AnalysisError, match=r"no scenario is in all of these campaigns: .*aborted has none"):
        compare([[Part(lab / "a")], [Part(lab / "aborted")]], Options(), SOFTWARE, lab / "out")


def test_a_table_and_a_companion_from_elsewhere_are_sealed_with_the_study(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "study").mkdir()
    (tmp_path / "elsewhere" / "runs.csv").write_text(TABLE)
    text = (HEAD + question()).replace('"runs.csv"', '"../elsewhere/runs.csv"')
    (tmp_path / "study" / "study.toml").write_text(text.replace("alpha", 'companion = "../study/study.toml"\nalpha'))
    folder = write_study(tmp_path / "study" / "study.toml", tmp_path / "sealed")
    shutil.rmtree(tmp_path / "elsewhere")
    shutil.rmtree(tmp_path / "study")
    assert not verified_study(folder).failed


# --- a tracker's file --------------------------------------------------------------------------------------------


def test_a_row_given_to_another_run_is_found_though_the_log_was_chained_anew(tmp_path: Path) -> None:
    campaign = tracked_campaign(tmp_path, Tracked(trackers={}))
    (first, _, end), (second, *_), _ = intervals(campaign)
    import_tracker(file(tmp_path, v1(end - 2, 50, 0.001)), campaign, Choice(zone="UTC"))
    assert all(check.passed for check in check_trackers(campaign, examine(campaign)))

    def rewrite(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [entry | {"run": second} if entry.get("run") == first else entry for entry in entries]

    reforge(campaign, rewrite=rewrite, results=False)
    (found,) = check_trackers(campaign, examine(campaign))
    assert (found.passed, found.detail) == (False, f"its row does not lie within the run {second}")


def test_an_attached_file_that_was_exchanged_is_found_and_its_figure_left_out(tmp_path: Path) -> None:
    campaign = tracked_campaign(tmp_path, Tracked(trackers={}))
    _, _, end = intervals(campaign)[0]
    done = import_tracker(file(tmp_path, v1(end - 2, 50, 0.001)), campaign, Choice(zone="UTC"))
    unlock(campaign)
    done.path.write_text(done.path.read_text().replace("0.001", "0.0001"))
    seen = examine(campaign)
    assert [check.name for check in seen.checks if not check.passed] == ["attachment"]
    assert check_trackers(campaign, seen) == []
