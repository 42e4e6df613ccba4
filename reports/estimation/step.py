"""STEP and its relative: what a training will have taken, of its first epochs.

Knows one training and how long it is to go on. Source: del Rey et al., Estimating Deep Learning Energy Consumption
Based on Model Architecture and Training Environment (Computer Standards & Interfaces 99, 104170), and their program;
for the last one carbontracker's (Anthony, Kanding, Selvan, 2020). With s the first epoch that counts and w how many of
them do,

    STEP-power   E = mean power of the epochs s ... s + w - 1, times the whole duration
    STEP-epoch   E = sum of the epochs before s, plus (N - s) times the mean of the epochs s ... s + w - 1
    mean epoch   E = N times the mean of the first w epochs (carbontracker's prediction: STEP-epoch without burn-in)

Neither sees what stands before the first epoch and behind the last one; as published, that is left out of STEP-epoch.

The interval of STEP-epoch takes the epochs behind the window for further draws of the window's spread sd,

    U = t(.975, w - 1) sd sqrt(m^2 / w + m) ,      m = N - s - w epochs still to come.

It holds no drift and no other N; how often it holds is counted beside every score.
"""

from dataclasses import dataclass

import numpy as np

from reports.estimation.training import Training
from reports.results.distributions import stdtrit

START, WINDOW = 10, 5
"""As published: more than 90 % of the runs were stable from their tenth epoch on."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How long a training is to go on: epochs, and time (s)."""

    epochs: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """Energy (J) and the half-width (J) of its 95 % interval; NaN where there is none."""

    energy_j: float
    half_width_j: float = float("nan")


def ahead(training: Training, epochs: float, start: int, window: int) -> Extent:
    """The length of a training that is to have so many epochs, of what was seen when the window was full: the time that
    had passed, and the window's mean epoch for each epoch to come. The training has these epochs."""
    seen = start + window
    counted_s = training.epoch_s[start:seen]
    passed_s = training.before_s + float(training.epoch_s[:seen].sum())
    return Extent(max(epochs, seen), passed_s + max(epochs - seen, 0.0) * float(counted_s.mean()))


def is_early_enough(training: Training, start: int, window: int) -> bool:
    """Whether the training has the epochs that such an estimate counts."""
    return start >= 0 and window >= 1 and start + window <= training.epochs


def step_power(training: Training, extent: Extent, start: int = START, window: int = WINDOW) -> Estimate:
    """STEP by power; the training has these epochs."""
    counted = slice(start, start + window)
    mean_w = float(training.epoch_j[counted].sum() / training.epoch_s[counted].sum())
    return Estimate(mean_w * extent.duration_s)


def step_epoch(training: Training, extent: Extent, start: int = START, window: int = WINDOW) -> Estimate:
    """STEP by energy of epochs; the training has these epochs."""
    counted = training.epoch_j[start : start + window]
    known_j = float(training.epoch_j[:start].sum())
    to_come = max(extent.epochs - start - window, 0.0)
    half_width_j = float("nan")
    if window > 1:
        spread_j = float(counted.std(ddof=1)) * np.sqrt(to_come**2 / window + to_come)
        half_width_j = stdtrit(window - 1, 0.975) * float(spread_j)
    return Estimate(known_j + (extent.epochs - start) * float(counted.mean()), half_width_j)


def mean_epoch(training: Training, extent: Extent, window: int = WINDOW) -> Estimate:
    """carbontracker's prediction; the training has these epochs."""
    return step_epoch(training, extent, 0, window)
