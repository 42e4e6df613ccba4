"""server.json and client.json of an MLPerf power submission: PTDaemon's side of the conversation, zones, digests.

Knows both documents of mlcommons/power-dev. Knows no sample and no run.
"""

import json
import math
from dataclasses import dataclass, field

from harness.foreign.importers.ptd.measurement import Go, take_reply, take_start
from harness.foreign.importers.source import SourceFile
from harness.record.documents import Json
from harness.record.errors import ImportFileError


@dataclass(slots=True)
class Conversation:
    """PTDaemon's side of server.json: identity, measurements, SHA-1 of the results by path, whether power is DC, what
    the server's clock lacks to UTC (s)."""

    source: SourceFile
    identify: str | None = None
    goes: list[Go] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)
    direct_current: bool = False
    zone_s: int | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """client.json: SHA-1 of the results by path, the zone of the client's clock (s to UTC), how far it and the server's
    clock were apart at most (s); None where it does not say."""

    source: SourceFile
    hashes: dict[str, str] = field(default_factory=dict)
    zone_s: int | None = None
    clocks_s: float | None = None


def read_server(source: SourceFile) -> Conversation:
    """server.json of a submission.

    Raises:
        ImportFileError: no JSON, or another form; with the line.
    """
    try:
        raw = json.loads(source.content)
    except (ValueError, RecursionError) as error:
        raise ImportFileError(
            f"{source.path}:{getattr(error, 'lineno', 1)}: not JSON ({error}); copy it again"
        ) from None
    messages = raw.get("ptd_messages", []) if isinstance(raw, dict) else None
    if not isinstance(messages, list) or not all(
        isinstance(m, dict) and isinstance(m.get("cmd"), str) and isinstance(m.get("reply"), str) for m in messages
    ):
        raise ImportFileError(f"{source.path}:1: expected an object with ptd_messages, a list of {{cmd, reply}}")
    conversation = Conversation(source)
    results = raw.get("results")
    if isinstance(results, dict):
        conversation.hashes = {str(name): str(digest) for name, digest in results.items()}
    config = raw.get("ptd_config")
    analysers = config if isinstance(config, list) else [config]  # a list since power-dev serves several
    kinds = [analyser.get("device_type") for analyser in analysers if isinstance(analyser, dict)]
    conversation.direct_current = any(isinstance(kind, int) and 500 <= kind < 1000 for kind in kinds)
    conversation.zone_s = _whole_number(raw.get("timezone"))
    asked: list[str] = []
    for message in messages:
        command, reply = str(message["cmd"]), str(message["reply"]).strip()
        if command == "Identify":
            conversation.identify = reply
        elif command.startswith("Go,"):
            fields = command.split(",", 3)
            conversation.goes.append(Go(fields[3] if len(fields) > 3 else "notset", commands=asked))
            take_start(conversation.goes[-1], reply)
            asked = []
        elif command.startswith(("SR,", "RR")):
            asked.append(f"{command}: {reply}")
        elif conversation.goes:
            take_reply(conversation.goes[-1], reply, f"{source.path}: reply to {command}")
    return conversation


def read_client(source: SourceFile) -> Client:
    """client.json of a submission; what is none of it says nothing."""
    try:
        raw = json.loads(source.content)
    except (ValueError, RecursionError):
        return Client(source)
    if not isinstance(raw, dict):
        return Client(source)
    results, messages = raw.get("results"), raw.get("messages")
    hashes = {str(name): str(digest) for name, digest in results.items()} if isinstance(results, dict) else {}
    answers = messages if isinstance(messages, list) else []
    apart = [_apart_s(message) for message in answers if isinstance(message, dict)]
    known = [apart_s for apart_s in apart if apart_s is not None]
    return Client(source, hashes, _whole_number(raw.get("timezone")), max(known, default=None))


def _apart_s(message: Json) -> float | None:
    """How far the server's clock was from the client's at most: it answered `time` between two stamps of the
    client."""
    if message.get("cmd") != "time":
        return None
    try:
        asked_s, told_s, heard_s = (float(message[key]) for key in ("cmd_time", "reply", "reply_time"))
    except (KeyError, TypeError, ValueError):
        return None
    apart_s = max(abs(told_s - asked_s), abs(told_s - heard_s))
    return apart_s if math.isfinite(apart_s) else None


def _whole_number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
