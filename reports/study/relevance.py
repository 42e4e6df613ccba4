"""A difference that a question calls relevant: are two levels equivalent within it, and could these runs have shown it?

Knows the values of a question's levels and the stated difference. Knows no study file, no table and no words.
"""

import math
from collections.abc import Callable, Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import Json
from reports.inference import statistics
from reports.results.codec import encoded
from reports.results.uncertainty import Estimate, Number
from reports.study.file import Relevant

POWER = 0.8
Values = NDArray[np.float64]


def judge(stated: Relevant, groups: Mapping[str, Values], unit: str, label: Callable[[str], str]) -> Json:
    """`relevant` of a question in study.json (docs/studies.md); the reference of a share is the first level that has
    values."""
    found: Json = {
        "stated": stated.text, "reference": None, "reference_label": None, "power": POWER, "margin": None, "pairs": [],
        "refused": "one-level",
    }  # fmt: skip
    if len(groups) < 2:
        return found
    margin = stated.amount
    if stated.is_share:
        reference = next(iter(groups))
        margin *= float(groups[reference].mean())
        found |= {"reference": reference, "reference_label": label(reference)}
    if not 0 < margin < math.inf:
        return found | {"refused": "not-positive"}
    return found | {
        "margin": Number(Estimate(margin, None, None), unit).to_json(),
        "refused": None,
        "pairs": [
            {"first": first, "second": second, "first_label": label(first), "second_label": label(second)}
            | _pair(groups[first], groups[second], margin)
            for first, second in combinations(groups, 2)
        ],
    }


def _pair(a: Values, b: Values, margin: float) -> Json:
    """Equivalence of two levels, and what a t test of two such levels needs or finds; unknown where it is refused."""
    test = statistics.equivalence(a, b, margin)
    found: Json = {"n": [int(a.size), int(b.size)], **encoded(test)}
    if test.refused is not None:
        return found | {"power_now": None, "required_n": None, "detectable": None}
    n, sd = statistics.as_equal_groups(a, b)
    of_both = math.sqrt((float(a.var(ddof=1)) + float(b.var(ddof=1))) / 2)
    return found | {
        "power_now": statistics.power(n, margin, sd),
        "required_n": statistics.required_n(margin, of_both, POWER),
        "detectable": statistics.detectable_difference(n, sd, POWER),
    }
