"""A difference that a question calls relevant: its margin, the verdict of equivalence, what the runs can show."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestIndPower

from harness.record.documents import Json
from tests.analysis.studies import HEAD, document_of, question

VALUES = {"a": [10.0, 11.0, 12.0, 13.0], "b": [11.0, 12.0, 11.5, 12.5], "c": [5.0, 6.0, 7.0, 9.0]}
TABLE = "net,energy,load\n" + "".join(f"{net},{value},1\n" for net, values in VALUES.items() for value in values)


def relevant(folder: Path, stated: str, table: str = TABLE) -> Json:
    study = document_of(folder, HEAD + question() + f'relevant = "{stated}"\n', table)
    found: Json = study["questions"][0]["relevant"]
    return found


AMOUNTS = [("50 %", 5.75), (".5%", 0.0575), ("2 J", 2.0), ("2e-3 kJ", 2.0), ("4", 4.0)]


@pytest.mark.parametrize(("stated", "margin"), AMOUNTS)
def test_a_relevant_difference_is_a_share_of_the_first_levels_mean_or_an_amount(
    tmp_path: Path, stated: str, margin: float
) -> None:
    found = relevant(tmp_path, stated)
    assert found["margin"]["value"] == pytest.approx(margin)
    assert (found["reference"], found["reference_label"]) == (("a", "Net A") if "%" in stated else (None, None))
    assert found["margin"]["unit"] == "J"
    for pair in found["pairs"]:
        groups = [VALUES[pair[end]] for end in ("first", "second")]
        low, high = stats.ttest_ind(*groups, equal_var=False).confidence_interval(0.9)
        assert (pair["low"], pair["high"]) == pytest.approx((low, high), rel=1e-9)
        assert pair["equivalent"] == (-margin < low and high < margin)


def test_a_relevant_difference_shows_what_the_runs_can_and_how_many_it_takes(tmp_path: Path) -> None:
    pair = relevant(tmp_path, "2 J")["pairs"][0]
    d = 2 / math.sqrt((np.var(VALUES["a"], ddof=1) + np.var(VALUES["b"], ddof=1)) / 2)
    solver = TTestIndPower()
    assert pair["power_now"] == pytest.approx(solver.power(d, 4, 0.05), rel=1e-9)
    assert pair["required_n"] == math.ceil(solver.solve_power(d, None, 0.05, 0.8))
    assert pair["detectable"] == pytest.approx(2 / d * solver.solve_power(None, 4, 0.05, 0.8), rel=1e-6)


def test_a_difference_that_cannot_be_judged_is_refused_with_its_reason(tmp_path: Path) -> None:
    assert relevant(tmp_path, "5 %", "net,energy,load\na,1,1\na,2,1\n")["refused"] == "one-level"
    negative = relevant(tmp_path, "5 %", TABLE.replace("a,1", "a,-1"))
    assert (negative["refused"], negative["margin"], negative["pairs"]) == ("not-positive", None, [])
    few = relevant(tmp_path, "5 %", "net,energy,load\na,1,1\nb,2,1\nb,3,1\n")
    assert (few["pairs"][0]["refused"], few["pairs"][0]["required_n"]) == ("too-few", None)
