"""The progress line: a terminal shows what is done, how far it is and the time left; elsewhere nothing is shown."""

import os
import pty
import re
import subprocess
import sys
import threading

import pytest

from harness.record.steps import step, steps, told_to

PROGRAM = """
import contextlib, sys, time
from harness.cli import progress
from harness.cli.documents import nothing_else
from harness.record.steps import step, steps
progress.PATIENCE_S = 0.1
with nothing_else(is_told=True) if sys.argv[1] == "json" else contextlib.nullcontext(), progress.at_work("beginning"):
    time.sleep(0.7)
    for _ in steps("reading the runs", range(8)):
        time.sleep(0.25)
    step("drawing")
    time.sleep(0.7)
with progress.bar_of("importing") as on_progress:
    on_progress(3, 9)
"""


def shown(kind: str) -> str:
    """What a terminal on standard error shows."""
    terminal, end = pty.openpty()
    parts: list[bytes] = []

    def read() -> None:
        try:
            while part := os.read(terminal, 4096):
                parts.append(part)
        except OSError:
            return

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "90"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, kind], stdout=subprocess.PIPE, stderr=end, check=True, env=environment
    )
    os.close(end)
    reader.join(10)
    os.close(terminal)
    assert done.stdout == b""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", b"".join(parts).decode())


def test_a_terminal_shows_each_step_with_how_far_it_is_and_the_time_left() -> None:
    text = shown("person")
    assert re.search(r"beginning +0:00:0\d", text)
    assert re.search(r"reading the runs \S+ [1-7] of 8, 0:00:0\d left", text)
    assert re.search(r"drawing +0:00:0\d", text)


def test_for_programs_and_in_a_pipe_nothing_is_shown() -> None:
    assert "reading" not in shown("json")
    piped = subprocess.run([sys.executable, "-c", PROGRAM, "person"], capture_output=True, check=True)
    assert (piped.stdout, piped.stderr) == (b"", b"")


def test_steps_are_told_to_who_listens_and_to_nobody_else() -> None:
    told: list[tuple[str, int, int]] = []
    assert list(steps("unheard", [1, 2])) == [1, 2]
    with told_to(lambda *words: told.append(words)):
        assert list(steps("reading", "ab")) == ["a", "b"]
        step("drawing")
    step("unheard")
    assert told == [("reading", 0, 2), ("reading", 1, 2), ("reading", 2, 2), ("drawing", 0, 0)]


@pytest.mark.parametrize("items", [[], ()])
def test_no_items_are_no_steps(items: list[int]) -> None:
    assert list(steps("reading", items)) == []
