"""The four forms of an expectation in [verification], each on both sides; what a workload may have written."""

from typing import Any

import pytest

from reports.findings import oracle

SUMMARY = {
    "restored": True, "loss_finite": True, "val_accuracy": 0.8, "epochs": 3, "images_seen_train": 300,
    "dataset": {"used_digest": "abc", "images_train": 100},
}  # fmt: skip


def wrong(expected: dict[str, Any], summary: dict[str, Any] | None = None, others: int = 2) -> list[str]:
    own = SUMMARY if summary is None else summary
    found = oracle.of_summary("run", expected, own, [SUMMARY] * others + [own])
    assert all((f.code, f.severity, f.subject) == ("computational-incorrect", "invalid", "run") for f in found)
    return [path for finding in found for path in finding.evidence]


def test_a_run_that_did_its_work_has_no_finding() -> None:
    expected = {
        "restored": True,
        "val_accuracy": {"min": 0.0, "max": 1.0},
        "dataset.used_digest": {"same": True},
        "images_seen_train": {"product": ["dataset.images_train", "epochs"]},
    }
    assert wrong(expected) == []


@pytest.mark.parametrize(
    ("expected", "change"),
    [
        ({"restored": True}, {"restored": False}),
        ({"restored": True}, {"restored": 1}),
        ({"epochs": 3}, {"epochs": 4}),
        ({"val_accuracy": {"min": 0.7}}, {"val_accuracy": 0.69}),
        ({"val_accuracy": {"max": 0.9}}, {"val_accuracy": 0.91}),
        ({"val_accuracy": {"min": 0.0, "max": 1.0}}, {"val_accuracy": None}),
        ({"val_accuracy": {"min": 0.0, "max": 1.0}}, {"val_accuracy": float("nan")}),
        ({"val_accuracy": {"min": 0.0}}, {"val_accuracy": True}),
        ({"dataset.used_digest": {"same": True}}, {"dataset": {"used_digest": "other"}}),
        ({"dataset.used_digest": {"same": True}}, {"dataset": "none"}),
        ({"images_seen_train": {"product": ["dataset.images_train", "epochs"]}}, {"epochs": 2}),
        ({"images_seen_train": {"product": ["dataset.images_train", "epochs"]}}, {"epochs": "3"}),
        ({"loss_finite": True}, {"loss_finite": None}),
    ],
)
def test_work_that_was_not_done_is_said_with_what_was_found(expected: dict[str, Any], change: dict[str, Any]) -> None:
    assert wrong(expected) == []
    assert wrong(expected, SUMMARY | change) == list(expected)


def test_a_missing_summary_is_no_work_done_where_something_was_expected() -> None:
    assert wrong({"restored": True}, {}) == ["summary.json"]
    assert wrong({}, {}) == []


def test_the_one_that_differs_is_wrong_and_not_the_many() -> None:
    odd = SUMMARY | {"dataset": {"used_digest": "odd"}}
    expected = {"dataset.used_digest": {"same": True}}
    assert oracle.of_summary("run", expected, SUMMARY, [odd, SUMMARY, SUMMARY]) == []
    assert oracle.of_summary("run", expected, odd, [odd, SUMMARY, SUMMARY]) != []
