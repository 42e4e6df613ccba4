"""What a qualification will not be able to say, as far as its campaign file shows that before anything is measured.

Knows the table [qualification] and what its results need (docs/qualify.md). Knows no machine and no meter; refuses
nothing, for a certificate that says less is one too.
"""

from collections.abc import Iterator, Mapping

from harness.measure.reason import Reason
from harness.measure.scenario import Scenario
from harness.record.qualification import LoadKind, Qualification

SUBJECT = "qualification"
SPANS, SPAN_S = 5, 60.0
"""Of the Olympic-mean test: disjoint minutes of each load, each within one run."""
LEVELS, REPETITIONS = 5, 3
"""Of a kind of load, for its transfer function."""
OF_A_TRANSFER: tuple[LoadKind, ...] = ("cpu", "memory", "gpu")


def of_qualification(
    declared: Qualification | None, scenarios: Mapping[str, Scenario], *, shuffled: bool, lengths: tuple[str, ...]
) -> Iterator[Reason]:
    """Remarks about the loads; of a campaign that is no qualification none. `scenarios`: those that are measured, by
    name; `lengths`: the parameters that say how long a run lasts."""
    if declared is None:
        return
    for name in declared.loads:
        own = scenarios[name].parameters
        length_s = max((float(own[key]) for key in lengths if key in own), default=None)
        minutes = SPANS if length_s is None else int(length_s // SPAN_S) * scenarios[name].repetitions
        if minutes < SPANS:
            whole = "1 whole minute" if minutes == 1 else f"{minutes} whole minutes"
            text = f"the runs of {name} have {whole} of the {SPANS} that its Olympic-mean test needs"
            yield Reason("warn", SUBJECT, f"{text}: there will be none; let them last longer")
    yield from _of_transfer(declared, scenarios, shuffled=shuffled)


def _of_transfer(declared: Qualification, scenarios: Mapping[str, Scenario], *, shuffled: bool) -> Iterator[Reason]:
    """What the transfer function of each kind lacks."""
    for kind in OF_A_TRANSFER:
        loads = {name: load for name, load in declared.loads.items() if load.kind == kind}
        levels = len({load.level for load in loads.values()})
        few = [name for name in loads if scenarios[name].repetitions < REPETITIONS]
        lacks = [f"{levels} of the {LEVELS} levels are there"] if levels < LEVELS else []
        lacks += [f"{', '.join(few)} is not repeated {REPETITIONS} times"] if few else []
        lacks += ['campaign.order is not "shuffled"'] if not shuffled else []
        if loads and lacks:
            text = f"no transfer function of kind {kind}, so nothing can be corrected by it: {'; '.join(lacks)}"
            yield Reason("warn", SUBJECT, text)
