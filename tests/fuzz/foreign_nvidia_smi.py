"""nvidia-smi logs and their mutations for the fuzzer of valid foreign files.

Knows how such logs look and what the importer promises of them (harness/foreign/importers/nvidia_smi,
nvidia_smi_log.py).
"""

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from harness.foreign.importers.nvidia_smi.importer import import_nvidia_smi
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
    only,
    rows_gone_at_the_end,
    with_lines,
)

NAME = "gpu.csv"
POWERS = ("power.draw", "power.draw.instant", "power.draw.average")
COLUMNS: dict[str, tuple[str, Callable[[Random], str]]] = {
    "utilization.gpu": ("%", lambda random: f"{random.randint(0, 100)} %"),
    "temperature.gpu": ("", lambda random: str(random.randint(30, 80))),
    "clocks.current.sm": ("MHz", lambda random: f"{random.randint(200, 2000)} MHz"),
    "memory.used": ("MiB", lambda random: f"{random.randint(1, 80000)} MiB"),
    "pstate": ("", lambda random: f"P{random.randint(0, 12)}"),
    "fan.speed": ("%", lambda random: "[N/A]"),
}
ALIASES = {
    "clocks.current.sm": "clocks.sm", "uuid": "gpu_uuid", "pci.bus_id": "gpu_bus_id", "name": "gpu_name",
    "utilization.gpu": "gpu_usage", "temperature.gpu": "gpu_temperature", "memory.used": "gpu_memory_used",
    "power.draw": "gpu_power_draw",
}  # fmt: skip
IDS: dict[str, Callable[[int], str]] = {
    "index": str, "uuid": lambda nth: f"GPU-0000-{nth}", "pci.bus_id": lambda nth: f"00000000:{nth}B:00.0"
}  # fmt: skip
ABSENT = ("[N/A]", "[Unknown Error]", "[Not Supported]", "ERR!", "[GPU is lost]", "[Insufficient Permissions]")
KEYS = ("timestamp", *IDS, "name")


@dataclass(frozen=True, slots=True)
class Log:
    """A log as columns (name -> unit) and rows of cells."""

    columns: dict[str, str]
    rows: list[list[str]]

    def files(self, order: Sequence[str] | None = None, names: dict[str, str] | None = None) -> Files:
        """The log as a file, its columns in some order and under some names."""
        order, names = order or list(self.columns), names or {}
        places = [list(self.columns).index(name) for name in order]
        heads = [names.get(n, n) + (f" [{self.columns[n]}]" if self.columns[n] else "") for n in order]
        lines = [", ".join(heads), *(", ".join(row[place] for place in places) for row in self.rows)]
        return {NAME: "".join(line + "\n" for line in lines).encode()}


def parsed(files: Files) -> Log:
    """The log of a file that `drawn` made."""
    head, *rows = [[cell.strip() for cell in line.split(",")] for line in lines_of(files[NAME])]
    return Log({name.split(" [")[0]: name.partition("[")[2].rstrip("]") for name in head}, rows)


def drawn(random: Random) -> Files:
    """A valid log: one to three boards, any columns in any order, a rhythm of its own."""
    boards = random.choice([1, 1, 2, 3])
    power = random.choice(POWERS)
    columns = {"timestamp": "", power: "W"}
    ids = random.sample(sorted(IDS), random.randint(1 if boards > 1 else 0, 2))
    columns |= dict.fromkeys(ids, "") | ({"name": ""} if random.random() < 0.5 else {})
    others = random.sample(sorted(COLUMNS), random.randint(0, 4))
    columns |= {name: COLUMNS[name][0] for name in others}
    shuffled = random.sample(sorted(columns), len(columns))
    step_ms, jitter = random.choice([6, 20, 100, 1000, 5000]), random.choice([0.0, 0.02, 0.3])
    level_w, rows = [random.uniform(20, 400) for _ in range(boards)], []
    time_ms = random.randint(0, 80_000_000)
    for _ in range(random.randint(40, 120)):
        for board in range(boards):
            values = {"timestamp": stamp(time_ms + board), power: f"{level_w[board] + random.uniform(-9, 9):.2f} W"}
            values |= {name: IDS[name](board) for name in ids} | {"name": "NVIDIA A100"}
            values |= {name: COLUMNS[name][1](random) for name in others}
            rows.append([values[name] for name in shuffled])
        time_ms += max(boards + 1, round(step_ms * (1 + jitter * random.random())))
    return Log({name: columns[name] for name in shuffled}, rows).files()


def stamp(time_ms: int) -> str:
    """A stamp of one day."""
    seconds, milli = divmod(time_ms, 1000)
    return f"2026/03/04 {seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{milli:03d}"


def columns_in_another_order(random: Random, files: Files) -> Mutated:
    log = parsed(files)
    order = random.sample(sorted(log.columns), len(log.columns))
    return Mutated(log.files(order), "preserved", f"columns {order}")


def columns_under_other_names(random: Random, files: Files) -> Mutated:
    log = parsed(files)
    names = {name: ALIASES[name] for name in log.columns if name in ALIASES and random.random() < 0.8}
    return Mutated(log.files(names=names), "preserved", f"renamed {names}")


def without_units(random: Random, files: Files) -> Mutated:
    log = parsed(files)
    rows = [[cell if cell.startswith("[") else cell.split(" ")[0] if at not in _texts(log) else cell
             for at, cell in enumerate(row)] for row in log.rows]  # fmt: skip
    columns = dict.fromkeys(log.columns, "") if random.random() < 0.5 else log.columns
    return Mutated(Log(columns, rows).files(), "preserved", "nounits")


def _texts(log: Log) -> set[int]:
    return {at for at, name in enumerate(log.columns) if name in ("timestamp", "name")}


def power_in_another_unit(random: Random, files: Files) -> Mutated:
    """Milliwatts or kilowatts, in the header, the cells, or both: never taken for watts."""
    log, unit = parsed(files), random.choice(["mW", "kW"])
    at, where = _power(log), random.choice(["header", "cells", "both"])
    columns = log.columns | ({_name(log): unit} if where != "cells" else {})
    bare = where == "header" and random.random() < 0.5
    rows = [
        [*row[:at], row[at].replace(" W", "" if bare else f" {unit}" if where != "header" else " W"), *row[at + 1 :]]
        for row in log.rows
    ]
    return Mutated(Log(columns, rows).files(), "flagged", f"power in {unit} ({where})")


def one_unit_missing(random: Random, files: Files) -> Mutated:
    """A number that lost its unit may have lost digits too."""
    log = parsed(files)
    nth, at = random.randrange(len(log.rows)), _power(log)
    number = log.rows[nth][at].split(" ")[0]
    log.rows[nth][at] = number[: random.randint(1, len(number))]
    return Mutated(log.files(), "flagged", f"row {nth} has {log.rows[nth][at]!r}")


def names_exchanged(random: Random, files: Files) -> Mutated | None:
    """The heads of power and of another column with a unit change places: the units of the cells contradict."""
    log = parsed(files)
    others = [name for name, unit in log.columns.items() if unit and name != _name(log) and name != "fan.speed"]
    if not others:
        return None
    other = random.choice(others)
    heads = {_name(log): other, other: _name(log)}
    columns = {heads.get(name, name): log.columns[heads.get(name, name)] for name in log.columns}
    return Mutated(Log(columns, log.rows).files(), "flagged", f"heads of power and {other} exchanged")


def digit_changed(random: Random, files: Files) -> Mutated:
    """Another power that could have been measured: only count, span and digest are there to show it."""
    log = parsed(files)
    nth, at = random.randrange(len(log.rows)), _power(log)
    log.rows[nth][at] = f"{float(log.rows[nth][at].split(' ')[0]) + 1:.2f} W"
    return Mutated(log.files(), "undetectable", f"row {nth} reads 1 W more")


def sign_before_a_power(random: Random, files: Files) -> Mutated:
    log = parsed(files)
    nth, at = random.randrange(1, len(log.rows) - 3), _power(log)
    log.rows[nth][at] = "-" + log.rows[nth][at]
    return Mutated(log.files(), "flagged", f"row {nth} is negative")


def packed(random: Random, files: Files) -> Mutated:
    return Mutated({NAME: gzip.compress(files[NAME])}, "preserved", "gzip under its plain name")


def column_of_power_gone(random: Random, files: Files) -> Mutated:
    log = parsed(files)
    gone = random.choice([_name(log), "timestamp"])
    kept = [name for name in log.columns if name != gone]
    return Mutated(log.files(kept), "flagged", f"only {kept}")


def _name(log: Log) -> str:
    return next(name for name in POWERS if name in log.columns)


def _power(log: Log) -> int:
    return list(log.columns).index(_name(log))


def header_again(random: Random, files: Files) -> Mutated:
    name, lines = only(files)
    at = random.randint(1, len(lines))
    return Mutated(with_lines(files, name, [*lines[:at], lines[0], *lines[at:]]), "preserved", f"header at {at + 1}")


def restarted_in_mid_line(random: Random, files: Files) -> Mutated:
    """A logger that was killed and started again: half a row, then a header, on one line or two."""
    name, lines = only(files)
    at = random.randint(5, len(lines) - 5)
    half = lines[at][: random.randint(1, len(lines[at]) - 2)]
    glue = random.choice(["", "\n"]) if half.count(",") < lines[at].count(",") else ""
    return Mutated(
        with_lines(files, name, [*lines[:at], half + glue, lines[0], *lines[at + 1 :]]),
        "flagged",
        f"restart in {at + 1}",
    )


def row_doubled(random: Random, files: Files) -> Mutated:
    name, lines = only(files)
    at = random.randint(1, len(lines) - 1)
    return Mutated(with_lines(files, name, [*lines[: at + 1], lines[at], *lines[at + 1 :]]), "preserved", "a row twice")


def chunk_doubled(random: Random, files: Files) -> Mutated:
    name, lines = only(files)
    first = random.randint(1, len(lines) - 6)
    chunk = lines[first : first + random.randint(3, 12)]
    at = random.randint(first + len(chunk), len(lines))
    return Mutated(with_lines(files, name, [*lines[:at], *chunk, *lines[at:]]), "preserved", f"{len(chunk)} rows twice")


def chunk_moved(random: Random, files: Files) -> Mutated | None:
    name, lines = only(files)
    boards = len(_boards(parsed(files)))
    first, count = random.randint(1, len(lines) - 6 * boards), random.randint(2, 4) * boards
    at = random.randint(first + count + boards, len(lines))
    if at > len(lines) or first + count >= len(lines):
        return None
    moved = [*lines[:first], *lines[first + count : at], *lines[first : first + count], *lines[at:]]
    return Mutated(with_lines(files, name, moved), "flagged", f"{count} rows moved to {at}")


def rows_missing(random: Random, files: Files) -> Mutated:
    """Polls lost in the middle: at least one of each board, so that a step is two or more usual ones."""
    log = parsed(files)
    boards = len(_boards(log))
    count = random.randint(1, 6)
    first = random.randrange(boards * 2, len(log.rows) - boards * (count + 2), boards)
    kept = [*log.rows[:first], *log.rows[first + boards * count :]]
    steps = sorted(b - a for a, b in zip(_times(log), _times(log)[1:], strict=False))
    stands_ms = 1000 if _name(log) == "power.draw.average" else 100
    visible = (count + 1) * steps[0] > 1.5 * max(steps[len(steps) // 2], stands_ms) and steps[-1] < 1.4 * steps[0]
    # Within the time for which a reading stands a missing row misses nothing; values may differ by what lay between.
    outcome: Outcome = "flagged" if visible else "undetectable"
    return Mutated(Log(log.columns, kept).files(), outcome, f"{count} polls missing at {first}")


def _times(log: Log) -> list[int]:
    """The stamps of the first board in ms."""
    at = list(log.columns).index("timestamp")
    texts = [row[at] for row in next(iter(_boards(log).values()))]
    return [sum(int(part) * scale for part, scale in zip(
        (text[11:13], text[14:16], text[17:19], text[20:]), (3_600_000, 60_000, 1000, 1), strict=True
    )) for text in texts]  # fmt: skip


def _boards(log: Log) -> dict[str, list[list[str]]]:
    at = next((place for place, name in enumerate(log.columns) if name in IDS), None)
    found: dict[str, list[list[str]]] = {}
    for row in log.rows:
        found.setdefault("" if at is None else row[at], []).append(row)
    return found


def power_absent(random: Random, files: Files) -> Mutated:
    log, said = parsed(files), random.choice(ABSENT)
    nth, at = random.randrange(len(log.rows)), _power(log)
    log.rows[nth][at] = said
    return Mutated(log.files(), "flagged", f"row {nth} says {said}")


def no_power_at_all(random: Random, files: Files) -> Mutated:
    log, said = parsed(files), random.choice(ABSENT)
    for row in log.rows:
        row[_power(log)] = said
    return Mutated(log.files(), "flagged", f"every row says {said}")


def ids_gone(random: Random, files: Files) -> Mutated | None:
    """Several boards, and no column that tells them apart."""
    log = parsed(files)
    boards = len(_boards(log))
    kept = [name for name in log.columns if name not in IDS]
    step_ms = (lambda times: times[1] - times[0])(_times(log))
    if boards < 2 or len(kept) < 2 or step_ms < 5 * boards:
        return None
    return Mutated(log.files(kept), "flagged", f"{boards} boards without an id")


def another_board_joined(random: Random, files: Files) -> Mutated | None:
    """The log of another board behind this one's: never rows of one board."""
    log = parsed(files)
    if len(_boards(log)) > 1:
        return None
    at = _power(log)
    other = [[*row[:at], "77.77 W", *row[at + 1 :]] for row in log.rows]
    return Mutated(Log(log.columns, [*log.rows, *other]).files(), "flagged", "another board's log behind it")


def clock_put_back(random: Random, files: Files) -> Mutated:
    log = parsed(files)
    at, place = random.randint(5, len(log.rows) - 5), list(log.columns).index("timestamp")
    for row in log.rows[at:]:
        row[place] = row[place].replace("2026/03/04", "2026/03/03")
    return Mutated(log.files(), "flagged", f"clock back a day from row {at}")


def dates_as_iso(random: Random, files: Files) -> Mutated:
    log, sign = parsed(files), random.choice(["T", " "])
    place = list(log.columns).index("timestamp")
    for row in log.rows:
        row[place] = row[place].replace("/", "-").replace(" ", sign)
    return Mutated(log.files(), "preserved", f"dates as 2026-03-04{sign}..")


def another_separator(random: Random, files: Files) -> Mutated:
    name, lines = only(files)
    sign = random.choice([";", "\t", ","])
    return Mutated(
        with_lines(files, name, [line.replace(", ", sign) for line in lines]), "preserved", f"{sign!r} between"
    )


def names_in_another_encoding(random: Random, files: Files) -> Mutated | None:
    if b"NVIDIA A100" not in files[NAME]:
        return None
    text = files[NAME].decode().replace("NVIDIA A100", "GeForce® \u2122 A100")
    return Mutated({NAME: text.encode("cp1252")}, "preserved", "cp1252")


def line_on_top(random: Random, files: Files) -> Mutated:
    name, lines = only(files)
    top = random.choice(["Wed Mar  4 09:00:00 UTC 2026\n", "# power log\n\n", "host a100-17, driver 535.129.03\n"])
    return Mutated(with_lines(files, name, [top, *lines]), "preserved", f"{top!r} on top")


def tool_speaks(random: Random, files: Files) -> Mutated:
    name, lines = only(files)
    at = random.randint(2, len(lines) - 2)
    said = random.choice(["Failed to initialize NVML: Unknown Error\n", "No devices were found\n"])
    return Mutated(with_lines(files, name, [*lines[:at], said, *lines[at:]]), "preserved", f"{said!r} at {at + 1}")


def newline_gone_at_the_end(random: Random, files: Files) -> Mutated:
    """A last row whose end cannot be told from a cut is left out and said so; one that ends in its unit is whole."""
    last = lines_of(files[NAME])[-1].rstrip("\n").split(", ")[-1]
    head = lines_of(files[NAME])[0].rstrip("\n")
    whole = last.endswith("]") or (head.endswith("]") and " " in last)
    return Mutated({NAME: files[NAME].rstrip(b"\n")}, "preserved" if whole else "flagged", f"no newline after {last!r}")


MUTATIONS: dict[str, Mutation] = {
    function.__name__.replace("_", "-"): function
    for function in (
        a_row_garbled, as_powershell_writes, as_windows_writes, blank_lines, end_cut, rows_gone_at_the_end,
        columns_in_another_order, columns_under_other_names, without_units, power_in_another_unit, one_unit_missing,
        names_exchanged, digit_changed, sign_before_a_power, packed, column_of_power_gone, header_again,
        restarted_in_mid_line, row_doubled, chunk_doubled, chunk_moved, rows_missing, power_absent, no_power_at_all,
        ids_gone, another_board_joined, clock_put_back, dates_as_iso, another_separator, names_in_another_encoding,
        line_on_top, tool_speaks, newline_gone_at_the_end,
    )
}  # fmt: skip


FORM = Form(
    "nvidia-smi", drawn,
    lambda source, campaign: imported(lambda files, into: import_nvidia_smi([files / NAME], into), source, campaign),
    MUTATIONS,
)  # fmt: skip
