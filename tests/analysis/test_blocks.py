"""A run that is looked at block by block has the numbers of one that is looked at as a whole, to the bit."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.record.documents import PowerDescriptor
from reports.energy import power_function as functions
from reports.energy.power_function import PowerFunction, power_function, summed
from reports.findings import reading_rules
from reports.readings import long, outline
from reports.readings.outline import outline_of_trace
from tests.analysis.monitored import Fault, Monitored, Table, campaign_of
from tests.analysis.streams import at, descriptor, stream
from tests.documents import write_results

STEPS = st.lists(st.sampled_from([0.0, 0.2, 1.0, 1.0, 1.0, 1.4, 2.5, 4.0]), min_size=2, max_size=60)
SEEDS = st.integers(0, 2**32 - 1)
BLOCKS = st.integers(1, 40)
HOWS = st.builds(
    descriptor,
    averaging=st.sampled_from(["window", "instantaneous"]),
    stamp=st.sampled_from(["end", "start", "unknown"]),
    window_s=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    latency_s=st.sampled_from([0.0, 0.3]),
)


@contextmanager
def blocks_of(rows: int) -> Iterator[None]:
    """Blocks of so many rows, and arrays on disk from a kilobyte on."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (long, functions, outline):
            patch.setattr(module, "BLOCK", rows)
        patch.setattr(long, "IN_MEMORY_BYTES", 1024)
        yield


def asked(function: PowerFunction, seed: int) -> list[bytes]:
    """What it says of intervals and edges, inside and outside."""
    random = np.random.default_rng(seed)
    begins = np.array([at(s) for s in random.uniform(-5, 80, 9)], dtype=np.int64)
    ends = begins + random.integers(0, 50_000_000_000, 9)
    arrays = [part(begins, ends) for part in (function.energy_j, function.gap_energy_j, function.gap_s)]
    edges = [function.edge_until_ns(begins), function.edge_from_ns(ends)]
    bounds = np.array([function.first_s, function.last_s, function.before_w, function.after_w, function.least_w,
                       function.greatest_w])  # fmt: skip
    return [one.tobytes() for one in (*arrays, *edges, bounds, function.gaps_s, function.edges_s, function.gap)]


@given(STEPS, SEEDS, HOWS, BLOCKS)
def test_any_partition_of_readings_into_blocks_gives_the_same_energy(
    steps: list[float], seed: int, how: PowerDescriptor, rows: int
) -> None:
    assume(sum(steps[1:]) > 0)  # at one moment there is no energy to share out
    series = stream(np.cumsum(steps).tolist(), np.random.default_rng(seed).normal(50, 20, len(steps)).tolist(), how)
    whole = asked(power_function(series), seed)
    with blocks_of(rows):
        assert asked(power_function(series), seed) == whole


@given(STEPS, STEPS, SEEDS, HOWS, BLOCKS)
def test_the_sum_of_circuits_is_the_same_by_blocks(
    steps: list[float], others: list[float], seed: int, how: PowerDescriptor, rows: int
) -> None:
    random = np.random.default_rng(seed)
    parts = [stream((0.37 * k + np.cumsum(own)).tolist(), random.normal(50, 20, len(own)).tolist(), how)
             for k, own in enumerate((steps, others))]  # fmt: skip
    whole = asked(summed([power_function(part) for part in parts]), seed)
    with blocks_of(rows):
        assert asked(summed([power_function(part) for part in parts]), seed) == whole


@given(SEEDS, st.integers(1, 3000), BLOCKS)
def test_outlines_and_longest_stretches_are_the_same_by_blocks(seed: int, size: int, rows: int) -> None:
    random = np.random.default_rng(seed)
    seconds = np.cumsum(random.choice([0.01, 0.02, 3.0], size, p=[0.6, 0.39, 0.01]))
    watts = random.integers(40, 43, size).astype(np.float64)
    whole, longest = outline_of_trace(seconds, watts), reading_rules._longest_equal(watts)
    with blocks_of(rows):
        own = outline_of_trace(seconds, watts)
        assert reading_rules._longest_equal(watts) == longest
    assert own.means.tobytes() == whole.means.tobytes()
    assert [one.tobytes() for one in own.thin] == [one.tobytes() for one in whole.thin]


def damaged(table: Table) -> None:
    """A hole, equal values, a doubled stamp, readings that cannot be."""
    kept = np.ones(table["t"].size, dtype=bool)
    kept[40:47] = False
    for name in table:
        table[name] = table[name][kept]
    table["power_w"][70:110] = table["power_w"][70]
    table["t"][80], table["power_w"][90], table["power_w"][93] = table["t"][79], -1.0, 0.0


@pytest.mark.parametrize("how", [{"stamp": "unknown"}, {"averaging": "instantaneous", "window_s": 0.0}])
def test_results_are_the_same_to_the_byte(tmp_path: Path, how: dict[str, object]) -> None:
    fault = Fault(readings=damaged, meter=lambda meter: replace(meter, **how))  # type: ignore[arg-type]
    campaign = campaign_of(tmp_path, Monitored(repetitions=1, baseline_blocks=2, fault=fault))
    whole = write_results(campaign).read_bytes()
    with blocks_of(17):
        assert write_results(campaign).read_bytes() == whole
