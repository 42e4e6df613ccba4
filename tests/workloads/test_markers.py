"""Marker lines: one write each, both clocks, nothing without WATTLAB_MARKERS."""

import json
import math
import os
import re
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.sut.agent.markers import parse_marker
from reports.results.undeclared import UNDECLARED
from workloads.markers import wattlab_markers as markers

MODULE = Path(markers.__file__)


@pytest.fixture
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "markers"
    monkeypatch.setenv("WATTLAB_MARKERS", str(path))
    markers._counts.clear()
    markers._done.clear()
    monkeypatch.setattr(markers, "_written_s", [time.monotonic()])
    yield path
    markers._done.clear()
    os.close(markers._open(str(path)))
    markers._open.cache_clear()


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_action_is_a_begin_and_an_end_with_the_metrics_of_its_block(lines: Path) -> None:
    with markers.action("training") as metrics:
        metrics["epochs"] = 3
    begin, end = read(lines)
    assert (begin["action"], begin["index"], begin["edge"], begin["metrics"]) == ("training", 0, "begin", {})
    assert (end["edge"], end["metrics"]) == ("end", {"epochs": 3})
    assert begin["sut_ns"] <= end["sut_ns"]
    assert begin["sut_wall_ns"] > 1_600_000_000 * 10**9


def test_actions_are_counted_from_zero_per_name(lines: Path) -> None:
    for name in ("a", "b", "a"):
        with markers.action(name):
            pass
    assert [(m["action"], m["index"]) for m in read(lines) if m["edge"] == "begin"] == [("a", 0), ("b", 0), ("a", 1)]


def test_an_action_that_raises_still_ends(lines: Path) -> None:
    with pytest.raises(ZeroDivisionError), markers.action("training"):
        _ = 1 / 0
    assert [m["edge"] for m in read(lines)] == ["begin", "end"]


def test_numbers_that_json_does_not_have_become_null(lines: Path) -> None:
    with markers.epoch(4) as metrics:
        metrics.update({"loss": math.nan, "val_loss": -math.inf, "accuracy": 0.5})
    _, end = read(lines)
    assert end["index"] == 4
    assert end["metrics"] == {"loss": None, "val_loss": None, "accuracy": 0.5}


def test_metrics_of_any_kind_become_what_json_has(lines: Path) -> None:
    metrics = {
        "loss": [math.nan, {"a": (1, math.inf)}],
        "array": np.array([1.5, math.nan]),
        "number": np.float32(0.5),
        "flag": True,
        "text": "\ud800",
        "other": Path("x"),
        7: None,
    }
    markers.mark("epoch", 0, "end", metrics)  # type: ignore[arg-type]
    (end,) = read(lines)
    assert end["metrics"] == {
        "loss": [None, {"a": [1, None]}], "array": [1.5, None], "number": 0.5, "flag": True, "text": "\ud800",
        "other": "x", "7": None,
    }  # fmt: skip


def test_work_stands_in_the_line_after_it_and_is_written_once(lines: Path) -> None:
    markers.work(tokens=5)
    with markers.epoch():
        markers.work(tokens=512, sentences=np.float32(2.5))
        with markers.action("step"):
            markers.work(tokens=np.int64(512))
    markers._finish()
    edges = [(line["action"], line["edge"], line.get("work")) for line in read(lines)]
    assert edges == [
        ("epoch", "begin", {"tokens": 5}), ("step", "begin", {"tokens": 512, "sentences": 2.5}),
        ("step", "end", {"tokens": 512}), ("epoch", "end", None),
    ]  # fmt: skip


def test_work_without_an_action_is_written_when_it_was_held_for_ten_seconds_and_at_the_end(
    lines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    markers.work(requests=1)
    markers.work(requests=2)
    assert not lines.exists()
    monkeypatch.setattr(markers, "_written_s", [time.monotonic() - 11])
    markers.work(requests=3)
    markers.work(requests=4)
    markers._finish()
    first, last = (parse_marker(line) for line in lines.read_bytes().splitlines())
    assert (first["work"], last["work"]) == ({"requests": 6}, {"requests": 4})
    assert "action" not in first


@pytest.mark.parametrize("amount", [-1, math.nan, math.inf, "many", None, 2**63])
def test_an_amount_that_is_no_number_from_zero_on_is_refused(lines: Path, amount: Any) -> None:  # noqa: ANN401
    with pytest.raises(markers.MarkerError, match="expected a number from 0 on"):
        markers.work(tokens=amount)


FAMILY = """
import multiprocessing, os, sys
from wattlab_markers import work
def child(tokens):
    work(tokens=tokens)
if __name__ == "__main__":
    work(tokens=1)
    others = [multiprocessing.get_context(how).Process(target=child, args=(10,)) for how in ("fork", "spawn")]
    for one in others:
        one.start()
    for one in others:
        one.join()
    if os.fork() == 0:
        work(tokens=100)
        sys.exit()
    os.wait()
"""


def test_every_process_declares_its_own_work_once(tmp_path: Path) -> None:
    (tmp_path / "family.py").write_text(FAMILY)
    marks = tmp_path / "marks"
    environment = {**os.environ, "WATTLAB_MARKERS": str(marks), "PYTHONPATH": str(MODULE.parent)}
    subprocess.run([sys.executable, "family.py"], cwd=tmp_path, env=environment, check=True)
    assert sorted(line["work"]["tokens"] for line in read(marks)) == [1, 10, 10, 100]


PAGE = (Path(__file__).parents[2] / "docs" / "markers.md").read_text()


def blocks(kind: str) -> list[str]:
    """The code blocks of the page that are of a kind."""
    return [block.partition("\n")[2] for block in PAGE.split("```")[1::2] if block.partition("\n")[0] == kind]


def test_the_lines_of_the_page_are_marker_lines() -> None:
    begin, end = (parse_marker(line.encode()) for line in blocks("")[0].strip().splitlines())
    assert (begin["edge"], end["edge"], end["metrics"]) == ("begin", "end", {"val_accuracy": 0.71})
    summary = (Path(__file__).parents[2] / "docs" / "summary-json.md").read_text()
    assert all(f"`{work.key}`" in summary and f"`{work.name}`" in summary for work in UNDECLARED.work)


def test_the_programs_of_the_page_mark_as_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATTLAB_MARKERS", str(tmp_path / "markers"))
    (tmp_path / "markers").touch()
    (tmp_path / "mark.c").write_text(blocks("c")[0] + 'int main(void) { mark("step", "begin", 3); return 0; }\n')
    program = tmp_path / "mark"
    subprocess.run(["gcc", "-Wall", "-Werror", "-o", program, tmp_path / "mark.c"], check=True)
    before_ns = time.monotonic_ns()
    subprocess.run([program], check=True)
    marker = parse_marker((tmp_path / "markers").read_bytes())
    assert (marker["action"], marker["edge"], marker["index"]) == ("step", "begin", 3)
    assert before_ns < marker["sut_ns"] < time.monotonic_ns()
    assert abs(marker["sut_wall_ns"] - time.time_ns()) < 60e9
    (shell,) = re.findall(r"From a shell: `(.*?)`\n", PAGE)
    subprocess.run(["sh", "-c", shell], check=True)
    asleep_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()
    marker = parse_marker((tmp_path / "markers").read_bytes())
    # The kernel gives hundredths of a second, and may be a few ticks behind.
    assert before_ns - 5 * 10**7 < marker["sut_ns"] - asleep_ns < time.monotonic_ns()


def test_a_line_too_long_for_one_write_is_refused(lines: Path) -> None:
    with pytest.raises(markers.MarkerError, match="at most 4095"):
        markers.mark("training", 0, "end", {"text": "x" * 4096})
    markers.mark("training", 0, "end")
    assert len(read(lines)) == 1


def test_without_the_variable_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATTLAB_MARKERS", raising=False)
    monkeypatch.chdir(tmp_path)
    with markers.action("training"), markers.epoch():
        markers.work(tokens="not even looked at")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
    assert not markers._done


def test_a_pipe_without_a_reader_is_an_error_and_not_a_hang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    monkeypatch.setenv("WATTLAB_MARKERS", str(pipe))
    with pytest.raises(markers.MarkerError, match="needs its reader first"):
        markers.mark("training", 0, "begin")


def test_a_reader_that_has_gone_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    monkeypatch.setenv("WATTLAB_MARKERS", str(pipe))
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    markers.mark("training", 0, "begin")
    assert json.loads(os.read(reader, 4096))["edge"] == "begin"
    os.close(reader)
    with pytest.raises(markers.MarkerError, match="reader has gone"):
        markers.mark("training", 0, "end")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    os.close(markers._open(str(pipe)))
    markers._open.cache_clear()
