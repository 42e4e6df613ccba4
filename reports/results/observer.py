"""`observer` of results.json: what agent and SSH link add to the power of the SUT, by the external meter.

Knows the shape of the section. Does not know how it is fitted (`reports/energy/observer.py`).
"""

from dataclasses import dataclass

from reports.results.uncertainty import Number


@dataclass(frozen=True, slots=True)
class ObserverCondition:
    """One condition, idle or under load."""

    difference_w: Number
    """What the agent adds; a linear drift of the machine falls out."""
    with_w: Number | None
    """Mean power of the blocks with it."""
    without_w: Number | None
    """Mean power of the blocks without it."""


@dataclass(frozen=True, slots=True)
class Observer:
    """The observer effect; the whole section is null where no block of it was measured."""

    idle: ObserverCondition | None
    """In idle; null where too few blocks succeeded."""
    load: ObserverCondition | None
    """Under full load; null where too few blocks succeeded."""
    induced_power_w: Number | None
    """Load less idle, which does not cancel in an induced energy; null where one of them is not known."""
