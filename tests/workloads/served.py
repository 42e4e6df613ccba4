"""A service of `workloads/serving` as a run starts it: in a work folder of its own, by its environment; ended after."""

import contextlib
import json
import os
import shutil
import subprocess
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.terminal.echo import free_port
from tests.workloads.conftest import ROOT, SUT_PYTHON

READY_S = 120.0


class Service:
    """A service that is ready."""

    def __init__(self, port: int, artifacts: Path) -> None:
        self.port, self.artifacts = port, artifacts

    def ask(self, path: str, content: object = None) -> tuple[int, Any]:
        """Status and JSON of an answer; `content` is posted where there is any."""
        body = None if content is None else content if isinstance(content, bytes) else json.dumps(content).encode()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", body, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def batches(self) -> list[dict[str, int]]:
        """batches.csv so far."""
        head, *lines = (self.artifacts / "batches.csv").read_text().splitlines()
        return [dict(zip(head.split(","), map(int, line.split(",")), strict=True)) for line in lines]


def started(scenario: str, folder: Path, ready: str, **changes: object) -> tuple["subprocess.Popen[str]", Service]:
    """The program of a scenario with parameters changed, and the service that it is as soon as `ready` answers."""
    home = ROOT / "workloads" / scenario
    described = tomllib.loads((home / "scenario.toml").read_text())
    work = folder / "work"
    work.mkdir(parents=True)
    for file in described["files"]:
        shutil.copy(home / file, work)
    port, artifacts = free_port(), folder / "artifacts"
    environment = {
        "WATTLAB_PARAMETERS": json.dumps(described["parameters"] | changes), "WATTLAB_SEED": "5",
        "WATTLAB_DATA": str(folder), "WATTLAB_ARTIFACTS": str(artifacts), "WATTLAB_PORT": str(port),
    }  # fmt: skip
    command = [str(SUT_PYTHON), *described["command"][1:]]
    process = subprocess.Popen(command, cwd=work, env=os.environ | environment, stderr=subprocess.PIPE, text=True)
    service, end_s = Service(port, artifacts), time.monotonic() + READY_S
    while process.poll() is None and time.monotonic() < end_s:
        with contextlib.suppress(OSError):
            if service.ask(ready)[0] == 200:
                break
        time.sleep(0.1)
    return process, service


@contextlib.contextmanager
def serving(scenario: str, folder: Path, ready: str, **changes: object) -> Iterator[Service]:
    """The same, ended when it is left."""
    process, service = started(scenario, folder, ready, **changes)
    try:
        assert process.poll() is None, process.communicate()
        yield service
    finally:
        process.kill()
        process.communicate()
