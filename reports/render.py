"""results.json and run folders -> report.html, audit.html, summary.html and their PDFs: each one self-contained file.

Knows where the parts are and in which order they are made. Knows no number and no word of the page.
"""

import base64
import hashlib
import os
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from harness.record.campaign_folder import CampaignFolder, write_derived
from harness.record.documents import VERSION
from harness.record.steps import step
from reports.pages.audit import AuditPage, Issue, Material, audit_page
from reports.pages.campaign import campaign_page
from reports.pages.document import DocumentPage
from reports.pages.raw_files import photos, raw_files
from reports.pages.summary import SummaryPage, summary_page
from reports.pages.traces import note_of, trace_panels
from reports.pdf import pdf_of
from reports.readings.outline import Outline
from reports.results.document import Results, results_of

if TYPE_CHECKING:
    from reports.pages.archive import Answers
    from reports.qualification.aligned import AlignedTraces
    from reports.results.comparison import Comparison
    from reports.results.estimation import Estimation
    from reports.results.qualification import Qualification
    from reports.results.study import StudyResult

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
"""Controls, marks that turn the direction of writing, halves of characters: no HTML, or another text than it seems."""
REPORT, AUDIT, SUMMARY, QUALIFIED = "report.html", "audit.html", "summary.html", "qualification.html"
FIGURES = 3
"""Which way of drawing made a page's figures: counted up where the same numbers give another picture. 1 was
matplotlib, whose pages name its version instead; 2 had all panels of a comparison in one drawing."""
GENERATOR = f"wattlab {VERSION}; figures {FIGURES}"
"""What a page says of who made it."""


def report_html(campaign: Path, results: Results, outlines: Mapping[str, Outline] | None = None) -> str:
    """The report of results.json's content and of the run folders it names, of which those in `outlines` are not read
    again. It never says what the campaign's folder is called: that is no part of what was measured."""
    step("drawing the report")
    panels = trace_panels(campaign, results, outlines)
    return render(campaign_page(results, panels, note_of(panels), "wattlab report CAMPAIGN"))


def write_pdf(campaign: Path, page: Path) -> Path:
    """The PDF of a written page of a campaign, beside it; return its path.

    Raises:
        LabError: WeasyPrint or its libraries are missing (the message names the packages), the disk refuses.
    """
    html = page.read_text(encoding="utf-8")
    return write_derived(campaign, f"{page.stem}.pdf", pdf_of(html, hashlib.sha256(html.encode()).hexdigest()))


def summary_html(results_text: str) -> str:
    """The one-page summary of the text of results.json."""
    digest = hashlib.sha256(results_text.encode()).hexdigest()
    return render(summary_page(results_of(results_text), digest), "summary.html.j2")


def audit_html(campaign: Path, results_text: str, outlines: Mapping[str, Outline] | None = None) -> str:
    """The audit report of the text of results.json and of the campaign it was computed from."""
    results = results_of(results_text)
    head, digest = CampaignFolder(campaign).head(), hashlib.sha256(results_text.encode()).hexdigest()
    issue = Issue(
        report_id=f"{results.campaign.uid or 'none'}-{head[:12]}-{digest[:8]}",
        chain_head=head,
        results_sha256=digest,
        command="wattlab report CAMPAIGN --audit",
        oscar_command="wattlab export oscar CAMPAIGN --into DIR",
        verify_command="wattlab verify CAMPAIGN --public-key KEY.pub",
    )
    step("drawing the audit report")
    panels = trace_panels(campaign, results, outlines)
    material = Material(panels, note_of(panels), photos(campaign, results), raw_files(campaign, results))
    return render(audit_page(results, issue, material), "audit.html.j2")


def comparison_html(comparison: "Comparison") -> str:
    """The page of a comparison."""
    from reports.pages.comparison.page import comparison_page  # its records are none of a campaign's

    return render(comparison_page(comparison), "document.html.j2")


def archive_html(told: "Answers") -> str:
    """The page of an archive."""
    from reports.pages.archive import archive_page

    return render(archive_page(told), "document.html.j2")


def estimation_html(document: "Estimation") -> str:
    """The page of estimators beside what was measured."""
    from reports.pages.estimation.page import estimation_page  # its records are none of a campaign's

    return render(estimation_page(document), "document.html.j2")


def qualification_html(document: "Qualification", aligned: "Sequence[AlignedTraces]") -> str:
    """The page of a qualification, and of the traces that it draws."""
    from reports.pages.qualification.page import qualification_page  # its records are none of a campaign's

    return render(qualification_page(document, aligned), "document.html.j2")


def study_html(study: "StudyResult") -> str:
    """The report of a study."""
    from reports.pages.study.page import study_page  # its records are none of a campaign's

    return render(study_page(study), "document.html.j2")


def render(page: DocumentPage | AuditPage | SummaryPage, template: str = "campaign.html.j2") -> str:
    """HTML of a page: every text escaped, an undefined name is an error."""
    step("writing the page")
    return _environment().get_template(template).render(page=page, generator=GENERATOR)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
        bytecode_cache=_compiled_templates(),
    )
    environment.filters["data"] = lambda value: htmlsafe_json_dumps(_all_visible(value))
    environment.globals["script"] = script_of_pages()
    return environment


def _compiled_templates() -> FileSystemBytecodeCache | None:
    """Where compiled templates are kept, as Python keeps compiled modules; None where it may not or cannot."""
    folder = TEMPLATES / "__pycache__"
    if sys.dont_write_bytecode:
        return None
    with suppress(OSError):
        folder.mkdir(exist_ok=True)
    return FileSystemBytecodeCache(str(folder)) if os.access(folder, os.W_OK) else None


@dataclass(frozen=True, slots=True)
class Script:
    """The script of pages, and the digest by which a page allows it and no other."""

    text: Markup
    digest: str


@cache
def script_of_pages() -> Script:
    """templates/report.js."""
    text = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Script(Markup(text), f"sha256-{digest}")


def _all_visible(value: object) -> object:
    """The same of every text of decoded JSON."""
    if isinstance(value, dict):
        return {str(_visible(key)): _all_visible(part) for key, part in value.items()}
    return [_all_visible(part) for part in value] if isinstance(value, list) else _visible(value)


def _visible(value: object) -> object:
    """What an expression of a template prints: in plain text, characters that nobody sees are written out."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return _UNSEEN.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", value)
