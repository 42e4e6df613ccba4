"""What `--json` prints: one document on standard output, whatever happens, and nothing else.

Knows how a document or a problem is printed, and what has none and why. Does not know what stands in a verb's
document: its record stands in the verb's module, and `add_json_argument` names it there.

Every document says its `schema`: a number that goes up when a key goes away or means something else. A new key may come
with any version. Keys of documents are listed in docs/json.md, which is made of the records.
"""

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TextIO, cast

JSON = "--json"
WITHOUT: Mapping[str, str] = {
    "station serve": "is a station until it is ended",
    "fleet scheduler": "is a scheduler until it is ended",
    "archive work": "is a worker until it is ended",
    "completion": "prints a program for a shell",
    "help": "prints what a person reads",
    "init": "writes a file for a person to fill in",
    "meter emulate": "is the other side of a wire until it is ended; its words are the emulator's own",
    "view": "serves a page until it is ended",
    "meter serve-ptd": "answers in the words of PTDaemon, which have a log of their own (`--log`)",
}
"""Commands without `--json`, and why."""
COMMAND_LINE = "command line"
_ARGUMENT = re.compile(r"argument ([^:]+): ")
_PLACE = re.compile(
    r"((?:--[\w-]+|meter|SUT|scenario|witness|run) [^\s:`]+"  # an option with what was given, a thing with its name
    r"|(?=[^\s`]*[./_\d-])(?:[^\s:`]|:(?!\s))+"  # a file, a folder, a port, an option
    r"|/[^:`]+): "
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a verb prints with `--json`."""

    schema: int = 1
    """Version of this document: it goes up when a key goes away or means something else."""


@dataclass(frozen=True, slots=True)
class FileDocument:
    """A verb that prints a file it wrote: the file's name, the place in docs/ with its keys, and their record as
    `module:name`, which nothing imports that does not need it."""

    name: str
    page: str
    record: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What was wrong."""

    message: str
    """The sentence that stands on standard error without `--json`."""
    place: str | None
    """Where: the file, option, meter or machine that the message begins with, `command line` for wrong usage; null
    where the message names no place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(Document):
    """What is printed in place of a verb's document where it could not do its work; the exit code says of which kind
    the problem is."""

    error: Problem
    """What was wrong."""


def print_document(document: Document | str) -> None:
    """Print a record, or the text of a file as it is.

    Raises:
        OSError: standard output takes no more.
    """
    if isinstance(document, str):
        sys.stdout.write(document)
    else:
        print(json.dumps(asdict(document), indent=1, ensure_ascii=False, allow_nan=False))
    sys.stdout.flush()


def print_problem(message: str, place: str | None = None) -> None:
    """Print what was wrong as a document; without a place, that which the message begins with. A reader that went away
    is not spoken to."""
    if place is None and (named := _PLACE.match(message)) is not None:
        place = named[1]
    with contextlib.suppress(OSError):
        print_document(Failure(error=Problem(message, place)))


def print_misuse(message: str) -> None:
    """Print what was wrong with the words of the command line."""
    named = _ARGUMENT.match(message)
    print_problem(message, named[1] if named else COMMAND_LINE)


def is_asked_for(words: Sequence[str]) -> bool:
    """Whether `--json` stands among wattlab's own words, be the others right or wrong."""
    own = words[: words.index("--")] if "--" in words else words
    return JSON in own and list(own[:2]) != ["meter", "emulate"]


@contextlib.contextmanager
def nothing_else(*, is_told: bool) -> Iterator[None]:
    """Nothing that is printed until the context is left gets to standard output: it is dropped, or told on standard
    error, line by line. Nothing moves there, be it a terminal or not."""
    beside = cast("TextIO", _NoTerminal(sys.stderr))
    with contextlib.ExitStack() as stack:
        words = beside if is_told else stack.enter_context(open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123
        stack.enter_context(contextlib.redirect_stdout(words))
        stack.enter_context(contextlib.redirect_stderr(beside))
        yield


class _NoTerminal:
    """A stream on which nothing moves."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def isatty(self) -> bool:
        """Never."""
        return False
