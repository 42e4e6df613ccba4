"""What the agent's messages say: stamps, reasons, the end of a rating interval; each checked before it is believed.

Knows the fields of a message. Knows no channel and no session.
"""

from dataclasses import dataclass

from harness.record.documents import LAST_STAMP_NS, Json, matches, shown
from harness.record.errors import SutError, printable


@dataclass(frozen=True, slots=True)
class RatingResult:
    """How a rating interval ended; stamps are the SUT's monotonic clock (ns); `reason` is null unless it was cut
    short."""

    exit_code: int | None
    begin_ns: int
    end_ns: int
    reason: str | None


def rating_result(name: str, record: Json) -> RatingResult:
    """How the interval ended, as the agent of the SUT `name` says it.

    Raises:
        SutError: it says what is none; the run cannot be rated.
    """
    code, begin_ns, end_ns = record.get("exit_code"), stamp(record, "begin_ns"), stamp(record, "sut_ns")
    reason = record.get("reason")
    if begin_ns is None or end_ns is None or begin_ns >= end_ns or not matches(code, int | None):
        values = shown([record.get(key) for key in ("begin_ns", "sut_ns", "exit_code")])
        raise SutError(
            f"{name}: the agent says that begin, end and exit code of the rating interval are {values}, "
            "expected two stamps in order and a number"
        )
    return RatingResult(code, begin_ns, end_ns, None if reason is None else reason_of(reason))


def stamp(message: Json, key: str) -> int | None:
    """A stamp of the SUT in ns; None where there is none that could be one."""
    value = message.get(key)
    return value if type(value) is int and 0 <= value < LAST_STAMP_NS else None


def reason_of(text: object) -> str:
    """What the agent gave as a reason, for a message."""
    return printable(text if isinstance(text, str) else shown(text))[:500]
