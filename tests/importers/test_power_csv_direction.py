"""Meters that were connected the wrong way round, and rows that share a stamp: what counts, and what is said."""

from pathlib import Path

import numpy as np
import pytest

from harness.foreign.importers.power_csv.columns import raw_of, sorted_once
from harness.foreign.importers.power_csv.mapping import FileForm, PowerColumn, TimeColumn
from harness.foreign.importers.power_csv.table import read_rows
from harness.foreign.importers.source import SourceFile
from harness.record.documents import NoteEvent
from harness.record.errors import ImportFileError
from harness.record.run_folder import RunFolder
from tests.importers.power_csvs import MAPPING, imported, mapping, power, rows, stamp, wall

SHARED = (
    "time,power,v,a\n"
    + f"{stamp(1)},100,230,0.5\n{stamp(1)},0,232,0\n"
    + f"{stamp(2)},50,NaN,0.25\n{stamp(2)},NaN,231,NaN\n{stamp(3)},NaN,NaN,NaN\n{stamp(3)},1,NaN,NaN\n"
)


def notes(run: RunFolder) -> dict[str, str]:
    return {event.code: event.text for event in run.events if isinstance(event, NoteEvent)}


def test_the_mean_of_rows_with_one_stamp_is_that_of_every_quantity() -> None:
    column = PowerColumn(column="power", unit="W", reads="instant", voltage="v", current="a", same_time="mean")
    table = read_rows(SourceFile(Path("log.csv"), b"", SHARED.encode()), FileForm())
    raw, [(code, text)] = sorted_once(
        raw_of(table, 0, column, TimeColumn(column="time", format="iso", zone="UTC"), ()), column, [table]
    )
    assert raw.volts is not None
    assert raw.amperes is not None
    assert raw.values.tolist() == [50, 50, 1]
    np.testing.assert_equal(raw.volts, [231, 231, np.nan])
    np.testing.assert_equal(raw.amperes, [0.25, 0.25, np.nan])
    assert code == "doubled-rows"
    assert "the mean of each quantity counts" in text


def test_energies_with_one_stamp_are_not_averaged(tmp_path: Path) -> None:
    told = mapping(power("Wh", "counter", same_time="mean"))
    with pytest.raises(ImportFileError, match="same_time: energies are not averaged; expected first or last"):
        imported(tmp_path, rows(1, 2), told)
    doubled = "time,power\n" + "".join(f"{stamp(n)},{w}\n" for n, w in ((1, 1), (2, 2), (2, 6), (3, 7)))
    with pytest.raises(ImportFileError, match=r'say which counts: same_time = "first" or "last"$'):
        imported(tmp_path, doubled, mapping(power("Wh", "counter")))


@pytest.mark.parametrize(
    ("unit", "reads", "written", "expected"),
    [
        ("W", "instant", (-60, -61, 0), [60, 61, 0]),
        ("kW", "mean", (-0.06, -0.061, -0.06), [61, 60]),
        ("J", "counter", (-10, -70, -131), [60, 61]),
        ("J", "per-row", (-60, -60, -61), [60, 61]),
    ],
)
def test_a_meter_that_was_connected_the_wrong_way_round_is_turned_by_the_mapping(
    tmp_path: Path, unit: str, reads: str, written: tuple[float, ...], expected: list[float]
) -> None:
    [run] = imported(tmp_path, rows(*written), mapping(power(unit, reads, reversed=True)))
    assert wall(run).power_w.tolist() == expected
    assert not np.signbit(wall(run).power_w).any()
    assert "taken times -1" in notes(run)["reversed"]
    assert wall(run).descriptor.identity["driver"] == f"column power ({unit}, {reads}, reversed)"


def test_powers_below_zero_are_said_with_the_way_to_turn_them(tmp_path: Path) -> None:
    [run] = imported(tmp_path / "1", rows(-60, -61, 1))
    assert "2 of 3 powers are below 0" in notes(run)["negative-power"]
    assert "reversed = true" in notes(run)["negative-power"]
    [run] = imported(tmp_path / "2", rows(60, -1, 61), MAPPING)
    assert "negative-power" not in notes(run)


def test_a_counter_that_goes_down_is_said_with_the_way_to_turn_it(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match=r"it goes down: where the meter .* reversed = true"):
        imported(tmp_path / "1", rows(3, 2, 1), mapping(power("J", "counter")))
    [run] = imported(tmp_path / "2", rows(9, 6, 7, 4, 1), mapping(power("J", "counter")))
    assert "reversed = true" in notes(run)["counter-resets"]
    [run] = imported(tmp_path / "3", rows(1, 2, 0, 4, 5), mapping(power("J", "counter")))
    assert "reversed = true" not in notes(run)["counter-resets"]
