"""Every reason not to start, collected and shown as one list; nothing stops at the first.

Knows what to ask of the disk, this host, the instrument register, the meters, the SUT and the campaign folder. Changes
nothing.
"""

import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import BinaryIO

from harness.attest.signer import OF_SEAL, sign
from harness.attest.witness import channels_of, clock_of
from harness.measure.agenda import begun_otherwise, horizon_s
from harness.measure.ambient import read_temperature_c
from harness.measure.diagnosis import diagnose
from harness.measure.lab_file import LabConfig, name_key
from harness.measure.material import needs_of, read_staged
from harness.measure.photos import problems_of
from harness.measure.preflight_meters import of_meters, register_of
from harness.measure.preflight_packages import of_packages
from harness.measure.preflight_population import of_populations
from harness.measure.preflight_qualification import of_qualification
from harness.measure.reason import Reason, Severity
from harness.measure.scenario import Scenario
from harness.measure.script import scripts_of
from harness.record.campaign_folder import CAMPAIGN, CampaignFolder
from harness.record.documents import Json, matches
from harness.record.errors import ConfigError, LabError, LabNotReady, SigningError, WitnessError, printable
from harness.record.run_folder import RunFolder
from harness.record.verify import verify_campaign
from harness.station.conditions.clock import of_clock_tools
from harness.station.conditions.load import of_foreign_load, of_swap
from harness.station.conditions.updates import of_updates
from harness.station.register import load_register
from harness.station.station import EMBEDDED, LOCAL, SutSection
from harness.sut.agent.survey import machine_state
from harness.sut.machine import Sut
from meters.meter import Meter

FREE_BYTES = 1 << 30
WHICH = "import json, shutil, sys; print(json.dumps({word: shutil.which(word) for word in sys.argv[1:]}))"
WHAT = """import json, os, sys
def kind(path):
    if os.path.isdir(path):
        return "folder" if os.access(path, os.X_OK) else "closed"
    return "file" if os.path.isfile(path) else "other" if os.path.exists(path) else ""
print(json.dumps({path: kind(path) for path in sys.argv[1:]}))
"""
"""What paths name on the SUT."""
LENGTHS = ("load_s", "idle_s")
"""Parameters of our own scenarios that say how long a run of them lasts."""
OF_SOFTWARE = ("software-meters", "no-software-meter")
"""What a qualification is about, and is told always."""
WITNESS_CLOCK_S = 5.0
"""Clocks of host and witness that differ by more make receipts look late, or early."""


def check_lab(
    config: LabConfig, sut: SutSection, open_meters: Mapping[str, Callable[[BinaryIO], Meter]]
) -> list[Reason]:
    """Everything that can be found out without measuring, in the order disk, host, campaign, files, meters, SUT."""
    register = register_of(config)
    found = [
        *_disk(config),
        *_host(config),
        *_room(config),
        *_campaign(config),
        *of_files(config),
        *_witnesses(config),
        *of_meters(config, register, open_meters),
        *_sut(config, sut),
    ]
    return [replace(reason, text=printable(reason.text)) for reason in _once(found)]


def _once(reasons: Iterable[Reason]) -> Iterator[Reason]:
    """Without those that refuse for what was refused already: a register that cannot be read stops every meter."""
    refused: set[str] = set()
    for reason in reasons:
        if reason.severity != "refuse" or reason.text not in refused:
            yield reason
        if reason.severity == "refuse":
            refused.add(reason.text)


def of_files(config: LabConfig) -> list[Reason]:
    """What the files beside lab.toml have against a start: it needs no machine and no meter."""
    scenarios, is_shuffled = {one.name: one for one in config.scenarios}, config.file.campaign.order == "shuffled"
    of_loads = of_qualification(config.file.qualification, scenarios, shuffled=is_shuffled, lengths=LENGTHS)
    own = [*_register(config), *_staged(config), *_photos(config), *_seal(config), *dict.fromkeys(_baseline(config))]
    return [*own, *of_loads, *of_populations(config)]


def _baseline(config: LabConfig) -> Iterator[Reason]:
    """Whether a baseline block lasts as long as the scenarios of which lab.toml says how long they are."""
    block_s = config.file.baseline.duration_s
    for scenario in config.scenarios:
        lengths_s = {key: float(scenario.parameters[key]) for key in LENGTHS if key in scenario.parameters}
        longer = [f"{key} = {value:g}" for key, value in lengths_s.items() if value > block_s]
        if longer:
            yield Reason(
                "warn",
                "baseline",
                f"scenarios.{scenario.section} lasts longer ({', '.join(longer)}) than a baseline block "
                f"(baseline.duration_s = {block_s:g}): what is subtracted from its runs is less well known; a block is "
                f"to last {max(lengths_s.values()):g} s at least",
            )


def _room(config: LabConfig) -> Iterator[Reason]:
    """The room's thermometer, where lab.toml names one."""
    ambient = config.file.ambient
    if not ambient.file:
        return
    try:
        yield Reason("ok", "room", f"{read_temperature_c(ambient):.1f} °C by {ambient.file}")
    except LabError as error:
        yield Reason("refuse", "room", str(error))


def require_ready(reasons: list[Reason], what: str = "not started") -> None:
    """Raise LabNotReady with every refusal, if there is one; `what` comes of them."""
    if refusals := [f"{reason.subject}: {reason.text}" for reason in reasons if reason.severity == "refuse"]:
        raise LabNotReady(f"{what}:\n  - " + "\n  - ".join(refusals))


def _disk(config: LabConfig) -> Iterator[Reason]:
    folder = config.campaign_folder
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if not folder.is_dir():
        yield Reason("refuse", "disk", f"{folder} is a file, and the campaign is to be kept in it; correct runs_folder")
    elif not os.access(folder, os.W_OK | os.X_OK):
        yield Reason(
            "refuse", "disk", f"nothing can be written in {folder}; correct campaign.runs_folder, or its rights"
        )
    elif free < FREE_BYTES:
        yield Reason(
            "refuse", "disk", f"{free / 2**20:.0f} MiB free below {folder}; at least 1 GiB is needed, free some"
        )
    else:
        yield Reason("ok", "disk", f"{free / 2**30:.0f} GiB free below {folder}")


def _host(config: LabConfig) -> Iterator[Reason]:
    """This host, where it is not the SUT itself: what makes its stamps late or its clock jump."""
    if config.file.sut.host in (EMBEDDED, LOCAL):
        return
    state = machine_state("")
    # Load of the host costs stamps, not energy: there is no size of it at which nothing could be measured.
    limits = replace(config.file.thresholds, foreign_load_invalid_percent=math.inf)
    for part in (of_clock_tools(state), of_foreign_load(state, limits), of_swap(state["texts"]), of_updates(state)):
        for found in part:
            yield Reason("ok" if found.severity == "info" else found.severity, f"host {found.code}", found.text)


def _campaign(config: LabConfig) -> Iterator[Reason]:
    path = config.campaign_folder
    if not (path / CAMPAIGN).is_file():
        yield Reason("ok", "campaign", f"{path} will be created")
        return
    try:
        yield _continued(config, CampaignFolder(path))
    except LabError as error:
        yield Reason("refuse", "campaign", f"{error}; choose another campaign.name")


def _continued(config: LabConfig, campaign: CampaignFolder) -> Reason:
    """Whether a campaign that was begun can be continued with this lab.toml."""
    path = campaign.path
    failed = [c for c in verify_campaign(path) if not c.passed and "never ended" not in c.detail and c.name != "sealed"]
    broken = [check for check in failed if check.name in ("chain", "bytes", "link", "streams", "place", "receipts")]
    if broken:
        found = f"{broken[0].subject}: {broken[0].detail}"
        return Reason("refuse", "campaign", f"{path} is not as it was sealed ({found}); choose another campaign.name")
    if (problem := begun_otherwise(config, campaign.entries())) is not None:
        return Reason("refuse", "campaign", problem)
    made = len(campaign.runs())
    return Reason("ok", "campaign", f"{path} will be continued after run {made}" if made else f"{path} is new")


# --- files ---


def _staged(config: LabConfig) -> Iterator[Reason]:
    """Whether every file that is copied to the SUT can be read, and is what the scenario's rated runs had."""
    rated = _rated_runs(config)
    for scenario in config.started:
        try:
            staged = read_staged(scenario, b"")
        except ConfigError as error:
            yield Reason("refuse", f"scenario {scenario.name}", str(error))
            continue
        runs = [run.start for run in rated if run.start.scenario == scenario.name and run.start.staged]
        now = {name: file.to_json()["sha256"] for name, file in staged.items() if file.of == "program"}
        for start in runs[-1:]:
            before = {name: file["sha256"] for name, file in (start.staged or {}).items() if file["of"] == "program"}
            if changed := sorted(name for name in now.keys() | before.keys() if now.get(name) != before.get(name)):
                yield Reason(
                    "refuse",
                    f"scenario {scenario.name}",
                    f"{', '.join(changed)} changed since run {start.ordinal} was rated; runs of two programs have no "
                    f"mean; restore what was measured, or give {name_key(config)} a new value",
                )


def _rated_runs(config: LabConfig) -> list[RunFolder]:
    """The successful runs of the campaign that is to be continued; `_campaign` says what is wrong with another."""
    if not (config.campaign_folder / CAMPAIGN).is_file():
        return []
    try:
        return [run for run in CampaignFolder(config.campaign_folder).runs() if run.exit_status == "success"]
    except LabError:
        return []


def _photos(config: LabConfig) -> Iterator[Reason]:
    for problem in problems_of(config):
        yield Reason("refuse", "photos", problem)


def _register(config: LabConfig) -> Iterator[Reason]:
    try:
        register = load_register(config.station)
        times = 0 if register is None else len(register.check_loads())
    except LabError as error:
        yield Reason("refuse", "register", str(error))
        return
    if register is None:
        yield Reason("ok", "register", "the lab keeps no instrument register: the report cites no certificate")
    else:
        yield Reason("ok", "register", f"{len(register.file.instruments)} instruments, {times} check loads so far")


# --- who else knows ---


def _seal(config: LabConfig) -> Iterator[Reason]:
    """Whether the key that is to sign every seal signs."""
    if (key := config.station.seal_key) is None:
        return
    try:
        sign(b"wattlab check", key, OF_SEAL, may_ask=False)
    except SigningError as error:
        yield Reason("refuse", "seal", f"seal.key: {error}")
    else:
        yield Reason("ok", "seal", f"every seal will be signed with {key}")


def _witnesses(config: LabConfig) -> Iterator[Reason]:
    """Whether the witnesses answer, and how far their clocks are from this host's. None of them costs a run."""
    for channel in channels_of(config.station):
        subject, before = f"witness {channel.name}", datetime.now(UTC)
        try:
            away_s = (datetime.fromisoformat(clock_of(channel)) - before).total_seconds()
        except (WitnessError, ValueError) as error:
            yield Reason("warn", subject, f"{error}; what it does not receive now is sent later, and said to be late")
            continue
        took_s = (datetime.now(UTC) - before).total_seconds()
        off_s = away_s if away_s < 0 else max(0.0, away_s - took_s)
        found = f"answers; this host's clock is within {abs(off_s):.1f} s of its clock"
        yield Reason("ok" if abs(off_s) <= WITNESS_CLOCK_S else "warn", subject, found)


# --- instruments ---


# --- the SUT ---


def _sut(config: LabConfig, wire: SutSection) -> Iterator[Reason]:
    try:
        with Sut.connect(wire) as sut:
            yield _reached(wire)
            diagnoses = diagnose(sut, horizon_s(config), _begun(config), config.file.thresholds)
            for remark in diagnoses:
                is_asked = config.file.qualification is not None and remark.code in OF_SOFTWARE
                severity: Severity = "warn" if is_asked else "ok" if remark.severity == "info" else remark.severity
                yield Reason(severity, f"SUT {remark.code}", remark.text)
            if not any(remark.code == "python" for remark in diagnoses):
                yield from of_packages(config, sut)
                yield from _programs(config, sut)
                yield from _places(config, sut)
            yield from _prepared(config, sut)
    except LabError as error:
        yield Reason("refuse", "SUT", str(error))


def _reached(wire: SutSection) -> Reason:
    """How the SUT was reached."""
    if not wire.is_local:
        return Reason("ok", "SUT", f"{wire.address} reached, host key known")
    text = "it is this machine, which measures too: what that costs is recorded and stands in every number"
    return Reason("warn", "SUT", text)


def _programs(config: LabConfig, sut: Sut) -> Iterator[Reason]:
    """Whether the SUT finds the programs that commands begin with by name or by their whole path."""
    programs = {scenario.name: scenario.command[0] for scenario in config.started if scenario.command}
    names = sorted({name for name in programs.values() if name != "{python}" and ("/" not in name or name[0] == "/")})
    found = sut.ask_program(sut.python, WHICH, *names) if names else {}
    for scenario, program in programs.items():
        if program in found and found[program] is None:
            text = f"the SUT has no program {program!r} that this login can start; install it, or correct the command"
            yield Reason("refuse", f"scenario {scenario}", text)


def _places(config: LabConfig, sut: Sut) -> Iterator[Reason]:
    """Whether the folders in which commands are started are there, and in them the scripts that the commands name."""
    scripts = {scenario.name: _scripts(scenario) for scenario in config.started}
    named = sorted(
        {path for paths in scripts.values() for path in paths} | {s.directory for s in config.started} - {""}
    )
    kinds = sut.ask_program(sut.python, WHAT, *named) if named else {}
    for scenario in config.started:
        subject, folder = f"scenario {scenario.name}", scenario.directory
        if folder and kinds[folder] != "folder":
            what = "is no folder that this login can enter" if kinds[folder] else "is not there"
            text = f"directory: {folder} {what} on the SUT, and the command is to be started in it; make or correct it"
            yield Reason("refuse", subject, text)
            continue
        for path in scripts[scenario.name]:
            if kinds[path] != "file":
                text = f"command: it names {path}, and the SUT has no such file; bring it there, or correct the command"
                yield Reason("refuse", subject, text)


def _scripts(scenario: Scenario) -> list[str]:
    """The scripts that a command names outside its work folder, by their whole paths on the SUT; `_programs` looks for
    a program that is named by its whole path."""
    staged = {path.name for path in scenario.files}
    words = [scenario.command[at] for at in scripts_of(scenario.command) if at > 0 or scenario.command[0][0] != "/"]
    paths = [PurePosixPath(scenario.directory) / word for word in words if word not in staged]
    return [str(path) for path in paths if path.is_absolute()]


def _prepared(config: LabConfig, sut: Sut) -> Iterator[Reason]:
    """Whether the data set and the weights that scenarios read are there, and as many pictures as they want."""
    for part in needs_of(config).prepared:
        readers = [scenario for scenario in config.started if part in scenario.prepared]
        names, record = ", ".join(dict.fromkeys(scenario.section for scenario in readers)), sut.prepared(part)
        if record is None:
            text = f"{sut.data_folder} has no {part} (needed by {names}); `wattlab sut prepare` brings it"
            yield Reason("refuse", f"SUT {part}", text)
        elif (wanted := _most_pictures(readers)) > (least := _least_pictures(record)):
            text = f"images_per_class = {wanted}, and the smallest class of the data set there has {least:g} pictures"
            yield Reason("refuse", f"SUT {part}", f"{text}; lower it, or prepare a larger set")
        else:
            yield Reason("ok", f"SUT {part}", f"{record.get('kind')}, for {names}")


def _most_pictures(readers: Sequence[Scenario]) -> int:
    """The largest number of pictures of a class that a scenario wants; 0: whatever there is."""
    wanted = [scenario.parameters.get("images_per_class") for scenario in readers]
    return max((one for one in wanted if isinstance(one, int)), default=0)


def _least_pictures(record: Json) -> float:
    """Pictures of the smallest class of a data set; infinity where its record does not say."""
    counts = record.get("classes")
    return min(counts.values(), default=math.inf) if matches(counts, dict[str, int]) and counts else math.inf


def _begun(config: LabConfig) -> Json | None:
    """What the SUT was in the campaign's first run; None before there is one."""
    path = config.campaign_folder
    try:
        runs = CampaignFolder(path).runs() if (path / CAMPAIGN).is_file() else []
    except LabError:
        return None  # `_campaign` says what is wrong with it
    return runs[0].start.sut if runs else None
