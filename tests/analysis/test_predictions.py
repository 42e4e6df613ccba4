"""Predictions of a study: models on runs that they had not seen, beside least squares by hand."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from harness.cli import main
from reports.inference.regression import at_random, left_out, predicted
from tests.analysis.studies import in_folder, start

HEAD = (
    start(
        {"energy": ("kj", "kJ"), "hours": ("hours", "h"), "flops": ("gflop", "GFLOP"), "tdp": ("tdp", "W")},
        {"net": ("Network", "abcd")},
        {
            "energy": ("Energy", "energy", "Wh"),
            "power": ("Mean power", "energy / hours", "W"),
            "duration": ("Duration", "hours", "min"),
            "flops": ("FLOPs", "flops", "GFLOP"),
            "tdp": ("TDP", "tdp", "W"),
        },
    )
    + """\
[predictions.power]
title = "Mean power before the training"
target = "power"
features = ["flops", "tdp"]
times = "duration"
total = "energy"
models = ["mean", "linear"]
hold_out = [["net"]]
"""
)


def study_file(folder: Path, text: str = HEAD, rows: int = 40) -> Path:
    """A study of `rows` trainings of four networks: power is 3 FLOPs + .5 TDP + noise, each lasts .5 to 2 h."""
    draw, table = np.random.default_rng(5), []
    for row in range(rows):
        flops, tdp, hours = 1.0 + row % 4, 60.0 + 10 * draw.integers(0, 9), draw.uniform(0.5, 2)
        power_w = 3 * flops + 0.5 * tdp + draw.normal(0, 1)
        table.append(("abcd"[row % 4], flops, tdp, hours, power_w * hours * 3.6))
    return in_folder(folder, text, "net,gflop,tdp,hours,kj", table)


def table_of(folder: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Its rows: FLOPs, TDP, hours, energy in Wh."""
    with (folder / "runs.csv").open() as file:
        rows = [[float(cell) for cell in row[1:]] for row in list(csv.reader(file))[1:]]
    return np.array(rows) / [1, 1, 1, 3.6]


def test_scores_are_those_of_least_squares_by_hand(tmp_path: Path) -> None:
    assert main(["study", "report", str(study_file(tmp_path)), "--into", str(tmp_path / "out")]) == 0
    found = json.loads((tmp_path / "out" / "study.json").read_text())["predictions"][0]
    table = table_of(tmp_path)
    design = np.column_stack([np.ones(len(table)), table[:, :2]])
    power_w, hours, energy_wh = table[:, 3] / table[:, 2], table[:, 2], table[:, 3]
    said_wh = np.full(len(table), np.nan)
    for net in range(4):
        scored = np.arange(len(table)) % 4 == net
        fit = np.linalg.lstsq(design[~scored], power_w[~scored], rcond=None)[0]
        said_wh[scored] = design[scored] @ fit * hours[scored]
    error = said_wh - energy_wh
    split = found["splits"][1]
    assert (split["held_out"], split["groups"]) == (["net"], 4)
    linear = split["scores"][1]
    assert linear["rmse"] == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-9)
    assert linear["mae"] == pytest.approx(np.mean(np.abs(error)), rel=1e-9)
    assert linear["mape_percent"] == pytest.approx(100 * np.mean(np.abs(error) / energy_wh), rel=1e-9)
    assert linear["r2"] == pytest.approx(1 - np.sum(error**2) / np.sum((energy_wh - energy_wh.mean()) ** 2), rel=1e-9)
    assert found["splits"][0]["scores"][0]["n"] == 12
    assert found["best"] == "linear"


def test_the_study_verifies_and_its_page_says_what_was_not_seen(tmp_path: Path) -> None:
    main(["study", "report", str(study_file(tmp_path)), "--into", str(tmp_path / "out")])
    assert main(["verify", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Predictions: what can be told beforehand" in page
    assert "30\u00a0% of the runs, at random" in page
    assert "in turn each of 4: Network" in page
    assert "Mean power before the training: least squares misses by " in page


def test_a_kernel_model_learns_what_a_line_cannot() -> None:
    draw = np.random.default_rng(3)
    features = draw.uniform(-2, 2, (80, 1))
    target = features[:, 0] ** 2
    others = np.linspace(-1.8, 1.8, 30)[:, None]
    truth = others[:, 0] ** 2
    errors = {
        model: float(np.sqrt(np.mean((predicted(model, features, target, others, 1) - truth) ** 2)))
        for model in ("linear", "kernel-ridge")
    }  # fmt: skip
    assert errors["kernel-ridge"] < errors["linear"] / 3


def test_what_is_said_of_a_run_does_not_hang_on_the_other_scored_runs() -> None:
    draw = np.random.default_rng(4)
    features, target = draw.normal(size=(30, 2)), draw.normal(size=30)
    others = draw.normal(size=(5, 2))
    together = predicted("linear", features, target, others, 7)
    alone = [predicted("linear", features, target, others[place : place + 1], 7)[0] for place in range(5)]
    assert together == pytest.approx(alone, rel=1e-12)


def test_splits_share_no_run() -> None:
    fitted, scored = at_random(100, 1)
    assert scored.size == 30
    assert not set(fitted) & set(scored)
    assert sorted([*fitted, *scored]) == list(range(100))
    groups = [np.array([True, False, False]), np.array([False, True, True])]
    assert [(list(a), list(b)) for a, b in left_out(groups)] == [([1, 2], [0]), ([0], [1, 2])]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('features = ["flops", "tdp"]', "features = []", "predictions.power.features: at least one is needed"),
        ('features = ["flops", "tdp"]', 'features = ["flop"]', "found 'flop', no such response"),
        ('features = ["flops", "tdp"]', 'features = ["power"]', "cannot be told of itself"),
        ('total = "energy"\n', "", "`times` and `total` belong together"),
        ('total = "energy"', 'total = "duration"', "is of the dimension W s, duration is s"),
        ('[["net"]]', '[["gpu"]]', "found 'gpu', no such factor"),
        ('[["net"]]', "[[]]", "at least one factor is needed"),
        ('["mean", "linear"]', '["forest"]', "expected"),
    ],
)
def test_what_contradicts_itself_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    assert old in HEAD
    assert (
        main(["study", "report", str(study_file(tmp_path, HEAD.replace(old, new))), "--into", str(tmp_path / "out")])
        == 1
    )
    assert said in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("rows", "levels", "refused"), [(9, '["a", "b", "c", "d"]', "too-few-runs"), (60, '["a"]', "one-level")]
)
def test_too_little_is_no_score(tmp_path: Path, rows: int, levels: str, refused: str) -> None:
    text = HEAD.replace('["a", "b", "c", "d"]', levels)
    assert main(["study", "report", str(study_file(tmp_path, text, rows)), "--into", str(tmp_path / "out")]) == 0
    found = json.loads((tmp_path / "out" / "study.json").read_text())["predictions"][0]
    assert {score["refused"] for score in found["splits"][1]["scores"]} == {refused}
    assert "not fitted" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
