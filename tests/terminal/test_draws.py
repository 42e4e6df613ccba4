"""What is drawn: preparation times, chains, arrivals; by the distributions that are declared."""

from itertools import islice, pairwise
from math import exp, log, sqrt
from statistics import fmean, pstdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.record.errors import ConfigError
from harness.record.population import LoadShape, Preparation
from harness.terminal.arrivals import arrivals_ns, read_trace
from harness.terminal.draws import choices, preparation_times, quantile_s

ALPHA = 0.01
KINDS = [
    Preparation(distribution="exponential", mean_s=2.0),
    Preparation(distribution="normal", mean_s=2.0, spread_s=0.5),
    Preparation(distribution="lognormal", mean_s=2.0, spread_s=1.5),
    Preparation(distribution="uniform", mean_s=2.0, spread_s=1.0),
]


def law_of(preparation: Preparation) -> "stats.rv_continuous":
    """The distribution in scipy's words."""
    mean_s, spread_s = preparation.mean_s, preparation.spread_s
    match preparation.distribution:
        case "exponential":
            return stats.expon(scale=mean_s)
        case "normal":
            return stats.norm(mean_s, spread_s)
        case "lognormal":
            variance = log(1 + (spread_s / mean_s) ** 2)
            return stats.lognorm(sqrt(variance), scale=exp(log(mean_s) - variance / 2))
    return stats.uniform(mean_s - sqrt(3) * spread_s, 2 * sqrt(3) * spread_s)


@pytest.mark.parametrize("preparation", KINDS, ids=lambda kind: kind.distribution)
def test_quantiles_are_those_of_the_distribution(preparation: Preparation) -> None:
    for share in (0.01, 0.2, 0.5, 0.9, 0.999):
        assert quantile_s(preparation, share) == pytest.approx(law_of(preparation).ppf(share), rel=1e-9)


@pytest.mark.parametrize("preparation", KINDS, ids=lambda kind: kind.distribution)
@pytest.mark.parametrize("seed", range(20))
def test_a_hundred_draws_have_the_declared_mean_within_5_and_spread_within_10_percent(
    preparation: Preparation, seed: int
) -> None:
    times_s = [time_ns / 1e9 for time_ns in islice(preparation_times(preparation, str(seed)), 128)]
    law = law_of(preparation)
    assert fmean(times_s) == pytest.approx(law.mean(), rel=0.05)
    assert pstdev(times_s) == pytest.approx(law.std(), rel=0.10)


@pytest.mark.parametrize("preparation", KINDS, ids=lambda kind: kind.distribution)
def test_ten_thousand_draws_are_of_the_declared_distribution(preparation: Preparation) -> None:
    times_s = np.array(list(islice(preparation_times(preparation, "7"), 10_000))) / 1e9
    assert stats.kstest(times_s, law_of(preparation).cdf).pvalue > ALPHA
    # Strata pull neighbours apart a little, by 1/(RUN - 1) at most; nothing else is in the order.
    assert abs(np.corrcoef(times_s[:-1], times_s[1:])[0, 1]) < 0.1


def test_a_constant_preparation_time_is_constant() -> None:
    assert set(islice(preparation_times(Preparation(distribution="constant", mean_s=0.5), "1"), 100)) == {500_000_000}


@given(st.lists(st.integers(1, 50), min_size=1, max_size=6), st.integers(0, 1000))
def test_chains_are_never_two_off_their_share_behind_a_block(weights: list[int], seed: int) -> None:
    shares = {f"c{index}": weight / sum(weights) for index, weight in enumerate(weights)}
    drawn = list(islice(choices(shares, str(seed)), 400))
    for name, share in shares.items():
        for end in range(20, 401, 20):
            assert abs(drawn[:end].count(name) - share * end) < 2


def test_two_hundred_chains_have_a_share_of_a_tenth_within_5_percent() -> None:
    shares = {"often": 0.9, "seldom": 0.1}
    for seed in range(50):
        assert list(islice(choices(shares, str(seed)), 200)).count("seldom") == pytest.approx(20, rel=0.05)


def test_poisson_arrivals_are_poisson_at_a_hundred_thousand_draws() -> None:
    load = LoadShape(shape="poisson", rate_per_s=250.0, task="ask")
    times_ns = list(islice(arrivals_ns(load, 11, 0, ()), 100_000))
    gaps_s = np.diff(times_ns) / 1e9
    assert stats.kstest(gaps_s, stats.expon(scale=1 / 250).cdf).pvalue > ALPHA
    # Counts of a second are Poisson: their variance is their mean.
    counts = np.bincount(np.array(times_ns) // 1_000_000_000)[:-1]
    assert counts.var() / counts.mean() == pytest.approx(1, abs=0.25)


def test_another_seed_is_another_draw_and_the_same_seed_the_same() -> None:
    load = LoadShape(shape="poisson", rate_per_s=250.0, task="ask")
    first, again, other = (list(islice(arrivals_ns(load, seed, 0, ()), 50)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_constant_arrivals_add_up_no_error_and_begin_with_the_stabilization() -> None:
    load = LoadShape(shape="constant", rate_per_s=3.0, task="ask")
    times_ns = list(islice(arrivals_ns(load, 1, 2_000_000_000, ()), 3_000_001))
    assert (times_ns[0], times_ns[-1]) == (-2_000_000_000, 999_998_000_000_000)
    assert all(later - before in (333_333_333, 333_333_334) for before, later in pairwise(times_ns[:100]))


def test_a_trace_is_repeated_and_what_lies_before_the_stabilization_is_left_out() -> None:
    trace_ns = read_trace(b"size,time_s\n3,-5\n4,-0.5\n5,0\n6,1.25\n", "arrivals.csv")
    load = LoadShape(shape="trace", trace="arrivals.csv", task="ask")
    assert list(arrivals_ns(load, 1, 1_000_000_000, trace_ns)) == [-500_000_000, 0, 1_250_000_000]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"time\n1\n", "arrivals.csv:1: found the columns time, expected time_s among them"),
        (b"time_s\n1\nx\n", "arrivals.csv:3: found 'x' as time_s, expected seconds"),
        (b"time_s\n1\n0.5\n", "arrivals.csv:3: time_s is before that of the line above"),
        (b"time_s\nnan\n", "arrivals.csv:2: found 'nan' as time_s"),
        (b"time_s\n", "arrivals.csv: no arrivals in it"),
        (b"time_s\n\xff\n", "arrivals.csv: no CSV file in UTF-8"),
    ],
)
def test_a_trace_that_cannot_be_repeated_is_named_by_its_line(content: bytes, message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("'", ".")):
        read_trace(content, "arrivals.csv")
