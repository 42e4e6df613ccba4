"""Rows of several devices in one table, told apart by a column: never the mean of them as one meter."""

from pathlib import Path

import pytest

from harness.foreign.importers.power_csv.importer import import_power_csv
from harness.foreign.importers.power_csv.mapping import NAME
from harness.record.campaign_folder import CampaignFolder
from harness.record.errors import ImportFileError
from tests.importers.power_csvs import EVENTS, imported, mapping, power, rows, stamp, wall, write

INSTANT = mapping(power(reads="instant"))
MESSAGE = r"log.csv:2: column {name!r} names {count} devices \(.*write a \[\[power\]\] for each, with where = "


def in_turn(name: str, devices: list[str], *, step_s: float = 0.25, rounds: int = 8) -> str:
    """Devices that are asked one after the other, at even steps."""
    lines = [f"time,{name},power"]
    for n in range(rounds * len(devices)):
        device = devices[n % len(devices)]
        lines.append(f"{stamp(1 + n * step_s)},{device},{100 * (1 + n % len(devices)) + n % 3}")
    return "\n".join(lines) + "\n"


def in_blocks(name: str, devices: list[str], rounds: int = 8) -> str:
    """The rows of one device behind those of another, of the same time: the form of results of dcgmi that a script
    collected by device."""
    rows = [(device, n, 100 * at + n) for at, device in enumerate(devices, 1) for n in range(rounds)]
    return f"{name},time,power\n" + "".join(f"{device},{stamp(n + 1.01)},{w}\n" for device, n, w in rows)


@pytest.mark.parametrize("same_time", ["refuse", "mean"])
def test_packages_with_one_stamp_are_refused_however_their_numbers_are_written(tmp_path: Path, same_time: str) -> None:
    told = mapping(power(reads="instant", same_time=same_time))
    text = "time,package,power\n" + "".join(f"{stamp(n)},{at}.0,{50 * at + n}\n" for n in range(1, 9) for at in (0, 1))
    with pytest.raises(ImportFileError, match=MESSAGE.format(name="package", count=2)):
        imported(tmp_path, text, told)


def test_a_column_of_whole_watts_of_a_package_names_no_devices(tmp_path: Path) -> None:
    watts = [31, 32, 31, 33, 32, 31, 33, 32]
    text = "time,package,power\n" + "".join(f"{stamp(n)},{w}.0,{w + 20}\n" for n, w in enumerate(watts, 1))
    [run] = imported(tmp_path, text, INSTANT)
    assert wall(run).power_w.tolist() == [w + 20 for w in watts]


@pytest.mark.parametrize("name", ["GPUId", "gpu_id", "gpuid", "gpu", "device", "index", "id", "node", "host", "Outlet"])
def test_devices_in_turn_are_refused_with_the_key_that_tells_them_apart(tmp_path: Path, name: str) -> None:
    devices = ["n1", "n2", "n3"] if name in ("node", "host") else ["0", "1", "2"]
    for made in (in_turn, in_blocks):
        with pytest.raises(ImportFileError, match=MESSAGE.format(name=name, count=3)):
            imported(tmp_path / made.__name__, made(name, devices), INSTANT)


def test_each_device_is_a_meter_by_where(tmp_path: Path) -> None:
    column = power(reads="instant").replace('"wall"', '"{0}"') + 'circuit = "{0}"\nwhere = {{ channel = "{1}" }}\n'
    told = mapping(column.format("a", "1") + column.format("b", "2"))
    [run] = imported(tmp_path, in_turn("channel", ["1", "2"]), told)
    assert wall(run, "a").power_w.mean() + wall(run, "b").power_w.mean() == pytest.approx(302, abs=1)


def test_where_with_a_star_reads_all_rows_as_one_meter(tmp_path: Path) -> None:
    told = mapping(power(reads="instant") + 'where = { index = "*" }\n')
    [run] = imported(tmp_path, in_turn("index", ["0", "1"]), told)
    assert wall(run).power_w.size == 16


def test_another_choice_by_where_leaves_the_devices(tmp_path: Path) -> None:
    text = in_turn("gpu_id", ["0", "1"]).replace("\n2026", "\npower,2026").replace("time,", "field,time,", 1)
    with pytest.raises(ImportFileError, match=MESSAGE.format(name="gpu_id", count=2)):
        imported(tmp_path, text, mapping(power(reads="instant") + 'where = { field = "power" }\n'))


def test_rows_with_shared_stamps_are_told_apart_by_whatever_column_does_it(tmp_path: Path) -> None:
    text = in_blocks("phase", ["L1", "L2", "L3"])
    with pytest.raises(ImportFileError, match=MESSAGE.format(name="phase", count=3)):
        imported(tmp_path, text, INSTANT)


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("host", ["a"] * 10 + ["b"] * 10),
        ("gpu", ["0", "97", "98", "97"] * 5),
        ("gpu", ["0"] * 15 + ["1", "0", "1", "0", "2"]),
        ("pstate", ["P0", "P8"] * 10),
        ("frame_idx", ["0", "1"] * 10),
        ("gpu_temp", ["40", "41"] * 10),
        ("sensor", ["1.5", "2.5"] * 10),
        ("id", [str(n) for n in range(20)]),
    ],
)
def test_columns_that_name_no_devices_refuse_nothing(tmp_path: Path, name: str, texts: list[str]) -> None:
    lines = [f"{stamp(n)},{text},{60 + n}" for n, text in enumerate(texts, 1)]
    [run] = imported(tmp_path, "\n".join([f"time,{name},power", *lines]) + "\n", INSTANT)
    assert wall(run).power_w.size == 20


SPAN = f"begin,end,scenario\n{stamp(5)},{stamp(50)},a\n"


def test_files_of_two_meters_are_not_one_record(tmp_path: Path) -> None:
    path = write(tmp_path, rows(*range(100, 160)), INSTANT + EVENTS, SPAN)
    (tmp_path / "other.csv").write_text(rows(*range(10, 70)).replace(",", ".5,").replace("time.5,", "time,"))
    with pytest.raises(ImportFileError, match=r"other.csv: its rows lie between those of .*log.csv, as where"):
        import_power_csv([path, tmp_path / "other.csv"], tmp_path / "c", tmp_path / NAME)


def test_files_that_follow_each_other_and_share_rows_are_one_record(tmp_path: Path) -> None:
    lines = rows(*range(100, 160)).splitlines(keepends=True)
    path = write(tmp_path, "".join(lines[:40]), INSTANT + EVENTS, SPAN)
    (tmp_path / "other.csv").write_text("".join([lines[0], *lines[30:]]))
    import_power_csv([path, tmp_path / "other.csv"], tmp_path / "c", tmp_path / NAME)
    [run] = CampaignFolder(tmp_path / "c").runs()
    assert wall(run).power_w.tolist() == list(range(100, 154))


def test_a_column_that_counts_the_rows_of_a_stamp_names_no_devices(tmp_path: Path) -> None:
    text = "time,second,power\n" + "".join(f"{stamp(1 + n // 5)},{n % 5},{60 + n}\n" for n in range(20))
    with pytest.raises(ImportFileError, match=r'with the same stamp .* say which counts: same_time = "first"'):
        imported(tmp_path, text, INSTANT)
