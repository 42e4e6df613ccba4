"""Quality of a classifier from its confusion matrix. Knows numbers only; no files, no networks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def confusion(labels: NDArray[np.int64], predictions: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Counts of shape (classes, classes): row the true class, column the predicted one."""
    matrix = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(matrix, (labels, predictions), 1)
    return matrix


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def quality(matrix: NDArray[np.int64], names: list[str]) -> dict[str, Any]:
    """Accuracy, correct classifications, and precision, recall, F1: per class and as their unweighted mean.

    A ratio whose denominator is zero (a class never predicted) counts as 0, as in scikit-learn's default.
    """
    hits = np.diag(matrix).astype(np.float64)
    precision = _ratio(hits, matrix.sum(axis=0).astype(np.float64))
    recall = _ratio(hits, matrix.sum(axis=1).astype(np.float64))
    f1 = _ratio(2 * precision * recall, precision + recall)
    each = {
        name: {"precision": float(precision[i]), "recall": float(recall[i]), "f1": float(f1[i])}
        for i, name in enumerate(names)
    }
    return {
        "accuracy": float(hits.sum() / matrix.sum()),
        "correct": int(hits.sum()),
        "classified": int(matrix.sum()),
        "precision": float(precision.mean()),
        "recall": float(recall.mean()),
        "f1": float(f1.mean()),
        "classes": each,
        "confusion": matrix.tolist(),
    }
