"""Searches, scatters, spreads, clusters and increases of a study, beside plain loops; what Yarally's thesis prints."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from harness.cli import main
from reports.inference import statistics
from reports.inference.effects import eta_squared_h
from reports.inference.increase import increase, mean_of_strata
from reports.results.study import StudyResult
from tests.analysis.studies import in_folder, start, study_of
from tests.analysis.trials import (
    LAYER_HEADER,
    LAYERS,
    SEARCH_HEADER,
    SEARCHES,
    layer_study,
    layers,
    rows_of,
    search_study,
    searches,
)

PROGRESS = """
[progress.best]
title = "How good is each strategy after each round?"
response = "accuracy"
round = "round"
strategy = "strategy"
panels = ["net"]
tolerance = 0.01
spent = "energy"
spent_u = "own"
spent_u_shared = "shared"
where = { set = ["cifar"], parameters = ["5"] }
"""
ENERGY = """
[questions.conv]
title = "Does the energy depend on convolutions?"
response = "energy"
factor = "conv"
test = "kruskal"
transform = "none"
[questions.conv.published]
place = "Table 3.4"
omnibus = ["2303.250"]
effect = ".749"
k = 8
[increases.conv]
title = "How much more energy with convolutions?"
response = "energy"
factor = "conv"
over = ["linear", "relu"]
bars = "relu"
beside = ["accuracy"]
[increases.conv.published]
place = "section 3.5.2"
values = { "increase.4" = "95.3" }
[clusters.split]
title = "E+ and E-"
responses = ["energy", "accuracy"]
[clusters.split.parts.high]
label = "E+"
where = { conv = ["4"] }
[clusters.split.parts.low]
label = "E-"
where = { conv = ["1"] }
[clusters.split.published]
place = "Table 3.5"
values = { "cluster.low.accuracy.sd" = "0.010" }
[scatters.trade]
title = "Energy against accuracy"
x = "energy"
y = "accuracy"
groups = ["conv"]
reversed = ["x"]
[spreads.cv]
title = "Does the energy of one configuration spread?"
response = "energy"
over = ["linear", "conv", "relu"]
limit = 0.01
[[errata]]
title = "k of eta squared"
text = "The thesis took the 8 configurations for the 2 levels of each factor."
affects = ["conv.effect"]
"""


def text_of(header: str, rows: object) -> str:
    """A table as text."""
    return "\n".join([header, *(",".join(map(str, row)) for row in rows), ""])  # type: ignore[attr-defined]


def test_what_the_thesis_prints_of_its_tests_follows_from_its_numbers() -> None:
    """Table 3.4: H of the convolutions is the largest that two groups of 1536 can have; eta^2 by 8 groups and by 2."""
    found = statistics.kruskal({"1": np.arange(1536.0), "4": np.arange(1536.0) + 1536})
    assert found.statistic == pytest.approx(3 * 3072**2 / (4 * 3073), rel=1e-12)
    assert f"{found.statistic:.3f}" == "2303.250"
    h = [481.799, 2303.250, 176.545, 496.807, 2303.250, 106.655]
    assert [f"{eta_squared_h(one, 3072, 8):.3f}" for one in h] == ["0.155", "0.749", "0.055", "0.160", "0.749", "0.033"]
    assert [f"{eta_squared_h(one, 3072, 2):.3f}" for one in h] == ["0.157", "0.750", "0.057", "0.162", "0.750", "0.034"]


@pytest.fixture(scope="module")
def layered(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    """The factorial of layers in its full size: 3072 trainings."""
    return study_of(tmp_path_factory.mktemp("layers"), LAYERS + ENERGY, text_of(LAYER_HEADER, layers()))


def test_both_k_stand_beside_what_is_printed(layered: StudyResult) -> None:
    found = {row.what: row for row in layered.questions[0].published}
    assert found["omnibus.statistic"].agrees
    assert (found["effect"].how, found["effect-with-k"].how) == ("cut-off", "rounded")
    assert found["effect"].value == pytest.approx((2303.2502440611782 - 1) / 3070)
    assert found["effect-with-k"].value == pytest.approx((2303.2502440611782 - 7) / 3064)


def test_increases_and_clusters_are_those_of_plain_means(layered: StudyResult, tmp_path: Path) -> None:
    layer_study(tmp_path, "")
    rows = rows_of(tmp_path)
    energy = {conv: np.array([float(row["energy"]) for row in rows if row["conv"] == conv]) for conv in "14"}
    (part,) = layered.increases
    assert part.levels[1].percent == pytest.approx(100 * (energy["4"].mean() / energy["1"].mean() - 1), rel=1e-9)
    assert part.published[0].agrees
    means = [[np.mean([np.mean([float(row["energy"]) for row in rows if (row["conv"], row["relu"], row["linear"]) ==
              (conv, relu, linear)]) for linear in "37"]) for conv in "14"] for relu in ("no", "yes")]  # fmt: skip
    assert [bars.means for bars in part.bars] == [tuple(pytest.approx(own, rel=1e-9) for own in of) for of in means]
    accuracy = {conv: np.mean([float(row["accuracy"]) for row in rows if row["conv"] == conv]) for conv in "14"}
    (beside,) = part.beside
    assert beside.response == "accuracy"
    assert beside.percents[0] is None
    assert beside.percents[1] == pytest.approx(100 * (accuracy["4"] / accuracy["1"] - 1), rel=1e-6)
    low = layered.clusters[0].clusters[1]
    of_low = np.array([float(row["accuracy"]) for row in rows if row["conv"] == "1"])
    of_accuracy = low.summaries[1]
    assert (low.label, low.n, of_accuracy.n) == ("E-", 1536, 1536)
    assert of_accuracy.mean.value == pytest.approx(of_low.mean(), rel=1e-12)
    assert of_accuracy.mean.sd == pytest.approx(of_low.std(ddof=1), rel=1e-12)
    assert (of_accuracy.least, of_accuracy.greatest) == (of_low.min(), of_low.max())
    assert (layered.clusters[0].n_none, layered.clusters[0].n_several) == (0, 0)


def test_spreads_are_counted_on_both_sides_of_the_limit(layered: StudyResult) -> None:
    (part,) = layered.spreads
    cvs = [cell.cv for cell in part.cells if cell.cv is not None]
    assert (len(cvs), sum(part.counts)) == (8, 8)
    assert part.limit in part.edges
    below = sum(count for edge, count in zip(part.edges[1:], part.counts, strict=True) if edge <= part.limit)
    assert below == sum(cv <= part.limit for cv in cvs) == 8 - part.n_above
    assert part.mean is not None
    assert part.mean == pytest.approx(np.mean(cvs))
    assert 0.008 < part.mean < 0.010


def test_a_scatter_has_every_run(layered: StudyResult) -> None:
    (part,) = layered.scatters
    assert (part.n, part.reversed) == (3072, ("x",))
    assert [len(group.x) for group in part.points] == [1536, 1536]


def test_searches_are_those_of_a_plain_loop(tmp_path: Path) -> None:
    study = study_of(tmp_path, SEARCHES + PROGRESS, text_of(SEARCH_HEADER, searches(7, 4)))
    search_study(tmp_path, "", 7, 4)
    rows = [row for row in rows_of(tmp_path) if row["set"] == "cifar" and row["parameters"] == "5"]
    (part,) = study.progress
    assert len(part.curves) == 9
    for curve in part.curves:
        own = [r for r in rows if r["net"] == curve.levels["net"] and r["strategy"] == curve.levels["strategy"]]
        best, so_far = [], -math.inf
        for number in range(1, 8):
            values = [float(r["accuracy"]) for r in own if int(r["round"]) == number and r["accuracy"] != "nan"]
            so_far = max(so_far, sum(values) / len(values))
            best.append(so_far)
        assert curve.best == pytest.approx(best, rel=1e-12)
        (search,) = curve.searches
        converged = next(number for number, value in enumerate(best, 1) if value >= best[-1] - 0.01)
        assert (search.converged_round, search.n_rounds, search.n_runs) == (converged, 7, 28)
        assert search.best_round == best.index(best[-1]) + 1
        until = [float(r["energy"]) for r in own if int(r["round"]) <= converged]
        assert search.spent_until is not None
        assert search.spent_until.value == pytest.approx(sum(until) / 1000, rel=1e-12)
        u = math.sqrt(len(until) * 0.002**2 + (len(until) * 0.001) ** 2)
        assert search.spent_until.estimate.u == pytest.approx(u, rel=1e-12)


def test_repeated_searches_have_a_mean_and_its_interval(tmp_path: Path) -> None:
    more = PROGRESS + 'repetitions = "repetition"\n'
    study = study_of(tmp_path, SEARCHES + more, text_of(SEARCH_HEADER, searches(6, 4)))
    curve = study.progress[0].curves[0]
    assert [search.repetition for search in curve.searches] == ["1", "2", "3", "4"]
    search_study(tmp_path, "", 6, 4)
    held = []
    for repetition in "1234":
        own = [float(r["accuracy"]) for r in rows_of(tmp_path)
               if r["set"] == "cifar" and r["parameters"] == "5" and r["net"] == curve.levels["net"]
               and r["strategy"] == curve.levels["strategy"] and r["repetition"] == repetition]  # fmt: skip
        held.append(np.fmax.accumulate(own))
    means = np.mean(held, axis=0)
    assert curve.best == pytest.approx(means.tolist(), rel=1e-12)
    half = stats.t.ppf(0.975, 3) * np.std(held, axis=0, ddof=1) / 2
    assert curve.low == pytest.approx((means - half).tolist(), rel=1e-9)
    assert curve.high == pytest.approx((means + half).tolist(), rel=1e-9)


SMALL = start(
    {"energy": ("energy", "J"), "accuracy": ("accuracy", "1"), "round": ("round", "1")},
    {"strategy": ("Strategy", ["a", "b"])},
    {"accuracy": ("Accuracy", "accuracy", "1"), "energy": ("Energy", "energy", "J"), "round": ("Round", "round", "1")},
    {"accuracy": "higher"},
) + """
[progress.best]
title = "Best"
response = "accuracy"
round = "round"
strategy = "strategy"
tolerance = 0.0
spent = "energy"
"""  # fmt: skip


def test_what_a_failed_trial_spent_counts_for_its_strategy(tmp_path: Path) -> None:
    table = (
        "strategy,round,energy,accuracy,left_out_because\na,1,5,0.5,\na,2,7,,out of memory\na,3,6,0.8,\na,4,6,0.7,\n"
    )
    table += "b,1,5,0.5,\nb,2,,,killed\nb,3,4,nan,\n"
    study = study_of(tmp_path, SMALL, table)
    (a,), (b,) = (curve.searches for curve in study.progress[0].curves)
    assert (a.n_runs, a.n_without, a.converged_round, a.runs_until) == (4, 1, 3.0, 3)
    assert a.spent_until is not None
    assert a.spent is not None
    assert (a.spent_until.value, a.spent.value) == (18.0, 24.0)
    assert (b.n_runs, b.n_without, b.converged_round, b.spent, b.n_unknown) == (3, 2, 1.0, None, 1)
    assert b.spent_until is not None
    assert b.spent_until.value == 5.0


def test_a_strategy_without_any_value_has_no_curve(tmp_path: Path) -> None:
    study = study_of(tmp_path, SMALL, "strategy,round,energy,accuracy\na,1,5,nan\na,2,7,\nb,1,1,1\n")
    (a,) = study.progress[0].curves[0].searches
    assert (study.progress[0].curves[0].rounds, a.best, a.converged_round, a.spent_until) == ((), None, None, None)


def test_the_interval_of_an_increase_is_what_student_does_not_reject() -> None:
    draw = np.random.default_rng(5)
    first, second = ([draw.normal(mean, 2, n) for n in (5, 9)] for mean in (20.0, 30.0))
    found = increase(first, second)
    assert found is not None
    assert found.interval is not None
    a, b = mean_of_strata(first), mean_of_strata(second)
    assert found.percent == pytest.approx(100 * (b.value / a.value - 1))
    parts = [(strata, values.var(ddof=1) / values.size / 4, values.size - 1)
             for strata, of in ((0, first), (1, second)) for values in of]  # fmt: skip
    ratio = b.value / a.value
    scaled = [(part * (ratio**2 if strata == 0 else 1), df) for strata, part, df in parts]
    df = sum(part for part, _ in scaled) ** 2 / sum(part**2 / own for part, own in scaled)
    for end in found.interval:
        at = end / 100 + 1
        error = math.sqrt(sum(part * (at**2 if strata == 0 else 1) for strata, part, _ in parts))
        assert abs(b.value - at * a.value) / error == pytest.approx(stats.t.ppf(0.975, df), rel=1e-9)


def test_the_interval_of_an_increase_covers() -> None:
    """1000 draws of two strata of 4 and 8 values each, whose spreads are 1 and 3."""
    draw = np.random.default_rng(8)
    held = 0
    for _ in range(1000):
        first = [draw.normal(10, 1, 4), draw.normal(14, 3, 8)]
        second = [draw.normal(15, 3, 4), draw.normal(21, 1, 8)]
        found = increase(first, second)
        assert found is not None
        assert found.interval is not None
        held += found.interval[0] <= 50.0 <= found.interval[1]
    assert 0.93 <= held / 1000 <= 0.99


@pytest.mark.parametrize(("first", "second", "has"), [(-1.0, 2.0, False), (1.0, -2.0, True)])
def test_an_increase_of_what_is_not_above_zero_is_none(first: float, second: float, has: bool) -> None:
    near = np.array([0.0, 0.01, -0.01])
    assert (increase([near + first], [near + second]) is not None) is has


def test_the_page_shows_them_and_the_study_verifies(tmp_path: Path) -> None:
    path = layer_study(tmp_path, ENERGY, 3, 2)
    main(["study", "report", str(path), "--into", str(tmp_path / "out")])
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    for said in (
        "effect size with 8 groups, as published", "The rule of the study file: E+: Convolutional layers: 4",
        "runs from its largest value to its least", "lie above 0.01", "Every combination of Linear layers and ReLU",
    ):  # fmt: skip
        assert said in page
    assert main(["verify", str(tmp_path / "out")]) == 0
    other = tmp_path / "searches"
    other.mkdir()
    assert main(["study", "report", str(search_study(other, PROGRESS, 4, 2)), "--into", str(other / "out")]) == 0
    page = (other / "out" / "report.html").read_text(encoding="utf-8")
    assert "Searches: the best so far" in page
    assert "best so far is within 0.01000 of its last best" in page
    assert main(["verify", str(other / "out")]) == 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('round = "round"\nstrategy', 'round = "rounds"\nstrategy', "progress.best.round: found 'rounds', no such"),
        ('strategy = "strategy"\ntol', 'strategy = "x"\ntol', "progress.best.strategy: found 'x', no such factor"),
        ("tolerance = 0.0", "", "progress.best.tolerance: missing"),
        ("tolerance = 0.0", "tolerance = -1.0", "progress.best.tolerance: found -1.0, expected at least 0"),
        ('spent = "energy"', 'panels = ["strategy"]', "progress.best.panels: 'strategy' is the factor of the"),
        ('spent = "energy"', 'spent_u = "energy"', "progress.best.spent: missing; `spent_u`"),
        ('spent = "energy"', 'spent = "energy"\nspent_u = "round"', "found energy in J, round in 1; give what was"),
        ('spent = "energy"', 'repetitions = "again"', "progress.best.repetitions: runs.csv has no column 'again'"),
        ('better = "higher"', "", "responses.accuracy.better: progress.best needs to know"),
        ("[progress.best]", '[clusters.c]\ntitle = "x"\nresponses = []\nparts = {}\n[progress.best]',
         "clusters.c.responses: at least one response is needed"),
        ("[progress.best]", '[clusters.c]\ntitle = "x"\nresponses = ["energy"]\nparts = { a = {}, b = {} }\n'
         "[progress.best]",
         "clusters.c.parts.a: it would hold every row"),
        ("[progress.best]", '[increases.i]\ntitle = "x"\nresponse = "energy"\nfactor = "strategy"\n'
         'over = ["strategy"]\n[progress.best]', "increases.i.over: 'strategy' is the factor whose levels are"),
        ("[progress.best]", '[spreads.s]\ntitle = "x"\nresponse = "energy"\nover = []\nlimit = 0.01\n[progress.best]',
         "spreads.s.over: at least one factor is needed"),
        ("[progress.best]", '[scatters.s]\ntitle = "x"\nx = "energy"\ny = "heat"\n[progress.best]',
         "scatters.s.y: found 'heat', no such response"),
        ("[progress.best]", '[choices.c]\ntitle = "x"\nresponse = "accuracy"\nof = "strategy"\namong = "strategy"\n'
         "[progress.best]", "choices.c.among: 'strategy' is the factor of the rows"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    assert old in SMALL
    path = in_folder(tmp_path, SMALL.replace(old, new, 1), "strategy,round,energy,accuracy", [("a", 1, 5, 0.5)])
    assert main(["study", "report", str(path), "--into", str(tmp_path / "out")]) == 1
    assert said in " ".join(capsys.readouterr().err.split())
