"""Which environment for which network: what may be best, what could not be measured, what is beaten for sure."""

import json
import math
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from harness.cli import main
from harness.record.documents import Json
from reports.inference.best import may_be_best, p_better
from reports.inference.two_way import Cells, differences, effects
from reports.results.interaction import EffectOf, TwoWayTest
from reports.results.rules import Rule, as_before
from tests.analysis.studies import in_folder, start, study_of

NETS, PLACES = ("mobile", "vgg", "resnet"), ("desk", "server", "cloud")
HEAD = start(
    {"energy": ("energy", "Wh"), "accuracy": ("accuracy", "1")},
    {"net": ("Network", NETS), "place": ("Environment", PLACES)},
    {"energy": ("Energy", "energy", "Wh"), "accuracy": ("Accuracy", "accuracy", "1")},
    {"energy": "lower", "accuracy": "higher"},
)
CHOICE = """
[choices.where]
title = "Which environment for which network?"
response = "energy"
of = "net"
among = "place"
beside = ["accuracy"]
"""
INTERACTION = """
[interactions.both]
title = "Does the environment matter alike for all networks?"
response = "energy"
factors = ["net", "place"]
test = "{test}"
"""
FRONT = """
[pareto.front]
title = "Energy against accuracy"
x = "energy"
y = "accuracy"
over = ["net", "place"]
by = "mean"
"""
MEANS = {
    ("mobile", "desk"): 4.0, ("mobile", "server"): 4.1, ("mobile", "cloud"): 9.0,
    ("vgg", "desk"): 30.0, ("vgg", "server"): 20.0, ("vgg", "cloud"): 14.0,
    ("resnet", "desk"): 12.0, ("resnet", "server"): 12.0, ("resnet", "cloud"): 12.0,
}  # fmt: skip
ACCURACY = {"mobile": 0.90, "vgg": 0.95, "resnet": 0.92}
OUT = ("vgg", "desk")
HEADER = "net,place,energy,accuracy,left_out_because"
REASON = '[[unmeasured]]\nwhere = { net = ["vgg"], place = ["desk"] }\nreason = "out of memory"\n'


def rows(without: Iterable[tuple[str, str]] = (), failed: int = 0) -> list[tuple[object, ...]]:
    """Six runs of every combination but of those `without`; of these `failed` tries that ran out of memory."""
    draw, found = np.random.default_rng(11), list[tuple[object, ...]]()
    left = set(without)
    for (net, place), mean in MEANS.items():
        for _ in range(6):
            run = (net, place, f"{draw.normal(mean, 0.3):.4f}", f"{draw.normal(ACCURACY[net], 0.002):.5f}", "")
            found += [] if (net, place) in left else [run]
        found += [(net, place, "", "", "exit 137: out of memory")] * (failed if (net, place) in left else 0)
    return found


def document(folder: Path, more: str, table: Iterable[tuple[object, ...]]) -> Json:
    """study.json of such a study, as it is written and verified."""
    path = in_folder(folder, HEAD + more, HEADER, table)
    assert main(["study", "report", str(path), "--into", str(folder / "out")]) == 0
    assert main(["verify", str(folder / "out")]) == 0
    found: Json = json.loads((folder / "out" / "study.json").read_text())
    return found


def page_of(folder: Path) -> str:
    """Its page."""
    return (folder / "out" / "report.html").read_text(encoding="utf-8")


def test_the_best_of_each_row_and_what_is_not_told_from_it(tmp_path: Path) -> None:
    found = document(tmp_path, CHOICE, rows())
    (part,) = found["choices"]
    assert (part["better"], part["comparisons"]) == ("lower", 6)
    shown = {row["level"]: {c["levels"]["place"]: (c["is_best"], c["may_be_best"]) for c in row["cells"]}
             for row in part["rows"]}  # fmt: skip
    assert shown["mobile"] == {"desk": (False, True), "server": (True, True), "cloud": (False, False)}
    assert shown["vgg"] == {"desk": (False, False), "server": (False, False), "cloud": (True, True)}
    assert [may for _, may in shown["resnet"].values()] == [True, True, True]
    cell = part["rows"][0]["cells"][0]
    assert cell["beside"][0]["mean"]["value"] == pytest.approx(0.90, abs=0.003)
    interaction = next(e for e in part["interaction"]["effects"] if e["of"] == "interaction")
    assert interaction["test"]["p"] < 1e-6
    page = page_of(tmp_path)
    assert "Which environment for which network: mobile: server (desk not told from it); vgg: cloud; resnet: " in page
    assert "what is gained differs between the rows" in page
    assert "not told from the best" in page


def test_what_is_shown_to_be_better_is_so_by_welch_t() -> None:
    draw = np.random.default_rng(2)
    one, other = draw.normal(10, 1, 7), draw.normal(11, 3, 5)
    t = stats.ttest_ind(one, other, equal_var=False, alternative="less")
    assert p_better(one, other, higher=False) == pytest.approx(t.pvalue, rel=1e-9)
    assert p_better(one, other, higher=True) == pytest.approx(1 - t.pvalue, rel=1e-9)


@pytest.mark.parametrize(
    ("one", "other", "p"), [([1.0, 1.0], [2.0, 2.0], 0.0), ([2.0, 2.0], [1.0, 1.0], 1.0), ([1.0], [2.0, 3.0], 1.0)]
)
def test_without_a_spread_the_means_decide_and_one_value_shows_nothing(
    one: list[float], other: list[float], p: float
) -> None:
    assert p_better(np.array(one), np.array(other), higher=False) == p


def test_the_best_is_among_those_that_may_be_best() -> None:
    """800 draws of four groups of 3 to 6 values, two of which are equally good, with spreads 1 and 3."""
    draw = np.random.default_rng(4)
    held = alone = 0
    for _ in range(800):
        groups = [draw.normal(10, 1, 6), draw.normal(10, 3, 3), draw.normal(12, 1, 5), draw.normal(18, 3, 4)]
        may = may_be_best(groups, higher=False, alpha=0.05, comparisons=3)
        held += may[0] and may[1]
        alone += not may[3]
    assert held >= 0.95 * 800
    assert alone >= 0.5 * 800


def test_a_combination_that_all_tries_failed_at_is_shown_with_its_reason(tmp_path: Path) -> None:
    found = document(tmp_path, CHOICE + INTERACTION.format(test="welch") + FRONT, rows([OUT], failed=3))
    reason = {"levels": {"net": "vgg", "place": "desk"}, "label": "vgg, desk", "reason": "exit 137: out of memory",
              "declared": False, "attempts": 3}  # fmt: skip
    assert found["unmeasured"] == [reason]
    assert found["interactions"][0]["unmeasured"] == found["pareto"][0]["unmeasured"] == [reason]
    assert found["choices"][0]["rows"][1]["unmeasured"] == [reason]
    assert (found["interactions"][0]["refused"], found["interactions"][0]["absent"]) == (None, [])
    assert [effect["of"] for effect in found["interactions"][0]["effects"]] == ["first", "second", "interaction"]
    page = page_of(tmp_path)
    assert page.count("exit 137: out of memory") >= 6
    assert "not measured: exit 137: out of memory" in page


def test_a_combination_that_the_file_declares_as_not_measured_is_no_confounding(tmp_path: Path) -> None:
    found = document(tmp_path, REASON + INTERACTION.format(test="hc3"), rows([OUT]))
    assert [(cell["reason"], cell["declared"]) for cell in found["unmeasured"]] == [("out of memory", True)]
    assert len(found["interactions"][0]["effects"]) == 3
    assert "Not measured: vgg, desk (out of memory)" in page_of(tmp_path)


def test_a_forgotten_combination_is_refused_as_before(tmp_path: Path) -> None:
    found = document(tmp_path, CHOICE + INTERACTION.format(test="welch"), rows([OUT]))
    assert "unmeasured" not in found
    assert found["interactions"][0]["refused"] == "absent-combinations"
    assert found["choices"][0]["rows"][1]["absent"] == ["vgg, desk"]
    assert "both factors are confounded" in page_of(tmp_path)


def test_a_declared_combination_that_has_runs_is_a_contradiction(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = in_folder(tmp_path, HEAD + REASON, HEADER, rows())
    assert main(["study", "report", str(path), "--into", str(tmp_path / "out")]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "unmeasured[0]: vgg, desk is declared as not measured, but 6 runs of it are used; take it out" in said


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('where = {}\nreason = "x"', "unmeasured[0].where: it is empty"),
        ('where = { net = ["vgg"] }\nreason = " "', "unmeasured[0].reason: it is empty"),
        ('where = { net = ["lenet"] }\nreason = "x"', "unmeasured[0].where.net: 'lenet' is no level of it"),
        ('where = { nets = ["vgg"] }\nreason = "x"', "unmeasured[0].where.nets: no such factor"),
    ],
)
def test_a_rule_of_what_was_not_measured_is_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rule: str, said: str
) -> None:
    path = in_folder(tmp_path, f"{HEAD}[[unmeasured]]\n{rule}\n", HEADER, rows([OUT]))
    assert main(["study", "report", str(path), "--into", str(tmp_path / "out")]) == 1
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_response_that_no_run_of_a_combination_has_is_no_confounding_of_it(tmp_path: Path) -> None:
    table = [(*row[:3], "nan", "") if (row[0], row[1]) == OUT else row for row in rows()]
    more = INTERACTION.format(test="welch").replace('response = "energy"', 'response = "accuracy"')
    found = document(tmp_path, more, table)
    (missing,) = found["interactions"][0]["unmeasured"]
    assert (missing["reason"], missing["attempts"]) == ("no run of it has a number", 6)
    assert [row["reason"] for row in found["left_out"]] == ["missing"] * 6


def test_runs_that_a_filter_leaves_out_are_no_reason(tmp_path: Path) -> None:
    more = INTERACTION.format(test="welch") + "below = { energy = 25.0 }\n"
    found = document(tmp_path, more, rows())
    assert (found["interactions"][0]["refused"], found["interactions"][0]["absent"]) == (
        "absent-combinations", ["vgg, desk"],
    )  # fmt: skip


def test_ranks_cannot_be_aligned_without_a_combination(tmp_path: Path) -> None:
    found = document(tmp_path, REASON + INTERACTION.format(test="aligned-rank"), rows([OUT]))
    assert (found["interactions"][0]["refused"], found["interactions"][0]["absent"]) == (
        "absent-combinations", ["vgg, desk"],
    )  # fmt: skip


def test_two_combinations_crosswise_tell_no_effect(tmp_path: Path) -> None:
    kept = [("mobile", "desk"), ("vgg", "server")]
    gone = [cell for cell in MEANS if cell not in kept]
    found = document(tmp_path, INTERACTION.format(test="welch"), rows(gone, failed=1))
    assert (found["interactions"][0]["refused"], found["interactions"][0]["effects"]) == ("disconnected", [])
    assert "too few combinations could be measured" in page_of(tmp_path)


def test_an_older_study_knew_no_reasons(tmp_path: Path) -> None:
    text = "\n".join([HEADER, *(",".join(map(str, row)) for row in rows([OUT], failed=2)), ""])
    with as_before([Rule.UNMEASURED_CELLS]):
        study = study_of(tmp_path, HEAD + INTERACTION.format(test="welch"), text)
    assert (study.unmeasured, study.interactions[0].refused) == ((), "absent-combinations")


VALUES = [
    [[9.1, 10.4, 11.2, 8.7], [14.9, 17.3, 16.1, 12.8, 15.5], [21.7, 16.4, 25.2, 19.3]],
    [[19.6, 21.2, 20.3, 22.5, 18.8], [29.4, 26.1, 33.7], []],
    [[7.7, 8.3, 9.9], [], [13.1, 16.0, 12.2, 15.9]],
]
CELLS: Cells = [[np.array(values) for values in row] for row in VALUES]
IN_R = """
d <- read.csv(file('stdin')); d$a <- factor(d$a); d$b <- factor(d$b); options(digits = 17)
cat(anova(lm(y ~ a + b, d), lm(y ~ a * b, d))$F[2], '')
cell <- interaction(d$a, d$b, drop = TRUE); k <- levels(cell)
m <- tapply(d$y, cell, mean); v <- tapply(d$y, cell, var); n <- tapply(d$y, cell, length)
ab <- unique(data.frame(cell, d$a, d$b)); ab <- ab[match(k, ab$cell), ]
add <- qr(cbind(model.matrix(~ 0 + factor(ab[[2]])), model.matrix(~ 0 + factor(ab[[3]]))))
C <- t(qr.Q(add, complete = TRUE)[, -seq_len(add$rank), drop = FALSE]); q <- nrow(C)
V <- diag(v / (n - 1)); cat(t(C %*% m) %*% solve(C %*% V %*% t(C)) %*% (C %*% m) / q, '')
V <- diag(v / n); W <- solve(C %*% V %*% t(C)); A <- 0
for (j in seq_along(n)) { Q <- diag(0, length(n)); Q[j, j] <- 1; P <- V %*% t(C) %*% W %*% C %*% Q
    A <- A + (sum(diag(P %*% P)) + sum(diag(P))^2) / (n[j] - 1) / 2 }
cat(t(C %*% m) %*% W %*% (C %*% m) / (q + 2 * A - 6 * A / (q + 2)), q * (q + 2) / (3 * A))
"""


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="needs R")
def test_the_interaction_of_what_could_be_measured_is_that_of_r() -> None:
    lines = ["a,b,y", *(f"{i},{j},{y!r}" for i, row in enumerate(VALUES) for j, of in enumerate(row) for y in of)]
    done = subprocess.run(
        ["Rscript", "--vanilla", "-e", IN_R], input="\n".join(lines), capture_output=True, text=True, check=True
    )
    classical, hc3, welch, df = map(float, done.stdout.split())
    tests: dict[TwoWayTest, float] = {"classical": classical, "hc3": hc3, "welch": welch}
    for test, expected in tests.items():
        found = effects(CELLS, test)["interaction"]
        assert found.f == pytest.approx(expected, rel=1e-9)
        assert found.df[0] == 2
    assert effects(CELLS, "welch")["interaction"].df[1] == pytest.approx(df, rel=1e-9)


@pytest.mark.parametrize(("effect", "whole"), [("first", [[0], [0], [0]]), ("second", [[0, 1, 2]])])
def test_a_main_effect_averages_over_what_was_measured_with_all_of_its_levels(
    effect: EffectOf, whole: list[list[int]]
) -> None:
    means = [[values.mean() if values.size else math.nan for values in row] for row in CELLS]
    found = differences(CELLS, effect)
    if effect == "first":
        levels = [np.mean([means[row][column] for column in whole[row]]) for row in range(3)]
    else:
        levels = [means[0][column] for column in whole[0]]
    assert [one.value for one in found] == pytest.approx(
        [levels[0] - levels[1], levels[0] - levels[2], levels[1] - levels[2]]
    )
    assert len(differences(CELLS, "interaction")) == 2  # of nine squares, those with all four corners


def test_false_alarms_of_the_interaction_stay_few_where_a_cell_is_missing() -> None:
    """600 draws of 2 x 3 cells, one of them empty, of 4 and 12 values with spreads 3 and 1."""
    draw, alarms = np.random.default_rng(7), 0
    for _ in range(600):
        cells = [
            [draw.normal(5, 1, 12), draw.normal(8, 3, 4), np.empty(0)],
            [draw.normal(6, 3, 4), draw.normal(9, 1, 12), draw.normal(1, 3, 4)],
        ]
        alarms += effects(cells, "welch")["interaction"].p < 0.05
    assert alarms <= 0.075 * 600


def test_what_is_beaten_on_the_front_of_means_is_told_from_chance(tmp_path: Path) -> None:
    found = document(tmp_path, FRONT, rows())
    points = {point["label"]: point for point in found["pareto"][0]["points"]}
    for label, point in points.items():
        beating = [one for one in points.values() if one["x"] < point["x"] and one["y"] > point["y"]]
        assert point["on_front"] is not bool(beating), label
    assert any(not point["on_front"] for point in points.values())
    assert not any("told_from" in point for point in points.values())  # of one network accuracies differ by chance
    costs = {label: point["x"] for label, point in points.items()}
    assert points["mobile, desk"]["x_interval"][0] < costs["mobile, desk"] < points["mobile, desk"]["x_interval"][1]
    draw = np.random.default_rng(1)
    table = [("mobile", "desk", f"{draw.normal(4, 0.1):.4f}", f"{draw.normal(0.95, 0.001):.5f}", "") for _ in range(6)]
    table += [("vgg", "cloud", f"{draw.normal(9, 0.1):.4f}", f"{draw.normal(0.90, 0.001):.5f}", "") for _ in range(6)]
    other = tmp_path / "other"
    other.mkdir()
    found = document(other, FRONT, table)
    assert found["pareto"][0]["points"][1]["told_from"] == "mobile, desk"
    assert "shown to be beaten by mobile, desk" in page_of(other)
