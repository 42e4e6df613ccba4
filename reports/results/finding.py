"""What deserves a remark, a warning, or makes a run or a campaign invalid: the record. Knows no rule and no word."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from harness.record.documents import Json

Severity: TypeAlias = Literal["info", "warn", "invalid"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `subject` names a run folder, a scenario, a meter or the campaign; `evidence` holds the numbers."""

    code: str
    severity: Severity
    subject: str
    evidence: Json = field(default_factory=dict)
