"""Records of qualification.json for tests: one software meter on idle and two loads; tests change what they are about
with `dataclasses.replace`."""

from harness.record.documents import VERSION
from reports.results.qualification import (
    Qualification,
    QualifiedCampaign,
    QualifiedLoad,
    Reference,
    ReferenceMeter,
    Validity,
)
from reports.results.software import Software
from reports.results.software_meter import (
    Lag,
    LeftOut,
    LoadKind,
    MeterOnLoad,
    OlympicSpan,
    OlympicTest,
    Refusal,
    Response,
    Sampling,
    SeenShare,
    ShareLine,
    SoftwareMeter,
    Transfer,
    TransferPoint,
    TransferRange,
)
from reports.results.uncertainty import Estimate, Number, single

LOADS: tuple[tuple[str, LoadKind, float, float, float], ...] = (
    ("idle", "idle", 0.0, 60.0, 20.0),
    ("half", "cpu", 50.0, 100.0, 56.0),
    ("full", "cpu", 100.0, 140.0, 92.0),
)
"""Scenario, kind, level, wall and software in W: wall = 37.78 + 1.111 software."""
OFFSET_W, GAIN = 340 / 9, 10 / 9


def number(value: float, unit: str, u: float, dof: float = 2.0) -> Number:
    """A Number of three repetitions."""
    return Number(Estimate(value, u, dof), unit, u * 3**0.5, 3)


def on_load(scenario: str, wall_w: float, software_w: float) -> MeterOnLoad:
    """A load that was repeated three times, with all five minutes alike."""
    spans = tuple(OlympicSpan(f"{scenario}-01", 60.0 * minute, wall_w, software_w) for minute in range(5))
    ratio = software_w / wall_w
    lines = (ShareLine("scatter", "A", 0.002, 2.0), ShareLine("wall-limits", "B", 0.003, None))
    return MeterOnLoad(
        scenario,
        number(software_w, "W", 0.1),
        OlympicTest(spans, wall_w, software_w, abs(ratio - 1) <= 0.05, number(ratio, "1", 0.004), "fails"),
        SeenShare(number(ratio, "1", 0.0036, 20.0), lines),
    )


def transfer() -> Transfer:
    """The line through the three loads, as if they were enough."""
    points = tuple(
        TransferPoint(scenario, f"{scenario}-0{run}", software_w, 0.1, wall_w, 0.2, 0.0)
        for scenario, _, _, wall_w, software_w in LOADS
        for run in (1, 2, 3)
    )
    return Transfer(
        Number(Estimate(OFFSET_W, 0.3, 7.0), "W"),
        Number(Estimate(GAIN, 0.005, 7.0), "1"),
        -0.0012,
        0.003,
        0.05,
        0.4,
        0.5,
        None,
        7.0,
        {"cpu": TransferRange((20.0, 92.0), (60.0, 140.0))},
        points,
        tuple(LeftOut("level", scenario, OFFSET_W, GAIN, 0.5) for scenario, *_ in LOADS),
    )


def meter(name: str = "agent/rapl_package_0_energy_j") -> SoftwareMeter:
    """A counter that sees a part of the wall."""
    return SoftwareMeter(
        name=name,
        says="RAPL, package 0",
        kind="counter",
        unit="J",
        range_j=262143.328850,
        loads=tuple(on_load(scenario, wall_w, software_w) for scenario, _, _, wall_w, software_w in LOADS),
        transfer=transfer(),
        lag_switched=Lag("cross-correlation", number(0.42, "s", 0.02), (0.38, 0.46), 0.998, ("half-01",)),
        lag_natural=Refusal("constant", "The power hardly changes in these records: 0.1 W."),
        boxcar=Response("boxcar", number(1.0, "s", 0.05), 0.3),
        first_order=Response("first-order", number(0.4, "s", 0.03), 0.5),
        sampling=Sampling(number(0.1, "s", 0.001), False, single(1.0, "1"), 6.1e-05, 6.1e-05, None, 1, 0.0),
    )


def example() -> Qualification:
    """A qualification of one counter on an emulated wall."""
    source = ReferenceMeter(
        "wall", "sut", {"model": "WT310"}, "emulated", "The readings are emulated.", "reference", 1.0, (), None, None,
    )  # fmt: skip
    return Qualification(
        schema=1,
        kind="qualification",
        campaign=QualifiedCampaign("qualify", "u" * 32, "c" * 64, {f"{load[0]}-01": "a" * 64 for load in LOADS}),
        computed_by=Software("wattlab", VERSION, "0" * 40, dirty=False, lock_sha256=None, python="3.11.2"),
        limit_percent=5.0,
        limit_is_declared=True,
        qualifies=False,
        not_because=("The wall was read from an emulated meter: a demonstration, not a measurement.",),
        reference=Reference("emulated", (source,), 0.3, is_better_than_limit=True),
        validity=Validity(
            machine="Example 1000",
            cpu="Example CPU @ 2 GHz",
            boards=(),
            board_firmware=(),
            firmware="1.2.3",
            driver=None,
            kernel="6.1.0",
            kinds=("idle", "cpu"),
            wall_range_w=(60.0, 140.0),
            software_range_w={meter().name: (20.0, 92.0)},
            sample_period_s=1.0,
            date="2026-11-29",
        ),
        loads=tuple(
            QualifiedLoad(scenario, kind, level, number(wall_w, "W", 0.2), tuple(f"{scenario}-0{n}" for n in (1, 2, 3)))
            for scenario, kind, level, wall_w, _ in LOADS
        ),
        meters=(meter(),),
    )
