"""Precision, recall and F1 from a confusion matrix."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from workloads.training.quality import confusion, quality

pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=200)


def split(made: list[tuple[int, int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    both = np.array(made, dtype=np.int64)
    return both[:, 0], both[:, 1]


@given(pairs)
def test_the_matrix_counts_every_picture_once(made: list[tuple[int, int]]) -> None:
    labels, predictions = split(made)
    matrix = confusion(labels, predictions, 5)
    assert matrix.sum() == len(made)
    result = quality(matrix, list("abcde"))
    assert result["correct"] == int((labels == predictions).sum())
    assert result["accuracy"] == result["correct"] / len(made)


@given(pairs)
def test_f1_lies_between_precision_and_recall_of_its_class(made: list[tuple[int, int]]) -> None:
    for each in quality(confusion(*split(made), 5), list("abcde"))["classes"].values():
        low, high = sorted((each["precision"], each["recall"]))
        assert (low - 1e-12 <= each["f1"] <= high + 1e-12) or each["f1"] == 0


def test_a_known_matrix_gives_its_hand_computed_values() -> None:
    result = quality(np.array([[8, 2], [4, 6]]), ["a", "b"])
    assert result["classes"]["a"] == pytest.approx({"precision": 8 / 12, "recall": 0.8, "f1": 16 / 22})
    assert result["classes"]["b"] == pytest.approx({"precision": 6 / 8, "recall": 0.6, "f1": 12 / 18})
    assert result["f1"] == pytest.approx((16 / 22 + 12 / 18) / 2)


def test_a_class_that_is_never_predicted_counts_as_zero() -> None:
    result = quality(np.array([[5, 0], [5, 0]]), ["a", "b"])
    assert result["classes"]["b"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0}
