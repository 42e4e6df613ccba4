"""Which words of a command name a script: before anything is started, from the words alone.

Knows interpreters and how the names of scripts end. Knows no file and no machine. What other words mean only the
program knows: they may name what it is to write.
"""

import re
from collections.abc import Sequence

INTERPRETERS = re.compile(r"(python|pypy)[0-9.]*|bash|sh|env|nice|time|node|julia|Rscript|perl|ruby|java")
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
INLINE = ("-c", "-e", "-m")
"""Options of interpreters behind which no script stands."""
SCRIPT = re.compile(r"\.(py|sh|js|jl|R|r|pl|rb|jar)$")
"""How the names of scripts end."""


def scripts_of(command: Sequence[str]) -> list[int]:
    """Where among the words a script is named: the program by its path, what an interpreter is to run, and any other
    script that is not the value of an option."""
    program = _program_of(command) if command else None
    return [
        number
        for number, word in enumerate(command)
        if number == program
        or (number > 0 and SCRIPT.search(word) is not None and not command[number - 1].startswith("-"))
    ]


def _program_of(command: Sequence[str]) -> int | None:
    """Where among the words the file of the program is named: what is started by its path, or the first word behind
    an interpreter that is no option and looks like a file; None where nothing does."""
    if "/" in command[0]:
        return 0
    if not INTERPRETERS.fullmatch(command[0]):
        return None
    for number, word in enumerate(command[1:], 1):
        if word in INLINE:
            return None
        if word.startswith("-") or ASSIGNMENT.match(word) or INTERPRETERS.fullmatch(word):
            continue
        return number if "/" in word or SCRIPT.search(word) else None
    return None
