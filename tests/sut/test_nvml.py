"""The agent's GPU columns against a stub of the driver's library that replays a trace (sampler logic, no real GPU)."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.sut.conftest import compiled, until
from tests.sut.local_agent import LocalAgent, agent_command, facts_of

TRACE = {
    "pstate": 2,
    "pcie": 4,
    "temperature": 61,
    "load": 97,
    "memory_load": 55,
    "memory_used": 3 * 2**30,
    "power_mw": 215_375,
    "energy_mj": 9_000_000_123,
    "sm_clock": 1905,
    "memory_clock": 9751,
    "graphics_clock": 1910,
    "power_limit_mw": 350_000,
    "throttle_reasons": 0x40 | 0x4,
}
SHOWN = {
    "pstate": 2,
    "pcie_generation": 4,
    "temperature_c": 61,
    "load_percent": 97,
    "memory_load_percent": 55,
    "memory_used_mib": 3072.0,
    "power_w": 215.375,
    "energy_j": 9_000_000.123,
    "sm_clock_mhz": 1905,
    "memory_clock_mhz": 9751,
    "graphics_clock_mhz": 1910,
    "throttled": 1,
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled("nvml_stub.c", tmp_path_factory.mktemp("nvml") / "libnvidia-ml.so.1").parent


def write_trace(path: Path, *gpus: dict[str, int], errors: tuple[str, ...] = ()) -> None:
    lines = [f"count {len(gpus)}"]
    lines += [f"gpu{n}.{name} {value}" for n, gpu in enumerate(gpus) for name, value in gpu.items()]
    partial = path.with_suffix(".part")
    partial.write_text("\n".join([*lines, *(f"error {error}" for error in errors)]) + "\n")
    partial.replace(path)


def environment(library: Path, trace: Path) -> dict[str, str]:
    return {**os.environ, "LD_LIBRARY_PATH": str(library), "NVML_TRACE": str(trace)}


def test_every_gpu_column_follows_the_trace(library: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    write_trace(trace, TRACE, TRACE | {"power_mw": 20_000, "pstate": 8})
    with LocalAgent(tmp_path / "agent", period_s=0.05, environment=environment(library, trace)) as agent:
        until(lambda: len(agent.of("sample")) > 3, 5.0, "samples")
        first = agent.last_sample()
        assert {name: first[f"gpu0_{name}"] for name in SHOWN} == SHOWN
        assert (first["gpu1_power_w"], first["gpu1_pstate"]) == (20.0, 8)
        write_trace(trace, TRACE | {"power_mw": 301_001, "energy_mj": 9_000_300_000}, TRACE)
        until(lambda: agent.last_sample()["gpu0_power_w"] == 301.001, 5.0, "the new power")
        assert agent.last_sample()["gpu0_energy_j"] == 9_000_300.0
        columns = {column["name"]: column for column in agent.of("descriptor")[0]["columns"]}
    assert columns["gpu0_energy_j"]["kind"] == "counter"
    assert columns["gpu0_power_w"]["method"] == "nvmlDeviceGetPowerUsage"
    assert columns["gpu1_sm_clock_mhz"]["unit"] == "MHz"


def test_what_a_board_does_not_support_is_an_empty_column_that_says_so(library: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    write_trace(trace, {name: value for name, value in TRACE.items() if name not in ("energy_mj", "load", "pcie")})
    with LocalAgent(tmp_path / "agent", period_s=0.05, environment=environment(library, trace)) as agent:
        until(lambda: len(agent.of("sample")) > 3, 5.0, "samples")
        sample = agent.last_sample()
        columns = {column["name"]: column for column in agent.of("descriptor")[0]["columns"]}
        assert not agent.notes("gpu-error")
    empty = {"gpu0_energy_j", "gpu0_load_percent", "gpu0_memory_load_percent", "gpu0_pcie_generation"}
    assert {name for name in columns if name.startswith("gpu") and sample[name] is None} == empty
    assert all("not supported" in columns[name]["method"] for name in empty)
    assert sample["gpu0_power_w"] == 215.375


def test_a_gpu_that_is_lost_in_mid_run_empties_its_cells_and_is_told_once(library: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    write_trace(trace, TRACE)
    with LocalAgent(tmp_path / "agent", period_s=0.05, environment=environment(library, trace)) as agent:
        until(lambda: len(agent.of("sample")) > 3, 5.0, "samples")
        write_trace(trace, TRACE, errors=("gpu0.power_mw 15",))
        until(lambda: agent.last_sample()["gpu0_power_w"] is None, 5.0, "the loss")
        count = len(agent.of("sample"))
        until(lambda: len(agent.of("sample")) > count + 3, 5.0, "further samples")
        assert agent.last_sample()["gpu0_temperature_c"] == 61
        assert agent.notes("gpu-error") == ["gpu0 power_w: NVML: GPU is lost"]


def test_the_powers_among_the_field_values_are_columns_where_the_board_has_them(library: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    fields = {"field185.0": 214_000, "field186.0": 260_500, "field185.1": 702_250}
    write_trace(trace, TRACE | fields, TRACE, TRACE | {"no_fields": 1})
    with LocalAgent(tmp_path / "agent", period_s=0.05, environment=environment(library, trace)) as agent:
        until(lambda: len(agent.of("sample")) > 2, 5.0, "samples")
        sample = agent.last_sample()
        columns = {column["name"]: column for column in agent.of("descriptor")[0]["columns"]}
        write_trace(trace, TRACE | fields, TRACE, TRACE, errors=("gpu0.field186.0 15",))
        until(lambda: agent.last_sample()["gpu0_power_instant_w"] is None, 5.0, "the error")
        assert agent.last_sample()["gpu0_power_average_w"] == 214.0
        count = len(agent.of("sample"))
        until(lambda: len(agent.of("sample")) > count + 2, 5.0, "further samples")
        assert agent.notes("gpu-error") == ["gpu0 power_average_w: NVML: GPU is lost"]
    shown = {"gpu0_power_average_w": 214.0, "gpu0_power_instant_w": 260.5, "gpu0_module_power_average_w": 702.25}
    assert {name: sample[name] for name in columns if "average" in name or "instant" in name} == shown
    assert columns["gpu0_module_power_average_w"]["method"].endswith("NVML_FI_DEV_POWER_AVERAGE, scope module")
    assert {columns[name]["unit"] for name in shown} == {"W"}
    names = list(columns)
    assert names.index("gpu2_energy_j") < names.index("gpu0_pstate"), "power is asked before anything else"


def test_facts_name_the_software_meters_that_say_something(library: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    write_trace(trace, {name: value for name, value in TRACE.items() if name != "energy_mj"} | {"field186.0": 5})
    said = facts_of(environment(library, trace))["software_meters"]
    assert [name for name in said if name.startswith("gpu")] == ["gpu0_power_w", "gpu0_power_instant_w"]


def test_facts_name_the_gpu_its_driver_and_its_power_limit(library: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    write_trace(trace, TRACE)
    gpu = facts_of(environment(library, trace))["gpus"][0]
    assert gpu["name"] == "Stub 3000"
    assert (gpu["driver"], gpu["power_limit_w"], gpu["vbios"]) == ("550.00-stub", 350.0, None)


def test_a_survey_says_what_changes_a_gpus_speed_and_null_where_the_driver_does_not(
    library: Path, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    state = {"persistence": 1, "applications_clock": 1410, "default_clock": 1695, "default_limit_mw": 350_000}
    write_trace(trace, TRACE | state | {"process0.pid": 17, "process1.pid": 18}, {"temperature": 30, "no_processes": 1})
    words = ["survey", "--folder", str(tmp_path), "--root", str(tmp_path / "runs")]
    done = subprocess.run(
        agent_command(*words), env=environment(library, trace), capture_output=True, text=True, check=True
    )
    first, second = json.loads(done.stdout)["state"]["gpus"]
    assert first == {
        "index": 0, "persistence": 1, "applications_clock_mhz": 1410, "default_clock_mhz": 1695,
        "throttle_reasons": 0x40 | 0x4, "temperature_c": 61, "power_limit_w": 350.0, "default_limit_w": 350.0,
        "compute_processes": 2,
    }  # fmt: skip
    assert {key for key, value in second.items() if value is not None} == {"index", "temperature_c"}


def test_without_a_driver_there_are_no_gpu_columns_and_a_note_says_why(tmp_path: Path) -> None:
    with LocalAgent(tmp_path / "agent", period_s=0.05) as agent:
        until(lambda: len(agent.of("sample")) > 1, 5.0, "samples")
        assert not [name for name in agent.last_sample() if name.startswith("gpu")]
        assert agent.notes("no-gpu") == ["NVML: NVML Shared Library Not Found"]
    assert facts_of(dict(os.environ))["gpu_problem"] == "NVML: NVML Shared Library Not Found"
