"""What is computed block by block is what numpy computes of the whole, to the bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.record.errors import AnalysisError
from reports.readings import long

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(1, 5000)
BLOCKS = st.sampled_from([128, 136, 1024, 4096])


def drawn(seed: int, size: int) -> NDArray[np.float64]:
    """Values of very different size, some of them equal."""
    random = np.random.default_rng(seed)
    return np.asarray(random.choice(random.normal(0, 10.0 ** random.integers(-3, 9), max(size // 2, 1)), size))


@given(SEEDS, SIZES, BLOCKS)
def test_blocks_give_what_the_whole_gives(seed: int, size: int, block: int) -> None:
    values = drawn(seed, size)
    places = np.random.default_rng(seed).integers(0, size + 1, (2, 7))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long, "BLOCK", block)
        patch.setattr(long, "IN_MEMORY_BYTES", 8 * block)

        def part_of(part: slice) -> NDArray[np.float64]:
            return values[part]

        assert long.total(part_of, size) == values.sum()
        assert long.mean(values) == values.mean()
        assert size < 2 or long.deviation(values) == values.std(ddof=1)
        assert long.median(part_of, size) == np.median(values)
        until = np.concatenate([[0.0], np.cumsum(values)])
        assert long.cumulated_at(part_of, size, places).tobytes() == until[places].tobytes()
        known, counts = np.unique(values, return_counts=True)
        told = long.tally(part_of, size)
        assert told[0].tobytes() == known.tobytes()
        assert told[1].tolist() == counts.tolist()
        assert long.chosen(values, lambda part: values[part] > 0).tobytes() == values[values > 0].tobytes()
        assert long.each(lambda part: values[part] ** 2, size, np.float64).tobytes() == (values**2).tobytes()
        assert long.places_of(lambda part: values[part] > 0, size).tolist() == np.flatnonzero(values > 0).tolist()


def test_an_array_on_disk_is_whole_when_its_pages_were_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long, "IN_MEMORY_BYTES", 1000)
    values = long.empty(10_000, np.float64)
    values[:] = np.arange(10_000.0)
    long.let_go(values, values[5:])
    assert long.is_on_disk(values[7:9])
    assert values.tolist() == list(range(10_000))
    assert not long.is_on_disk(long.empty(10, np.float64))


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_full_disk_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long, "IN_MEMORY_BYTES", 1000)
    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(AnalysisError, match=r"make room there, or name another folder by .* TMPDIR"):
        long.empty(10_000_000, np.float64)
