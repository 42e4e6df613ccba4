"""A session's log.txt: when its trace began, which instrument took it, which model ran.

Knows the lines of EnergyRunner's log (`00027.614 session: m-session-start-id[20220306182558]`, seconds since the
program began) and of MLCommons' runner (`sessions\\20250725_190327`, `0725.190333 ulp-mlperf: Load complete.`). All are
local wall clock without a zone.
"""

import re
from dataclasses import dataclass

from harness.foreign.importers.source import SourceFile, lines_of
from harness.foreign.importers.stamps import SECOND_NS, wall_ns

_SESSION = re.compile(r"^(\d+\.\d+) session: m-session-start-id\[(\d{14})\]")
_TRACE_ON = re.compile(r"^(\d+\.\d+) emon: m-trace\[on\]")
_INSTRUMENT = re.compile(r"m-regfile-fn\[[^\]]*\]-type\[emon\]-name\[([^\]]+)\]")
_MODEL = re.compile(r"m-model-\[([^\]]+)\]|Device model retrieved: (\S+)")
_FOLDER = re.compile(r"sessions[\\/](\d{8})_(\d{6})")
_LOADED = re.compile(r"^(\d{4})\.(\d{6}) \S+: Load complete")


@dataclass(frozen=True, slots=True)
class SessionLog:
    """What a log tells: the trace's beginning, or those of the trials (ns, empty where it does not say), to within how
    much (s); instrument and model (empty: not said)."""

    begins_ns: tuple[int, ...] = ()
    within_s: float = 1.0
    instrument: str = ""
    model: str = ""


def read_session_log(source: SourceFile) -> SessionLog:
    """A log; of any other text nothing is known."""
    lines = lines_of(source)
    session = next((match for line in lines if (match := _SESSION.match(line))), None)
    trace_on = next((match for line in lines if (match := _TRACE_ON.match(line))), None)
    instrument = next((match[1] for line in lines if (match := _INSTRUMENT.search(line))), "")
    model = next((match[1] or match[2] for line in lines if (match := _MODEL.search(line))), "")
    begins: tuple[int, ...] = ()
    if session and trace_on and (started_ns := _stamp(session[2])) is not None:
        begins = (started_ns + round((float(trace_on[1]) - float(session[1])) * SECOND_NS),)
    elif folder := next((match for line in lines if (match := _FOLDER.search(line))), None):
        loaded = [match for line in lines if (match := _LOADED.match(line))]
        moments = [_stamp(folder[1][:4] + match[1] + match[2]) for match in loaded] or [_stamp(folder[1] + folder[2])]
        begins = tuple(moment for moment in moments if moment is not None)
    return SessionLog(begins, 1.0, instrument, model)


def _stamp(digits: str) -> int | None:
    parts = [int(digits[:4]), *(int(digits[at : at + 2]) for at in range(4, 14, 2))]
    return wall_ns(*parts)
