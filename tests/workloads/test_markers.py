"""Marker lines: one write each, both clocks, nothing without WATTLAB_MARKERS."""

import json
import math
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workloads import markers


@pytest.fixture
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "markers"
    monkeypatch.setenv("WATTLAB_MARKERS", str(path))
    markers._counts.clear()
    yield path
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
    markers.EpochMarks().on_epoch_end(4, {"loss": math.nan, "val_loss": -math.inf, "accuracy": 0.5})
    (end,) = read(lines)
    assert end["index"] == 4
    assert end["metrics"] == {"loss": None, "val_loss": None, "accuracy": 0.5}


def test_a_line_too_long_for_one_write_is_refused(lines: Path) -> None:
    with pytest.raises(markers.MarkerError, match="at most 4095"):
        markers.mark("training", 0, "end", {"text": "x" * 4096})
    markers.mark("training", 0, "end")
    assert len(read(lines)) == 1


def test_without_the_variable_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATTLAB_MARKERS", raising=False)
    monkeypatch.chdir(tmp_path)
    with markers.action("training"):
        pass
    assert list(tmp_path.iterdir()) == []


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
