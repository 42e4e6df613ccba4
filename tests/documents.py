"""Derived documents of a campaign, written for tests by the one writer."""

from dataclasses import replace
from pathlib import Path

from harness.evidence.campaigns import RESULTS_DOCUMENT, CampaignInputs
from harness.evidence.derived import write
from harness.record.documents import Json
from reports.render import REPORT


def write_results(campaign: Path, checkout: Json | None = None) -> Path:
    """results.json without a page, which takes time to draw; return its path."""
    return write(replace(RESULTS_DOCUMENT, pages={}), CampaignInputs(campaign, checkout), campaign)


def write_report(campaign: Path) -> Path:
    """results.json and report.html; return the path of the report."""
    return write(RESULTS_DOCUMENT, CampaignInputs(campaign), campaign).with_name(REPORT)
