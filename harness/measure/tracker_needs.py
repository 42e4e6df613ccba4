"""What trackers need beside a program, how often they poll, and what they leave behind.

Knows: the files of trackers, and that a program may have one of the same name. Knows no scenario.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.station.station import APPLICATION
from workloads.trackers.tracking import TRACKERS

FILES = APPLICATION / "workloads" / "trackers"


def tracker_files(names: Sequence[str], files: Sequence[Path], *, inside: bool) -> tuple[list[Path], list[str]]:
    """The files that have to come beside those of a program, and what cannot be: another file of the same name.

    `inside`: the program runs its trackers itself; else around.py does.
    """
    modules = ["tracking", *([] if inside else ["around"])]
    modules += [module for name in names for module in (TRACKERS[name].module, *TRACKERS[name].helpers)]
    shipped = {path.resolve().name: path.resolve() for path in (FILES / f"{name}.py" for name in modules)}
    own = [path.resolve() for path in files]
    clashes = [
        f"{path.name} is the name of a file of the trackers; give it another name"
        for path in own
        if shipped.setdefault(path.name, path) != path
    ]
    return [path for path in shipped.values() if path not in own], clashes


def tracker_artifacts(names: Sequence[str]) -> list[str]:
    """The files that trackers leave behind."""
    traces = [TRACKERS[name].trace for name in names if TRACKERS[name].trace]
    return traces + [file for name in names for file in (f"tracker-{name}.json", TRACKERS[name].raw)]


def tracker_packages(names: Sequence[str]) -> list[str]:
    """The distributions that trackers need on the SUT."""
    return [package for name in names for package in TRACKERS[name].packages]


def tracker_periods(names: Sequence[str], given: Mapping[str, float]) -> dict[str, float]:
    """Seconds between two polls of each tracker, as given or as its own default is."""
    return {name: float(given.get(name, TRACKERS[name].period_s)) for name in names}
