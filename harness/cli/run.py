"""`wattlab run`: make every run of the plan that is not done yet; continues an interrupted campaign."""

import argparse
import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

from rich.console import Console

from harness.attest.signer import SealSigner
from harness.attest.witness import Messenger, channels_of
from harness.cli import report
from harness.cli.check import of_certificate, show
from harness.cli.display import Display
from harness.cli.documents import Document
from harness.cli.forecast import Forecast
from harness.cli.screen import Sheet, columns, counted, say
from harness.cli.suggesting import suggester
from harness.cli.types import add_json_argument, add_lab_argument
from harness.cli.view import add_address_arguments, beside
from harness.measure.bench import Bench
from harness.measure.campaign import Campaign
from harness.measure.campaign_lock import locked, nothing_left_unbegun
from harness.measure.embedded import Wires, open_wires
from harness.measure.journal import utc_now
from harness.measure.lab_file import LabConfig, load
from harness.measure.material import Inventory
from harness.measure.preflight import check_lab, require_ready
from harness.measure.ranging import MARGIN, Found, choices_of, find_ranges, ranging_config
from harness.measure.scenario_file import MARKERS
from harness.measure.without_meter import require_meter
from harness.record.campaign_folder import DERIVED
from harness.record.run_folder import RunFolder
from harness.record.seal import Sign
from harness.station.occupancy import taken, uses_of
from harness.station.provenance import host_facts, software_facts
from harness.station.register import load_register
from harness.station.station import APPLICATION
from harness.sut.bundle import agent_source
from harness.sut.machine import Sut
from reports.campaign.analyse import analyse
from reports.campaign.exclusion import exclusion_of
from reports.inference import planning
from reports.inference.planning import Sizes, Wanted
from reports.render import REPORT
from reports.results.document import RESULTS, results_of
from reports.results.verdict import Word

Told: TypeAlias = Callable[[Path, str | None], str | None]
"""What is said of a run that was just sealed, and thrown out for a reason or not (None); None: nothing."""
CONTINUES = "`wattlab run` continues a campaign where it stood"
UNREACHABLE = {
    "not-above-zero": "the pilot does not tell its induced energy from zero, so a relative half-width means nothing",
    "too-many": "the half-width needs more runs than two_stage.most_repetitions and most_blocks allow",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredCampaign(Document):
    """A campaign that was measured."""

    campaign_folder: str
    """Where its runs lie."""
    planned_runs: int
    """How many runs its plan has."""
    lost: tuple[str, ...]
    """Planned runs that are in no mean, and why."""
    verdict: Word
    """What the findings make of the campaign (docs/results.md); where it is `invalid`, or no run enters a mean, the
    exit code is 3."""
    numbers: str
    """Its results.json."""
    report: str
    """Its report."""


@dataclass(frozen=True, slots=True)
class Range:
    """A range of a meter that is to be fixed."""

    meter: str
    """Its name in lab.toml."""
    option: str
    """The driver's option."""
    quantity: str
    """What it limits, with its unit."""
    highest: float
    """The highest value that was read, in the unit of the quantity."""
    overrange: int
    """How many readings were above the range even so: the maximum is higher."""
    value: float | None
    """What to set; null: the meter has no range that is large enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges(Document):
    """What a ranging run found."""

    campaign_folder: str
    """Where the ranging run is kept; it is no measurement."""
    ranges: tuple[Range, ...]
    """Of each meter that has ranges; with a `value` of null the exit code is 1."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = "Measure every planned run that is not done yet. Interrupted? The same command continues."
    add_lab_argument(verb)
    verb.add_argument(
        "--ranging", action="store_true", help="each scenario once with automatic ranges; says which ranges to fix"
    )
    verb.add_argument("--view", action="store_true", help="show in a browser what is measured, in a process beside it")
    add_address_arguments(verb)
    add_json_argument(
        verb,
        "where the campaign lies and what became of it",
        MeasuredCampaign,
        {"--ranging": Ranges},
        tells_beside=True,
    )
    verb.set_defaults(call=call, interrupted=CONTINUES)


def call(arguments: argparse.Namespace) -> int:
    """Check, measure, and say how the report is made."""
    config = load(arguments.lab, arguments.campaign, arguments.sut)
    if arguments.ranging:
        arguments.answer = find_the_ranges(config)
        return 1 if any(found.value is None for found in arguments.answer.ranges) else 0
    words = ["--host", arguments.host, "--port", str(arguments.port)]
    viewed = beside(config.campaign_folder, words) if arguments.view else None
    with open_wires(config) as wires:
        campaign = measure(config, wires, viewed=viewed)
    print(f"Measured: {config.campaign_folder}")
    code = report.write(config.campaign_folder)
    show_lost(campaign)
    arguments.answer = measured_campaign(campaign)
    return code


def measured_campaign(campaign: Campaign) -> MeasuredCampaign:
    """What became of a campaign, of which the report was written."""
    folder = campaign.folder.path
    numbers, page = folder / DERIVED / RESULTS, folder / DERIVED / REPORT
    return MeasuredCampaign(
        campaign_folder=str(folder), planned_runs=len(campaign.plan), lost=tuple(campaign.in_no_mean()),
        verdict=results_of(numbers.read_bytes()).verdict.word, numbers=str(numbers), report=str(page),
    )  # fmt: skip


def show_lost(campaign: Campaign) -> None:
    """The last lines: which planned runs are in no mean, and why; nothing where all are."""
    lost = campaign.in_no_mean()
    if lost:
        print(f"{len(lost)} of {len(campaign.plan)} planned runs are in no mean:", *lost, sep="\n  ")


def measure(
    config: LabConfig, wires: Wires, told: Told | None = None, viewed: AbstractContextManager[None] | None = None
) -> Campaign:
    """Preflight, then every remaining run, with a progress display; then the second stage, where one was declared.
    `told` may have a sentence about each run that was just sealed; `viewed` is held while runs are made.

    Raises:
        LabNotReady: preflight found reasons not to start. LabError, MeterError: what ended the campaign.
    """
    with opened(config) as campaign:
        seal_cut_off(campaign)
        if not campaign.remaining() and not add_second_stage(campaign, config):
            print(f"Every run of {config.campaign_folder} is done.")
            return campaign
        check(campaign, config, wires)
        forecast = Forecast(config.scenarios, campaign.folder.runs())
        with (
            viewed or contextlib.nullcontext(),
            open_bench(config, wires, campaign.sign) as bench,
            Display(len(campaign.plan), forecast) as display,
        ):

            def judge(path: Path) -> str | None:
                thrown_out = exclusion_of(path)
                forecast.ended(RunFolder.open(path))
                if told is not None and (sentence := told(path, thrown_out)) is not None:
                    display.say(sentence)
                return thrown_out

            campaign.measure(bench, display.on_progress, judge, suggest=suggester(config))
            if add_second_stage(campaign, config):
                campaign.measure(bench, display.on_progress, judge)
    return campaign


@contextmanager
def opened(config: LabConfig) -> Iterator[Campaign]:
    """The campaign of lab.toml until the context is left, locked with its meters and its SUT, its seals signed where
    lab.toml names a key, its witnesses told. A new one that ends before its first run is begun leaves nothing.

    Raises:
        ConfigError, RunFolderError: it cannot be begun or continued.
    """
    key = config.station.seal_key
    with nothing_left_unbegun(config.campaign_folder):
        campaign = Campaign(config, software_facts(APPLICATION), None if key is None else SealSigner(key))
        uses = uses_of(config.file.sut, config.file.meters)
        with locked(campaign.folder), taken(uses, str(config.campaign_folder)), told(campaign, config):
            yield campaign


@contextmanager
def told(campaign: Campaign, config: LabConfig) -> Iterator[None]:
    """The witnesses of lab.toml are told every head until the context is left; what they did not hear is said."""
    messenger = Messenger(campaign.folder, channels_of(config.station))
    try:
        with messenger:
            yield
    finally:
        for name, problem in messenger.problems.items():
            say(
                Console(),
                f"The witness {name} has not received everything: {problem}. "
                f"`wattlab witness send` sends it later; the report says how late.",
            )


def seal_cut_off(campaign: Campaign) -> None:
    """Seal what a killed process left, and say so."""
    for sentence in campaign.seal_cut_off(exclusion_of):
        say(Console(), f"A run had been cut off; it is sealed as it was found: {sentence}")


def check(campaign: Campaign, config: LabConfig, wires: Wires) -> None:
    """Preflight, shown and written into the campaign's log.

    Raises:
        LabNotReady: there are reasons not to start.
    """
    reasons = [*check_lab(config, wires.sut, wires.openers), *of_certificate(config, wires)]
    campaign.folder.append("preflight", utc_now(), {"reasons": [asdict(reason) for reason in reasons]})
    found = [reason for reason in reasons if reason.severity != "refuse"]  # these are the error's own list
    show(found, hints=len(found) == len(reasons))
    require_ready(reasons)


@contextmanager
def open_bench(config: LabConfig, wires: Wires, sign: Sign) -> Iterator[Bench]:
    """The bench, connected to the SUT until the context is left."""
    with Sut.connect(wires.sut) as sut:
        yield Bench(
            config=config,
            sut=sut,
            sut_facts=sut.facts() | {"description": config.file.sut.description},
            host_facts=host_facts(),
            software=software_facts(APPLICATION),
            open_meters=wires.openers,
            register=load_register(config.station),
            agent_source=agent_source(),
            marker_source=MARKERS.read_bytes(),
            data_folder=sut.data_folder,
            inventory=Inventory(sut),
            sign=sign,
        )


def add_second_stage(campaign: Campaign, config: LabConfig) -> bool:
    """Size the second stage from the first, once, by the rule that the log's first plan holds; whether it adds runs."""
    if not campaign.second_stage_due:
        return False
    rule = config.file.campaign.two_stage
    wanted = Wanted(
        rule.half_width_percent / 100, rule.share_percent / 100, rule.most_repetitions, rule.most_blocks,
        keeps_pilot=True,
    )  # fmt: skip
    found = sizes_of(config.campaign_folder, wanted)
    repetitions = {scenario.name: scenario.repetitions for scenario in config.scenarios} | found.runs
    evidence = {"unreachable": dict(found.unreachable), "hours": found.hours}
    added = campaign.add_second_stage(repetitions, found.blocks, evidence)
    for name, reason in found.unreachable.items():
        say(Console(), f"The second stage adds no run of {name}: {UNREACHABLE[reason]}.")
    if added or not found.unreachable:
        say(
            Console(),
            f"The second stage adds {counted(len(added), 'run')}: by the runs of the first, so many are needed for "
            f"±{rule.half_width_percent:g} %.",
        )
    return bool(added)


def sizes_of(campaign: Path, wanted: Wanted) -> Sizes:
    """What a wanted half-width needs, from the runs of a campaign.

    Raises:
        AnalysisError: no scenario with two runs and a baseline of two blocks is there to plan from.
    """
    measured = analyse(campaign).numbers
    pilots, baseline = planning.pilots_of(measured.baseline, measured.scenarios)
    return planning.sizes(pilots, baseline, wanted)


def find_the_ranges(config: LabConfig) -> Ranges:
    """Make the ranging run, print and return what to set.

    Raises:
        ConfigError: the campaign has no meter.
    """
    require_meter(config.path, config.file, "--ranging")
    with open_wires(config) as wires:
        choices = choices_of(wires.openers)
    ranging = ranging_config(config, choices)
    with open_wires(ranging) as wires:
        measure(ranging, wires)
    found = find_ranges(ranging.campaign_folder, choices)
    Console().print(ranges_sheet(found))
    for name in dict.fromkeys(one.meter for one in found):
        mine = [one for one in found if one.meter == name]
        options = ", ".join(f"{one.choice.option} = {one.value:g}" for one in mine if one.value is not None)
        print(f"lab.toml, [meters.{name}]: options = {{ {options} }}")
        if mine[0].overrange:
            print(f"  {mine[0].overrange} readings were above the range even so: the maximum is higher, choose wider.")
    too_small = [f"{one.meter} has no {one.choice.option} for {one.highest:.4g}" for one in found if one.value is None]
    print("\n".join(too_small) or f"The ranging run is kept in {ranging.campaign_folder}; it is no measurement.")
    ranges = (
        Range(one.meter, one.choice.option, one.choice.quantity, one.highest, one.overrange, one.value) for one in found
    )
    return Ranges(campaign_folder=str(ranging.campaign_folder), ranges=tuple(ranges))


def ranges_sheet(ranges: Sequence[Found]) -> Sheet:
    """Of each range that a meter has: the highest reading, that with the margin, what to set."""
    rows = [
        (
            one.meter, one.choice.quantity, f"{one.highest:.4g}", f"{one.highest * MARGIN:.4g}",
            "-" if one.value is None else f"{one.value:g}",
        )
        for one in ranges
    ]  # fmt: skip
    numbers = ("highest", f"x {MARGIN:g}", "range to set")
    return Sheet(columns("meter", "quantity", *numbers, numbers=numbers), rows)
