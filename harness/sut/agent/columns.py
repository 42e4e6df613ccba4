"""A column of the descriptor: what one value of every sample is.

Knows its fields (docs/run-folder.md). Does not know any column.
"""

from __future__ import annotations

from typing import Any


def column(
    name: str, unit: str, quantity: str, method: str, kind: str = "gauge", range_j: float | None = None
) -> dict[str, Any]:
    """A column of the descriptor. `range_j`: where a counter of energy begins anew, null where it is not known to."""
    wraps = {} if range_j is None else {"range_j": range_j}
    return {"name": name, "unit": unit, "quantity": quantity, "method": method, "kind": kind, **wraps}
