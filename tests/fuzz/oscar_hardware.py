"""Mutations of an OSCAR measurement's hardware file.

Knows collectl's tables. Knows no power and no actions.
"""

import re
from collections.abc import Callable, Sequence
from random import Random

from tests.fuzz.foreign import (
    Files,
    Mutated,
    Mutation,
    Outcome,
    lines_of,
    with_lines,
)
from tests.fuzz.oscar_files import COLLECTL, HARDWARE, OTHERS


def table_of(files: Files) -> tuple[list[str], str, list[list[str]]]:
    """Lines in front of the header, the separator, header and rows as cells."""
    lines = lines_of(files[HARDWARE])
    at = next(n for n, line in enumerate(lines) if "[CPU]Totl%" in line)
    separator = re.search(r"[^\w\]%-](?=\[)", lines[at])
    assert separator is not None
    return lines[:at], separator[0], [line.rstrip("\n").split(separator[0]) for line in lines[at:]]


def rendered(files: Files, front: Sequence[str], separator: str, rows: Sequence[Sequence[str]]) -> Files:
    return with_lines(files, HARDWARE, [*front, *(separator.join(row) + "\n" for row in rows)])


def hardware_only(change: Callable[[Random, Files], Mutated | None]) -> Mutation:
    return lambda random, files: change(random, files) if HARDWARE in files else None


@hardware_only
def other_separator(random: Random, files: Files) -> Mutated | None:
    front, separator, rows = table_of(files)
    if rows[0][0] == "Date Time":
        return None
    other = random.choice([one for one in ";, \t|:" if one != separator and (one != ":" or rows[0][0] == "#UTC")])
    return Mutated(rendered(files, front, other, rows), "preserved", f"separated by {other!r}")


@hardware_only
def columns_moved(random: Random, files: Files) -> Mutated:
    front, separator, rows = table_of(files)
    fixed = next(n for n, cell in enumerate(rows[0]) if cell.startswith("["))
    order = random.sample(range(fixed, len(rows[0])), len(rows[0]) - fixed)
    changed = [[*row[:fixed], *(row[k] for k in order)] for row in rows]
    return Mutated(rendered(files, front, separator, changed), "preserved", f"columns {order}")


@hardware_only
def column_gone(random: Random, files: Files) -> Mutated:
    front, separator, rows = table_of(files)
    at = rows[0].index(random.choice(COLLECTL[1:]))
    changed = [row[:at] + row[at + 1 :] for row in rows]
    return Mutated(rendered(files, front, separator, changed), "flagged", f"no column {rows[0][at]}")


@hardware_only
def column_renamed(random: Random, files: Files) -> Mutated:
    name = random.choice(COLLECTL[1:])
    others = [f"[X]{name[5:]}", name.replace("KB", ""), name.lower(), name + "2"]
    other = random.choice([text for text in others if text != name])
    if other in OTHERS:
        other += "s"
    return Mutated(
        {**files, HARDWARE: files[HARDWARE].replace(name.encode(), other.encode())}, "flagged", f"{name} {other}"
    )


@hardware_only
def header_again(random: Random, files: Files) -> Mutated | None:
    front, separator, rows = table_of(files)
    if not rows[0][0].startswith("#"):
        return None
    at = random.randint(2, len(rows) - 1)
    changed = [*rows[:at], rows[0], *rows[at:]]
    return Mutated(rendered(files, front, separator, changed), "preserved", f"header before row {at}")


@hardware_only
def other_header_again(random: Random, files: Files) -> Mutated | None:
    front, separator, rows = table_of(files)
    if not rows[0][0].startswith("#"):
        return None
    at = random.randint(2, len(rows) - 1)
    first = next(n for n, cell in enumerate(rows[0]) if cell.startswith("["))
    other = [*rows[0][:first], *reversed(rows[0][first:])]
    changed = [*rows[:at], other, *rows[at:]]
    return Mutated(rendered(files, front, separator, changed), "flagged", f"another header before row {at}")


@hardware_only
def block_in_front(_random: Random, files: Files) -> Mutated | None:
    front, separator, rows = table_of(files)
    if not rows[0][0].startswith("#"):
        return None
    block = ["#" * 80 + "\n", "# Collectl:   V4.3.1-1  HiRes: 1  Options: -s cdmn -P\n", "#" * 80 + "\n"]
    return Mutated(rendered(files, [*block, *front], separator, rows), "preserved", "the block of a file")


@hardware_only
def more_decimals(_random: Random, files: Files) -> Mutated:
    front, separator, rows = table_of(files)
    if separator == ",":
        front, separator = front, ";"
    first = next(n for n, cell in enumerate(rows[0]) if cell.startswith("["))
    changed = [rows[0], *([*row[:first], *(f"{cell}.00" for cell in row[first:])] for row in rows[1:])]
    return Mutated(rendered(files, front, separator, changed), "preserved", "-o2")


@hardware_only
def per_interval(_random: Random, files: Files) -> Mutated:
    return Mutated({**files, HARDWARE: files[HARDWARE].replace(b"[CPU]L-Avg1", b"[CPU]Ctx/int")}, "flagged", "-on")


@hardware_only
def hardware_cut(random: Random, files: Files) -> Mutated:
    """The file ends inside its last line; in the last of the fields only what is wanted matters."""
    _front, separator, rows = table_of(files)
    lines = lines_of(files[HARDWARE])
    keep = random.randint(1, len(lines[-1]) - 2)
    left = lines[-1][:keep]
    whole = left.count(separator) == len(rows[0]) - 1 and rows[0][-1] not in COLLECTL
    outcome: Outcome = "preserved" if whole else "flagged"
    return Mutated(with_lines(files, HARDWARE, [*lines[:-1], left]), outcome, f"last line cut after {keep}")
