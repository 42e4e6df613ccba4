"""By which name this program was called. Messages and documents say `wattlab VERB` whoever reads them; where one is
shown on a terminal, what stands in backticks is what can be typed there, with the lab.toml that the verb reads.

Knows `./lab`, which says how it was called, its own first word, and which verbs read a lab.toml. Knows no message.
"""

import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

NAME = "wattlab"
CALLED = "WATTLAB_CALLED"
"""The environment variable in which `./lab` says by which name it was called."""
_COMMAND = re.compile(rf"(?<=`){NAME}(?=[ `])([^`]*)")
_OF_CAMPAIGN = re.compile(r" (run|check|plan|observer|view|sut prepare|witness send)\b")
"""The commands that read a lab.toml, a campaign file and a name of a SUT."""
_OF_STATION = re.compile(r" meter (read|check|record)\b")
"""Those that read nothing but the lab.toml."""
_NAMED = re.compile(r" (--(lab|campaign|sut)\b|runs/)")
_lab: tuple[str, ...] = ()
_chosen: tuple[str, ...] = ()
_instead: dict[str, tuple[str, ...]] = {}


def program() -> str:
    """What has to be typed for this program, here."""
    if by_entry := os.environ.get(CALLED):
        return shlex.quote(by_entry)
    own = Path(sys.argv[0])
    if own.name == NAME and shutil.which(NAME) != str(own.absolute()) and own.is_file():
        return shlex.quote(sys.argv[0])
    return NAME


def reads(
    lab: Sequence[str] = (), chosen: Sequence[str] = (), instead: Mapping[str, Sequence[str]] | None = None
) -> None:
    """From now on commands are shown with these words of this one's: `--lab FILE`, and `--campaign` and `--sut`.
    `instead`: a command, such as `run`, by which a campaign goes on -> the one by which this campaign does."""
    global _lab, _chosen, _instead
    _lab, _chosen = tuple(lab), tuple(chosen)
    _instead = {command: tuple(words) for command, words in (instead or {}).items()}


def as_called(text: str) -> str:
    """A text whose commands in backticks begin with the name by which this program was called, and name the lab.toml
    where it is not the one of the folder."""
    return _COMMAND.sub(lambda found: f"{program()}{_shown(found[1])}", text)


def _shown(command: str) -> str:
    """A command, such as ` run`, with what it lacks that is to read the same files."""
    if _NAMED.search(command):
        return command
    if command.strip() in _instead:
        return f" {shlex.join(_instead[command.strip()])}"
    words = (*_lab, *_chosen) if _OF_CAMPAIGN.match(command) else _lab if _OF_STATION.match(command) else ()
    return f"{command} {shlex.join(words)}" if words else command


def command(*words: object) -> str:
    """A command as messages name it: in backticks, each word such that a shell takes it as one."""
    return f"`{NAME} {shlex.join(map(str, words))}`"
