"""Names of trackers and parts, and codes of refusals, in words.

Knows the codes of `reports/results/trackers.py`. Does not know a number.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from reports.results.agreement import NoAgreement
from reports.results.trackers import Exclusion, NoAccountReason, NoCost

NAMES = {
    "codecarbon": "CodeCarbon",
    "carbontracker": "carbontracker",
    "eit": "experiment-impact-tracker",
    "nvml-rapl": "NVML and RAPL directly",
}
IMPORTED = "-imported"
PARTS = {"cpu": "CPU", "gpu": "GPU", "ram": "RAM", "unassigned": "not assigned to a part"}
Refusal: TypeAlias = NoAgreement | NoCost | Exclusion | NoAccountReason
REFUSED: Mapping[Refusal, str] = {
    "too-few-runs": "fewer than two runs",
    "not-positive": "a figure of 0 has no logarithm",
    "too-few-scenarios": "fewer than five scenarios",
    "no-partner": "there is no scenario of the same folder and parameters without trackers",
    "epochs-not-fixed": "runs could end at a target; give both scenarios a fixed amount of work (`fixed_epochs`)",
    "no-pairs": "no repetition succeeded in both",
    "seeds-differ": "the repetitions had different seeds",
    "no-baseline": "there is no baseline, so there is no induced energy",
    "run-excluded": "the run enters no mean",
    "no-number": "it gave no energy",
    "negative": "its energy is below 0",
    "unplaced": "its interval cannot be put on the run's clock",
    "outside-record": "its interval reaches beyond the meter's readings",
    "too-short": "its interval, or a stretch of it, is shorter than the meter resolves",
    "no-energy": "the meter shows no energy in its interval",
    "no-artefact": "it left no file",
    "unreadable": "its file cannot be read",
}
"""Code of a refusal -> why, in words."""


def name_of(key: str) -> str:
    """A tracker's name in words."""
    plain = key.removesuffix(IMPORTED)
    return NAMES.get(plain, plain) + (" (imported file)" if key.endswith(IMPORTED) else "")


def names_of(keys: Sequence[str]) -> str:
    """The names of trackers that ran together."""
    return " + ".join(map(name_of, keys))


def part_of(key: str) -> str:
    """A part of a machine in words."""
    return PARTS.get(key, key)


def enumerated(texts: Sequence[str]) -> str:
    """'a, b and c'."""
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
