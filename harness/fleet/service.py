"""Dask's two services, each in a thread with an event loop: the scheduler of a fleet, the worker of a station.

Knows how both are set up: nothing is made twice by Dask itself, nothing but the one port listens. The main thread stays
free for signals and sessions.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from tempfile import TemporaryDirectory

import dask
from distributed import Scheduler, Worker

from harness.fleet.cluster import CertificateRefused, Link, cause_of, quiet, require_reached
from harness.fleet.names import to_ask, to_measure
from harness.fleet.station import Station
from harness.fleet.tasks import StationPlugin
from harness.record.documents import Json
from harness.record.errors import FleetError

RETRY_S = 2.0
REFUSED_S = 30.0
"""A certificate that does not fit is changed by a person: it is tried again after so long. The scheduler logs each."""
CLOSE_S = 5.0
ONCE = {
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.gil.enabled": False,
}
"""A task whose worker died fails at once, and goes to nobody else; no page is served."""


class Service:
    """An event loop in a thread that ends with the process, and what runs in it."""

    def __init__(self, main: Callable[["Service"], Awaitable[None]]) -> None:
        self._ended = threading.Event()
        self._ending: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._problem: Exception | None = None
        self._begun: Future[str] = Future()
        self._thread = threading.Thread(target=self._run, args=(main,), daemon=True)

    def __enter__(self) -> "Service":
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it, at the latest after a few seconds."""
        if self._loop is not None and self._ending is not None and not self.is_over:
            self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(2 * CLOSE_S)

    @property
    def is_over(self) -> bool:
        """Whether it ended by itself."""
        return self._ended.is_set()

    def begins(self, address: str) -> None:
        """It listens, or is connected, at this address."""
        if not self._begun.done():
            self._begun.set_result(address)

    def address(self) -> str:
        """Where it listens, once it does.

        Raises:
            Exception: what ended it before.
        """
        return self._begun.result()

    def require_going(self) -> None:
        """Raise what ended it, where something did."""
        if self._problem is not None:
            raise self._problem

    def wait(self) -> None:
        """Until it ended by itself, or a signal comes."""
        while not self._ended.wait(0.5):
            pass

    def _run(self, main: Callable[["Service"], Awaitable[None]]) -> None:
        async def whole() -> None:
            self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
            await main(self)

        try:
            asyncio.run(whole())
        except Exception as error:
            self._problem = error
            if not self._begun.done():
                self._begun.set_exception(error)
        finally:
            self._ended.set()

    async def ending(self, timeout_s: float | None = None) -> bool:
        """Wait until it is to end; whether it is."""
        assert self._ending is not None
        try:
            await asyncio.wait_for(self._ending.wait(), timeout_s)
        except TimeoutError:
            return False
        return True


def scheduler_service(link: Link) -> Service:
    """The scheduler of a fleet, listening at the link's address."""

    async def main(service: Service) -> None:
        with dask.config.set(ONCE):
            try:
                scheduler = await Scheduler(
                    host=link.host, port=link.port, protocol=link.address.partition(":")[0], security=link.security(),
                    dashboard=False, dashboard_address="127.0.0.1:0",
                )  # fmt: skip
            except (OSError, RuntimeError) as error:
                raise FleetError(f"{link.address}: cannot listen there ({cause_of(error)})") from None
            service.begins(scheduler.address)
            await service.ending()
            await asyncio.wait_for(scheduler.close(), CLOSE_S)

    quiet()
    return Service(main)


def station_service(
    station: Station, link: Link, port: int, report: Callable[[object], Json], tell: Callable[[str], None]
) -> Service:
    """The worker of a station: connected to the scheduler whenever that is there."""

    said = ""

    async def connected(service: Service, folder: str) -> str:
        nonlocal said
        worker = Worker(
            link.address, name=station.name, nthreads=2, memory_limit=0, security=link.security(),
            resources={to_measure(station.name): 1, to_ask(station.name): 1}, local_directory=folder,
            plugins=(StationPlugin(station),), metrics={"station": report}, port=port,
            host=None if link.keys else link.host, dashboard_address="127.0.0.1:0", death_timeout=10 * RETRY_S,
        )  # fmt: skip
        try:
            station.asked = threading.Event()
            await worker
            tell(f"Connected to {link.address} as {station.name}.")
            said = ""
            service.begins(worker.address)
            await _until_closed(service, worker)
            return "the connection ended"
        except (OSError, ValueError, TimeoutError, RuntimeError) as error:
            return _problem(station, error)
        finally:
            station.asked.set()  # who waits in a task leaves it
            await _closed(worker)

    async def main(service: Service) -> None:
        nonlocal said
        with dask.config.set(ONCE), TemporaryDirectory(prefix="wattlab-station-") as folder:
            while True:
                problem, pause_s = await _not_reached(link)
                if problem is None:
                    problem = await connected(service, folder)
                if await service.ending(0.0):
                    return
                if problem != said:
                    tell(f"Not connected to {link.address}: {problem}. What is measured goes on; trying again.")
                    said = problem
                if await service.ending(pause_s):
                    return

    quiet()
    return Service(main)


async def _not_reached(link: Link) -> tuple[str | None, float]:
    """Why the scheduler is not reached, None where it is; and how long to wait before it is tried again."""
    try:
        await require_reached(link, 2 * RETRY_S)
    except CertificateRefused as error:
        return str(error), REFUSED_S
    except FleetError as error:
        return str(error), RETRY_S
    return None, RETRY_S


async def _until_closed(service: Service, worker: Worker) -> None:
    closed, ending = asyncio.ensure_future(worker.finished()), asyncio.ensure_future(service.ending())
    await asyncio.wait({closed, ending}, return_when=asyncio.FIRST_COMPLETED)
    for one in (closed, ending):
        one.cancel()


async def _closed(worker: Worker) -> None:
    """Close a worker, whatever state it is in; what it waits for is told to leave by its plugin."""
    try:
        await asyncio.wait_for(worker.close(timeout=CLOSE_S, executor_wait=False), CLOSE_S)
    except Exception:  # it is left behind: its sockets end with the process
        logging.getLogger(__name__).debug("a worker did not close", exc_info=True)


def _problem(station: Station, error: BaseException) -> str:
    if "name taken" in (cause := cause_of(error)):
        return f"a station {station.name} is connected already, or is not yet known to be gone"
    return cause
