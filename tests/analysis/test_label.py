"""The label's rows: Okular's by hand from its files, edition 1 by hand, and each check failing for its own reason."""

import gzip
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from harness.foreign.importers.oscar.importer import import_oscar
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import Thresholds
from reports.campaign import label
from reports.campaign.analyse import analyse
from reports.campaign.label_checks import LabelRun
from reports.readings.series import RunSeries, read_run
from reports.results.codec import encoded
from reports.results.label import Allocation
from reports.results.scenario import ScenarioResult
from tests.campaign_results import plain
from tests.reports.make_campaign import Load, Shape, make_campaign

OKULAR = Path(__file__).parents[1] / "data" / "okular"
LIMITS = Thresholds()
SCENARIOS = ("idle", "work", "full-load")
NOTHING: dict[str, Any] = dict.fromkeys(spec.name for spec in fields(ScenarioResult))
UNKNOWN = ScenarioResult(**NOTHING)
"""A scenario of which no Number is known."""


@pytest.fixture(scope="module")
def okular(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("okular") / "okular"
    import_oscar(OKULAR, folder)
    result = analyse(folder)
    return plain(result) | {"label": result.numbers.label}


def moment(text: str, form: str) -> float:
    return (datetime.strptime(text, form) - datetime(1970, 1, 1)).total_seconds()


def action_stamp(text: str) -> float:
    whole, _, millis = text.partition(".")
    return moment(whole, "%Y-%m-%d %H:%M:%S") + int(millis or 0) / 1000


@cache
def by_hand(name: str) -> list[tuple[float, dict[str, float]]]:
    """Duration and mean of collectl's own columns over (begin, end], of every test run; read with nothing of ours."""
    marks = [line.split(";")[:2] for line in (OKULAR / f"{name}-actions.csv").read_text("utf-8-sig").splitlines()]
    begins = [action_stamp(stamp) for stamp, kind in marks if kind == "startTestrun"]
    ends = [action_stamp(stamp) for stamp, kind in marks if kind == "stopTestrun"]
    lines = gzip.decompress((OKULAR / f"{name}-hardware.csv.gz").read_bytes()).decode("utf-8-sig").splitlines()
    header = lines[0].split(";")
    wanted = ("[CPU]Totl%", "[MEM]Used", "[NET]RxKBTot", "[NET]TxKBTot", "[DSK]ReadKBTot", "[DSK]WriteKBTot")
    places = [header.index(column) for column in wanted]
    rows = []
    for line in lines[1:]:
        cells = line.split(";")
        rows.append((moment(cells[0], "%d.%m.%Y %H:%M:%S"), [float(cells[place]) for place in places]))
    found = []
    for begin, end in zip(begins, ends, strict=True):
        inside = [values for at, values in rows if begin < at <= end]
        found.append(
            (end - begin, dict(zip(wanted, (fmean(column) for column in zip(*inside, strict=True)), strict=True)))
        )
    return found


def mean_of(name: str, value: Callable[[float, dict[str, float]], float]) -> float:
    return fmean(value(duration_s, columns) for duration_s, columns in by_hand(name))


def network(columns: dict[str, float]) -> float:
    return (columns["[NET]RxKBTot"] + columns["[NET]TxKBTot"]) * 1024 * 8 / 1_000_000


def row_of(rows: Any, quantity: str) -> Any:  # noqa: ANN401  rows of the label, whose Numbers may be None
    return next(row for row in rows if row.quantity == quantity)


def test_the_baseline_of_okular_is_what_its_files_say(okular: dict[str, Any]) -> None:
    rows = okular["label"].baseline
    expected = {
        "processor": mean_of("baseline", lambda _, c: c["[CPU]Totl%"]),
        "memory": mean_of("baseline", lambda _, c: c["[MEM]Used"]) * 1024 / 1_000_000,
        "network": mean_of("baseline", lambda _, c: network(c)),
        "storage-traffic": mean_of("baseline", lambda _, c: (c["[DSK]ReadKBTot"] + c["[DSK]WriteKBTot"]) * 1.024e-3),
    }
    for quantity, value in expected.items():
        assert row_of(rows, quantity).gross.value == pytest.approx(value, rel=1e-9), quantity
    assert encoded(row_of(rows, "power").gross) == okular["baseline"]["mean_power_w"]
    assert [row.letter for row in rows if not row.extension] == list("abcde")
    assert {row.asked for row in rows} == {"gross"}


def test_idle_is_what_the_product_causes_over_the_baseline(okular: dict[str, Any]) -> None:
    rows = okular["label"].idle
    for quantity, value in {
        "processor": lambda c: c["[CPU]Totl%"],
        "memory": lambda c: c["[MEM]Used"] * 1024 / 1_000_000,
        "network": network,
    }.items():
        over = mean_of("idle", lambda _, c, v=value: v(c)) - mean_of("baseline", lambda _, c, v=value: v(c))  # type: ignore[misc]
        assert row_of(rows, quantity).net.value == pytest.approx(over, rel=1e-9), quantity
    assert encoded(row_of(rows, "power").net) == okular["scenarios"]["idle"]["induced_power_w"]
    assert {row.asked for row in rows} == {"net"}


def test_usage_is_work_net_and_gross(okular: dict[str, Any]) -> None:
    rows = okular["label"].usage["scenario"]
    base = mean_of("baseline", lambda _, c: c["[CPU]Totl%"])
    processor = row_of(rows, "processor")
    assert processor.unit == "%·s"
    assert processor.gross.value == pytest.approx(mean_of("scenario", lambda s, c: s * c["[CPU]Totl%"]), rel=1e-9)
    assert processor.net.value == pytest.approx(
        mean_of("scenario", lambda s, c: s * (c["[CPU]Totl%"] - base)), rel=1e-9
    )
    volume = row_of(rows, "network")
    assert volume.unit == "Mbit/s·s"
    assert volume.gross.value == pytest.approx(mean_of("scenario", lambda s, c: s * network(c)), rel=1e-9)
    energy = row_of(rows, "energy")
    assert encoded(energy.net) == okular["scenarios"]["scenario"]["induced_energy_wh"]
    assert energy.net.value == pytest.approx(0.0752345, abs=5e-8)
    assert encoded(energy.gross) == okular["scenarios"]["scenario"]["energy_wh"]


def test_storage_in_use_is_left_empty_and_traffic_stands_beside_as_an_extension(okular: dict[str, Any]) -> None:
    rows = okular["label"].usage["scenario"]
    assert (row_of(rows, "storage").gross, row_of(rows, "storage").net) == (None, None)
    assert row_of(rows, "storage-traffic").extension
    assert [row.extension for row in rows] == sorted(row.extension for row in rows)


def test_okular_passes_what_it_shows_and_fails_the_rest_with_the_reason(okular: dict[str, Any]) -> None:
    checks = {check.code: check for check in okular["label"].checks}
    passed = {code for code, check in checks.items() if check.passed}
    assert passed == {"parts-measured", "equal-lengths", "repetitions", "one-second-data"}
    assert checks["five-minutes"].evidence["shortest_s"] == pytest.approx(216.432, abs=5e-4)
    assert checks["wait"].evidence["shortest_wait_s"]["idle"] == pytest.approx(3.124)
    assert checks["clocks-synchronised"].evidence["runs_without_exchanges"] == 52
    assert {"photo", "where-stamps-are-made"} <= set(checks["documentation"].evidence["missing"])


def test_without_full_load_there_is_no_allocation_factor(okular: dict[str, Any]) -> None:
    assert okular["label"].allocation == {"scenario": Allocation("no-full-load-scenario", ())}


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> list[RunSeries]:
    loads = {"idle": Load(1.0, 2.0), "full-load": Load(80.0, 90.0, 95.0), "work": Load(40.0, 50.0, 60.0, 3)}
    folder = make_campaign(tmp_path_factory.mktemp("label") / "c", Shape(loads=loads, repetitions=2, duration_s=20))
    return [read_run(run) for run in CampaignFolder(folder).runs()]


def parts_of(everyone: list[RunSeries], means: dict[str, dict[str, float]]) -> dict[str, list[LabelRun]]:
    parts: dict[str, list[LabelRun]] = {}
    for series in everyone:
        name = series.run.start.scenario
        parts.setdefault(name, []).append(LabelRun(series, means[name]))
    return parts


MEANS = {
    "baseline": {"cpu_percent": 1.0, "ram_not_free_kib": 2e6, "gpu0_load_percent": 0.0, "gpu1_load_percent": 2.0},
    "idle": {"cpu_percent": 3.0, "ram_not_free_kib": 2.1e6},
    "work": {"cpu_percent": 51.0, "ram_not_free_kib": 4e6, "gpu0_load_percent": 60.0, "gpu1_load_percent": 40.0,
             "gpu0_memory_used_mib": 1000.0},
    "full-load": {"cpu_percent": 101.0, "ram_not_free_kib": 8e6, "gpu0_load_percent": 100.0,
                  "gpu1_load_percent": 100.0},
}  # fmt: skip


UNITS = {
    "cpu_percent": "%", "ram_not_free_kib": "KiB", "ram_used_kib": "KiB", "ram_used_kb": "KiB",
    "gpu0_load_percent": "%", "gpu1_load_percent": "%", "gpu0_memory_used_mib": "MiB", "net_received_kb": "kB/s",
    "net_sent_kb": "kB/s", "disk_read_kib_per_s": "KiB/s", "disk_write_kib_per_s": "KiB/s",
}  # fmt: skip


def evaluated(everyone: list[RunSeries], means: dict[str, dict[str, float]] = MEANS, photos: int = 0) -> Any:  # noqa: ANN401
    parts = parts_of(everyone, means)
    scenarios = {name: UNKNOWN for name in parts if name != "baseline"}
    return label.evaluate(parts, UNITS, None, scenarios, LIMITS, everyone, photos)


def test_edition_1_is_computed_as_it_is_written(synthetic: list[RunSeries]) -> None:
    """net 50, full minus base 100: factor .5, effective 50 + .5 * 1, times the mean duration."""
    block = evaluated(synthetic).allocation["work"]
    assert block.reason is None
    row = row_of(block.rows, "processor")
    duration_s = fmean(run.duration_s for run in parts_of(synthetic, MEANS)["work"])
    values = {key: getattr(row, key).value for key in ("net", "factor", "effective", "utilisation")}
    assert values == pytest.approx({"net": 50.0, "factor": 0.5, "effective": 50.5, "utilisation": 50.5 * duration_s})
    memory = row_of(block.rows, "memory")
    assert memory.factor.value == pytest.approx((4 - 2) / (8 - 2))
    assert memory.effective.value == pytest.approx((2000 + 2000 / 3) * 1.024)


def test_every_unit_is_converted_once_and_by_its_own_factor(synthetic: list[RunSeries]) -> None:
    """1 932 820 KiB are 1979.2 MByte; 1000 kB/s both ways are 16 Mbit/s; 1000 KiB/s both ways are 2.048 MByte/s."""
    means = MEANS | {
        "baseline": {
            "ram_not_free_kib": 1_932_820.0, "ram_used_kib": 500_000.0, "ram_used_kb": 7.0, "net_received_kb": 1000.0,
            "net_sent_kb": 1000.0, "disk_read_kib_per_s": 1000.0, "disk_write_kib_per_s": 1000.0,
            "gpu0_memory_used_mib": 1000.0,
        }
    }  # fmt: skip
    rows = {row.quantity: row for row in evaluated(synthetic, means).baseline}
    assert {name: (row.gross.value, row.unit) for name, row in rows.items() if row.gross} == {
        "memory": (pytest.approx(1979.20768), "MByte"), "memory-unavailable": (pytest.approx(512.0), "MByte"),
        "network": (pytest.approx(16.0), "Mbit/s"), "storage-traffic": (pytest.approx(2.048), "MByte/s"),
        "gpu-memory": (pytest.approx(1048.576), "MByte"),
    }  # fmt: skip
    assert rows["memory"].indicators == ("ram_not_free_kib",)
    assert rows["memory-unavailable"].extension


def test_a_row_is_never_made_of_half_of_what_it_sums_nor_of_two_kinds_of_memory(synthetic: list[RunSeries]) -> None:
    half = {"net_received_kb": 1000.0, "ram_used_kb": 1_932_820.0}
    old = dict.fromkeys(MEANS, half)
    units = {name: unit for name, unit in UNITS.items() if name in half}
    parts = parts_of(synthetic, old)
    scenarios = {name: UNKNOWN for name in MEANS if name != "baseline"}
    rows = label.evaluate(parts, units, None, scenarios, LIMITS, synthetic, 0).baseline
    assert row_of(rows, "network").gross is None
    assert (row_of(rows, "memory").gross.value, row_of(rows, "memory").indicators) == (
        pytest.approx(1979.20768), ("ram_used_kb",),
    )  # fmt: skip
    mixed = MEANS | {"work": {"ram_used_kb": 4e6}}
    assert row_of(evaluated(synthetic, mixed).usage["work"], "memory").gross is None


def test_a_full_load_below_the_baseline_gives_no_factor(synthetic: list[RunSeries]) -> None:
    odd = MEANS | {"full-load": {"cpu_percent": 0.5}}
    assert [row.quantity for row in evaluated(synthetic, odd).allocation["work"].rows] == []


def test_rows_of_a_gpu_are_extensions_and_several_boards_are_averaged(synthetic: list[RunSeries]) -> None:
    rows = evaluated(synthetic).usage["work"]
    load = row_of(rows, "gpu-processor")
    duration_s = fmean(run.duration_s for run in parts_of(synthetic, MEANS)["work"])
    assert load.extension
    assert load.gross.value == pytest.approx(50.0 * duration_s)
    assert load.net.value == pytest.approx(49.0 * duration_s)
    assert row_of(rows, "gpu-memory").gross.value == pytest.approx(1048.576 * duration_s)


def test_full_load_and_idle_are_no_usage(synthetic: list[RunSeries]) -> None:
    assert list(evaluated(synthetic).usage) == ["work"]


def clean_parts(everyone: list[RunSeries]) -> Iterator[RunSeries]:
    """The same runs, five minutes apart and five minutes long, by a meter that says its serial number."""
    for place, series in enumerate(everyone):
        begin_ns = place * 400_000_000_000 + 100_000_000_000
        start = replace(series.run.start, time_ns=begin_ns - 70_000_000_000, utc=f"2026-11-21T{place:02d}:00:00Z")
        power = tuple(replace(one, identity=one.identity | {"serial": "WM-1"}) for one in series.run.power)
        run = replace(series.run, start=start, power=power)
        yield replace(series, run=run, begin_ns=begin_ns, end_ns=begin_ns + 300_000_000_000)


def test_a_measurement_as_the_label_asks_passes_every_check(synthetic: list[RunSeries]) -> None:
    everyone = list(clean_parts(synthetic))
    parts = parts_of(everyone, MEANS)
    limits = replace(LIMITS, min_scenario_runs=2, min_baseline_runs=2)
    block = label.evaluate(parts, UNITS, None, dict.fromkeys(SCENARIOS, UNKNOWN), limits, everyone, 1)
    assert {check.code: check.passed for check in block.checks} == dict.fromkeys(
        ("parts-measured", "equal-lengths", "five-minutes", "repetitions", "wait", "one-second-data",
         "clocks-synchronised", "documentation"), True,
    )  # fmt: skip


def failed(everyone: list[RunSeries], limits: Thresholds, photos: int = 1, drop: str = "") -> set[str]:
    parts = {name: part for name, part in parts_of(everyone, MEANS).items() if name != drop}
    scenarios = dict.fromkeys(SCENARIOS, UNKNOWN)
    checks = label.evaluate(parts, UNITS, None, scenarios, limits, everyone, photos).checks
    return {check.code for check in checks if not check.passed}


def test_each_check_fails_for_its_own_reason(synthetic: list[RunSeries]) -> None:
    few = replace(LIMITS, min_scenario_runs=2, min_baseline_runs=2)
    clean = list(clean_parts(synthetic))
    assert failed(clean, few, photos=0) == {"documentation"}
    assert failed(clean, LIMITS) == {"repetitions"}
    assert failed(clean, replace(few, min_interval_s=301.0)) == {"five-minutes"}
    assert failed(clean, few, drop="idle") >= {"parts-measured", "equal-lengths", "repetitions", "wait"}
    longer = [
        replace(one, end_ns=(one.end_ns or 0) + 4 * 10**9) if one.run.start.kind == "scenario" else one for one in clean
    ]
    assert failed(longer, few) == {"equal-lengths"}
    hurried = [replace(one, begin_ns=(one.begin_ns or 0) - 45 * 10**9, end_ns=(one.end_ns or 0) - 45 * 10**9)
               if place == 3 else one for place, one in enumerate(clean)]  # fmt: skip
    assert failed(hurried, few) == {"wait"}
    unsynchronised = [replace(one, clock=replace(one.clock, bound_ns=6 * 10**8)) for one in clean if one.clock]
    assert failed(unsynchronised, few) == {"clocks-synchronised"}


def test_a_run_that_entered_no_mean_shortens_the_wait_all_the_same(synthetic: list[RunSeries]) -> None:
    """The wait counts from whatever ran before, be it excluded."""
    clean = list(clean_parts(synthetic))
    few = replace(LIMITS, min_scenario_runs=1, min_baseline_runs=1)
    before = clean[2]
    late = replace(before, end_ns=(clean[3].begin_ns or 0) - 10 * 10**9)
    parts = parts_of([one for one in clean if one is not before], MEANS)
    everyone = [late if one is before else one for one in clean]
    scenarios = dict.fromkeys(SCENARIOS, UNKNOWN)
    checks = label.evaluate(parts, UNITS, None, scenarios, few, everyone, 1).checks
    assert [check.code for check in checks if not check.passed] == ["wait"]
