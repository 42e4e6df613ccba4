"""An open log keeps what it read, appends at a constant cost, and notices whatever else happens to the file."""

import dataclasses
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from harness.record import chain
from harness.record.chain import ChainedLog, line_of
from harness.record.documents import Json, load_object
from harness.record.entries import IN_ANNOTATIONS, Annotation, Entry, of
from harness.record.errors import DocumentError, EvidenceBroken, RunFolderError

UTC = "2026-11-21T10:00:00Z"
NOTE: Json = {"operator": "me", "run": None, "text": "x", "exclude": None}


def log_in(folder: Path) -> ChainedLog:
    return ChainedLog(folder / "log.jsonl", IN_ANNOTATIONS)


def log_of(folder: Path, count: int) -> ChainedLog:
    log = log_in(folder)
    for number in range(count):
        log.append("annotation", UTC, NOTE | {"text": str(number)})
    return log


def texts(entries: list[Entry]) -> list[str]:
    return [note.text for note in of(Annotation, entries)]


def test_what_was_appended_is_what_another_reader_finds(tmp_path: Path) -> None:
    log = log_of(tmp_path, 5)
    assert log.entries() == log_in(tmp_path).entries()
    assert texts(log.entries()) == list("01234")
    assert [entry.seq for entry in log.entries()] == [1, 2, 3, 4, 5]


def bytes_read(path: Path, log: ChainedLog) -> int:
    """How many bytes of the log one append and one look at its entries read."""
    with open("/proc/self/io") as file:  # noqa: PTH123 - no file of ours
        before = int(file.readline().split()[1])
    log.append("annotation", UTC, NOTE)
    log.entries()
    with open("/proc/self/io") as file:  # noqa: PTH123
        return int(file.readline().split()[1]) - before


def test_an_append_reads_no_more_behind_a_thousand_entries_than_behind_ten(tmp_path: Path) -> None:
    (tmp_path / "short").mkdir()
    (tmp_path / "long").mkdir()
    short, long = log_of(tmp_path / "short", 10), log_of(tmp_path / "long", 1000)
    assert long.path.stat().st_size > 200_000
    few, many = bytes_read(short.path, short), bytes_read(long.path, long)
    assert many < few + 1000


def test_no_line_is_parsed_twice_while_nobody_else_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, parsed = log_of(tmp_path, 10), list[str]()

    def counted(line: bytes, where: str) -> Json:
        parsed.append(where)
        return load_object(line, where)

    monkeypatch.setattr(chain, "load_object", counted)
    for _ in range(3):
        log.append("annotation", UTC, NOTE)
        log.entries()
    assert len(parsed) == 3


def test_what_another_process_appended_in_between_comes_first(tmp_path: Path) -> None:
    log, other = log_of(tmp_path, 2), log_in(tmp_path)
    other.append("annotation", UTC, NOTE | {"text": "other"})
    log.append("annotation", UTC, NOTE | {"text": "own"})
    assert texts(log.entries()) == texts(other.entries()) == ["0", "1", "other", "own"]


def test_what_is_appended_in_the_instant_between_look_and_write_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, other, write = log_of(tmp_path, 2), log_in(tmp_path), ChainedLog._write

    def write_late(log: ChainedLog, line: bytes, seen: Any) -> object:  # noqa: ANN401
        monkeypatch.undo()
        other.append("annotation", UTC, NOTE | {"text": "other"})
        return write(log, line, seen)

    monkeypatch.setattr(ChainedLog, "_write", write_late)
    log.append("annotation", UTC, NOTE | {"text": "own"})
    assert texts(log_in(tmp_path).entries()) == ["0", "1", "other", "own"]


def test_a_log_to_which_others_keep_writing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = log_of(tmp_path, 2)
    monkeypatch.setattr(ChainedLog, "_write", lambda *_: None)
    with pytest.raises(RunFolderError, match="others keep writing to it"):
        log.append("annotation", UTC, NOTE)
    assert len(log.entries()) == 2


def test_an_interruption_right_behind_the_write_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = log_of(tmp_path, 2)

    class Interrupting(list[Entry]):
        def append(self, entry: Entry) -> None:
            super().append(entry)
            raise KeyboardInterrupt

    assert log._seen is not None
    log._seen = dataclasses.replace(log._seen, entries=Interrupting(log.entries()))
    with pytest.raises(KeyboardInterrupt):
        log.append("annotation", UTC, NOTE | {"text": "2"})
    log.append("annotation", UTC, NOTE | {"text": "3"})
    assert texts(log.entries()) == list("0123")


def in_place(path: Path, edited: bytes) -> None:
    """Overwrite a file as it lies, in the same inode."""
    with path.open("r+b") as file:
        file.write(edited)
        file.truncate()


def test_a_line_that_was_changed_underneath_is_refused(tmp_path: Path) -> None:
    log = log_of(tmp_path, 3)
    in_place(log.path, log.path.read_bytes().replace(b'"text":"1"', b'"text":"7"'))
    with pytest.raises(EvidenceBroken, match=r"log\.jsonl:2: the line does not fit its own digest"):
        log.append("annotation", UTC, NOTE)
    with pytest.raises(EvidenceBroken, match=r"log\.jsonl:2"):
        log.entries()
    assert len(log.lines()) == 3


def test_a_last_line_that_was_changed_is_refused_though_its_times_were_put_back(tmp_path: Path) -> None:
    log = log_of(tmp_path, 3)
    status = log.path.stat()
    in_place(log.path, log.path.read_bytes().replace(b'"text":"2"', b'"text":"7"'))
    os.utime(log.path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(EvidenceBroken, match=r"log\.jsonl:3"):
        log.append("annotation", UTC, NOTE)


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_log_that_was_cut_back_is_refused_though_its_chain_holds(tmp_path: Path, kept: int) -> None:
    log = log_of(tmp_path, 3)
    in_place(log.path, b"".join(line + b"\n" for line in log.lines()[:kept]))
    with pytest.raises(EvidenceBroken, match="cut back or rewritten while it was open"):
        log.append("annotation", UTC, NOTE)


def test_a_log_that_was_written_anew_is_refused_though_its_chain_holds(tmp_path: Path) -> None:
    log = log_of(tmp_path, 3)
    lines, previous = [], chain.GENESIS
    for number, text in enumerate("abcd", 1):
        lines.append(line_of({"seq": number, "prev": previous, "utc": UTC, "type": "annotation", **NOTE, "text": text}))
        previous = hashlib.sha256(lines[-1]).hexdigest()
    log.path.write_bytes(b"\n".join([*lines, b""]))
    assert texts(log_in(tmp_path).entries()) == list("abcd")
    with pytest.raises(EvidenceBroken, match="cut back or rewritten"):
        log.append("annotation", UTC, NOTE)


def test_an_entry_that_no_reader_would_take_is_not_written(tmp_path: Path) -> None:
    log = log_of(tmp_path, 1)
    with pytest.raises(DocumentError, match=r"log\.jsonl:2: an entry of type 'annotation' lacks exclude, operator"):
        log.append("annotation", UTC, {})
    with pytest.raises(DocumentError, match=r"log\.jsonl:2: text is 7, expected str"):
        log.append("annotation", UTC, NOTE | {"text": 7})
    assert len(log.lines()) == 1


def test_what_no_record_knows_stands_in_the_entry_and_in_the_log(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    log.append("annotation", UTC, NOTE | {"of_tomorrow": [1]})
    (entry,) = log_in(tmp_path).entries()
    assert entry.raw["of_tomorrow"] == [1]
    assert line_of({key: entry.raw[key] for key in entry.raw if key != "line_sha256"}) == log.lines()[0]


def test_what_no_record_fits_is_read_behind_a_broken_chain_as_a_plain_entry(tmp_path: Path) -> None:
    log = log_of(tmp_path, 1)
    lines: list[Json] = [
        {"type": "of tomorrow", "seq": 2},
        {"type": "annotation"},
        {"type": "annotation", **NOTE, "run": 5},
    ]
    with log.path.open("ab") as file:
        file.writelines(line_of(line) + b"\n" for line in lines)
    note, *others = log.readable()
    assert isinstance(note, Annotation)
    assert [type(other) for other in others] == [Entry] * 3
    assert [other.raw.get("run") for other in others] == [None, None, 5]


def test_half_a_line_that_a_kill_left_is_cut_away(tmp_path: Path) -> None:
    log = log_of(tmp_path, 2)
    with log.path.open("ab") as file:
        file.write(b'{"seq":3,"prev"')
    assert texts(log.entries()) == ["0", "1"]
    log.append("annotation", UTC, NOTE | {"text": "2"})
    assert texts(log_in(tmp_path).entries()) == ["0", "1", "2"]


def test_a_full_disk_leaves_a_log_that_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, write = log_of(tmp_path, 2), os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:20]))
    with pytest.raises(RunFolderError, match="cannot append"):
        log.append("annotation", UTC, NOTE)
    monkeypatch.undo()
    log.append("annotation", UTC, NOTE | {"text": "2"})
    assert texts(log_in(tmp_path).entries()) == texts(log.entries()) == ["0", "1", "2"]


def test_a_log_that_became_a_link_is_not_followed(tmp_path: Path) -> None:
    log = log_of(tmp_path, 2)
    log.path.rename(tmp_path / "elsewhere")
    log.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunFolderError, match="cannot read"):
        log.append("annotation", UTC, NOTE)
