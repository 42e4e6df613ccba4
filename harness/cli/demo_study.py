"""`wattlab demo --study`: a small study on this machine, from its plan to its sealed analysis, with an emulated meter.

The study lies in a folder of its own, a copy of the one that comes with wattlab, as a study of one's own would.
"""

import shutil
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from rich.console import Console

from harness.cli import study_report
from harness.cli.called import command, reads
from harness.cli.documents import Document
from harness.cli.screen import counted, say
from harness.cli.studies import RunnableStudy, read_study
from harness.cli.study_plan import plan_of, study_sheet, totals
from harness.cli.study_run import measure_study, progresses, show_progress
from harness.cli.sut import prepare
from harness.evidence.studies import write_study
from harness.measure.embedded import open_wires
from harness.record.verify import Check, verify_campaign
from harness.station.station import APPLICATION
from reports.render import REPORT
from reports.results.environment import EnvironmentProgress
from reports.results.study import STUDY, study_of

SHIPPED = APPLICATION / "workloads" / "studies" / "demo"
RUNS = APPLICATION / "runs"
FILE, ANALYSIS = "study.toml", "analysis"
"""In the study's folder: what declares it, and where its analysis is sealed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoStudy(Document):
    """The demo study that was measured."""

    study: str
    """Its file."""
    environments: tuple[EnvironmentProgress, ...]
    """How far each environment is."""
    numbers: str
    """Its study.json; empty where a run is left."""
    report: str
    """Its report."""
    failed_checks: tuple[Check, ...]
    """What is not as it was sealed; with one the exit code is 3."""


def run_demo() -> tuple[int, DemoStudy]:
    """Plan, prepare, measure, verify, analyse: the exit code, and what became of it."""
    folder = _next(RUNS)
    study, console = read_study(folder / FILE), Console()
    reads(instead={"run": ("demo", "--study"), "study run": ("demo", "--study")})
    print(f"wattlab demo: a study of two networks in two environments, in {folder}")
    print("The meter is emulated: everything is done as in a real study, but no watt of it was measured.")
    plan = plan_of(study)
    console.print(study_sheet(plan))
    say(console, totals(plan))
    for campaign in study.campaigns[:1]:  # both are this machine
        with open_wires(campaign.config) as wires:
            prepare(campaign.config, wires.sut)
    problems, _ = measure_study(study, study.campaigns)
    done = progresses(study)
    if problems or any(one.left or not one.planned for one in done):
        show_progress(study, done, problems)
        return 1, DemoStudy(study=str(study.path), environments=done, numbers="", report="", failed_checks=())
    failed = _failed(study)
    seals = "every byte is as it was sealed" if not failed else f"{counted(len(failed), 'check')} FAILED"
    say(console, f"seals    {seals} ({command('verify', study.campaigns[0].config.campaign_folder)} checks more)")
    analysis = write_study(study.path, folder / ANALYSIS)
    study_report.show(study_of((analysis / STUDY).read_bytes()), analysis)
    return 3 if failed else 0, DemoStudy(
        study=str(study.path), environments=done, numbers=str(analysis / STUDY), report=str(analysis / REPORT),
        failed_checks=tuple(failed),
    )  # fmt: skip


def _failed(study: RunnableStudy) -> list[Check]:
    folders = [campaign.config.campaign_folder for campaign in study.campaigns]
    return [check for folder in folders for check in verify_campaign(folder) if not check.passed]


def _next(runs: Path) -> Path:
    """The study of the demo that was interrupted, else a new one: study-demo-1, study-demo-2, ..."""
    for number in count(1):
        folder = runs / f"study-demo-{number}"
        if not (folder / FILE).is_file():
            shutil.copytree(SHIPPED, folder, dirs_exist_ok=True)
            return folder
        if not (folder / ANALYSIS).exists():
            return folder
    raise AssertionError("count() never ends")
