"""Valid PTDaemon sessions, drawn: samples, console log, server.json, MLPerf's log.

Knows how such files look. Knows no mutation.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from tests.fuzz.foreign import Files

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
