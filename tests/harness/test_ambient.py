"""The room's thermometer: a file of the host becomes a stream; what is no temperature is said or left empty."""

import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from harness.measure.ambient import AmbientRecorder, read_temperature_c
from harness.measure.journal import Journal
from harness.measure.lab_file import load
from harness.measure.preflight import check_lab
from harness.record.errors import LabError
from harness.record.run_writer import RunWriter
from harness.station.station import Ambient, SutSection
from tests.harness.test_config import MINIMAL


def rows_of(folder: Path) -> list[list[str]]:
    return [line.split(",") for line in (folder / "samples-ambient.csv").read_text().splitlines()[1:]]


def until_rows(folder: Path, count: int) -> None:
    end = time.monotonic() + 40.0
    while len(rows_of(folder)) < count:
        assert time.monotonic() < end
        threading.Event().wait(0.01)


def test_a_sensor_in_thousandths_is_recorded_in_degrees_and_silence_is_an_empty_cell(tmp_path: Path) -> None:
    sensor = tmp_path / "temperature"
    sensor.write_text("22500\n")
    config = Ambient(file=str(sensor), period_s=0.1, offset_c=-0.5)
    with RunWriter(tmp_path / "run") as writer:
        journal = Journal(writer)
        recorder = AmbientRecorder(config, writer, journal)
        until_rows(tmp_path / "run", 1)
        sensor.unlink()
        until_rows(tmp_path / "run", len(rows_of(tmp_path / "run")) + 2)
        recorder.stop()
        journal.close()
    rows = rows_of(tmp_path / "run")
    assert rows[0][1] == "22.000"
    assert rows[-1][1] == ""
    assert all(int(one[0]) < int(two[0]) for one, two in pairwise(rows))
    assert b'"clock":"host"' in (tmp_path / "run" / "run.jsonl").read_bytes()


@pytest.mark.parametrize("text", [None, "", "warm", "nan", "1e999"])
def test_a_file_without_a_temperature_stops_the_run_before_it_begins(tmp_path: Path, text: str | None) -> None:
    sensor = tmp_path / "temperature"
    if text is not None:
        sensor.write_text(text)
    with pytest.raises(LabError, match=r"ambient\.file"):
        read_temperature_c(Ambient(file=str(sensor)))


@pytest.mark.parametrize(("text", "severity"), [("21700", "ok"), ("warm", "refuse")])
def test_preflight_reads_the_thermometer_that_lab_toml_names(tmp_path: Path, text: str, severity: str) -> None:
    (tmp_path / "sensor").write_text(text)
    (tmp_path / "lab.toml").write_text(f'{MINIMAL}\n[ambient]\nfile = "{tmp_path / "sensor"}"\n')
    key, hosts = str(tmp_path / "key"), str(tmp_path / "known_hosts")
    nobody = SutSection(host="127.0.0.1", port=1, user="nobody", key_file=key, known_hosts=hosts, python="python3")
    reasons = check_lab(load(tmp_path / "lab.toml"), nobody, {})
    assert [reason.severity for reason in reasons if reason.subject == "room"] == [severity]
