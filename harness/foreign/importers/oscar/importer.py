"""OSCAR measurements (DE-UZ 215): power, actions and hardware files of each scenario -> one run folder per test run.

Knows folders of one measurement and of many. Knows no layout of a folder (layout.py), no form of a file, no run folder
(imported.py) and no energy. docs/importing.md is the page on it.
"""

from pathlib import Path

from harness.foreign.importers.grouping import Grouping, placed
from harness.foreign.importers.imported import (
    MARGIN_S,
    METHODS_OWN,
    ZONE_NOTE,
    ImportedRun,
    OnProgress,
    Summary,
    write_campaign,
)
from harness.foreign.importers.oscar.layout import Layout, find_layout, has_files
from harness.foreign.importers.oscar.measurement import read_scenario
from harness.foreign.importers.oscar.runs import runs_of
from harness.record.documents import Thresholds


def import_oscar(
    folder: Path,
    campaign: Path,
    *,
    grouping: Grouping | None = None,
    on_progress: OnProgress | None = None,
    thresholds: Thresholds = METHODS_OWN,
) -> Summary:
    """Import every scenario of `folder` into a new campaign; with a grouping also those of folders below.

    Raises:
        ImportFileError: a file is missing, damaged, of another kind, or does not cover a run; with file and line.
        RunFolderError: the campaign exists already.
    """
    grouping = grouping or Grouping()
    layouts = [find_layout(folder)] if grouping.how is None else _layouts_below(folder)
    runs: list[ImportedRun] = []
    units: list[Path] = []
    remarks = [f"{MARGIN_S} s of readings are kept on either side of every run", ZONE_NOTE]
    for layout in layouts:
        for name, files in layout.scenarios.items():
            measurement = read_scenario(files, layout)
            of_scenario = runs_of(name, measurement, layout)
            runs += of_scenario
            units += [layout.folder / name] * len(of_scenario)
            remarks += map(str, measurement.remarks)
    runs, left_out = placed(runs, units, grouping)
    return write_campaign(campaign, "oscar", runs, [*dict.fromkeys(remarks), *left_out], on_progress, thresholds)


def _layouts_below(folder: Path) -> list[Layout]:
    """What is in a folder and in those below it."""
    below = [path for path in sorted(folder.rglob("*")) if path.is_dir() and has_files(path)]
    own = [folder] if has_files(folder) or not below else []
    return [find_layout(path) for path in (*own, *below)]
