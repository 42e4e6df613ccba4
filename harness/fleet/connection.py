"""A client's side of a scheduler: which stations are connected, what is asked of one, and how a connection is lost.

Knows Dask's client. A task is sent to the resource of one station, is never tried again by Dask, and is released as
soon as its answer is there.
"""

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from harness.fleet.cluster import Link, client_of
from harness.fleet.names import to_ask, to_measure
from harness.fleet.station_report import StationReport
from harness.record.errors import FleetError, LabError

if TYPE_CHECKING:
    from distributed import Future

ANSWER_S = 10.0
ASKED_S = 30.0


class SchedulerAway(FleetError):
    """The connection to the scheduler is lost, with every answer that was waited for."""


class StationAway(FleetError):
    """A station went while it was asked: what it had been asked has to be asked again."""


class Connection:
    """A connection to the scheduler of a fleet; close it.

    Raises:
        FleetError: nobody answers, or a scheduler that would have runs made twice.
    """

    def __init__(self, link: Link) -> None:
        self._client = client_of(link)
        self._link = link
        try:
            self._require_once()
        except BaseException:
            self.close()
            raise

    def _require_once(self) -> None:
        from harness.fleet.tasks import allowed_failures

        try:
            found = self._client.run_on_scheduler(allowed_failures)
        except Exception as error:  # what it raised over there comes through
            raise FleetError(
                f"{self._link.address}: no scheduler of wattlab ({type(error).__name__}: {error}); start it by "
                "`wattlab fleet scheduler`"
            ) from None
        if found:
            raise FleetError(
                f"{self._link.address}: this scheduler gives a task to another worker when one dies "
                f"(allowed-failures = {found}); start it by `wattlab fleet scheduler`"
            )

    def close(self) -> None:
        """Close it, whatever state it is in."""
        with contextlib.suppress(Exception):
            self._client.close(timeout=1)

    def stations(self) -> dict[str, StationReport]:
        """Name -> what it said last, of every station that is connected.

        Raises:
            SchedulerAway: it does not answer.
        """
        if self._client.status != "running":
            raise SchedulerAway(f"{self._link.address}: the connection to the scheduler is lost")
        try:
            found = self._client.sync(self._identity, callback_timeout=ANSWER_S)
        except Exception as error:
            raise SchedulerAway(
                f"{self._link.address}: the scheduler does not answer ({type(error).__name__})"
            ) from None
        said = {str(worker["name"]): worker["metrics"].get("station") for worker in found["workers"].values()}
        return {name: StationReport.from_json(one, name) for name, one in said.items() if one}

    async def _identity(self) -> Any:  # noqa: ANN401  a dictionary of Dask
        assert self._client.scheduler is not None
        return await self._client.scheduler.identity(n_workers=-1)

    def to_measure(self, station: str, task: Callable[..., Any], *arguments: object) -> "Asked":
        """Give a station something to do that no other may do meanwhile."""
        return self._submit(to_measure(station), task, *arguments)

    def to_ask(self, station: str, task: Callable[..., Any], *arguments: object) -> "Asked":
        """Ask a station what it answers at once, also while it measures."""
        return self._submit(to_ask(station), task, *arguments)

    def _submit(self, resource: str, task: Callable[..., Any], *arguments: object) -> "Asked":
        key = f"{task.__name__}-{uuid4().hex}"
        future = self._client.submit(task, *arguments, key=key, resources={resource: 1}, retries=0, pure=False)
        return Asked(future)


class Asked:
    """What a station was asked."""

    def __init__(self, future: "Future[Any]") -> None:
        self._future = future

    @property
    def is_answered(self) -> bool:
        """Whether the answer is there, or will not come."""
        return bool(self._future.done())

    def answer(self, timeout_s: float = ASKED_S) -> Any:  # noqa: ANN401  what the task returns
        """The answer, which the fleet forgets at once.

        Raises:
            StationAway: it went, or says nothing. LabError: what the station could not do.
        """
        from distributed.scheduler import KilledWorker

        try:
            return self._future.result(timeout=timeout_s)
        except LabError:
            raise
        except KilledWorker:
            raise StationAway("the station went away while it was asked") from None
        except Exception as error:
            if self._future.status == "error":
                raise FleetError(f"{type(error).__name__}: {error}; this is a bug in wattlab at the station") from None
            raise StationAway(f"the station does not answer ({type(error).__name__})") from None
        finally:
            self._future.release()
