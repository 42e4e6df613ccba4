"""Every reason not to measure on a SUT, and every remark about it: one question over the wire, one list.

Knows what of the agent's survey is judged against this host (its wall clock, its disk, what other runs left there);
what the machine's own texts mean is `harness.station.conditions`. Changes nothing.
"""

from collections.abc import Iterator

from harness.record.documents import Json, Thresholds
from harness.record.errors import SutRefused
from harness.station.conditions.changes import of_changes
from harness.station.conditions.diagnosis import Diagnosis
from harness.station.conditions.machine import of_state
from harness.sut.machine import Survey, Sut

FREE_BYTES = 1 << 30
WALL_CLOCK_S = 2.0


def diagnose(
    sut: Sut, horizon_s: float, begun: Json | None = None, thresholds: Thresholds | None = None
) -> list[Diagnosis]:
    """Every reason not to measure on this SUT for `horizon_s` seconds, and every remark, in one list.

    `thresholds` judge it; None: the method's own. `begun` is what `facts` said of the SUT when the campaign began;
    None for a new one. It takes 2 s.
    """
    try:
        survey = sut.survey()
    except SutRefused as error:
        return [Diagnosis("python", "refuse", str(error))]
    try:
        return list(_remarks(sut, survey, horizon_s, begun, thresholds or Thresholds()))
    # Whatever an interpreter that is none, or lies, says in place of the agent's answer.
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError) as error:
        text = f"the agent's survey cannot be read ({type(error).__name__}: {error}); is {sut.python} a Python?"
        return [Diagnosis("python", "refuse", text)]


def _remarks(sut: Sut, survey: Survey, horizon_s: float, begun: Json | None, limits: Thresholds) -> Iterator[Diagnosis]:
    facts, state = survey.facts, survey.answer["state"]
    identity = f"{facts['hostname']}, {facts['cpu']}, {facts['os']}, Python {facts['python']}"
    yield Diagnosis("identity", "info", identity)
    yield from _of_python(facts, sut.python)
    yield from _of_software_meters(facts)
    yield from _of_disk(facts, sut.root)
    yield from _of_clock(int(state["begin_wall_ns"]) - survey.asked_ns, int(facts["sut_wall_ns"]) - survey.answered_ns)
    yield from of_state(state, horizon_s, limits)
    yield from _of_runs(survey.answer["runs"])
    if begun is not None:
        yield from of_changes(begun, facts)


def _of_python(facts: Json, python: str) -> Iterator[Diagnosis]:
    if facts["psutil"] is None:
        yield Diagnosis(
            "no-psutil",
            "refuse",
            f"{facts['psutil_problem']}; `wattlab sut prepare` makes an environment that has it; into this one "
            f"`{python} -m pip install psutil` there brings it, or, where the system manages it, "
            "`apt-get install python3-psutil`",
        )
    for gpu in facts["gpus"]:
        yield Diagnosis("gpu", "info", f"GPU {gpu['index']}: {gpu['name']}, driver {gpu['driver']}")
    if not facts["gpus"]:
        yield Diagnosis("no-gpu", "info", f"no GPU is recorded: {facts['gpu_problem']}")


def _of_software_meters(facts: Json) -> Iterator[Diagnosis]:
    """What the machine says of its own power, and is recorded beside the external meter."""
    named = ", ".join(facts["software_meters"])
    text = f"software meters that are recorded: {named}" if named else "the machine says nothing of its own power"
    yield Diagnosis("software-meters", "info", text)
    for problem in facts["software_meter_problems"]:
        yield Diagnosis("no-software-meter", "info", problem)


def _of_disk(facts: Json, root: str) -> Iterator[Diagnosis]:
    free = int(facts["disk_free_bytes"])
    if free < FREE_BYTES:
        text = f"{free / 2**20:.0f} MiB free where {root} is; at least 1 GiB is needed, free some"
        yield Diagnosis("disk-full", "refuse", text)
    else:
        yield Diagnosis("disk", "info", f"{free / 2**30:.0f} GiB free where {root} is")


def _of_clock(since_asked_ns: int, since_answered_ns: int) -> Iterator[Diagnosis]:
    """The SUT's wall clock when it began to look, less this host's when it asked; and the same of the answer."""
    off_s = (min(since_asked_ns, 0) or max(since_answered_ns, 0)) / 1e9
    if abs(off_s) > WALL_CLOCK_S:
        yield Diagnosis(
            "wall-clock",
            "warn",
            f"its wall clock is {abs(off_s):.1f} s {'behind' if off_s < 0 else 'ahead of'} this host's; "
            "durations do not depend on it, dates in its files do: is NTP on?",
        )


def _of_runs(left: Json) -> Iterator[Diagnosis]:
    for run in left["busy"]:
        yield Diagnosis(
            "busy", "refuse", f"run {run['name']} is being measured there by another wattlab; wait for its end"
        )
    for run in left["left"]:
        state = "with a live agent" if run["alive"] else "without an agent"
        yield Diagnosis(
            "left-over", "warn", f"an earlier run left its folder {run['name']} {state}; the next run removes it"
        )
