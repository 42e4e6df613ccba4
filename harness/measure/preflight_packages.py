"""Before a start: whether the Pythons of the SUT have what scenarios and trackers need.

Knows packages, environments and who needs them. Asks the SUT, changes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence

from harness.measure.lab_file import LabConfig
from harness.measure.material import needs_of
from harness.measure.reason import Reason
from harness.sut.environments import APART
from harness.sut.machine import Sut
from workloads.trackers.tracking import TRACKERS


def of_packages(config: LabConfig, sut: Sut) -> Iterator[Reason]:
    """Whether the SUT's interpreter has what scenarios and trackers need; a tracker that lacks something would say
    nothing in any run. The same of every Python environment beside it that a scenario runs in."""
    tracked = {name: TRACKERS[name].packages for scenario in config.started for name in scenario.trackers}
    of_trackers = {package for packages in tracked.values() for package in packages}
    needed = {f"tracker {name}": tracked[name] for name in sorted(tracked)}
    for scenario in config.started:
        own = tuple(package for package in scenario.packages if package not in of_trackers)
        if own and scenario.python not in APART:
            subject = f"scenario {scenario.section}"
            needed[subject] = tuple(dict.fromkeys((*needed.get(subject, ()), *own)))
    yield from _installed(needed, sut, sut.python)
    needs = needs_of(config)
    for name, packages in needs.environments.items():
        subject, python = f"Python {name}", sut.python_of(name)
        if sut.exists(python):
            yield from _installed({subject: packages}, sut, python)
        else:
            place, is_named = f"{sut.config.table}.pythons.{name}", name in sut.config.pythons
            remedy = f"correct {place}, or take it out: " if is_named else ""
            text = (
                f"{python} is not there (needed by {', '.join(needs.of[name])}); {remedy}`wattlab sut prepare` makes it"
            )
            yield Reason("refuse", subject, text)


def _installed(needed: Mapping[str, Sequence[str]], sut: Sut, python: str) -> Iterator[Reason]:
    """Whether an interpreter there has what each of these needs."""
    lacking = sut.lacking(sorted({one for packages in needed.values() for one in packages}), python) if needed else []
    for subject, packages in needed.items():
        missing = [package for package in packages if package in lacking]
        if missing:
            text = f"{python} there has no {' and no '.join(missing)}; `wattlab sut prepare` installs it"
            yield Reason("refuse", subject, text)
        else:
            yield Reason("ok", subject, "what it needs is installed on the SUT")
