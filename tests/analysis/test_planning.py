"""The two-stage plan: its promise by simulation, and what it refuses to promise."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.record.campaign_folder import CampaignFolder
from harness.record.errors import AnalysisError
from reports.campaign.analyse import analyse
from reports.inference.planning import (
    Pilot,
    PilotBaseline,
    Sizes,
    Wanted,
    block_weight,
    final_interval,
    pilots_of,
    sizes,
)
from tests.analysis.two_stage import HOURS, TRUE_WH, Simulated, estimated
from tests.campaign_results import complete
from tests.reports.make_campaign import Load, Shape, make_campaign

CAMPAIGNS = 120


@pytest.mark.parametrize("keeps_pilot", [True, False], ids=["two-stage", "new-campaign"])
def test_the_half_width_is_reached_as_often_as_promised_and_the_interval_covers(keeps_pilot: bool) -> None:
    lab = Simulated(sd_wh=0.1, sd_w=0.5)
    wanted = Wanted(0.08, 0.9, 150, 100, keeps_pilot)
    covered = reached = 0
    for _ in range(CAMPAIGNS):
        runs, blocks = lab.runs(10), lab.blocks(6)
        pilot, base = estimated(runs, blocks)
        found = sizes({"x": pilot}, base, wanted)
        number = found.runs["x"]
        if keeps_pilot:
            runs = np.concatenate([runs, lab.runs(number - runs.size)])
            blocks = np.concatenate([blocks, lab.blocks(found.blocks - blocks.size)])
            final = final_interval(estimated(runs, blocks)[0].energy_wh, pilot, base, number, found.blocks)
        else:
            own = estimated(lab.runs(number), lab.blocks(found.blocks))
            final = final_interval(own[0].energy_wh, *own, number, found.blocks)
        assert final.expanded is not None
        covered += abs(final.value - TRUE_WH) <= final.expanded
        reached += final.expanded <= 0.08 * abs(final.value)
    assert reached >= 0.9 * CAMPAIGNS
    assert covered >= 0.91 * CAMPAIGNS  # 95 % less two standard deviations of 120 campaigns


@given(st.integers(2, 200))
def test_the_weight_of_the_blocks_is_that_of_a_line_through_neighbours_read_evenly(blocks: int) -> None:
    read_at = np.linspace(0, blocks - 1, 4001)
    weights = np.array([np.maximum(0, 1 - np.abs(read_at - place)).mean() for place in range(blocks)])
    assert block_weight(blocks) == pytest.approx(float(weights @ weights), rel=0.01)


def test_a_noisy_baseline_asks_for_blocks_and_noisy_runs_ask_for_runs() -> None:
    wanted = Wanted(0.1, 0.9, 300, 300, keeps_pilot=True)
    base = sizes({"x": Pilot(1.0, 0.05, 10, HOURS)}, PilotBaseline(2.0, 10, HOURS), wanted)
    runs = sizes({"x": Pilot(1.0, 0.3, 10, HOURS)}, PilotBaseline(0.1, 10, HOURS), wanted)
    assert base.blocks > 2 * base.runs["x"]
    assert runs.runs["x"] > 3 * runs.blocks


@given(
    st.floats(0.01, 0.5), st.floats(0.01, 1.0), st.integers(5, 15), st.integers(3, 15), st.floats(0.03, 0.3),
    st.booleans(),
)  # fmt: skip
def test_what_is_planned_is_enough_and_one_run_less_is_not(
    sd_wh: float, sd_w: float, runs: int, blocks: int, half_width: float, keeps_pilot: bool
) -> None:
    pilot, base = Pilot(1.0, sd_wh, runs, HOURS), PilotBaseline(sd_w, blocks, HOURS)
    wanted = Wanted(half_width, 0.8, 60, 60, keeps_pilot)
    found = sizes({"x": pilot}, base, wanted)
    if "x" not in found.runs:
        assert found.unreachable["x"] in ("not-above-zero", "too-many")
        return
    if keeps_pilot:
        assert found.runs["x"] >= runs
        assert found.blocks >= blocks
        final = final_interval(1.0, pilot, base, found.runs["x"], found.blocks)
        assert final.expanded is not None
        assert final.expanded <= half_width
    tighter = sizes({"x": pilot}, base, Wanted(half_width / 2, 0.8, 60, 60, keeps_pilot))
    assert "x" not in tighter.runs or tighter.hours >= found.hours


def test_no_number_of_runs_is_promised_for_an_energy_that_cannot_be_told_from_zero() -> None:
    pilots = {"idle": Pilot(0.001, 0.1, 10, HOURS), "cnn": Pilot(1.0, 0.1, 10, HOURS)}
    found = sizes(pilots, PilotBaseline(0.1, 10, HOURS), Wanted(0.05, 0.9, 200, 200, keeps_pilot=True))
    assert found.unreachable == {"idle": "not-above-zero"}
    assert found.runs.keys() == {"cnn"}


def test_what_the_limits_forbid_is_said_and_the_others_are_planned_all_the_same() -> None:
    pilots = {"wild": Pilot(1.0, 0.5, 10, HOURS), "calm": Pilot(1.0, 0.01, 10, HOURS)}
    found = sizes(pilots, PilotBaseline(0.05, 10, HOURS), Wanted(0.02, 0.9, 50, 50, keeps_pilot=True))
    assert found.unreachable == {"wild": "too-many"}
    assert found == Sizes(found.blocks, {"calm": 10}, {"wild": "too-many"}, found.hours)


def test_a_campaign_without_two_runs_or_two_blocks_is_nothing_to_plan_from() -> None:
    with pytest.raises(AnalysisError, match="nothing to plan from"):
        pilots_of(None, {})


def test_the_results_of_a_two_stage_campaign_keep_the_spread_of_its_first_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, first = CampaignFolder.append, 9
    rule = {"half_width_percent": 50.0, "share_percent": 90.0}

    def in_two_stages(self: CampaignFolder, kind: str, utc: str, body: dict[str, Any]) -> None:
        if kind != "plan":
            return append(self, kind, utc, body)
        append(self, kind, utc, {"stage": "first", "rule": rule, "runs": body["runs"][:first]})
        sizes = {"repetitions": {"cnn": 8}, "blocks": 8}
        return append(self, kind, utc, {"stage": "second", "sizes": sizes, "runs": body["runs"][first:]})

    monkeypatch.setattr(CampaignFolder, "append", in_two_stages)
    shape = Shape(loads={"cnn": Load(30.0, 20.0)}, repetitions=8, baseline_blocks=8, duration_s=40, gpu=False)
    results = complete(analyse(make_campaign(tmp_path, shape)))
    scenario = results["scenarios"]["cnn"]
    stage = scenario["two_stage"]
    assert results["campaign"]["plan"] == 16
    assert stage["pilot_runs"] + stage["pilot_blocks"] == first
    assert (stage["planned_runs"], stage["half_width_percent"], stage["reached"]) == (8, 50.0, True)
    number = stage["induced_energy_wh"]
    assert number["value"] == scenario["induced_energy_wh"]["value"]
    powers_w = np.array([block["mean_power_w"]["value"] for block in results["baseline"]["blocks"]])
    sd_w = float(powers_w[: stage["pilot_blocks"]].std(ddof=1))
    runs_wh = [r["induced_energy_wh"]["value"] for r in results["runs"] if r["kind"] == "scenario"]
    # The pilot's own baseline is another line than that of all blocks: its spread differs a little from this one.
    sd_wh = float(np.std(runs_wh[: stage["pilot_runs"]], ddof=1))
    by_hand = np.hypot(sd_wh / np.sqrt(8), scenario["duration_s"]["value"] / 3600 * sd_w * np.sqrt(block_weight(8)))
    assert number["u"] == pytest.approx(by_hand, rel=0.15)
    assert number["dof"] <= stage["pilot_runs"] + stage["pilot_blocks"] - 2
