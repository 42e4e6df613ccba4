"""The words of estimates: estimators, proxies, whose energy, what was known.

Knows the codes of estimation.json. Knows no number of any document.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

from reports.pages.document import STAMPS
from reports.pages.numbers import Scale
from reports.results.estimation import Assessment, Estimator, Proxy

KJ = Scale("kJ", 1e-3)
NAMES: Mapping[Estimator, str] = {
    "step-power": "STEP, power", "step-epoch": "STEP, energy of epochs",
    "step-power-settled": "STEP, power, once settled", "step-epoch-settled": "STEP, epochs, once settled",
    "mean-epoch": "mean epoch (carbontracker)", "green-algorithms": "Green Algorithms", "mlco2": "MLCO2",
}  # fmt: skip
PROXIES: Mapping[Proxy, str] = {
    "flops": "FLOPs", "tdp": "TDP", "gpu-use": "GPU use", "time": "time", "tdp-time": "TDP × time",
    "use-time": "GPU use × time", "tdp-use-time": "TDP × GPU use × time",
}  # fmt: skip
SOURCES: Mapping[Literal["meter", "gpu"], str] = {
    "meter": "the energy of the power meters", "gpu": "the energy of the GPUs by NVML",
}  # fmt: skip


LENGTHS = (
    "Length: whether the estimator was told how long the training was, which nobody knows before its end where it may "
    "stop early. Held: 95 % intervals in which the measured energy lies."
)
WITHOUT_NOTE = (
    "The energy taken as a multiple of one amount, the length known. Without: what the factor was fitted without. "
    "Without the training alone, its repetitions have told the answer."
)


def origin_of(found: Assessment) -> str:
    """The origin by which a page is marked: the one that proves least."""
    return next((origin for origin in STAMPS if origin in found.origins), next(iter(found.origins), "none"))


def unscored(found: Assessment) -> Iterator[str]:
    """Why an estimator has no score, and what would give it one."""
    none = {scored.estimator for scored in found.scores if scored.extent == "known" and scored.score is None}
    longest = max(training.epochs for training in found.trainings)
    if "step-epoch" in none:
        yield (
            f"STEP counts up to epoch {found.start + found.window}, and no training has more than {longest}: "
            "choose other epochs with --start and --window."
        )
    if "mean-epoch" in none:
        yield f"The window of {found.window} epochs is longer than every training: choose a shorter one with --window."
    if "mlco2" in none:
        yield "Green Algorithms and MLCO2 need the TDP of the GPUs: give a table with the column `tdp_w` (--facts)."
    elif "green-algorithms" in none:
        yield "Green Algorithms needs the use of a GPU, which no run recorded."
    if len(found.trainings) == 1:
        yield "One training alone has none beside it from which its length could be predicted."


def settles(found: Assessment) -> str:
    """By when the power of most trainings has settled; empty where none does."""
    if found.settled is None:
        return ""
    n = sum(training.settling is not None for training in found.trainings)
    trainings = "training" if n == 1 else "trainings"
    return f"By epoch {found.settled} the power of nine tenths of {n} {trainings} has settled (FLUSS)."
