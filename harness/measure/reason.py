"""A reason to start or not to: the record. Knows no check."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["refuse", "warn", "unknown", "ok"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One line of the list: `refuse` stops a start, `warn` goes into the report, `unknown` cannot be found out,
    `ok` is what was found in order."""

    severity: Severity
    subject: str
    """What was asked: the disk, a meter, a part of the SUT."""
    text: str
    """What was found, and what to do."""
