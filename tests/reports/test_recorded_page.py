"""What was recorded beside the energies, and what surrounds the runs, in words: what is absent is said to be."""

from typing import Any

import pytest

from reports.pages import recorded
from reports.pages.blocks import Paragraph, Table
from reports.pages.planned import planned_blocks
from reports.results.document import Results
from tests.campaign_results import read
from tests.reports.example_results import estimate

FILE = {
    "scenario": "cnn",
    "file": "train.py",
    "of": "program",
    "kept": True,
    "sha256": "a" * 64,
    "bytes": 9,
    "n_runs": 3,
}
RUN = {"folder": "f-7", "ordinal": 7, "attempt": 1}


def records(**parts: Any) -> Results:  # noqa: ANN401
    return read({"records": parts, "runs": [RUN]})


def tables(blocks: object) -> dict[str, Table]:
    assert isinstance(blocks, list)
    return {block.name: block for block in blocks if isinstance(block, Table)}


def test_mains_and_room_stand_in_one_table_and_the_one_that_is_absent_is_named() -> None:
    volts = {"source": "wall", "quantity": "voltage_v", "unit": "V", "mean": estimate(230.0, "V"), "least": 229.1,
             "greatest": 231.0}  # fmt: skip
    table, note = recorded.conditions(records(supply=[volts]).records)
    assert isinstance(table, Table)
    assert table.rows[0].cells == ("Voltage", "wall", "V", "230 ± 20", "229.10", "231")
    assert note == Paragraph("Temperature of the room: not stated; no sensor recorded it.", "note")
    assert len(recorded.conditions(records().records)) == 2


def test_clocks_of_runs_without_an_exchange_are_left_out() -> None:
    known: dict[str, Any] = {"folder": "f-7", "time_base": "host-monotonic", "exchanges": 12, "bound_s": 0.00025,
                             "drift_ppm": -3.2, "steps": [{"side": "sut", "jump_s": 1.5}]}  # fmt: skip
    unknown = {"folder": "f-8", "time_base": "source-wall"}
    results = records(clocks=[known, unknown])
    table = recorded.clocks(results, results.records.clocks)
    assert isinstance(table, Table)
    assert [row.cells for row in table.rows] == [("run 7", "12", "0.00025", "−3.2", "side: sut, jump: 1.5 s")]
    none = records(clocks=[unknown])
    assert isinstance(recorded.clocks(none, none.records.clocks), Paragraph)


def test_phases_that_a_run_does_not_have_are_dashes() -> None:
    results = records(phases=[{"folder": "f-7", "rating_s": 60.0}, {"folder": "f-8", "settle_s": 5.5}])
    table = recorded.phases(results, results.records.phases)
    assert table is not None
    assert [row.cells for row in table.rows] == [("run 7", "60", "–"), ("f-8", "–", "5.500")]
    assert recorded.phases(results, [{"folder": "f-7"}]) is None


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        ({}, "yes"),
        ({"kept": False}, "no, its digest only"),
        ({"kept": False, "of": "on-sut", "why": "it is a folder", "sha256": None}, "it is a folder"),
    ],
)
def test_of_every_file_it_is_said_whether_the_run_keeps_it(changed: dict[str, Any], kept: str) -> None:
    table = recorded.files(records(inputs=[FILE | changed]).records.inputs)
    assert table is not None
    assert table.rows[0].cells[3] == kept


@pytest.mark.parametrize(
    ("runs", "known", "says"),
    [(3, 0, "Digests of the program: not recorded."), (3, 2, "In 1 of 3 runs the program was not recorded.")],
)
def test_runs_that_kept_no_program_are_counted(runs: int, known: int, says: str) -> None:
    paragraph = recorded.programs(records(programs={"n_runs": runs, "recorded": known}).records.programs)
    assert paragraph is not None
    assert says in paragraph.text
    assert recorded.programs(records().records.programs) is None


def test_an_environment_is_printed_as_far_as_it_is_known() -> None:
    full = {"scenario": "cnn", "n_runs": 3, "interpreter": "python3", "packages": ["numpy==2.4.0"], "problem": None,
            "editable": [{"name": "mine", "url": "file:///srv/mine"}]}  # fmt: skip
    (facts,) = recorded.environments([full])
    assert facts.caption == "Python that ran cnn"
    assert dict(facts.items)["Installed from a folder, its files not covered"] == "file:///srv/mine"
    assert "Not known because" not in dict(facts.items)


def test_sync_pulses_say_what_was_stated_and_what_was_found() -> None:
    seen = {"folder": "f-7", "meter": "wall", "edges": 12, "offset_s": estimate(0.37, "s"),
            "window_s": estimate(1.0, "s"), "stated_offset_s": 0.0, "stated_window_s": 1.0,
            "contradicted": True}  # fmt: skip
    dark = {"folder": "f-7", "meter": "wall", "edges": 12, "stated_window_s": 1.0, "reason": "no reading"}
    table = tables(planned_blocks(read({"clock": {"pulses": [seen, dark]}, "runs": [RUN]})))["sync-pulses"]
    assert [row.cells[5:] for row in table.rows] == [
        ("offset 0 s, window 1 s", "contradicts the stated offset"), ("unknown, window 1 s", "no reading"),
    ]  # fmt: skip
    assert planned_blocks(read({})) == []


def test_the_observer_effect_is_printed_of_the_conditions_that_were_measured() -> None:
    idle = {"difference_w": estimate(1.5, "W"), "with_w": estimate(42.5, "W"), "without_w": estimate(41.0, "W")}
    table = tables(planned_blocks(read({"observer": {"idle": idle}})))["observer"]
    assert [row.cells[0] for row in table.rows] == ["idle", "full load less idle"]
    assert table.rows[1].cells[3] == "–"
