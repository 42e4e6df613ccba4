"""The ranging run: every scenario once with the meters' ranges left to the meters, then the ranges to fix.

Knows what to change of a configuration for it, and how to read the highest current and voltage off the runs.
Knows no meter's ranges: they come with its description.
"""

import csv
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from harness.measure.lab_file import LabConfig
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import Json
from harness.record.errors import LabError, RunFolderError, why
from meters.meter import Meter
from meters.reading import RangeChoice

DESIGN = "ranging: each scenario once"
CHANGED = re.compile(
    r"campaign\.(name|design)|meters\.[^.]+\.options(\..*)?|scenarios\.[^.]+\.(repetitions|search)|baseline\.blocks"
)
"""Settings, as TOML paths, that a ranging campaign has otherwise than its lab.toml."""
MARGIN = 1.1
"""A fixed range is at least so many times the highest value of the ranging run (SPEC and MLPerf practice)."""


@dataclass(frozen=True, slots=True)
class Found:
    """One range to fix: meter, its choice, the highest value seen, how many readings were above the range, and the
    range to set (None: the highest is above every range the instrument has)."""

    meter: str
    choice: RangeChoice
    highest: float
    overrange: int
    value: float | None


def choices_of(open_meters: Mapping[str, Callable[[BinaryIO], Meter]]) -> dict[str, tuple[RangeChoice, ...]]:
    """What ranges each meter lets the lab choose; meters without any are left out.

    Raises:
        MeterError: a meter does not open. LabError: none of them has a range to choose.
    """
    found = {}
    for name, open_meter in open_meters.items():
        meter = open_meter(io.BytesIO())
        try:
            if choices := meter.describe().range_choices:
                found[name] = choices
        finally:
            meter.close()
    if not found:
        raise LabError(f"none of the meters ({', '.join(open_meters)}) has a range to choose; there is nothing to find")
    return found


def ranging_config(config: LabConfig, choices: Mapping[str, tuple[RangeChoice, ...]]) -> LabConfig:
    """The same lab and scenarios, each once, ranges left to the meters, in a campaign folder of its own."""
    file = config.file
    meters = {
        name: replace(section, options=section.options | {c.option: c.automatic for c in choices.get(name, ())})
        for name, section in file.meters.items()
    }
    utc = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    campaign = replace(file.campaign, name=f"{file.campaign.name}-ranging-{utc}", design=DESIGN)
    sections = {name: replace(section, repetitions=1, search=None) for name, section in file.scenarios.items()}
    return replace(
        config,
        file=replace(
            file, campaign=campaign, meters=meters, scenarios=sections, baseline=replace(file.baseline, blocks=1)
        ),
        scenarios=tuple(replace(scenario, repetitions=1, search=None) for scenario in config.scenarios),
        baseline=replace(config.baseline, repetitions=1),
    )


def is_ranging(config: Json) -> bool:
    """Whether a resolved configuration is that of a ranging campaign, which is no measurement."""
    campaign = config.get("campaign")
    return isinstance(campaign, dict) and campaign.get("design") == DESIGN


def find_ranges(campaign: Path, choices: Mapping[str, tuple[RangeChoice, ...]]) -> list[Found]:
    """The ranges to fix, from the readings of a ranging campaign.

    Raises:
        RunFolderError: a run cannot be read, or holds no value of a quantity.
    """
    runs = [run for run in CampaignFolder(campaign).runs() if run.exit_status == "success"]
    found = []
    for meter, wanted in choices.items():
        rows = [row for run in runs for row in _rows(run.path / f"readings-{meter}.csv")]
        overrange = sum("overrange" in row["flags"] for row in rows)
        for choice in wanted:
            values = [abs(float(row[choice.quantity])) for row in rows if row.get(choice.quantity)]
            if not values:
                raise RunFolderError(f"{campaign}: meter {meter} reported no {choice.quantity} in the ranging run")
            found.append(Found(meter, choice, max(values), overrange, _range_for(max(values), choice)))
    return found


def _range_for(highest: float, choice: RangeChoice) -> float | None:
    if not choice.steps:
        return MARGIN * highest
    return min((step for step in choice.steps if step >= MARGIN * highest), default=None)


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, csv.Error) as error:
        raise RunFolderError(f"{path}: cannot be read ({why(error)}); measure the ranging run again") from None
