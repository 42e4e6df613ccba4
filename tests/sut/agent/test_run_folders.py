"""Agents that live in folders of runs: why one does not start, and what is left of those before."""

import json
import subprocess
from pathlib import Path
from typing import Any

import psutil

from tests.sut.conftest import until
from tests.sut.local_agent import LocalAgent, agent_command, descendants


def test_serve_says_why_it_cannot(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text("of an earlier run\n")
    command = agent_command("serve", "--folder", str(tmp_path), "--period", "1", "--reconnect", "5")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "did not start" in done.stderr
    assert "File exists" in done.stderr


def test_sweep_leaves_a_run_with_a_host_alone_and_removes_the_others(tmp_path: Path) -> None:
    def sweep(*options: str) -> Any:  # noqa: ANN401  JSON
        command = agent_command("sweep", "--root", str(tmp_path), *options)
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    (tmp_path / "dead").mkdir()
    with LocalAgent(tmp_path / "busy" / "agent") as busy, LocalAgent(tmp_path / "orphan" / "agent") as orphan:
        orphan.rate("import time\ntime.sleep(100)", tmp_path / "work")
        until(lambda: descendants(orphan.pid), 5.0, "the load")
        load = descendants(orphan.pid)
        orphan.drop_relay()
        expected = {
            "busy": [{"name": "busy", "alive": True}],
            "left": [
                {"name": "dead", "alive": False},
                {"name": "orphan", "alive": True},
                {"name": "work", "alive": False},
            ],
        }
        assert sweep("--look") == expected
        assert psutil.pid_exists(orphan.pid)
        assert sweep() == expected
        assert sorted(path.name for path in tmp_path.iterdir()) == ["busy"]
        until(lambda: not psutil.pid_exists(orphan.pid), 5.0, "the end of the orphan")
        assert not [process for process in load if process.is_running()]
        assert busy.ask("ping")["sut_ns"] > 0
