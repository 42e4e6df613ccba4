"""What was found on a network: which driver reads it, where, and what a lab still has to say.

Knows: the record. Does not know: how anything is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Found:
    """A meter, or what one is read through: driver and port (empty: only the lab knows it), what it says of itself, by
    which protocol it was found, options that are known already, and what is still needed in words, nothing where it can
    be read as it is."""

    driver: str
    port: str
    says: str
    by: str
    options: Mapping[str, float | str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
