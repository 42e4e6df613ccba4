"""`wattlab view` and the view beside `wattlab run`, as processes."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.cli import main
from harness.cli.view import beside

ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/")


def started(*words: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "harness.cli", "view", *words]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def test_it_says_where_it_is_and_how_it_is_ended_and_ctrl_c_ends_it(whole: Path) -> None:
    with started(str(whole)) as process:
        assert process.stdout is not None
        address, hint = process.stdout.readline(), process.stdout.readline()
        found = ADDRESS.search(address)
        assert found, address
        assert "Ctrl-C ends it" in hint
        assert answers(int(found[1]))
        assert os.sched_getscheduler(process.pid) == os.SCHED_IDLE
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, err) == (0, "")
        assert "has ended" in out


def test_beside_a_measurement_it_ends_with_whoever_started_it(whole: Path) -> None:
    with started(str(whole), "--beside") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert ADDRESS.search(json.loads(process.stdout.readline())["url"])
        process.stdin.close()  # what a parent does that ends, or is killed
        assert process.wait(20) == 0


def test_a_measurement_does_not_miss_a_view_that_was_killed(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with beside(whole, []):
        found = ADDRESS.search(capsys.readouterr().out)
        assert found
        killed = [
            int(path.name)
            for path in Path("/proc").glob("[0-9]*")
            if (words := _words(path)) and "view" in words and str(whole) in words and "--beside" in words
        ]
        assert len(killed) == 1
        os.kill(killed[0], signal.SIGKILL)
        time.sleep(0.2)
    assert not answers(int(found[1]))


def _words(process: Path) -> list[str]:
    try:
        return (process / "cmdline").read_text().split("\0")
    except OSError:
        return []


def test_a_view_that_cannot_start_is_said_and_the_measurement_goes_on(
    whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with beside(whole, ["--host", "192.0.2.1"]):
        assert "did not start; the measurement goes on" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["/nowhere/at/all"], "neither it nor the folder that it would lie in is there"),
        (["FOLDER"], "no campaign.jsonl in it"),
        (["FOLDER/other.txt"], "no campaign.jsonl in it"),
        (["runs/c", "--host", "192.0.2.1"], "this machine has no such address, name one of its own"),
        (["--lab", "FOLDER/none.toml"], "none.toml"),
    ],
)
def test_what_cannot_be_shown_is_said_in_a_sentence(
    tmp_path: Path, whole: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.txt").write_text("")
    given = [word.replace("FOLDER", str(tmp_path)).replace("runs/c", str(whole)) for word in words]
    assert main(["view", *given]) == 1
    assert said in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("words", [["--port", "70000"], ["--port", "-1"], ["--host", "lab.example"]])
def test_a_wrong_address_is_wrong_usage(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["view", "runs/c", *words])
    assert ended.value.code == 1
