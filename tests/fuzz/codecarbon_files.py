"""Valid files of CodeCarbon, drawn, and the campaign in whose runs it ran.

Knows how its releases write. Knows no mutation.
"""

import csv
import io
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from harness.foreign.importers.tracker.windows import windows_of
from harness.record.campaign_folder import CampaignFolder
from tests.analysis.tracked import Tracked, tracked_campaign
from tests.fuzz.foreign import (
    Files,
)

NAME = "emissions.csv"
PARTS = ("cpu", "gpu", "ram")
NUMBERS = (
    "duration",
    "emissions",
    "emissions_rate",
    "energy_consumed",
    *(f"{p}_{w}" for p in PARTS for w in ("power", "energy")),
)
V1 = "timestamp,experiment_id,project_name,duration,emissions,energy_consumed,country_name,region,on_cloud"
V2 = (
    "timestamp,project_name,run_id,duration,emissions,emissions_rate,cpu_power,gpu_power,ram_power,cpu_energy,gpu_energy,"
    "ram_energy,energy_consumed,country_name,region,cloud_provider,os,codecarbon_version,gpu_count,longitude,latitude,"
    "ram_total_size,tracking_mode,on_cloud,pue"
)
V3 = f"{V2},wue"
REUSED_SINCE = "3.3.1"
"""Since then the powers hold the pue."""
DROPPING = ("3.2.9", "3.3.0")
KINDS = ("apart", "reused", "flushes", "tasks")
Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """A file as columns and rows, all of them whole; `kind`: apart (an object a row), reused, flushes or tasks."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    kind: str

    def files(self, **form: Any) -> Files:  # noqa: ANN401  csv's own options
        """The table as a file."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n", **form)
        writer.writerow(self.columns)
        writer.writerows([row[name] for name in self.columns] for row in self.rows)
        return {NAME: out.getvalue().encode()}

    @property
    def whole(self) -> bool:
        """Whether its rows say how their energies are split, and how long they were counted."""
        return "ram_power" in self.columns

    def with_cell(self, at: int, column: str, text: str) -> "Table":
        """One cell changed."""
        rows = [row | {column: text} if place == at else row for place, row in enumerate(self.rows)]
        return replace(self, rows=tuple(rows))


@cache
def empty() -> Path:
    """The campaign without any attachment; made once, in a folder that the system clears."""
    return tracked_campaign(
        Path(tempfile.mkdtemp(prefix="wattlab-fuzzed-")), Tracked(trackers={}, baseline_blocks=0, gpu=False)
    )


@cache
def windows() -> list[tuple[float, float]]:
    """Begin and end of its runs on the SUT's wall clock (s since 1970)."""
    return [(w.begin_ns * 1e-9, w.end_ns * 1e-9) for w in windows_of(CampaignFolder(empty()).runs())]


def stamp(at_s: float) -> str:
    """As CodeCarbon writes it: cut to seconds, without a zone."""
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(at_s)):%Y-%m-%dT%H:%M:%S}"


def parsed(files: Files) -> Table:
    """The table of a file that `drawn` made."""
    head, *lines = csv.reader(io.StringIO(files[NAME].decode()))
    rows = tuple(dict(zip(head, line, strict=True)) for line in lines)
    runs = {row.get("run_id", "") for row in rows}
    shared = len(runs) < len(rows) and "run_id" in head
    kind = "tasks" if "task_name" in head else "apart" if not shared else "reused" if runs == {"run"} else "flushes"
    return Table(tuple(head), rows, kind)


def drawn(random: Random) -> Files:
    """A valid file of any kind: releases, lengths, powers and factors of its own."""
    return _drawn(random.choice(KINDS), random).files()


def _drawn(kind: str, random: Random) -> Table:
    releases = {"apart": ["", "2.1", "2.3.4", "2.8.4", "3.0.2", "3.2.3", "3.3.2"], "reused": ["3.3.1", "3.3.2"],
                "flushes": ["2.8.4", "3.0.2", "3.3.2"], "tasks": ["2.3.4", "3.0.2", "3.3.2"]}  # fmt: skip
    release = random.choice(releases[kind])
    old = release in ("", "2.1")
    pue = 1.0 if old or kind == "tasks" else random.choice([1.0, 1.0, 1.2, 1.58])
    columns = V1 if not release else V2 if release < "3.1" else V3
    names = [name for name in columns.split(",") if not (old and name in ("codecarbon_version", "pue"))]
    if kind == "tasks":
        names = ["task_name", *(name for name in names if name not in ("pue", "wue"))]
    counted = [0.0, 0.0, 0.0]
    rows = []
    for number, (begin_s, end_s, powers) in enumerate(_stretches(kind, random)):
        seconds = end_s - begin_s
        own = [power * seconds * pue / 3.6e6 for power in powers]
        counted = [a + b for a, b in zip(counted, own, strict=True)] if kind == "reused" else own
        rows.append(_row(number, kind, release, pue, end_s, seconds, powers, counted))
    return Table(tuple(names), tuple({name: row.get(name, "") for name in names} for row in rows), kind)


def _stretches(kind: str, random: Random) -> list[tuple[float, float, list[float]]]:
    """Begin, end (s) and powers (W) of what each row counts: memory of one power, as a machine has."""
    ram_w, boards = random.uniform(2, 60), random.random() < 0.5
    found = []
    for begin_s, end_s in windows():
        at_s = begin_s + random.uniform(0.5, 3)
        for count in range({"apart": 1, "reused": random.choice([1, 2]), "tasks": 3, "flushes": 3}[kind]):
            seconds = random.uniform(8, 15) if kind != "apart" else random.uniform(20, end_s - at_s - 2)
            start_s = at_s if kind == "flushes" else at_s + 17.5 * count
            seconds *= count + 1 if kind == "flushes" else 1
            cpu_w, gpu_w = random.uniform(5, 200), random.uniform(20, 400) if boards else 0.0
            if kind == "flushes":
                cpu_w, gpu_w = 50.0, 0.0
            found.append((start_s, min(start_s + seconds, end_s - 0.5), [cpu_w, gpu_w, ram_w]))
    return found


def _row(
    number: int, kind: str, release: str, pue: float, end_s: float, seconds: float, powers: Sequence[float],
    energies: Sequence[float],
) -> Row:  # fmt: skip
    held = pue if release >= REUSED_SINCE else 1.0
    total = math.fsum(energies)
    run = {"apart": f"run-{number}", "tasks": f"run-{number // 3}", "flushes": f"run-{number // 3}"}.get(kind, "run")
    grams = 1000.0 if release in ("", "2.1") else 1.0
    plain = {
        "task_name": f"task-{number}", "timestamp": stamp(end_s), "project_name": "codecarbon", "run_id": run,
        "experiment_id": f"e-{number}", "duration": repr(seconds), "emissions": repr(0.38 * total),
        "emissions_rate": repr(0.38 * total / seconds * grams), "energy_consumed": repr(total),
        "country_name": "Germany", "region": "", "cloud_provider": "", "os": "Linux", "codecarbon_version": release,
        "gpu_count": "1" if powers[1] else "", "longitude": "9.18", "latitude": "48.8", "ram_total_size": "23.5",
        "tracking_mode": "machine", "on_cloud": "N", "pue": repr(pue), "wue": "0.0",
    }  # fmt: skip
    parts = {f"{part}_power": repr(power * held) for part, power in zip(PARTS, powers, strict=True)}
    parts |= {f"{part}_energy": repr(energy) for part, energy in zip(PARTS, energies, strict=True)}
    return plain | parts
