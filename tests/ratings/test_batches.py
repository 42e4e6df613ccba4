"""Energy of a batch by regression: known answers, refusals, parts that add up though nothing makes them."""

from dataclasses import replace

import numpy as np
import pytest

from reports.ratings.batches import LEAST_WINDOWS, Metered, batch_energies, windows_of
from reports.readings.batches import Batches
from tests.ratings.virtual_batches import IDLE_W, metered, of_batch

EDGES = np.array([0.0, 1.0, 2.0, 3.0])


def batches(*rows: tuple[float, float, float, float]) -> Batches:
    """From (begin, end, size, hold)."""
    return Batches(*np.array(rows).T)


def test_a_batch_lies_in_the_windows_that_its_time_does() -> None:
    run = Metered(EDGES, np.zeros(3), batches((0.5, 1.5, 4, 0.0), (1.75, 2.0, 2, 0.25)))
    found = windows_of(run, np.array([2.0, 4.0]))
    assert found.counts.T.tolist() == [[0.0, 1.0, 0.0], [0.5, 0.5, 0.0]]
    assert found.queue_s.tolist() == [0.0, 0.25, 0.0]
    assert found.idle_s.tolist() == [0.5, 0.0, 1.0]
    assert found.has_batch.tolist() == [True, True, False]


def test_batches_at_once_take_their_time_once() -> None:
    run = Metered(EDGES, np.zeros(3), batches((0.0, 1.5, 4, 0.0), (0.5, 1.0, 4, 0.0), (0.25, 2.0, 4, 0.0)))
    found = windows_of(run, np.array([4.0]))
    assert found.idle_s.tolist() == [0.0, 0.0, 1.0]
    assert found.counts.sum() == pytest.approx(3)


def test_known_energies_of_two_sizes_are_recovered_within_u() -> None:
    found = batch_energies([metered(1, sizes=(2, 8))])
    assert (found.refused, found.model) == (None, "by-size")
    for one, truth in zip(found.coefficients, (of_batch(2), of_batch(8), IDLE_W), strict=True):
        assert one.estimate.expanded is not None
        assert abs(one.estimate.value - truth) < one.estimate.expanded
        assert one.estimate.expanded < 0.2 * truth


def test_many_sizes_are_a_line() -> None:
    found = batch_energies([metered(2, rate=90.0, seconds=900)])
    assert (found.refused, found.model) == (None, "linear-in-size")
    values = {one.name: one.estimate for one in found.coefficients}
    for name, truth in (("batch", of_batch(0)), ("item", of_batch(1) - of_batch(0))):
        assert abs(values[name].value - truth) < (values[name].expanded or 0)


def test_batches_that_were_stamped_late_are_moved_and_give_the_same() -> None:
    own, late = (batch_energies([metered(3, sizes=(4,), late_s=late_s)]) for late_s in (0.0, 0.4))
    assert late.lag_s == pytest.approx(0.4, abs=0.02)
    assert late.coefficients[0].estimate.value == pytest.approx(own.coefficients[0].estimate.value, rel=0.005)


def test_stamps_of_another_clock_are_refused() -> None:
    assert batch_energies([metered(3, sizes=(4,), late_s=2.5)]).refused == "clocks-apart"


def test_one_size_at_an_even_rate_is_refused() -> None:
    """Each window has as many batches as every other: nothing tells what they take from what passes between them."""
    begins = np.arange(0.0, 200.0, 0.25)
    even = Metered(
        np.arange(201.0), np.random.default_rng(1).normal(20, 1, 200),
        Batches(begins, begins + 0.1, np.full(begins.size, 4.0), np.zeros(begins.size)),
    )  # fmt: skip
    assert batch_energies([even]).refused in ("rank", "collinear", "too-few-changes")


def test_two_long_stretches_of_two_sizes_are_refused() -> None:
    one, other = metered(1, sizes=(2,), seconds=300), metered(2, sizes=(8,), seconds=300)
    shifted = replace(other.batches, begins_s=other.batches.begins_s + 300.0, ends_s=other.batches.ends_s + 300.0)
    joined = Batches(*(
        np.concatenate([getattr(one.batches, name), getattr(shifted, name)])
        for name in ("begins_s", "ends_s", "sizes", "holds_s")
    ))  # fmt: skip
    both = Metered(np.arange(601.0), np.concatenate([one.energy_j, other.energy_j]), joined)
    assert batch_energies([both]).refused == "too-few-changes"


def test_few_windows_and_no_batches_are_refused() -> None:
    assert batch_energies([metered(1, sizes=(4,), seconds=LEAST_WINDOWS - 10)]).refused == "too-few-windows"
    nothing = Metered(EDGES, np.ones(3), batches((0.5, 0.6, 1, 0.0)))
    empty = replace(nothing, batches=Batches(*(np.zeros(0) for _ in range(4))))
    assert batch_energies([empty]).refused == "no-batches"


@pytest.mark.parametrize(("rate", "sizes"), [(40.0, (4,)), (3.0, (4,)), (60.0, (2, 8))])
def test_parts_of_different_readings_add_up_within_u(rate: float, sizes: tuple[int, ...]) -> None:
    run = metered(5, sizes=sizes, rate=rate)
    parts = batch_energies([run]).parts
    assert parts is not None
    assert parts.difference.expanded is not None
    assert abs(parts.difference.value) < parts.difference.expanded
    assert abs(parts.difference.value) > 1e-9  # one fit of all windows would leave nothing
    whole = parts.attributed.value + parts.idle.value + parts.queue.value
    assert whole - parts.difference.value == pytest.approx(float(run.energy_j.sum()))


def test_parts_find_a_service_that_takes_more_beside_batches_than_without() -> None:
    """Windows with batches have 3 W that are neither the batches' nor those of windows without any."""
    run = metered(5, sizes=(4,), rate=3.0)
    busy = windows_of(run, np.array([4.0])).has_batch
    parts = batch_energies([replace(run, energy_j=run.energy_j + 3.0 * busy)]).parts
    assert parts is not None
    assert parts.difference.expanded is not None
    assert abs(parts.difference.value) > parts.difference.expanded


def test_runs_are_blocks_where_there_are_many() -> None:
    few = batch_energies([metered(seed, sizes=(4,), seconds=100) for seed in range(3)])
    many = batch_energies([metered(seed, sizes=(4,), seconds=60) for seed in range(20)])
    assert few.coefficients[0].estimate.dof == 3 * 20 - 1
    assert many.coefficients[0].estimate.dof == 20 - 1
