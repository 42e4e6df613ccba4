"""The streams that a remote terminal emulator writes: every task, and how the emulator itself fared.

Knows names, columns and words of tasks-*.csv and generator-*.csv (docs/run-folder.md). Knows no connection, no user
and no number that is computed of them.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

from harness.record.documents import Json

POPULATION = "population.toml"
"""The population file among the inputs of a run, whatever it was called."""

TaskPhase: TypeAlias = Literal["stabilization", "rating", "supplementary"]
PHASES: tuple[TaskPhase, ...] = get_args(TaskPhase)
Reason: TypeAlias = Literal[
    "timeout", "refused", "reset", "unreachable", "garbled", "body-too-long", "redirects", "wrong-json", "status",
    "oracle", "no-work", "cut",
]  # fmt: skip
"""Why a task failed; empty where it did not."""
REASON_WORDS: Mapping[Reason, str] = {
    "timeout": "not complete within the activity's timeout_s from its intended time on",
    "refused": "nobody listens there",
    "reset": "the connection was closed before the answer was complete",
    "unreachable": "no connection for another reason: no route, no name, no free port, TLS",
    "garbled": "the answer is no HTTP, or the stream in it no event stream",
    "body-too-long": "longer than the activity's longest_bytes",
    "redirects": "more than the activity's redirects, or to another service",
    "status": "another status than the oracle's; without an oracle none from 200 to 299",
    "wrong-json": "the answer has to be JSON and is not",
    "oracle": "the oracle's value, text or digest is not there",
    "no-work": "the number of work units, or of tokens, does not stand where it should",
    "cut": "under way when the supplementary run ended, by its limit or because all that is rated was complete",
}
"""In words; of several the first that was met stands in the row."""
REASONS: tuple[Reason, ...] = get_args(Reason)


def _column(name: str, unit: str, text: str) -> Json:
    return {"name": name, "unit": unit, "text": text}


TASK_COLUMNS: tuple[Json, ...] = (
    _column("task", "", "number, from 0, in order of submission"),
    _column("user_type", "", "user type; empty for a load shape"),
    _column("user", "", "number of the user in its type; of a closed load, of the place; else empty"),
    _column("chain", "", "chain type; empty for a load shape"),
    _column("chain_run", "", "number of the chain of this user, from 0; empty for a load shape"),
    _column("step", "", "place in the chain, from 0; empty for a load shape"),
    _column("task_type", "", "task type"),
    _column("phase", "", "phase in which it was intended"),
    _column("preparation_ns", "ns", "preparation time that was drawn; for a load shape empty"),
    _column("intended_ns", "ns", "when it was to be submitted"),
    _column("submitted_ns", "ns", "when its first byte was handed to the connection"),
    _column("first_byte_ns", "ns", "first byte of the answer"),
    _column("first_token_ns", "ns", "first token of a streamed answer"),
    _column("completed_ns", "ns", "last byte of the answer"),
    _column("status", "", "HTTP status; 0 where no answer came"),
    _column("bytes_sent", "B", "of the request, with its head"),
    _column("bytes_received", "B", "of the answer's body"),
    _column("work_units", "", "work units of a correct answer (the activity says of what); 0 where it failed"),
    _column("input_tokens", "", "tokens of the prompt, as the answer's usage says"),
    _column("output_tokens", "", "tokens of the answer, as its usage says"),
    _column("chunks", "", "pieces with text of a streamed answer"),
    _column("longest_gap_ns", "ns", "longest time between two of them"),
    _column("correct", "", "1, 0; empty: no oracle"),
    _column("reason", "", "why it failed, one word; empty: it did not"),
    _column("request_digest", "", "first 16 hex digits of the SHA-256 of the request's body"),
    _column("answer_digest", "", "first 16 hex digits of the SHA-256 of the answer's body, complete or not"),
)
"""One row a task, written when it is complete or given up; whole numbers (work_units may have a fraction), stamps of
the host's monotonic clock, empty where it did not happen."""

GENERATOR_COLUMNS: tuple[Json, ...] = (
    _column("time_ns", "ns", "end of this second"),
    _column("cpu_s", "s", "CPU time of the emulator since its start"),
    _column("loop_lag_p99_ns", "ns", "lateness of 99 % of what was due in this second: tasks, and a beat each 10 ms"),
    _column("open_connections", "", "connections that are open"),
    _column("errors", "", "connections that failed, since the start"),
    _column("queued", "", "tasks that are due and wait for a connection"),
    _column("loop_lag_max_ns", "ns", "greatest lateness of what was due in this second"),
    _column("submitted", "", "tasks submitted, since the start"),
    _column("completed", "", "tasks complete or given up, since the start"),
)
"""One row a second."""


def tasks_stream(population: str) -> str:
    """Name of the file of tasks."""
    return f"tasks-{population}.csv"


def generator_stream(population: str) -> str:
    """Name of the file of how the emulator fared."""
    return f"generator-{population}.csv"


def header_of(columns: tuple[Json, ...]) -> str:
    """First line of a file with these columns."""
    return ",".join(str(column["name"]) for column in columns)
