"""OSCAR measurements (power, actions, hardware) and their mutations for the fuzzer of valid foreign files.

Knows how such files look and what the importer promises of them (harness/foreign/importers/oscar).
"""

import gzip
import re
from collections.abc import Callable, Sequence
from random import Random

from harness.foreign.importers.oscar.importer import import_oscar
from tests.fuzz.foreign import (
    Files,
    Form,
    Mutated,
    Mutation,
    Outcome,
    a_row_garbled,
    as_powershell_writes,
    as_windows_writes,
    blank_lines,
    end_cut,
    imported,
    lines_of,
    with_lines,
)
from tests.fuzz.oscar_files import ACTIONS, HARDWARE, LEAD_S, POWER, ROLES, TOML, TYPE, drawn
from tests.fuzz.oscar_hardware import (
    block_in_front,
    column_gone,
    column_renamed,
    columns_moved,
    hardware_cut,
    header_again,
    more_decimals,
    other_header_again,
    other_separator,
    per_interval,
)

# --- any of the three files -------------------------------------------------------------------------------------------


def of(role: str, mutation: Callable[[Random, Files], Mutated | None]) -> Mutation:
    """A mutation of a table, made on the file of one role."""

    def change(random: Random, files: Files) -> Mutated | None:
        if role not in files:
            return None
        mutated = mutation(random, {role: files[role]})
        return mutated and Mutated({**files, **mutated.files}, mutated.outcome, f"{role}: {mutated.what}")

    return change


def first_row(lines: Sequence[str]) -> int:
    """Index of the first line of data."""
    return next(
        n for n, line in enumerate(lines) if (re.match(r"[\d\"]|iteration", line) and ":" in line) or line[:9].isdigit()
    )


def a_row_twice(random: Random, files: Files) -> Mutated:
    ((role, content),) = files.items()
    lines = lines_of(content)
    at = random.randint(first_row(lines), len(lines) - 1)
    return Mutated(with_lines(files, role, [*lines[: at + 1], *lines[at:]]), "flagged", f"line {at + 1} stands twice")


def rows_swapped(random: Random, files: Files) -> Mutated | None:
    ((role, content),) = files.items()
    lines = lines_of(content)
    at = random.randint(first_row(lines), len(lines) - 2)
    if stamp_of(lines[at]) == stamp_of(lines[at + 1]):
        return None
    changed = [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]
    return Mutated(with_lines(files, role, changed), "flagged", f"lines {at + 1} and {at + 2} swapped")


def stamp_of(line: str) -> str:
    """What tells two lines' times apart."""
    found = re.search(r"\d\d:\d\d:\d\d[.\d]*|\d{9,16}", line)
    return found[0] if found else line


def a_chunk_moved(random: Random, files: Files) -> Mutated | None:
    ((role, content),) = files.items()
    lines = lines_of(content)
    first = first_row(lines)
    if len(lines) - first < 4:  # a run without an action is two lines
        return None
    begin = random.randint(first, len(lines) - 4)
    chunk, rest = lines[begin : begin + 2], lines[:begin] + lines[begin + 2 :]
    to = len(rest) if begin < (first + len(lines)) // 2 else first
    return Mutated(
        with_lines(files, role, [*rest[:to], *chunk, *rest[to:]]), "flagged", f"lines from {begin + 1} moved"
    )


def zeros_at_the_end(_random: Random, files: Files) -> Mutated:
    """What a file system leaves of a block that was never written."""
    ((role, content),) = files.items()
    return Mutated({role: content + b"\0" * 512}, "preserved", "zeros at the end")


def packed(_random: Random, files: Files) -> Mutated:
    ((role, content),) = files.items()
    return Mutated({role: gzip.compress(content)}, "preserved", "gzip")


def packed_and_cut(random: Random, files: Files) -> Mutated:
    ((role, content),) = files.items()
    whole = gzip.compress(content)
    return Mutated({role: whole[: random.randint(20, len(whole) - 1)]}, "flagged", "gzip without its end")


def header_gone(_random: Random, files: Files) -> Mutated | None:
    ((role, content),) = files.items()
    lines = lines_of(content)
    first = first_row(lines)
    return Mutated(with_lines(files, role, lines[first:]), "flagged", "no header") if first else None


def garbled(random: Random, files: Files) -> Mutated:
    ((_role, content),) = files.items()
    return a_row_garbled(random, files, head=first_row(lines_of(content)))


# --- power ------------------------------------------------------------------------------------------------------------


def power_column(line: str) -> tuple[str, int]:
    """Separator of a power file's rows, and which field the power is."""
    if ";" not in line:
        return " ", 1
    return ";", 1 if re.match(r"\d{4}-", line) else 2


def with_values(files: Files, change: Callable[[int, str], str]) -> Files:
    """The power file with other texts as values."""
    lines = lines_of(files[POWER])
    first = first_row(lines)
    separator, place = power_column(lines[first])
    changed = lines[:first]
    for n, line in enumerate(lines[first:]):
        cells = line.rstrip("\n").split(separator)
        cells[place] = change(n, cells[place])
        changed.append(separator.join(cells) + "\n")
    return with_lines(files, POWER, changed)


def decimal_sign(_random: Random, files: Files) -> Mutated | None:
    """Decimal commas for points or the other way round, everywhere."""
    swap = str.maketrans(",.", ".,")
    return Mutated(with_values(files, lambda _n, text: text.translate(swap)), "preserved", "the other decimal sign")


def one_decimal_sign(random: Random, files: Files) -> Mutated | None:
    if not re.search(rb"\d[.,]\d{3};?\n", files[POWER]):
        return None  # whole numbers have none
    at, swap = random.randint(0, 30), str.maketrans(",.", ".,")
    changed = with_values(files, lambda n, text: text.translate(swap) if n == at else text)
    return Mutated(changed, "flagged", f"another decimal sign in row {at + 1}")


def no_number(random: Random, files: Files) -> Mutated:
    at, text = random.randint(0, 30), random.choice(["nan", "", "--", "1e999", "12 W", "0x12", "1_0", "-"])
    changed = with_values(files, lambda n, old: text if n == at else old)
    return Mutated(changed, "flagged", f"{text!r} in row {at + 1}")


def unit_of_power(random: Random, files: Files) -> Mutated | None:
    unit = random.choice([b"kW", b"mW", b"VA", b"A", b""])
    if b"[W]" not in files[POWER]:
        return None
    return Mutated({**files, POWER: files[POWER].replace(b"[W]", b"[" + unit + b"]")}, "flagged", f"power in {unit!r}")


def name_of_power(random: Random, files: Files) -> Mutated | None:
    if b"-avg" not in files[POWER]:
        return None
    name = random.choice([b"-mittel", b"-min", b""])
    return Mutated({**files, POWER: files[POWER].replace(b"-avg", name)}, "flagged", f"column {name!r}")


def columns_of_power(random: Random, files: Files) -> Mutated | None:
    """GridVis' columns in another order."""
    lines = lines_of(files[POWER])
    if not lines[0].startswith("Wert"):
        return None
    order = [0, *random.sample(range(1, 5), 4)]
    changed = [";".join(line.split(";")[k] for k in order) + ";\n" for line in lines[1:]]
    return Mutated(with_lines(files, POWER, [lines[0], *changed]), "preserved", f"columns {order}")


def rows_gone_behind_the_last_run(random: Random, files: Files) -> Mutated:
    """Rows of the margin behind the last run: nothing can show that there were more."""
    lines = lines_of(files[POWER])
    gone = random.randint(LEAD_S - 3, LEAD_S)
    return Mutated(with_lines(files, POWER, lines[:-gone]), "undetectable", f"the last {gone} rows are gone")


def run_not_covered(random: Random, files: Files) -> Mutated:
    lines = lines_of(files[POWER])
    gone = random.randint(LEAD_S + 4, LEAD_S + 12)
    return Mutated(with_lines(files, POWER, lines[:-gone]), "flagged", f"the last {gone} rows are gone")


# --- actions ----------------------------------------------------------------------------------------------------------


def log_cut(random: Random, files: Files) -> Mutated:
    """The log ends inside its last line; a stopTestrun that is whole is one."""
    lines = lines_of(files[ACTIONS])
    keep = random.randint(1, len(lines[-1]) - 2)
    left = lines[-1][:keep]
    whole = re.fullmatch(r".*;stopTestrun;*", left) and "iteration" not in lines[-1].partition("stopTestrun")[2]
    outcome: Outcome = "preserved" if whole else "flagged"
    return Mutated(with_lines(files, ACTIONS, [*lines[:-1], left]), outcome, f"last line cut after {keep}")


def mark_gone(random: Random, files: Files) -> Mutated | None:
    lines = lines_of(files[ACTIONS])
    at = random.randrange(len(lines))
    if not TYPE.search(lines[at]):
        return None  # the handbook's action: the one before lasts longer, and nothing shows it
    return Mutated(with_lines(files, ACTIONS, lines[:at] + lines[at + 1 :]), "flagged", f"line {at + 1} is gone")


def mark_twice(random: Random, files: Files) -> Mutated:
    lines = lines_of(files[ACTIONS])
    at = random.randrange(len(lines))
    return Mutated(with_lines(files, ACTIONS, [*lines[: at + 1], *lines[at:]]), "flagged", f"line {at + 1} twice")


def milliseconds_written_otherwise(_random: Random, files: Files) -> Mutated:
    """Padded, or as microseconds: the same time."""
    changed = re.sub(rb"\.(\d{1,3});", lambda m: b"." + m[1].rjust(3, b"0").ljust(6, b"0") + b";", files[ACTIONS])
    return Mutated({**files, ACTIONS: changed}, "preserved", "microseconds")


def types_in_another_case(random: Random, files: Files) -> Mutated:
    cases: list[Callable[[bytes], bytes]] = [bytes.lower, bytes.upper, lambda b: b.replace(b"run", b"Run")]
    change = random.choice(cases)
    changed = re.sub(TYPE.pattern.encode(), lambda m: change(m[0]), files[ACTIONS])
    return Mutated({**files, ACTIONS: changed}, "preserved", "types in another case")


def without_iterations(_random: Random, files: Files) -> Mutated:
    changed = re.sub(rb"^iteration \d+;|;iteration \d+$", b"", files[ACTIONS], flags=re.MULTILINE)
    return Mutated({**files, ACTIONS: changed}, "preserved", "no iteration")


def another_iteration(random: Random, files: Files) -> Mutated | None:
    lines = lines_of(files[ACTIONS])
    if "iteration" not in lines[0]:
        return None
    at = random.choice([n for n, line in enumerate(lines) if "startTestrun" not in line])
    changed = re.sub(r"iteration \d+", "iteration 77", lines[at])
    return Mutated(with_lines(files, ACTIONS, [*lines[:at], changed, *lines[at + 1 :]]), "flagged", f"line {at + 1}")


def without_dates(_random: Random, files: Files) -> Mutated:
    return Mutated({**files, ACTIONS: files[ACTIONS].replace(b"2024-01-25 ", b"")}, "flagged", "times without a date")


# --- the whole --------------------------------------------------------------------------------------------------------


def files_swapped(random: Random, files: Files) -> Mutated:
    one, other = random.sample([role for role in ROLES if role in files], 2)
    return Mutated({**files, one: files[other], other: files[one]}, "flagged", f"{one} and {other} swapped")


def file_gone(random: Random, files: Files) -> Mutated:
    gone = random.choice([role for role in ROLES if role in files])
    return Mutated({name: content for name, content in files.items() if name != gone}, "flagged", f"{gone} is gone")


def offset_gone(_random: Random, files: Files) -> Mutated:
    """Without the offset stamps that are UTC are said to be taken as they are; the others need none."""
    text = re.sub(rb"utc_offset_h = \d\n", b"", files[TOML])
    utc = files[POWER][:9].isdigit() or b"#UTC" in files.get(HARDWARE, b"")
    return Mutated({**files, TOML: text}, "flagged" if utc else "preserved", "no utc_offset_h")


GENERAL: dict[str, Callable[[Random, Files], Mutated | None]] = {
    "crlf": as_windows_writes, "utf-16": as_powershell_writes, "blank-lines": blank_lines, "garbled": garbled,
    "swapped": rows_swapped, "moved": a_chunk_moved, "zeros": zeros_at_the_end, "gzip": packed,
    "gzip-cut": packed_and_cut,
}  # fmt: skip
MUTATIONS: dict[str, Mutation] = {
    f"{role.removeprefix('sus-').removesuffix('.csv')}-{name}": of(role, mutation)
    for role in ROLES for name, mutation in GENERAL.items()
} | {
    "power-cut": of(POWER, end_cut), "power-twice": of(POWER, a_row_twice), "power-headless": of(POWER, header_gone),
    "power-decimal-sign": decimal_sign, "power-one-decimal-sign": one_decimal_sign, "power-no-number": no_number,
    "power-unit": unit_of_power, "power-name": name_of_power, "power-columns": columns_of_power,
    "power-end-gone": rows_gone_behind_the_last_run, "power-run-not-covered": run_not_covered,
    "actions-cut": log_cut, "actions-mark-gone": mark_gone, "actions-mark-twice": mark_twice,
    "actions-microseconds": milliseconds_written_otherwise, "actions-case": types_in_another_case,
    "actions-no-iterations": without_iterations, "actions-another-iteration": another_iteration,
    "actions-no-dates": without_dates,
    "hardware-cut": hardware_cut, "hardware-twice": of(HARDWARE, a_row_twice),
    "hardware-headless": of(HARDWARE, header_gone), "hardware-separator": other_separator,
    "hardware-columns": columns_moved, "hardware-column-gone": column_gone, "hardware-renamed": column_renamed,
    "hardware-header-again": header_again, "hardware-other-header": other_header_again,
    "hardware-block": block_in_front, "hardware-decimals": more_decimals, "hardware-per-interval": per_interval,
    "swapped-files": files_swapped, "file-gone": file_gone, "no-offset": offset_gone,
}  # fmt: skip
FORM = Form(
    "oscar",
    drawn,
    lambda source, campaign: imported(import_oscar, source, campaign, indicators=True),
    MUTATIONS,
)
