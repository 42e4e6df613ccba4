"""`wattlab measure -- COMMAND`: a command, measured now; leaves an ordinary campaign with a lab.toml."""

import argparse
import contextlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from harness.cli import report
from harness.cli.called import command, reads
from harness.cli.meter_choice import meters_of
from harness.cli.meter_port import add_login_arguments, options_of
from harness.cli.run import MeasuredCampaign, measure, measured_campaign, show_lost
from harness.cli.screen import counted, lasting, say
from harness.cli.types import add_json_argument, at_least, percent, seconds
from harness.measure.embedded import open_wires
from harness.measure.lab_file import LabConfig, load
from harness.measure.preflight_meters import LEAST_W, LOW
from harness.measure.quick import (
    BASELINE_S,
    PILOT,
    RUNS,
    Quick,
    folder_for,
    lab_toml,
    named_files,
    of_command,
    of_numbers,
    of_words,
    sut_by_ssh,
)
from harness.record.campaign_folder import CAMPAIGN, CampaignFolder
from harness.record.errors import ConfigError, Interrupted, LabError, LabNotReady, SutRefused, why
from harness.record.run_folder import RunFolder
from harness.station.station import APPLICATION, LOCAL, SutSection
from harness.sut.machine import Sut
from harness.sut.prepare import AGENT_NEEDS, Needs
from harness.sut.prepare import prepare as prepare_sut
from meters.registry import COUNTERS
from reports.pages.few import few_lines
from reports.results.document import Results, results_of

BEGIN_S = 3.0
"""About so long a run takes to begin."""
ESTIMATED = (
    "ESTIMATED, NOT MEASURED: these are counters of the machine itself, in which its power supply, its boards, disks "
    "and fans have no part, and which nobody held against an instrument. No result of them can be certified."
)
FOREIGN = "foreign-load"
LOADED = "\n`wattlab measure --foreign-load 100` measures beside whatever runs there, and the report says so."
NO_INSTRUMENT = ("emulated", "estimated", "unattested")
"""Origins that the first number names."""
TOO_SHORT = (
    "The command is too short for this meter, which has a new value every {:.2g} s: let it do its work several "
    "times in one run, such as -- sh -c 'for i in $(seq 100); do COMMAND; done'."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredCommand(MeasuredCampaign):
    """A command that was measured: its campaign, and of the runs that enter its means what a program wants first."""

    lab: str
    """The lab.toml that was written."""
    origin: str
    """Whose numbers they are: `measurement.origin` of results.json (docs/results.md)."""
    runs: int
    """How many runs enter the means; 0: none does."""
    duration_s: float | None
    """Mean of the runs."""
    energy_wh: float | None
    """Mean gross energy of a run."""
    induced_energy_wh: float | None
    """Mean of what the command itself took: gross less baseline."""
    U_induced_energy_wh: float | None
    """Its expanded uncertainty (95 %); null where it is not known, as of one run."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = (
        "Measure a command now, as often as a result needs, and say what it takes: no lab.toml is read. One is "
        "written, beside an ordinary campaign. Without --meter, say what is plugged in; nothing is written to a port "
        "unasked."
    )
    verb.usage = "%(prog)s [--meter DRIVER@PORT] [--sut USER@HOST] [OPTION ...] -- COMMAND ..."
    add = verb.add_argument
    ports = "shelly@http://192.168.1.20, wattsup@/dev/ttyUSB0; a PORT alone is asked who is there; software estimates"
    add("--meter", metavar="DRIVER@PORT", help=f"such as {ports}; several meters need a lab.toml")
    add("--probe", action="store_true", help="ask every port who is there, without asking you first")
    add("--option", action="append", default=[], metavar="NAME=VALUE", help="option of the meter's driver")
    add_login_arguments(verb)
    limits = "limits of error of the meter, %% of the reading, where its driver knows none (plugs)"
    add("--limits-percent", type=percent, default=0.0, metavar="P", help=limits)
    add(
        "--sut",
        metavar="USER@HOST",
        help="the machine to be measured, by SSH, or a Host of ~/.ssh/config (default: this one)",
    )
    add("--key-file", metavar="FILE", help="key of that login (default: as ssh finds one, also your ssh-agent's)")
    add("--python", default="", metavar="PATH", help="an interpreter there that has psutil")
    pilot = f"with --half-width of its pilot: {PILOT}"
    add("--runs", type=at_least(1), metavar="N", help=f"runs of the command (default: {RUNS}; {pilot})")
    as_many = f"baseline blocks (default: as many as runs, at most {RUNS}; {pilot})"
    add("--blocks", type=at_least(1), metavar="N", help=as_many)
    length = f"length of a baseline block (default: {BASELINE_S:g} s; as long as a run is best)"
    add("--baseline", type=seconds, default=BASELINE_S, metavar="S", help=length)
    stages = f"two stages: a pilot of {PILOT} runs, then as many as the induced energy ± P %% needs"
    add("--half-width", type=percent, default=0.0, metavar="P", help=stages)
    others = "what other programs may take, %% of all CPUs, before a run is thrown out (default: 10)"
    add("--foreign-load", type=percent_of_all, metavar="P", help=others)
    add("--into", type=Path, metavar="FOLDER", help="a new folder for it (default: measured/NAME-1)")
    add("command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="what is measured, with its words")
    add_json_argument(verb, "what the command takes and where the campaign lies", MeasuredCommand, tells_beside=True)
    verb.set_defaults(call=call, interrupted="nothing was measured")


def percent_of_all(text: str) -> float:
    """The type of a share of all CPUs, that may be as large as it likes."""
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1e6:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a percentage, 0 or more")
    return value


def call(arguments: argparse.Namespace) -> int:
    """Find the meter, write the lab.toml, measure, say what it takes."""
    words = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    here, console = Path.cwd(), Console()
    of_command(words)
    of_words(words, here, is_local=arguments.sut is None)
    of_numbers(arguments.runs, arguments.blocks, arguments.half_width)
    meters = meters_of(arguments, console)
    if not meters:
        if arguments.json:
            raise ConfigError("--meter: no meter is known to measure with; name it, DRIVER@PORT, or give --probe")
        return 1
    quick = _quick(arguments, words, here, meters)
    folder = (arguments.into or folder_for(words, here)).absolute()
    with _lab_in(folder, lab_toml(quick, here, f"{datetime.now(UTC):%Y-%m-%d}")) as lab:
        config = load(lab)
        reads(("--lab", str(lab)))
        _announce(console, quick, config)
        try:
            with open_wires(config) as wires:
                campaign = measure(config, wires, FirstEnergy())
        except LabNotReady as error:
            raise LabNotReady(f"{error}{LOADED if FOREIGN in str(error) else ''}") from None
        except (Interrupted, KeyboardInterrupt, LabError):
            if _say_what_is_there(console, config):
                arguments.interrupted = "what was measured until now is kept"
            raise
    files = report.compute(config.campaign_folder)
    results = results_of(files["numbers"].read_bytes())
    code = report.show(results, files)
    for sentence in (*few_lines(results, advised=True), *_of_this_machine(results)):
        say(console, sentence)
    show_lost(campaign)
    arguments.answer = _document(measured_campaign(campaign), results, lab)
    say(
        console,
        f"lab      {lab}: change it, with another campaign.name, then {command('run', '--lab', lab)} measures it",
    )
    return code


def _document(campaign: MeasuredCampaign, results: Results, lab: Path) -> MeasuredCommand:
    part = next(iter(results.scenarios.values()), None)
    numbers = (None,) * 3 if part is None else (part.duration_s, part.energy_wh, part.induced_energy_wh)
    duration, energy, induced = (None if number is None else number.value for number in numbers)
    expanded = None if numbers[2] is None else numbers[2].expanded
    return MeasuredCommand(
        **asdict(campaign), lab=str(lab), origin=results.measurement.origin,
        runs=0 if part is None else round(part.n_runs.value), duration_s=duration, energy_wh=energy,
        induced_energy_wh=induced, U_induced_energy_wh=expanded,
    )  # fmt: skip


def _quick(arguments: argparse.Namespace, words: Sequence[str], here: Path, meters: Sequence[tuple[str, str]]) -> Quick:
    runs = arguments.runs or (PILOT if arguments.half_width else RUNS)
    files = {"password_file": arguments.password_file, "privacy_password_file": arguments.privacy_password_file}
    login = {key: str(file.absolute()) for key, file in files.items() if file}
    return Quick(
        command=words,
        meters=meters,
        options=options_of(arguments.option),
        login=login | ({"user": arguments.user} if arguments.user else {}),
        limits_percent=arguments.limits_percent,
        sut=_sut(arguments, words, here, meters),
        runs=runs,
        blocks=arguments.blocks or min(runs, PILOT if arguments.half_width else RUNS),
        baseline_s=arguments.baseline,
        half_width_percent=arguments.half_width,
        foreign_load_percent=arguments.foreign_load,
    )


def _sut(
    arguments: argparse.Namespace, words: Sequence[str], here: Path, meters: Sequence[tuple[str, str]]
) -> dict[str, object]:
    """The table [sut]; a machine reached by SSH is asked for an interpreter that has what the agent needs, and gets one
    where it has none.

    Raises:
        ConfigError: what only means something on this machine. SutError: it is not reached, or cannot be prepared.
    """
    if arguments.sut is not None and any(driver in COUNTERS for driver, _ in meters):
        raise ConfigError(f"--sut {arguments.sut}: counters are those of this machine; measure that one with a meter")
    if arguments.sut is None:
        if arguments.key_file:
            raise ConfigError("--key-file: only with --sut, whose login it is for")
        return {"host": LOCAL} | ({"python": arguments.python} if arguments.python else {})
    if words[0] in named_files(words, here):
        raise ConfigError(f"{words[0]} is copied to the SUT as a plain file; name what runs it: -- bash {words[0]}")
    table = sut_by_ssh(arguments.sut, arguments.key_file, arguments.python)
    if arguments.python:
        return table
    with Sut.connect(SutSection(**table | {"python": "python3"})) as sut:  # type: ignore[arg-type]
        if _has_what_the_agent_needs(sut):
            return table | {"python": "python3"}
    with Sut.connect(SutSection(**table)) as sut:  # type: ignore[arg-type]
        python = prepare_sut(sut, Needs((), ()), lambda line: print(f"SUT      {line}"))
    return table if python == sut.own_python else table | {"python": python}


def _has_what_the_agent_needs(sut: Sut) -> bool:
    try:
        sut.require_python(sut.python)
        return not sut.lacking(AGENT_NEEDS)
    except SutRefused:
        return False


@contextmanager
def _lab_in(folder: Path, text: str) -> Iterator[Path]:
    """A new folder with a lab.toml, and a link to this program; gone again where no run was begun.

    Raises:
        ConfigError: the folder is there, or cannot be made.
    """
    lab, program = folder / "lab.toml", folder / "lab"
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
        lab.write_text(text, encoding="utf-8")
        program.symlink_to(APPLICATION / "lab")
    except FileExistsError:
        raise ConfigError(f"--into {folder}: is there already; name a new folder") from None
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be made ({why(error)}); --into FOLDER puts it elsewhere") from None
    try:
        yield lab
    except BaseException:
        if not any(folder.glob(f"runs/*/{CAMPAIGN}")):
            shutil.rmtree(folder)
            for place in made[1:]:
                with contextlib.suppress(OSError):  # others' files lie in it
                    place.rmdir()
        raise


def _announce(console: Console, quick: Quick, config: LabConfig) -> None:
    """What is about to happen, and how long it takes beside the command."""
    campaign, blocks = config.file.campaign, config.file.baseline
    each_s = campaign.stabilization_s + campaign.supplementary_s + BEGIN_S
    around = lasting((quick.runs + quick.blocks) * each_s + quick.blocks * blocks.duration_s)
    runs, blocks_made = counted(quick.runs, "run"), counted(quick.blocks, "baseline block")
    then = f", then as many as ±{quick.half_width_percent:g} % needs" if quick.half_width_percent else ""
    stage = "A pilot of" if then else "Quick:"
    times = "once" if quick.runs == 1 else f"{quick.runs} times"
    say(console, f"{stage} {runs} and {blocks_made}{then}: {around} and {times} the command.", "bold")
    machine = "this machine, which measures too" if quick.is_local else config.file.sut.address
    named = " and ".join(f"{driver}@{port}" for driver, port in quick.meters)
    where = f"with {named}, into {config.path.parent}"
    say(console, f"Measured is {machine}, {where}. Ctrl-C keeps what was measured.")
    if any(driver in COUNTERS for driver, _ in quick.meters):
        say(console, ESTIMATED, "bold red")


class FirstEnergy:
    """Says the gross energy of the first run of the command as soon as that has ended."""

    def __init__(self) -> None:
        self._is_said = False

    def __call__(self, path: Path, thrown_out: str | None) -> str | None:
        """The sentence about a sealed run, where it is the first.

        Raises:
            LabError: the command ends before the meter can see it, and so will every other run.
        """
        run = RunFolder.open(path)
        if self._is_said or run.start.kind != "scenario":
            return None
        self._is_said = True
        from reports.campaign.first_energy import gross_energy_of
        from reports.pages.numbers import quantity

        first = gross_energy_of(run)
        if thrown_out is not None and first.step_s is not None and first.duration_s < 2 * first.step_s:
            raise LabError(f"the first run ended after {first.duration_s:.2g} s. {TOO_SHORT.format(first.step_s)}")
        energy, power = quantity(first.energy_wh), quantity(first.power_w)
        by = "".join(f", {stream.origin.upper()}" for stream in run.power[:1] if stream.origin in NO_INSTRUMENT)
        found = (
            f"First run{by}: {energy} gross in {first.duration_s:.1f} s, {power}; the induced energy comes at the end."
        )
        if first.power_w is not None and abs(first.power_w.value) < LEAST_W:
            found += f" {LOW.format(first.power_w.value)}"
        return found if thrown_out is None else f"{found} This run enters no mean: {thrown_out}."


def _of_this_machine(results: Results) -> Iterator[str]:
    """What measuring cost the machine that was measured, where they are one."""
    for finding in results.findings:
        if finding.code == "host-on-sut" and finding.evidence["busy_cpus_in_runs"] is not None:
            share, above = finding.evidence["busy_cpus_in_runs"], finding.evidence["busy_cpus_above_baseline"]
            watts = finding.evidence["watts_of_a_busy_cpu"]
            more = "" if above is None else f", {100 * above:+.1f} % of it beside the baseline"
            power = "what a busy CPU takes was not measured" if watts is None else f"that is {share * watts:.2g} W"
            yield f"This machine measured itself: that took {100 * share:.1f} % of one CPU in the runs{more}; {power}."


def _say_what_is_there(console: Console, config: LabConfig) -> bool:
    """What an end before the end leaves, and whether that is anything: nothing where no run was begun."""
    path = config.campaign_folder
    if not (path / CAMPAIGN).is_file():
        return False
    ended = [run.start for run in CampaignFolder(path).runs() if run.exit_status == "success"]
    kinds = [sum(start.kind == kind for start in ended) for kind in ("scenario", "baseline")]
    say(
        console,
        f"{counted(kinds[0], 'run')} and {counted(kinds[1], 'baseline block')} are whole and kept in {path}. "
        f"{command('run', '--lab', config.path)} goes on, {command('report', path)} shows what there is.",
    )
    return True
