"""The plan of a campaign: config + seed -> an ordered list of planned runs. Pure; knows no clock and no hardware."""

import hashlib
import random
from dataclasses import dataclass
from typing import Literal

from harness.config import LabConfig, Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """One run to be made: `ordinal` counts from 1 over the campaign, `repetition` from 1 per scenario."""

    ordinal: int
    kind: Literal["baseline", "scenario"]
    scenario: str
    repetition: int
    seed: int
    block: int | None


def repetition_seed(campaign_seed: int, repetition: int) -> int:
    """The workload's random seed (31 bits): the same list for every scenario, so that they pair (method.md 1)."""
    digest = hashlib.sha256(f"wattlab repetition seed {campaign_seed} {repetition}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def make_plan(config: LabConfig) -> list[PlannedRun]:
    """Every run of the campaign, in order.

    `shuffled`: randomised complete blocks, every repetition of all scenarios in an order drawn from the campaign
    seed. Baseline blocks are spread evenly, the first before and the last after the scenario runs.
    """
    campaign = config.file.campaign
    scenario_runs = _scenario_order(config.scenarios, campaign.seed, shuffled=campaign.order == "shuffled")
    blocks = config.baseline.repetitions
    before = [round(block * len(scenario_runs) / max(blocks - 1, 1)) for block in range(blocks)]
    plan: list[PlannedRun] = []

    def add(kind: Literal["baseline", "scenario"], scenario: str, repetition: int, block: int | None) -> None:
        plan.append(
            PlannedRun(
                ordinal=len(plan) + 1,
                kind=kind,
                scenario=scenario,
                repetition=repetition,
                seed=repetition_seed(campaign.seed, repetition),
                block=block,
            )
        )

    for position in range(len(scenario_runs) + 1):
        for block, place in enumerate(before, 1):
            if place == position:
                add("baseline", config.baseline.name, block, block)
        if position < len(scenario_runs):
            add("scenario", *scenario_runs[position], None)
    return plan


def _scenario_order(scenarios: tuple[Scenario, ...], seed: int, *, shuffled: bool) -> list[tuple[str, int]]:
    if not shuffled:
        return [(s.name, repetition) for s in scenarios for repetition in range(1, s.repetitions + 1)]
    order: list[tuple[str, int]] = []
    dice = random.Random(seed)
    for repetition in range(1, max(s.repetitions for s in scenarios) + 1):
        names = [s.name for s in scenarios if s.repetitions >= repetition]
        dice.shuffle(names)
        order += [(name, repetition) for name in names]
    return order
