"""A search on a SUT that lies: the program's objective is a function of its parameters, and the process may be killed
after any entry of the log. `python -m tests.harness.searching FOLDER` makes one campaign for each place.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harness.cli.suggesting import suggester
from harness.measure.campaign import Campaign, Progress
from harness.measure.lab_file import LabConfig
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import Json
from tests.harness.lying import LAB, Lie, LyingAgent, LyingSut, Wire, bench_of, config_in

SOFTWARE = {"version": "0", "commit": None, "dirty": None}
ROUNDS = 3
SEARCHING = LAB.replace("blocks = 2", "blocks = 1").replace("[scenarios.work]", "[scenarios.bayes]")
SEARCHING += f"""\
parameters = {{ x = 0.5, y = 1.0, deep = false }}
[scenarios.bayes.search]
strategy = "bayes-pi"
rounds = {ROUNDS}
objective = "quality.score"
candidates = 500
[scenarios.bayes.search.space]
x = {{ low = 0.0, high = 1.0 }}
y = {{ low = 1e-3, high = 1e1, scale = "log" }}
"""
BRIEF_S, LONG_S = 0.15, 2.0
"""Rating intervals: of runs that nobody looks at, and of runs that are killed in the middle."""
Objective = Callable[[Json], Any]
"""Parameters -> what the program says of them; an exit code for one that fails."""


class Failed(Exception):
    """The program ends with an exit code of its own, and leaves no summary."""


class SearchedAgent(LyingAgent):
    """Rates a program that reads its parameters."""

    def __init__(self, wire: Wire, sut: "SearchedSut") -> None:
        super().__init__(wire, sut.lie)
        self._sut, self._code = sut, 0

    def _on_request(self, request: Json) -> None:
        if request["op"] == "rate" and request["duration_s"] is None:
            parameters = json.loads(request["env"]["WATTLAB_PARAMETERS"])
            try:
                score = self._sut.objective(parameters)
                self._sut.lie.files["summary.json"] = json.dumps({"quality": {"score": score}}).encode()
            except Failed:
                self._sut.lie.files.pop("summary.json", None)
                self._code = 137
        super()._on_request(request)

    def _end(self, code: int | None, reason: str | None) -> None:
        super()._end(self._code if code == 0 else code, reason)


class SearchedSut(LyingSut):
    """A SUT with such a program."""

    def __init__(self, objective: Objective, rating_s: float) -> None:
        super().__init__(Lie(rating_s=rating_s))
        self.objective = objective

    def attach(self, folder: str) -> Any:  # noqa: ANN401
        wire = Wire()
        self._agent_there = SearchedAgent(wire, self)
        self._agent_there.start()
        return wire


def smooth(parameters: Json) -> float:
    """A deterministic objective."""
    return float(-((parameters["x"] - 0.3) ** 2) - 0.1 * (parameters["y"] - 1.0) ** 2)


def searched(
    config: LabConfig,
    objective: Objective,
    on_progress: Callable[[Progress], None] = lambda _: None,
    rating_s: float = BRIEF_S,
) -> Campaign:
    """A campaign of one search, or what is left of it, made as `wattlab run` makes it."""
    campaign = Campaign(config, SOFTWARE)
    campaign.seal_cut_off(lambda _: None)
    bench = bench_of(config, SearchedSut(objective, rating_s))
    campaign.measure(bench, on_progress, lambda _: None, suggest=suggester(config))
    return campaign


class InTheMiddle:
    """Calls something while a run of an ordinal is being rated: its program runs since a while."""

    def __init__(self, ordinal: int, call: Callable[[], None]) -> None:
        self._ordinal, self._call, self._seen = ordinal, call, 0

    def __call__(self, progress: Progress) -> None:
        """Told of the progress."""
        if progress.phase == "rating" and progress.current.ordinal == self._ordinal:
            self._seen += 1
            if self._seen == 2:
                self._call()


def places() -> Iterator[str]:
    """Where a process is killed: nowhere, after each entry of the log, inside a trial."""
    yield "never"
    yield from (f"entry-{number}" for number in range(1, 2 + 3 + 5 * ROUNDS + 1))
    yield from (f"rating-{ordinal}" for ordinal in range(2, ROUNDS + 2))


def live(folder: Path, place: str) -> None:
    """A life of the process, which ends at the place."""
    kind, _, number = place.partition("-")
    append = CampaignFolder.append

    def then_die(campaign: CampaignFolder, *entry: Any) -> None:  # noqa: ANN401
        append(campaign, *entry)
        if kind == "entry" and len(campaign.entries()) == int(number):
            os.kill(os.getpid(), signal.SIGKILL)

    if kind == "rating":
        in_the_middle = InTheMiddle(int(number), lambda: os.kill(os.getpid(), signal.SIGKILL))
        searched(config_in(folder, SEARCHING), smooth, in_the_middle, LONG_S)
    CampaignFolder.append = then_die  # type: ignore[method-assign, assignment]
    searched(config_in(folder, SEARCHING), smooth)


def main(folder: Path) -> None:
    """Every campaign: a life that is killed, and one that goes on. Forked before any library has threads of its own."""
    suggester(config_in(folder, SEARCHING))  # loads the libraries
    children = []
    for place in places():
        (folder / place).mkdir()
        if (pid := os.fork()) == 0:
            first = os.fork()
            if first == 0:
                live(folder / place, place)
                os._exit(0)
            _, status = os.waitpid(first, 0)
            if (place != "never") == os.WIFSIGNALED(status):
                live(folder / place, "never")
                os._exit(0)
            os._exit(1)
        children.append(pid)
    codes = [os.waitpid(pid, 0)[1] for pid in children]
    assert not any(codes), codes


if __name__ == "__main__":
    main(Path(sys.argv[1]))
