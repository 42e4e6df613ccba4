"""`wattlab study run FILE`: every run of a study that is not done yet, a campaign for each environment."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from harness.cli import report
from harness.cli.called import command, reads
from harness.cli.documents import Document
from harness.cli.run import measure
from harness.cli.screen import say
from harness.cli.studies import RunnableStudy, StudyCampaign, read_study
from harness.cli.study_plan import given_up_text
from harness.cli.types import add_json_argument
from harness.evidence.study_progress import progress_of
from harness.measure.embedded import open_wires
from harness.record.errors import ConfigError, Interrupted, LabError
from meters.meter import MeterError
from meters.options import did_you_mean
from reports.results.environment import EnvironmentProgress


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredStudy(Document):
    """A study, as far as it was measured."""

    study: str
    """Its name."""
    environments: tuple[EnvironmentProgress, ...]
    """How far each environment is."""
    problems: Mapping[str, str]
    """Environment -> what ended its campaign before its last run; with one the exit code is 1."""
    reports: Mapping[str, str]
    """Environment -> the report of its campaign."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = (
        "Measure every run of a study that is not done yet: a campaign in each of its environments, one after the "
        "other. Interrupted? The same command continues. An environment that cannot be measured does not keep the "
        "others from it."
    )
    add_study_arguments(verb)
    add_json_argument(verb, "how far each environment is", MeasuredStudy, tells_beside=True)
    verb.set_defaults(call=call, interrupted="`wattlab study run` continues where it stood")


def add_study_arguments(verb: argparse.ArgumentParser) -> None:
    """The study file, and which of its environments."""
    verb.add_argument("file", type=Path, help="study file with [environments.NAME] (docs/studies.md)")
    verb.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="this environment; may be given several times"
    )


def chosen(study: RunnableStudy, only: list[str]) -> tuple[StudyCampaign, ...]:
    """The campaigns of the environments that are named, or all.

    Raises:
        ConfigError: there is no such environment.
    """
    names = [campaign.name for campaign in study.campaigns]
    for name in only:
        if name not in names:
            raise ConfigError(f"--only {name}: no such environment in {study.path}; {did_you_mean(name, names)}")
    return tuple(campaign for campaign in study.campaigns if not only or campaign.name in only)


def call(arguments: argparse.Namespace) -> int:
    """Measure, environment by environment, and say how far each is."""
    study = read_study(arguments.file)
    names = {"run": "run", "sut prepare": "prepare", "check": "plan", "plan": "plan"}
    reads(instead={verb: ("study", action, str(arguments.file)) for verb, action in names.items()})
    arguments.interrupted = f"{command('study', 'run', arguments.file)} continues where it stood"
    problems, codes = measure_study(study, chosen(study, arguments.only))
    done = progresses(study)
    reports = {
        campaign.name: str(campaign.config.campaign_folder / "derived" / "report.html")
        for campaign in study.campaigns if campaign.name in codes
    }  # fmt: skip
    arguments.answer = MeasuredStudy(
        study=study.declared.study.name, environments=done, problems=problems, reports=reports
    )
    show_progress(study, done, problems)
    return 1 if problems else max(codes.values(), default=0)


def measure_study(study: RunnableStudy, campaigns: tuple[StudyCampaign, ...]) -> tuple[dict[str, str], dict[str, int]]:
    """Every remaining run of some environments: environment -> what ended it early, and -> 3 where its campaign is
    invalid, else 0."""
    console, problems, codes = Console(), dict[str, str](), dict[str, int]()
    for at, campaign in enumerate(campaigns, start=1):
        folder = campaign.config.campaign_folder
        say(
            console,
            f"Environment {at} of {len(campaigns)}, {campaign.name}: {campaign.environment.title}, into {folder}",
        )
        try:
            with open_wires(campaign.config) as wires:
                measure(campaign.config, wires)
            codes[campaign.name] = _reported(campaign)
        except Interrupted:
            raise
        except (LabError, MeterError) as error:
            problems[campaign.name] = str(error)
            say(console, f"{campaign.name}: {error}", "yellow")
            if at < len(campaigns):
                say(console, "The other environments go on.")
    return problems, codes


def _reported(campaign: StudyCampaign) -> int:
    """Write the report of a campaign and say its verdict; 3 where it is invalid."""
    from reports.pages.verdict import verdict_line
    from reports.results.document import results_of

    files = report.compute(campaign.config.campaign_folder)
    results = results_of(files["numbers"].read_bytes())
    is_invalid = results.verdict.word == "invalid"
    say(Console(), f"{campaign.name}: {verdict_line(results)}", "bold red" if is_invalid else "")
    print(f"report   {files['report']}")
    return 3 if is_invalid else 0


def progresses(study: RunnableStudy) -> tuple[EnvironmentProgress, ...]:
    """How far each environment is."""
    return tuple(
        progress_of(name, environment, study.path.parent, study.declared.campaigns[name].folder, None)
        for name, environment in study.declared.environments.items()
    )


def show_progress(study: RunnableStudy, done: tuple[EnvironmentProgress, ...], problems: Mapping[str, str]) -> None:
    """The last lines: how far each environment is, what could not be run, what to do."""
    console = Console()
    for one in done:
        begun = f"{one.made} of {one.planned} runs are made" if one.planned else "not begun"
        say(console, f"{one.name}: {begun}{f', {one.left} are left' if one.left else ''}.")
        for lost in one.given_up:
            say(console, given_up_text(one.name, lost), "yellow")
    if not problems and all(one.planned and not one.left for one in done):
        say(console, f"Next: {command('study', 'report', study.path)}.")
        return
    names = f" {', '.join(problems)}" if problems else ""
    what = f"The study is not complete: see to{names}, then " if problems else "The study is not complete: "
    say(console, f"{what}{command('study', 'run', study.path)} goes on with it.")
