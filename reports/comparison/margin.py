"""The margin of equivalence as a user writes it. Knows a text and `Margin`, no quantity."""

import math

from harness.record.errors import AnalysisError
from reports.results.comparison import Margin


def parse_margin(text: str) -> Margin:
    """`5%` of the reference, or `.1Wh`.

    Raises:
        AnalysisError: with what was found.
    """
    plain = text.isascii() and "_" not in text  # float() takes 1_0 and digits of every script
    for suffix, scale in (("%", 0.01), ("mWh", 1e-3), ("kWh", 1e3), ("Wh", 1.0)):
        if plain and text.endswith(suffix):
            try:
                value = float(text.removesuffix(suffix)) * scale
            except ValueError:
                break
            if math.isfinite(value) and value > 0 and (suffix != "%" or value < 1):
                return Margin(value, "1" if suffix == "%" else "Wh")
    raise AnalysisError(
        f"--margin {text}: expected a share of the reference above 0 and below 100 %, such as 5%, or an energy such as "
        "0.1Wh: how large a difference would still count as none"
    )
