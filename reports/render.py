"""results.json and run folders -> report.html: one self-contained file.

Knows where the parts are and in which order they are made. Knows no number and no word of the page.
"""

import json
import shlex
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness.run_folder import write_derived
from reports.analysis.results import write_results
from reports.pages.campaign import CampaignPage, campaign_page
from reports.pages.lookup import Results
from reports.pages.traces import NOTE, trace_panels

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
REPORT = "report.html"


def write_report(campaign: Path) -> Path:
    """Recompute results.json, render the report beside it, return the report's path.

    Raises:
        LabError: the folder is no campaign, a run folder cannot be read, the disk refuses; with the file.
    """
    results = json.loads(write_results(campaign).read_text(encoding="utf-8"))
    return write_derived(campaign, REPORT, report_html(campaign, results, campaign.resolve().name))


def report_html(campaign: Path, results: Results, folder_name: str) -> str:
    """The report of results.json's content and of the run folders it names; `folder_name` is what the command that
    recomputes it calls the campaign's folder."""
    command = f"wattlab report {shlex.quote(folder_name)} (called where this folder lies)"
    return render(campaign_page(results, trace_panels(campaign, results), NOTE, command))


def render(page: CampaignPage) -> str:
    """HTML of a page: every text escaped, an undefined name is an error."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("campaign.html.j2").render(page=page)
