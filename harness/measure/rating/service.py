"""The service of a run: started on the SUT by the agent, reached, found ready, ended.

Knows the agent's session, the way to a port of the SUT, and the probe. Knows no load.
"""

import time
from typing import Literal
from urllib.parse import urlsplit

from harness.measure.rating.command import environment_of, started
from harness.measure.rating.part import RunFailed, Underway
from harness.measure.scenario import Scenario
from harness.measure.usage import ServiceSection
from harness.sut.forward import Forward
from harness.terminal.endpoint import Endpoint
from harness.terminal.probe import problem_of

PROBE_S = 0.2


class RunningService:
    """A service that was started, or runs already; `end` ends what was started."""

    def __init__(self, run: Underway, scenario: Scenario, section: ServiceSection) -> None:
        self._run, self._section = run, section
        self._is_ours = bool(scenario.command)
        self._forward: Forward | None = None
        if self._is_ours:
            command, environment = started(run, scenario), environment_of(run, scenario)
            run.session.rate(command, environment, run.work, None, is_service=True)
        try:
            self.endpoint = self._reached()
        except BaseException:
            self.end()
            raise

    @property
    def connection(self) -> Literal["direct", "forward"]:
        """How it is reached: `direct` or `forward`."""
        return "direct" if self._forward is None else "forward"

    def _reached(self) -> Endpoint:
        section = self._section
        if section.address:
            split = urlsplit(section.address)
            return Endpoint(str(split.hostname), section.listening_port, split.scheme == "https")
        self._forward = self._run.bench.sut.link.forward(section.port)
        return Endpoint("127.0.0.1", section.port if self._forward is None else self._forward.port)

    def wait_ready(self, path: str) -> None:
        """Until it answers there.

        Raises:
            RunFailed: it ended, or does not answer in time.
        """
        begin_s = time.monotonic()
        while (problem := problem_of(self.endpoint, path)) is not None:
            self.check()
            if time.monotonic() - begin_s > self._section.ready_within_s:
                raise RunFailed(
                    f"the service was not ready within {self._section.ready_within_s:g} s: {problem}; look at what it "
                    "wrote, and raise service.ready_within_s if it takes longer"
                )
            self._run.pause(PROBE_S)
        self.check()
        waited_s = time.monotonic() - begin_s
        self._run.note("service-ready", f"{self.endpoint.authority}{path} answered after {waited_s:.1f} s")

    def check(self) -> None:
        """Raise RunFailed where it ended by itself."""
        ended = self._run.session.wait_rated(0.0) if self._is_ours else None
        if ended is not None:
            self._is_ours = False
            why = f": {ended.reason}" if ended.reason else ""
            raise RunFailed(f"the service ended by itself with exit code {ended.exit_code}{why}")

    def end(self) -> None:
        """End it, and the way to it."""
        forward, self._forward = self._forward, None
        if forward is not None:
            forward.close()
        is_ours, self._is_ours = self._is_ours, False
        if is_ours:
            self._run.session.kill()
