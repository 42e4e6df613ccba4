"""What deserves a remark, a warning, or makes a run or a campaign invalid: the record. Knows no rule and no word."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from harness.record.documents import Json
from reports.results.codec import keyed
from reports.results.kinds.code import FindingCode

Severity: TypeAlias = Literal["info", "warn", "invalid"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding."""

    code: FindingCode = field(metadata=keyed(is_open=True))
    """Which rule found it ([codes of findings](results.md#codes-of-findings)); archives may have codes of other
    versions."""
    severity: Severity
    """How much it weighs; `invalid` on a run may take the run out of the means."""
    subject: str
    """What it is about: a run folder, a scenario, a meter or `campaign`."""
    evidence: Json = field(default_factory=dict)
    """The numbers behind it, by name; empty where there are none."""
