"""What is exported reads back to the same numbers: Okular whole, made-up campaigns with stamps between the seconds."""

import gzip
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli import main
from harness.foreign.exporters.oscar.exporter import export_oscar
from harness.foreign.exporters.oscar.seconds import SECOND_NS, moved, whole_seconds
from harness.foreign.importers.imported import ImportedRun, write_campaign
from harness.foreign.importers.oscar.actions import read_actions
from harness.foreign.importers.oscar.collectl import COLLECTL
from harness.foreign.importers.oscar.importer import import_oscar
from harness.foreign.importers.oscar.kinds import kind_of
from harness.foreign.importers.source import SourceFile
from harness.record.documents import ActionEvent, Event, IndicatorDescriptor, PhaseEvent, PowerDescriptor
from harness.record.errors import ExportError
from reports.campaign.analyse import analyse
from tests.campaign_results import complete, plain
from tests.reports.make_campaign import Load, Shape, make_campaign

OKULAR = Path(__file__).parents[1] / "data" / "okular"
Json = dict[str, Any]
DAY_NS = 1_706_184_000 * SECOND_NS  # 2024-01-25 12:00:00 of the source's clock
NUMBERS = ("energy_wh", "induced_energy_wh", "mean_power_w", "duration_s")


def there_and_back(campaign: Path, folder: Path) -> tuple[Json, Json]:
    """results.json of a campaign, and of what is imported from its export."""
    export_oscar(campaign, folder / "oscar")
    import_oscar(folder / "oscar", folder / "back")
    return complete(analyse(campaign)), complete(analyse(folder / "back"))


@pytest.fixture(scope="module")
def okular(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Json, Json]:
    folder = tmp_path_factory.mktemp("okular")
    import_oscar(OKULAR, folder / "okular")
    return folder, *there_and_back(folder / "okular", folder)


def test_okular_comes_back_to_the_same_numbers_to_the_digit(okular: tuple[Path, Json, Json]) -> None:
    _, first, second = okular
    for name in ("scenario", "idle"):
        one, other = first["scenarios"][name], second["scenarios"][name]
        assert one["n_runs"] == other["n_runs"]
        for key in (*NUMBERS, "oscar", "hardware", "actions"):
            assert one[key] == other[key], (name, key)
    assert first["baseline"]["mean_power_w"] == second["baseline"]["mean_power_w"]
    assert first["label"]["usage"] == second["label"]["usage"]


def test_the_golden_numbers_of_the_rule_stand_in_what_came_back(okular: tuple[Path, Json, Json]) -> None:
    oscar = okular[2]["scenarios"]["scenario"]["oscar"]
    assert f"{oscar['mean_power_w']['value']:.7f}" == "12.7487393"
    assert f"{oscar['induced_energy_wh']['value']:.7f}" == "0.0754675"


def test_every_row_of_power_is_the_row_that_was_measured(okular: tuple[Path, Json, Json]) -> None:
    """Line by line against GridVis' own file: same second, same watts, at least its digits."""
    lines = gzip.decompress((OKULAR / "scenario-power.csv.gz").read_bytes()).decode().splitlines()[2:]
    measured = {line.split(";")[1]: line.split(";")[2].replace(",", ".") for line in lines}
    written = (okular[0] / "oscar" / "scenario-power.csv").read_text().splitlines()
    assert written[0] == "Zeit;Wert 1-avg[W];"
    for number, line in enumerate(written[1:], 1):
        cells = line.split(";")
        assert (cells[0], cells[2], cells[3]) == (str(number), measured[cells[1]], "")


def test_the_files_have_exactly_the_forms_that_oscar_reads(okular: tuple[Path, Json, Json]) -> None:
    folder = okular[0] / "oscar"
    kinds = {path.name: kind_of(SourceFile(path, b"", path.read_bytes().removeprefix(b"\xef\xbb\xbf")))
             for path in folder.glob("*.csv")}  # fmt: skip
    assert kinds == {
        f"{name}-{role}.csv": kind
        for name in ("baseline", "idle", "scenario")
        for role, kind in (("power", "power-kecolab"), ("actions", "actions"), ("hardware", "hardware-collectl"))
    }
    power = (folder / "idle-power.csv").read_text().splitlines()
    assert re.fullmatch(r"1;\d\d\.\d\d\.\d\d, \d\d:\d\d:\d\d;\d+\.\d{3};", power[1])
    hardware = (folder / "idle-hardware.csv").read_bytes()
    assert hardware.startswith("\ufeffDate Time;[CPU]Totl%;[MEM]Used;".encode())
    assert hardware.count(b"\r\n") == hardware.count(b"\n")
    assert re.search(rb"\n\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d;\d", hardware)
    kinds_of_line = {line.split(";")[1] for line in (folder / "baseline-actions.csv").read_text().splitlines()}
    assert kinds_of_line == {"startTestrun", "stopTestrun"}


def test_the_window_rule_is_named_where_the_files_are_and_on_the_terminal(
    okular: tuple[Path, Json, Json], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = okular[1]["scenarios"]["scenario"]["oscar"]["rule"]
    assert rule in (okular[0] / "oscar" / "README.txt").read_text()
    assert main(["export", "oscar", str(okular[0] / "okular"), "--into", str(tmp_path / "x")]) == 0
    assert rule in capsys.readouterr().out
    assert main(["export", "oscar", str(okular[0] / "okular"), "--into", str(tmp_path / "x")]) == 1
    assert "exists already" in capsys.readouterr().err


def made_up(
    folder: Path, *, step_ns: int = SECOND_NS, phase_ns: int = 0, jitter_ns: int = 0, sample_ns: int = SECOND_NS,
    length_ns: int = 20 * SECOND_NS, name: str = "app", text: str = "open",
    renamed: Mapping[str, str] = {}, method: str = "collectl",
) -> Path:  # fmt: skip
    """Three runs of each of baseline and scenario, with stamps anywhere between the seconds."""
    random = np.random.default_rng(3)
    runs = []
    for index in range(6):
        kind = "baseline" if index % 2 else "scenario"
        begin_ns = DAY_NS + index * 60 * SECOND_NS + 123_456_789
        times_ns = (
            begin_ns // SECOND_NS * SECOND_NS
            - 8 * SECOND_NS
            + phase_ns
            + step_ns * np.arange(1, 36 * SECOND_NS // step_ns)
        )
        times_ns = times_ns + random.integers(0, jitter_ns + 1, times_ns.size)
        power_w = np.round(random.normal(40 if kind == "baseline" else 60, 3, times_ns.size), 2)
        rows = "".join(
            f"{t},{p!r},{step_ns / 1e9},\n" for t, p in zip(times_ns.tolist(), power_w.tolist(), strict=True)
        )
        samples_ns = begin_ns - 8 * SECOND_NS + 777_000 + sample_ns * np.arange(1, 36 * SECOND_NS // sample_ns)
        table = random.integers(0, 90, (samples_ns.size, 6)).tolist()
        lines = "".join(f"{t},{','.join(map(str, row))}\n" for t, row in zip(samples_ns.tolist(), table, strict=True))
        names = [renamed.get(one.name, one.name) for one in COLLECTL.values()]
        runs.append(ImportedRun(
            kind="baseline" if kind == "baseline" else "scenario", scenario=name if kind == "scenario" else kind,
            repetition=index // 2 + 1, begin_ns=begin_ns, end_ns=begin_ns + length_ns,
            streams=((meter(step_ns), ("time_ns,power_w,window_s,flags\n" + rows).encode()),
                     (agent(sample_ns, renamed, method), (f"time_ns,{','.join(names)}\n" + lines).encode())),
            events=tuple(marks(begin_ns, begin_ns + length_ns, text)), files=(), note="", sut={"cpu": "made up\x7f\"]"},
        ))  # fmt: skip
    write_campaign(folder, "made-up", runs, [], None)
    return folder


def meter(step_ns: int) -> PowerDescriptor:
    columns: list[Json] = [{"name": "power_w", "unit": "W", "resolution": 0.01, "range": None, "accuracy": None}]
    return PowerDescriptor(
        stream="readings-wall.csv", meter="wall", circuit="sut-ac-inlet", identity={"model": "made up"},
        origin="imported", evidence={}, averaging="window", window_s=step_ns / 1e9, stamp="end", latency_s=0.0,
        columns=columns,
    )  # fmt: skip


def agent(sample_ns: int, renamed: Mapping[str, str], method: str) -> IndicatorDescriptor:
    columns: list[Json] = [
        {
            "name": renamed.get(one.name, one.name),
            "unit": "kB" if one.name in renamed else one.unit,
            "method": method,
            "kind": "gauge",
        }
        for one in COLLECTL.values()
    ]  # fmt: skip
    return IndicatorDescriptor(
        stream="samples-agent.csv", period_s=sample_ns / 1e9, clock="source-wall", columns=columns
    )


def marks(begin_ns: int, end_ns: int, text: str) -> list[Event]:
    inner = [
        (text, begin_ns + 2 * SECOND_NS, begin_ns + 9 * SECOND_NS),
        ("epoch", begin_ns + 3 * SECOND_NS, begin_ns + 4 * SECOND_NS),
    ]
    events: list[Event] = [PhaseEvent(time_ns=begin_ns, name="rating", edge="begin")]
    for name, from_ns, to_ns in inner:
        events.append(ActionEvent(time_ns=from_ns, name=name, index=0, edge="begin"))
        events.append(ActionEvent(time_ns=to_ns, name=name, index=0, edge="end"))
    return [*sorted(events, key=lambda event: event.time_ns), PhaseEvent(time_ns=end_ns, name="rating", edge="end")]


@pytest.mark.parametrize(
    "shape",
    [
        {"phase_ns": 370_000_123},
        {"phase_ns": 999_999_999, "jitter_ns": 30_000_000},
        {"step_ns": 1_000_300_000, "phase_ns": 499_000_000},
        {"sample_ns": 1_000_200_000, "phase_ns": 123_456_790},
    ],
)
def test_stamps_between_the_seconds_leave_the_rules_numbers_as_they_are(tmp_path: Path, shape: Json) -> None:
    """Digit by digit by OSCAR's rule, which counts rows; ours, by exact overlap, to a thousandth: stamps of 1 ms."""
    one, other = there_and_back(made_up(tmp_path / "c", **shape), tmp_path)
    assert one["scenarios"]["app"]["oscar"]["reason"] is None
    assert one["scenarios"]["app"]["oscar"] == other["scenarios"]["app"]["oscar"]
    assert one["scenarios"]["app"]["energy_wh"]["value"] == pytest.approx(
        other["scenarios"]["app"]["energy_wh"]["value"], rel=2e-3
    )


def test_a_meter_that_reads_twice_a_second_is_exported_by_exact_overlap(tmp_path: Path) -> None:
    one, other = there_and_back(made_up(tmp_path / "c", step_ns=500_000_000, phase_ns=250_000_000), tmp_path)
    first, second = one["scenarios"]["app"], other["scenarios"]["app"]
    assert second["duration_s"]["value"] == first["duration_s"]["value"] == 20.0
    assert second["energy_wh"]["value"] == pytest.approx(first["energy_wh"]["value"], rel=1e-9)
    assert second["induced_energy_wh"]["value"] == pytest.approx(first["induced_energy_wh"]["value"], rel=1e-9)


def test_samples_ten_times_a_second_become_means_of_a_second(tmp_path: Path) -> None:
    one, other = there_and_back(made_up(tmp_path / "c", sample_ns=100_000_000, phase_ns=123_456_789), tmp_path)
    first, second = (tree["scenarios"]["app"]["hardware"] for tree in (one, other))
    assert second["cpu_percent"]["mean"]["value"] == pytest.approx(first["cpu_percent"]["mean"]["value"], rel=0.03)
    name = "disk_read_kib_per_s"
    assert second[name]["mean"]["value"] == pytest.approx(first[name]["mean"]["value"], rel=0.03)


def test_a_measured_campaign_is_exported_in_utc_with_its_failed_runs_named(tmp_path: Path) -> None:
    shape = Shape(
        loads={"cnn": Load(49.0, 30.0, 60.0, 2)}, repetitions=2, baseline_blocks=2, duration_s=20, broken={2: "abort"}
    )
    folder = make_campaign(tmp_path, shape)
    exported = export_oscar(folder, tmp_path / "oscar")
    assert exported.runs == {"baseline": 2, "cnn": 1}
    assert any(remark.startswith("left out: run 2 (cnn), SIGTERM") for remark in exported.remarks)
    assert any("action epoch" in remark for remark in exported.remarks)
    first = (tmp_path / "oscar" / "baseline-actions.csv").read_text().splitlines()[0]
    assert first == "2026-11-21 08:00:04.0;startTestrun"
    import_oscar(tmp_path / "oscar", tmp_path / "back")
    one, other = complete(analyse(folder)), complete(analyse(tmp_path / "back"))
    first_oscar, second_oscar = (tree["scenarios"]["cnn"]["oscar"] for tree in (one, other))
    assert second_oscar | {"hardware": {}} == first_oscar | {"hardware": {}}
    ours, theirs = (tree["scenarios"]["cnn"]["hardware"] for tree in (one, other))
    factors = {"cpu_percent": ("cpu_percent", 1.0), "ram_not_free_kib": ("ram_not_free_kib", 1.0)} | {
        f"{what}_kb": (f"{what}_kib_per_s", 1.024) for what in ("disk_read", "disk_write", "net_received", "net_sent")
    }
    assert set(theirs) == {name for name, _ in factors.values()}
    for name, (back, factor) in factors.items():
        value = theirs[back]["mean"]["value"] * factor
        assert value == pytest.approx(ours[name]["mean"]["value"], rel=1e-12), name
    for row in ("memory", "network", "processor"):
        first_row, second_row = (
            next(r for r in tree["label"]["baseline"] if r["quantity"] == row) for tree in (one, other)
        )
        assert second_row["gross"]["value"] == pytest.approx(first_row["gross"]["value"], rel=1e-12), row
    assert other["meters"][0]["identity"]["model"] == one["meters"][0]["identity"]["model"]
    assert other["sut"]["gpus"] == one["sut"]["gpus"]


HOSTILE = "a;b\nstopTestrun\u2028\x00 \"]'<script>"


def test_hostile_names_stay_in_their_line_and_in_their_folder(tmp_path: Path) -> None:
    campaign = made_up(tmp_path / "c", name='../../a b"]\n', text=HOSTILE)
    export_oscar(campaign, tmp_path / "oscar")
    assert {path.parent for path in (tmp_path / "oscar").rglob("*")} == {tmp_path / "oscar"}
    stem = "_.._a_b___"
    path = tmp_path / "oscar" / f"{stem}-actions.csv"
    run = read_actions(SourceFile(path, b"", path.read_bytes())).runs[0]
    assert [action[0] for action in run.actions] == ["a b stopTestrun \"]'<script>"]
    import_oscar(tmp_path / "oscar", tmp_path / "back")
    assert set(plain(analyse(tmp_path / "back"))["scenarios"]) == {'../../a b"]\n'}


def test_a_campaign_of_before_is_exported_with_what_it_recorded_in_collectls_quantities(tmp_path: Path) -> None:
    """Until 2026-11 imports called collectl's KiB kB; the agent's memory was what psutil calls used."""
    old = {"ram_not_free_kib": "ram_used_kb"} | {
        f"{what}_kib_per_s": f"{what}_kb" for what in ("disk_read", "disk_write", "net_received", "net_sent")
    }
    one = there_and_back(made_up(tmp_path / "c"), tmp_path)[0]
    for method, exported in (("collectl [X]", True), ("psutil.virtual_memory().used / 1024", False)):
        folder = made_up(tmp_path / method[:4], renamed=old, method=method)
        remarks = export_oscar(folder, tmp_path / f"{method[:4]}-oscar").remarks
        assert any("not recorded as collectl counts it: [MEM]Used" in remark for remark in remarks) != exported
        import_oscar(tmp_path / f"{method[:4]}-oscar", tmp_path / f"{method[:4]}-back")
        back = complete(analyse(tmp_path / f"{method[:4]}-back"))["scenarios"]["app"]["hardware"]
        assert ("ram_not_free_kib" in back) == exported
        for name, part in back.items():
            factor = 1.0 if exported or "per_s" not in name else 1.024
            ours = one["scenarios"]["app"]["hardware"][name]["mean"]["value"]
            assert part["mean"]["value"] == pytest.approx(ours / factor, rel=1e-12), name


def test_a_campaign_without_a_good_run_is_not_exported(tmp_path: Path) -> None:
    shape = Shape(loads={}, repetitions=0, baseline_blocks=1, duration_s=20, broken={1: "fail"})
    with pytest.raises(ExportError, match="no run enters a mean"):
        export_oscar(make_campaign(tmp_path, shape), tmp_path / "oscar")
    assert not (tmp_path / "oscar").exists()


@given(
    phase=st.integers(0, SECOND_NS - 1),
    jitters=st.lists(st.integers(0, 200_000_000), min_size=3, max_size=40),
    at=st.integers(0, 40 * SECOND_NS),
)
def test_rows_come_at_or_after_a_moved_time_exactly_where_they_did(phase: int, jitters: list[int], at: int) -> None:
    rows_ns = np.array([phase + k * SECOND_NS + jitter for k, jitter in enumerate(jitters)], dtype=np.int64) + DAY_NS
    seconds_ns = whole_seconds(rows_ns)
    assert np.all(np.diff(seconds_ns) >= SECOND_NS)
    assert np.all(seconds_ns % SECOND_NS == 0)
    assert np.max(np.abs(seconds_ns - rows_ns)) < 1_300_000_000
    new = moved(DAY_NS + at, rows_ns, seconds_ns)
    assert new % 1_000_000 == 0
    np.testing.assert_array_equal(seconds_ns >= new, rows_ns >= DAY_NS + at)
