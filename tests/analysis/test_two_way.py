"""Two factors at once, beside R's car, beside ranks aligned by hand in R, beside a short Welch-James of its own."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from harness.cli import main
from reports.inference.two_way import EFFECTS, differences, effects
from reports.results.interaction import TwoWayTest
from tests.analysis.studies import in_folder, start

VALUES = [
    [[9.1, 10.4, 11.2, 8.7], [14.9, 17.3, 16.1, 12.8, 15.5, 18.9], [21.7, 16.4, 25.2, 19.3, 22.8]],
    [[19.6, 21.2, 20.3, 22.5, 18.8], [29.4, 26.1, 33.7, 28.9], [37.2, 44.1, 31.8, 39.6, 41.0, 35.3]],
]
CELLS = [[np.array(values) for values in row] for row in VALUES]
OTHER = """
d <- read.csv(file('stdin')); d$a <- factor(d$a); d$b <- factor(d$b)
options(digits = 17, contrasts = c('contr.sum', 'contr.poly'))
M <- tapply(d$y, list(d$a, d$b), mean); S <- tapply(d$y, list(d$a, d$b), var); N <- tapply(d$y, list(d$a, d$b), length)
type3 <- function(y) {           # each effect last, beside a model without its columns
    X <- model.matrix(~ a * b, d); at <- attr(X, 'assign'); df <- nrow(X) - ncol(X)
    full <- sum(lm.fit(X, y)$residuals^2)
    sapply(1:3, function(e) { without <- sum(lm.fit(X[, at != e, drop = FALSE], y)$residuals^2); q <- sum(at == e)
        ((without - full) / q) / (full / df) })
}
hc3 <- function(y) {
    X <- model.matrix(~ a * b, d); at <- attr(X, 'assign'); XX <- solve(crossprod(X)); beta <- XX %*% crossprod(X, y)
    h <- rowSums((X %*% XX) * X); e <- as.vector(y - X %*% beta) / (1 - h); V <- XX %*% crossprod(X * e) %*% XX
    sapply(1:3, function(k) { i <- at == k; t(beta[i]) %*% solve(V[i, i]) %*% beta[i] / sum(i) })
}
aligned <- function() {
    g <- mean(M); ra <- rowMeans(M) - g; rb <- colMeans(M) - g; cell <- cbind(as.integer(d$a), as.integer(d$b))
    back <- list(ra[cell[, 1]], rb[cell[, 2]], M[cell] - g - ra[cell[, 1]] - rb[cell[, 2]])
    sapply(1:3, function(e) type3(rank(round(d$y - M[cell] + back[[e]], 9)))[e])
}
welch <- function() {
    m <- c(t(M)); v <- c(t(S / N)); n <- c(t(N)); one <- function(k) cbind(1, -diag(k - 1)); r <- nrow(M); k <- ncol(M)
    sapply(list(one(r) %x% t(rep(1 / k, k)), t(rep(1 / r, r)) %x% one(k), one(r) %x% one(k)), function(C) {
        W <- solve(C %*% diag(v) %*% t(C)); q <- nrow(C); A <- 0
        for (j in seq_along(n)) { Q <- diag(0, length(n)); Q[j, j] <- 1
            P <- diag(v) %*% t(C) %*% W %*% C %*% Q; A <- A + (sum(diag(P %*% P)) + sum(diag(P))^2) / (n[j] - 1) / 2 }
        t(C %*% m) %*% W %*% (C %*% m) / (q + 2 * A - 6 * A / (q + 2)) })
}
cat(type3(d$y), hc3(d$y), aligned(), welch())
"""
"""Each F by another way: models with and without an effect's columns, HC3 by its definition, ranks, Johansen's sums."""


CAR: dict[TwoWayTest, tuple[list[float], list[float]]] = {
    "classical": (
        [162.9537558162749917, 60.3120008484301380, 3.0356605197061151],
        [3.4390802736477738e-12, 4.3616459633419597e-10, 6.6788980547230217e-02],
    ),
    "hc3": (
        [145.3223524656426378, 68.1861433759867026, 3.2124210285673298],
        [1.1369636262983896e-11, 1.2617782536045290e-10, 5.8049022639588971e-02],
    ),
}


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="needs R")
def test_every_test_is_that_of_another_program(tmp_path: Path) -> None:
    lines = ["a,b,y", *(f"{i},{j},{y!r}" for i, row in enumerate(VALUES) for j, of in enumerate(row) for y in of)]
    done = subprocess.run(
        ["Rscript", "--vanilla", "-e", OTHER], input="\n".join(lines), capture_output=True, text=True, check=True
    )
    there = np.array([float(number) for number in done.stdout.split()]).reshape(4, 3)
    tests: tuple[TwoWayTest, ...] = ("classical", "hc3", "aligned-rank", "welch")
    for test, expected in zip(tests, there, strict=True):
        found = effects(CELLS, test)
        assert [found[name].f for name in EFFECTS] == pytest.approx(expected.tolist(), rel=1e-9), test


def test_classical_and_hc3_are_those_of_car() -> None:
    """car 3.1-1: Anova(lm(y ~ a * b), type = 3, white.adjust = FALSE | "hc3") with contr.sum, as printed."""
    for test, (f, p) in CAR.items():
        found = effects(CELLS, test)
        assert [found[name].f for name in EFFECTS] == pytest.approx(f, rel=1e-9)
        assert [found[name].p for name in EFFECTS] == pytest.approx(p, rel=1e-9)


def test_differences_of_two_levels_are_welch_t_by_hand() -> None:
    """Of two levels by two the interaction has one difference, (a - b) - (c - d)."""
    square = [[np.array([1.0, 2, 3]), np.array([4.0, 4, 7])], [np.array([2.0, 6, 7]), np.array([1.0, 1, 4, 6])]]
    (one,) = differences(square, "interaction")
    flat = [values for row in square for values in row]
    parts = [values.var(ddof=1) / values.size for values in flat]
    value = flat[0].mean() - flat[1].mean() - flat[2].mean() + flat[3].mean()
    assert one.value == pytest.approx(value)
    df = sum(parts) ** 2 / sum(part**2 / (values.size - 1) for part, values in zip(parts, flat, strict=True))
    assert one.df == pytest.approx(df)
    assert (one.interval[0] + one.interval[1]) / 2 == pytest.approx(value)
    # One difference alone: its t squared is the F of Welch-James, and its degrees of freedom are the same.
    tested = effects(square, "welch")["interaction"]
    assert tested.f == pytest.approx(value**2 / sum(parts))
    assert (tested.df[1], tested.p) == pytest.approx((df, one.p))


def test_a_main_effect_of_three_levels_has_three_differences() -> None:
    found = differences(CELLS, "second")
    assert [difference.second for difference in found] == [(0, 1), (0, 2), (1, 2)]
    assert all(difference.first is None for difference in found)
    means = [[values.mean() for values in row] for row in CELLS]
    assert found[0].value == pytest.approx(np.mean(means, axis=0)[0] - np.mean(means, axis=0)[1])


def test_false_alarms_of_the_default_are_few_where_spreads_and_sizes_differ_most() -> None:
    """400 draws of 2 x 2 cells of 12 and 4 values with spreads 1 and 3; the classical test gives 22 %."""
    draw = np.random.default_rng(7)
    alarms = {"welch": 0, "classical": 0}
    for _ in range(400):
        cells = [[draw.normal(0, 1, 12), draw.normal(0, 3, 4)], [draw.normal(0, 1, 12), draw.normal(0, 3, 4)]]
        alarms["welch"] += effects(cells, "welch")["interaction"].p < 0.05
        alarms["classical"] += effects(cells, "classical")["interaction"].p < 0.05
    assert alarms["welch"] <= 0.085 * 400
    assert alarms["classical"] >= 0.14 * 400


STUDY = (
    start(
        {"energy": ("wh", "Wh")},
        {"net": ("Network", "01"), "place": ("Environment", "012")},
        {"energy": ("Energy", "energy", "Wh")},
    )
    + """\
[interactions.both]
title = "Does the environment matter alike for both networks?"
response = "energy"
factors = ["net", "place"]
"""
)


def study(folder: Path, text: str = STUDY, without: tuple[int, int] | None = None) -> Path:
    """A study of `CELLS`, `without` one of them."""
    rows = [(i, j, y) for i, row in enumerate(VALUES) for j, of in enumerate(row) for y in of if (i, j) != without]
    return in_folder(folder, text, "net,place,wh", rows)


def test_a_study_has_its_interaction(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "report", str(study(tmp_path)), "--into", str(tmp_path / "out")]) == 0
    assert "net × place" in capsys.readouterr().out
    (found,) = json.loads((tmp_path / "out" / "study.json").read_text())["interactions"]
    ours = effects(CELLS, "welch")
    assert [effect["test"]["statistic"] for effect in found["effects"]] == pytest.approx(
        [ours[name].f for name in EFFECTS], rel=1e-12
    )
    assert [len(effect["contrasts"]) for effect in found["effects"]] == [1, 3, 3]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Network × Environment" in page
    assert "0 of 1 pairs of factors act on each other (p &lt; 0.05)" in page
    assert "(0 − 1) at 0 less at 1" in page
    assert main(["verify", str(tmp_path / "out")]) == 0


def test_a_confounded_design_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    assert main(["study", "report", str(study(tmp_path, without=(1, 2))), "--into", str(tmp_path / "out")]) == 0
    (found,) = json.loads((tmp_path / "out" / "study.json").read_text())["interactions"]
    assert (found["refused"], found["absent"], found["effects"]) == ("absent-combinations", ["1, 2"], [])
    assert "both factors are confounded" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('["net", "place"]', '["net"]', "found 1 factors, expected two"),
        ('["net", "place"]', '["net", "net"]', "each once"),
        ('response = "energy"', 'response = "power"', "no such response"),
    ],
)
def test_what_contradicts_itself_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    assert (
        main(["study", "report", str(study(tmp_path, STUDY.replace(old, new))), "--into", str(tmp_path / "out")]) == 1
    )
    assert said in " ".join(capsys.readouterr().err.split())
