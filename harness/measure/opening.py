"""Meters that are asked at the same time: one that waits for its first message holds up no other.

Knows jobs by the names of meters, and the port that each is behind. Knows no run and no campaign.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, as_completed
from typing import TypeVar

from harness.station.station import EMBEDDED, MeterSection
from meters.meter import Meter

Result = TypeVar("Result")


def at_once(
    jobs: Mapping[str, Callable[[], Result]], sections: Mapping[str, MeterSection]
) -> dict[str, Future[Result]]:
    """Begin the job of every meter; the future of each, in their order. Jobs behind one port follow one another: many
    an instrument takes one login, one line, one question at a time."""
    futures: dict[str, Future[Result]] = {name: Future() for name in jobs}
    by_port: dict[str, list[str]] = {}
    for name in jobs:
        by_port.setdefault(_port_of(name, sections), []).append(name)

    def work(names: Sequence[str]) -> None:
        for name in names:
            _do(jobs[name], futures[name])

    for names in by_port.values():
        threading.Thread(target=work, args=(names,), name=f"ask {', '.join(names)}", daemon=True).start()
    return futures


def as_ready(futures: Mapping[str, Future[Result]]) -> Iterator[str]:
    """The names in the order in which their jobs end, in success or not."""
    names = {id(future): name for name, future in futures.items()}
    for future in as_completed(futures.values()):
        yield names[id(future)]


def _port_of(name: str, sections: Mapping[str, MeterSection]) -> str:
    section = sections.get(name)
    return f"meter {name}" if section is None or section.port == EMBEDDED else section.port


def _do(job: Callable[[], Result], future: Future[Result]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = job()
    except BaseException as error:  # it is raised where the future is asked
        future.set_exception(error)
    else:
        future.set_result(result)


def leave_to_itself(opening: Future[Meter]) -> None:
    """Nobody waits for a meter any more: it is not opened, or closed when it is open."""

    def close(ended: Future[Meter]) -> None:
        if not ended.cancelled() and ended.exception() is None:
            ended.result().close()

    opening.cancel()
    opening.add_done_callback(close)
