"""What Dask calls at a station, and at the scheduler: each passes on to the `Station` that serves there.

A task returns a path or a short document, never a measurement. Dask may call any of them again, for its own reasons:
what was measured is not measured again (`harness.fleet.station`).
"""

from typing import TYPE_CHECKING

from distributed import get_worker
from distributed.diagnostics.plugin import WorkerPlugin

from harness.fleet.station import Station
from harness.record.documents import Json

if TYPE_CHECKING:
    from distributed import Scheduler

PLUGIN = "wattlab-station"


class StationPlugin(WorkerPlugin):  # type: ignore[misc,unused-ignore]  # Dask's own, partly without types
    """Makes a worker the hand of a station."""

    name = PLUGIN

    def __init__(self, station: Station) -> None:
        self.station = station


def _station() -> Station:
    plugin = get_worker().plugins[PLUGIN]
    assert isinstance(plugin, StationPlugin)
    return plugin.station


def agenda(file: str) -> Json:
    """`Station.agenda`."""
    return _station().agenda(file)


def measure(file: str, ordinal: int) -> str:
    """`Station.measure`."""
    return _station().measure(file, ordinal)


def hand_in(file: str, archive: str) -> str:
    """`Station.hand_in`."""
    return _station().hand_in(file, archive)


def stop() -> str:
    """`Station.stop`."""
    return _station().stop()


def allowed_failures(dask_scheduler: "Scheduler") -> int:
    """How often a scheduler gives a task to another worker when one that has it dies."""
    return int(dask_scheduler.allowed_failures)
