import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.live.tail import PIECE_BYTES, Replaced, Tail


@given(st.lists(st.binary(min_size=0, max_size=12), max_size=12))
def test_whatever_the_cuts_are_whole_lines_come_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("tail") / "run.jsonl"
    tail, seen = Tail(path), b""
    with path.open("ab", buffering=0) as file:
        for part in parts:
            file.write(part)
            seen += tail.lines()
    content = b"".join(parts)
    assert seen == content[: content.rfind(b"\n") + 1]


def test_a_file_that_is_not_there_has_no_lines_and_one_that_comes_is_read(tmp_path: Path) -> None:
    tail = Tail(tmp_path / "f")
    assert tail.lines() == b""
    (tmp_path / "f").write_bytes(b"a\nb")
    assert tail.lines() == b"a\n"


@pytest.mark.parametrize("change", ["gone", "shorter", "another"])
def test_a_file_that_is_not_the_one_that_was_read_is_said(tmp_path: Path, change: str) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"one\ntwo\n")
    tail = Tail(path)
    assert tail.lines() == b"one\ntwo\n"
    if change == "shorter":
        path.write_bytes(b"one\n")
    else:
        path.rename(tmp_path / "old")
        if change == "another":
            path.write_bytes(b"one\ntwo\nthree\n")
    with pytest.raises(Replaced):
        tail.lines()


def test_no_link_and_no_pipe_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret\n")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    assert Tail(tmp_path / "link").lines() == b""
    os.mkfifo(tmp_path / "pipe")
    assert Tail(tmp_path / "pipe").lines() == b""


def test_a_line_without_end_costs_no_memory_and_what_follows_is_read(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x" * (PIECE_BYTES + 10) + b"\nnext\n")
    tail = Tail(path)
    assert tail.lines() == b""
    assert tail.lines().endswith(b"\nnext\n")
