"""PTDaemon sessions and their mutations for the fuzzer of valid foreign files.

Knows how such sessions look and what the importer promises of them (harness/foreign/importers/ptd,
loadgen.py).
"""

import gzip
import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import Random

from harness.foreign.importers.ptd.importer import import_ptd
from tests.fuzz.foreign import Files, Form, Mutated, Mutation, Outcome, imported
from tests.fuzz.ptd_sessions import (
    CLIENT,
    CONSOLE,
    DETAIL,
    SENT,
    SERVER,
    SESSION,
    SPL,
    drawn,
    sha1,
    stamp,
)


def each_text(files: Files, change: Callable[[bytes], bytes], *, but: Sequence[str] = (SERVER, CLIENT)) -> Files:
    """The files, each text changed, their digests made anew: what is meant is their form."""
    changed = {name: content if name in but else change(content) for name, content in files.items()}
    return with_digests(changed)


def with_digests(files: Files) -> Files:
    """The files, the digests in server.json and client.json theirs."""
    found = dict(files)
    for beside in (SERVER, CLIENT):
        if beside in found:
            told = json.loads(found[beside])
            told["results"] = {name: sha1(found[name]) for name in told["results"] if name in found}
            found[beside] = json.dumps(told).encode()
    return found


def carriage_returns(random: Random, files: Files) -> Mutated:
    end = random.choice([b"\r\n", b"\r\r\n"])
    return Mutated(each_text(files, lambda text: text.replace(b"\n", end)), "preserved", f"lines end with {end!r}")


def as_powershell_writes(random: Random, files: Files) -> Mutated | None:
    if CONSOLE not in files:
        return None
    order = random.choice(["utf-16-le", "utf-16-be"])
    text = ("\ufeff" + files[CONSOLE].decode()).encode(order)
    return Mutated(with_digests({**files, CONSOLE: text}), "preserved", f"the console in {order}")


def byte_order_mark(_random: Random, files: Files) -> Mutated:
    return Mutated(each_text(files, lambda text: b"\xef\xbb\xbf" + text), "preserved", "byte order marks")


def packed(random: Random, files: Files) -> Mutated:
    """Some files as .gz; server.json states the digests of what is in them."""
    names = [name for name in files if random.random() < 0.7] or [SPL]
    changed = {name: content for name, content in files.items() if name not in names}
    return Mutated(changed | {f"{n}.gz": gzip.compress(files[n]) for n in names}, "preserved", f"packed {names}")


def blank_lines(random: Random, files: Files) -> Mutated:
    def change(text: bytes) -> bytes:
        lines = text.splitlines(keepends=True)
        at = random.randint(1, len(lines))
        return b"".join([*lines[:at], b"\n", *lines[at:], b"  \n"])

    return Mutated(each_text(files, change), "preserved", "blank lines")


def deeper(random: Random, files: Files) -> Mutated:
    """The session in folders that name no workload."""
    place = random.choice(["performance", f"testing/{SESSION}", "performance/ranging"])
    return Mutated({f"{place}/{name}": content for name, content in files.items()}, "preserved", f"in {place}")


def heads_in_the_reply(random: Random, files: Files) -> Mutated | None:
    """The head of a message before or inside rows of the reply, as PTDaemon prints them."""
    lines = files.get(CONSOLE, b"").decode().splitlines(keepends=True)
    told = [at for at, line in enumerate(lines) if line.startswith("Time,")]
    if not told:
        return None
    head = f"07-23-2024 21:00:00.114: {SENT}"
    for at in random.sample(told, min(len(told), 9)):
        cut = random.choice([0, random.randint(1, len(lines[at]) - 2)])
        lines[at] = lines[at][:cut] + head + lines[at][cut:]
    return Mutated(with_digests({**files, CONSOLE: "".join(lines).encode()}), "preserved", "heads in the reply")


def text_in_the_console(random: Random, files: Files) -> Mutated | None:
    if CONSOLE not in files:
        return None
    lines = files[CONSOLE].decode().splitlines(keepends=True)
    at = random.randint(1, len(lines))
    text = random.choice(
        ["Buffer was 1.000E+00;1;300.0E+00;1\n", "...\n", "  *****\n", "Analyzer 1\n", "\u00b5 \u00fc\n"]
    )
    return Mutated(
        with_digests({**files, CONSOLE: "".join([*lines[:at], text, *lines[at:]]).encode()}), "preserved", f"{text!r}"
    )


def an_older_window(random: Random, files: Files) -> Mutated | None:
    """The two lines in another form."""
    if DETAIL not in files:
        return None
    form = random.choice(["pid: 7, {}: {}\n", '"{}" : "{}",\n', ":::MLLOG {{'key': '{}', 'value': '{}'}}\n"])
    times = re.findall(r"\d\d-\d\d-\d{4} [\d:.]+", files[DETAIL].decode())
    keys = random.choice([("power_begin", "power_end"), ("POWER_BEGIN", "POWER_END")])
    text = "".join(form.format(key, time) for key, time in zip(keys, times, strict=True))
    return Mutated(with_digests({**files, DETAIL: text.encode()}), "preserved", f"{form!r}")


def window_in_local_time(_random: Random, files: Files) -> Mutated | None:
    """The window in the client's local time, where the zone is stated."""
    zone_s = json.loads(files.get(SERVER, b"{}")).get("timezone")
    if DETAIL not in files or not zone_s:
        return None

    def local(match: re.Match[str]) -> str:
        time = datetime.strptime(match[0], "%m-%d-%Y %H:%M:%S.%f")
        return stamp(time - timedelta(seconds=zone_s))

    text = re.sub(r"\d\d-\d\d-\d{4} [\d:.]+", local, files[DETAIL].decode())
    return Mutated(with_digests({**files, DETAIL: text.encode()}), "preserved", f"the window {zone_s} s off")


# --- what must be said ----------------------------------------------------------------------------------------------


def rows_of(files: Files) -> list[str]:
    return files[SPL].decode().splitlines(keepends=True)


def with_rows(files: Files, lines: Sequence[str]) -> Files:
    return {**files, SPL: "".join(lines).encode()}


def rows_gone_at_the_end(random: Random, files: Files) -> Mutated | None:
    """Nothing in a log by itself can show it; a console log, a digest or a window does."""
    lines = rows_of(files)
    count = random.randint(1, len(lines) // 2)
    told = {CONSOLE, SERVER} & files.keys() or (DETAIL in files and count > 10)
    outcome: Outcome = "flagged" if told else "undetectable"
    return Mutated(with_rows(files, lines[:-count]), outcome, f"the last {count} rows are gone")


def rows_gone_inside(random: Random, files: Files) -> Mutated:
    lines = rows_of(files)
    at, count = random.randint(15, len(lines) - 20), random.randint(1, 4)
    return Mutated(with_rows(files, lines[:at] + lines[at + count :]), "flagged", f"rows {at} to {at + count} are gone")


def a_row_doubled(random: Random, files: Files) -> Mutated:
    lines = rows_of(files)
    at = random.randint(15, len(lines) - 15)
    return Mutated(with_rows(files, [*lines[:at], lines[at - 1], *lines[at:]]), "flagged", f"row {at} twice")


def rows_swapped(random: Random, files: Files) -> Mutated:
    lines = rows_of(files)
    at = random.randint(1, len(lines) - 1)
    lines[at - 1], lines[at] = lines[at], lines[at - 1]
    return Mutated(with_rows(files, lines), "flagged", f"rows {at} and {at + 1} swapped")


def a_row_cut(random: Random, files: Files) -> Mutated:
    lines = rows_of(files)
    at = random.randint(0, len(lines) - 2)
    cut = random.randint(1, len(lines[at]) - 2)
    if random.random() < 0.5:
        return Mutated(with_rows(files, [*lines[:-1], lines[-1][:cut]]), "flagged", f"the last row cut after {cut}")
    return Mutated(
        with_rows(files, [*lines[:at], lines[at][:cut] + "\n", *lines[at + 1 :]]), "flagged", f"row {at} cut"
    )


def a_value_edited(random: Random, files: Files) -> Mutated | None:
    """One power raised: where anything else tells of it. With fresh digests the averages or the reply still do."""
    if CONSOLE not in files and SERVER not in files:
        return None
    lines = rows_of(files)
    at, factor = random.randrange(len(lines)), random.choice([0.5, 0.9, 1.1, 2.0])
    lines[at] = re.sub(r"Watts,([\d.]+)", lambda m: f"Watts,{float(m[1]) * factor:.6f}", lines[at], count=1)
    changed = with_rows(files, lines)
    fresh = CONSOLE in files and random.random() < 0.5
    return Mutated(with_digests(changed) if fresh else changed, "flagged", f"row {at} times {factor}, digests {fresh}")


def another_unit(random: Random, files: Files) -> Mutated | None:
    """All powers in another unit: told by digest, averages, reply, or by volts and amperes."""
    if re.search(r",Ch1,", files[SPL].decode()) and not {CONSOLE, SERVER} & files.keys():
        return None  # a sum has no volts and amperes
    factor = random.choice([1000.0, 0.001])

    def scaled(match: re.Match[str]) -> str:
        return f"Watts,{float(match[1]) * factor:.6f}"

    return Mutated(
        {**files, SPL: re.sub(r"Watts,([\d.]+)", scaled, files[SPL].decode()).encode()}, "flagged", f"times {factor}"
    )


def columns_renamed(random: Random, files: Files) -> Mutated:
    old, new = random.choice([("Watts", "W"), ("Volts", "Voltage"), ("Mark", "Label"), ("PF", "Pf"), ("Time", "time")])
    return Mutated({**files, SPL: files[SPL].replace(old.encode(), new.encode())}, "flagged", f"{old} is {new}")


def columns_reordered(_random: Random, files: Files) -> Mutated:
    text = re.sub(r"(Watts,[^,]+),(Volts,[^,]+)", r"\2,\1", files[SPL].decode())
    return Mutated({**files, SPL: text.encode()}, "flagged", "volts before watts")


def outside_the_range(random: Random, files: Files) -> Mutated:
    """Values marked as PTDaemon marks them, in a few rows of the window."""
    lines = rows_of(files)
    for at in random.sample(range(15, len(lines) - 15), random.randint(1, 5)):
        lines[at] = re.sub(r"(Watts|Amps),(-?[\d.]+)", marked, lines[at], count=2)
    return Mutated(with_rows(files, lines), "flagged", "marked values")


def marked(match: re.Match[str]) -> str:
    value = float(match[2])
    return f"{match[1]},{value if value < 0 else -value - 3:.6f}"


def samples_that_failed(random: Random, files: Files) -> Mutated:
    lines = rows_of(files)
    code = random.choice(["-1.000000", "-2.000000"])
    for at in random.sample(range(15, len(lines) - 15), random.randint(1, 5)):
        lines[at] = re.sub(r"(Watts|Volts|Amps|PF),[^,]+", rf"\1,{code}", lines[at], count=4)
    return Mutated(with_rows(files, lines), "flagged", f"samples of {code}")


def day_and_month_swapped(_random: Random, files: Files) -> Mutated:
    text = re.sub(r"Time,(\d\d)-(\d\d)-", r"Time,\2-\1-", files[SPL].decode())
    return Mutated({**files, SPL: text.encode()}, "flagged", "day first")


def an_hour_ahead(random: Random, files: Files) -> Mutated:
    """Summer time begins inside the measurement."""
    lines = rows_of(files)
    at = random.randint(10, len(lines) - 10)

    def later(match: re.Match[str]) -> str:
        return f"{match[1]}{int(match[2]) + 1:02d}:"

    lines[at:] = [re.sub(r"^(Time,[^ ]+ )(\d\d):", later, line) for line in lines[at:]]
    return Mutated(with_rows(files, lines), "flagged", f"an hour ahead from row {at}")


def merged(random: Random, files: Files) -> Mutated:
    """Rows as MLPerf's server merges those of two analysers."""
    lines = rows_of(files)
    at = random.randrange(len(lines))
    lines[at] = lines[at].rstrip("\n") + ",Analyzer1," + lines[at]
    return Mutated(with_rows(files, lines), "flagged", "merged rows")


def a_window_that_is_none(random: Random, files: Files) -> Mutated | None:
    if DETAIL not in files:
        return None
    lines = files[DETAIL].decode().splitlines(keepends=True)
    name, changed = random.choice(
        [
            ("one edge", lines[: random.choice([1])]),
            ("edges swapped", [lines[0].replace("begin", "end"), lines[1].replace("end", "begin")]),
            ("another year", [line.replace("-2024 ", "-2023 ") for line in lines]),
            ("a time that is none", [line.replace("07-23-", "07-33-") for line in lines]),
            ("no time", [re.sub(r"\d\d-\d\d-\d{4}", "soon", line) for line in lines]),
        ]
    )
    return Mutated(with_digests({**files, DETAIL: "".join(changed).encode()}), "flagged", name)


def two_windows(_random: Random, files: Files) -> Mutated | None:
    """Two windows that both lie among the samples."""
    if DETAIL not in files:
        return None
    return Mutated(with_digests({**files, DETAIL: files[DETAIL] * 2}), "flagged", "two windows")


def another_analyser(_random: Random, files: Files) -> Mutated | None:
    if not {CONSOLE, SERVER} <= files.keys():
        return None
    return Mutated(
        with_digests({**files, SERVER: files[SERVER].replace(b"C2XX00000V", b"C2XX11111V")}), "flagged", "two analysers"
    )


def server_json_damaged(random: Random, files: Files) -> Mutated | None:
    if SERVER not in files:
        return None
    cut = random.randint(1, len(files[SERVER]) - 2)
    return Mutated({**files, SERVER: files[SERVER][:cut]}, "flagged", f"server.json cut after {cut}")


def packed_and_cut(random: Random, files: Files) -> Mutated:
    whole = gzip.compress(files[SPL])
    cut = random.randint(1, len(whole) - 9)
    changed = {name: content for name, content in files.items() if name != SPL} | {f"{SPL}.gz": whole[:cut]}
    return Mutated(changed, "flagged", f"spl.txt.gz cut after {cut}")


def the_window_moved(random: Random, files: Files) -> Mutated | None:
    """Its edges a few seconds on, which the client's digest shows."""
    if DETAIL not in files or CLIENT not in files:
        return None
    seconds = random.choice([-5, -1, 2, 6])

    def moved(match: re.Match[str]) -> str:
        return stamp(datetime.strptime(match[0], "%m-%d-%Y %H:%M:%S.%f") + timedelta(seconds=seconds))

    text = re.sub(r"\d\d-\d\d-\d{4} [\d:.]+", moved, files[DETAIL].decode())
    return Mutated({**files, DETAIL: text.encode()}, "flagged", f"the window {seconds} s on")


def the_session_twice(_random: Random, files: Files) -> Mutated:
    """As two submissions share a run: imported once, and said."""
    return Mutated({f"{at}/{name}": content for at in "ab" for name, content in files.items()}, "flagged", "twice")


MUTATIONS: dict[str, Mutation] = {
    mutation.__name__: mutation
    for mutation in (
        carriage_returns, as_powershell_writes, byte_order_mark, packed, blank_lines, deeper, heads_in_the_reply,
        text_in_the_console, an_older_window, window_in_local_time, rows_gone_at_the_end, rows_gone_inside,
        a_row_doubled, rows_swapped, a_row_cut, a_value_edited, another_unit, columns_renamed, columns_reordered,
        outside_the_range, samples_that_failed, day_and_month_swapped, an_hour_ahead, merged, a_window_that_is_none,
        two_windows, another_analyser, server_json_damaged, packed_and_cut, the_window_moved, the_session_twice,
    )
}  # fmt: skip

FORM = Form("ptd", drawn, lambda source, campaign: imported(import_ptd, source, campaign), MUTATIONS)
