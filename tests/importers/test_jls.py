"""`wattlab import jls` on recordings that pyjls, the makers' own library, wrote; its own statistics beside ours."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyjls
import pytest
from numpy.typing import NDArray

from harness.foreign.importers.grouping import Grouping
from harness.foreign.importers.imported import Summary
from harness.foreign.importers.jls import recording
from harness.foreign.importers.jls.importer import import_jls
from harness.foreign.importers.jls.process import read_apart
from harness.foreign.importers.jls.recording import Choice, Recording, read_recording
from harness.record.errors import ImportFileError
from tests.importers.jls_files import BEGIN_S, Instrument, wave, write_jls

RATE_HZ = 100_000


def untold(_done: int, _total: int) -> None:
    """Nobody looks."""


def read(path: Path, window_s: float = 0.01, instrument: str | None = None) -> Recording:
    return read_recording(Choice(window_s, instrument), path, untold)


def imported(path: Path, folder: Path, choice: Choice | None = None) -> Summary:
    return import_jls([path], folder / "campaign", choice or Choice())


def journal(campaign: Path) -> list[dict[str, object]]:
    (file,) = campaign.glob("*/run.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()]


# --- windows ----------------------------------------------------------------------------------------------------------


def test_the_mean_of_every_window_is_that_of_its_samples_and_of_pyjls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    power = wave(1.0)
    file = write_jls(tmp_path / "a.jls", [Instrument({"power": power})])
    monkeypatch.setattr(recording, "CHUNK", 7_000)  # several chunks, the last one shorter
    found = read(file).columns["power_w"]
    assert found == pytest.approx(power.astype(np.float64).reshape(-1, 1000).mean(axis=1), rel=1e-12)
    with pyjls.Reader(str(file)) as reader:
        theirs = [reader.fsr_statistics(1, place * 1000, 1000, 1)[0, 0] for place in range(100)]
        whole = reader.fsr_statistics(1, 0, len(power), 1)[0, 0]
    assert found == pytest.approx(theirs, rel=1e-6)
    assert found.mean() == pytest.approx(whole, rel=1e-6)


def test_without_a_power_it_is_current_times_voltage_sample_by_sample(tmp_path: Path) -> None:
    current, voltage = wave(0.5, mean=0.5), wave(0.5, mean=5.0)
    file = write_jls(tmp_path / "a.jls", [Instrument({"current": current, "voltage": voltage, "charge": current})])
    columns = read(file).columns
    product = current.astype(np.float64) * voltage.astype(np.float64)
    assert columns["power_w"] == pytest.approx(product.reshape(-1, 1000).mean(axis=1), rel=1e-12)
    assert columns["voltage_v"] == pytest.approx(voltage.astype(np.float64).reshape(-1, 1000).mean(axis=1), rel=1e-12)
    assert abs(columns["power_w"].mean() - columns["current_a"].mean() * columns["voltage_v"].mean()) > 0.01


def test_samples_that_were_lost_are_no_zeros_and_a_window_of_few_is_a_gap(tmp_path: Path) -> None:
    power = np.full(5_000, 2.0, dtype=np.float32)
    power[1_000:1_400], power[2_000:2_501] = np.nan, np.nan
    found = read(write_jls(tmp_path / "a.jls", [Instrument({"power": power})]))
    assert found.columns["power_w"].tolist() == pytest.approx([2.0, 2.0, np.nan, 2.0, 2.0], nan_ok=True)
    assert found.missing == 901


@pytest.mark.parametrize(("window_s", "per_window"), [(1e-5, 1), (0.0101, 1010), (0.25, 25_000)])
def test_a_window_is_a_whole_number_of_samples(tmp_path: Path, window_s: float, per_window: int) -> None:
    found = read(write_jls(tmp_path / "a.jls", [Instrument({"power": wave(0.26)})]), window_s)
    assert (found.window_s, found.windows) == (per_window / RATE_HZ, 26_000 // per_window)
    assert found.end_ns - found.begin_ns == round(found.windows * found.window_s * 1e9)


# --- the run ----------------------------------------------------------------------------------------------------------


def test_a_file_is_a_run_of_direct_current_with_the_instrument_that_recorded_it(tmp_path: Path) -> None:
    power = wave(0.1)
    file = write_jls(tmp_path / "idle.jls", [Instrument({"power": power, "current": power, "voltage": power})])
    summary = imported(file, tmp_path)
    assert summary.runs == {"idle": 1}
    assert summary.remarks[0].startswith("direct current, behind the supply: its losses are not in it")
    start, descriptor, *_rest = journal(summary.campaign)
    assert descriptor["identity"] == {
        "maker": "Jetperch", "model": "JS220", "serial": "000123", "firmware": "1.3.0", "driver": "jls",
    }  # fmt: skip
    assert (descriptor["circuit"], descriptor["origin"], descriptor["stamp"]) == ("sut-dc-inlet", "imported", "end")
    source = start["source"]
    assert isinstance(source, dict)
    assert source["clock"] == "utc"
    (stream,) = summary.campaign.glob("*/readings-joulescope.csv")
    rows = list(csv.DictReader(stream.read_text().splitlines()))
    assert list(rows[0]) == ["time_ns", "power_w", "current_a", "voltage_v", "window_s", "flags"]
    assert [int(row["time_ns"]) for row in rows] == [int(BEGIN_S) * 10**9 + nth * 10**7 for nth in range(1, 11)]
    energy_j = sum(float(row["power_w"]) * float(row["window_s"]) for row in rows)
    assert energy_j == pytest.approx(power.astype(np.float64).sum() / RATE_HZ, rel=1e-12)
    (copy,) = (summary.campaign / "sources").iterdir()
    assert hashlib.sha256(copy.read_bytes()).digest() == hashlib.sha256(file.read_bytes()).digest()


def test_what_a_reader_must_know_is_said(tmp_path: Path) -> None:
    power = wave(0.05)
    power[1_000:1_900] = np.nan
    lost = imported(write_jls(tmp_path / "lost.jls", [Instrument({"power": power})], drift_s=0.02), tmp_path / "1")
    _dc, samples, clock = lost.remarks
    assert samples.endswith(
        "900 samples of power were lost on their way; 1 window had fewer than half of theirs and are gaps"
    )
    assert clock.endswith("had moved +0.020 s from the instrument's, by which readings are stamped")
    silent = imported(write_jls(tmp_path / "a.jls", [Instrument({"power": wave(0.05)})], begin_s=None), tmp_path / "2")
    assert silent.remarks[1].endswith("it does not say when it was; its stamps count from the beginning of 1970")


def test_files_are_repetitions_by_a_template_and_a_bar_moves(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    for nth in (1, 2):
        write_jls(
            tmp_path / "raw" / f"train-{nth}.jls", [Instrument({"power": wave(0.05)})], begin_s=BEGIN_S + 10 * nth
        )
    told: list[tuple[int, int]] = []
    grouping = Grouping("{scenario}-{repetition}")
    summary = import_jls(
        [tmp_path / "raw"], tmp_path / "campaign", Choice(), grouping=grouping,
        on_progress=lambda done, total: told.append((done, total)),
    )  # fmt: skip
    assert summary.runs == {"train": 2}
    assert told == sorted(told)
    assert told[-1] == (3000, 3000)


# --- what cannot be read ----------------------------------------------------------------------------------------------


def without(path: Path, change: Callable[[bytes], bytes]) -> Path:
    path.write_bytes(change(path.read_bytes()))
    return path


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data[:-1000], r"found \d+ bytes, and it says \d+; copy it again, or open it in the"),
        (lambda data: data[:16] + bytes(8) + data[24:], "and it says that it was never closed; copy it again"),
        (lambda data: recording.MAGIC_1 + data[16:], "JLS version 1, as older programs write it; open it in"),
        (lambda _data: b"", "found the first bytes '', expected those of a JLS file"),
        (lambda _data: b"time,power\n1,2\n" * 9, "found the first bytes '74 69 6d 65"),
    ],
)  # fmt: skip
def test_what_is_no_whole_recording_is_named_and_not_touched(
    tmp_path: Path, change: Callable[[bytes], bytes], words: str
) -> None:
    file = without(write_jls(tmp_path / "a.jls", [Instrument({"power": wave(0.05)})]), change)
    before = file.read_bytes()
    with pytest.raises(ImportFileError, match=words):
        imported(file, tmp_path)
    assert file.read_bytes() == before
    assert not (tmp_path / "campaign").exists()


def test_which_of_several_instruments_is_meant_is_asked(tmp_path: Path) -> None:
    one, other = Instrument({"power": wave(0.05)}), Instrument({"power": wave(0.05, mean=7.0)}, "JS110-9", "9")
    file = write_jls(tmp_path / "a.jls", [one, other])
    with pytest.raises(ImportFileError, match=r"several instruments recorded into it \(JS110-9, JS220-000123\)"):
        read(file)
    with pytest.raises(ImportFileError, match="--instrument no: found JS110-9, JS220-000123, expected one of these"):
        read(file, instrument="no")
    for name in ("JS110-9", "9"):
        assert read(file, instrument=name).columns["power_w"].mean() == pytest.approx(7.0, abs=0.1)


def signals_without_power() -> Instrument:
    return Instrument({"power": wave(0.05), "voltage": wave(0.05)}, units={"power": "mW", "voltage": "V"})


@pytest.mark.parametrize(
    ("instrument", "window_s", "words"),
    [
        (signals_without_power(), 0.01, "found the signals power in mW, voltage in V, expected power in W"),
        (
            Instrument({"current": wave(0.05), "voltage": wave(0.04)}), 0.01,
            "not of one length and rate .*5000 at 100000 Hz, voltage 4000",
        ),
        (Instrument({"power": wave(0.05)}), 0.06, "found 5000 samples, fewer than one window of 0.06 s"),
        (Instrument({"power": wave(0.05)}), 1.5, "--window 1.5: expected seconds above 0, at most 1"),
    ],
)  # fmt: skip
def test_a_recording_without_a_power_is_named(
    tmp_path: Path, instrument: Instrument, window_s: float, words: str
) -> None:
    file = write_jls(tmp_path / "a.jls", [instrument])
    with pytest.raises(ImportFileError, match=words):
        read(file, window_s)


def test_no_recording_a_file_twice_and_no_pyjls_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_jls(tmp_path / "a.jls", [Instrument({"power": wave(0.05)})])
    (tmp_path / "empty").mkdir()
    for paths, words in (([tmp_path / "empty"], "no [*].jls in it or below"), ([file, tmp_path], "is named twice")):
        with pytest.raises(ImportFileError, match=words):
            import_jls(paths, tmp_path / "campaign", Choice())
    monkeypatch.setattr(recording, "find_spec", lambda _name: None)
    with pytest.raises(ImportFileError, match=r"is not installed; `./lab import jls \.\.\.` installs it from harness/"):
        imported(file, tmp_path)


def died(_path: Path, _told: object) -> NDArray[np.float64]:
    os._exit(11)


def odd(_path: Path, told: Callable[[int, int], None]) -> int:
    print("what a library of machine code says goes nowhere")
    told(1, 2)
    return 7


def test_a_reader_that_dies_is_an_error_of_its_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ImportFileError, match=r"a.jls: its reader died of it \(exit code 11\); the file is damaged"):
        read_apart(died, tmp_path / "a.jls", untold)
    told: list[tuple[int, int]] = []
    assert read_apart(odd, tmp_path / "a.jls", lambda done, total: told.append((done, total))) == 7
    assert (told, capfd.readouterr().out) == ([(1, 2)], "")


def test_a_file_that_changes_while_it_is_copied_is_refused(tmp_path: Path) -> None:
    file = write_jls(tmp_path / "a.jls", [Instrument({"power": wave(0.05)})])
    found = read_apart(partial(read_recording, Choice()), file, untold)
    file.write_bytes(file.read_bytes() + b"x")
    with (tmp_path / "copy").open("wb") as copy, pytest.raises(ImportFileError, match="it was changed while it was im"):
        found.file.write_to(copy)
