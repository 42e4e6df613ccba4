"""Tells the witnesses of a campaign its heads while it is measured, and keeps what they answer.

Knows the two kinds of witness (somebody else's account by SSH, `receiver`; an authority after RFC 3161, `timestamps`),
and that receipts.jsonl is chained. What has to be told is what the log has and the receipts have not: nothing else is
remembered, so what an unreachable witness did not hear is told later, by whoever tells it. No failure here costs a run.
"""

import base64
import hashlib
import json
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeGuard

from harness.attest.signer import public_not_private
from harness.attest.timestamps import stamp_digest, stamped_at
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import Json, load_object
from harness.record.entries import RECEIPT_OF, WITNESSED, RunEnd, header_of, of
from harness.record.errors import DocumentError, LabError, WitnessError
from harness.station.config import SSH_ADDRESS, LabConfig

TIMEOUT_S = 30.0
CONNECT_S = 10
RETRY_S = 60.0
ABORTED_S = 3.0
"""How long a campaign that was ended waits for the last receipts."""
MOST_AT_ONCE = 200
"""Heads of one session: the receiver ends a longer one."""
COMMAND = "wattlab-witness"
"""What is asked for by SSH; the witness's authorized_keys puts the receiver in its place, whatever is asked for."""


class Channel(Protocol):
    """A way to one witness."""

    kind: str
    name: str

    def receipts(self, tellings: Sequence[Json]) -> Iterator[Json]:
        """What it answers to each head in turn: the body of an entry of receipts.jsonl.

        Raises:
            WitnessError: it cannot be reached, or answers something else; what was yielded before stands.
        """
        ...


class SshWitness:
    """Somebody else's account, whose authorized_keys forces the receiver on this key."""

    kind = "ssh"

    def __init__(self, address: str, key_file: Path, known_hosts: Path) -> None:
        self.name = address
        found = SSH_ADDRESS.fullmatch(address)
        if found is None:
            raise WitnessError(f"{address}: expected user@host or user@host:port")
        self._to = f"{found[1]}@{found[2].strip('[]')}"
        self._port = found[3] or "22"
        self._key_file, self._known_hosts = key_file, known_hosts

    def hello(self) -> Json:
        """What its clock says (`utc`), and how many receipts it has (`entries`); nothing is kept of it.

        Raises:
            WitnessError: it cannot be reached, or is no receiver.
        """
        answer = next(self._answers([{"event": "hello"}]), {})
        if not isinstance(answer.get("utc"), str):
            raise WitnessError(f"{self.name}: answers {str(answer)[:200]}, which is not what a receiver says")
        return answer

    def receipts(self, tellings: Sequence[Json]) -> Iterator[Json]:
        """The lines of its log, each with its signature where it has a key."""
        for telling, answer in zip(tellings, self._answers(tellings), strict=False):
            line, signature = answer.get("receipt"), answer.get("signature")
            entry = _object(line.encode()) if _is_plain(line) else None
            if entry is None or entry.get("statement") != telling or not (signature is None or _is_plain(signature)):
                raise WitnessError(f"{self.name}: its receipt is of something else: {str(answer)[:200]}")
            yield {"of": telling["seq"], "head": telling["head"], "line": line, "signature": signature}

    def _answers(self, tellings: Sequence[Json]) -> Iterator[Json]:
        """One object for each that was told, in one session."""
        done = self._session("".join(f"{json.dumps(one)}\n" for one in tellings).encode())
        answers = [one for line in done.stdout.splitlines() if (one := _object(line)) is not None]
        for answer in answers:
            if "error" in answer:
                raise WitnessError(f"{self.name}: refused: {str(answer['error'])[:200]}")
            yield answer
        if len(answers) < len(tellings):
            said = (done.stderr.strip() or done.stdout.strip()).decode(errors="replace").splitlines()
            words = said[-1][:200] if said else f"exit code {done.returncode}"
            if advice := public_not_private(self._key_file):
                words += f"; witness.key_file {self._key_file}: {advice}"
            raise WitnessError(
                f"{self.name}: no receipt ({words}); is the receiver the forced command of this key there?"
            )

    def _session(self, given: bytes) -> "subprocess.CompletedProcess[bytes]":
        options = {
            "BatchMode": "yes", "StrictHostKeyChecking": "yes", "UserKnownHostsFile": f'"{self._known_hosts}"',
            "IdentitiesOnly": "yes", "ConnectTimeout": str(CONNECT_S), "ClearAllForwardings": "yes",
        }  # fmt: skip
        words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        command = ["ssh", "-T", *words, "-i", str(self._key_file), "-p", self._port, "--", self._to, COMMAND]
        try:
            return subprocess.run(
                command, input=given, capture_output=True, timeout=TIMEOUT_S, check=False, start_new_session=True
            )
        except FileNotFoundError:
            raise WitnessError("ssh is not on this machine; install OpenSSH (openssh-client)") from None
        except subprocess.TimeoutExpired:
            raise WitnessError(f"{self.name}: no receipt within {TIMEOUT_S:.0f} s") from None


def _is_plain(value: object) -> TypeGuard[str]:
    """A text as the receiver writes it: a witness that is another one may answer anything."""
    return isinstance(value, str) and value.isascii()


def _object(line: bytes) -> Json | None:
    """An answer; None for what a login's start-up file printed."""
    try:
        return load_object(line, "")
    except DocumentError:
        return None


class Authority:
    """A time-stamping authority after RFC 3161."""

    kind = "rfc3161"

    def __init__(self, url: str) -> None:
        self.name = url

    def receipts(self, tellings: Sequence[Json]) -> Iterator[Json]:
        """A time stamp of each head."""
        for telling in tellings:
            token = stamp_digest(telling["head"], self.name)
            yield {
                "of": telling["seq"], "head": telling["head"], "stamp": stamped_at(token, telling["head"]),
                "authority": self.name, "token": base64.b64encode(token).decode(),
            }  # fmt: skip


def channels_of(config: LabConfig) -> list[Channel]:
    """The ways to the witnesses that lab.toml names."""
    section, folder = config.file.witness, config.path.parent
    found: list[Channel] = []
    if section.ssh:
        files = (folder / Path(name).expanduser() for name in (section.key_file, section.known_hosts))
        found.append(SshWitness(section.ssh, *files))
    if section.rfc3161:
        found.append(Authority(section.rfc3161))
    return found


def clock_of(channel: Channel) -> str:
    """What a witness's clock says now (UTC, ISO 8601); nothing is told of a campaign.

    Raises:
        WitnessError: it cannot be reached.
    """
    if isinstance(channel, SshWitness):
        return str(channel.hello()["utc"])
    nothing = hashlib.sha256(b"wattlab check").hexdigest()
    return stamped_at(stamp_digest(nothing, channel.name), nothing)


def tellings_of(campaign: CampaignFolder) -> list[Json]:
    """Everything of the campaign's log that a witness is told, in its order.

    Raises:
        RunFolderError, DocumentError: the log cannot be read, or its chain is broken.
    """
    entries, lines, identity = campaign.entries(), campaign.log.lines(), campaign.identity
    header = header_of(entries)
    name = "" if header is None else header.name[:200]
    return [
        {
            "campaign": identity, "name": name, "seq": entry.seq, "head": hashlib.sha256(line).hexdigest(),
            "event": entry.TYPE, "ordinal": entry.ordinal, "folder": entry.folder,
            "manifest": entry.manifest if isinstance(entry, RunEnd) else None,
        }
        for entry, line in zip(entries, lines, strict=False)  # a run may have begun between the two
        if isinstance(entry, WITNESSED)
    ]  # fmt: skip


def untold(campaign: CampaignFolder, kind: str) -> list[Json]:
    """What this kind of witness has not given a receipt for yet."""
    known = {(receipt.of, receipt.head) for receipt in of(RECEIPT_OF[kind], campaign.receipts.entries())}
    return [telling for telling in tellings_of(campaign) if (telling["seq"], telling["head"]) not in known]


def deliver(campaign: CampaignFolder, channels: Sequence[Channel]) -> dict[str, str]:
    """Tell every witness what it has not heard yet, and append its receipts; witness -> why it did not hear all."""
    problems = {}
    for channel in channels:
        try:
            waiting = untold(campaign, channel.kind)
            for begin in range(0, len(waiting), MOST_AT_ONCE):
                for receipt in channel.receipts(waiting[begin : begin + MOST_AT_ONCE]):
                    utc = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
                    campaign.receipts.append(RECEIPT_OF[channel.kind].TYPE, utc, receipt)
        except (LabError, OSError) as error:
            problems[channel.name] = str(error)
    return problems


class Messenger:
    """Delivers in a thread of its own while the context is open: at once when there is a new head, again after a while
    when a witness could not be reached. `problems` says of which witness that is so at the end."""

    def __init__(self, campaign: CampaignFolder, channels: Sequence[Channel]) -> None:
        self.problems: dict[str, str] = {}
        self._campaign, self._channels = campaign, channels
        self._read = CampaignFolder(campaign.path)  # the thread's own: an open log is of one thread
        self._wake, self._closing = threading.Event(), False
        self._failed_s = -RETRY_S
        self._thread = threading.Thread(target=self._work, name="witness", daemon=True)

    def __enter__(self) -> Self:
        if self._channels:
            self._campaign.on_head = self._wake.set
            self._wake.set()
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Deliver what is left, unless the witness was away a moment ago, and end the thread; an operator who ends the
        campaign is not kept waiting for it."""
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(None if kind is None else ABORTED_S)
        if self._thread.is_alive():
            self.problems = {channel.name: "it has not answered yet" for channel in self._channels}

    def _work(self) -> None:
        is_last = False
        while not is_last:
            self._wake.wait(RETRY_S if self.problems else None)
            self._wake.clear()
            # What was told before the context was left is delivered after this line, at the latest.
            is_last = self._closing
            if not is_last or time.monotonic() - self._failed_s > RETRY_S:
                self.problems = deliver(self._read, self._channels)
                self._failed_s = time.monotonic() if self.problems else -RETRY_S
