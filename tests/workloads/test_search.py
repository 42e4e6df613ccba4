"""Search strategies: the same trials from the same seeds, the thesis' rules, and Bayes against a Gaussian process by
hand."""

import json
import math
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.search import bayes_pi
from workloads.search.space import Bounds, Choices, Search, Space, Strategy, Told, Value, points_in
from workloads.search.strategy import suggestion

GOLDEN = Path(__file__).parents[1] / "data" / "search-trials.json"
"""Strategy -> its first trials of seed 20230601, as `golden_trials` made them once."""
ADAM: Space = {
    "learning_rate": Bounds(1e-5, 1e-1),
    "beta_1": Bounds(0.1, 1.0),
    "beta_2": Bounds(0.8, 1.0),
}
"""The space of the thesis' first experiment (three parameters)."""
DRAWN: tuple[Strategy, ...] = ("random", "partial-grid", "bayes-pi")
WHOLE: Strategy = "grid"
LINE: Space = {"x": Bounds(-2.0, 6.0)}


def height(values: Mapping[str, Value]) -> float:
    """A known function of the three parameters: its highest place is (.02, .7, .95)."""
    at = [float(values[name]) for name in ADAM]
    return -sum(((a - b) / w) ** 2 for a, b, w in zip(at, (0.02, 0.7, 0.95), (0.05, 0.5, 0.1), strict=True))


def tried(search: Search, of: Callable[[Mapping[str, Value]], float], seed: int, rounds: int) -> list[Told]:
    """A search as a campaign makes it."""
    history: list[Told] = []
    for trial in range(1, rounds + 1):
        values = suggestion(search, history, seed, trial)
        history.append(Told(values, of(values)))
    return history


def golden_trials() -> dict[str, list[dict[str, Value]]]:
    strategies: tuple[Strategy, ...] = ("random", "partial-grid", "grid", "bayes-pi", "bayes-pi-fitted")
    return {
        strategy: [
            dict(one.values) for one in tried(Search(strategy=strategy, space=ADAM), height, seed=20230601, rounds=6)
        ]
        for strategy in strategies
    }


def test_the_same_seed_gives_the_stored_trials() -> None:
    stored = json.loads(GOLDEN.read_text())
    found = golden_trials()
    assert found.keys() == stored.keys()
    for strategy, trials in stored.items():
        assert [list(one) for one in found[strategy]] == [list(one) for one in trials]
        for here, there in zip(found[strategy], trials, strict=True):
            assert here == pytest.approx(there, rel=1e-12), strategy


def test_two_searches_of_one_seed_are_equal_to_the_bit_and_another_seed_gives_others() -> None:
    for strategy in (*DRAWN, WHOLE):
        search = Search(strategy=strategy, space=ADAM, candidates=1000)
        assert tried(search, height, 6, 4) == tried(search, height, 6, 4)
    for strategy in DRAWN:
        search = Search(strategy=strategy, space=ADAM)
        assert suggestion(search, [], 1, 1) != suggestion(search, [], 2, 1)


def test_the_first_trial_of_bayes_is_that_of_the_random_search() -> None:
    assert suggestion(Search(strategy="bayes-pi", space=ADAM), [], 5, 1) == suggestion(
        Search(strategy="random", space=ADAM), [], 5, 1
    )


# --- Bayes against a Gaussian process written here, with numpy alone ---


def by_hand(at: list[float], objectives: list[float], candidates: np.ndarray, xi: float) -> np.ndarray:
    """PI at points of the unit interval: k(a, b) = exp(-(a - b)^2 / 2), noise 1e-10, the objective standardised."""
    x, y = np.array(at), np.array(objectives)
    z = (y - y.mean()) / y.std()

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.asarray(np.exp(-0.5 * (a[:, None] - b[None, :]) ** 2))

    lower = np.linalg.cholesky(kernel(x, x) + 1e-10 * np.eye(x.size))
    across = np.linalg.solve(lower, kernel(x, candidates))
    mean = across.T @ np.linalg.solve(lower, z)
    sigma = np.sqrt(np.maximum(1.0 - (across**2).sum(axis=0), 0.0))
    score = (mean - z.max() - xi) / (sigma + 1e-9)
    return np.array([0.5 * math.erfc(-one / math.sqrt(2.0)) for one in score])


def wave(values: Mapping[str, Value]) -> float:
    x = float(values["x"])
    return math.sin(2.0 * x) + 0.3 * x


@pytest.mark.parametrize("maximise", [True, False])
@pytest.mark.parametrize("xi", [0.0, 0.1])
def test_bayes_suggests_the_maximiser_of_the_probability_of_improvement(maximise: bool, xi: float) -> None:
    search = Search(strategy="bayes-pi", space=LINE, maximise=maximise, xi=xi)
    history: list[Told] = []
    for trial in range(1, 8):
        values = suggestion(search, history, 3, trial)
        if trial > 2:
            at = [(float(one.values["x"]) + 2.0) / 8.0 for one in history]
            objectives = [(1.0 if maximise else -1.0) * (one.objective or 0.0) for one in history]
            state = np.random.RandomState(np.random.SeedSequence([3, trial]).generate_state(1))
            candidates = state.uniform(0.0, 1.0, 10_000)
            wanted = candidates[np.argmax(by_hand(at, objectives, candidates, xi))]
            assert float(values["x"]) == pytest.approx(-2.0 + 8.0 * wanted, abs=1e-9)
            # And no point between the candidates is better by more than their distance explains.
            chosen, everywhere = np.array([(float(values["x"]) + 2.0) / 8.0]), np.linspace(0.0, 1.0, 50_001)
            best = by_hand(at, objectives, everywhere, xi).max()
            assert by_hand(at, objectives, chosen, xi)[0] == pytest.approx(best, abs=5e-3)
        history.append(Told(values, wave(values)))


def test_the_fixed_kernel_stays_fixed_and_the_fitted_one_cannot_collapse() -> None:
    x = np.linspace(0.0, 1.0, 6)[:, None]
    y = np.array([0.0, 1.0, -1.0, 1.0, -1.0, 0.5])
    fixed = bayes_pi.process(fitted=False).fit(x, y)
    assert str(fixed.kernel_) == "1**2 * RBF(length_scale=1)"
    assert fixed.kernel_.theta.size == 0
    with pytest.warns(Warning, match="close to the specified"):
        fitted = bayes_pi.process(fitted=True).fit(x, y)
    assert 0.05 <= fitted.kernel_.k1.k2.length_scale <= 20.0


def test_the_unit_of_the_objective_changes_no_suggestion() -> None:
    def in_joules(values: Mapping[str, Value]) -> float:
        return 3.6e6 * height(values) + 1e5

    search = Search(strategy="bayes-pi", space=ADAM, xi=0.05)
    one, other = (tried(search, of, seed=11, rounds=5) for of in (height, in_joules))
    for here, there in zip(one, other, strict=True):
        assert here.values == pytest.approx(there.values, rel=1e-6)


def test_a_trial_without_a_number_tells_bayes_nothing() -> None:
    search = Search(strategy="bayes-pi", space=ADAM)
    told = tried(search, height, seed=2, rounds=3)
    failed = Told({"learning_rate": 0.05, "beta_1": 0.5, "beta_2": 0.9}, None)
    assert suggestion(search, [*told, failed], 2, 5) == suggestion(search, told, 2, 5)
    assert suggestion(search, [failed], 2, 2) == suggestion(Search(strategy="random", space=ADAM), [], 2, 2)


def test_bayes_finds_a_higher_place_than_random_search_on_a_smooth_function() -> None:
    best = {
        strategy: [
            max(one.objective or 0.0 for one in tried(Search(strategy=strategy, space=ADAM), height, seed, rounds=14))
            for seed in range(4)
        ]
        for strategy in ("random", "bayes-pi")
    }
    assert np.median(best["bayes-pi"]) > np.median(best["random"])


def test_choices_are_searched_too_and_a_point_that_was_tried_may_be_tried_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    space: Space = {"optimiser": Choices(("adam", "sgd")), "width": Choices((16, 32, 64))}
    search = Search(strategy="bayes-pi", space=space, candidates=200, xi=0.1)
    history = tried(search, lambda values: float(values["width"] == 32) + (values["optimiser"] == "sgd"), 1, 9)
    assert {"optimiser": "sgd", "width": 32} in [one.values for one in history]
    assert {type(one.values["width"]) for one in history} == {int}
    assert capsys.readouterr().out == ""


# --- grids and random draws ---


def test_the_partial_grid_is_that_of_the_thesis() -> None:
    search = Search(strategy="partial-grid", space=ADAM)
    trials = [tuple(suggestion(search, [], 4, trial).values()) for trial in range(1, 126)]
    levels = [[low + i * (high - low) / 5 for i in range(5)] for low, high in ((1e-5, 1e-1), (0.1, 1.0), (0.8, 1.0))]
    assert np.allclose(sorted(trials), sorted(product(*levels)), rtol=1e-12, atol=0)
    assert len(set(trials)) == 125 == points_in(ADAM, 5)
    assert trials != sorted(trials)


def test_the_whole_grid_tries_both_bounds_and_every_combination_in_order() -> None:
    space: Space = {"rate": Bounds(1e-4, 1e-2, "log"), "deep": Choices((True, False))}
    search = Search(strategy="grid", space=space, points=3)
    trials = [suggestion(search, [], 9, trial) for trial in range(1, points_in(space, 3) + 1)]
    assert [one["rate"] for one in trials] == pytest.approx([1e-4, 1e-4, 1e-3, 1e-3, 1e-2, 1e-2])
    assert [one["deep"] for one in trials] == [True, False] * 3


@given(
    st.floats(1e-9, 1e3), st.floats(1.0001, 1e6), st.sampled_from(["linear", "log"]), st.integers(0, 2**31),
    st.integers(1, 500),
)  # fmt: skip
def test_what_is_drawn_lies_between_its_bounds(low: float, times: float, scale: str, seed: int, trial: int) -> None:
    bounds = Bounds(low, low * times, "log" if scale == "log" else "linear")
    value = suggestion(Search(strategy="random", space={"x": bounds}), [], seed, trial)["x"]
    assert low <= float(value) <= low * times
    assert -1e-9 <= bounds.fraction_of(float(value)) <= 1 + 1e-9


def test_random_draws_are_uniform_on_their_scale_and_a_trial_depends_on_no_other() -> None:
    search = Search(strategy="random", space={"rate": Bounds(1e-5, 1e-1, "log"), "size": Choices((1, 2, 3, 4))})
    trials = [suggestion(search, [], 8, trial) for trial in range(1, 2001)]
    places = np.sort([math.log10(float(one["rate"])) for one in trials])
    # Kolmogorov's distance of 2000 uniform values exceeds .0365 once in a hundred.
    assert np.abs(places - np.linspace(-5, -1, places.size)).max() / 4 < 0.0365
    assert all(400 < sum(one["size"] == level for one in trials) < 600 for level in (1, 2, 3, 4))
    assert suggestion(search, [Told(trials[0], 1.0)], 8, 77) == trials[76]
