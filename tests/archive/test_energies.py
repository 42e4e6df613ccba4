"""Energies of any intervals of archived readings: those of the report, in whatever chunks, by whomever."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.cli import main
from harness.evidence.archives import add
from harness.record.documents import PowerDescriptor
from harness.record.run_folder import RunFolder
from reports.archive import energies as archived
from reports.archive import parts
from reports.archive.energies import Computed, Intervals, Task, compute, energies, here
from reports.archive.index import Entry, entry_in
from reports.archive.store import Store
from reports.energy.power_function import power_function
from reports.energy.streamed import Chunk
from reports.readings.series import read_run
from tests.analysis.monitored import Fault, Monitored, Table, campaign_of


def holed(table: Table) -> None:
    """A hole of ten readings, and one without a value."""
    kept = np.ones(table["t"].size, dtype=bool)
    kept[80:90] = False
    for name in table:
        table[name] = table[name][kept]
    table["power_w"][100] = np.nan


def repeated(table: Table) -> None:
    """Readings that repeat the one before."""
    table["flags"] = np.where(np.arange(table["t"].size) % 7 == 3, "stale", "")


def widened(table: Table) -> None:
    """Windows of four seconds, a reading a second."""
    table["window_s"] = np.full(table["t"].size, 4.0)


def late(meter: PowerDescriptor) -> PowerDescriptor:
    """One whose stamps mark the beginning of windows, and come late."""
    return replace(meter, stamp="start", latency_s=0.25)


FAULTS = {
    "as it is": Fault(),
    "holes": Fault(readings=holed),
    "start": Fault(readings=holed, meter=late),
    "instant": Fault(readings=holed, meter=lambda meter: replace(meter, averaging="instantaneous", window_s=0.0)),
    "stale": Fault(readings=repeated),
    "moving": Fault(readings=widened, meter=lambda meter: replace(meter, window_s=4.0)),
}


def archive_of(folder: Path, fault: Fault) -> tuple[Path, Store, Entry]:
    """A campaign with the fault, and an archive of it whose row groups have 16 rows."""
    campaign = campaign_of(folder, Monitored(repetitions=1, baseline_blocks=2, fault=fault))
    store = Store(str(folder / "archive"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "ROWS_A_GROUP", 16)
        add(campaign, store, raw=False, key=None)
    entry = entry_in(store, campaign.name)
    assert entry is not None
    return campaign, store, entry


def intervals_of(entry: Entry, count: int = 60) -> Intervals:
    """Intervals all over the campaign."""
    spans = [part for part in entry.parts if part.table == "readings"]
    first_ns, last_ns = min(part.first_ns or 0 for part in spans), max(part.last_ns or 0 for part in spans)
    random = np.random.default_rng(3)
    begins = random.integers(first_ns - 10**10, last_ns, count)
    ends = begins + random.integers(1, 200 * 10**9, count)
    return Intervals(tuple(map(str, range(count))), begins, ends)


def by_report(campaign: Path, intervals: Intervals) -> dict[str, float]:
    """Interval -> energy (Wh) by the power functions of the report."""
    found: dict[str, float] = {}
    for path in sorted(campaign.glob("2*")):
        series = read_run(RunFolder.open(path))
        begun_ns = int(np.datetime64(series.run.start.utc.rstrip("Z"), "ns").astype(np.int64))
        shift_ns = begun_ns - series.run.start.time_ns
        function = power_function(series.parts[0])
        first_ns, last_ns = (function.origin_ns + round(edge * 1e9) for edge in (function.first_s, function.last_s))
        begins, ends = (
            np.clip(edges - shift_ns, first_ns, last_ns) for edges in (intervals.begins_ns, intervals.ends_ns)
        )
        for name, energy_j in zip(intervals.names, function.energy_j(begins, ends).tolist(), strict=True):
            found[name] = found.get(name, 0.0) + energy_j / 3600
    return found


def watching(asked: list[Task]) -> Computed:
    """Computes here, and keeps what was to be computed."""

    def computed(tasks: Sequence[Task]) -> Iterator[Chunk | None]:
        asked.extend(tasks)
        return here(tasks)

    return computed


@pytest.mark.parametrize("name", FAULTS)
def test_they_are_those_of_the_report(tmp_path: Path, name: str) -> None:
    campaign, store, entry = archive_of(tmp_path, FAULTS[name])
    intervals = intervals_of(entry)
    expected = by_report(campaign, intervals)
    asked: list[Task] = []
    rows = energies(store, entry, intervals, watching(asked)).to_pylist()
    assert bool(asked) == (name not in ("stale", "moving"))
    assert len(rows) > 30
    assert {row["meter"] for row in rows} == {"wall"}
    assert {row["interval"]: row["energy_wh"] for row in rows} == pytest.approx(
        {row["interval"]: expected[row["interval"]] for row in rows}, rel=1e-9, abs=1e-9
    )
    for row in rows:
        assert 0 <= row["not_covered_s"] < (row["end_utc_ns"] - row["begin_utc_ns"]) * 1e-9


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Store, Entry]:
    """An archive with holes in its readings."""
    return archive_of(tmp_path_factory.mktemp("small"), FAULTS["holes"])


def backwards(tasks: Sequence[Task]) -> list[Chunk | None]:
    """The last task first."""
    return [compute(task) for task in reversed(tasks)][::-1]


def test_chunks_give_the_same_numbers_to_1e_12_whatever_their_size_and_order(
    small: tuple[Path, Store, Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, store, entry = small
    intervals = intervals_of(entry)
    whole = energies(store, entry, intervals)
    assert energies(store, entry, intervals, lambda tasks: iter(backwards(tasks))).equals(whole)
    for groups in (1, 2, 1000):
        monkeypatch.setattr(archived, "CHUNK_GROUPS", groups)
        other = energies(store, entry, intervals)
        assert other["energy_wh"].to_pylist() == pytest.approx(whole["energy_wh"].to_pylist(), rel=1e-12)


def test_only_row_groups_near_an_interval_are_read(small: tuple[Path, Store, Entry]) -> None:
    _, store, entry = small
    part = next(part for part in entry.parts if part.table == "readings")
    at_ns = np.array([(part.first_ns or 0) + 60 * 10**9])
    asked: list[Task] = []
    (row,) = energies(store, entry, Intervals(("a",), at_ns, at_ns + 10**9), watching(asked)).to_pylist()
    assert row["not_covered_s"] == pytest.approx(0, abs=1e-6)
    read = [group for task in asked for group in task.groups]
    assert 0 < len(read) <= 4 < part.rows / 16
    assert all(dict(task.constants) == {"window_s": 1.0} for task in asked)


def test_the_command_prints_writes_and_refuses(
    small: tuple[Path, Store, Entry], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, store, entry = small
    assert main(["archive", "energies", store.url, entry.name, "--every", "60", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["energies"]
    assert rows[0]["end_utc_ns"] - rows[0]["begin_utc_ns"] == 60 * 10**9
    file = tmp_path / "intervals.csv"
    file.write_text(
        f"interval,begin_utc,end_utc,begin_utc_ns,end_utc_ns\nfirst,,,{rows[0]['begin_utc_ns']},"
        f"{rows[0]['end_utc_ns']}\nday,2026-11-21T00:00:00Z,2026-11-22T00:00:00+00:00,,\n"
    )
    assert main(["archive", "energies", store.url, entry.name, "--intervals", str(file), "--json"]) == 0
    first, day = json.loads(capsys.readouterr().out)["energies"]
    assert first["energy_wh"] == rows[0]["energy_wh"]
    assert day["energy_wh"] == pytest.approx(sum(row["energy_wh"] for row in rows), rel=1e-12)
    out = tmp_path / "out.csv"
    assert main(["archive", "energies", store.url, entry.name, "--intervals", str(file), "--csv", str(out)]) == 0
    assert out.read_text().count("\n") == 3
    for text, told in (
        ("begin_utc,end_utc\n2026-11-21T08:00:00,2026-11-21T09:00:00\n", ":2: begin_utc: .* has no time zone"),
        ("begin_utc,end_utc\n2026-11-21T09:00:00Z,2026-11-21T08:00:00Z\n", ":2: the interval ends before it begins"),
        ("begin,end\n1,2\n", ":2: no begin_utc; expected a column"),
        ("begin_utc_ns,end_utc_ns\n", "no interval in it"),
        ("begin_utc_ns,end_utc_ns\n1,x\n", ":2: end_utc_ns: found 'x'"),
    ):
        file.write_text(text)
        capsys.readouterr()
        assert main(["archive", "energies", store.url, entry.name, "--intervals", str(file)]) == 1
        assert re.search(told, " ".join(capsys.readouterr().err.split()))


def test_a_part_that_is_gone_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, store, entry = archive_of(tmp_path, Fault())
    for part in entry.parts:
        if part.table == "readings":
            Path(store.path(part.path)).unlink()
    assert main(["archive", "energies", store.url, entry.name, "--every", "60"]) == 1
    assert "not there; take it from a copy of the archive" in " ".join(capsys.readouterr().err.split())
