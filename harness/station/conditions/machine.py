"""Every remark about the state of a machine, in one list.

Knows the texts that `harness.sut.agent.survey` brings (procfs, sysfs, a few commands that only look), and which module
reads which. Knows no wire and no campaign.
"""

from collections.abc import Iterator, Mapping

from harness.record.documents import Json, Thresholds
from harness.station.conditions.clock import of_clock_tools
from harness.station.conditions.cpu import of_cpu
from harness.station.conditions.diagnosis import Diagnosis
from harness.station.conditions.gpus import of_gpus
from harness.station.conditions.heat import of_temperature
from harness.station.conditions.jobs import of_cron, of_timers
from harness.station.conditions.load import of_foreign_load, of_swap, of_users
from harness.station.conditions.supply import of_supply
from harness.station.conditions.updates import of_updates


def of_state(state: Json, horizon_s: float, limits: Thresholds) -> Iterator[Diagnosis]:
    """Every remark about the state of a machine (`harness.sut.agent.survey`) before a campaign of `horizon_s` seconds
    that is judged by `limits`."""
    texts: Mapping[str, str] = state["texts"]
    yield from of_cpu(texts)
    yield from of_supply(texts)
    yield from of_temperature(texts)
    yield from of_gpus(state["gpus"])
    yield from of_clock_tools(state)
    yield from of_foreign_load(state, limits)
    yield from of_swap(texts)
    yield from of_updates(state)
    yield from of_users(state)
    yield from of_timers(state, horizon_s)
    yield from of_cron(state, horizon_s)
