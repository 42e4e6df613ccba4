"""Energies of an archive by the workers of a scheduler: the same to the bit, whatever their number and order."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli import main
from harness.fleet.cluster import client_of, link_of
from harness.fleet.spread import spread_over
from harness.record.errors import FleetError
from reports.archive.energies import compute, energies
from reports.archive.index import entries
from reports.archive.store import Store
from tests.analysis.monitored import Fault
from tests.archive.test_energies import archive_of, holed, intervals_of
from tests.fleet.benches import free_port
from tests.reports.make_campaign import Shape, make_campaign

LONG_S = 60.0
SMALL = Shape(repetitions=1, baseline_blocks=2, duration_s=10)


@contextmanager
def scheduler() -> Iterator[str]:
    """A scheduler on loopback that gives up no task for a lost worker more than one for stations does."""
    import dask
    from distributed import Scheduler

    begun, ended = threading.Event(), threading.Event()
    address: list[str] = []

    async def serve() -> None:
        with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
            async with Scheduler(host="127.0.0.1", port=0, dashboard=False) as own:
                address.append(own.address.removeprefix("tcp://"))
                begun.set()
                while not ended.is_set():
                    await asyncio.sleep(0.05)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert begun.wait(LONG_S)
        yield address[0]
    finally:
        ended.set()
        thread.join(LONG_S)


@contextmanager
def sealed_scheduler(keys: Path) -> Iterator[str]:
    """The one of `wattlab fleet scheduler`, with certificates."""
    assert main(["fleet", "certificates", str(keys), "office", "worker"]) == 0
    address = f"127.0.0.1:{free_port('127.0.0.1')}"
    words = ["fleet", "scheduler", "--listen", address, "--tls", str(keys / "office")]
    with subprocess.Popen([sys.executable, "-m", "harness.cli", *words], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("Scheduler of a fleet at")
            yield address
        finally:
            process.terminate()


@contextmanager
def workers(address: str, count: int, keys: Path | None = None) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many of one thread, each a process; with certificates, or without."""
    who = ["--open"] if keys is None else ["--tls", str(keys / "worker")]
    command = [sys.executable, "-m", "harness.cli", "archive", "work", "--scheduler", address, *who]
    made = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(count)]
    try:
        with client_of(link_of(address, keys and keys / "office", is_open=keys is None)) as client:
            client.wait_for_workers(count, timeout=LONG_S)
        yield made
    finally:
        for worker in made:
            worker.terminate()
        for worker in made:
            worker.wait(LONG_S)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_workers_of_any_number_give_the_same_numbers_to_the_bit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, store, entry = archive_of(tmp_path, Fault(readings=holed))
    intervals = intervals_of(entry)
    here = energies(store, entry, intervals)
    with scheduler() as address, client_of(link_of(address, None, is_open=True)) as client:
        with pytest.raises(FleetError, match="no worker of this scheduler computes for archives"):
            energies(store, entry, intervals, spread_over(client, compute))
        for count in (1, 2):
            with workers(address, count) as made:
                assert energies(store, entry, intervals, spread_over(client, compute)).equals(here)
                if count == 2:
                    killed = threading.Timer(0.05, lambda: os.kill(made[0].pid, signal.SIGKILL))
                    killed.start()
                    assert energies(store, entry, intervals, spread_over(client, compute)).equals(here)
                    killed.join()
                    command = ["archive", "energies", store.url, entry.name, "--every", "60"]
                    assert main([*command, "--scheduler", address, "--open"]) == 0
                    spread = capsys.readouterr().out
                    assert main(command) == 0
                    assert capsys.readouterr().out == spread
            _gone(client)


def test_workers_verify_a_campaign_each_and_say_what_one_process_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    campaigns = [str(make_campaign(tmp_path, replace(SMALL, name=f"c{number}"))) for number in range(3)]
    assert main(["archive", "add", *campaigns, "--into", "a", "--raw", "--key", str(key)]) == 0
    Store("a").remove(entries(Store("a"))[1].parts[0].path)
    (tmp_path / "a" / "index" / "c2.1.json").write_text("{}")
    words = ["archive", "verify", "a", "--public-key", f"{key}.pub"]
    capsys.readouterr()
    assert main([*words, "--json"]) == 3
    here = json.loads(capsys.readouterr().out)["checks"]
    assert {check["name"] for check in here if not check["passed"]} == {"parts", "entry"}
    keys = tmp_path / "keys"
    with sealed_scheduler(keys) as address, workers(address, 2, keys):
        asked = ["--scheduler", address, "--tls", str(keys / "office")]
        capsys.readouterr()
        assert main([*words, *asked, "--json"]) == 3
        spread = json.loads(capsys.readouterr().out)["checks"]
        assert main(["archive", "verify", "a", "nobody", *asked]) == 1
    assert [{**check, "detail": ""} for check in spread] == [{**check, "detail": ""} for check in here]
    assert [check["detail"] for check in spread if check["passed"]] == [
        check["detail"] for check in here if check["passed"]
    ]


def _gone(client: object) -> None:
    deadline = time.monotonic() + LONG_S
    while client.scheduler_info(n_workers=-1)["workers"] and time.monotonic() < deadline:  # type: ignore[attr-defined]
        time.sleep(0.05)
