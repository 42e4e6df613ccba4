"""The observer effect: how much power agent and SSH link add to the SUT, by the external meter.

Knows the mean powers of blocks with and without the agent, in order of time. Knows no file.

The blocks of a condition (idle, load) stand in the order ABBA. Their means are fitted by least squares with

    P_k = P_0 + slope (t_k - tbar) + delta a_k ,     a_k = 1 with the agent, 0 without

so that a linear drift of the machine falls out; delta has 2n - 3 degrees of freedom.

In the budget. The agent runs in the baseline and in the scenario alike, so the induced energy holds
(delta_load - delta_idle) T of it, and the gross energy delta_load T. That bias is not corrected (nobody measures the
delta of every scenario's own load); it is a limit of error, rectangular: u = |bias| / sqrt(3), and its own uncertainty
beside it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reports.results.observer import Observer, ObserverCondition
from reports.results.uncertainty import Estimate, Number, Term, combine, mean_of

ROOT_3 = math.sqrt(3.0)
LEAST_BLOCKS = 2
"""With and without, each."""


@dataclass(frozen=True, slots=True)
class ObserverBlock:
    """One block: its middle (s, any origin), its mean power (W), whether the agent ran."""

    at_s: float
    mean_w: float
    agent: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """One condition: what the agent adds (W), the means with and without it."""

    added: Number
    with_agent: Number | None
    without_agent: Number | None

    def record(self) -> ObserverCondition:
        """`observer.idle`, `observer.load` of results.json."""
        return ObserverCondition(self.added, self.with_agent, self.without_agent)


@dataclass(frozen=True, slots=True)
class ObserverEffect:
    """Both conditions; None where it was not measured."""

    idle: Difference | None
    load: Difference | None

    @property
    def induced_power(self) -> Estimate | None:
        """What of it does not cancel in an induced power (W): load minus idle."""
        if self.idle is None or self.load is None:
            return None
        load, idle = self.load.added.estimate, self.idle.added.estimate
        if load.u is None or idle.u is None:
            return None
        terms = [Term(load.u, load.dof or math.inf), Term(idle.u, idle.dof or math.inf)]
        return combine(load.value - idle.value, terms)

    def record(self) -> Observer:
        """`observer` of results.json."""
        induced = self.induced_power
        return Observer(
            idle=None if self.idle is None else self.idle.record(),
            load=None if self.load is None else self.load.record(),
            induced_power_w=None if induced is None else Number(induced, "W"),
        )


def difference(blocks: Sequence[ObserverBlock]) -> Difference | None:
    """What the agent adds in one condition; None with fewer than two blocks of each."""
    on = np.array([block.agent for block in blocks], dtype=np.float64)
    if min(int(on.sum()), int(on.size - on.sum())) < LEAST_BLOCKS:
        return None
    at_s = np.array([block.at_s for block in blocks])
    mean_w = np.array([block.mean_w for block in blocks])
    scale_s = float(np.ptp(at_s)) or 1.0
    design = np.column_stack([np.ones_like(on), (at_s - at_s.mean()) / scale_s, on])
    found = np.linalg.lstsq(design, mean_w, rcond=None)[0]
    dof = mean_w.size - 3.0
    left = mean_w - design @ found
    sd_w = math.sqrt(float(left @ left) / dof)
    u_w = sd_w * math.sqrt(float(np.linalg.pinv(design.T @ design)[2, 2]))
    added = Number(Estimate(float(found[2]), u_w, dof), "W", sd_w, mean_w.size)
    return Difference(added, mean_of(mean_w[on == 1], "W"), mean_of(mean_w[on == 0], "W"))


def observer_term(effect: ObserverEffect, duration_s: float, *, induced: bool) -> Term | None:
    """The contribution to the energy (J) of an interval of `duration_s`; None where it was not measured."""
    power = effect.induced_power if induced else None if effect.load is None else effect.load.added.estimate
    if power is None or power.u is None:
        return None
    joint = combine(0.0, [Term(abs(power.value) / ROOT_3, math.inf), Term(power.u, power.dof or math.inf)])
    return Term((joint.u or 0.0) * duration_s, math.inf if joint.dof is None else joint.dof)
