"""What a file of an OSCAR measurement is, by its first lines; and of a file that is none of them, why, and what to do.

Knows how every form begins, and how files begin that people take for one. Reads none of them.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Literal

from harness.foreign.importers.oscar import collectl, perfmon
from harness.foreign.importers.oscar import power as power_files
from harness.foreign.importers.oscar.actions import looks_like_actions, undated
from harness.foreign.importers.oscar.power import power_kind
from harness.foreign.importers.source import SourceFile, foreign_form, lines_of
from harness.record.errors import ImportFileError

Role = Literal["power", "actions", "hardware"]
ARTICLES = {"power": "a power file", "actions": "an actions file", "hardware": "a hardware file"}
TERMINAL = re.compile(r"# *<-+CPU|#(Date +)?Time +(cpu|User) |### RECORD +\d+ >>>|# CPU SUMMARY")


def kind_of(source: SourceFile, renamed: Mapping[str, str] | None = None) -> str:
    """What a file looks like: `power-gridvis`, `power-kecolab`, `power-mobile`, `power-gude`, `actions`,
    `hardware-collectl`, `hardware-perfmon` or `unknown`. `renamed`: collectl's column -> what the file calls it."""
    return _kind_of(_head(source), renamed)


def _kind_of(lines: Sequence[str], renamed: Mapping[str, str] | None) -> str:
    if collectl.header_line(lines, renamed or {}) is not None:
        return "hardware-collectl"
    if any(perfmon.is_header(line) for line in lines[:2]):
        return "hardware-perfmon"
    if lines and looks_like_actions(lines[0]) and not power_files.is_headless(lines[0]):
        return "actions"
    return power_kind(lines) or "unknown"


def require_kind(source: SourceFile, role: Role, renamed: Mapping[str, str] | None = None) -> str:
    """The kind of a file of this role.

    Raises:
        ImportFileError: it is of another role, or of no known kind; with the reason, and what to do.
    """
    lines = _head(source)
    if changed := next(filter(None, map(perfmon.changed_header, lines[:2])), None):
        raise ImportFileError(f"{source.path}:1: expected {ARTICLES[role]}, found {changed}")
    kind = _kind_of(lines, renamed)
    if kind.startswith(role):
        return kind
    first = next(iter(lines), "")
    if kind != "unknown":
        looks = ARTICLES[kind.partition("-")[0]]
        raise ImportFileError(
            f"{source.path}:1: expected {ARTICLES[role]}, found {looks} ({first!r:.70}); are files swapped?"
        )
    raise ImportFileError(f"{source.path}:1: expected {ARTICLES[role]}, found {_reason(source, lines, role, first)}")


def _head(source: SourceFile) -> list[str]:
    """The first lines that say anything, and not that collectl waits."""
    lines = (line.strip() for line in lines_of(source))
    return list(islice((line for line in lines if line.strip("\0") and not line.startswith(collectl.WAITING)), 60))


def _reason(source: SourceFile, lines: Sequence[str], role: Role, first: str) -> str:
    """What a file of no known kind is instead, and the remedy."""
    if form := foreign_form("\n".join(lines)):
        return form
    if source.content.startswith(b"PK"):
        return "a workbook or a zip archive; save the sheet as CSV, or unpack it"
    if any("\0" in line for line in lines):
        return "no text; export the file as text (UTF-8)"
    if any(line.startswith(">>> ") for line in lines) and any("Collectl:" in line for line in lines):
        return f"collectl's raw file; play it back: `{collectl.PLAYBACK}`"
    if any(TERMINAL.match(line) for line in lines):
        return f"what collectl shows on a terminal ({first!r:.70}); record with -P: `{collectl.RECIPE}`"
    if any("Collectl:" in line for line in lines):
        return f"collectl's block without columns behind it; the file is cut off: record again with `{collectl.RECIPE}`"
    if role == "hardware" and collectl.is_headless(first):
        return f"rows without the line that names their columns ({first!r:.70}); record without --hr"
    if role == "hardware" and re.match(r'"?#?Date\W?Time', first):
        return f"columns of other names than collectl's ({first!r:.70}); say in oscar.toml, [columns], which is which"
    if role == "power" and power_files.is_headless(first):
        return f"rows without the line that names their columns ({first!r:.70}); is the header line missing?"
    if time := undated(first):
        return (
            f"an action log whose times have no date ({first!r:.70}); write the date of the measurement in front of "
            f"every time, such as '2024-06-03 {time}'"
        )
    return f"no form that is known ({first!r:.70}); docs/importing.md lists them all"
