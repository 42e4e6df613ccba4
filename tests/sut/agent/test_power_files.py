"""harness.sut.agent.power_files: RAPL's counters and hwmon's sensors in a tree like the kernel's; made by hand, no CPU
was asked."""

import os
from pathlib import Path

import pytest

from harness.sut.agent.power_files import PowerFiles
from tests.sut.local_agent import LocalAgent

RANGE_UJ = 262_143_328_850


def zone(root: Path, folder: str, name: str, energy_uj: int) -> Path:
    """A zone of the powercap tree, whose class folder is flat; its counter."""
    path = root / "sys/class/powercap" / folder
    path.mkdir(parents=True)
    (path / "name").write_text(f"{name}\n")
    (path / "max_energy_range_uj").write_text(f"{RANGE_UJ}\n")
    (path / "energy_uj").write_text(f"{energy_uj}\n")
    return path / "energy_uj"


def chip(root: Path, number: int, name: str, **files: str) -> Path:
    """A chip of hwmon."""
    path = root / "sys/class/hwmon" / f"hwmon{number}"
    path.mkdir(parents=True)
    for file, text in {"name": name, **files}.items():
        (path / file).write_text(f"{text}\n")
    return path


def test_packages_memory_and_platform_are_counters_in_joules_with_where_they_begin_anew(tmp_path: Path) -> None:
    package = zone(tmp_path, "intel-rapl:0", "package-0", 1_500_000)
    zone(tmp_path, "intel-rapl:0:0", "core", 1)
    zone(tmp_path, "intel-rapl:0:1", "dram", 250_000)
    zone(tmp_path, "intel-rapl:1", "psys", 9_000_001)
    zone(tmp_path, "intel-rapl-mmio:0", "package-0", 7)
    files = PowerFiles(str(tmp_path))
    assert [(one["name"], one["unit"], one["kind"], one["range_j"]) for one in files.columns] == [
        ("rapl_package_0_energy_j", "J", "counter", 262143.32885),
        ("rapl_package_0_dram_energy_j", "J", "counter", 262143.32885),
        ("rapl_psys_energy_j", "J", "counter", 262143.32885),
    ]
    assert files.columns[1]["method"] == "/sys/class/powercap/intel-rapl:0:1/energy_uj"
    assert files.sample() == [1.5, 0.25, 9.000001]
    package.write_text("2500000\n")
    assert files.sample() == [2.5, 0.25, 9.000001]
    assert files.problems == []


def test_sensors_of_power_and_energy_are_named_by_their_chip_and_not_by_its_number(tmp_path: Path) -> None:
    chip(
        tmp_path,
        3,
        "amdgpu",
        power1_average="41000000",
        power1_label="PPT",
        power1_cap="200000000",
        temp1_input="40000",
    )
    chip(tmp_path, 4, "amdgpu", power1_input="12000000", energy1_input="5000000")
    files = PowerFiles(str(tmp_path))
    assert [(one["name"], one["unit"], one["kind"]) for one in files.columns] == [
        ("hwmon_amdgpu_0_power1_average_w", "W", "gauge"),
        ("hwmon_amdgpu_1_energy1_input_j", "J", "counter"),
        ("hwmon_amdgpu_1_power1_input_w", "W", "gauge"),
    ]
    assert files.columns[0]["quantity"] == "SUT power that amdgpu says of PPT, average"
    assert "range_j" not in files.columns[1]
    assert files.sample() == [41.0, 5.0, 12.0]


def test_counters_that_only_root_may_read_are_told_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zones = zone(tmp_path, "intel-rapl:0", "package-0", 5), zone(tmp_path, "intel-rapl:0:0", "dram", 5)
    refused = set(map(str, zones))
    access = os.access
    # Root reads what it may not; so the system is asked in its place.
    monkeypatch.setattr(os, "access", lambda path, mode: path not in refused and access(path, mode))
    files = PowerFiles(str(tmp_path))
    assert files.columns == []
    (problem,) = files.problems
    assert problem.startswith("RAPL: only root may read its counters")
    assert problem.endswith("sudo chmod o+r /sys/class/powercap/intel-rapl:*/energy_uj")


def test_what_says_no_number_has_no_column_and_what_falls_silent_an_empty_cell(tmp_path: Path) -> None:
    chip(tmp_path, 0, "acpi", power1_average="on request")
    sensor = chip(tmp_path, 1, "ina226", power1_input="1000000") / "power1_input"
    files = PowerFiles(str(tmp_path))
    assert [one["name"] for one in files.columns] == ["hwmon_ina226_0_power1_input_w"]
    assert files.problems == ["hwmon acpi power1_average says no number, so it is not recorded"]
    sensor.write_text("")
    assert files.sample() == [None]
    sensor.write_text("3000000")
    assert files.sample() == [3.0]


def test_a_machine_without_any_has_no_column_and_no_word_about_it(tmp_path: Path) -> None:
    files = PowerFiles(str(tmp_path))
    assert (files.columns, files.problems, files.sample()) == ([], [], [])


def test_the_agent_records_what_this_machine_has(agent: LocalAgent) -> None:
    columns = [column["name"] for column in agent.of("descriptor")[0]["columns"]]
    assert [name for name in columns if name.startswith(("rapl_", "hwmon_"))] == [
        one["name"] for one in PowerFiles().columns
    ]
