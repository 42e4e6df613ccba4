"""What a rating part is, and what it may ask of the run that it is plugged into.

Knows the contract. Knows no phase around the interval: `harness.measure.run` has their order.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from harness.measure.bench import Bench
from harness.measure.plan import PlannedRun
from harness.measure.recorder import MeterRecorder
from harness.measure.scenario import Scenario
from harness.record.documents import Document, Edge
from harness.record.errors import LabError
from harness.sut.answers import RatingResult
from harness.sut.session import AgentSession

POLL_S = 0.2
GRACE_S = 60.0
"""So much longer than its limit an interval may take before its load is ended: the SUT ends what it can itself."""


class RunFailed(LabError):
    """The workload failed: its exit code, or it never ended."""


class Underway(Protocol):
    """The run in which the interval is rated."""

    bench: Bench
    planned: PlannedRun

    @property
    def meters(self) -> Sequence[MeterRecorder]:
        """The recorders of its meters; all of them speak."""

    @property
    def work(self) -> str:
        """The work folder on the SUT."""

    @property
    def session(self) -> AgentSession:
        """The session with the agent, which runs."""

    def pause(self, duration_s: float) -> None:
        """Wait, and raise what ended a stream for good."""

    def outlast(self) -> None:
        """Record as long behind the interval as lab.toml and the meters need."""

    def watch(self) -> None:
        """Raise what ended a stream for good, and tell that the interval goes on."""

    def mark(self, edge: Edge, time_ns: int | None = None) -> None:
        """Journal that the interval begins or ends now, or at a time of the host's clock."""

    @property
    def inputs(self) -> Path:
        """The folder of the run's inputs."""

    def put(self, document: Document) -> None:
        """Journal a document."""

    def note(self, code: str, text: str) -> None:
        """Journal a note."""

    def open_stream(self, name: str) -> BinaryIO:
        """A new append-only file of the run."""


class RatingPart(ABC):
    """How the interval of a kind of run is made."""

    has_agent = True
    """Whether the agent runs on the SUT."""
    is_conditioned = True
    """Whether gate, settling, clock exchanges and a supplementary run belong around the interval."""

    def start(self, run: Underway, scenario: Scenario) -> None:  # noqa: B027  most have nothing to do
        """What has to be there before the stabilization phase; the last of staging."""

    def stabilize(self, run: Underway, scenario: Scenario) -> None:  # noqa: B027
        """The rest of the stabilization phase, behind the pause that lab.toml asks for."""

    def supplement(self, run: Underway, scenario: Scenario) -> None:  # noqa: B027
        """What of the supplementary run comes before the pause that lab.toml asks for."""

    def release(self) -> None:  # noqa: B027
        """End what is left of it, however the run ended."""

    @abstractmethod
    def rate(self, run: Underway, scenario: Scenario) -> RatingResult:
        """Make the interval.

        Raises:
            RunFailed: the workload failed. LabError, MeterError: the lab's side did.
        """


def wait_rated(run: Underway, scenario: Scenario, limit_s: float) -> RatingResult:
    """How the interval ended that the agent rates.

    Raises:
        RunFailed: it did not end within `limit_s` and GRACE_S; its load was ended.
    """
    session, end_s = run.session, time.monotonic() + limit_s + GRACE_S
    while (result := session.wait_rated(POLL_S)) is None:
        run.watch()
        if time.monotonic() > end_s:
            session.kill()
            raise RunFailed(
                f"{scenario.name} was still running after {limit_s:g} s; "
                f"raise scenarios.{scenario.section}.max_duration_s if that is right"
            )
    return result
