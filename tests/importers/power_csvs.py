"""CSV files of power with their mappings, as text, and what an import makes of them."""

from pathlib import Path

from harness.foreign.importers.power_csv.importer import import_power_csv
from harness.foreign.importers.power_csv.mapping import NAME
from harness.record.campaign_folder import CampaignFolder
from harness.record.run_folder import RunFolder
from harness.record.verify import verify_campaign
from reports.readings.series import PowerSeries, RunSeries, read_run

TIME = '[time]\ncolumn = "time"\nformat = "iso"\nzone = "UTC"\n'
POWER = '[[power]]\ncolumn = "power"\nunit = "W"\nreads = "mean"\nwindow_s = 1.0\nstamp = "end"\nmeter = "wall"\n'
MAPPING = f"schema = 1\n{TIME}{POWER}"
EVENTS = (
    '[events]\nfile = "events.csv"\nbegin = "begin"\nend = "end"\nformat = "iso"\nzone = "UTC"\nscenario = "scenario"\n'
)


def stamp(second: float) -> str:
    """A second of the day 2026-11-21 after ten o'clock."""
    whole, part = divmod(round(second * 1000), 1000)
    minute, whole = divmod(whole, 60)
    return f"2026-11-21T10:{minute:02d}:{whole:02d}" + (f".{part:03d}" if part else "")


def rows(*values: object, step_s: float = 1.0) -> str:
    """A table of time and power, a row each step."""
    lines = [f"{stamp(n * step_s)},{value}" for n, value in enumerate(values, 1)]
    return "\n".join(["time,power", *lines]) + "\n"


def power(unit: str = "W", reads: str = "mean", **more: object) -> str:
    """A column of a mapping."""
    lines = ["[[power]]", 'column = "power"', f'unit = "{unit}"', f'reads = "{reads}"', 'meter = "wall"']
    lines += [
        f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}" for key, value in more.items()
    ]
    return "\n".join(lines) + "\n"


def mapping(column: str = POWER, time: str = TIME, head: str = "") -> str:
    """A mapping of its tables."""
    return f"schema = 1\n{head}{time}{column}"


def write(folder: Path, text: str, told: str = MAPPING, events: str = "") -> Path:
    """The files in a folder; the CSV's path."""
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "log.csv").write_text(text)
    (folder / NAME).write_text(told)
    if events:
        (folder / "events.csv").write_text(events)
    return folder / "log.csv"


def imported(folder: Path, text: str, told: str = MAPPING, events: str = "") -> list[RunFolder]:
    """The runs of the files; sealed as they should be."""
    path = write(folder / "in", text, told, events)
    import_power_csv([path], folder / "c", path.parent / NAME)
    assert [check for check in verify_campaign(folder / "c") if not check.passed] == []
    return CampaignFolder(folder / "c").runs()


def series_of(run: RunFolder) -> RunSeries:
    """A run as it is analysed."""
    return read_run(run)


def wall(run: RunFolder, meter: str = "wall") -> PowerSeries:
    """One of its meters."""
    return series_of(run).power[meter]
