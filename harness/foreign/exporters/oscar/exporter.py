"""A campaign -> OSCAR files (DE-UZ 215): power, actions and hardware of each scenario, in the forms of formats.md.

Knows which runs are exported: what results.json says of the means. Knows no form of a file (files.py) and no
statistics.

Decisions
- Power in KEcoLab's form: it asks for the mean of each second only. GridVis' form also has least and greatest value of
  the second, which a meter read once a second does not give.
- Actions with unpadded month and unpadded milliseconds, hardware with BOM and CRLF, as OSCAR's own tools write them.
- Stamps are UTC (of an import: the source's wall clock), moved onto whole seconds (seconds.py).
- A meter that does not read once a second, and several meters at once, give rows of one second each by exact overlap.
- Power is what the analysis uses: a certificate's known error is off. Runs that enter no mean are left out, and named.
- An action inside another is left out (OSCAR's tools know no nesting), and named.
- Hardware in collectl's own units (hardware.py).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.foreign.exporters.oscar.files import layout_of, readme_of, scenario_files
from harness.foreign.exporters.oscar.hardware import columns_of
from harness.foreign.exporters.oscar.omissions import Omissions
from harness.foreign.exporters.oscar.runs import exported
from harness.record.campaign_folder import CampaignFolder
from harness.record.errors import ExportError
from reports.campaign.analyse import analyse
from reports.energy.oscar import RULE
from reports.readings.series import RunSeries, read_run


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and what was left out and why."""

    folder: Path
    runs: dict[str, int]
    remarks: tuple[str, ...]
    said_of_origin: str

    def __str__(self) -> str:
        """For the terminal."""
        counts = ", ".join(f"{name} {count}" for name, count in self.runs.items())
        lines = [f"Wrote {sum(self.runs.values())} runs to {self.folder}: {counts}.", f"Window rule: {RULE}."]
        lines.append(self.said_of_origin)
        return "\n".join([*lines, *(f"  {remark}" for remark in self.remarks)])


def export_oscar(campaign: Path, folder: Path) -> Exported:
    """Write `<scenario>-{power,actions,hardware}.csv`, oscar.toml and README.txt into a new folder.

    Raises:
        ExportError: the folder exists, no run enters a mean, or the runs of a scenario overlap in time.
        LabError: the campaign cannot be read.
    """
    numbers = analyse(campaign).numbers
    if folder.exists():
        raise ExportError(f"{folder}: exists already; choose another name for --into")
    omissions = Omissions()
    runs = {run.path.name: run for run in CampaignFolder(campaign).runs()}
    grouped: dict[str, list[RunSeries]] = {}
    for run in numbers.runs:
        if run.included:
            grouped.setdefault(run.scenario, []).append(read_run(runs[run.folder]))
        else:
            omissions.note(f"left out: run {run.ordinal} ({run.scenario}), {run.excluded_because}")
    if not grouped:
        raise ExportError(f"{campaign}: no run enters a mean, so there is nothing to export; see `wattlab report`")
    files: dict[str, bytes] = {}
    named = _stems(grouped)
    for name, members in grouped.items():
        columns = columns_of(name, members, omissions)
        files |= scenario_files(named[name], [exported(series, columns, omissions) for series in members], columns)
    first = next(iter(grouped.values()))[0]
    files["oscar.toml"] = layout_of(named, files, first, numbers.measurement.origin).encode()
    files["README.txt"] = readme_of(numbers.campaign, numbers.measurement.sentence, first, omissions).encode()
    _write(folder, files)
    return Exported(
        folder,
        {name: len(members) for name, members in grouped.items()},
        tuple(omissions.remarks),
        numbers.measurement.sentence,
    )


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    try:
        folder.mkdir(parents=True)
        for name, content in files.items():
            with (folder / name).open("xb") as file:
                file.write(content)
    except OSError as error:
        raise ExportError(f"{folder}: cannot write ({error.strerror}); free space or choose another folder") from None


def _stems(names: Mapping[str, object]) -> dict[str, str]:
    """Scenario -> the beginning of its files' names: plain characters only, no two alike."""
    stems: dict[str, str] = {}
    for name in names:
        stem = re.sub(r"[^A-Za-z0-9_.-]", "_", name).lstrip(".") or "scenario"
        while stem in stems.values():
            stem += "_"
        stems[name] = stem
    return stems
