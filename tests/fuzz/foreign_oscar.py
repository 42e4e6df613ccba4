"""OSCAR measurements (power, actions, hardware) and their mutations for the fuzzer of valid foreign files.

Knows how such files look and what the importer promises of them (harness/foreign/importers/oscar).
"""

import gzip
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
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

POWER, ACTIONS, HARDWARE, TOML = "sus-power.csv", "sus-actions.csv", "sus-hardware.csv", "oscar.toml"
ROLES = (POWER, ACTIONS, HARDWARE)
BEGIN_S = 1_706_184_000
"""2024-01-25 12:00:00 of the wall clock."""
LEAD_S, RUN_S, PAUSE_S = 12, 20, 15
COLLECTL = ("[CPU]Totl%", "[MEM]Used", "[DSK]ReadKBTot", "[DSK]WriteKBTot", "[NET]RxKBTot", "[NET]TxKBTot")
OTHERS = ("[CPU]User%", "[CPU]L-Avg1", "[MEM]Tot", "[DSK]ReadTot", "[NET]RxPktTot", "[DSK]KbTot")
TYPE = re.compile(r"(start|stop)(Testrun|Action)")


def drawn(random: Random) -> Files:
    """A valid measurement of one scenario, each file in one of its forms."""
    runs = random.randint(1, 3)
    seconds = 2 * LEAD_S + runs * RUN_S + (runs - 1) * PAUSE_S
    offset_h = random.choice([0, 1, 2])
    files = {POWER: power(random, seconds, offset_h), ACTIONS: actions(random, runs)}
    text = f'[scenarios.sus]\npower = "{POWER}"\nactions = "{ACTIONS}"\nutc_offset_h = {offset_h}\n'
    if random.random() < 0.8:
        files[HARDWARE] = hardware(random, seconds, offset_h)
        text += f'hardware = "{HARDWARE}"\n'
    return files | {TOML: text.encode()}


def power(random: Random, seconds: int, offset_h: int) -> bytes:
    """A power file of one of the forms, one row a second."""
    form = random.choice(["gridvis", "kecolab", "handbook", "mobile", "gude"])
    level_w, digits = random.uniform(9, 400), 0 if form == "gude" else 3
    watts = [round(level_w + random.uniform(0, 60), digits) for _ in range(seconds)]
    rows = []
    for number, value in enumerate(watts, 1):
        at = datetime.fromtimestamp(BEGIN_S + number - 1, UTC)
        day_first, plain = f"{at:%d.%m.%y, %H:%M:%S}", f"{value:.{digits}f}"
        comma = plain.replace(".", ",")
        rows.append(
            {
                "gridvis": f"{number};{day_first};{comma};{comma};{comma};\n",
                "kecolab": f"{number};{day_first};{plain};\n",
                "handbook": f"{number};{day_first};{comma}\n",
                "mobile": f"{at:%Y-%m-%d %H:%M:%S}.{random.randint(0, 200_000):06d}; {plain}\n",
                "gude": f"{BEGIN_S + number - 1 - offset_h * 3600}{random.randint(0, 200_000):06d} {plain}\n",
            }[form]
        )
    head = {
        "gridvis": "Wert 1 : Wirkleistung [UMG604]\nNummer;Zeit;Wert 1-avg[W];Wert 1-min[W];Wert 1-max[W];\n",
        "kecolab": "Zeit;Wert 1-avg[W];\n", "handbook": ";Zeit;Wert 1-avg[W]\n", "mobile": "Zeit;Wert 1-avg[W]\n",
        "gude": "",
    }[form]  # fmt: skip
    return (head + "".join(rows)).encode()


def actions(random: Random, runs: int) -> bytes:
    """An action log of one of the forms."""
    form, iterations = random.choice(["usual", "handbook"]), random.choice(["", "before", "behind"])
    lines = []
    for run in range(runs):
        begin_s = BEGIN_S + LEAD_S + run * (RUN_S + PAUSE_S)
        marks = [(0.0, "startTestrun", "")]
        for k in range(random.randint(0, 3)):
            marks += [(2 + 5 * k, "startAction", f"step {k}"), (4 + 5 * k, "stopAction", "")]
        marks.append((RUN_S, "stopTestrun", ""))
        for after_s, kind, name in marks:
            milli = random.randint(0, 999) if kind.endswith("Action") else 0
            at = datetime.fromtimestamp(begin_s + after_s, UTC)
            stamp = f"{at:%Y-%m-%d %H:%M:%S}" + (f".{milli}" if milli else "")
            if form == "handbook":
                cells = [stamp, "", name] if kind == "startAction" else [stamp, kind, ""]
                cells = [] if kind == "stopAction" else cells
            else:
                cells = [stamp, kind] + ([name] if name else [])
            if cells:
                cells = [f"iteration {run + 1}", *cells] if iterations == "before" else cells
                cells = [*cells, *[""] * (3 - len(cells)), f"iteration {run + 1}"] if iterations == "behind" else cells
                lines.append(";".join(cells) + "\n")
    return "".join(lines).encode()


def hardware(random: Random, seconds: int, offset_h: int) -> bytes:
    """collectl's plot format, or KEcoLab's conversion of it."""
    separator, form = random.choice([";", " ", ",", "\t"]), random.choice(["plot", "millis", "utc", "converted"])
    separator = ";" if form == "converted" else separator
    names = random.sample([*COLLECTL, *OTHERS], 12)
    head = {"utc": ["#UTC"], "converted": ["Date Time"]}.get(form, ["#Date", "Time"])
    rows = [separator.join([*head, *names])]
    for second in range(seconds):
        at = datetime.fromtimestamp(BEGIN_S + second, UTC)
        stamp = {
            "plot": f"{at:%Y%m%d}{separator}{at:%H:%M:%S}", "millis": f"{at:%Y%m%d}{separator}{at:%H:%M:%S}.004",
            "utc": f"{BEGIN_S + second - offset_h * 3600}", "converted": f"{at:%d.%m.%Y %H:%M:%S}",
        }[form]  # fmt: skip
        rows.append(separator.join([stamp, *(str(random.randint(0, 5000)) for _ in names)]))
    first = "waiting for 1 second sample...\n" if form != "converted" and random.random() < 0.5 else ""
    return (first + "\n".join(rows) + "\n").encode()


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


# --- hardware ---------------------------------------------------------------------------------------------------------


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
