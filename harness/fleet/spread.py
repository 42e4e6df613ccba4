"""Work that is spread over the workers of a fleet's scheduler, and such a worker.

Knows Dask. Knows no archive: what is computed of a task is handed in. A task asks for the resource `archive`, which
stations do not have: nothing is computed where something is measured. It reads and changes nothing, so it is computed
again where a worker is lost; results come back in the order of the tasks, whoever computed them and when.
"""

import asyncio
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from harness.fleet.cluster import Link
from harness.record.errors import FleetError, why

if TYPE_CHECKING:
    from distributed import Client, Future

Task = TypeVar("Task")
Result = TypeVar("Result")
RESOURCE = "archive"
AHEAD = 4
"""Tasks for each thread that are handed out before they are asked for."""
WAIT_S = 30.0
ATTEMPTS = 3


def spread_over(client: "Client", compute: Callable[[Task], Result]) -> Callable[[Sequence[Task]], Iterator[Result]]:
    """What computes tasks on the workers of a scheduler, in their order.

    Raises:
        FleetError: there is no worker for it, or all of them are lost.
    """

    def submit(task: Task) -> "Future[Any]":
        future: Future[Any] = client.submit(compute, task, pure=False, resources={RESOURCE: 1})
        return future

    def computed(tasks: Sequence[Task]) -> Iterator[Result]:
        left, waiting = iter(tasks), deque[tuple[Task, "Future[Any]"]]()
        ahead = AHEAD * _threads(client) if tasks else 0
        waiting.extend((task, submit(task)) for task in islice(left, ahead))
        while waiting:
            task, future = waiting.popleft()
            yield _result(client, partial(submit, task), future)
            waiting.extend((task, submit(task)) for task in islice(left, 1))

    return computed


def _threads(client: "Client") -> int:
    """How many tasks the workers compute at once."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    threads = sum(int(one["resources"].get(RESOURCE, 0)) for one in workers)
    if not threads:
        raise FleetError(
            "no worker of this scheduler computes for archives; `wattlab archive work --scheduler ADDRESS` starts one, "
            "on a machine that measures nothing"
        )
    return threads


def _result(client: "Client", submit: "Callable[[], Future[Any]]", future: "Future[Any]") -> Any:  # noqa: ANN401
    """What a task gave, as long as there is somebody who computes it. A scheduler of stations gives up a task whose
    worker is lost: it is handed out again."""
    from distributed import KilledWorker
    from distributed import TimeoutError as Late

    for _ in range(ATTEMPTS):
        try:
            while not future.done():
                with suppress(Late):
                    future.result(timeout=WAIT_S)
                    break
                _threads(client)
            return future.result()
        except KilledWorker:
            future = submit()
    raise FleetError(f"{ATTEMPTS} workers were lost that computed one task; how much memory do they have?")


def work(link: Link, threads: int) -> None:
    """Compute tasks until ended; returns where the scheduler ends.

    Raises:
        FleetError: nobody answers there.
    """
    from distributed import Worker

    async def serve() -> None:
        with tempfile.TemporaryDirectory(prefix="wattlab-") as scratch:
            worker = Worker(
                link.address, nthreads=threads, resources={RESOURCE: threads}, security=link.security(),
                local_directory=scratch, dashboard=False, death_timeout=WAIT_S,
            )  # fmt: skip
            async with worker:
                await worker.finished()

    try:
        asyncio.run(serve())
    except (OSError, TimeoutError) as error:
        raise FleetError(
            f"{link.address}: no scheduler of this fleet answers ({why(error)}); `wattlab fleet scheduler` starts one"
        ) from None
