"""Clocks that were set apart: by how many hours, and that an import of a program's log says so."""

from pathlib import Path

import pytest

from harness.foreign.importers.apart import hours_off, seems_off
from harness.foreign.importers.power_csv.importer import import_power_csv
from harness.record.errors import ImportFileError

HOUR_NS = 3600 * 10**9
MAPPING = """schema = 1
[time]
column = "timestamp"
format = "iso"
zone = "+02:00"
[[power]]
column = "watt"
unit = "W"
reads = "mean"
window_s = 1.0
meter = "wall"
[[software]]
format = "scaphandre"
file = "host.csv"
zone = "{zone}"
"""


@pytest.mark.parametrize("hours", [-14.0, -5.5, 0.25, 1.0, 5.0])
def test_the_hours_are_those_that_lay_a_record_over_the_nearest_span(hours: float) -> None:
    spans = [(0, HOUR_NS // 10), (3 * HOUR_NS, 4 * HOUR_NS)]
    begin_ns = round(hours * HOUR_NS) + 40 * 10**9
    assert hours_off(begin_ns, begin_ns + HOUR_NS // 10, spans[:1]) == hours
    assert seems_off(begin_ns, begin_ns + HOUR_NS // 10, spans[:1]) == f": its clock seems to be off by {hours:+g} h"


def test_a_record_of_another_day_is_off_by_no_zone() -> None:
    assert hours_off(40 * HOUR_NS, 41 * HOUR_NS, [(0, HOUR_NS)]) is None
    assert seems_off(0, 1, []) == ""


def test_a_program_that_overlaps_no_run_is_refused_with_the_hours(tmp_path: Path) -> None:
    stamps = [f"2022-04-01 23:25:{second:02d}" for second in range(10, 50)]
    (tmp_path / "wall.csv").write_text("timestamp,watt\n" + "".join(f"{stamp},100.0\n" for stamp in stamps))
    (tmp_path / "host.csv").write_text("timestamp,value\n" + "".join(f"{stamp}.5,50.0\n" for stamp in stamps))
    mapping = tmp_path / "power-csv.toml"
    mapping.write_text(MAPPING.format(zone="+02:00"))
    import_power_csv([tmp_path / "wall.csv"], tmp_path / "c", mapping)
    mapping.write_text(MAPPING.format(zone="-03:00"))
    with pytest.raises(ImportFileError, match=r"host\.csv: what scaphandre says .*overlaps no run.*off by \+5 h"):
        import_power_csv([tmp_path / "wall.csv"], tmp_path / "d", mapping)
