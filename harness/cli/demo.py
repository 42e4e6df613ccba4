"""`wattlab demo`: the whole lab on this machine, from lab.toml to the report, with an emulated meter."""

import argparse
import json
import re
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path

from rich.console import Console

from harness.cli import qualify, report
from harness.cli.called import command, reads
from harness.cli.demo_study import DemoStudy, run_demo
from harness.cli.observer import observe
from harness.cli.run import MeasuredCampaign, measure, measured_campaign
from harness.cli.screen import counted, say
from harness.cli.sut import prepare
from harness.cli.types import add_json_argument
from harness.measure.campaign import Campaign
from harness.measure.campaign_file import Campaign as CampaignSection
from harness.measure.embedded import open_wires
from harness.measure.lab_file import LabConfig, load
from harness.record.campaign_folder import CAMPAIGN
from harness.record.errors import ConfigError
from harness.record.verify import Check, verify_campaign
from harness.station.provenance import software_facts
from harness.station.station import APPLICATION

OBSERVER_BLOCKS, OBSERVER_S = 4, 10.0
"""Small, as everything in the demo."""
CORE_STUDY = APPLICATION / "lab.toml"
QUALIFICATION = APPLICATION / "workloads" / "campaigns" / "qualify-demo.toml"
INFERENCE = APPLICATION / "workloads" / "campaigns" / "inference-demo.toml"
"""Whole lab.toml files: what each demo measures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoCampaign(MeasuredCampaign):
    """The demo campaign that was measured."""

    failed_checks: tuple[Check, ...]
    """What is not as it was sealed; with one the exit code is 3."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = (
        "Run the whole lab on this machine: a real sshd on loopback, an emulated meter on a pty, "
        "baseline, idle, cnn, transfer and transfer with CodeCarbon around it, three times each, and the report. "
        "About ten minutes."
    )
    chosen = verb.add_mutually_exclusive_group()
    chosen.add_argument(
        "--full", action="store_true", help="also the sync pulse and the observer effect: five minutes more"
    )
    chosen.add_argument(
        "--qualify", action="store_true",
        help="instead: which share of the (emulated) wall does CodeCarbon see? Half an hour: the test takes minutes",
    )  # fmt: skip
    chosen.add_argument(
        "--inference", action="store_true",
        help="instead: a classifier that serves requests in batches, by two policies, and its ratings; nine minutes",
    )  # fmt: skip
    chosen.add_argument(
        "--study", action="store_true",
        help="instead: a study of two networks in two environments, planned, run and analysed; about eight minutes",
    )  # fmt: skip
    add_json_argument(
        verb, "where the campaign lies and what became of it", DemoCampaign, {"--study": DemoStudy}, tells_beside=True
    )
    verb.set_defaults(call=call, interrupted="`wattlab demo` continues where it stood")


def call(arguments: argparse.Namespace) -> int:
    """Prepare, measure, verify, report."""
    if arguments.study:
        arguments.interrupted = "`wattlab demo --study` continues where it stood"
        code, arguments.answer = run_demo()
        return code
    options = {"--full": arguments.full, "--qualify": arguments.qualify, "--inference": arguments.inference}
    option = [word for word, is_given in options.items() if is_given]
    arguments.interrupted = f"`wattlab {' '.join(['demo', *option])}` continues where it stood"
    config = _next_demo(*option)
    folder = config.campaign_folder
    reads(("--lab", str(config.path)), instead={"run": ("demo", *option)})
    print(f"wattlab demo: the embedded lab, into {folder}")
    print("The meter is emulated: everything is done as in a real campaign, but no watt of it was measured.")
    if arguments.qualify:
        print("CodeCarbon is the software meter: of a machine without RAPL it estimates by load and rated power.")
    if arguments.inference:
        print("Service and users share this machine's CPUs: each makes the other late.")
    with open_wires(config) as wires:
        prepare(config, wires.sut)
        campaign = measure(config, wires)
        if arguments.full:
            observe(config, wires, OBSERVER_BLOCKS, OBSERVER_S)
    failed = [check for check in verify_campaign(folder) if not check.passed]
    seals = "every byte is as it was sealed" if not failed else f"{counted(len(failed), 'check')} FAILED"
    say(Console(), f"seals    {seals} ({command('verify', folder)} checks more)")
    code = report.write(folder)
    if arguments.qualify:
        print()
        qualify.show(*qualify.certify(folder))
    measured = asdict(measured_campaign(campaign))
    arguments.answer = DemoCampaign(**measured, failed_checks=tuple(failed))
    return 3 if failed else 0 if code == 3 else code


def _next_demo(option: str = "") -> LabConfig:
    """What is measured: the core study, the full one with a sync pulse at the begin of its session, the qualification
    of CodeCarbon, or a service."""
    match option:
        case "--qualify":
            return _next(load(QUALIFICATION), "qualify-demo")
        case "--inference":
            return _next(load(INFERENCE), "inference-demo")
    config, full = load(CORE_STUDY), option == "--full"
    return _next(_with(config, replace(config.file.campaign, sync_pulse=full), "sync_pulse"), "demo")


def _next(config: LabConfig, name: str) -> LabConfig:
    """The demo campaign of a name that was interrupted, else a new one: demo-1, demo-2, ..."""
    for number in count(1):
        candidate = _with(config, replace(config.file.campaign, name=f"{name}-{number}"), "name")
        if _unfinished(candidate):
            return candidate
    raise AssertionError("count() never ends")


def _with(config: LabConfig, campaign: CampaignSection, key: str) -> LabConfig:
    """The same with another [campaign], which differs in one key: in the lab.toml that every run keeps too, which has
    to say what was measured."""
    line = f"{key} = {json.dumps(getattr(campaign, key))}".encode()
    head, table, rest = config.source.partition(b"\n[campaign]")
    own, following, others = rest.partition(b"\n[")
    stated = re.compile(rf"^{key}\s*=\s*(\"[^\"\n]*\"|\w+)".encode(), re.MULTILINE)
    own = stated.sub(line, own, count=1) if stated.search(own) else b"\n" + line + own
    file, source = replace(config.file, campaign=campaign), head + table + own + following + others
    return replace(config, file=file, source=source)


def _unfinished(candidate: LabConfig) -> bool:
    path: Path = candidate.campaign_folder
    if not (path / CAMPAIGN).is_file():
        return True
    try:
        return bool(Campaign(candidate, software_facts(APPLICATION)).remaining())
    except ConfigError:
        return False  # begun with another lab.toml
