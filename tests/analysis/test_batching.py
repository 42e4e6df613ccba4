"""Yarally's chapter 4 as a study: the shipped study file on generated runs, beside plain arithmetic."""

import tomllib
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from reports.results.served import UNITS
from reports.results.study import StudyResult
from reports.study.columns import RUN_UNITS
from reports.study.table import PLAIN
from tests.analysis.studies import STUDIES, study_of

SHIPPED = STUDIES / "yarally-batching.toml"
NETWORKS = ("alexnet", "densenet121", "shufflenet_v2", "vit_b_16", "convnext_base")
RATES, POLICIES = (16, 32, 64, 128), ("greedy", "16", "32", "64", "128")
TOP1 = (56.522, 74.434, 60.552, 81.072, 84.062)
GROWTH = (1.0, 1.4, 1.02, 1.9, 2.31)
"""Energy beside AlexNet's; the last is the thesis' 131 % more."""
IMAGES = 8192


def energy_j(network: int, rate: int, policy: str) -> float:
    """Of an image."""
    return GROWTH[network] * (3.0 + 40.0 / rate) * (1.2 if policy == "greedy" else 1.0)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    """The shipped file, on the table of a campaign."""
    units = dict(RUN_UNITS) | {f"served.{name}": unit for name, unit in UNITS.items()}
    numbers = ("energy_wh", "induced_energy_wh", "served.largest_latency_s", "served.mean_latency_s",
               "served.mean_batch", "served.largest_power_w")  # fmt: skip
    own = ("factor.network", "factor.rate", "factor.batching", "served.images", "final.published_top1_percent")
    lines: list[tuple[object, ...]] = [(*PLAIN, *own, *numbers)]
    for number, ((at, network), rate, policy) in enumerate(product(enumerate(NETWORKS), RATES, POLICIES)):
        wh = energy_j(at, rate, policy) * IMAGES / 3600
        wait_s, size = (0.02, 1.0) if policy == "greedy" else (int(policy) / rate, float(policy))
        peak_w = 65.0 if policy == "greedy" else 65.0 + 0.4 * int(policy)
        plain = ("batching", f"run-{number}", number, f"rate-{rate}", 1, 1, "2026-11-30T00:00:00Z", "")
        lines.append((*plain, network, rate, policy, IMAGES, TOP1[at], wh, wh / 2, wait_s, wait_s / 2, size, peak_w))
    table = "\n".join(",".join(map(str, line)) for line in lines) + "\n"
    return study_of(tmp_path_factory.mktemp("batching"), SHIPPED.read_text(), table, units)


def test_every_part_of_the_chapter_is_there(study: StudyResult) -> None:
    assert (study.rows.used, len(study.pareto)) == (100, 10)
    low = next(part for part in study.pareto if part.name == "alexnet-low")
    assert len(low.points) == 15


def test_the_timeline_says_what_the_thesis_says_of_its_networks(study: StudyResult) -> None:
    timeline = next(part for part in study.increases if part.name == "timeline")
    assert [level.percent for level in timeline.levels] == [
        None, *(pytest.approx(100 * (growth - 1)) for growth in GROWTH[1:])
    ]  # fmt: skip
    top1 = next(beside for beside in timeline.beside if beside.response == "top1")
    assert top1.percents[1:] == tuple(pytest.approx(100 * (own / TOP1[0] - 1)) for own in TOP1[1:])
    assert [bars.label for bars in timeline.bars] == ["16/s", "32/s", "64/s", "128/s"]
    for bars, rate in zip(timeline.bars, RATES, strict=True):
        means = [np.mean([energy_j(at, rate, policy) for policy in POLICIES]) for at in range(len(NETWORKS))]
        assert bars.means == tuple(pytest.approx(mean) for mean in means)
    peak = next(part for part in study.increases if part.name == "peak-vit-b-16")
    assert peak.levels[1].percent == pytest.approx(100 * (0.4 * 128) / 65)


def test_its_campaign_is_the_published_one() -> None:
    campaign = tomllib.loads((Path("workloads") / "campaigns" / "batching.toml").read_text())
    scenarios = campaign["scenarios"].values()
    assert sum(len(one["factors"]["network"]) * len(one["factors"]["batching"]) for one in scenarios) == 100
    for one in scenarios:
        population = tomllib.loads(Path(one["population"]).read_text())
        load = population["load"]
        assert (load["shape"], load["rate_per_s"], load["requests"]) == ("constant", one["factors"]["rate"], 2**13)
    parameters = tomllib.loads(Path("workloads/serving/scenario.toml").read_text())["parameters"]
    assert (parameters["warm_up_batches"], parameters["warm_up_size"], parameters["greedy_most"]) == (256, 32, 128)
