"""Sync pulses and the observer effect, from run folders to results.json."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import Event, PhaseEvent, PowerDescriptor
from harness.record.entries import RunEnd, of
from reports.campaign.analyse import analyse
from reports.energy.observer import ObserverBlock, ObserverEffect, difference, observer_term
from reports.results.rules import Rule, as_before
from reports.results.uncertainty import t_quantile
from tests.campaign_results import complete
from tests.reports import make_campaign as made
from tests.reports.make_campaign import EPOCH, SECOND_NS, Floats, Load, Shape, SyntheticRun, make_campaign, stamp

SMALL = Shape(loads={"cnn": Load(30.0, 20.0)}, repetitions=2, baseline_blocks=3, duration_s=40, gpu=False)
Stamp = Literal["end", "start", "unknown"]
DELAY_S = 0.37
"""How late the synthetic meter stamps."""


class Late(SyntheticRun):
    """A meter of a given stamp convention that stamps DELAY_S after the end of its window."""

    stamp: Stamp = "unknown"

    def _meter(self) -> PowerDescriptor:
        return replace(super()._meter(), stamp=self.stamp)


class PulseRun(Late):
    """A load of 60 W, switched twelve times. `visible`: by how much of it the meter sees."""

    visible = 1.0

    def _edges_s(self) -> list[float]:
        steps = np.random.default_rng(4).uniform(2.3, 4.1, 11)
        return [8.0, *(8.0 + np.cumsum(steps)).tolist()]

    def _readings(self) -> bytes:
        fine = np.arange(0, float(self._count) + 1, 0.001)
        on = np.searchsorted(self._edges_s(), fine) % 2
        energy_j = np.concatenate([[0.0], np.cumsum(41.0 + 60.0 * self.visible * on)]) * 0.001
        ends_s = np.arange(2.0, self._count - 1, 1.0)
        power_w = np.interp(ends_s, np.append(fine, fine[-1] + 0.001), energy_j)
        power_w = power_w - np.interp(ends_s - 1.0, fine, energy_j[:-1]) + self._random.normal(0, 0.2, ends_s.size)
        times = self._base_ns + ((ends_s + DELAY_S) * SECOND_NS).astype(np.int64)
        rows = [f"{t},{p:.2f},1.0," for t, p in zip(times.tolist(), power_w.tolist(), strict=True)]
        return "\n".join(["time_ns,power_w,window_s,flags", *rows, ""]).encode()

    def _actions(self, load: Load) -> Iterator[Any]:
        offset_s = (self._base_ns - self._start_ns) / SECOND_NS
        edges_s = [edge + offset_s for edge in self._edges_s()]
        for index, (on_s, off_s) in enumerate(zip(edges_s[::2], edges_s[1::2], strict=True)):
            yield from self._action("full_load", index, on_s, off_s)


def add_runs(folder: Path, runs: list[SyntheticRun]) -> None:
    """Append runs to a finished campaign."""
    campaign = CampaignFolder(folder)
    header = campaign.entries()[0].raw
    previous = of(RunEnd, campaign.entries())[-1].manifest
    for run in runs:
        ordinal = int(run.plain["ordinal"])
        name = f"{run.begin:%Y%m%dT%H%M%SZ}-r{ordinal:02d}-{ordinal:08x}"
        campaign.append("run-begin", stamp(run.begin), {"ordinal": ordinal, "folder": name, "attempt": 1})
        previous = run.write(folder / name, previous, header["config"], header["software"])
        end = {"ordinal": ordinal, "folder": name, "exit_status": "success", "reason": None, "manifest": previous}
        campaign.append("run-end", stamp(run.begin + timedelta(seconds=run.duration_s)), end)


def pulsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, convention: Stamp, visible: float = 1.0) -> dict[str, Any]:
    """The results of a small campaign whose session has a sync pulse."""
    monkeypatch.setattr(Late, "stamp", convention)
    monkeypatch.setattr(PulseRun, "visible", visible)
    monkeypatch.setattr(made, "SyntheticRun", Late)
    folder = make_campaign(tmp_path, SMALL)
    plain = {"ordinal": 0, "kind": "sync", "scenario": "sync", "repetition": 1, "seed": 4, "block": None}
    add_runs(folder, [PulseRun(SMALL, plain, Load(60.0, 100.0), EPOCH + timedelta(hours=1))])
    results: dict[str, Any] = json.loads(json.dumps(complete(analyse(folder))))
    return results


def codes(results: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in results["findings"]]


def test_an_unknown_stamp_convention_is_replaced_by_what_the_pulse_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = pulsed(tmp_path, monkeypatch, "unknown")
    (pulse,) = results["clock"]["pulses"]
    assert pulse["edges"] == 12
    assert pulse["offset_s"]["value"] == pytest.approx(DELAY_S, abs=pulse["offset_s"]["U"] + 0.005)
    assert pulse["window_s"]["value"] == pytest.approx(1.0, abs=0.05)
    assert results["clock"]["used"]["wall"]["value"] == pytest.approx(pulse["offset_s"]["value"])
    alternatives = results["scenarios"]["cnn"]["alternatives"]
    assert "stamps-mark-window-start" not in [alternative["name"] for alternative in alternatives]
    lines = [line["source"] for line in results["scenarios"]["cnn"]["budget"]["gross"]["lines"]]
    assert "stamp-convention" not in lines
    assert "clock" in lines
    assert {"stamp-contradicted", "sync-failed"}.isdisjoint(codes(results))


def test_the_place_of_the_windows_moves_the_energy_as_the_found_delay_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_pulse = pulsed(tmp_path / "a", monkeypatch, "unknown")
    stated = pulsed(tmp_path / "b", monkeypatch, "end")
    energies = [results["runs"][1]["energy_wh"]["value"] for results in (with_pulse, stated)]
    assert energies[0] != energies[1]
    assert energies[0] == pytest.approx(energies[1], rel=0.02)


def test_a_pulse_that_contradicts_a_known_convention_is_a_finding_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = pulsed(tmp_path, monkeypatch, "end")
    assert "stamp-contradicted" in codes(results)
    assert results["clock"]["used"] == {}
    assert results["clock"]["pulses"][0]["contradicted"] is True


def test_a_pulse_that_cannot_be_seen_says_so_and_the_convention_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = pulsed(tmp_path, monkeypatch, "unknown", visible=0.0)
    assert "sync-failed" in codes(results)
    assert results["clock"]["pulses"][0]["offset_s"] is None
    assert results["scenarios"]["cnn"]["alternatives"][0]["name"] == "stamps-mark-window-start"


def test_a_sync_run_is_listed_and_enters_no_mean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = pulsed(tmp_path, monkeypatch, "end")
    (listed,) = [run for run in results["runs"] if run["kind"] == "sync"]
    assert listed["included"] is False
    assert "sync pulse" in listed["excluded_because"]
    assert results["baseline"]["n_blocks"]["value"] == 3
    assert list(results["scenarios"]) == ["cnn"]


# --- the observer effect -------------------------------------------------------------------------------------------

ABBA = (True, False, False, True)


def simulated(dice: np.random.Generator, added_w: float, drift_w: float, blocks: int) -> list[ObserverBlock]:
    def power_w(place: int) -> float:
        return 40.0 + drift_w * place + added_w * ABBA[place % 4] + float(dice.normal(0, 0.05))

    return [ObserverBlock(60.0 * k, power_w(k), ABBA[k % 4]) for k in range(2 * blocks)]


def test_the_difference_covers_the_truth_as_often_as_it_says_whatever_the_machine_drifts() -> None:
    dice = np.random.default_rng(11)
    covered = 0
    for _ in range(600):
        found = difference(simulated(dice, 0.3, 0.2, 6))
        assert found is not None
        estimate = found.added.estimate
        assert estimate.dof == 9
        covered += abs(estimate.value - 0.3) <= t_quantile(estimate.dof) * (estimate.u or 0.0)
    assert 0.93 * 600 <= covered <= 0.97 * 600


def test_one_block_of_a_kind_is_no_difference() -> None:
    blocks = simulated(np.random.default_rng(1), 0.3, 0.0, 2)
    assert difference(blocks[:3]) is None
    assert difference(blocks) is not None


def test_what_is_equal_in_idle_and_under_load_leaves_only_its_own_uncertainty() -> None:
    dice = np.random.default_rng(5)
    idle, load = (difference(simulated(dice, 2.0, 0.0, 8)) for _ in range(2))
    effect = ObserverEffect(idle, load)
    gross, net = (observer_term(effect, 100.0, induced=induced) for induced in (False, True))
    assert gross is not None
    assert net is not None
    assert gross.u == pytest.approx(100 * 2.0 / np.sqrt(3), rel=0.05)
    assert net.u < 10
    assert observer_term(ObserverEffect(None, load), 100.0, induced=True) is None


class BlockRun(Late):
    """A block of the observer effect; the agent adds 1.5 W in idle and 0.5 W under load."""

    def _scenario_config(self) -> dict[str, Any]:
        return {"name": self.plain["scenario"], "parameters": self.plain_parameters()}

    def plain_parameters(self) -> dict[str, Any]:
        _, load, agent, _ = str(self.plain["scenario"]).split("-")
        return {"load": load, "agent": agent == "with"}

    def _envelope(self, level: float, lag_s: float) -> Floats:
        told = self.plain_parameters()
        added_w = (0.5 if told["load"] == "load" else 1.5) * told["agent"]
        return np.full(self._count, added_w + (30.0 if told["load"] == "load" else 0.0))

    def _events(self) -> Iterator[Event]:
        for edge, at_ns in (("begin", self._start_ns), ("end", self._stop_ns)):
            yield PhaseEvent(time_ns=at_ns, name="rating", edge=edge)  # type: ignore[arg-type]


def test_blocks_of_the_observer_effect_become_a_line_of_the_budget(tmp_path: Path) -> None:
    folder = make_campaign(tmp_path, SMALL)
    before = complete(analyse(folder))
    runs: list[SyntheticRun] = []
    for load in ("idle", "load"):
        for place in range(8):
            agent = "with" if ABBA[place % 4] else "without"
            plain = {"ordinal": 10 + len(runs), "kind": "observer", "scenario": f"observer-{load}-{agent}-agent",
                     "repetition": 1 + place // 2, "seed": 1, "block": 1 + place // 2}  # fmt: skip
            begin = EPOCH + timedelta(hours=1, seconds=100 * len(runs))
            runs.append(BlockRun(SMALL, plain, None, begin))
    add_runs(folder, runs)
    results = complete(analyse(folder))
    for load, added_w in (("idle", 1.5), ("load", 0.5)):
        found = results["observer"][load]["difference_w"]
        assert found["value"] == pytest.approx(added_w, abs=0.2)  # four standard deviations of such blocks
        assert found["dof"] == 5
    lines = {line["source"]: line for line in results["scenarios"]["cnn"]["budget"]["induced"]["lines"]}
    assert lines["observer"]["u"] > 0.9 * 1.0 / np.sqrt(3) * 40 / 3600
    assert before["observer"] is None
    assert "observer" not in {line["source"] for line in before["scenarios"]["cnn"]["budget"]["induced"]["lines"]}
    assert results["scenarios"]["cnn"]["induced_energy_wh"]["value"] == pytest.approx(
        before["scenarios"]["cnn"]["induced_energy_wh"]["value"]
    )
    _holds_in_single_runs(folder, results)


def _holds_in_single_runs(folder: Path, now: dict[str, Any]) -> None:
    """Degrees of freedom of the effect count in U of a run as they do in a mean: Welch, Satterthwaite (GUM G.4.1)."""
    with as_before({Rule.OBSERVER_OF_RUNS}):
        then = complete(analyse(folder))
    assert then["scenarios"]["cnn"]["induced_energy_wh"] == now["scenarios"]["cnn"]["induced_energy_wh"]
    added = now["observer"]["induced_power_w"]
    pairs = list(zip(now["runs"], then["runs"], strict=True))
    measured = [(one, other["induced_energy_wh"]) for one, other in pairs if one["scenario"] == "cnn"]
    assert measured
    for run, before in measured:
        found = run["induced_energy_wh"]
        own = (added["u"] * run["duration_s"]["value"] / 3600 / found["u"]) ** 4 / added["dof"]
        assert found["u"] == before["u"]
        assert 1 / found["dof"] == pytest.approx(1 / before["dof"] + own, rel=1e-9)
        assert found["U"] > before["U"]
