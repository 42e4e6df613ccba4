"""Every finding fires on the campaign that deserves it and is silent on one where nothing is wrong; every code that a
rule can give stands in the catalogue, every one of the catalogue can be given, and stands in this table or in a named
test."""

import ast
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from harness.record.documents import (
    STATED_LIMITS,
    ActionEvent,
    ClockEvent,
    Event,
    NoteEvent,
    PhaseEvent,
    PowerDescriptor,
    RangeChangeEvent,
)
from reports.campaign.analyse import analyse
from reports.campaign.document import Analysis
from reports.findings.load_before import Before, of_load_before
from reports.results.finding_kinds import KINDS, kind_of
from reports.results.kinds.code import FindingCode
from tests.analysis.monitored import Fault, Monitored, Table, campaign_of
from tests.campaign_results import plain
from tests.reports.make_campaign import Floats, Load

ROOT = Path(__file__).parents[2]
RULED = ("campaign", "energy", "findings", "trackers", "readings", "inference", "comparison", "study")
"""Rooms of reports that may hold a rule."""
RUN = frozenset({2})
"""The first scenario run of the small campaign: a block stands before it."""
LARGE = Monitored(repetitions=30, baseline_blocks=12, duration_s=312)


def at(begin_s: float, end_s: float, name: str, value: float) -> Callable[[Table], None]:
    """Sets a column for some seconds."""

    def change(table: Table) -> None:
        inside = (table["t"] >= begin_s) & (table["t"] < end_s)
        table[name] = np.where(inside, value, table[name])

    return change


def empty(begin_s: float, end_s: float, flag: str) -> Callable[[Table], None]:
    """Readings without a power, and why."""

    def change(table: Table) -> None:
        inside = (table["t"] >= begin_s) & (table["t"] < end_s)
        table["power_w"] = np.where(inside, np.nan, table["power_w"])
        table["flags"] = np.where(inside, flag, table["flags"])

    return change


def keep(which: Callable[[Table], Any]) -> Callable[[Table], None]:
    """Leaves only some rows."""

    def change(table: Table) -> None:
        kept = which(table)
        for name in table:
            table[name] = table[name][kept]

    return change


def scaled(name: str, of: Callable[[Floats], Any]) -> Callable[[Table], None]:
    """Computes a column anew."""

    def change(table: Table) -> None:
        table[name] = of(table[name])

    return change


def steps_up(after_s: float, name: str, by: float) -> Callable[[Table], None]:
    """A column that is higher from some second on."""

    def change(table: Table) -> None:
        table[name] = table[name] + by * (table["t"] > after_s)

    return change


def early_load(table: Table) -> None:
    """A load of 52 W that stands 20 s before the interval begins."""
    table["power_w"] = table["power_w"] + 52.0 * ((table["t"] >= -20) & (table["t"] < 0))


def columns_of(descriptor: PowerDescriptor, **power: Any) -> PowerDescriptor:  # noqa: ANN401
    """The meter with another description of its power column."""
    first, *others = descriptor.columns
    return replace(descriptor, columns=[first | power, *others])


def stated(reading_percent: float) -> Callable[[PowerDescriptor], PowerDescriptor]:
    """The meter without a certificate's points, with limits of error that the lab states."""
    accuracy = {"reading_percent": reading_percent, "range_percent": 0.0, "counts": 0.0, "source": STATED_LIMITS}

    def change(descriptor: PowerDescriptor) -> PowerDescriptor:
        return replace(columns_of(descriptor, accuracy=accuracy), calibration={})

    return change


def uncalibrated(reading_percent: float) -> Callable[[PowerDescriptor], PowerDescriptor]:
    """The meter without a certificate's points, with these limits of error."""
    accuracy = {"reading_percent": reading_percent, "range_percent": 0.0, "counts": 0.0, "source": "data sheet"}

    def change(descriptor: PowerDescriptor) -> PowerDescriptor:
        calibration = (descriptor.calibration or {}) | {"points": []}
        return replace(columns_of(descriptor, accuracy=accuracy), calibration=calibration)

    return change


def in_config(table: str, **values: Any) -> Callable[[dict[str, Any]], None]:  # noqa: ANN401
    """The start document with other values in a table of its lab.toml."""

    def change(start: dict[str, Any]) -> None:
        start["config"][table] |= values

    return change


def in_start(key: str, **values: Any) -> Callable[[dict[str, Any]], None]:  # noqa: ANN401
    """The start document with other facts."""

    def change(start: dict[str, Any]) -> None:
        start[key] |= values

    return change


def in_summary(**values: Any) -> Callable[[dict[str, Any]], None]:  # noqa: ANN401
    """Another summary.json."""
    return lambda summary: summary.update(values)


def beside(factor: float, *, known: bool) -> Callable[[PowerDescriptor, Floats], tuple[PowerDescriptor, Floats]]:
    """A second meter on the circuit that shows a multiple."""

    def second(meter: PowerDescriptor, power_w: Floats) -> tuple[PowerDescriptor, Floats]:
        other = replace(meter, meter="second", stream="readings-second.csv", origin="imported", calibration=None)
        return (other if known else columns_of(other, accuracy=None)), factor * power_w

    return second


def by_ordinal(of: Callable[[int], float]) -> dict[str, Any]:
    """A shape's fault that adds to the power of every run what its place in the campaign says."""
    place = {"ordinal": 0}

    def start(fields: dict[str, Any]) -> None:
        place["ordinal"] = fields["ordinal"]

    def readings(table: Table) -> None:
        table["power_w"] = table["power_w"] + of(place["ordinal"])

    return {"start": start, "readings": readings}


def first_half_is_other(start: dict[str, Any]) -> None:
    """The runs of the first half are of another scenario."""
    if start["kind"] == "scenario" and start["ordinal"] <= 8:
        start["scenario"] = "other"


def of_two_boots(start: dict[str, Any]) -> None:
    """Baseline blocks of another session."""
    start["host"]["boot_id"] = start["kind"]


def slow_clock(events: list[Event]) -> list[Event]:
    """Exchanges of four seconds."""
    return [replace(e, t0_ns=e.t0_ns - 4 * 10**9) if isinstance(e, ClockEvent) else e for e in events]


def stepping_clock(events: list[Event]) -> list[Event]:
    """The SUT's wall clock is set at the end of the run."""
    clocks = [event for event in events if isinstance(event, ClockEvent)]
    late = clocks[-4:]
    return [replace(e, sut_wall_ns=e.sut_wall_ns + 10**9) if e in late else e for e in events]


def noted(code: str) -> Callable[[list[Event]], list[Event]]:
    """A note in the journal."""
    return lambda events: [*events, NoteEvent(time_ns=events[-1].time_ns, code=code, text="a note")]


def frozen(events: list[Event]) -> list[Event]:
    """What stamps the end did not run for the last three seconds."""

    def with_stretch(event: Event) -> Event:
        if not isinstance(event, PhaseEvent) or event.edge == "begin" or event.sut_ns is None:
            return event
        return replace(event, frozen_ns=[[event.sut_ns - 3 * 10**9, event.sut_ns]])

    return [with_stretch(event) for event in events]


def late(by_s: float) -> Callable[[list[Event]], list[Event]]:
    """The end of the interval reaches the host so long after it was."""

    def change(events: list[Event]) -> list[Event]:
        ends = [event for event in events if isinstance(event, PhaseEvent) and event.edge == "end"]
        return [replace(e, time_ns=e.time_ns + int(by_s * 1e9)) if e in ends else e for e in events]

    return change


def promising(start: dict[str, Any]) -> None:
    """A scenario that promises a file it does not leave."""
    start["scenario_config"]["artifacts"] = ["model.bin"]


def later_by(seconds: float, *, asleep: bool) -> Callable[[dict[str, Any]], None]:
    """The wall clock of the host, from the second run on; asleep: the boot clock too."""

    def change(start: dict[str, Any]) -> None:
        moved_s = seconds if start["ordinal"] > 1 else 0.0
        at = datetime.fromisoformat(start["utc"]) + timedelta(seconds=moved_s)
        start["utc"] = at.isoformat(timespec="milliseconds")
        start["boot_ns"] = start["time_ns"] + (int(moved_s * 1e9) if asleep else 0)

    return change


def unmarked(events: list[Event]) -> list[Event]:
    """No rating interval."""
    return [event for event in events if not isinstance(event, PhaseEvent)]


def range_changed(events: list[Event]) -> list[Event]:
    """The meter chose another range."""
    now = events[-1].time_ns
    told = {"stream": "readings-wall.csv", "column": "current_a", "auto": True, "text": "auto"}
    return [*events, RangeChangeEvent(time_ns=now, full_scale=1.0, **told)]  # type: ignore[arg-type]


def every_fifth(table: Table) -> None:
    """The meter averages five seconds."""
    keep(lambda columns: columns["t"] % 5 == 0)(table)
    table["window_s"] = np.full(table["t"].size, 5.0)


def at_flag(begin_s: float, end_s: float, flag: str) -> Callable[[Table], None]:
    """Readings that the meter says it gave before."""

    def change(table: Table) -> None:
        inside = (table["t"] >= begin_s) & (table["t"] < end_s)
        table["flags"] = np.where(inside, flag, table["flags"])

    return change


def averaged(readings: int) -> Callable[[Table], None]:
    """The meter averages over so many of its readings, and gives one as often as before."""

    def change(table: Table) -> None:
        padded = np.concatenate([np.full(readings - 1, table["power_w"][0]), table["power_w"]])
        table["power_w"] = np.convolve(padded, np.full(readings, 1 / readings), mode="valid")
        table["window_s"] = np.full(table["t"].size, float(readings))

    return change


def without_an_end(events: list[Event]) -> list[Event]:
    """The last marker of the run is lost."""
    last = [event for event in events if isinstance(event, ActionEvent)][-1]
    return [event for event in events if event is not last]


def by_wall_clock(events: list[Event]) -> list[Event]:
    """Markers stamped by the wall clock."""
    return [replace(e, sut_ns=1_800_000_000 * 10**9 + e.time_ns) if isinstance(e, ActionEvent) else e for e in events]


def expired(descriptor: PowerDescriptor) -> PowerDescriptor:
    """The meter with yesterday's certificate."""
    return replace(descriptor, calibration=(descriptor.calibration or {}) | {"expires": "2026-11-20"})


FEW = Monitored(repetitions=2, baseline_blocks=2)


def small(**fault: Any) -> Monitored:  # noqa: ANN401
    """Two blocks, two runs, one fault in the first run."""
    return replace(FEW, fault=Fault(**({"only": RUN} | fault)))


FIRES: dict[str, Monitored] = {
    "emulated": replace(FEW, origin="emulated"),
    "estimated": replace(FEW, origin="estimated"),
    "unattested": replace(FEW, origin="unattested"),
    "imported": replace(FEW, origin="imported"),
    "run-aborted": replace(FEW, broken={2: "abort"}),
    "aborted-after-rating": replace(FEW, broken={2: "abort"}),
    "frozen": small(events=frozen),
    "arrival-contradicted": small(events=late(2.5)),
    "agent-late": small(samples=keep(lambda t: (t["t"] < 20) | (t["t"] > 24))),
    "artifact-missing": small(start=promising),
    "host-slept": small(only=None, start=later_by(8 * 3600, asleep=True)),
    "host-clock-step": small(only=None, start=later_by(-8, asleep=False)),
    "run-failed": replace(FEW, broken={2: "fail"}),
    "truncated-source": small(events=noted("truncated-source")),
    "note": small(events=noted("odd")),
    "stale": small(readings=at_flag(20, 25, "stale")),
    "moving-average": small(only=None, readings=averaged(5)),
    "unpaired-action": small(events=without_an_end),
    "action-outside-record": small(events=by_wall_clock),
    "unreadable-values": small(samples=at(20, 21, "cpu_percent", np.inf)),
    "limits-loosened": small(only=None, start=in_config("thresholds", gap_single_s=60.0)),
    "no-rating": small(events=unmarked),
    "no-power": small(readings=empty(-1e3, 1e3, "nan")),
    "gap": small(readings=keep(lambda t: (t["t"] < 20) | (t["t"] > 25))),
    "duplicate": small(readings=lambda t: t["t"].__setitem__(90, t["t"][89])),
    "stuck": small(readings=at(2, 68, "power_w", 70.0), samples=at(30, 40, "cpu_percent", 80.0)),
    "negative": small(readings=at(20, 30, "power_w", -1.0)),
    "zero": small(readings=at(20, 30, "power_w", 0.0)),
    "nan": small(readings=empty(20, 21, "nan")),
    "overrange": small(readings=empty(20, 21, "overrange")),
    "auto-range": small(events=range_changed),
    "rate-drift": small(readings=scaled("t", lambda t: t * 1.05)),
    "quantisation": small(only=None, meter=lambda d: columns_of(d, resolution=50.0)),
    "action-too-short": small(only=None, readings=every_fifth, meter=lambda d: replace(d, averaging="instantaneous")),
    "too-short-to-resolve": small(readings=every_fifth),
    "meter-uncertainty": small(only=None, meter=uncalibrated(2.0)),
    "limits-unknown": small(only=None, meter=lambda d: replace(columns_of(d, accuracy=None), calibration={})),
    "limits-stated": small(only=None, meter=stated(0.001)),
    "calibration-expired": small(only=None, meter=expired),
    "check-load-due": small(only=None, start=in_config("lab", check_load_days=30)),
    "cross-check": small(second=beside(1.5, known=True)),
    "cross-check-open": small(second=beside(1.0, known=False)),
    "not-settled": small(readings=steps_up(-30, "power_w", 5.0)),
    "foreign-load": small(samples=scaled("busy_cpu_s", lambda busy: busy * 1.2)),
    "throttled": small(samples=at(10, 15, "gpu0_throttled", 1.0)),
    "oom": small(samples=steps_up(30, "oom_kills", 1.0)),
    "supply": small(readings=at(10, 11, "voltage_v", 233.0)),
    "ambient": small(room=at(10, 20, "room_temperature_c", 29.0)),
    "not-monitored": small(room=lambda t: t["room_temperature_c"].fill(np.nan)),
    "agent-missing": small(samples=keep(lambda t: t["t"] < -1000)),
    "computational-incorrect": small(summary=in_summary(restored=False)),
    "clock-bound": small(events=slow_clock),
    "clock-step": small(events=stepping_clock),
    "baseline-missing": replace(FEW, baseline_blocks=0),
    "baseline-other-session": small(only=None, start=of_two_boots),
    "baseline-drift": Monitored(baseline_blocks=8, fault=Fault(**by_ordinal(lambda n: 0.5 * n))),
    "baseline-unsteady": Monitored(fault=Fault(**by_ordinal(lambda n: 20.0 * (n % 3)))),
    "load-before-run": Monitored(baseline_blocks=2, fault=Fault(only=RUN, readings=early_load)),
    "baseline-short": replace(FEW, block_s=40),
    "baseline-outside": Monitored(baseline_blocks=1),
    "induced-negative": Monitored(loads={"cnn": Load(-8.0, 34.0, 61.0, epochs=6)}),
    "induced-indistinguishable-from-zero": Monitored(loads={"cnn": Load(0.0, 34.0, 61.0, epochs=6)}),
    "outlier": Monitored(repetitions=10, fault=Fault(only=frozenset({3}), readings=scaled("power_w", lambda p: p * 2))),
    "order-confounded": Monitored(repetitions=8, fault=Fault(start=first_half_is_other)),
    "autocorrelated": Monitored(
        repetitions=24, baseline_blocks=2, fault=Fault(**by_ordinal(lambda n: 9 * np.sin(n / 5)))
    ),
    "success-fraction": replace(FEW, broken={2: "fail"}),
    "underpowered": FEW,
    "pooled-incomparable": small(start=in_start("sut", kernel="6.9.0")),
    "no-result": Monitored(broken=dict.fromkeys((2, 4, 7), "fail")),
    "shortened-interval": FEW,
    "few-runs": FEW,
    "few-baseline-runs": FEW,
    "few-baseline-blocks": FEW,
    "fixed-epochs": small(only=None, start=lambda s: s["scenario_config"].get("parameters", {}).update(fixed_epochs=6)),
    "generated-data": small(summary=in_summary(dataset={"kind": "generated"})),
    "generated-weights": small(summary=in_summary(weights={"kind": "wattlab-pretrained"})),
    "target-not-reached": small(summary=in_summary(reached=False)),
}  # fmt: skip
"""Code -> the campaign that deserves it."""
SAID_BY_THEIR_CODE = {"no-rating", "no-power", "agent-missing", "baseline-missing"}
"""Codes without evidence: nothing is there, and that is all."""
ELSEWHERE = {
    **dict.fromkeys(
        (
            "no-tasks",
            "stimulus-h",
            "stimulus-lag",
            "stimulus-order",
            "stimulus-q",
            "stimulus-rate",
            "stimulus-s",
            "tasks-failed",
        ),
        "tests/ratings/test_stimulus.py",
    ),
    "work-contradicted": "tests/analysis/test_work_marks.py",
    "work-missing": "tests/analysis/test_work_marks.py",
    "publisher-energy": "tests/importers/test_power_csv.py",
    "publisher-window": "tests/importers/test_ptd_sessions.py",
    "publisher-duration": "tests/importers/test_mlperf_tiny.py",
    **dict.fromkeys(
        (
            "publisher-apart",
            "publisher-conversion",
            "publisher-current",
            "publisher-estimate",
            "publisher-rate",
            "publisher-samples",
            "publisher-spacing",
            "publisher-stamps",
            "publisher-twins",
        ),
        "tests/importers/test_mlperf_training.py",
    ),
    **dict.fromkeys(("estimated-qualified", "not-qualified", "outside-qualified"), "tests/analysis/test_rated.py"),
    "range-disagreement": "tests/analysis/test_range_rules.py",
    "range-implausible": "tests/analysis/test_range_rules.py",
    "broken-seal": "tests/analysis/test_results.py",
    "declared": "tests/evidence/test_network_origins.py",
    "host-on-sut": "tests/e2e/test_measure.py",
    "declared-certified": "tests/evidence/test_network_origins.py",
    "unreadable": "tests/analysis/test_results.py",
    "thrown-out": "tests/analysis/test_findings_time.py",
    "stamp-contradicted": "tests/analysis/test_sync_observer.py",
    "sync-failed": "tests/analysis/test_sync_observer.py",
    "tracker-no-number": "tests/analysis/test_trackers.py",
    "tracker-unplaced": "tests/analysis/test_trackers.py",
    "tracker-outside-record": "tests/analysis/test_trackers.py",
    "tracker-unresolved": "tests/analysis/test_trackers.py",
    "tracker-far-above": "tests/analysis/test_trackers.py",
    "tracker-clock-bound": "tests/analysis/test_trackers.py",
    "annotation": "tests/evidence/test_annotations.py",
    "excluded-by-operator": "tests/evidence/test_annotations.py",
    "run-lost": "tests/harness/test_lost_runs.py",
    "seal-unsigned": "tests/attest/test_seals.py",
    "receipt-missing": "tests/evidence/test_witnesses.py",
    "receipt-late": "tests/evidence/test_witnesses.py",
    "witness-clock": "tests/evidence/test_witnesses.py",
}
"""Codes about bytes, logs, sync pulses and trackers: where a test makes them fire."""


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return analyse(campaign_of(tmp_path_factory.mktemp("clean"), LARGE))


@pytest.mark.parametrize("code", FIRES)
def test_a_finding_fires_on_the_campaign_that_deserves_it(code: str, tmp_path: Path) -> None:
    found = analyse(campaign_of(tmp_path, FIRES[code])).numbers.findings
    assert code in {finding.code for finding in found}
    assert [finding for finding in found if finding.severity not in kind_of(finding.code).severities] == []
    assert not {"broken-seal", "unreadable"} & {finding.code for finding in found}
    assert {finding.code for finding in found if not finding.evidence} <= SAID_BY_THEIR_CODE


def test_nothing_is_found_where_nothing_is_wrong(clean: Analysis) -> None:
    assert clean.numbers.findings == ()
    assert plain(clean)["verdict"] == {"word": "valid", "reasons": [], "decision": None}


def test_a_moving_average_is_named_as_what_it_is(tmp_path: Path) -> None:
    """Readings that look back over five steps do not come too often, and nothing is missing between them."""
    codes = {finding.code for finding in analyse(campaign_of(tmp_path, FIRES["moving-average"])).numbers.findings}
    assert "moving-average" in codes
    assert not {"rate-drift", "gap", "stuck"} & codes


def test_a_meter_that_repeats_half_of_its_readings_loses_no_run(tmp_path: Path) -> None:
    """As an idle machine looks through a meter whose last digit stands still."""

    def every_second(table: Table) -> None:
        table["flags"] = np.where(np.arange(table["t"].size) % 2, "stale", table["flags"])
        table["power_w"] = np.where(np.arange(table["t"].size) % 2, np.roll(table["power_w"], 1), table["power_w"])

    found = analyse(campaign_of(tmp_path, small(only=None, readings=every_second)))
    assert all(run["included"] for run in plain(found)["runs"])
    assert "gap" not in {finding.code for finding in found.numbers.findings}
    assert all(run["gap_s"]["value"] == 0 for run in plain(found)["runs"])


def strings(node: ast.AST | None) -> set[str]:
    """The texts that an expression can be: a constant, either side of a choice, what a loop goes through."""
    match node:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.IfExp(body=one, orelse=other):
            return strings(one) | strings(other)
        case ast.Dict(keys=keys):
            return {text for key in keys for text in strings(key)}
        case ast.Tuple(elts=items) | ast.Call(args=items):
            return {text for item in items for text in strings(item)}
        case _:
            return set()


def codes_in_the_code() -> set[str]:
    """Every code that the rooms below the pages can give: what stands first in a Finding, what the variables that are
    declared to hold a code are set to, and what functions that are declared to give codes return or yield."""
    found: set[str] = set()
    for path in (path for room in RULED for path in sorted((ROOT / "reports" / room).rglob("*.py"))):
        tree = ast.parse(path.read_text())
        held = {
            node.target.id
            for node in ast.walk(tree)
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and declares(node.annotation)
        }
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Name(id="Finding"), args=[first, *_]):
                    found |= strings(first)
                case ast.AnnAssign(annotation=kind, value=value) if declares(kind):
                    found |= strings(value)
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in held:
                    found |= strings(value)
                case ast.FunctionDef(returns=kind) if declares(kind):
                    found |= given(node)
    return found


def declares(kind: ast.expr | None) -> bool:
    """Whether an annotation speaks of codes."""
    return kind is not None and "FindingCode" in ast.unparse(kind)


def given(function: ast.FunctionDef) -> set[str]:
    """What a function returns or yields: a text, what a dict has as keys, what stands first in a tuple."""
    found: set[str] = set()
    for node in ast.walk(function):
        match node:
            case ast.Yield(value=ast.Tuple(elts=[first, *_])):
                found |= strings(first)
            case ast.Return(value=ast.IfExp(body=one, orelse=other)):
                found |= strings(one) | strings(other)
            case ast.Return(value=value) | ast.Yield(value=value):
                found |= strings(value)
    return found


def test_every_code_that_a_rule_can_give_is_in_the_catalogue_and_has_a_test_that_makes_it_fire() -> None:
    codes = codes_in_the_code()
    assert sorted(codes - set(KINDS)) == []
    assert sorted(set(KINDS) - codes) == []
    assert list(get_args(FindingCode)) == sorted(KINDS)
    tested = {name: (ROOT / path).read_text() for name, path in ELSEWHERE.items()}
    assert sorted(codes - set(FIRES) - set(ELSEWHERE)) == []
    assert sorted(name for name, text in tested.items() if name not in text) == []


@pytest.mark.parametrize(
    ("before", "is_of_load"),
    [
        (Before(95.0, 40.0, 95.0, 0.5), True),  # the run's own power
        (Before(41.0, 40.0, 95.0, 0.5), False),  # a baseline that moves
        (Before(35.0, 40.0, 95.0, 0.5), False),  # below it
        (Before(40.3, 40.0, 40.4, 0.5), False),  # a run that adds nothing
    ],
)
def test_a_load_that_began_before_its_run_is_told_from_a_baseline_that_moves(before: Before, is_of_load: bool) -> None:
    assert [one.code for one in of_load_before("cnn", [before])] == ["load-before-run"] * is_of_load
