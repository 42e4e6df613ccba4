"""One writer and one verifier for every kind of derived document: for the three that there are, and for a fourth that
is nothing but one more description."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from harness import cli
from harness.attest.signer import public_half
from harness.evidence import kinds
from harness.evidence.campaigns import RESULTS_DOCUMENT, CampaignInputs
from harness.evidence.comparisons import COMPARISON_DOCUMENT, ComparisonInputs
from harness.evidence.derived import Derived, NotRecomputed, write
from harness.evidence.studies import STUDY_DOCUMENT, write_study
from harness.evidence.verification import verify
from harness.evidence.verifier import Outcome, check_document, verify_document
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import VERSION, Json
from harness.record.errors import RunFolderError
from harness.record.seal import MANIFEST, write_sealed
from reports.comparison.selection import Part
from reports.render import GENERATOR
from reports.results.codec import decoded
from reports.results.comparison import Options
from reports.results.uncertainty import Estimate, Number
from tests.analysis.studies import HEAD, TABLE, question
from tests.documents import write_report
from tests.evidence.forger import copied, unlock
from tests.reports.comparisons import SOFTWARE
from tests.reports.make_campaign import Load, Shape, make_campaign

SHAPE = Shape(loads={"cnn": Load(52.0, 34.0, epochs=2)}, repetitions=2, duration_s=20, baseline_blocks=3, gpu=False)
LATER: Json = {"path": "campaign.jsonl", "sha256": "0" * 64, "note": "later"}
FORGED_DIGEST = "f" * 64


# --- a fourth kind, of which nothing but this knows


@dataclass(frozen=True, slots=True)
class Weighing:
    """weighing.json: what a file weighs."""

    software: Json
    of: dict[str, str]
    mass_kg: Number


@dataclass(frozen=True, slots=True)
class Scales:
    """A file with masses, and the folder that the weighing lies in."""

    source: Path


def weigh(scales: Scales) -> Weighing:
    if not scales.source.exists():
        raise NotRecomputed(f"there is no {scales.source.name}.")
    values = [float(line) for line in scales.source.read_text().split()]
    number = Number(Estimate(sum(values) / len(values), 0.5, 4.0), "kg", n=len(values))
    return Weighing({"name": "wattlab", "version": VERSION}, digests_now(None, scales), number)


def digests_now(_: object, scales: Scales) -> dict[str, str]:
    return {scales.source.name: hashlib.sha256(scales.source.read_bytes()).hexdigest()}


def page(weighing: Weighing, _text: str, _scales: Scales) -> str:
    head = f'<meta name="generator" content="{GENERATOR}">'
    return f"{head}\n{weighing.mass_kg.value} ± {weighing.mass_kg.expanded} kg\n"


WEIGHING: Derived[Scales, Weighing] = Derived(
    name="weighing.json",
    verb="weigh",
    read=lambda raw: decoded(Weighing, raw, "weighing.json"),
    writer=lambda written, _: str(written["software"]["version"]),
    inputs=lambda folder, _: Scales(folder.parent / "masses.txt"),
    digests=lambda weighing: weighing.of,
    digests_now=digests_now,
    compute=weigh,
    computed_from="the masses",
    pages={"page.html": page},
    checks=("weighing",),
)


@pytest.fixture
def weighed(tmp_path: Path) -> Path:
    (tmp_path / "masses.txt").write_text("1.5\n2.5\n")
    return write(WEIGHING, Scales(tmp_path / "masses.txt"), tmp_path / "weighed").parent


def test_a_fourth_kind_goes_through_the_same_writer_and_verifier(weighed: Path) -> None:
    assert {path.name for path in weighed.iterdir()} == {"weighing.json", "page.html", MANIFEST}
    outcome = verify_document(WEIGHING, weighed)
    assert [check.name for check in outcome.checks] == ["bytes", "weighing", "report", "input"]
    assert outcome.failed == []
    assert outcome.notes == ["Nothing proves who made this weighing: it is not signed."]


def test_the_verb_needs_no_more_than_its_description(
    weighed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kinds, "KINDS", (*kinds.KINDS, WEIGHING))
    assert cli.main(["verify", str(weighed), "--all"]) == 0
    assert "every number as wattlab" in capsys.readouterr().out
    (weighed.parent / "masses.txt").write_text("1.5\n2.6\n")
    assert cli.main(["verify", str(weighed)]) == 3
    assert "mass_kg.value is 2.0, recomputed 2.05" in " ".join(capsys.readouterr().out.split())


def resealed(kind: Derived[Any, Any], folder: Path, edit: Callable[[Json], object], *, lacks: str = "") -> None:
    """Edit the document, leave out a page, seal everything anew: what a forger can do who writes the folder."""
    unlock(folder)
    written = json.loads((folder / kind.name).read_text())
    edit(written)
    files: dict[str, str | bytes] = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in (MANIFEST, lacks)
    }
    shutil.rmtree(folder)
    write_sealed(folder, files | {kind.name: json.dumps(written)})


def failures(outcome: Outcome) -> dict[str, str]:
    return {check.name: check.detail for check in outcome.failed}


def as_it_is(_: Json) -> None:
    """Nothing is forged."""


def test_a_forged_value_of_a_fourth_kind_is_named_with_its_path(weighed: Path) -> None:
    resealed(WEIGHING, weighed, lambda written: written["mass_kg"].update(value=1.0))
    failed = failures(verify_document(WEIGHING, weighed))
    assert failed["weighing"] == "mass_kg.value is 1.0, recomputed 2.0"
    assert failed["report"].startswith("line 2 is ")


def test_a_forged_input_digest_of_a_fourth_kind_is_found(weighed: Path) -> None:
    resealed(WEIGHING, weighed, lambda written: written["of"].update({"masses.txt": FORGED_DIGEST}))
    failed = failures(verify_document(WEIGHING, weighed))
    assert failed.keys() == {"weighing", "input"}
    assert failed["input"].endswith(f"the document names {FORGED_DIGEST}")


def test_a_missing_page_of_a_fourth_kind_is_found_though_sealed_anew(weighed: Path) -> None:
    resealed(WEIGHING, weighed, as_it_is, lacks="page.html")
    assert failures(verify_document(WEIGHING, weighed)).keys() == {"report"}


def test_where_its_inputs_are_gone_a_fourth_kind_says_that_nothing_was_recomputed(weighed: Path) -> None:
    (weighed.parent / "masses.txt").unlink()
    outcome = verify_document(WEIGHING, weighed)
    assert [check.name for check in outcome.checks] == ["bytes", "report"]
    assert outcome.failed == []
    assert outcome.notes[0] == "weighing.json was not recomputed: there is no masses.txt."


def test_a_document_of_a_newer_wattlab_is_refused_with_both_versions(weighed: Path) -> None:
    resealed(WEIGHING, weighed, lambda written: written["software"].update(version="99.0.0"))
    assert failures(verify_document(WEIGHING, weighed))["weighing"] == (
        f"computed by wattlab 99.0.0, this is {VERSION}: verify it with that version or a later one"
    )


def test_a_document_whose_input_changes_while_it_is_computed_is_not_written(tmp_path: Path) -> None:
    source = tmp_path / "masses.txt"
    source.write_text("1\n")

    def compute(scales: Scales) -> Weighing:
        weighing = weigh(scales)
        source.write_text("2\n")
        return weighing

    with pytest.raises(RunFolderError, match=r"weighing\.json: masses\.txt changed while it was read; nothing was"):
        write(replace(WEIGHING, compute=compute), Scales(source), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["masses.txt"]


def test_where_a_page_cannot_be_rendered_nothing_is_written(tmp_path: Path) -> None:
    def fails(*_: object) -> str:
        raise LookupError

    (tmp_path / "masses.txt").write_text("1\n")
    with pytest.raises(LookupError):
        write(replace(WEIGHING, pages={"page.html": fails}), Scales(tmp_path / "masses.txt"), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["masses.txt"]


@pytest.mark.parametrize(("folder", "name"), [("out", "x" * 300), ("x" * 300, "a")])
def test_a_sealed_folder_with_a_name_that_no_disk_takes_is_a_sentence_and_leaves_nothing(
    tmp_path: Path, folder: str, name: str
) -> None:
    with pytest.raises(RunFolderError, match="cannot write"):
        write_sealed(tmp_path / folder, {"first": "1", name: "2"})
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_already_is_refused_before_anything_is_computed(weighed: Path) -> None:
    with pytest.raises(RunFolderError, match="is there already, and what is sealed is never overwritten"):
        write(WEIGHING, Scales(Path("nowhere")), weighed)


# --- the three that there are


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two campaigns, one with its report; their comparison; a study of a table."""
    folder = tmp_path_factory.mktemp("made")
    for name, seed in (("a", 7), ("b", 8)):
        make_campaign(folder, replace(SHAPE, name=name, seed=seed))
    write_report(folder / "a")
    sides = [[Part(folder / "a")], [Part(folder / "b")]]
    write(COMPARISON_DOCUMENT, ComparisonInputs(sides, Options(), SOFTWARE, folder / "compared"), folder / "compared")
    (folder / "runs.csv").write_text(TABLE)
    (folder / "table.toml").write_text(HEAD + question())
    write_study(folder / "table.toml", folder / "studied")
    return folder


@pytest.fixture
def lab(made: Path, tmp_path: Path) -> Path:
    """The same, for one attack."""
    return copied(made, tmp_path)


SEALED: dict[str, Derived[Any, Any]] = {"compared": COMPARISON_DOCUMENT, "studied": STUDY_DOCUMENT}


def number_in(part: Any) -> Json:  # noqa: ANN401  decoded JSON
    """The first Number that has a U."""
    if isinstance(part, dict) and part.get("U") is not None:
        return part
    parts = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return next((found for inner in parts if (found := number_in(inner))), {})


def forged(kind: Derived[Any, Any], lab: Path, folder: str, edit: Callable[[Json], object]) -> dict[str, str]:
    """What fails after an edit of the document, all seals made anew."""
    if folder in SEALED:
        resealed(kind, lab / folder, edit)
        return failures(verify_document(kind, lab / folder))
    target = lab / folder / kind.path(kind.name)
    written = json.loads(target.read_text())
    edit(written)
    target.write_text(json.dumps(written))
    verified = check_document(kind, lab / folder)
    return failures(Outcome(verified.checks, verified.notes))


KINDS = [("a", RESULTS_DOCUMENT), ("compared", COMPARISON_DOCUMENT), ("studied", STUDY_DOCUMENT)]


@pytest.mark.parametrize(("folder", "kind"), KINDS)
def test_each_kind_verifies_as_it_was_written(made: Path, folder: str, kind: Derived[Any, Any]) -> None:
    verified = check_document(kind, made / folder)
    assert [check for check in verified.checks if not check.passed] == []
    assert {*kind.checks, "report"} <= {check.name for check in verified.checks}


@pytest.mark.parametrize(("folder", "kind"), KINDS)
def test_a_forged_value_is_found_with_its_path(lab: Path, folder: str, kind: Derived[Any, Any]) -> None:
    failed = forged(kind, lab, folder, lambda written: number_in(written).update(value=1e6))
    assert "value is 1000000.0, recomputed " in failed[kind.checks[0]]
    assert "report" in failed


@pytest.mark.parametrize(("folder", "kind"), KINDS)
def test_a_forged_u_alone_is_found_by_whoever_reads_the_document(
    lab: Path, folder: str, kind: Derived[Any, Any]
) -> None:
    failed = forged(kind, lab, folder, lambda written: number_in(written).update(U=1e-6))
    assert kind.checks[0] in failed
    assert ".U: found 1e-06, expected " in " ".join(failed.values())


def test_a_forged_u_is_found_where_there_is_nothing_to_recompute_it_of(lab: Path) -> None:
    shutil.rmtree(lab / "b")
    failed = forged(COMPARISON_DOCUMENT, lab, "compared", lambda written: number_in(written).update(U=1e-6))
    assert failed["comparison"].startswith("cannot be recomputed (DocumentError: comparison.json.sets[0].sides[0].")


def in_results(written: Json) -> None:
    written["inputs"] = dict.fromkeys(written["inputs"], FORGED_DIGEST)


def in_comparison(written: Json) -> None:
    written["inputs"][0]["chain_head"] = FORGED_DIGEST


def in_study(written: Json) -> None:
    written["sources"][0]["sha256"] = FORGED_DIGEST


@pytest.mark.parametrize(
    ("folder", "kind", "edit", "checks"),
    [
        (*KINDS[0], in_results, {"results"}),
        (*KINDS[1], in_comparison, {"campaign", "comparison"}),
        (*KINDS[2], in_study, {"study"}),
    ],
)
def test_a_forged_digest_of_an_input_is_found(
    lab: Path, folder: str, kind: Derived[Any, Any], edit: Callable[[Json], object], checks: set[str]
) -> None:
    failed = forged(kind, lab, folder, edit)
    assert checks <= failed.keys()
    assert FORGED_DIGEST[:40] in failed[kind.checks[0]]


@pytest.mark.parametrize("folder", SEALED)
def test_a_missing_page_is_found_though_sealed_anew(lab: Path, folder: str) -> None:
    resealed(SEALED[folder], lab / folder, as_it_is, lacks="report.html")
    failed = failures(verify_document(SEALED[folder], lab / folder))
    assert failed.keys() == {"report"}
    assert "FileNotFoundError" in failed["report"]


def test_a_campaigns_page_may_be_removed_and_that_is_named(lab: Path) -> None:
    (lab / "a" / "derived" / "report.html").unlink()
    verified = check_document(RESULTS_DOCUMENT, lab / "a")
    assert [check for check in verified.checks if not check.passed] == []
    assert verified.notes == ["There is no derived/report.html beside derived/results.json."]


def test_a_signed_page_that_is_missing_is_found(reported: Path, tmp_path: Path, key: Path) -> None:
    campaign = copied(reported, tmp_path)
    (campaign / "derived" / "report.html").unlink()
    assert failures(verify(campaign, public_half(key)))["signed documents"] == "report.html is gone"


def test_results_that_cannot_be_read_leave_the_other_checks_of_a_campaign(lab: Path) -> None:
    (lab / "a" / "derived" / "results.json").write_text("{")
    failed = failures(verify(lab / "a", None))
    assert {"results", "report"} <= failed.keys()
    assert "cannot be read" in failed["results"]


def test_a_campaign_that_is_written_on_while_it_is_compared_is_not_sealed_into_a_comparison(lab: Path) -> None:
    def compute(inputs: ComparisonInputs) -> Any:  # noqa: ANN401  a comparison
        document = COMPARISON_DOCUMENT.compute(inputs)
        CampaignFolder(lab / "b").append("attachment", "2026-11-22T10:00:00Z", LATER)
        return document

    inputs = ComparisonInputs([[Part(lab / "a")], [Part(lab / "b")]], Options(), SOFTWARE, lab / "new")
    with pytest.raises(RunFolderError, match=r"comparison\.json: b changed while it was read; nothing was written"):
        write(replace(COMPARISON_DOCUMENT, compute=compute), inputs, lab / "new")
    assert not (lab / "new").exists()


def test_the_audit_report_is_written_where_it_is_asked_for(lab: Path) -> None:
    write(RESULTS_DOCUMENT, CampaignInputs(lab / "a"), lab / "a", asked_for={"audit.html"})
    verified = check_document(RESULTS_DOCUMENT, lab / "a")
    pages = [check.subject for check in verified.checks if check.name == "report" and check.passed]
    assert pages == ["derived/report.html", "derived/audit.html"]
