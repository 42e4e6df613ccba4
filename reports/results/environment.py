"""How far a study is in each of its environments, as study.json and `study plan --json` have it.

Knows these keys. Computes nothing: `harness.evidence.study_progress` reads them from the campaigns' logs.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

WhyGivenUp: TypeAlias = Literal["memory", "killed", "failed"]
"""Its last words name memory; it was killed, as the kernel kills what takes more memory than there is; any other."""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A cell of which runs are left out, because its program failed in every attempt at one of them."""

    scenario: str
    """Name of the scenario, or of its cell."""
    runs: int
    """How many of its runs were not made."""
    why: WhyGivenUp
    """`memory`, `killed` or `failed`."""
    reason: str
    """What the log says of the last attempt."""


@dataclass(frozen=True, slots=True)
class EnvironmentProgress:
    """One environment. Runs are those of the plan, baseline blocks among them."""

    name: str
    """Its name in the study file."""
    title: str
    """Its title."""
    folder: str
    """Its campaign, seen from the study file."""
    planned: int
    """How many runs its plan has; 0 where it was not begun."""
    made: int
    """How many were measured."""
    left: int
    """How many are to be made."""
    given_up: tuple[GivenUp, ...]
    """Cells that were not measured, or not as often as planned."""
    changed: tuple[str, ...]
    """TOML paths of the analysis that were declared otherwise when the first run of the campaign was made."""
    lacking: tuple[str, ...] = ()
    """What the campaign's log names and its folder does not hold as it was sealed: runs that are gone, the study file
    of the first run. With any of it nothing proves what was declared before the first run."""
