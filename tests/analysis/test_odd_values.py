"""What a workload or a tracker writes costs itself: a report of the whole campaign comes out whatever it is."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.campaign.analyse import analyse
from reports.readings.bounded import DEEPEST, cleaned, is_stamp, loads, number
from reports.render import audit_html, report_html
from reports.results.codec import document_text
from reports.results.document import results_of
from tests.documents import write_results
from tests.reports import make_campaign
from tests.reports.make_campaign import EXAMPLE, Shape, SyntheticRun

HUGE = 10**400
NESTED = json.loads("[" * 40 + "]" * 40)
ODD: list[Any] = [
    HUGE,
    -HUGE,
    1e308,
    float("nan"),
    float("inf"),
    "\ud800",
    "x",
    True,
    None,
    {},
    [HUGE],
    {"a": {"b": HUGE}},
    NESTED,
]


SMALL = Shape(loads={"cnn": EXAMPLE.loads["cnn"]}, baseline_blocks=2, duration_s=20, gpu=False)


class OddRun(SyntheticRun):
    """A run whose workload writes everything that it should not."""

    def _artifacts(self) -> dict[str, dict[str, Any]]:
        if self.load is None:
            return {}
        keys = (
            "val_accuracy",
            "val_loss",
            "correct",
            "images_seen_train",
            "epochs",
            "reached",
            "data",
            "weights",
            "f1",
        )
        turn = int(self.plain["ordinal"])
        summary = {key: ODD[(turn + at) % len(ODD)] for at, key in enumerate(keys)} | {"\ud800": 1}
        history = {"val_loss": ODD, "val_accuracy": ODD[::-1], "loss": [HUGE], "accuracy": []}
        return {"summary.json": summary, "history.json": history}


def test_a_report_comes_out_whatever_workloads_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_campaign, "dump", json.dumps)  # as a workload writes: with all that JSON does not have
    folder = make_campaign.make_campaign(tmp_path, SMALL, OddRun)
    text = write_results(folder).read_text()
    results = json.loads(text)
    assert [run["final_metrics"] != {} for run in results["runs"] if run["kind"] == "scenario"]
    assert results["scenarios"]["cnn"]["energy_wh"]["value"] > 0
    assert "cnn" in report_html(folder, results_of(text))
    assert "cnn" in audit_html(folder, text)


def test_half_a_character_in_a_name_is_replaced_in_the_file(tmp_path: Path) -> None:
    folder = make_campaign.make_campaign(tmp_path, Shape(repetitions=1, baseline_blocks=2, duration_s=10))
    numbers = analyse(folder).numbers
    named = replace(numbers, sut=numbers.sut | {"hostname": "sut-\ud800"})
    assert json.loads(document_text(named).encode())["sut"]["hostname"] == "sut-\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("value", [HUGE, -HUGE, 1e200, float("nan"), float("inf"), True, None, "1", [1], {}])
def test_what_no_arithmetic_can_hold_is_no_number(value: Any) -> None:  # noqa: ANN401
    assert number(value) != number(value)


def test_numbers_and_stamps_of_measurements_are_some() -> None:
    assert (number(3), number(-2.5)) == (3.0, -2.5)
    assert is_stamp(1_795_861_828 * 10**9)
    assert not any(map(is_stamp, (10**30, 1.0, True, None)))


def test_an_integer_of_thousands_of_digits_costs_itself() -> None:
    assert loads('{"a": ' + "9" * 5000 + ', "b": 2}') == {"a": None, "b": 2}


def test_tables_in_tables_end_somewhere() -> None:
    deep: Any = 1
    for _ in range(DEEPEST + 5):
        deep = [deep]
    flat = cleaned(deep)
    for _ in range(DEEPEST):
        (flat,) = flat
    assert flat is None


def test_a_name_that_stands_twice_in_an_artifact_is_no_number() -> None:
    assert loads('{"epochs": 3, "loss": {"a": 1}}') == {"epochs": 3, "loss": {"a": 1}}
    for text in ('{"epochs": 3, "epochs": 4}', '{"a": [{"b": 1, "b": 1}]}'):
        with pytest.raises(ValueError, match="twice"):
            loads(text)
