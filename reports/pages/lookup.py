"""The names of things in words: keys of results.json, runs.

Knows the words for known keys. Knows no page.
"""

from collections.abc import Sequence

from reports.results.document import Results
from reports.results.header import LostRun
from reports.results.run import RunResult

WORDS = {
    "mean_power_w": "Mean power",
    "energy_wh": "Energy",
    "induced_energy_wh": "Induced energy",
    "duration_s": "Duration",
    "gpu_energy_wh": "GPU energy, own reading",
    "gpu_share": "GPU share",
    "gpu_temperature_c": "GPU temperature",
    "cpu_percent": "CPU load",
    "ram_used_kb": "RAM in use",
    "ram_used_kib": "RAM in use (total − available)",
    "ram_not_free_kib": "RAM not free (total − free)",
    "ram_percent": "RAM in use, share",
    "disk_read_kb": "Disk, read",
    "disk_write_kb": "Disk, written",
    "net_received_kb": "Network, received",
    "net_sent_kb": "Network, sent",
    "disk_read_kib_per_s": "Disk, read",
    "disk_write_kib_per_s": "Disk, written",
    "net_received_kib_per_s": "Network, received",
    "net_sent_kib_per_s": "Network, sent",
    "agent_cpu_s": "CPU time of the agent",
    "host_cpu_s": "CPU time of the host's process",
    "f1": "F1",
    "gap_energy_wh": "Energy in gaps",
    "gap_U_wh": "U of it",
    "percent_of_all_cpus": "percent of all CPUs",
}
GPU_WORDS = {
    "pstate": "performance state", "pcie_generation": "PCIe generation", "temperature_c": "temperature",
    "load_percent": "load", "memory_load_percent": "memory load", "memory_used_mib": "memory allocated",
    "power_w": "power", "energy_j": "energy counter", "sm_clock_mhz": "SM clock", "memory_clock_mhz": "memory clock",
    "graphics_clock_mhz": "graphics clock", "throttled": "slowed down, part of the time",
    "memory_temperature_c": "memory temperature", "fan_percent": "fan speed", "power_instant_w": "power, momentary",
    "power_draw_w": "power (power.draw)", "power_average_w": "power, mean of a second",
}  # fmt: skip

UNIT_OF_SUFFIX = {
    "wh": "Wh", "j": "J", "w": "W", "v": "V", "hz": "Hz", "s": "s", "ms": "ms", "ns": "ns", "percent": "%", "c": "°C",
    "kib": "KiB", "mib": "MiB", "khz": "kHz", "mhz": "MHz",
}  # fmt: skip


def run_names(results: Results) -> dict[str, str]:
    """Folder -> what the run is called on a page: 'run 7', 'run 7 (attempt 2)'; in the order of their numbers."""
    begun: list[RunResult | LostRun] = [*results.runs, *results.campaign.lost]
    runs = sorted(begun, key=lambda run: (run.ordinal or 0, run.attempt or 1))
    again = {run.ordinal for run in runs if run.attempt != 1}
    return {
        run.folder: f"run {run.ordinal}" + (f" (attempt {run.attempt})" if run.ordinal in again else "") for run in runs
    }


def run_name(results: Results, folder: str) -> str:
    """What the run of a folder is called; the folder's own name where no run has it."""
    return run_names(results).get(folder, folder)


def enumerated_runs(names: Sequence[str]) -> str:
    """'runs 1 to 6, 8, 10': the names of runs in their order, three neighbours and more taken together."""
    spans: list[list[str]] = []
    for number in (name.removeprefix("run ") for name in names):
        last = spans[-1][-1] if spans else ""
        if number.isdigit() and last.isdigit() and int(number) == int(last) + 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    parts = (", ".join(span) if len(span) < 3 else f"{span[0]} to {span[-1]}" for span in spans)
    return f"{'run' if len(names) == 1 else 'runs'} {', '.join(parts)}"


def words(key: str) -> str:
    """A key of results.json in words."""
    if key in WORDS:
        return WORDS[key]
    head, _, tail = key.partition("_")
    if head.startswith("gpu") and head[3:].isdigit() and tail in GPU_WORDS:
        return f"GPU {head[3:]}, {GPU_WORDS[tail]}"
    return key.replace("_", " ")


def words_and_unit(key: str) -> tuple[str, str]:
    """A key in words and the unit that stands in its name; an empty unit where none does."""
    head, _, suffix = key.rpartition("_")
    if not head or suffix not in UNIT_OF_SUFFIX:
        return words(key), ""
    return WORDS.get(key, head.replace("_", " ")), UNIT_OF_SUFFIX[suffix]
