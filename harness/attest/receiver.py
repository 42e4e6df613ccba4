"""The witness's side, as one file that runs on a machine without wattlab: receives heads, stamps them, keeps its log.

Started by sshd as the forced command of a key (sshd(8), AUTHORIZED_KEYS FILE FORMAT), as an account that is not the
operator's:

    restrict,command="python3 -I /home/witness/wattlab-witness.py --log /home/witness/heads.jsonl" ssh-ed25519 AAAA...

Knows its own clock, its own log, and the form of what it is told. Knows no campaign: a head is a digest. Standard
library only, Python >= 3.7; `--key` signs every receipt with `ssh-keygen -Y sign`.

One JSON object a line, both ways:
    {"campaign", "name", "seq", "head", "event", "ordinal", "folder", "manifest"}   what is told (TELLING)
    {"receipt": line of the log, "signature": armoured signature or null}           what it answers
    {"event": "hello"}  ->  {"utc": ..., "entries": n}                              nothing is kept
    {"error": text}                                                                 refused; the session ends

Whoever is on the other side may be an adversary: nothing of a line reaches a shell or names a file, a line and a
session are bounded, and the log is opened for appending only (`chattr +a` may hold it to that). A line of the log that
was cut off by a power failure stays as it is; the next one begins on a line of its own. What is told twice is answered
with the receipt of the first time.
"""

# Plain os calls: it is short, and starts on old interpreters.
# ruff: noqa: PTH123

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any

MOST_LINE = 4096
"""Bytes of one line that is told."""
MOST_TOLD = 4096
"""Lines of one session."""
MOST_LOG = 64 << 20
"""Bytes of a log: beyond, its owner begins another one."""
SESSION_S = 120
"""A session ends after this, whoever sleeps in it."""
SIGN_S = 60
GENESIS = "0" * 64
NAMESPACE = "wattlab@receipt"
DIGEST = re.compile(r"[0-9a-f]{64}")
NAME = re.compile(r"[^\x00-\x1f\x7f]{0,200}")
HELLO = {"event": "hello"}
OWN_DIGEST_BYTES = len(',"line_sha256":""}') + 64


class Refused(Exception):
    """What was told is not in the form that is received."""


def is_digest(value: object) -> bool:
    """A SHA-256 in hexadecimal."""
    return isinstance(value, str) and DIGEST.fullmatch(value) is not None


def is_name(value: object) -> bool:
    """A short text without control characters."""
    return isinstance(value, str) and NAME.fullmatch(value) is not None


def is_number(value: object) -> bool:
    """A whole number of a sensible size."""
    return type(value) is int and 0 <= value < 1 << 53


def is_event(value: object) -> bool:
    """What is witnessed."""
    return value in ("run-begin", "run-end")


def is_manifest(value: object) -> bool:
    """The digest of a seal; null of a run that is begun, or of which nothing was sealed."""
    return value is None or is_digest(value)


TELLING: dict[str, Callable[[object], bool]] = {
    "campaign": is_digest, "name": is_name, "seq": is_number, "head": is_digest, "event": is_event,
    "ordinal": is_number, "folder": is_name, "manifest": is_manifest,
}  # fmt: skip
"""Fields of what is told -> what they must be; exactly these."""


def told(line: bytes) -> dict[str, Any]:
    """One line, decoded and checked.

    Raises:
        Refused: with the field.
    """
    try:
        found: Any = json.loads(line.decode("utf-8"), object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise Refused("not one JSON object in UTF-8") from None
    if not isinstance(found, dict) or (found != HELLO and found.keys() != TELLING.keys()):
        raise Refused("expected exactly the fields " + ", ".join(TELLING))
    for name, is_right in TELLING.items() if found != HELLO else ():
        if not is_right(found[name]):
            raise Refused("the field " + name + " is not what it should be")
    return found


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which every name stands once (ValueError): twice, two readers may read two things."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def good_lines(content: bytes) -> list[tuple[bytes, dict[str, Any]]]:
    """The lines of a log that fit their own digest, each with what it says; one that was cut off does not."""
    found = []
    for line in content.split(b"\n"):
        if len(line) > OWN_DIGEST_BYTES and line.endswith(own_digest(line[:-OWN_DIGEST_BYTES])):
            try:
                found.append((line, json.loads(line)))
            except (ValueError, RecursionError):
                continue
    return found


def own_digest(unclosed: bytes) -> bytes:
    """The end of a line: the digest of all that stands before it."""
    return b',"line_sha256":"' + hashlib.sha256(unclosed).hexdigest().encode() + b'"}'


def received(log: str, said: dict[str, Any], whose: str) -> bytes:
    """The line of the log that is the receipt: appended and on disk, or that of the first time it was told.

    Raises:
        Refused: the log cannot be written, or is full.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(log, flags, 0o600), "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > MOST_LOG:
                raise Refused("the witness's log is no plain file, or is full: its owner has to begin another one")
            content = file.read()
            known = good_lines(content)
            own = [line for line, entry in known if entry["statement"]["campaign"] == said["campaign"]]
            for line, entry in known:
                if entry["statement"] == said:
                    return line
            line = line_of(known, own, said, whose)
            # What was cut off before stays; it is no line of the chain.
            whole = line if not content or content.endswith(b"\n") else b"\n" + line
            if file.write(whole + b"\n") != len(whole) + 1:
                raise OSError("no space left")
            os.fsync(file.fileno())
            return line
    except OSError as error:
        raise Refused("the witness's log cannot be written: " + str(error.strerror or error)) from error


def line_of(known: list[tuple[bytes, dict[str, Any]]], own: list[bytes], said: dict[str, Any], whose: str) -> bytes:
    """The next line of the log: `number` counts the campaign's own receipts, `before` is the digest of its last."""
    entry = {
        "seq": len(known) + 1,
        "prev": hashlib.sha256(known[-1][0]).hexdigest() if known else GENESIS,
        "utc": now(),
        "type": "receipt",
        "from": whose,
        "number": len(own) + 1,
        "before": hashlib.sha256(own[-1]).hexdigest() if own else None,
        "statement": said,
    }
    unclosed = json.dumps(entry, separators=(",", ":")).encode()[:-1]
    return unclosed + own_digest(unclosed)


def now() -> str:
    """The witness's own clock."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def signature_of(line: bytes, key: str | None) -> str | None:
    """The witness's signature of a line; null without a key, or where ssh-keygen refuses (the receipt stands)."""
    if key is None:
        return None
    command = ["ssh-keygen", "-Y", "sign", "-n", NAMESPACE, "-f", key]
    try:
        done = subprocess.run(command, input=line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=SIGN_S)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("ascii", "replace") if done.returncode == 0 else None


def answer(line: bytes, log: str, key: str | None, whose: str) -> dict[str, Any]:
    """What one line is answered with."""
    said = told(line)
    if said == HELLO:
        try:
            with open(log, "rb") as file:
                entries = len(good_lines(file.read()))
        except FileNotFoundError:
            entries = 0
        return {"utc": now(), "entries": entries}
    receipt = received(log, said, whose)
    return {"receipt": receipt.decode(), "signature": signature_of(receipt, key)}


def lines_of(file: int) -> Iterator[bytes]:
    """Lines as they come, each bounded, and so many of them."""
    rest = b""
    for _ in range(MOST_TOLD):
        while b"\n" not in rest:
            block = os.read(file, MOST_LINE)
            if not block:
                return
            rest += block
            if len(rest.split(b"\n", 1)[0]) > MOST_LINE:
                raise Refused("a line of more than " + str(MOST_LINE) + " bytes")
        line, rest = rest.split(b"\n", 1)
        yield line


def main() -> int:
    """Receive until the other side has told everything."""
    parser = argparse.ArgumentParser(description="Receives and stamps heads of wattlab campaigns (a forced command).")
    parser.add_argument("--log", required=True, help="the log, appended to")
    parser.add_argument("--key", help="OpenSSH private key that signs the receipts")
    parser.add_argument("--from", dest="whose", default="", help="whose key it is that this command is forced on")
    arguments = parser.parse_args()
    signal.alarm(SESSION_S)
    try:
        for line in lines_of(0):
            said = answer(line, arguments.log, arguments.key, arguments.whose)
            sys.stdout.write(json.dumps(said) + "\n")
            sys.stdout.flush()
    except Refused as error:
        sys.stdout.write(json.dumps({"error": str(error)}) + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
