"""PTDaemon sessions and their mutations for the fuzzer of valid foreign files.

Knows how such sessions look and what the importer promises of them (harness/foreign/importers/ptd,
loadgen.py).
"""

import gzip
import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from harness.foreign.importers.ptd.importer import import_ptd
from tests.fuzz.foreign import Files, Form, Mutated, Mutation, Outcome, imported

SPL, CONSOLE, SERVER = "run_1/spl.txt", "power/ptd_logs.txt", "power/server.json"
CLIENT, DETAIL = "power/client.json", "run_1/mlperf_log_detail.txt"
SESSION = "2024-07-23_09-27-46"
MARK = f"{SESSION}_testing"
IDENTIFY = (
    "YokogawaWT330E,1000,1,1,1,1,0,0,1,version=1.10.0-ed9a21d2-20220817,OS=Linux 5.15.0 x86_64,mode=power,1,1,1,0,0,"
    "no_cal_date,YOKOGAWA;WT333E;C2XX00000V;F1.04"
)
SENT = "Response to client sent: "
Values = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Session:
    """A session before it is written: sample times, values of each sample by channel (the sum first), the window, what
    lies beside the samples."""

    times: list[datetime]
    samples: list[list[Values]]
    window: tuple[datetime, datetime] | None
    parts: frozenset[str]
    zone_s: int = 0

    def files(self) -> Files:
        """The session as files."""
        spl = "".join(f"{line}\n" for line in self.lines(marked=True))
        files = {SPL: spl}
        if self.window is not None:
            files[DETAIL] = "".join(
                f":::MLLOG {json.dumps({'key': key, 'value': stamp(time), 'time_ms': 1.5})}\n"
                for key, time in zip(("power_begin", "power_end"), self.window, strict=True)
            )
        if "console" in self.parts:
            files[CONSOLE] = self.console()
        written = {name: text.encode() for name, text in files.items()}
        if "server" in self.parts:
            written[SERVER] = json.dumps(self._server(written), indent=1).encode()
        if "client" in self.parts:
            told = {"timezone": self.zone_s, "messages": [], "results": {DETAIL: sha1(written.get(DETAIL, b""))}}
            written[CLIENT] = json.dumps(told).encode()
        return written

    def lines(self, *, marked: bool) -> list[str]:
        """The rows as a log has them, or as a reply to `RL`."""
        return [row(time, sample, marked=marked) for time, sample in zip(self.times, self.samples, strict=True)]

    def console(self) -> str:
        """The console log: one measurement, its averages, its reply."""
        begin, end = self.times[0] - timedelta(seconds=1), self.times[-1] + timedelta(milliseconds=500)
        head = "Selected power meter 'Yokogawa WT330:1-Channel' from wt310.cpp\n"
        told = [
            (begin, f"{SENT}{IDENTIFY}"), (begin, "Uncertainty checking for YokogawaWT330E is activated"),
            (begin, f"Go with mark '{MARK}'"),
            (begin, f"{SENT}Starting untimed measurement, maximum 500000 samples at 1000ms with 0 rampup samples"),
            (end, f"{SENT}Stopping untimed measurement"), (end, "Completed test"), (end, self._averages()),
        ]  # fmt: skip
        count = len(self.times)
        text = head + "".join(f"{stamp(time)}: {line}\n" for time, line in told)
        if "reply" in self.parts:
            text += f"{stamp(end)}: {SENT}Last {count} samples\n" + "".join(f"{x}\n" for x in self.lines(marked=False))
            text += f"{stamp(end)}: {SENT}Uncertainty,0.002446,0.002353,0.003385,{count},0,{count},0\n"
        return text + f"{stamp(end)}: No data returned by socket read.\n"

    def _averages(self) -> str:
        watts, count = [sample[0][0] for sample in self.samples], len(self.samples)
        return (
            f"Avg watts {sum(watts) / count:.6f}, min watts {min(watts):.6f}, max watts {max(watts):.6f}, "
            f"samples {count}, errors 0, valid {count}"
        )

    def _server(self, files: Files) -> dict[str, object]:
        starting = "Starting untimed measurement, maximum 500000 samples at 1000ms with 0 rampup samples"
        told = [{"cmd": "Identify", "reply": IDENTIFY}, {"cmd": f"Go,1000,0,{MARK}", "reply": starting}]
        results = {name: sha1(files[name]) for name in (SPL, CONSOLE) if name in files}
        return {"timezone": self.zone_s, "ptd_messages": told, "results": results}

    @property
    def is_told_twice(self) -> bool:
        """Whether something beside the samples tells of every one of them."""
        return bool({"console", "server"} & self.parts)


def row(time: datetime, sample: Sequence[Values], *, marked: bool) -> str:
    """One row."""
    head = f"Time,{stamp(time)},{quadruple(sample[0])}" + (f",Mark,{MARK}" if marked else "")
    names = [f"Ch{number}," if marked else "" for number in range(1, len(sample))]
    return head + "".join(f",{name}{quadruple(values)}" for name, values in zip(names, sample[1:], strict=True))


def quadruple(values: Values) -> str:
    return "Watts,{:.6f},Volts,{:.6f},Amps,{:.6f},PF,{:.6f}".format(*values)


def stamp(time: datetime) -> str:
    return time.strftime("%m-%d-%Y %H:%M:%S.") + f"{time.microsecond // 1000:03d}"


def sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def of(power_w: float, random: Random) -> Values:
    """Values of one channel that fit each other."""
    volts, factor = random.uniform(100, 250), random.uniform(0.4, 1.0)
    return round(power_w, 2), round(volts, 3), round(power_w / volts / factor, 4), round(factor, 4)


def drawn_session(random: Random, *needed: str) -> Session:
    """A valid session; `needed` is in it."""
    parts = {part for part in ("console", "reply", "server", "client", "window") if random.random() < 0.6} | {*needed}
    parts -= set() if "console" in parts else {"reply"}
    count, channels = random.randint(60, 150), random.choice([0, 0, 2, 3])
    begin = datetime(2024, 7, 23, random.randint(0, 20), random.randint(0, 59), random.randint(0, 59))
    times = [begin + timedelta(seconds=second, milliseconds=random.choice([0, 0, 7, -6])) for second in range(count)]
    level_w = random.uniform(4, 900)
    samples = []
    for _ in range(count):
        each = [of(level_w * random.uniform(0.9, 1.1), random) for _ in range(max(channels, 1))]
        watts = round(sum(values[0] for values in each), 2)
        samples.append([(watts, -1.0, -1.0, -1.0), *each] if channels else each)
    window = (times[10] + timedelta(milliseconds=314), times[-10] + timedelta(milliseconds=271))
    zone_s = random.choice([0, 0, 14400, -3600, 28800]) if "server" in parts else 0
    return Session(times, samples, window if "window" in parts else None, frozenset(parts), zone_s)


def drawn(random: Random) -> Files:
    """Files of a valid session."""
    return drawn_session(random).files()


# --- what comes of it is the same ------------------------------------------------------------------------------------


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
