"""The environments of a study: where each of its runs is made, each a machine with its meter in a lab.toml.

Knows the table [environments.NAME] of a study file, and what the campaign of one is called. A record of this room, for
what measures and what analyses need it.
"""

from dataclasses import dataclass, field
from typing import Any

ENVIRONMENT = "environment"
"""The factor, and the column of the table of runs, whose levels are the environments."""
RUNS_FOLDER = "runs"
"""Where the campaigns of a study are kept, seen from the study file, unless `campaign.runs_folder` says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a scenario is expected to take before any run was made: s, and W at the meter where it is known."""

    duration_s: float = field(metadata={"minimum": 0})
    power_w: float = field(default=0.0, metadata={"minimum": 0})


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One environment."""

    title: str
    lab: str = "lab.toml"
    """The lab.toml of the room, seen from the study file."""
    sut: str = ""
    """The SUT, where that lab.toml declares several."""
    prefix: list[str] = field(default_factory=list)
    """Words before the command of every scenario: `["taskset", "--cpu-list", "0"]`."""
    only: dict[str, list[Any]] = field(default_factory=dict)
    """Factor -> the levels that are run here; what is not named is run at all of its levels."""
    levels: dict[str, str] = field(default_factory=dict)
    """Columns of the table of runs that are the same for all of them."""
    same_as: str = ""
    """Another environment on the same machine or meter: that both are one is said here, or refused."""
    note: str = ""
    expected: dict[str, Expected] = field(default_factory=dict)
    """Scenario, or cell -> what it is expected to take here."""


def campaign_name(study: str, environment: str) -> str:
    """What the campaign of an environment is called."""
    return f"{study}.{environment}"


def campaign_folder(study: str, environment: str, sut: str) -> str:
    """Its folder in `runs_folder`; `sut` is empty where lab.toml has one without a name."""
    return campaign_name(study, environment) + (f"@{sut}" if sut else "")
