"""What the SUT is: machine, system, interpreter and GPUs, as one JSON object.

Knows the files of Linux that say it. Does not judge what they say, and does not sample.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from typing import Any

from harness.sut.agent.gpu_sampler import GpuSampler
from harness.sut.agent.nvml import asked, import_nvml, scaled
from harness.sut.agent.power_files import PowerFiles
from harness.sut.agent.small_files import joined, read_text


def facts(folder: str) -> dict[str, Any]:
    """What the SUT is, as one JSON object; what cannot be asked is null. `disk_free_bytes` is that of `folder`."""
    uname = platform.uname()
    psutil, psutil_problem = import_psutil()
    gpus, gpu_problem = gpu_facts()
    software_meters, meter_problems = software_meter_facts()
    sut_ns, wall_ns = time.monotonic_ns(), time.time_ns()
    return {
        "hostname": uname.node,
        "os": os_name(),
        "kernel": uname.release,
        "machine": uname.machine,
        "cpu": cpu_model() or uname.machine,
        "cpu_count": os.cpu_count(),
        "cpu_governor": read_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "cpu_max_khz": read_text("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq"),
        "turbo_disabled": read_text("/sys/devices/system/cpu/intel_pstate/no_turbo"),
        "memory_kib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024,
        "board": joined("/sys/class/dmi/id/board_vendor", "/sys/class/dmi/id/board_name"),
        "system": joined("/sys/class/dmi/id/sys_vendor", "/sys/class/dmi/id/product_name"),
        "firmware": joined("/sys/class/dmi/id/bios_vendor", "/sys/class/dmi/id/bios_version"),
        "gpus": gpus,
        "gpu_problem": gpu_problem,
        "software_meters": software_meters,
        "software_meter_problems": meter_problems,
        "boot_id": read_text("/proc/sys/kernel/random/boot_id"),
        "uptime_s": float((read_text("/proc/uptime") or "0").split()[0]),
        "load_average": list(os.getloadavg()),
        "disk_free_bytes": free_bytes(folder),
        "python": platform.python_version(),
        "python_executable": sys.executable,
        "psutil": getattr(psutil, "__version__", None),
        "psutil_problem": psutil_problem,
        "sut_ns": sut_ns,
        "sut_wall_ns": wall_ns,
    }


def os_name() -> str:
    """PRETTY_NAME of /etc/os-release (os-release(5)), else the kernel's name."""
    for line in (read_text("/etc/os-release") or "").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.split("=", 1)[1].strip("\"'")
    return platform.system()


def cpu_model() -> str | None:
    """The model name of the first CPU in /proc/cpuinfo; null where the architecture does not say."""
    for line in (read_text("/proc/cpuinfo") or "").splitlines():
        if line.startswith(("model name", "Model", "Hardware")):
            return line.split(":", 1)[1].strip()
    return None


def free_bytes(folder: str) -> int:
    """Bytes an ordinary user may still write where `folder` is or will be."""
    while not os.path.isdir(folder):
        folder = os.path.dirname(os.path.abspath(folder))
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def import_psutil() -> tuple[Any, str | None]:
    """(psutil, null) or (null, why not)."""
    try:
        import psutil
    except ImportError as error:
        return None, f"psutil cannot be imported by {sys.executable} ({error})"
    return psutil, None


def gpu_facts() -> tuple[list[dict[str, Any]], str | None]:
    """([{name, uuid, driver, ...}], null), or ([], why there is no GPU)."""
    nvml, problem = import_nvml()
    if nvml is None:
        return [], problem
    gpus = [gpu_fact(nvml, index, nvml.nvmlDeviceGetHandleByIndex(index)) for index in range(nvml.nvmlDeviceGetCount())]
    return gpus, None if gpus else "NVML: the driver knows no GPU"


def software_meter_facts() -> tuple[list[str], list[str]]:
    """(the columns of samples that are in W or J, why others are not there): what the machine says of its own power."""
    files = PowerFiles()
    nvml, _ = import_nvml()
    problems = list(files.problems)
    boards = None if nvml is None else GpuSampler(nvml, lambda code, text: problems.append(text))
    columns = files.columns + ([] if boards is None else boards.columns)
    values = files.sample() + ([] if boards is None else boards.sample())
    said = [one["name"] for one, value in zip(columns, values) if one["unit"] in ("W", "J") and value is not None]
    return said, problems


def gpu_fact(nvml: Any, index: int, handle: Any) -> dict[str, Any]:
    """What one board is."""
    return {
        "index": index,
        "name": asked(nvml, nvml.nvmlDeviceGetName, handle),
        "uuid": asked(nvml, nvml.nvmlDeviceGetUUID, handle),
        "driver": asked(nvml, nvml.nvmlSystemGetDriverVersion),
        "vbios": asked(nvml, nvml.nvmlDeviceGetVbiosVersion, handle),
        "power_limit_w": scaled(asked(nvml, nvml.nvmlDeviceGetEnforcedPowerLimit, handle), 1e-3),
    }
