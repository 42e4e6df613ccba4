"""The error tree. Knows how a lab problem is named; knows nothing of what any module does.

LabError                      a lab or user problem: one sentence, exit code 1, no traceback
 +- ConfigError               lab.toml, scenario.toml: the TOML path and the remedy
 +- DocumentError             a journal line that cannot be read: file and line
 |   +- NewerSchema           written by a newer wattlab
 +- RunFolderError            a run folder cannot be made, sealed or opened
 |   +- EvidenceBroken        a digest, the chain or the completeness does not hold
 +- SigningError              a key, a signature or a package of evidence cannot be used
 +- WitnessError              a witness does not answer, or not as one
 +- ImportFileError           a foreign file cannot be imported: file, line, what was expected
 +- ExportError             a campaign cannot be written as another tool's files
 +- FleetError                stations, their scheduler or their certificates
 +- AnalysisError             a campaign holds nothing that a number could be made from
 +- SutError                  the system under test
 |   +- SutUnreachable        no connection, or the link was lost for longer than reconnect_s
 |   +- HostKeyError          unknown or changed host key
 |   +- SutRefused            the SUT answered, but cannot be measured (no psutil, old Python, full disk)
 +- LabNotReady               preflight found reasons not to start
 +- Interrupted               the operator ended the run (Ctrl-C, SIGTERM)

Meters have a tree of their own, `meters.meter.MeterError`, because `meters` is a leaf; the CLI prints both alike.
What a SUT or a meter said stands in many messages: `printable` before a terminal or a log.
"""

import errno
from pathlib import Path


class LabError(Exception):
    """A lab or user problem: the message names the place, what was found, what was expected, what to do."""


class ConfigError(LabError):
    """A configuration file is wrong; the message starts with file and TOML path."""


class DocumentError(LabError):
    """A document of a journal is wrong; the message starts with file and line."""


class NewerSchema(DocumentError):
    """The file was written by a newer wattlab; it is refused, never guessed at."""


class RunFolderError(LabError):
    """A run folder cannot be created, written, sealed or opened."""


class EvidenceBroken(RunFolderError):
    """Sealed bytes changed, the chain is broken, or a run is missing."""


class SigningError(LabError):
    """A key or a signature cannot be used, a campaign may not be signed, or a package is refused."""


class WitnessError(LabError):
    """A witness cannot be reached, or its receipt or time stamp is not of what it was told."""


class ImportFileError(LabError):
    """A foreign measurement cannot be imported; the message starts with file and line."""


class ExportError(LabError):
    """A campaign cannot be written as the files of another tool."""


class FleetError(LabError):
    """The scheduler or a station of a fleet cannot be reached, or a certificate or a file of the fleet not be used."""


class AnalysisError(LabError):
    """There is nothing a number could honestly be computed from."""


class SutError(LabError):
    """The system under test cannot do what was asked."""


class SutUnreachable(SutError):
    """No connection, or the link stayed down for longer than reconnect_s."""


class HostKeyError(SutError):
    """The SUT's host key is unknown or changed."""


class SutRefused(SutError):
    """The SUT answered, but cannot be measured as it is."""


class LabNotReady(LabError):
    """Preflight found reasons not to start; the message lists them all."""


class Interrupted(LabError):
    """The operator ended the run."""


def printable(text: str) -> str:
    """A text without what would steer a terminal or is no Unicode: control and format characters and lone surrogates
    become the replacement character; tabs and ends of lines become spaces. Spaces that keep a number and its unit
    together stay."""
    return "".join(character if character.isprintable() else _REPLACED.get(character, "\ufffd") for character in text)


def printable_lines(text: str) -> str:
    """The same of a text of several lines, which stay lines."""
    return "\n".join(map(printable, text.split("\n")))


_REPLACED = dict.fromkeys("\t\n\r", " ") | {space: space for space in "\u00a0\u202f"}


def why(error: Exception) -> str:
    """Why something could not be read, written or opened: the system's own words without its number, and what to do
    about it where that is known."""
    cause = getattr(error, "reason", None)  # urllib's errors hold another
    error = cause if isinstance(cause, OSError) else error
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    advice = _ADVICE.get(error.errno or 0) if isinstance(error, OSError) else None
    return f"{words}: {advice}" if advice else words


def refused(path: Path, what: str, error: OSError) -> RunFolderError:
    """The disk refuses a run: which file, why, and what to do."""
    return RunFolderError(f"{path}: cannot {what} ({why(error)}); `wattlab run` continues")


_RIGHTS = "you have no right to it, chmod and chown change that"
_ADVICE = {
    errno.ENOENT: "correct the path, or make what is missing",
    errno.ENOTDIR: "a part of the path is a file, correct the path",
    errno.EISDIR: "a folder stands there, name a file",
    errno.EEXIST: "name another, or move that away",
    errno.ENOTEMPTY: "name another, or empty that",
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: "what lies there can only be read, name another place",
    errno.ENOSPC: "the disk is full, free some of it",
    errno.EDQUOT: "your share of the disk is used up, free some of it",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "links lead in a circle, correct them",
    errno.EIO: "the disk or the device fails, `dmesg | tail` says which",
    errno.EMFILE: "too many files are open, `ulimit -n` says how many may be",
    errno.EADDRINUSE: "another program listens there, name a free port",
    errno.EADDRNOTAVAIL: "this machine has no such address, name one of its own",
}
