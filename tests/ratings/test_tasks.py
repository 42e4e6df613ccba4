"""Streams of an emulator: read as they are, cut off, damaged."""

import re
from pathlib import Path

import numpy as np
import pytest

from harness.record.errors import AnalysisError
from harness.record.run_folder import RunFolder
from reports.readings.tasks import PopulationRun, read_population_run
from tests.reports.served import USERS, Service, served_campaign

SERVICE = Service(
    USERS, {"classify": 0.05, "caption": 0.4, "report": 0.3}, {"classify": 0.5, "caption": 6.0, "report": 3.0},
    {"caption": (20, 30)},
)  # fmt: skip
STREAM = "tasks-load.csv"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of users."""
    made = served_campaign(
        tmp_path_factory.mktemp("tasks"), {"users": SERVICE}, repetitions=1, baseline_blocks=1, duration_s=10
    )
    return next(path for path in sorted(made.iterdir()) if (path / STREAM).exists())


def read(folder: Path) -> PopulationRun:
    """Its tasks."""
    found = read_population_run(RunFolder.open(folder))
    assert found is not None
    return found


def damaged(folder: Path, tmp_path: Path, change: str, by: str, line: int = 4) -> Path:
    """The run with one cell of its tasks changed."""
    copy = tmp_path / "run"
    copy.mkdir()
    for name in ("run.jsonl", "generator-load.csv", STREAM):
        (copy / name).write_bytes((folder / name).read_bytes())
    (copy / "inputs").mkdir()
    (copy / "inputs" / "population.toml").write_bytes((folder / "inputs" / "population.toml").read_bytes())
    lines = (copy / STREAM).read_text().split("\n")
    lines[line - 1] = re.sub(change, by, lines[line - 1], count=1)
    (copy / STREAM).write_text("\n".join(lines))
    return copy


def test_every_row_is_a_task_in_seconds_from_the_first(folder: Path) -> None:
    tasks = read(folder).tasks
    rows = (folder / STREAM).read_text().splitlines()
    assert tasks.size == len(rows) - 1
    names = rows[0].split(",")
    for at in (0, 1, tasks.size - 1):
        cells = dict(zip(names, rows[at + 1].split(","), strict=True))
        for name in ("intended", "submitted", "completed"):
            seconds = (int(cells[f"{name}_ns"]) - tasks.origin_ns) * 1e-9
            assert tasks.times_s[name][at] == pytest.approx(seconds, abs=1e-12)
        words = tasks.words["task_type"]
        assert words.names[words.codes[at]] == cells["task_type"]
    assert np.all(tasks.is_done)


def test_a_line_that_was_cut_off_is_left_out(folder: Path, tmp_path: Path) -> None:
    copy = damaged(folder, tmp_path, "x", "x")
    whole = read(folder).tasks.size
    (copy / STREAM).write_bytes((folder / STREAM).read_bytes()[:-20])
    assert read(copy).tasks.size == whole - 1


@pytest.mark.parametrize(
    ("change", "by", "said"),
    [
        (r"classify", "clasify", r":4: task_type: found 'clasify', expected one of classify, caption, report"),
        (r"visitor", "guest", r":4: user_type: found 'guest', expected one of visitor, clerk"),
        (r",stabilization,|,rating,", ",warm,", r":4: phase: found 'warm', expected one of stabilization, rating"),
        (r"\d{13,}", "soon", r":4: \w+_ns: found 'soon', expected a whole number"),
        (r"\d{13,}", "", r":4: intended_ns is empty"),
        (r"^\d+,", "", r":4: found 25 cells, expected 26"),
        (r"200,100", "many,100", r":4: status: found 'many', expected a number"),
        (r"$", ",1,2", r":4: found 28 cells, expected 26"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named_by_its_line(folder: Path, tmp_path: Path, change: str, by: str, said: str) -> None:
    with pytest.raises(AnalysisError, match=said):
        read(damaged(folder, tmp_path, change, by))


def test_an_answer_before_its_request_is_no_answer(folder: Path, tmp_path: Path) -> None:
    row = (folder / STREAM).read_text().splitlines()[3]
    stamps = re.findall(r"\d{13,}", row)
    with pytest.raises(AnalysisError, match=r":4: first_byte_ns lies before submitted_ns"):
        read(damaged(folder, tmp_path, stamps[2], str(int(stamps[0]) - 1)))


def test_a_run_without_an_emulator_has_no_tasks(folder: Path) -> None:
    others = [path for path in sorted(folder.parent.iterdir()) if (path / "run.jsonl").exists()]
    baseline = next(path for path in others if not (path / STREAM).exists())
    assert read_population_run(RunFolder.open(baseline)) is None


def test_a_population_that_is_no_population_is_named(folder: Path, tmp_path: Path) -> None:
    copy = damaged(folder, tmp_path, "x", "x")
    (copy / "inputs" / "population.toml").write_text("schema = 1\n")
    with pytest.raises(AnalysisError, match=r"(?s)population\.toml.*it is the population that the run was made with"):
        read(copy)
