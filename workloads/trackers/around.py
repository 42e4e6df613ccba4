"""`around.py [NAME[=SECONDS] ...] -- COMMAND ...`: any command with trackers around it.

Knows how to start the trackers, then the command, then to stop them; the exit status is the command's. Without names it
takes those of WATTLAB_TRACKERS, which the command then does not see. The artefacts go to WATTLAB_ARTIFACTS, without it
to the current folder. Does not know what the command does: there are no intervals.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tracking import TrackerProblem, Trackers, parse

if TYPE_CHECKING:
    from types import FrameType


def run(command: list[str], asked: dict[str, float]) -> int:
    """The command's exit status, 128 + n when a signal n ended it."""
    environment = {name: value for name, value in os.environ.items() if name != "WATTLAB_TRACKERS"}
    with Trackers(asked, Path(os.environ.get("WATTLAB_ARTIFACTS", ".")), epochs=False):
        child = subprocess.Popen(command, env=environment)

        def pass_on(number: int, _frame: FrameType | None) -> None:
            child.send_signal(number)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, pass_on)
        status = child.wait()
    return status if status >= 0 else 128 - status


def main(arguments: list[str]) -> int:
    """See the module; 2 when the arguments are wrong, 127 when there is no such command."""
    words = arguments[: arguments.index("--")] if "--" in arguments else arguments
    command = arguments[len(words) + 1 :]
    try:
        if not command:
            raise TrackerProblem("no command; write it behind --")
        return run(command, parse(words or os.environ.get("WATTLAB_TRACKERS", "").split()))
    except TrackerProblem as problem:
        print(f"around.py: {problem}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"around.py: {command[0]}: {error.strerror}", file=sys.stderr)
        return 127


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
