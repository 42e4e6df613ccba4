"""results.json and run folders -> report.html: one self-contained file.

Knows where the parts are and in which order they are made. Knows no number and no word of the page.
"""

import json
import shlex
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness.errors import RunFolderError
from reports.analysis.results import write_results
from reports.pages.campaign import CampaignPage, campaign_page
from reports.pages.traces import NOTE, trace_panels

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
REPORT = "report.html"


def write_report(campaign: Path) -> Path:
    """Recompute results.json, render the report beside it, return the report's path.

    Raises:
        LabError: the folder is no campaign, a run folder cannot be read, the disk refuses; with the file.
    """
    results_file = write_results(campaign)
    results = json.loads(results_file.read_text(encoding="utf-8"))
    command = f"wattlab report {shlex.quote(campaign.resolve().name)} (called where this folder lies)"
    page = campaign_page(results, trace_panels(campaign, results), NOTE, command)
    report = results_file.with_name(REPORT)
    try:
        report.write_text(render(page), encoding="utf-8")
    except OSError as error:
        raise RunFolderError(
            f"{report}: cannot write ({error.strerror}); free space or give write permission"
        ) from error
    return report


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
