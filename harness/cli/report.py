"""`wattlab report CAMPAIGN`: compute results.json and write the HTML report; with `--audit` the audit report too."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.cli.types import Verbs
from harness.errors import LabError

if TYPE_CHECKING:
    from harness.documents import Json

SHOWN = 12
"""Scenarios whose publisher's figures stand on the terminal."""


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    verb = verbs.add_parser(
        "report",
        help="compute results.json and write the report",
        description="Compute results.json of a campaign from its run folders and write the HTML report. "
        "Exit code 3 when the verdict on the campaign is invalid; 0 where only single scenarios are, which are named.",
    )
    verb.add_argument("campaign", type=Path, help="campaign folder, such as runs/core-study")
    verb.add_argument("--audit", action="store_true", help="write the audit report too (ISO/IEC 17025): audit.html")
    verb.add_argument("--pdf", action="store_true", help="with --audit: as PDF too, audit.pdf")
    verb.set_defaults(call=call)


def call(arguments: argparse.Namespace) -> int:
    """Write the files and print where they are.

    Raises:
        LabError: --pdf without --audit, or no PDF can be made on this machine.
    """
    if arguments.pdf and not arguments.audit:
        raise LabError("--pdf: only the audit report is made as PDF; give --audit --pdf")
    code = write(arguments.campaign)
    if arguments.audit:
        _write_audit(arguments.campaign, as_pdf=arguments.pdf)
    return code


def _write_audit(campaign: Path, *, as_pdf: bool) -> None:
    from harness.run_folder import DERIVED
    from reports.analysis.results import RESULTS
    from reports.pages.audit import missing_particulars
    from reports.render import write_audit, write_audit_pdf

    results = campaign / DERIVED / RESULTS
    audit = write_audit(campaign, results)
    print(f"audit    {audit.resolve()}")
    for sentence in missing_particulars(json.loads(results.read_text(encoding="utf-8"))):
        print(f"         {sentence}")
    if as_pdf:
        print(f"pdf      {write_audit_pdf(campaign, audit).resolve()}")


def write(campaign: Path) -> int:
    """Write results.json and report.html, print headline, verdict and places; 3 when the verdict is invalid."""
    from reports.pages.proof import proof_of
    from reports.render import write_report  # pandas and matplotlib cost a second that other verbs need not pay

    report = write_report(campaign)
    numbers = report.with_name("results.json")
    results = json.loads(numbers.read_text())
    console = Console()
    console.print(_table(results))
    for line in _publisher_lines(results):
        console.print(escape(line), soft_wrap=True)
    console.print(escape(results["measurement"]["sentence"]))
    console.print(_verdict(results), soft_wrap=True)
    console.print(escape(proof_of(results)), soft_wrap=True)
    invalid = [finding for finding in results["findings"] if finding["severity"] == "invalid"]
    for finding in invalid:
        console.print(f"[bold red]INVALID[/] {finding['code']}: {escape(str(finding['subject']))}")
    remarks = len(results["findings"]) - len(invalid)
    console.print(f"{remarks} remarks stand in the report.")
    print(f"report   {report.resolve()}")
    print(f"numbers  {numbers.resolve()}")
    return 3 if results["verdict"]["word"] == "invalid" else 0


def _publisher_lines(results: "Json") -> list[str]:
    """What the publishers of imported runs count themselves, beside the whole record; of many scenarios the first."""
    from reports.pages.campaign import publisher_lines

    told = [(name, lines) for name, part in results["scenarios"].items() if (lines := publisher_lines(part))]
    more = len(told) - SHOWN
    lines = [f"{name}, {line}" for name, lines in told[:SHOWN] for line in lines]
    return lines + ([f"and {more} more scenarios with a publisher's window, in the report"] if more > 0 else [])


def _verdict(results: "Json") -> str:
    from reports.pages.campaign import verdict_line

    colour = {"invalid": "bold red", "not-certifiable": "yellow"}.get(results["verdict"]["word"], "green")
    return f"[{colour}]{escape(verdict_line(results))}[/]"


def _table(results: "Json") -> Table:
    from reports.pages.budgets import assumed
    from reports.pages.campaign import HEADS
    from reports.pages.lookup import pick
    from reports.pages.numbers import bare, in_page_units, scale_for

    scenarios = in_page_units(results, *HEADS)["scenarios"]
    paths = {
        "mean power": ("mean_power_w",),
        "energy": ("energy_wh",),
        "induced energy": ("induced_energy_wh",),
    }
    columns = {heading: [pick(scenario, *path) for scenario in scenarios.values()] for heading, path in paths.items()}
    scales = {heading: scale_for(numbers) for heading, numbers in columns.items()}
    unknown = [finding["subject"] for finding in results["findings"] if finding["code"] == "limits-unknown"]
    lacking = "; ".join(assumed(results, str(meter)) for meter in unknown)
    caption = "value ± U (95 %)" + (f"; limits of error unknown: {lacking}" if lacking else "")
    table = Table(caption=caption, box=SIMPLE, padding=(0, 1))
    table.add_column("scenario", no_wrap=True)
    table.add_column("runs", justify="right", no_wrap=True)
    for heading, scale in scales.items():
        table.add_column(f"{heading}\n{scale.unit}", justify="right", no_wrap=True)
    for row, (name, scenario) in enumerate(scenarios.items()):
        cells = [bare(numbers[row], scales[heading]) for heading, numbers in columns.items()]
        table.add_row(escape(name), f"{scenario['n_runs']['value']:.0f}", *cells)
    return table
