"""What every verb needs to register itself: argument types, and arguments that several have. Knows argparse only."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
else:
    Verbs = object


LAB = Path("lab.toml")
LONGEST_S = 86_400.0


def at_least(low: int) -> Callable[[str], int]:
    """The type of an argument that counts something."""

    def count(text: str) -> int:
        if not text.removeprefix("-").isdecimal() or int(text) < low:
            raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number, {low} or more")
        return int(text)

    return count


def seconds(text: str) -> float:
    """The type of an argument that is a length of time."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected seconds above 0, at most {LONGEST_S:g} (a day)")
    return value


def add_lab_argument(verb: argparse.ArgumentParser) -> None:
    """`--lab FILE`, the lab.toml the verb reads."""
    verb.add_argument("--lab", type=Path, default=LAB, metavar="FILE", help="lab.toml (default: ./lab.toml)")


def lab_words(arguments: argparse.Namespace) -> list[str]:
    """What a command that is to read the same lab.toml has to be given."""
    return [] if arguments.lab == LAB else ["--lab", str(arguments.lab)]


def add_json_argument(verb: argparse.ArgumentParser, what: str) -> None:
    """`--json`: what the verb found or wrote, as one document on standard output instead of sentences."""
    verb.add_argument("--json", action="store_true", help=f"for programs: print {what} and nothing else")
