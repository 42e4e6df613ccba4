"""By which name this program was called. Messages and documents say `wattlab VERB` whoever reads them; where one is
shown on a terminal, what stands in backticks is what can be typed there.

Knows `./lab`, which says how it was called, and its own first word. Knows no message.
"""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

NAME = "wattlab"
CALLED = "WATTLAB_CALLED"
"""The environment variable in which `./lab` says by which name it was called."""
_COMMAND = re.compile(rf"(?<=`){NAME}(?=[ `])")


def program() -> str:
    """What has to be typed for this program, here."""
    if by_entry := os.environ.get(CALLED):
        return shlex.quote(by_entry)
    own = Path(sys.argv[0])
    if own.name == NAME and shutil.which(NAME) != str(own.absolute()) and own.is_file():
        return shlex.quote(sys.argv[0])
    return NAME


def as_called(text: str) -> str:
    """A text whose commands in backticks begin with the name by which this program was called."""
    return _COMMAND.sub(lambda _: program(), text)


def command(*words: object) -> str:
    """A command as messages name it: in backticks, each word such that a shell takes it as one."""
    return f"`{NAME} {shlex.join(map(str, words))}`"
