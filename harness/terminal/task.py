"""One task under way: where it comes from, and what happened to it.

Knows the columns of a row. Knows no connection and no clock. It is written field by field while it is under way, by
whoever sees what happens; nobody changes it after it is over.
"""

from collections.abc import Callable

from harness.record.tasks import Reason, TaskPhase


class Task:
    """A task; stamps in ns of the host's monotonic clock, None where it did not happen."""

    __slots__ = (
        "answer_digest",
        "body",
        "bytes_received",
        "bytes_sent",
        "chain",
        "chain_run",
        "chunks",
        "completed_ns",
        "correct",
        "first_byte_ns",
        "first_token_ns",
        "input_tokens",
        "intended_ns",
        "is_over",
        "last_chunk_ns",
        "longest_gap_ns",
        "number",
        "on_over",
        "output_tokens",
        "over_ns",
        "phase",
        "preparation_ns",
        "reason",
        "request_digest",
        "status",
        "step",
        "submitted_ns",
        "task_type",
        "user",
        "user_type",
        "work_units",
    )

    def __init__(
        self,
        task_type: str,
        intended_ns: int,
        on_over: "Callable[[Task], None]",
        user: int | None = None,
        user_type: str = "",
        chain: str = "",
        chain_run: int | None = None,
        step: int | None = None,
        preparation_ns: int | None = None,
    ) -> None:
        self.task_type, self.intended_ns, self.on_over = task_type, intended_ns, on_over
        self.user, self.user_type, self.chain, self.chain_run, self.step = user, user_type, chain, chain_run, step
        self.preparation_ns = preparation_ns
        self.number = -1
        self.phase: TaskPhase = "stabilization"
        self.is_over, self.over_ns = False, 0
        self.submitted_ns: int | None = None
        self.first_byte_ns: int | None = None
        self.first_token_ns: int | None = None
        self.completed_ns: int | None = None
        self.last_chunk_ns = 0
        self.status = self.bytes_sent = self.bytes_received = 0
        self.work_units: int | float = 0
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None
        self.chunks: int | None = None
        self.longest_gap_ns: int | None = None
        self.correct: bool | None = None
        self.reason: Reason | None = None
        self.request_digest = self.answer_digest = ""
        self.body = b""

    def row(self) -> str:
        """Its line of tasks-*.csv, in the order of `TASK_COLUMNS`."""
        correct = "" if self.correct is None else int(self.correct)
        return (
            f"{self.number},{self.user_type},{_cell(self.user)},{self.chain},{_cell(self.chain_run)},"
            f"{_cell(self.step)},{self.task_type},{self.phase},{_cell(self.preparation_ns)},{self.intended_ns},"
            f"{_cell(self.submitted_ns)},{_cell(self.first_byte_ns)},{_cell(self.first_token_ns)},"
            f"{_cell(self.completed_ns)},{self.status},{self.bytes_sent},{self.bytes_received},{self.work_units},"
            f"{_cell(self.input_tokens)},{_cell(self.output_tokens)},{_cell(self.chunks)},"
            f"{_cell(self.longest_gap_ns)},{correct},{self.reason or ''},{self.request_digest},{self.answer_digest}\n"
        )


def _cell(value: int | None) -> int | str:
    return "" if value is None else value
