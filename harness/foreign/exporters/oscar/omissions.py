"""What an export leaves out, each remark once.

Knows sentences. Knows no run.
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Omissions:
    """Remarks on what was left out, in the order in which they were made."""

    remarks: dict[str, None] = field(default_factory=dict)

    def note(self, text: str) -> None:
        """Keep a remark; one that is there already stands once."""
        self.remarks.setdefault(text)
