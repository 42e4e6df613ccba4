"""A column of the descriptor: what one value of every sample is.

Knows its fields (docs/run-folder.md). Does not know any column.
"""

from __future__ import annotations


def column(name: str, unit: str, quantity: str, method: str, kind: str = "gauge") -> dict[str, str]:
    """A column of the descriptor."""
    return {"name": name, "unit": unit, "quantity": quantity, "method": method, "kind": kind}
