"""The audit report: sixteen blocks, whatever is missing; valid HTML, a PDF with its id on every page, text as text."""

import hashlib
import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import html5lib
import pypdf
import pytest

from harness.cli import main
from harness.evidence.campaigns import RESULTS_DOCUMENT, CampaignInputs
from harness.evidence.verifier import check_page
from harness.measure.lab_file import load
from harness.measure.photos import attach_photos
from harness.record.campaign_folder import IMAGE_TYPES, MAX_PHOTO_BYTES, CampaignFolder
from harness.record.errors import AnalysisError, ConfigError
from harness.record.verify import verify_campaign
from harness.station.provenance import software_facts
from reports import pdf
from reports.pages.audit import Issue, Material, audit_page, missing_particulars
from reports.pages.raw_files import EmbeddedPhoto, RawFile, photos, raw_files
from reports.render import AUDIT, audit_html, render
from reports.results.codec import document_text
from reports.results.document import Results, results_of
from tests.campaign_results import read
from tests.documents import write_results
from tests.reports.example_results import results
from tests.reports.make_campaign import Load, Shape, make_campaign
from tests.reports.test_campaign_page import HOSTILE, Checker, hostile, traces

APPLICATION = Path(__file__).parents[2]
ISSUE = Issue(
    "5e7c0de5-0123456789ab-01234567", "a" * 64, "b" * 64, "wattlab report x --audit", "wattlab export", "verify"
)
PNG = next(iter(IMAGE_TYPES)) + b"not a whole picture, and nothing here decodes it"
BLOCKS = (
    "1 Identification", "2 System under test", "3 Measuring instruments", "4 Set-up", "5 Supply and room", "6 Clocks",
    "7 Workload and its materials", "8 Phases and all runs", "9 Validity", "10 Results", "11 Uncertainty budget",
    "12 Statistics", "13 Deviations from the method and from the plan", "14 Decision rule and verdict",
    "15 Raw data and recomputation", "16 OSCAR export", "Signature",
    "Annex A Limits that were applied", "Annex B Digests of the raw files",
)  # fmt: skip
RTL = "\u202egnp.exe\u2069 \u0634"


class AuditChecker(Checker):
    """The page's rules, and a picture may stand in it: embedded, with a text for those who do not see it."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "img":
            if not named.get("alt") or not str(named.get("src")).startswith("data:image/"):
                self.problems.append(f"img {named.get('src')!r:.40}, alt {named.get('alt')!r}")
            return
        super().handle_starttag(tag, attrs)


def checked(html: str) -> AuditChecker:
    """Parse strictly (html5lib raises on any parse error of the HTML standard), assert what holds for every page."""
    html5lib.HTMLParser(strict=True).parse(html)
    checker = AuditChecker()
    checker.feed(html)
    assert checker.problems == []
    assert checker.open == []
    assert len(checker.ids) == len(set(checker.ids))
    assert set(checker.references) <= set(checker.ids)
    for figure in re.findall(r"<figure .*?</figure>", html, re.DOTALL):
        assert re.search(r'role="img"[^>]*aria-labelledby=|<img [^>]*alt="[^"]+"', figure), figure[:200]
    return checker


def html_of(
    tree: Results | dict[str, Any], shown: tuple[EmbeddedPhoto, ...] = (), files: tuple[RawFile, ...] = ()
) -> str:
    results = tree if isinstance(tree, Results) else read(tree)
    return render(audit_page(results, ISSUE, Material(traces(), "note", shown, files)), "audit.html.j2")


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    loads = {"cnn": Load(49.0, 30.0, 60.0, 2), "idle": Load(1.0, 2.0)}
    shape = Shape(loads=loads, repetitions=2, baseline_blocks=3, duration_s=20, broken={4: "abort"})
    return make_campaign(tmp_path_factory.mktemp("audit"), shape)


@pytest.fixture(scope="module")
def whole(campaign: Path) -> str:
    own = software_facts(APPLICATION)
    written = write_results(campaign, {key: own[key] for key in ("commit", "dirty")})  # as the command does
    return audit_html(campaign, written.read_text())


@pytest.fixture(scope="module")
def printed_bytes(whole: str) -> bytes:
    return pdf.pdf_of(whole, hashlib.sha256(whole.encode()).hexdigest())


@pytest.fixture(scope="module")
def printed(printed_bytes: bytes) -> list[str]:
    """The text of every page of the PDF."""
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(printed_bytes)).pages]


def report_id(html: str) -> str:
    found = re.search(r"End of report ([0-9a-f]{8}-[0-9a-f]{12}-[0-9a-f]{8})</p>", html)
    assert found is not None
    return found[1]


def test_the_sixteen_blocks_stand_in_their_order(whole: str) -> None:
    checked(whole)
    heads = re.findall(r'<h2 id="[^"]+">([^<]+)</h2>', whole)
    assert tuple(heads) == BLOCKS


def test_the_first_page_answers(printed: list[str]) -> None:
    first = " ".join(printed[0].split())
    for words in ("Item measured", "induced energy per run", "k = ", "n = ", "not certifiable", "Decision", "Contents"):
        assert words in first.replace("\u00a0", " "), words
    assert re.search(r"16 OSCAR export[ .]*\d+", first)


def test_digests_and_limits_are_annexes_behind_the_signature(whole: str) -> None:
    assert whole.index('id="signature"') < whole.index('id="annex-limits"') < whole.index('id="raw-files"')


def test_no_text_of_the_pdf_runs_letter_by_letter(printed: list[str]) -> None:
    letters = [line for page in printed for line in page.splitlines() if re.fullmatch(r"(\S ){4,}\S?", line.strip())]
    assert [line for line in letters if line.replace(" ", "").isalpha()] == []
    upright = re.findall(r"(?:^[A-Za-z]$\n){4,}", "\n".join(printed), re.MULTILINE)
    assert upright == []


@pytest.mark.parametrize("missing", [["place"], ["customer"], ["operator"], ["place", "customer", "operator"]])
def test_what_a_report_must_name_and_does_not_is_a_remark_at_the_top(missing: list[str]) -> None:
    tree = results()
    tree["campaign"] |= {"place": "Berlin", "customer": "C", "operator": "O"} | dict.fromkeys(missing, "")
    html = html_of(tree)
    top = html[: html.index("<nav")]
    assert [f"does not name the {word}" in top for word in missing] == [True] * len(missing)
    assert top.count("does not name") == len(missing)
    assert len(missing_particulars(read(tree))) == len(missing)


def test_every_run_is_listed_and_the_excluded_one_with_its_reason(whole: str) -> None:
    text = checked(whole).text
    assert "7 were begun, 6 enter the means" in text
    assert "SIGTERM: the operator stopped the lab" in text


def test_what_an_auditor_looks_for_is_there(whole: str, campaign: Path) -> None:
    text = checked(whole).text
    head = CampaignFolder(campaign).head()
    for words in (
        "Results relate only to the items measured.", "structured after", head, "wattlab report CAMPAIGN --audit",
        "wattlab export oscar CAMPAIGN --into DIR", "Decision rule", "Verdict on the campaign",
        "Uncertainty budget, cnn",
        "3.1.1.3 Baseline of the reference system", "3.1.1.4 Usage: cnn", "no scenario named full-load", "Bound / s",
        "inputs/lab.toml", "Photograph of the set-up: not stated", "Supply voltage and frequency: not stated",
        "fixed epochs: 2", "kind: generated", "Welch", "first N rows with t >= startTestrun",
    ):  # fmt: skip
        assert words.lower() in text.lower(), words
    assert "conforms to" not in text


def test_every_raw_file_stands_in_the_manifest_with_its_digest(whole: str, campaign: Path) -> None:
    results = results_of((campaign / "derived" / "results.json").read_bytes())
    listed = {file.path: file.sha256 for file in raw_files(campaign, results)}
    on_disk = {str(path.relative_to(campaign)) for path in campaign.rglob("*") if path.is_file()}
    assert on_disk - set(listed) == {p for p in on_disk if p.startswith("derived/") or p.endswith("MANIFEST.sha256")}
    assert all(path in whole and digest in whole for path, digest in listed.items())


def test_the_id_changes_with_the_results_and_with_the_chain(campaign: Path, whole: str, tmp_path: Path) -> None:
    tree = json.loads((campaign / "derived" / "results.json").read_text())
    tree["findings"] = []
    other = report_id(audit_html(campaign, document_text(tree)))
    mine = report_id(whole)
    assert other != mine
    assert other.split("-")[:2] == mine.split("-")[:2]
    log = (campaign / "campaign.jsonl").read_bytes()
    (tmp_path / "campaign.jsonl").write_bytes(log[: log.rstrip(b"\n").rfind(b"\n") + 1])
    assert CampaignFolder(tmp_path).head()[:12] != mine.split("-")[1]


def test_an_emulated_campaign_says_so_on_page_and_print(whole: str, printed: list[str]) -> None:
    assert '<div class="banner"' in whole
    assert all("EMULATED" in page for page in printed)
    assert "not certifiable" in checked(whole).text


def test_the_id_stands_on_every_page_and_the_end_mark_on_the_last(whole: str, printed: list[str]) -> None:
    name = report_id(whole)
    for number, page in enumerate(printed, 1):
        flat = " ".join(page.split())
        assert f"Report {name}" in flat
        assert f"page {number} of {len(printed)}" in flat
        assert "Results relate only to the items measured." in flat
    assert [f"End of report {name}" in " ".join(page.split()) for page in printed] == [False] * (len(printed) - 1) + [
        True
    ]


def test_folded_tables_are_open_in_print(printed: list[str]) -> None:
    text = "".join("".join(printed).split())  # where a line breaks depends on the fonts that are here
    assert "campaign.jsonl" in text
    assert "readings-wall.csv" in text


def test_a_pdf_loads_nothing_from_outside(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("hidden words")
    link = f'<link rel="attachment" href="{secret.as_uri()}">'
    content = pdf.pdf_of(f'<html lang="en"><head><title>t</title>{link}</head><p>x</p></html>', "x")
    assert pypdf.PdfReader(io.BytesIO(content)).attachments == {}


def test_without_its_libraries_the_message_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(
        AnalysisError, match=r"no PDF: .*install what Debian calls libpango-1\.0-0.*print the HTML report"
    ):
        pdf.pdf_of("<p>x</p>", "x")


@pytest.mark.usefixtures("nothing_remembered")
def test_the_command_writes_page_and_pdf_the_same_bytes_every_time(
    campaign: Path, whole: str, printed_bytes: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(campaign), "--audit", "--pdf"]) == 0
    out = capsys.readouterr().out
    for name in ("audit.html", "audit.pdf"):
        assert name in out
    assert (campaign / "derived" / "audit.html").read_text() == whole
    assert (campaign / "derived" / "audit.pdf").read_bytes() == printed_bytes
    assert main(["report", str(campaign), "--pdf"]) == 1
    assert "--audit --pdf" in capsys.readouterr().err


def bare_results() -> dict[str, Any]:
    """What an early results.json held: no verdict, no budget."""
    return {key: part for key, part in results("instrument").items() if key != "verdict"}


def test_what_is_missing_is_printed_as_not_stated() -> None:
    tree = bare_results()
    tree["campaign"] |= {"lab": "", "operator": "", "attachments": []}
    text = checked(html_of(tree)).text
    for words in ("Usage (3.1.1.4): no scenario run entered a mean",
                  "Clocks of host and SUT: no clock exchange was recorded", "Supply voltage and frequency: not stated",
                  "Check load: not stated"):  # fmt: skip
        assert words in text, words
    assert re.search(r"Laboratory\s*not stated", text)
    assert "None" not in text


def test_a_campaign_without_a_scenario_or_a_baseline_is_a_whole_page() -> None:
    checked(html_of(results(scenarios={})))
    checked(html_of(results("imported", gpu=False) | {"baseline": None, "sut": {}, "host": {}}))


def decided() -> dict[str, Any]:
    decision = {
        "scenario": "cnn", "quantity": "induced_energy_wh", "limit_wh": 1.0, "guard_band_factor": 1.0, "value_wh": 0.82,
        "U_wh": 0.07, "guard_band_wh": 0.07, "acceptance_limit_wh": 0.93, "accepted": True, "risk": 0.0123,
        "risk_of": "false acceptance",
    }  # fmt: skip
    reasons = [{"code": "few-runs", "severity": "info", "weighs": "valid-with-remarks", "subjects": ["cnn"]}]
    return results("instrument") | {"verdict": {"word": "valid-with-remarks", "reasons": reasons, "decision": decision}}


def test_the_decision_shows_limit_guard_band_and_risk() -> None:
    text = checked(html_of(decided())).text
    assert re.search(r"Decision\s*accepted", text)
    assert re.search(r"Risk of false acceptance\s*0\.012", text)
    assert re.search(r"Accepted up to\s*0\.9300\u202fWh", text)


def test_hostile_text_is_shown_as_text() -> None:
    whole = hostile(read(decided()))
    named = replace(whole, campaign=replace(whole.campaign, lab=RTL, attachments=()))
    picture = EmbeddedPhoto(HOSTILE + ".png", "data:image/png;base64,AAAA", "")
    html = html_of(named, (picture, EmbeddedPhoto(HOSTILE, "", HOSTILE)), (RawFile(HOSTILE, HOSTILE),))
    text = checked(html).text
    assert "<script>alert(1)</script>" in text
    assert "{{ 7*7 }}" in text
    assert "⟨U+0001⟩" in text
    assert "⟨U+202E⟩gnp.exe⟨U+2069⟩ \u0634" in text
    assert html.count("</style>") == 1


def lab_toml(folder: Path, names: list[str]) -> Path:
    text = (
        (APPLICATION / "lab.toml").read_text().replace('customer = ""', f'customer = ""\nphotos = {json.dumps(names)}')
    )
    (folder / "lab.toml").write_text(text)
    return folder / "lab.toml"


@cache
def picture() -> bytes:
    from PIL import Image

    written = io.BytesIO()
    Image.new("RGB", (40, 30), (90, 120, 200)).save(written, "PNG")
    return written.getvalue()


def test_photographs_of_lab_toml_are_attached_once_and_embedded(tmp_path: Path) -> None:
    (tmp_path / "bench.png").write_bytes(picture())
    folder = CampaignFolder(make_campaign(tmp_path, Shape(loads={}, repetitions=0, baseline_blocks=1, duration_s=20)))
    config = load(lab_toml(tmp_path, ["bench.png"]))
    for _ in range(2):
        attach_photos(config, folder, "2026-11-21T09:00:00Z")
    assert [check for check in verify_campaign(folder.path) if not check.passed] == []
    html = audit_html(folder.path, write_results(folder.path).read_text())
    assert html.count('<img class="photo" src="data:image/png;base64,') == 1
    checker = checked(html)
    assert "Set-up as it was built: " in checker.text
    shown = "".join(re.findall(r'<img class="photo"[^>]*>', html))
    document = pypdf.PdfReader(io.BytesIO(pdf.pdf_of(f'<html lang="en"><title>t</title>{shown}</html>', "x")))
    assert [(image.image.size if image.image else None) for image in document.pages[0].images] == [(40, 30)]
    target = next((folder.path / "photos").iterdir())
    target.chmod(0o644)
    target.write_bytes(picture() + b" ")
    results = results_of((folder.path / "derived" / "results.json").read_bytes())
    assert [(one.data_uri, one.reason) for one in photos(folder.path, results)] == [
        ("", "the file is not the one that was attached")
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"photos\[0\]: cannot read .*bench\.png"),
        (b"<svg onload='alert(1)'/>", r"photos\[0\]: .*neither a PNG nor a JPEG"),
        (PNG + bytes(MAX_PHOTO_BYTES), r"photos\[0\]: .*at most 4096 are embedded; make it smaller"),
    ],
)
def test_a_photograph_that_cannot_be_shown_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "bench.png").write_bytes(content)
    folder = CampaignFolder(make_campaign(tmp_path, Shape(loads={}, repetitions=0, baseline_blocks=1, duration_s=20)))
    with pytest.raises(ConfigError, match=message):
        attach_photos(load(lab_toml(tmp_path, ["bench.png"])), folder, "2026-11-21T09:00:00Z")


def test_an_attachment_never_leads_out_of_the_campaign(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(PNG)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "link.png").symlink_to(tmp_path / "secret.png")
    tree = {"campaign": {"attachments": [
        {"path": path, "sha256": "0" * 64, "note": "photo"} for path in ("../secret.png", "link.png", "/etc/passwd")
    ]}}  # fmt: skip
    assert [one.data_uri for one in photos(tmp_path / "c", read(tree))] == ["", "", ""]


PROBE = """<!DOCTYPE html><body><iframe id="f" style="width:320px;height:900px;border:0"></iframe><script>
const f = document.getElementById("f");
f.onload = () => { const page = f.contentDocument.documentElement;
  document.body.dataset.found = [f.contentWindow.innerWidth, page.scrollWidth].join(); };
f.srcdoc = %s;</script></body>"""


def test_at_four_hundred_percent_zoom_nothing_scrolls_sideways(whole: str, tmp_path: Path) -> None:
    """1280 px at 400 % are 320 px; wide tables and figures scroll in their own boxes."""
    page = tmp_path / "probe.html"
    page.write_text(PROBE % json.dumps(whole).replace("</", "<\\/"))
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    answer = subprocess.run(
        ["chromium", *options, "--window-size=700,900", "--virtual-time-budget=4000", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, check=True, timeout=300,
    ).stdout  # fmt: skip
    assert re.findall(r'data-found="([^"]*)"', answer) == ["320,320"]


def test_verify_finds_an_audit_report_edited_by_hand(campaign: Path, whole: str) -> None:
    page = campaign / "derived" / "audit.html"
    page.write_text(whole)
    assert check_page(RESULTS_DOCUMENT, campaign, AUDIT, CampaignInputs(campaign)).passed
    page.write_text(whole.replace("not certifiable", "valid", 1))
    edited = check_page(RESULTS_DOCUMENT, campaign, AUDIT, CampaignInputs(campaign))
    assert not edited.passed
    assert re.search(r"line \d+ is '.*valid.*', rendered now '.*not certifiable", edited.detail)


def thrown_out() -> dict[str, Any]:
    """A campaign of which one attempt was thrown out for its gaps and made again, by a meter that states no serial."""
    tree = results()
    index = next(i for i, run in enumerate(tree["runs"]) if run["kind"] == "scenario" and run["included"])
    again = tree["runs"][index] | {"attempt": 2, "folder": "again"}
    out = {"included": False, "excluded_because": "gaps in its power readings exceed the limits", "findings": ["gap"]}
    tree["runs"][index] = tree["runs"][index] | out
    tree["runs"].insert(index + 1, again)
    folder = tree["runs"][index]["folder"]
    tree["findings"] += [
        {"code": "gap", "severity": "invalid", "subject": folder, "evidence": {"gaps": 1}},
        {"code": "success-fraction", "severity": "warn", "subject": again["scenario"], "evidence": {"fraction": 0.75}},
    ]
    reasons = [{"code": "gap", "severity": "invalid", "weighs": "valid-with-remarks", "subjects": [folder]}]
    tree["verdict"] = {"word": "valid-with-remarks", "reasons": reasons, "decision": None}
    for meter in tree["meters"]:
        meter["identity"] = {"maker": "Maker", "model": "M1", "serial": None, "firmware": ""}
    return tree


def section(html: str, anchor: str) -> str:
    return re.sub(r"<[^>]+>", " ", html.split(f'<h2 id="{anchor}"')[1].split("<h2 ")[0])


def test_an_attempt_that_was_thrown_out_and_made_again_stands_among_the_deviations() -> None:
    html = html_of(thrown_out())
    checked(html)
    deviations = " ".join(section(html, "deviations").split())
    assert "gaps in its power readings exceed the limits yes, attempt 2, which enters the means" in deviations
    assert "success-fraction" in deviations
    runs = " ".join(section(html, "runs").split())
    assert re.search(r"\([\d.]+\) no excluded: gaps in its power readings exceed the limits", runs)
    assert "Values in brackets belong to excluded runs" in runs


def test_a_run_that_is_out_is_not_called_invalid_beside_a_campaign_that_is_not() -> None:
    html = html_of(thrown_out())
    assert "gap run excluded valid with remarks" in " ".join(section(html, "decision").split())
    assert "<strong>run excluded</strong>" in html
    invalid = thrown_out()
    invalid["verdict"]["reasons"][0]["weighs"] = "invalid"
    assert "gap invalid invalid" in " ".join(section(html_of(invalid), "decision").split())
    scenario = thrown_out()
    scenario["scenarios"]["cnn"]["invalid_because"] = ["gap"]
    assert "gap scenario invalid valid with remarks" in " ".join(section(html_of(scenario), "decision").split())


def test_what_an_instrument_does_not_state_is_said() -> None:
    assert "Maker M1, serial number not stated, firmware not stated" in html_of(thrown_out())
