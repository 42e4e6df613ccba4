"""The host's requests, lost links, silent hosts and full disks."""

import contextlib
import errno
import json
import os
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.sut.agent.test_rating import STUBBORN
from tests.sut.conftest import until
from tests.sut.local_agent import LocalAgent, descendants
from tests.sut.netns import run


def test_after_a_lost_link_the_journal_goes_on_where_it_ended(agent: LocalAgent) -> None:
    until(lambda: len(agent.of("sample")) > 3, 5.0, "samples")
    agent.drop_relay()
    count = len(agent.of("sample"))
    time.sleep(1.0)
    agent.attach()
    until(lambda: len(agent.of("sample")) > count + 12, 5.0, "the samples of the gap")
    stamps = [record["sut_ns"] for record in agent.of("sample")]
    assert max(two - one for one, two in pairwise(stamps)) < 0.8e9
    assert len(agent.of("descriptor")) == 1
    on_disk = (agent.folder / "journal.jsonl").read_text().splitlines()[: len(agent.records)]
    assert [json.loads(line) for line in on_disk] == agent.records[: len(on_disk)]


def test_a_request_repeated_after_a_lost_link_is_done_once(agent: LocalAgent, tmp_path: Path) -> None:
    fields: dict[str, Any] = {"argv": ["sleep", "1"], "env": {}, "cwd": str(tmp_path), "duration_s": None}
    agent.ask("rate", 900, **fields)
    agent.drop_relay()
    agent.attach()
    assert "error" not in agent.ask("rate", 900, **fields)
    agent.ended()
    assert [record["edge"] for record in agent.of("phase")] == ["begin", "end"]
    assert agent.ask("rate", 901, **fields) == {"id": 901}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"nonsense\n", "expected a JSON object"),
        (b'{"id": 70, "op": "dance"}\n', "unknown operation"),
        (b'{"id": 70, "op": "hello", "offset": 999999999}\n', "outside the journal"),
        (b'{"id": 70, "op": "hello", "offset": "x"}\n', "outside the journal"),
        (b'{"id": 70, "op": "rate"}\n', "rate: KeyError"),
        (b'{"id": 70, "op": "rate", "argv": [], "env": {}, "cwd": "/", "duration_s": null}\n', "argument list"),
    ],
)
def test_a_wrong_request_gets_an_error_and_the_agent_lives(agent: LocalAgent, line: bytes, said: str) -> None:
    agent.send(line)
    until(lambda: any(said in error for error in agent.errors), 5.0, "the error")
    count = len(agent.of("sample"))
    until(lambda: len(agent.of("sample")) > count, 5.0, "further samples")


def test_a_silent_host_is_a_dead_one_load_and_agent_end(tmp_path: Path) -> None:
    with LocalAgent(tmp_path / "agent", reconnect_s=2.0) as agent:
        agent.rate(STUBBORN, tmp_path / "work")
        until(lambda: len(descendants(agent.pid)) == 3, 5.0, "the load")
        load = descendants(agent.pid)
        agent.stop_heartbeat()
        until(lambda: not psutil.pid_exists(agent.pid), 12.0, "the end of the agent")
        assert not [process for process in load if process.is_running()]
    records = [json.loads(line) for line in (tmp_path / "agent/journal.jsonl").read_text().splitlines()]
    assert [r["code"] for r in records if r["rec"] == "note"][-1] == "dead-man"
    end = records[-1]
    assert (end["name"], end["edge"]) == ("rating", "end")
    assert "reconnect_s" in end["reason"]


def test_finish_stops_sampling_and_bye_ends_the_agent(agent: LocalAgent) -> None:
    until(lambda: len(agent.of("sample")) > 3, 5.0, "samples")
    size = agent.ask("finish")["size"]
    until(lambda: agent.offset == size, 5.0, "the whole journal")
    assert size == (agent.folder / "journal.jsonl").stat().st_size
    agent.stop_heartbeat()
    agent.ask("bye")
    until(lambda: not psutil.pid_exists(agent.pid), 5.0, "the end of the agent")


def test_finish_is_refused_while_the_rating_interval_runs(agent: LocalAgent) -> None:
    agent.ask("rate", argv=None, env={}, cwd=None, duration_s=30)
    assert "still runs" in agent.ask("finish")["error"]
    assert "already runs" in agent.ask("rate", argv=None, env={}, cwd=None, duration_s=1)["error"]
    agent.ask("kill")
    assert agent.ended()["reason"] == "killed by the host"


def test_a_full_disk_ends_the_load_and_is_told_and_the_journal_stays_readable(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk))
    try:
        with LocalAgent(disk / "agent", period_s=0.02) as agent:
            agent.rate("import time\ntime.sleep(100)", tmp_path / "work")
            until(lambda: descendants(agent.pid), 5.0, "the load")
            fill(disk / "filler")
            until(lambda: agent.faults, 10.0, "the fault")
            assert os.strerror(errno.ENOSPC) in agent.faults[0]
            until(lambda: not descendants(agent.pid), 10.0, "the end of the load")
            assert agent.ask("hello", offset=agent.offset)["fault"] == agent.faults[0]
            for line in (disk / "agent/journal.jsonl").read_text().splitlines():
                json.loads(line)
    finally:
        run("umount", str(disk))


def fill(path: Path) -> None:
    with path.open("wb", 0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 512)
