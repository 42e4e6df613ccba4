"""Lines of a file are a sequence of any length: read in blocks, each looked at once before."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.record import lines
from harness.record.lines import Lines
from harness.record.wire_log import standing_in


def numbered(block: Iterable[bytes], first: int) -> Iterator[tuple[int, bytes]]:
    """Whole lines with their numbers."""
    for number, line in enumerate(block, first):
        if not line.endswith(b"\n"):
            return
        if line == b"wrong\n":
            raise ValueError(f"line {number}")
        yield number, line[:-1]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.text("abc", max_size=3).map(str.encode), max_size=40),
    st.booleans(),
    st.lists(st.integers(0, 60), max_size=30),
    st.integers(1, 9),
)
def test_every_line_stands_at_its_place(
    tmp_path: Path, texts: list[bytes], is_cut: bool, places: list[int], block: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK", block)
        (tmp_path / "file").write_bytes(b"".join(text + b"\n" for text in texts) + b"half" * is_cut)
        found = Lines(tmp_path / "file", numbered)
        wanted = list(enumerate(texts, 1))
        assert len(found) == len(texts)
        assert list(found) == wanted
        for place in places:
            if place < len(texts):
                assert found[place] == wanted[place]
            else:
                with pytest.raises(IndexError):
                    found[place]


def test_a_wrong_line_is_told_at_once_with_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "BLOCK", 4)
    (tmp_path / "file").write_bytes(b"good\n" * 10 + b"wrong\n" + b"good\n")
    with pytest.raises(ValueError, match="line 11"):
        Lines(tmp_path / "file", numbered)


def test_no_more_lines_are_held_than_of_a_few_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "BLOCK", 2)
    (tmp_path / "file").write_bytes(b"line\n" * 100)
    found = Lines(tmp_path / "file", numbered)
    assert len(list(found)) == 100
    assert len(found._blocks) == lines.KEPT


@pytest.mark.parametrize("together", [1, 2, 100])
def test_a_word_is_found_however_the_meter_cut_it(
    tmp_path: Path, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.record.wire_log.TOGETHER", together)
    log = tmp_path / "wire.log"
    chunks = [b"serial 12", b"3", b"45;", b"model LMG"]
    log.write_bytes(b"".join(b"%d < %s\n%d > 00\n" % (at, chunk.hex().encode(), at) for at, chunk in enumerate(chunks)))
    assert standing_in(log, {b"12345", b"LMG", b"12346", b"5;mod"}) == {b"12345", b"LMG", b"5;mod"}
    asked = b"".join(b"%d > %s\n" % (at, part.hex().encode()) for at, part in enumerate([b"GET 1", b"2345 "]))
    (tmp_path / "asked.log").write_bytes(log.read_bytes() + asked)
    words = {b"12345"}, {b"GET", b"2345 ", b"LMG"}
    assert standing_in(tmp_path / "asked.log", *words) == {b"12345", b"GET", b"2345 "}
    assert standing_in(tmp_path / "none", {b"12345"}) == set()
    log.write_bytes(log.read_bytes() + b"nonsense\n")
    assert standing_in(log, {b"12345"}) == set(), "a log that is none proves nothing"
