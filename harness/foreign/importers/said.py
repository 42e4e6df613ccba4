"""Whose readings a file says that it holds, where it says so: a label that wattlab exported, an emulator's mark.

Knows the words. Does not know any file's form.

Decisions
- What was emulated or estimated stays so on any way out and back: `imported` would say that somebody measured it.
- Other labels of an export (`measured`, `unattested`) are another lab's word, which is what `imported` says.
"""

from collections.abc import Collection
from typing import Literal, TypeAlias

from harness.record.documents import Json
from meters.reading import EMULATOR_MARK

SaidOrigin: TypeAlias = Literal["imported", "emulated", "estimated"]
KEPT: tuple[Literal["emulated", "estimated"], ...] = ("emulated", "estimated")
"""Labels that an import keeps; of several the first."""


def origin_said(labels: Collection[object], identity: Json) -> SaidOrigin:
    """The origin of a stream by the labels that stand beside its readings, and by who its meter says it is."""
    if any(EMULATOR_MARK in str(word) for word in identity.values()):
        return "emulated"
    return next((label for label in KEPT if label in labels), "imported")
