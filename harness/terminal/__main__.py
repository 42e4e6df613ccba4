"""The process of the emulator: `python -m harness.terminal`, started by a run; orders on standard input, a JSON object
a line, what happens on standard output.

    in   {"population": PATH, "seed": N, "host": H, "port": P, "tls": false, "once": false, "tasks": FD,
          "generator": FD, "answers": null}
    out  {"ready": true, "real_time": B} everything is read and drawn; or {"error": "what is wrong, and what to do"}
    in   {"begin_ns": T}                 the load begins at T of the monotonic clock
    out  {"rating": "begin", "time_ns": T}, {"rating": "end", "time_ns": T}
    out  {"ended": "complete" | "limit", "tasks": N, "rated": N, "failed": N, "cut": N, "errors": N}

Whoever closes standard input ends it. Files come as open descriptors: who started it made them.
"""

import asyncio
import gc
import json
import os
import resource
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.record.errors import LabError
from harness.record.plain_files import read_named
from harness.record.population import LoadShape, Phases, Population, read_population
from harness.terminal.arrivals import read_trace
from harness.terminal.draws import CHAIN_BLOCK
from harness.terminal.emulator import Emulator, Order
from harness.terminal.endpoint import Endpoint
from harness.terminal.ledger import Ledger

ONCE_S = 600.0
"""A first inference may have to compile."""
GARBAGE = 50_000
"""New containers between two collections: they take milliseconds, and hardly anything here is a cycle."""


def tell(said: dict[str, Any]) -> None:
    """One line to who started this."""
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def order_of(told: dict[str, Any]) -> Order:
    """What is asked. Raises ConfigError."""
    path = Path(told["population"])
    population, _ = read_population(path)
    population = once(population) if told["once"] else population
    trace_ns: list[int] = []
    if population.load is not None and population.load.trace:
        trace = path.parent / population.load.trace
        trace_ns = read_trace(read_named(trace), str(trace))
    return Order(population, path, told["seed"], Endpoint(told["host"], told["port"], told["tls"]), trace_ns)


def once(population: Population) -> Population:
    """Each task type once or more, one after the other: what a service does before the first of them is behind it."""
    names = list(population.task_types)
    load = LoadShape(
        shape="closed", concurrency=1, mix={name: 1 / len(names) for name in names},
        requests=max(CHAIN_BLOCK, len(names)),
    )  # fmt: skip
    phases = Phases(stabilization_s=0.0, rating_s=ONCE_S, supplementary_limit_s=ONCE_S)
    return replace(population, user_types={}, chains={}, preparation={}, load=load, phases=phases)


async def emulate(order: Order, told: dict[str, Any]) -> None:
    """Wait for the begin, then make the load; the end of standard input ends it."""
    loop = asyncio.get_running_loop()
    keys = order.keys()
    asked = order.asked(keys)
    answers = None if told["answers"] is None else os.fdopen(told["answers"], "ab", buffering=0)
    secrets = frozenset(key.encode() for key in keys.values() if key is not None)
    ledger = Ledger(
        os.fdopen(told["tasks"], "ab", buffering=0), os.fdopen(told["generator"], "ab", buffering=0), answers, secrets
    )
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)
    tell({"ready": True, "real_time": told["real_time"]})
    line = await lines.readline()
    if not line:
        return
    emulator = Emulator(order, asked, ledger, tell)
    load = asyncio.ensure_future(emulator.run(json.loads(line)["begin_ns"]))
    left = asyncio.ensure_future(lines.read())
    await asyncio.wait((load, left), return_when=asyncio.FIRST_COMPLETED)
    left.cancel()
    if not load.done():
        load.cancel()
    await load


def in_real_time() -> bool:
    """Go before every ordinary process of this machine, where its system lets us; whether it does. The emulator is
    asleep for most of a second, and what it does when it wakes must not wait for others (decision 0046)."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except OSError:
        return False
    return True


def main() -> int:
    """Exit code 0: done; 1: the lab's side is wrong, and was told; anything else is a bug."""
    with open(0, "rb", buffering=0, closefd=False) as orders:
        told = json.loads(orders.readline())
    told["real_time"] = in_real_time()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        asyncio.run(emulate(order_of(told), told))
    except (LabError, OSError) as error:
        tell({"error": str(error)})
        return 1
    except asyncio.CancelledError:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
