"""The witness's side: whoever is on the other end, its log only grows, and every line of it is whole or passed over."""

import hashlib
import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.attest import receiver
from harness.attest.receipts import breaks_of_campaign, read_log
from harness.attest.receiver import MOST_LINE, Refused, received, told

PROGRAM = Path(receiver.__file__)


def telling(number: int = 1, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    plain = {
        "campaign": "c" * 64, "name": "core-study", "seq": number, "head": f"{number:064x}", "event": "run-begin",
        "ordinal": number, "folder": f"20261128T100000Z-r{number:02d}-0123abcd", "manifest": None,
    }  # fmt: skip
    return plain | changes


def session(
    log: Path, given: bytes, *words: str, most_bytes: int = resource.RLIM_INFINITY
) -> "subprocess.CompletedProcess[bytes]":
    """The receiver as sshd starts it: a program of its own, isolated, lines in and out."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    command = [sys.executable, "-I", str(PROGRAM), "--log", str(log), *words]
    return subprocess.run(
        command, input=given, capture_output=True, timeout=180, check=False, cwd="/", preexec_fn=limit
    )  # fmt: skip


def lines(*tellings: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in tellings)


def test_what_is_told_becomes_a_chained_line_and_the_answer_is_that_line(tmp_path: Path) -> None:
    log = tmp_path / "heads.jsonl"
    done = session(log, lines(telling(1), telling(2), telling(3, campaign="d" * 64)), "--from", "lab")
    assert (done.returncode, done.stderr) == (0, b"")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["receipt"] for answer in answers] == log.read_text().splitlines()
    found = read_log(log)
    assert found.problems == ()
    assert [(one.number, one.whose, one.statement["seq"]) for one in found.receipts] == [
        (1, "lab", 1), (2, "lab", 2), (1, "lab", 3)
    ]  # fmt: skip
    assert found.receipts[1].before == found.receipts[0].sha256
    assert log.stat().st_mode & 0o777 == 0o600


def test_what_is_told_twice_has_the_receipt_of_the_first_time(tmp_path: Path) -> None:
    log = tmp_path / "heads.jsonl"
    first = received(str(log), telling(1), "")
    received(str(log), telling(2), "")
    assert received(str(log), telling(1), "") == first
    assert len(read_log(log).receipts) == 2


def test_sessions_at_once_leave_one_whole_chain(tmp_path: Path) -> None:
    log = tmp_path / "heads.jsonl"
    command = [sys.executable, "-I", str(PROGRAM), "--log", str(log)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    sessions: list[Any] = [subprocess.Popen(command, **pipes) for _ in range(4)]
    for place, one in enumerate(sessions):
        one.stdin.write(lines(*(telling(n, campaign=f"{place:064x}") for n in range(1, 11))))
        one.stdin.close()
    for one in sessions:
        assert one.wait(60) == 0
        with one.stdout as output, one.stderr:
            assert len(output.read().splitlines()) == 10
    found = read_log(log)
    assert found.problems == ()
    assert len(found.receipts) == 40
    for place in range(4):
        assert breaks_of_campaign([one for one in found.receipts if one.of(f"{place:064x}")]) == []


def test_a_line_that_was_cut_off_stays_and_the_chain_goes_on_behind_it(tmp_path: Path) -> None:
    log = tmp_path / "heads.jsonl"
    for number in (1, 2):
        received(str(log), telling(number), "")
    torn = log.read_bytes()[:-30]
    log.write_bytes(torn)
    received(str(log), telling(3), "")
    assert log.read_bytes().startswith(torn + b"\n")
    found = read_log(log)
    assert found.problems == ()
    assert [one.statement["seq"] for one in found.receipts] == [1, 3]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"\xff\n", "not one JSON object in UTF-8"),
        (b"[" * 3000 + b"\n", "not one JSON object in UTF-8"),
        (b'{"event": "hello", "event": "hello"}\n', "not one JSON object in UTF-8"),
        (b"[]\n", "expected exactly the fields"),
        (lines(telling(1) | {"more": 1}), "expected exactly the fields"),
        (lines(telling(1, head="A" * 64)), "the field head is not"),
        (lines(telling(1, campaign="../../etc/passwd")), "the field campaign is not"),
        (lines(telling(1, event="shutdown")), "the field event is not"),
        (lines(telling(1, seq=True)), "the field seq is not"),
        (lines(telling(1, ordinal=1 << 60)), "the field ordinal is not"),
        (lines(telling(1, folder="a\x1b[2J")), "the field folder is not"),
        (lines(telling(1, name="n" * 201)), "the field name is not"),
        (lines(telling(1, manifest="")), "the field manifest is not"),
        (b"x" * (MOST_LINE + 1), "a line of more than"),
    ],
)
def test_hostile_input_is_refused_by_name_and_leaves_nothing(tmp_path: Path, line: bytes, message: str) -> None:
    log = tmp_path / "heads.jsonl"
    done = session(log, line)
    assert done.returncode == 1
    assert message in json.loads(done.stdout)["error"]
    assert done.stderr == b""
    assert not log.exists()


def test_a_name_that_is_half_a_character_is_kept_as_what_it_is(tmp_path: Path) -> None:
    log = tmp_path / "heads.jsonl"
    done = session(log, lines(telling(1, name="\ud800 \N{GREEK SMALL LETTER MU}")))
    assert done.returncode == 0, done.stderr
    assert read_log(log).receipts[0].statement["name"] == "\ud800 \N{GREEK SMALL LETTER MU}"


def test_a_link_in_the_place_of_the_log_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "heads.jsonl").symlink_to(tmp_path / "elsewhere")
    done = session(tmp_path / "heads.jsonl", lines(telling(1)))
    assert "cannot be written" in json.loads(done.stdout)["error"]
    assert (tmp_path / "elsewhere").read_text() == ""


def test_a_log_on_a_full_disk_is_refused_and_what_stood_in_it_stays(tmp_path: Path) -> None:
    log = tmp_path / "heads.jsonl"
    received(str(log), telling(1), "")
    whole = log.read_bytes()
    done = session(log, lines(telling(2)), most_bytes=len(whole) + 100)
    assert "cannot be written" in json.loads(done.stdout)["error"]
    assert log.read_bytes().startswith(whole)
    received(str(log), telling(3), "")
    assert [one.statement["seq"] for one in read_log(log).receipts] == [1, 3]


def test_what_is_no_plain_file_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no plain file"):
        received("/dev/null", telling(1), "")


def test_hello_is_answered_with_the_clock_and_leaves_nothing(tmp_path: Path) -> None:
    log = tmp_path / "heads.jsonl"
    answer = json.loads(session(log, b'{"event": "hello"}\n').stdout)
    assert (set(answer), answer["entries"]) == ({"utc", "entries"}, 0)
    assert not log.exists()


def test_the_receiver_needs_nothing_of_ours(tmp_path: Path) -> None:
    alone = tmp_path / "wattlab-witness.py"
    alone.write_bytes(PROGRAM.read_bytes())
    command = [sys.executable, "-I", "-S", str(alone), "--log", str(tmp_path / "heads.jsonl")]
    done = subprocess.run(command, input=lines(telling(1)), capture_output=True, timeout=180, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(read_log(tmp_path / "heads.jsonl").receipts) == 1


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_or_a_telling(line: bytes) -> None:
    try:
        assert isinstance(told(line), dict)
    except Refused:
        return


def test_any_line_changed_removed_or_moved_breaks_the_witnesss_chain(tmp_path: Path) -> None:
    log = tmp_path / "heads.jsonl"
    for number in range(1, 5):
        received(str(log), telling(number), "")
    whole = log.read_bytes().splitlines(keepends=True)
    changed = json.loads(whole[1])
    del changed["line_sha256"]
    changed["utc"] = "2026-11-28T10:00:00.000Z"
    unclosed = json.dumps(changed, separators=(",", ":")).encode()[:-1]
    forged = unclosed + receiver.own_digest(unclosed) + b"\n"
    for content in (whole[:1] + whole[2:], [whole[0], forged, *whole[2:]], [whole[1], whole[0], *whole[2:]]):
        log.write_bytes(b"".join(content))
        assert any("the chain is broken" in problem for problem in read_log(log).problems)


def test_a_witness_whose_clock_went_back_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "heads.jsonl"
    for number, utc in ((1, "2026-11-28T10:00:00.000Z"), (2, "2026-11-28T09:00:00.000Z")):
        monkeypatch.setattr(receiver, "now", lambda utc=utc: utc)
        received(str(log), telling(number), "")
    (problem,) = read_log(log).problems
    assert "receipt 2 is stamped 2026-11-28T09:00:00.000Z, before the one before it" in problem


def test_a_key_of_the_witness_signs_every_answer(tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    answer = json.loads(session(tmp_path / "log", lines(telling(1)), "--key", str(key)).stdout)
    (tmp_path / "sig").write_text(answer["signature"])
    words = ["-Y", "check-novalidate", "-n", "wattlab@receipt", "-s", str(tmp_path / "sig")]
    done = subprocess.run(["ssh-keygen", *words], input=answer["receipt"].encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert hashlib.sha256(answer["receipt"].encode()).hexdigest() == read_log(tmp_path / "log").receipts[0].sha256


def test_without_its_key_the_receipt_stands_unsigned(tmp_path: Path) -> None:
    answer = json.loads(session(tmp_path / "log", lines(telling(1)), "--key", str(tmp_path / "nowhere")).stdout)
    assert answer["signature"] is None
    assert (tmp_path / "log").stat().st_size > 0
