"""Time stamps of an authority after RFC 3161, through `openssl ts`: asked for by HTTP, read, verified.

Knows queries, answers and openssl's words. What is stamped is a digest: that of a line of the campaign's log. Knows no
campaign. An authority keeps no list of what it stamped: a stamp proves that the digest existed then, and nothing of
other digests.
"""

import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.record.errors import WitnessError, why

TIMEOUT_S = 20.0
MOST_BYTES = 1 << 16
"""A time stamp with its certificates has a few thousand."""
STAMP = re.compile(r"^Time stamp: (.+?)(?:\.(\d+))? (\d{4}) GMT$", re.MULTILINE)
STATUS = re.compile(r"^Status: (Granted|Granted with modifications)\.", re.MULTILINE)
DUMP = re.compile(r"^ {4}[0-9a-f]{4} - ((?:[0-9a-f]{2}[ -])+)", re.MULTILINE)


def stamp_digest(digest: str, authority: str) -> bytes:
    """A time stamp of a SHA-256 from the authority at a URL, checked to be of this digest.

    Raises:
        WitnessError: it does not answer, or not with such a stamp.
    """
    query = _openssl(["-query", "-digest", digest, "-sha256", "-cert"], b"")
    request = urllib.request.Request(authority, query, {"Content-Type": "application/timestamp-query"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            token = answer.read(MOST_BYTES + 1)
    except (OSError, ValueError, urllib.error.URLError) as error:
        raise WitnessError(f"{authority}: the time-stamping authority does not answer ({why(error)})") from None
    stamped_at(bytes(token), digest)
    return bytes(token)


def stamped_at(token: bytes, digest: str) -> str:
    """When an answer stamps this digest (UTC, ISO 8601); who stamped it is not checked.

    Raises:
        WitnessError: it is no time stamp of this digest.
    """
    if len(token) > MOST_BYTES:
        raise WitnessError("the answer of the time-stamping authority is too long to be a time stamp")
    with TemporaryDirectory(prefix="wattlab-") as name:
        place = Path(name) / "token"
        place.write_bytes(token)
        said = _openssl(["-reply", "-in", str(place), "-text"], b"").decode(errors="replace")
    stamp = STAMP.search(said)
    if STATUS.search(said) is None or stamp is None:
        raise WitnessError("the time-stamping authority did not grant a time stamp")
    message = said[said.find("Message data:") : said.find("Serial number:")]
    found = "".join(re.sub("[ -]", "", line) for line in DUMP.findall(message))
    if found != digest:
        raise WitnessError(f"the time stamp is of {found}, not of {digest}")
    moment = datetime.strptime(f"{stamp[1]} {stamp[3]}", "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    millis = f"{stamp[2] or '0'}000"[:3]
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{millis}Z"


def problem_of(token: bytes, digest: str, authority: Path) -> str | None:
    """Why a time stamp of this digest is not one of the authority whose certificate this PEM file holds; None where it
    is."""
    with TemporaryDirectory(prefix="wattlab-") as name:
        place = Path(name) / "token"
        place.write_bytes(token)
        try:
            _openssl(["-verify", "-digest", digest, "-in", str(place), "-CAfile", str(authority)], b"")
        except WitnessError as error:
            return str(error)
    return None


def _openssl(words: Sequence[str], given: bytes) -> bytes:
    try:
        done = subprocess.run(
            ["openssl", "ts", *words], input=given, capture_output=True, timeout=TIMEOUT_S, check=False,
            start_new_session=True,
        )  # fmt: skip
    except FileNotFoundError:
        raise WitnessError("openssl is not on this machine; install it (openssl)") from None
    except subprocess.TimeoutExpired:
        raise WitnessError(f"openssl did not answer within {TIMEOUT_S:.0f} s") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        raise WitnessError(f"openssl ts does not accept it ({said[-1] if said else done.returncode})")
    return done.stdout
