"""Every kind of derived document. Knows their names only."""

from typing import Any

from harness.evidence.campaigns import RESULTS_DOCUMENT
from harness.evidence.comparisons import COMPARISON_DOCUMENT
from harness.evidence.derived import Derived
from harness.evidence.estimations import ESTIMATION_DOCUMENT
from harness.evidence.qualifications import QUALIFICATION_DOCUMENT
from harness.evidence.studies import STUDY_DOCUMENT
from harness.evidence.verifier import PAGE

KINDS: tuple[Derived[Any, Any], ...] = (
    RESULTS_DOCUMENT, STUDY_DOCUMENT, COMPARISON_DOCUMENT, QUALIFICATION_DOCUMENT, ESTIMATION_DOCUMENT,
)  # fmt: skip
BESIDE_RESULTS = tuple(kind for kind in KINDS if kind.folder and kind is not RESULTS_DOCUMENT)
"""Those that lie in a campaign beside results.json, where they were asked for."""
COMPUTED = frozenset({PAGE, *(check for kind in KINDS for check in kind.checks)})
"""Checks of what is computed from what was measured."""
