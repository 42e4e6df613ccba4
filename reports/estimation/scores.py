"""How far estimates lie from what was measured.

RMSE = sqrt(mean (e - y)^2), MAE = mean |e - y|, MAPE = mean |e - y| / y, R^2 = 1 - sum (e - y)^2 / sum (y - mean y)^2,
e: estimated, y: measured.
"""

import math

import numpy as np
from numpy.typing import NDArray

from reports.results.estimation import Score


def score(estimated_j: NDArray[np.float64], half_width_j: NDArray[np.float64], true_j: NDArray[np.float64]) -> Score:
    """Of n trainings, shapes (n,), n at least 1; where no energy of any training differs, R^2 is none."""
    error_j = estimated_j - true_j
    squares = float((error_j**2).sum())
    spread = float(((true_j - true_j.mean()) ** 2).sum())
    bounded = np.isfinite(half_width_j)
    within = int((np.abs(error_j[bounded]) <= half_width_j[bounded]).sum())
    return Score(
        n=error_j.size,
        rmse_j=math.sqrt(squares / error_j.size),
        mae_j=float(np.abs(error_j).mean()),
        mape_percent=float(100 * np.abs(error_j / true_j).mean()),
        bias_j=float(error_j.mean()),
        r2=1 - squares / spread if spread > 0 else None,
        intervals=int(bounded.sum()),
        intervals_held=within,
    )
