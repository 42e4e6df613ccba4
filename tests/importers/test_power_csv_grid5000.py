"""The measurements of CCGrid 2023 on Grid'5000 (tests/data/grid5000, ATTRIBUTION.md): the energies that its authors
state of 152 runs against the rule that was found to give them, trackers and the BMC beside the wall meter, RAPL beside
it in the benchmark of April 2022.

The rule `since-previous`: of the rows stamped within begin and end each but the first counts for the time since the one
before it. A mean times the duration lies up to 6.6 % above it.
"""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.foreign.importers.power_csv.importer import import_power_csv
from harness.foreign.importers.power_csv.mapping import NAME
from harness.foreign.importers.source import read_source
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import WindowEvent
from harness.record.run_folder import RunFolder
from harness.record.verify import verify_campaign
from reports.campaign.analyse import analyse
from reports.energy.publisher import RULES
from reports.readings.series import PowerSeries, read_run
from reports.readings.software import software_traces
from tests.campaign_results import plain
from tests.importers.power_csvs import wall

DATA = Path(__file__).parents[1] / "data" / "grid5000"
METRICS = DATA / "g5k_metrics.csv.gz"
BMC_KWH = "bmc_node_power_watt_energy_consumption(kWh)"


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("g5k") / "c"
    summary = import_power_csv([METRICS], folder, DATA / NAME)
    assert summary.runs == {"idle": 32, "mg": 40, "lu": 40, "ep": 40}
    return folder


@pytest.fixture(scope="module")
def runs(campaign: Path) -> list[RunFolder]:
    return CampaignFolder(campaign).runs()


def window(run: RunFolder) -> WindowEvent:
    [found] = [event for event in run.events if isinstance(event, WindowEvent)]
    return found


def counted_wh(series: PowerSeries, stated: WindowEvent) -> float:
    counted = RULES["since-previous"].count(series, stated.from_ns, stated.to_ns)
    assert counted is not None
    return counted.energy_j / 3600


def test_the_stated_energies_of_all_runs_are_what_the_rule_gives(runs: list[RunFolder]) -> None:
    stated = [window(run) for run in runs]
    ratios = [counted_wh(wall(run), one) / (one.stated_wh or 0) for run, one in zip(runs, stated, strict=True)]
    assert len(ratios) == 152
    assert np.abs(np.array(ratios) - 1).max() < 1e-9


def test_a_mean_times_the_duration_is_not_what_the_authors_state(runs: list[RunFolder]) -> None:
    above = []
    for run in runs:
        one, series = window(run), wall(run)
        inside = (series.times_ns >= one.from_ns) & (series.times_ns <= one.to_ns)
        energy_wh = series.power_w[inside].mean() * (one.to_ns - one.from_ns) / 3.6e12
        above.append(energy_wh / (one.stated_wh or 0) - 1)
    assert 0.001 < min(above) < max(above) < 0.067


def test_the_stated_energies_of_the_bmc_follow_the_rule_on_stamps_cut_to_seconds(runs: list[RunFolder]) -> None:
    from harness.foreign.importers.power_csv.mapping import FileForm
    from harness.foreign.importers.power_csv.table import read_rows

    table = read_rows(read_source(DATA / "runs.csv.gz"), FileForm())
    stated_wh = {
        round(float(begin) * 1e6): float(kwh) * 1000
        for begin, kwh in zip(table.texts("gpu_0_start_benchmark"), table.texts(BMC_KWH), strict=True)
    }
    for run in runs:
        [trace] = software_traces(read_run(run)).values()
        assert trace.name == "bmc/bmc_node_power_w"
        edges = (window(run).from_ns, window(run).to_ns)
        times_s = trace.times_ns // 1_000_000_000
        inside = (times_s * 10**9 >= edges[0]) & (times_s * 10**9 <= edges[1])
        energy_wh = float(np.sum(trace.values[inside][1:] * np.diff(times_s[inside]))) / 3600
        assert energy_wh == pytest.approx(stated_wh[round(edges[0] / 1000)], rel=1e-9)


def test_the_bmc_shows_multiples_of_36_w_every_5_s(runs: list[RunFolder]) -> None:
    traces = [trace for run in runs for trace in software_traces(read_run(run)).values()]
    assert set(np.concatenate([trace.values for trace in traces]).tolist()) <= {36.0 * n for n in range(28, 34)}
    steps_s = np.concatenate([np.diff(trace.times_ns) for trace in traces]) / 1e9
    assert float(np.median(steps_s)) == pytest.approx(5, abs=0.01)


def test_twelve_runs_have_shares_of_three_trackers_with_intervals(tmp_path: Path) -> None:
    lines = read_source(DATA / "runs.csv.gz").content.decode().split("\n")
    chosen = [line for line in lines[1:] if ",ep," in line and not line.startswith("energy scope")][:12]
    (tmp_path / "runs.csv").write_text("\n".join([lines[0], *chosen]) + "\n")
    (tmp_path / NAME).write_text((DATA / NAME).read_text().replace("runs.csv.gz", "runs.csv"))
    import_power_csv([METRICS], tmp_path / "c", tmp_path / NAME)
    assert [check for check in verify_campaign(tmp_path / "c") if not check.passed] == []
    result = plain(analyse(tmp_path / "c"))
    compared = result["trackers"]["scenarios"]["ep"]
    shares = {name: (one["ratio"]["value"], one["interval"]) for name, one in compared.items()}
    assert shares["carbon_tracker"][0] == pytest.approx(0.1347, abs=0.001)
    assert shares["codecarbon"][0] == pytest.approx(0.2976, abs=0.001)
    for share, (low, high) in shares.values():
        assert low < share < high
    assert {run["publisher"]["rule"] for run in result["runs"]} == {"since-previous"}
    assert not {"publisher-energy", "publisher-window"} & {finding["code"] for finding in result["findings"]}


@pytest.mark.parametrize(
    ("nth", "begin", "end", "log", "form", "share"),
    [
        (1, "2022-04-01 23:26:07.741797", "2022-04-01 23:27:45.502171", "cpu-rapl-1.csv.gz", "powerapi", 0.16321),
        (
            2,
            "2022-04-01 23:29:52.089411",
            "2022-04-01 23:31:31.720696",
            "cpu-scaphandre-host-2.csv.gz",
            "scaphandre", 0.14107,
        ),
    ],
)  # fmt: skip
def test_rapl_and_scaphandre_stand_beside_the_wall_meter_of_the_same_benchmark(
    tmp_path: Path, nth: int, begin: str, end: str, log: str, form: str, share: float
) -> None:
    (tmp_path / "runs.csv").write_text(f"begin,end,what\n{begin},{end},ep\n")
    metrics = f"cpu-wall-and-bmc-{nth}.csv.gz"
    for name in (metrics, log):
        (tmp_path / name).write_bytes((DATA / name).read_bytes())
    (tmp_path / NAME).write_text(BESIDE.format(form=form, log=log))
    import_power_csv([tmp_path / metrics], tmp_path / "c", tmp_path / NAME)
    [run] = CampaignFolder(tmp_path / "c").runs()
    traces = software_traces(read_run(run))
    assert {name.partition("/")[0] for name in traces} == {"bmc", form}
    begin_ns, end_ns = window_ns(run)

    def mean_w(times_ns: NDArray[np.int64], values: NDArray[np.float64]) -> float:
        return float(values[(times_ns >= begin_ns) & (times_ns <= end_ns)].mean())

    seen_w = sum(mean_w(trace.times_ns, trace.values) for name, trace in traces.items() if name.startswith(form))
    assert seen_w / mean_w(wall(run).times_ns, wall(run).power_w) == pytest.approx(share, abs=1e-5)


def window_ns(run: RunFolder) -> tuple[int, int]:
    series = read_run(run)
    assert series.begin_ns is not None
    assert series.end_ns is not None
    return series.begin_ns, series.end_ns


BESIDE = """schema = 1
[time]
column = "timestamp"
format = "iso"
zone = "+02:00"
[[power]]
column = "value"
where = {{ metric_id = "wattmetre_power_watt" }}
unit = "W"
reads = "mean"
window_s = 1.0
meter = "wall"
[[power]]
column = "value"
where = {{ metric_id = "bmc_node_power_watt" }}
unit = "W"
reads = "instant"
role = "software"
meter = "bmc"
name = "node_power_w"
[events]
file = "runs.csv"
begin = "begin"
end = "end"
format = "iso"
zone = "+02:00"
scenario = "what"
[[software]]
format = "{form}"
file = "{log}"
zone = "+02:00"
"""
