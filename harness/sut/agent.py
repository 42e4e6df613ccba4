"""The agent: the one file of wattlab that runs on the system under test (SUT).

Knows how to say what the SUT is, how to sample its hardware indicators (psutil, NVML), how to run one command and stamp
its begin and end, how to keep a journal on the SUT's disk and to hand it over a Unix socket from any offset on. Knows
nothing of ours: no import, no run folder, no meter. Standard library, psutil and pynvml (distribution nvidia-ml-py)
only, Python >= 3.8, Linux.

    agent.py facts                                       one JSON object: what the SUT is
    agent.py survey --folder F --root R                  facts, what earlier runs left, and the state of the machine
    agent.py serve --folder F --period S --reconnect S   sample and serve, detached from the login; says "ready"
    agent.py attach --folder F                           hand stdin and stdout (the SSH channel) to the agent
    agent.py sweep --root R [--look]                     end agents that nobody listens to, remove their folders
    agent.py remove --folder F                           end the agent of a run if it lives, remove the run's folder

Protocol, JSON lines, both ways over one stream; standard output carries nothing else.
    host -> agent   {"id": n, "op": "hello", "offset": o} | ping | rate | kill | finish | bye | status
    agent -> host   {"id": n, ...} the answer, {"id": n, "error": text};
                    {"at": o, "journal": record} every journal line, `at` is the offset behind it;
                    {"fault": text} when the journal cannot be written any more
A request that is repeated with its id (after a lost link) is answered again, not done again. Only a hello makes a
connection the host's; the one before is closed.

Journal: {"rec": "descriptor" | "sample" | "phase" | "marker" | "note", "sut_ns": CLOCK_MONOTONIC, "sut_wall_ns": ...}.
A marker keeps the stamps of the program that wrote it. `agent_cpu_s` is the CPU time of this process, of the waiter and
of the relays (`attach`) that serve it; sshd's share is not in it.

Rating interval: a waiter, a small process of its own between agent and command, starts the command, does nothing but
wait for its end (or, in a baseline, for a pause to pass) and stamps both edges. An agent that is stopped, swapped out
or hangs in a driver therefore cannot make the interval longer. The waiter looks at the clock every TICK_S: stretches in
which it did not run, or in which the command was stopped or its control group frozen, stand as `frozen` at the end.

Dead-man switch: when no word of the host came for --reconnect seconds the load is ended (TERM, after 5 s KILL, every
descendant, also those that made a session of their own), the journal says so, and the agent ends.
"""

# Plain os calls: start-up time and memory of this program are part of what is measured.
# Any: psutil and pynvml may be absent where this is checked.
# ruff: noqa: PTH100, PTH102, PTH103, PTH106, PTH109, PTH110, PTH112, PTH118, PTH120, PTH123, PTH202, PTH207, PTH208, PTH119, ANN401

from __future__ import annotations

import argparse
import array
import contextlib
import ctypes
import errno
import fcntl
import functools
import gc
import json
import os
import platform
import resource
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

MAX_LINE = 1 << 20
"""Bytes of one protocol line from the host."""
MAX_MARKER = 4096
"""Bytes of one marker line; a longer one is no single write to a FIFO (PIPE_BUF)."""
MARKER_PIPE = 1 << 20
"""Bytes of marker lines that wait for the agent; an ordinary user may not have more (pipe(7))."""
F_SETPIPE_SZ = 1031
"""linux/fcntl.h"""
MAX_MARKERS = 10000
"""Marker lines per rating interval: 5000 actions. Each costs the report 2 to 3 ms and 1.6 kB."""
MAX_DEPTH = 8
"""Lists and objects in each other in a marker's metrics."""
MAX_NOTES = 1000
"""Notes about bad marker lines per rating; more are counted only."""
MAX_JOURNAL = 4 << 30
MAX_OUTPUT = 4 << 20
"""Bytes kept of the command's standard output, and of its standard error."""
SEND_AHEAD = 1 << 16
"""Bytes waiting for a slow link before the journal is left on the disk for later."""
TERM_S = 5.0
"""Time between TERM and KILL."""
KILL_POLL_S = 0.05
HOUSEKEEPING_S = 1.0
ORPHAN_S = 10.0
"""An agent that has not heard of its host for so long is nobody's; the host speaks every second."""
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
"""linux/prctl.h"""
LIBC = ctypes.CDLL(None)
TICK_S = 2.0
"""The waiter looks at the clock so often. A wake-up costs some 0.1 ms of CPU, a tenth of a sample."""
LATE_S = 0.5
"""A waiter that wakes so long after it was due did not run in between; a freeze of TICK_S + LATE_S is always seen."""
MAX_FROZEN = 64
"""Frozen stretches that are told apart; one more is told as one with the last."""
WAITER_S = 10.0
"""A waiter that has not begun so long after it was started does not run."""
GIVE_UP_S = 60.0
"""A process that not even KILL ends (it hangs in the kernel) is left after this, and the journal says so."""


# --- what the SUT is ---------------------------------------------------------------------------------------------


def facts(folder: str) -> dict[str, Any]:
    """What the SUT is, as one JSON object; what cannot be asked is null. `disk_free_bytes` is that of `folder`."""
    uname = platform.uname()
    psutil, psutil_problem = import_psutil()
    gpus, gpu_problem = gpu_facts()
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


def joined(*paths: str) -> str | None:
    """The words in several small files; null when there are none."""
    return " ".join(filter(None, map(read_text, paths))) or None


def read_text(path: str) -> str | None:
    """A small file's text without the white space around it; null when it cannot be read or is empty."""
    # Not by `open`, which costs three times as much: this is done for every sample.
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        content = b"".join(iter(functools.partial(os.read, file, 1 << 16), b""))
    except OSError:
        return None
    finally:
        os.close(file)
    return content.decode(errors="replace").strip() or None


def free_bytes(folder: str) -> int:
    """Bytes an ordinary user may still write where `folder` is or will be."""
    while not os.path.isdir(folder):
        folder = os.path.dirname(os.path.abspath(folder))
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def import_psutil() -> tuple[Any, str | None]:
    """(psutil, null) or (null, why not)."""
    try:
        import psutil
    except ImportError as error:
        return None, f"psutil cannot be imported by {sys.executable} ({error})"
    return psutil, None


def import_nvml() -> tuple[Any, str | None]:
    """(pynvml with NVML initialised, null) or (null, why not)."""
    try:
        import pynvml
    except ImportError as error:
        return None, f"pynvml cannot be imported ({error}); install nvidia-ml-py to record a GPU"
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return None, f"NVML: {error}"
    return pynvml, None


def gpu_facts() -> tuple[list[dict[str, Any]], str | None]:
    """([{name, uuid, driver, ...}], null), or ([], why there is no GPU)."""
    nvml, problem = import_nvml()
    if nvml is None:
        return [], problem
    found = []
    for index in range(nvml.nvmlDeviceGetCount()):
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        found.append(
            {
                "index": index,
                "name": asked(nvml, nvml.nvmlDeviceGetName, handle),
                "uuid": asked(nvml, nvml.nvmlDeviceGetUUID, handle),
                "driver": asked(nvml, nvml.nvmlSystemGetDriverVersion),
                "vbios": asked(nvml, nvml.nvmlDeviceGetVbiosVersion, handle),
                "power_limit_w": scaled(asked(nvml, nvml.nvmlDeviceGetEnforcedPowerLimit, handle), 1e-3),
            }
        )
    return found, None if found else "NVML: the driver knows no GPU"


def asked(nvml: Any, function: Callable[..., Any], *arguments: Any) -> Any:
    """What an NVML function says as text or number; null when it gives an error or the driver does not have it."""
    try:
        value = function(*arguments)
    # A driver older than the binding has other versions of some functions; older bindings have no error for that.
    except (nvml.NVMLError, getattr(nvml, "NVMLLibraryMismatchError", nvml.NVMLError)):
        return None
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def scaled(value: float | None, factor: float) -> float | None:
    """value * factor, null stays null."""
    return None if value is None else round(value * factor, 3)


# --- the state it is in ------------------------------------------------------------------------------------------

SURVEY_S = 2.0
"""Over so many seconds the CPU time of every process is counted."""
SURVEY_TEXT_BYTES = 1 << 13
SURVEY_COMMAND_S = 5.0
CPU = "/sys/devices/system/cpu/"
SURVEY_TEXTS = (
    *("/proc/" + name for name in ("swaps", "cpuinfo")),
    *(CPU + name for name in ("offline", "cpufreq/boost", "cpuidle/current_driver")),
    *(CPU + "intel_pstate/" + name for name in ("no_turbo", "max_perf_pct")),
    CPU + "cpu[0-9]*/cpufreq/scaling_[gdm]*",
    CPU + "cpu[0-9]*/cpufreq/cpuinfo_max_freq",
    *(CPU + "cpu0/cpuidle/state*/" + name for name in ("name", "disable")),
    *("/sys/class/hwmon/hwmon*/" + name for name in ("name", "temp*_input", "temp*_crit", "temp*_label")),
    *("/sys/class/thermal/thermal_zone*/" + name for name in ("type", "temp")),
    *("/sys/class/power_supply/*/" + name for name in ("type", "online", "status", "scope", "capacity")),
    *("/run/reboot-required" + name for name in ("", ".pkgs")),
    *("/etc/" + name for name in ("crontab", "cron.d/*")),
    *("/var/spool/cron/" + name for name in ("*", "crontabs/*")),
)
"""Glob patterns of small files (sysfs of Linux 5 and 6, cron(8), reboot-required of Debian)."""
SURVEY_COMMANDS = {
    "timers": ["systemctl", "list-timers", "--all", "--no-pager", "--no-legend"],
    "clock": ["timedatectl", "show"],
    "chrony": ["chronyc", "-n", "tracking"],
    "ntp": ["ntpq", "-pn"],
    "users": ["who"],
    "crontab": ["crontab", "-l"],
    "apt": ["apt-config", "dump", "APT::Periodic"],
}


def survey(folder: str, root: str, system: str) -> dict[str, Any]:
    """{"state", "runs": what `sweep` found, "facts"}: everything to be asked before a campaign, in one answer."""
    return {"state": machine_state(system), "runs": sweep(root, True), "facts": facts(folder)}


def machine_state(system: str) -> dict[str, Any]:
    """Raw texts and counts of the state the machine is in. What they mean is the host's business
    (`harness.station.conditions`). `system` is the folder that /proc, /sys, /etc lie below: empty on a machine, a
    fake's path.
    """
    begin_ns, begin_s = time.time_ns(), time.monotonic()
    spent = os.times()
    before, stat_before = processes(system), read_text(system + "/proc/stat") or ""
    texts, unreadable = survey_texts(system)
    commands = {name: answer(words) for name, words in SURVEY_COMMANDS.items()}
    gpus = gpu_states()
    time.sleep(max(0.0, SURVEY_S - (time.monotonic() - begin_s)))
    after, stat_after = processes(system), read_text(system + "/proc/stat") or ""
    own, tick_s = ancestors(after, os.getpid()), 1.0 / os.sysconf("SC_CLK_TCK")
    listed = [
        {
            "name": name,
            "words": words,
            "own": pid in own,
            "cpu_s": round((ticks - before[pid][2] if pid in before else ticks) * tick_s, 3),
        }
        for pid, (name, _, ticks, words) in after.items()
    ]
    return {
        "begin_wall_ns": begin_ns,
        "utc_offset_s": time.localtime().tm_gmtoff,
        "stat": [stat_before.split("\n", 1)[0], stat_after.split("\n", 1)[0]],
        "tick_s": tick_s,
        "children_cpu_s": round(sum(os.times()[2:4]) - sum(spent[2:4]), 3),
        "processes": listed,
        # Where /proc is mounted with hidepid a user sees his own only (proc(5)).
        "sees_all": 1 in after,
        "texts": texts,
        "unreadable": unreadable,
        "commands": commands,
        "gpus": gpus,
    }


def survey_texts(system: str) -> tuple[dict[str, str], dict[str, str]]:
    """({path: text}, {path: why it cannot be read}) of SURVEY_TEXTS below `system`; folders are left out."""
    import glob

    texts: dict[str, str] = {}
    unreadable: dict[str, str] = {}
    for pattern in SURVEY_TEXTS:
        parent = system + os.path.dirname(pattern)
        if os.path.isdir(parent) and not os.access(parent, os.R_OK | os.X_OK):
            unreadable[parent[len(system) :]] = os.strerror(errno.EACCES)
        for path in sorted(glob.glob(glob.escape(system) + pattern)):
            try:
                with open(path, errors="replace") as file:
                    texts[path[len(system) :]] = file.read(SURVEY_TEXT_BYTES)
            except IsADirectoryError:
                continue
            except OSError as error:
                unreadable[path[len(system) :]] = error.strerror or str(error)
    return texts, unreadable


def processes(system: str) -> dict[int, tuple[str, int, int, list[str]]]:
    """{pid: (name, parent's pid, CPU ticks, base names of its first two words)}, proc(5)."""
    found = {}
    for entry in os.listdir(system + "/proc"):
        text = read_text(system + "/proc/" + entry + "/stat") if entry.isdigit() else None
        if text is None or ")" not in text:
            continue
        name = text[text.index("(") + 1 : text.rindex(")")]
        fields = text[text.rindex(")") + 2 :].split()
        words = (read_text(system + "/proc/" + entry + "/cmdline") or "").split("\0")[:2]
        found[int(entry)] = (
            name, int(fields[1]), int(fields[11]) + int(fields[12]), [os.path.basename(word) for word in words],
        )  # fmt: skip
    return found


def ancestors(known: dict[int, tuple[str, int, int, list[str]]], pid: int) -> set[int]:
    """A process and those it descends from: the login that asks."""
    found = set()
    while pid in known and pid not in found:
        found.add(pid)
        pid = known[pid][1]
    return found


def answer(words: list[str]) -> dict[str, Any]:
    """{"code", "output", "error"} of a command that only looks; code null where it is absent or says nothing."""
    environment = dict(os.environ, LC_ALL="C", TZ="UTC")
    try:
        done = subprocess.run(
            words,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SURVEY_COMMAND_S,
            check=False,
        )
    except OSError as error:
        return {"code": None, "output": "", "error": f"{words[0]}: {error.strerror}"}
    except subprocess.TimeoutExpired:
        return {"code": None, "output": "", "error": f"{words[0]}: no answer within {SURVEY_COMMAND_S:g} s"}
    output, said = (text.decode(errors="replace") for text in (done.stdout, done.stderr))
    return {"code": done.returncode, "output": output[: 8 * SURVEY_TEXT_BYTES], "error": said.strip()[:500]}


def gpu_states() -> list[dict[str, Any]]:
    """Of each GPU what changes its speed or its power; null where driver or board does not say."""
    nvml, _ = import_nvml()
    if nvml is None:
        return []

    def ask(name: str, *arguments: Any) -> Any:
        function = getattr(nvml, "nvmlDeviceGet" + name, None)
        return None if function is None else asked(nvml, function, *arguments)

    found = []
    for index in range(nvml.nvmlDeviceGetCount()):
        gpu = nvml.nvmlDeviceGetHandleByIndex(index)
        running = ask("ComputeRunningProcesses", gpu)
        found.append(
            {
                "index": index,
                "persistence": ask("PersistenceMode", gpu),
                "applications_clock_mhz": ask("ApplicationsClock", gpu, nvml.NVML_CLOCK_SM),
                "default_clock_mhz": ask("DefaultApplicationsClock", gpu, nvml.NVML_CLOCK_SM),
                "throttle_reasons": ask("CurrentClocksThrottleReasons", gpu),
                "temperature_c": ask("Temperature", gpu, nvml.NVML_TEMPERATURE_GPU),
                "power_limit_w": scaled(ask("PowerManagementLimit", gpu), 1e-3),
                "default_limit_w": scaled(ask("PowerManagementDefaultLimit", gpu), 1e-3),
                "compute_processes": None if running is None else len(running),
            }
        )
    return found


# --- hardware indicators -----------------------------------------------------------------------------------------


class SystemSampler:
    """CPU, memory, disk, network through psutil; the columns of docs/run-folder.md.

    Disk and network are kB (1000 byte) since the sample before (empty in the first); CPU is the mean over that
    interval. Memory is KiB, in two quantities that psutil's `used` has both been. A counter that went backwards (an
    interface or a disk was removed) leaves its cell empty.
    """

    def __init__(self, psutil: Any) -> None:
        self._psutil = psutil
        self._disks = whole_disks(psutil.disk_io_counters(perdisk=True, nowrap=False) or {})
        disks = "psutil.disk_io_counters, sum of " + (" ".join(sorted(self._disks)) or "no disk")
        net = "psutil.net_io_counters, sum of all interfaces but lo"
        self.columns = [
            column(
                "cpu_percent", "%", "SUT total CPU load", "psutil.cpu_times; iowait is idle, guest time is in user time"
            ),
            column(
                "ram_used_kib",
                "KiB",
                "SUT memory in use: total - available",
                "psutil.virtual_memory(): total - available",
            ),
            column(
                "ram_not_free_kib",
                "KiB",
                "SUT memory that is not free: total - free, caches included",
                "psutil.virtual_memory(): total - free",
            ),
            column(
                "ram_percent",
                "%",
                "SUT share of memory in use",
                "psutil.virtual_memory().percent: (total - available) / total",
            ),
            column("disk_read_kb", "kB", "SUT disk read since the sample before", disks),
            column("disk_write_kb", "kB", "SUT disk written since the sample before", disks),
            column("net_received_kb", "kB", "SUT network received since the sample before", net),
            column("net_sent_kb", "kB", "SUT network sent since the sample before", net),
        ]
        self._warmth = cpu_sensor()
        if self._warmth is not None:
            self.columns.append(column("cpu_temperature_c", "degC", "SUT CPU temperature", self._warmth))
        self._cpu: tuple[float, float] | None = None
        self._moved: tuple[int, int, int, int] | None = None

    def sample(self) -> list[Any]:
        """One value per column."""
        memory = self._psutil.virtual_memory()
        moved = self._counters()
        before, self._moved = self._moved, moved
        gauges: list[float | None] = [None] * 4
        if before is not None:
            gauges = [round((n - o) / 1000.0, 3) if n >= o else None for n, o in zip(moved, before)]
        warmth = [] if self._warmth is None else [thousandths(read_text(self._warmth))]
        used = [(memory.total - part) // 1024 for part in (memory.available, memory.free)]
        return [self._cpu_percent(), *used, memory.percent, *gauges, *warmth]

    @property
    def busy_s(self) -> float | None:
        """CPU time of all CPUs that was not idle, at the last sample; null before the first."""
        return None if self._cpu is None else round(self._cpu[0] - self._cpu[1], 3)

    def _cpu_percent(self) -> float | None:
        # user nice system idle iowait irq softirq steal; guest time is in user already, proc(5)
        times: list[float] = self._psutil.cpu_times()[:8]
        total, idle = sum(times), times[3] + times[4]
        before, self._cpu = self._cpu, (total, idle)
        if before is None or total <= before[0]:
            return None
        return round(min(100.0, max(0.0, 100.0 * (1.0 - (idle - before[1]) / (total - before[0])))), 3)

    def _counters(self) -> tuple[int, int, int, int]:
        disks = self._psutil.disk_io_counters(perdisk=True, nowrap=False) or {}
        read = write = received = sent = 0
        for name in self._disks:
            if name in disks:
                read += disks[name].read_bytes
                write += disks[name].write_bytes
        for name, counts in self._psutil.net_io_counters(pernic=True, nowrap=False).items():
            if name != "lo":
                received += counts.bytes_recv
                sent += counts.bytes_sent
        return read, write, received, sent


CPU_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "x86_pkg_temp", "cpu-thermal")
"""Drivers of a CPU's own sensor, and types of its thermal zone (Linux, Documentation/hwmon, driver-api/thermal)."""


def cpu_sensor() -> str | None:
    """The small file with the CPU's temperature in m degC; null where there is none."""
    import glob

    for pattern, name, value in (("hwmon/hwmon*", "name", "temp1_input"), ("thermal/thermal_zone*", "type", "temp")):
        for folder in sorted(glob.glob("/sys/class/" + pattern)):
            path = os.path.join(folder, value)
            if read_text(os.path.join(folder, name)) in CPU_SENSORS and read_text(path) is not None:
                return path
    return None


def thousandths(text: str | None) -> float | None:
    """A number of thousandths in a small file; null where it cannot be read."""
    try:
        return None if text is None else int(text) / 1000.0
    except ValueError:
        return None


def whole_disks(names: dict[str, Any]) -> set[str]:
    """The disks whose traffic is counted once: those that are hardware, not partitions, mappings, loops or memory."""
    hardware = {name for name in names if os.path.exists(f"/sys/block/{name}/device")}
    return hardware or {
        n for n in names if os.path.exists("/sys/block/" + n) and not n.startswith(("loop", "ram", "zram", "dm-", "md"))
    }


class StateSampler:
    """What tells afterwards whether the machine worked undisturbed: CPU time of all and of the command, kills for want
    of memory, slow-downs for heat. The last two are read once a second at most."""

    def __init__(self, system: str = "") -> None:
        self._vmstat = system + "/proc/vmstat"
        self._throttles = throttle_counts(system)
        self._looked_ns = 0
        self._rare: list[int | None] = [None, None]
        self._load_s = 0.0
        self._tick_s = 1.0 / os.sysconf("SC_CLK_TCK")
        oom = "oom_kill of /proc/vmstat" + ("" if self._killed() is not None else ": not known to this kernel")
        throttle = "thermal_throttle/package_throttle_count, sum of packages"
        throttle += "" if self._throttles else ": not supported by this machine"
        self.columns = [
            column("busy_cpu_s", "s", "SUT CPU time of all CPUs that was not idle", "psutil.cpu_times", "counter"),
            column(
                "load_cpu_s",
                "s",
                "CPU time of the command and its descendants (of a live one's children: once they ended)",
                "getrusage(RUSAGE_CHILDREN), /proc/PID/stat",
                "counter",
            ),
            column("oom_kills", "1", "SUT processes killed for want of memory", oom, "counter"),
            column("cpu_throttle_count", "1", "SUT CPU slow-downs for heat", throttle, "counter"),
        ]

    def sample(self, busy_s: float | None, command: int | None, waiters_s: float) -> list[Any]:
        """One value per column; `command` is the pid of the command that runs, `waiters_s` the CPU time of the waiters
        that ended: it is the agent's."""
        now_ns = time.monotonic_ns()
        if now_ns - self._looked_ns >= HOUSEKEEPING_S * 1e9 or not self._looked_ns:
            self._looked_ns = now_ns
            counts = [read_text(path) for path in self._throttles]
            self._rare = [self._killed(), sum(int(count or 0) for count in counts) if self._throttles else None]
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        load_s = ended.ru_utime + ended.ru_stime - waiters_s
        if command is not None:
            fields = (read_text(f"/proc/{command}/stat") or ")").rpartition(")")[2].split()
            load_s += sum(map(int, fields[11:15])) * self._tick_s  # utime stime cutime cstime, proc(5)
        # Between the command's end and the waiter's its time stands nowhere.
        self._load_s = max(self._load_s, load_s)
        return [busy_s, round(self._load_s, 3), *self._rare]

    def _killed(self) -> int | None:
        _, key, rest = (read_text(self._vmstat) or "").partition("\noom_kill ")
        return int(rest.split("\n", 1)[0]) if key else None


def throttle_counts(system: str) -> list[str]:
    """The file that counts a package's slow-downs (Intel), one for each package."""
    import glob

    found = {}
    for path in glob.glob(glob.escape(system + CPU) + "cpu[0-9]*/thermal_throttle/package_throttle_count"):
        cpu = os.path.dirname(os.path.dirname(path))
        found[read_text(cpu + "/topology/physical_package_id")] = path
    return sorted(found.values())


class GpuSampler:
    """All GPUs through NVML. What a board does not support stays empty and says so in its method; any other error
    empties the cell and is told once through `note`."""

    def __init__(self, nvml: Any, note: Callable[[str, str], None]) -> None:
        self._nvml, self._note = nvml, note
        self._told: set[tuple[str, int]] = set()
        self.columns: list[dict[str, str]] = []
        self._readers: list[tuple[Any, Callable[[Any], Any] | None, Callable[[Any], Any], int, str]] = []
        for index in range(nvml.nvmlDeviceGetCount()):
            self._add(index, nvml.nvmlDeviceGetHandleByIndex(index))

    def _add(self, index: int, gpu: Any) -> None:
        nvml = self._nvml
        readers: list[tuple[str, Callable[[Any], Any], Callable[[Any], Any], list[tuple[str, str, str]]]] = [
            ("PerformanceState", nvml.nvmlDeviceGetPerformanceState, int, [("pstate", "", "performance state")]),
            (
                "CurrPcieLinkGeneration",
                nvml.nvmlDeviceGetCurrPcieLinkGeneration,
                int,
                [("pcie_generation", "", "PCIe link generation")],
            ),
            (
                "Temperature(GPU)",
                lambda g: nvml.nvmlDeviceGetTemperature(g, nvml.NVML_TEMPERATURE_GPU),
                int,
                [("temperature_c", "degC", "temperature")],
            ),
            (
                "UtilizationRates",
                nvml.nvmlDeviceGetUtilizationRates,
                lambda rates: (rates.gpu, rates.memory),
                [("load_percent", "%", "load"), ("memory_load_percent", "%", "memory controller load")],
            ),
            (
                "MemoryInfo().used",
                nvml.nvmlDeviceGetMemoryInfo,
                lambda memory: round(memory.used / 1048576.0, 3),
                [("memory_used_mib", "MiB", "memory in use")],
            ),
            ("PowerUsage", nvml.nvmlDeviceGetPowerUsage, thousandth, [("power_w", "W", "board power")]),
            (
                "TotalEnergyConsumption",
                nvml.nvmlDeviceGetTotalEnergyConsumption,
                thousandth,
                [("energy_j", "J", "board energy counter")],
            ),
        ]
        reasons = getattr(nvml, "nvmlDeviceGetCurrentClocksThrottleReasons", None)
        if reasons is not None:
            slowed = ("throttled", "1", "slowed by heat or supply: 1, else 0")
            readers.append(("CurrentClocksThrottleReasons", reasons, is_throttled, [slowed]))
        for clock, kind in (("sm", "SM"), ("memory", "MEM"), ("graphics", "GRAPHICS")):
            mhz = functools.partial(clock_mhz, nvml, getattr(nvml, "NVML_CLOCK_" + kind))
            readers.append((f"ClockInfo({kind})", mhz, int, [(clock + "_clock_mhz", "MHz", clock + " clock")]))
        for function, ask, convert, cells in readers:
            supported = self._is_supported(ask, gpu)
            method = f"nvmlDeviceGet{function}" + ("" if supported else ": not supported by this board")
            for name, unit, quantity in cells:
                kind = "counter" if name == "energy_j" else "gauge"
                self.columns.append(column(f"gpu{index}_{name}", unit, f"GPU {index} {quantity}", method, kind))
            what = f"gpu{index} {cells[0][0]}"
            self._readers.append((gpu, ask if supported else None, convert, len(cells), what))

    def _is_supported(self, ask: Callable[[Any], Any], gpu: Any) -> bool:
        try:
            ask(gpu)
        except self._nvml.NVMLError as error:
            lacking = (self._nvml.NVML_ERROR_NOT_SUPPORTED, self._nvml.NVML_ERROR_FUNCTION_NOT_FOUND)
            return error.value not in lacking
        return True

    def sample(self) -> list[Any]:
        """One value per column."""
        values = []
        for gpu, ask, convert, width, what in self._readers:
            values += self._read(gpu, ask, convert, width, what)
        return values

    def _read(
        self, gpu: Any, ask: Callable[[Any], Any] | None, convert: Callable[[Any], Any], width: int, what: str
    ) -> list[Any]:
        if ask is None:
            return [None] * width
        try:
            value = convert(ask(gpu))
        except self._nvml.NVMLError as error:
            if (what, error.value) not in self._told:
                self._told.add((what, error.value))
                self._note("gpu-error", f"{what}: NVML: {error}")
            return [None] * width
        return list(value) if width > 1 else [value]


def thousandth(value: int) -> float:
    """NVML's mW and mJ in W and J."""
    return value / 1000.0


def is_throttled(reasons: int) -> int:
    """Whether heat, the power brake or the hardware itself slows the board (nvml.h, nvmlClocksThrottleReasons)."""
    return int(bool(reasons & (0x8 | 0x20 | 0x40 | 0x80)))


def clock_mhz(nvml: Any, kind: int, gpu: Any) -> int:
    """One of a board's clocks."""
    return int(nvml.nvmlDeviceGetClockInfo(gpu, kind))


def column(name: str, unit: str, quantity: str, method: str, kind: str = "gauge") -> dict[str, str]:
    """A column of the descriptor."""
    return {"name": name, "unit": unit, "quantity": quantity, "method": method, "kind": kind}


def cpu_clock(pid: int) -> int:
    """The CPU time clock of a process, as clock_getcpuclockid(3) makes it on Linux."""
    return (~pid << 3) | 2


# --- the journal -------------------------------------------------------------------------------------------------


class Journal:
    """Records, one JSON line each, appended to a file. A line that cannot be written whole is taken back and is the
    last; from then on `fault` says why, and nothing is recorded."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self.size = 0
        self.fault: str | None = None

    def write(self, record: dict[str, Any]) -> None:
        """Append one record, or set `fault`."""
        if self.fault is not None:
            return
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        try:
            if self.size + len(line) > MAX_JOURNAL:
                raise OSError(errno.EFBIG, f"the journal reached its bound of {MAX_JOURNAL} bytes")
            if os.write(self._file, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            os.ftruncate(self._file, self.size)
            self.fault = f"the journal on the SUT cannot be written: {error.strerror or error}"
            return
        self.size += len(line)

    def read(self, offset: int) -> bytes:
        """Whole lines from `offset` on, about SEND_AHEAD bytes at most (one line at least)."""
        length = SEND_AHEAD
        while True:
            block = os.pread(self._file, min(length, self.size - offset), offset)
            end = block.rfind(b"\n") + 1
            if end or len(block) < length:
                return block[:end]
            length *= 2

    def flush(self) -> None:
        """Onto the disk, or set `fault`."""
        try:
            os.fsync(self._file)
        except OSError as error:
            self.fault = f"the journal on the SUT cannot be written: {error.strerror}"


# --- the load ----------------------------------------------------------------------------------------------------


def stamped() -> dict[str, int]:
    """Both clocks, now."""
    return {"sut_ns": time.monotonic_ns(), "sut_wall_ns": time.time_ns()}


class Load:
    """What one rating interval is of: a command in a session of its own with everything that descends from it, or a
    pause. The waiter that stands between it and the agent reports through a pipe.

    Raises:
        OSError: no waiter could be started.
    """

    def __init__(
        self,
        argv: list[str] | None,
        env: dict[str, str],
        cwd: str,
        marker_path: str,
        duration_s: float,
        cgroup: str | None,
    ) -> None:
        artifacts = os.path.join(cwd or ".", "artifacts")
        self.is_pause = argv is None
        self.pid: int | None = None
        self._outputs = [] if argv is None else [os.path.join(artifacts, name) for name in ("stdout.txt", "stderr.txt")]
        self._overflowed = False
        self.reports, writable = os.pipe()
        agent = os.getpid()
        self.waiter = os.fork()
        if self.waiter == 0:
            try:
                waiter = Waiter(agent, writable)
                environment = {**os.environ, **env, "WATTLAB_MARKERS": marker_path, "WATTLAB_ARTIFACTS": artifacts}
                waiter.work(argv, environment, cwd, self._outputs, duration_s, cgroup)
            finally:
                os._exit(0)
        os.close(writable)
        os.set_blocking(self.reports, False)
        try:
            self.begun = self._wait_begun()
        except OSError:
            self.end_waiter()
            self.close()
            raise

    def _wait_begun(self) -> dict[str, int]:
        """When the interval began: the waiter's first word."""
        if not select.select([self.reports], [], [], WAITER_S)[0]:
            raise OSError(errno.ETIMEDOUT, f"what waits for the command did not begin within {WAITER_S:g} s")
        stamps = os.read(self.reports, BEGUN.size)
        if len(stamps) != BEGUN.size:
            raise OSError(errno.ECHILD, "what waits for the command was killed before it began")
        return dict(zip(("sut_ns", "sut_wall_ns"), BEGUN.unpack(stamps)))

    def read_reports(self) -> dict[str, Any] | None:
        """Take in what the waiter said; its last word where that was there, made up here when it ended without one."""
        try:
            block = os.read(self.reports, 1 << 16)
        except BlockingIOError:
            return None
        if not block:
            return {"ended": stamped(), "code": None, "why": "what waits for the command was killed", **NOTHING}
        reports: list[dict[str, Any]] = [json.loads(line) for line in block.splitlines()]
        self.pid = next((report["pid"] for report in reports if "pid" in report), self.pid)
        return next((report for report in reports if "ended" in report), None)

    def bound_output(self) -> bool:
        """Cut what the command wrote back to MAX_OUTPUT; true the first time that was needed."""
        for path in self._outputs:
            if os.path.exists(path) and os.path.getsize(path) > MAX_OUTPUT:
                os.truncate(path, MAX_OUTPUT)
                first, self._overflowed = not self._overflowed, True
                return first
        return False

    def end_waiter(self) -> None:
        """End the waiter, and with it the command, if they still run."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.waiter, signal.SIGKILL)

    def close(self) -> None:
        """Let go of the pipe."""
        os.close(self.reports)


BEGUN = struct.Struct("=qq")
"""The stamps of the begin, as the waiter says them."""
NOTHING: dict[str, Any] = {"frozen": [], "cpu_s": 0.0}
"""What an end has to say that no waiter told of."""


class Waiter:
    """In a process of its own: starts the command (or the pause), waits for its end, stamps both, and ends."""

    def __init__(self, agent: int, report: int) -> None:
        die_with_parent()
        if os.getppid() != agent:
            os._exit(0)
        self._report = report
        for name in os.listdir("/proc/self/fd"):
            # The agent's socket, lock and journal, and the wires of its relays.
            if int(name) > 2 and int(name) != report:
                with contextlib.suppress(OSError):
                    os.close(int(name))
        self._wake, self._wake_writer = wake_on_signals()
        self._poll = select.poll()
        self._poll.register(self._wake, select.POLLIN)
        self._events: int | None = None
        self._frozen: list[list[int]] = []
        self._halted_ns: dict[str, int] = {}
        gc.disable()

    def work(
        self,
        argv: list[str] | None,
        env: dict[str, str],
        cwd: str,
        outputs: list[str],
        duration_s: float,
        cgroup: str | None,
    ) -> None:
        """Begin, start, wait, report."""
        begun = stamped()
        os.write(self._report, BEGUN.pack(*begun.values()))
        command = None
        if argv is not None:
            try:
                command = start_command(argv, env, cwd, outputs, cgroup)
            except (OSError, ValueError, TypeError, subprocess.SubprocessError) as error:
                self._end(stamped(), 127, f"the command could not be started: {error}")
                return
            self._say({"pid": command.pid})
            self._watch(cgroup)
        until_ns = None if argv is not None else begun["sut_ns"] + int(duration_s * 1e9)
        self._end(*self._wait(command, begun["sut_ns"], until_ns), None)

    def _wait(
        self, command: subprocess.Popen[bytes] | None, looked_ns: int, until_ns: int | None
    ) -> tuple[dict[str, int], int]:
        """The stamps of the end, and the exit code (negative: the signal)."""
        while True:
            due_ns = min(looked_ns + int(TICK_S * 1e9), until_ns or sys.maxsize)
            self._poll.poll(max(0, -((time.monotonic_ns() - due_ns) // 1000000)))
            stamps = stamped()
            now_ns = stamps["sut_ns"]
            if now_ns - due_ns > LATE_S * 1e9:
                self._add_frozen(looked_ns, now_ns)
            looked_ns = now_ns
            with contextlib.suppress(BlockingIOError):
                self._wake.recv(64)
            self._look_at_cgroup(now_ns)
            code = 0 if until_ns is not None and now_ns >= until_ns else self._look_at_command(command, now_ns)
            if code is not None:
                for reason in list(self._halted_ns):
                    self._halt(reason, False, now_ns)
                return stamps, code

    def _look_at_command(self, command: subprocess.Popen[bytes] | None, now_ns: int) -> int | None:
        """Its exit code, null while it runs."""
        while command is not None:
            # Not by Popen, which tells of no stop.
            pid, status = os.waitpid(command.pid, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
            if pid == 0:
                break
            if os.WIFSTOPPED(status) or os.WIFCONTINUED(status):
                self._halt("stopped", os.WIFSTOPPED(status), now_ns)
            else:
                return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        return None

    def _watch(self, cgroup: str | None) -> None:
        if cgroup is not None:
            with contextlib.suppress(OSError):
                self._events = os.open(cgroup + "/cgroup.events", os.O_RDONLY | os.O_CLOEXEC)
                self._poll.register(self._events, select.POLLPRI)

    def _look_at_cgroup(self, now_ns: int) -> None:
        if self._events is not None:
            # Reading is what arms the next notification (Linux, Documentation/admin-guide/cgroup-v2).
            self._halt("frozen", b"frozen 1" in os.pread(self._events, 4096, 0), now_ns)

    def _halt(self, reason: str, is_halted: bool, now_ns: int) -> None:
        since_ns = self._halted_ns.setdefault(reason, now_ns) if is_halted else self._halted_ns.pop(reason, None)
        if not is_halted and since_ns is not None:
            self._add_frozen(since_ns, now_ns)

    def _add_frozen(self, from_ns: int, to_ns: int) -> None:
        if len(self._frozen) < MAX_FROZEN:
            self._frozen.append([from_ns, to_ns])
        else:
            self._frozen[-1][1] = to_ns

    def _end(self, stamps: dict[str, int], code: int | None, why: str | None) -> None:
        self._say({"ended": stamps, "code": code, "why": why, "frozen": self._frozen, "cpu_s": time.process_time()})

    def _say(self, report: dict[str, Any]) -> None:
        os.write(self._report, json.dumps(report, separators=(",", ":")).encode() + b"\n")


def start_command(
    argv: list[str], env: dict[str, str], cwd: str, outputs: list[str], cgroup: str | None
) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own; its output is appended to the two files."""
    os.makedirs(os.path.dirname(outputs[0]), exist_ok=True)
    files = [os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600) for path in outputs]
    return subprocess.Popen(
        argv,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=files[0],
        stderr=files[1],
        start_new_session=True,
        preexec_fn=functools.partial(become_command, cgroup),
    )


def become_command(cgroup: str | None) -> None:
    """In the child: into the control group; and a waiter that is killed takes the command with it."""
    die_with_parent()
    if cgroup is not None:
        with contextlib.suppress(OSError), open(cgroup + "/cgroup.procs", "w") as file:
            file.write("0")


def die_with_parent() -> None:
    """In a child: whoever kills the parent kills it too."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def make_cgroup() -> str | None:
    """A control group (version 2) for the command alone below this process's own, so that who waits for the command
    stands outside it; null where the SUT does not let us, or where limits are set here: a program that looks for them
    in its own group would not find them.
    """
    import glob

    own = next((line[3:] for line in (read_text("/proc/self/cgroup") or "").splitlines() if line[:3] == "0::"), None)
    mounts = [
        line.split(" ") for line in (read_text("/proc/self/mountinfo") or "").splitlines() if " - cgroup2 " in line
    ]
    if own is None or not mounts:
        return None
    parent = (mounts[0][4] + own).rstrip("/")
    limits = [(read_text(parent + "/" + name) or "max").split()[0] for name in ("cpu.max", "memory.max", "memory.high")]
    if any(limit != "max" for limit in limits) or read_text(parent + "/cgroup.subtree_control"):
        return None
    for left in glob.glob(glob.escape(parent) + "/wattlab-[0-9]*"):
        if not os.path.exists("/proc/" + left.rpartition("-")[2]):
            with contextlib.suppress(OSError):
                os.rmdir(left)
    folder = f"{parent}/wattlab-{os.getpid()}"
    try:
        os.mkdir(folder)
    except OSError:
        return None
    return folder


def signal_descendants(psutil: Any, number: int, spared: int | None) -> int:
    """Send a signal to every process below the agent but the waiter (its pid: `spared`); how many. (As subreaper it
    inherits those whose parents died.)"""
    descendants = [process for process in psutil.Process().children(recursive=True) if process.pid != spared]
    for process in descendants:
        try:
            process.send_signal(number)
        except psutil.Error:
            continue
    return len(descendants)


def reap() -> None:
    """Take leave of children that ended: waiters, and those adopted."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


# --- the agent ---------------------------------------------------------------------------------------------------


class Connection:
    """One client of the socket: lines in, bytes out; `pid` is the client's. A client that passes its own two ends of a
    wire (`attach` does) is read and written through those from then on, and need not wake for what passes."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.pid = int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4], sys.byteorder)
        self.passed: list[int] = []
        self.incoming = b""
        self.outgoing = bytearray()
        self.offset: int | None = None
        sock.setblocking(False)

    @property
    def writer(self) -> int:
        """The file that `flush` writes to."""
        return self.passed[1] if self.passed else self.sock.fileno()

    def send(self, message: dict[str, Any]) -> None:
        """Queue one message."""
        self.outgoing += json.dumps(message, separators=(",", ":")).encode() + b"\n"

    def receive(self, file: int) -> list[bytes] | None:
        """Complete lines that arrived on one of the files; null when the other side is gone or sends no lines."""
        try:
            block = os.read(file, 1 << 16) if file in self.passed else self._receive_files()
        except BlockingIOError:
            return []
        except OSError:
            return None
        lines = (self.incoming + block).split(b"\n")
        self.incoming = lines.pop()
        return None if not block or len(self.incoming) > MAX_LINE else lines

    def _receive_files(self) -> bytes:
        files = array.array("i")
        block, passed, _, _ = self.sock.recvmsg(1 << 16, socket.CMSG_LEN(2 * files.itemsize))
        for _, _, content in passed:
            files.frombytes(content)
        for file in files:
            os.set_blocking(file, False)
            os.set_inheritable(file, False)
        self.passed += files
        return block

    def flush(self) -> bool:
        """Send what the link takes; false when the other side is gone."""
        try:
            while self.outgoing:
                del self.outgoing[: os.write(self.writer, self.outgoing)]
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Close every end."""
        self.sock.close()
        for file in self.passed:
            os.close(file)


class Agent:
    """Samples, relays, runs the command: one thread, one loop. Its folder is the working directory."""

    def __init__(self, folder: str, period_s: float, reconnect_s: float, psutil: Any) -> None:
        self._folder, self._psutil = folder, psutil
        self._period_ns, self._reconnect_s = int(period_s * 1e9), reconnect_s
        self._journal = Journal("journal.jsonl")
        self._faulted = False
        self._system = SystemSampler(psutil)
        self._state = StateSampler()
        nvml, gpu_problem = import_nvml()
        self._gpu = None if nvml is None else GpuSampler(nvml, self._note)
        self._describe(gpu_problem)
        self._listener = listen()
        self._wake, self._wake_writer = wake_on_signals()
        os.mkfifo("markers", 0o600)
        # Both ways, so that neither side ever waits for the other to open it.
        self._markers = os.open("markers", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        with contextlib.suppress(OSError):
            # A command that marks while the agent does not read is not to wait for it.
            fcntl.fcntl(self._markers, F_SETPIPE_SZ, MARKER_PIPE)
        self._marker_rest, self._marker_count, self._bad_markers = b"", 0, 0
        self._connections: list[Connection] = []
        self._host: Connection | None = None
        self._answers: dict[Any, dict[str, Any]] = {}
        self._relay_cpu_s = 0.0
        self._relay: tuple[int, float] | None = None  # pid, CPU time in s
        self._load: Load | None = None
        self._cgroup = make_cgroup()
        self._waiter: int | None = None
        self._waiters_cpu_s = 0.0
        self._rating = False
        self._begin_ns: int | None = None
        self._end_reason: str | None = None
        self._killing_since_ns: int | None = None
        self._sampling, self._ending, self._urgent = True, False, False
        self._missed = 0
        self._heard_ns = self._kept_house_ns = self._next_ns = time.monotonic_ns()

    def run(self) -> None:
        """Until the host says bye, falls silent, or a signal comes."""
        while not (self._ending and self._killing_since_ns is None and self._load is None):
            files = {file: c for c in self._connections for file in (c.sock.fileno(), *c.passed[:1])}
            writers = [c.writer for c in self._connections if c.outgoing]
            reports = [] if self._load is None else [self._load.reports]
            watched = [*reports, self._listener.fileno(), self._wake.fileno(), self._markers, *files]
            for ready in select.select(watched, writers, [], self._timeout_s())[0]:
                self._on_readable(ready, files.get(ready))
            now_ns = time.monotonic_ns()
            if self._sampling and now_ns >= self._next_ns:
                self._sample()
            if self._killing_since_ns is not None:
                self._go_on_killing(now_ns)
            self._watch_host(now_ns)
            if now_ns - self._kept_house_ns >= HOUSEKEEPING_S * 1e9:
                self._keep_house(now_ns)
            self._tell_fault()
            self._send()
        self._journal.flush()
        for connection in self._connections:
            connection.flush()
        if self._cgroup is not None:
            with contextlib.suppress(OSError):
                os.rmdir(self._cgroup)

    # - time -

    def _timeout_s(self) -> float:
        now_ns = time.monotonic_ns()
        due_ns = [now_ns + int(10e9)]
        if not self._ending:
            due_ns.append(self._heard_ns + int(self._reconnect_s * 1e9) + 1)
        if self._sampling:
            due_ns.append(self._next_ns)
        if self._killing_since_ns is not None:
            due_ns.append(now_ns + int(KILL_POLL_S * 1e9))
        elif self._load is not None and not (self._sampling and self._period_ns <= HOUSEKEEPING_S * 1e9):
            # Where samples wake it so often, none of its own.
            due_ns.append(self._kept_house_ns + int(HOUSEKEEPING_S * 1e9))
        return max(0.0, (min(due_ns) - now_ns) / 1e9)

    def _sample(self) -> None:
        sut_ns, wall_ns = time.monotonic_ns(), time.time_ns()
        values = self._system.sample()
        values.append(round(self._cpu_s(), 6))
        values += self._state.sample(self._system.busy_s, self._load.pid if self._load else None, self._waiters_cpu_s)
        if self._gpu is not None:
            values += self._gpu.sample()
        self._journal.write({"rec": "sample", "sut_ns": sut_ns, "sut_wall_ns": wall_ns, "values": values})
        late = (time.monotonic_ns() - self._next_ns) // self._period_ns
        self._missed += late
        self._next_ns += (late + 1) * self._period_ns

    def _cpu_s(self) -> float:
        if self._relay is not None:
            try:
                self._relay = self._relay[0], time.clock_gettime(cpu_clock(self._relay[0]))
            except OSError:
                self._leave_relay()
        running_s = 0.0 if self._relay is None else self._relay[1]
        if self._load is not None:
            with contextlib.suppress(OSError):
                running_s += time.clock_gettime(cpu_clock(self._load.waiter))
        return time.process_time() + self._relay_cpu_s + self._waiters_cpu_s + running_s

    def _leave_relay(self) -> None:
        if self._relay is not None:
            self._relay_cpu_s += self._relay[1]
            self._relay = None

    def _keep_house(self, now_ns: int) -> None:
        self._kept_house_ns = now_ns
        if self._load is not None and self._load.bound_output():
            self._note("output-cut", f"the command wrote more than {MAX_OUTPUT} bytes of output; the rest was dropped")

    def _watch_host(self, now_ns: int) -> None:
        silent_s = (now_ns - self._heard_ns) / 1e9
        if silent_s >= self._reconnect_s and not self._ending:
            self._note("dead-man", f"no word of the host for {silent_s:.1f} s: the load is ended, and so is the agent")
            self._end("the link was lost for longer than reconnect_s")

    # - requests -

    def _on_readable(self, file: int, connection: Connection | None) -> None:
        if self._load is not None and file == self._load.reports:
            self._read_reports()
        elif file == self._markers:
            self._read_markers()
        elif file == self._wake.fileno():
            self._on_signal(self._wake.recv(64))
        elif connection is None:
            self._accept()
        elif connection in self._connections:
            lines = connection.receive(file)
            if lines is None:
                self._drop(connection)
                return
            for line in lines:
                if line:
                    self._on_line(connection, line)

    def _accept(self) -> None:
        try:
            self._connections.append(Connection(self._listener.accept()[0]))
        except OSError:
            return  # whoever asked is gone again

    def _drop(self, connection: Connection) -> None:
        self._connections.remove(connection)
        if connection is self._host:
            self._host = None
        connection.close()

    def _on_line(self, connection: Connection, line: bytes) -> None:
        sut_ns, wall_ns = time.monotonic_ns(), time.time_ns()
        try:
            request = json.loads(line)
            number, operation = request["id"], request["op"]
        except (ValueError, KeyError, TypeError):
            connection.send({"error": f"expected a JSON object with id and op, found {ascii(line)[:80]}"})
            return
        if operation == "status":
            connection.send({"id": number, **self._status(sut_ns)})
            return
        if operation == "hello":
            self._adopt(connection)
        elif connection is not self._host:
            connection.send({"id": number, "error": "say hello first"})
            return
        self._heard_ns, self._urgent = sut_ns, True
        if operation == "ping":
            boot_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            connection.send({"id": number, "sut_ns": sut_ns, "sut_wall_ns": wall_ns, "sut_boot_ns": boot_ns})
            return
        if number not in self._answers:
            self._answers[number] = self._answer(operation, request)
        connection.send({"id": number, **self._answers[number]})
        if operation == "hello" and "error" not in self._answers[number]:
            # Behind its answer, so that the host knows the stream from here on.
            connection.offset = request["offset"]

    def _adopt(self, connection: Connection) -> None:
        if self._host is not None and self._host is not connection:
            self._drop(self._host)
        self._host = connection
        self._leave_relay()
        self._relay = connection.pid, 0.0

    def _status(self, now_ns: int) -> dict[str, Any]:
        heard_s = (now_ns - self._heard_ns) / 1e9
        return {"pid": os.getpid(), "connected": self._host is not None, "heard_s": heard_s, "rating": self._rating}

    def _answer(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            if operation == "hello":
                return self._hello(request["offset"])
            if operation == "rate":
                return self._rate(request["argv"], request["env"], request["cwd"], request["duration_s"])
            if operation == "kill":
                self._kill("killed by the host")
                return {}
            if operation == "finish":
                return self._finish()
            if operation == "bye":
                self._end("the host said bye")
                return {}
        except (KeyError, TypeError, AttributeError) as error:
            return {"error": f"request {operation}: {type(error).__name__}: {error}"}
        return {"error": f"unknown operation {ascii(operation)[:40]}"}

    def _hello(self, offset: object) -> dict[str, Any]:
        if not isinstance(offset, int) or not 0 <= offset <= self._journal.size:
            return {"error": f"offset {ascii(offset)[:40]} is outside the journal (0 to {self._journal.size})"}
        return {"size": self._journal.size, "fault": self._journal.fault}

    def _finish(self) -> dict[str, Any]:
        if self._rating:
            return {"error": "the rating interval still runs; kill it or wait for its end"}
        if self._sampling:
            self._sampling = False
            if self._missed:
                self._note("ticks-missed", f"{self._missed} samples were skipped because their time had passed")
            self._journal.flush()
        return {"size": self._journal.size}

    # - the rating interval -

    def _rate(self, argv: list[str] | None, env: dict[str, str], cwd: str, duration_s: float) -> dict[str, Any]:
        if self._rating or self._killing_since_ns is not None:
            return {"error": "a rating interval already runs"}
        if argv is not None and (not argv or not cwd):
            return {"error": "a command needs an argument list and a folder"}
        self._marker_count = self._bad_markers = 0
        self._end_reason = None
        length_s = float(duration_s) if argv is None else 0.0
        try:
            self._load = Load(argv, env, cwd, os.path.join(self._folder, "markers"), length_s, self._cgroup)
        except OSError as error:
            return {"error": f"the rating interval could not begin: {error.strerror}"}
        self._waiter = self._load.waiter
        self._rating = True
        self._begin_ns = self._load.begun["sut_ns"]
        self._phase("begin", self._load.begun)
        return {}

    def _read_reports(self) -> None:
        report = None if self._load is None else self._load.read_reports()
        if self._load is not None and report is not None:
            self._on_ended(self._load, report)

    def _on_ended(self, load: Load, report: dict[str, Any]) -> None:
        self._waiters_cpu_s += report["cpu_s"]
        load.close()
        self._load = None
        if self._rating:
            self._end_rating(report["ended"], report["code"], self._end_reason or report["why"], report["frozen"])
        if self._killing_since_ns is None and not load.is_pause:
            left = signal_descendants(self._psutil, signal.SIGTERM, self._waiter)
            if left:
                self._note("left-running", f"{left} processes of the command outlived it and were ended")
                self._killing_since_ns = time.monotonic_ns()

    def _end_rating(
        self, stamps: dict[str, int], exit_code: int | None, reason: str | None, frozen: list[list[int]]
    ) -> None:
        self._read_markers()
        self._rating = False
        if self._bad_markers > MAX_NOTES:
            self._note("marker-malformed", f"{self._bad_markers} marker lines in all could not be read")
        more = {"exit_code": exit_code, "reason": reason, "begin_ns": self._begin_ns, "frozen": frozen}
        self._phase("end", {**stamps, **more})

    def _phase(self, edge: str, fields: dict[str, Any]) -> None:
        self._journal.write({"rec": "phase", "name": "rating", "edge": edge, **fields})
        self._urgent = True

    def _kill(self, reason: str) -> None:
        if self._load is None or self._killing_since_ns is not None:
            return
        self._end_reason = reason
        self._killing_since_ns = time.monotonic_ns()
        if self._load.is_pause:
            self._leave_load()
        else:
            signal_descendants(self._psutil, signal.SIGTERM, self._waiter)
            # What is stopped hears of nothing until it goes on; the waiter is to tell of the end.
            signal_descendants(self._psutil, signal.SIGCONT, None)

    def _leave_load(self) -> None:
        """End the interval here and now, whatever the waiter does."""
        if self._load is not None:
            self._load.end_waiter()
            self._on_ended(self._load, {"ended": stamped(), "code": None, "why": None, **NOTHING})

    def _go_on_killing(self, now_ns: int) -> None:
        assert self._killing_since_ns is not None
        killing_s = (now_ns - self._killing_since_ns) / 1e9
        reap()
        # Signal 0 only counts; what did not go by TERM goes by KILL.
        left = signal_descendants(self._psutil, signal.SIGKILL if killing_s > TERM_S else 0, self._waiter)
        if (left or self._load is not None) and killing_s > GIVE_UP_S:
            self._note("not-killed", f"{left} processes of the command could not be ended; look at the SUT")
            self._leave_load()
            left = 0
        if left == 0 and self._load is None:
            self._killing_since_ns = None

    def _end(self, reason: str) -> None:
        self._kill(reason)
        self._ending, self._sampling = True, False

    def _on_signal(self, numbers: bytes) -> None:
        if signal.SIGTERM in numbers and not self._ending:
            self._note("ended", "the agent was told to end (SIGTERM)")
            self._end("the agent was told to end (SIGTERM)")
        reap()

    # - markers -

    def _read_markers(self) -> None:
        while True:
            try:
                block = os.read(self._markers, 1 << 16)
            except BlockingIOError:
                return
            lines = (self._marker_rest + block).split(b"\n")
            self._marker_rest = lines.pop()
            if len(self._marker_rest) > MAX_MARKER:
                self._bad_marker(self._marker_rest, f"longer than {MAX_MARKER} bytes")
                self._marker_rest = b""
            for line in lines:
                self._on_marker(line)

    def _on_marker(self, line: bytes) -> None:
        if self._marker_count >= MAX_MARKERS:
            return
        self._marker_count += 1
        if self._marker_count == MAX_MARKERS:
            self._note("markers-cut", f"more than {MAX_MARKERS} marker lines; the rest was dropped")
        try:
            marker = parse_marker(line)
            self._require_stamp(marker["sut_ns"])
        except ValueError as error:
            self._bad_marker(line, str(error))
            return
        self._journal.write({"rec": "marker", **marker})

    def _require_stamp(self, sut_ns: int) -> None:
        """A marker is stamped after its command began and before it is read.

        Raises:
            ValueError: this one was not, by this machine's monotonic clock.
        """
        now_ns = time.monotonic_ns()
        if self._begin_ns is None or not self._begin_ns <= sut_ns <= now_ns:
            raise ValueError(
                f"sut_ns is {sut_ns}, but by CLOCK_MONOTONIC (time.monotonic_ns() in Python), which it has to be, the "
                f"command began at {self._begin_ns} and now it is {now_ns}"
            )

    def _bad_marker(self, line: bytes, why: str) -> None:
        self._bad_markers += 1
        if self._bad_markers <= MAX_NOTES:
            self._note("marker-malformed", f"{why}: {line!a:.200}")

    # - the journal and the host -

    def _describe(self, gpu_problem: str | None) -> None:
        columns = [
            *self._system.columns,
            column("agent_cpu_s", "s", "CPU time of the agent, waiter and relay", "process CPU clocks", "counter"),
            *self._state.columns,
        ]
        if self._gpu is not None:
            columns += self._gpu.columns
        self._journal.write({"rec": "descriptor", **stamped(), "period_s": self._period_ns / 1e9, "columns": columns})
        if gpu_problem:
            self._note("no-gpu", gpu_problem)

    def _note(self, code: str, text: str) -> None:
        self._journal.write({"rec": "note", "code": code, "text": text, **stamped()})
        self._urgent = True

    def _tell_fault(self) -> None:
        if self._journal.fault is not None and not self._faulted:
            self._faulted = True
            self._sampling = False
            if self._host is not None:
                self._host.send({"fault": self._journal.fault})
            self._kill(self._journal.fault)

    def _is_far_behind(self, offset: int) -> bool:
        return self._journal.size - offset > SEND_AHEAD // 2

    def _send(self) -> None:
        host = self._host
        # Samples and markers wait for the answer to the next heartbeat: one packet a second, also at 10 ms.
        if host is not None and host.offset is not None and (self._urgent or self._is_far_behind(host.offset)):
            while host.offset < self._journal.size and len(host.outgoing) < SEND_AHEAD:
                for line in self._journal.read(host.offset).splitlines(True):
                    host.offset += len(line)
                    host.outgoing += b'{"at":%d,"journal":%s}\n' % (host.offset, line[:-1])
            self._urgent = host.offset < self._journal.size
        for connection in list(self._connections):
            if connection.outgoing and not connection.flush():
                self._drop(connection)


def parse_marker(line: bytes) -> dict[str, Any]:
    """A marker line -> its fields, nothing added.

    Raises:
        ValueError: what is wrong with it.
    """
    try:
        marker = json.loads(line, object_pairs_hook=once)
    except TwiceError:
        raise
    except (ValueError, RecursionError):
        raise ValueError("not a JSON line") from None
    if not isinstance(marker, dict):
        raise ValueError("not a JSON object")
    name, edge, index = marker.get("action"), marker.get("edge"), marker.get("index", 0)
    if not isinstance(name, str) or not name or edge not in ("begin", "end"):
        raise ValueError("action and edge (begin, end) are missing")
    if not is_whole(index, 0, 1 << 31):
        raise ValueError("index is no whole number from 0 to 2^31")
    if not all(is_whole(marker.get(key), 0, 1 << 62) for key in ("sut_ns", "sut_wall_ns")):
        raise ValueError("sut_ns and sut_wall_ns are missing, or no whole numbers of nanoseconds")
    metrics, code = marker.get("metrics") or {}, marker.get("exit_code")
    if not isinstance(metrics, dict) or not (code is None or is_whole(code, -(1 << 31), 1 << 31)):
        raise ValueError("metrics is no object, or exit_code no number")
    if not is_flat(metrics, MAX_DEPTH):
        raise ValueError(f"metrics hold lists or objects more than {MAX_DEPTH} deep in each other")
    stamps = {"sut_ns": marker["sut_ns"], "sut_wall_ns": marker["sut_wall_ns"]}
    return {"action": name, "index": index, "edge": edge, "metrics": metrics, "exit_code": code, **stamps}


class TwiceError(ValueError):
    """A name stands twice in one object: of two, readers take either (RFC 8259, 4)."""


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose every name stands once.

    Raises:
        TwiceError: one stands twice.
    """
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        raise TwiceError(f"the name {next(name for name in names if names.count(name) > 1)[:60]!a} stands twice")
    return value


def is_whole(value: object, least: int, beyond: int) -> bool:
    """Whether a decoded JSON value is a whole number, `least` or more and below `beyond`."""
    return type(value) is int and least <= value < beyond


def is_flat(value: object, depth: int) -> bool:
    """Whether a decoded JSON value has at most `depth` lists or objects in each other."""
    if not isinstance(value, (dict, list)):
        return True
    return depth > 0 and all(
        is_flat(part, depth - 1) for part in (value.values() if isinstance(value, dict) else value)
    )


def listen() -> socket.socket:
    """The socket agent.sock in the working directory (a path of any depth does not fit an address), for this user."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind("agent.sock")
    finally:
        os.umask(mask)
    listener.listen(4)
    listener.setblocking(False)
    return listener


def wake_on_signals() -> tuple[socket.socket, socket.socket]:
    """A socket that is readable when a child ended or SIGTERM came (its bytes: signal numbers), and its other end."""
    readable, writable = socket.socketpair()
    for end in (readable, writable):
        end.setblocking(False)
    signal.set_wakeup_fd(writable.fileno(), warn_on_full_buffer=False)
    # Handlers, not SIG_IGN: the command would inherit that.
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    return readable, writable


# --- the commands ------------------------------------------------------------------------------------------------


def serve(folder: str, period_s: float, reconnect_s: float) -> None:
    """Start an agent in `folder`, detached from the login, and say "ready" on standard output when it listens."""
    psutil, problem = import_psutil()
    if psutil is None:
        sys.exit(problem)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    os.chdir(folder)
    told, tell = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.close(told)
            try:
                serve_detached(os.getcwd(), period_s, reconnect_s, psutil, tell)
            finally:
                os._exit(0)
        os._exit(0)
    os.close(tell)
    os.wait()
    with os.fdopen(told) as answer:
        said = answer.read()
    if said != "ready":
        sys.exit(
            "the agent did not start in {}: {}".format(folder, said or read_text("agent.err") or "no reason given")
        )
    print("ready")


def serve_detached(folder: str, period_s: float, reconnect_s: float, psutil: Any, tell: int) -> None:
    """In the detached process: standard streams away from the login, the lock that says this agent lives, the loop."""
    errors = os.open("agent.err", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number, target in ((0, os.open(os.devnull, os.O_RDWR)), (1, errors), (2, errors)):
        os.dup2(target, number)
    try:
        lock = os.open("agent.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(lock, str(os.getpid()).encode())
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)
        agent = Agent(folder, period_s, reconnect_s, psutil)
    except Exception as error:
        os.write(tell, (f"{type(error).__name__}: {error}").encode()[:4096])
        raise
    os.write(tell, b"ready")
    os.close(tell)
    agent.run()


def attach(folder: str) -> None:
    """Pass standard input and output to the agent, and stay until it lets go of them."""
    os.chdir(folder)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.connect("agent.sock")
        # A line of its own carries them; the agent reads over it.
        sock.sendmsg([b"\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1]))])
        while sock.recv(1):
            pass
    except OSError as error:
        sys.exit(f"no agent listens in {folder} ({error})")


def agent_of(folder: str) -> int | None:
    """The pid of the agent that lives in `folder`; null when none does."""
    try:
        lock = os.open(os.path.join(folder, "agent.lock"), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.read(lock, 20) or b"0") or None
    finally:
        os.close(lock)
    return None


def status_of(folder: str) -> dict[str, Any] | None:
    """What the agent in `folder` says of itself; null when it does not answer within 3 s."""
    os.chdir(folder)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(3.0)
        try:
            sock.connect("agent.sock")
            sock.sendall(b'{"id":0,"op":"status"}\n')
            answer: dict[str, Any] = json.loads(sock.makefile("rb").readline(MAX_LINE))
        except (OSError, ValueError):
            return None
    return answer


def end_agent(folder: str) -> None:
    """End the agent in `folder` and its load: TERM, and KILL when that took longer than the load may take."""
    for number, patience_s in ((signal.SIGTERM, 2 * TERM_S), (signal.SIGKILL, TERM_S)):
        pid = agent_of(folder)
        if pid is None:
            return
        for signal_number in (number, signal.SIGCONT):  # a stopped agent hears of nothing until it goes on
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal_number)
        end = time.monotonic() + patience_s
        while agent_of(folder) is not None and time.monotonic() < end:
            time.sleep(0.02)


def remove(folder: str) -> dict[str, bool]:
    """End the agent of a run's folder and remove the folder; {"removed": whether it is gone}."""
    end_agent(os.path.join(folder, "agent"))
    shutil.rmtree(folder, ignore_errors=True)
    return {"removed": not os.path.lexists(folder)}


def sweep(root: str, look: bool) -> dict[str, list[dict[str, Any]]]:
    """Folders of earlier runs below `root`: {"busy": those with a host, "left": the others}; without `look`, the others
    are ended and removed."""
    found: dict[str, list[dict[str, Any]]] = {"busy": [], "left": []}
    root = os.path.abspath(root)
    for name in sorted(os.listdir(root)) if os.path.isdir(root) else []:
        folder = os.path.join(root, name)
        if not stat.S_ISDIR(os.lstat(folder).st_mode):
            continue
        alive = agent_of(os.path.join(folder, "agent")) is not None
        status = status_of(os.path.join(folder, "agent")) if alive else None
        busy = status is not None and status["connected"] and status["heard_s"] < ORPHAN_S
        found["busy" if busy else "left"].append({"name": name, "alive": alive})
        if not busy and not look:
            remove(folder)
    return found


def main() -> None:
    """Parse the command line and do what it says."""
    parser = argparse.ArgumentParser(description="wattlab's agent on the system under test")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("facts").add_argument("--folder", default=".")
    surveyor = commands.add_parser("survey")
    surveyor.add_argument("--folder", required=True)
    surveyor.add_argument("--root", required=True)
    surveyor.add_argument("--system", default="")
    server = commands.add_parser("serve")
    server.add_argument("--folder", required=True)
    server.add_argument("--period", type=float, required=True)
    server.add_argument("--reconnect", type=float, required=True)
    commands.add_parser("attach").add_argument("--folder", required=True)
    commands.add_parser("remove").add_argument("--folder", required=True)
    sweeper = commands.add_parser("sweep")
    sweeper.add_argument("--root", required=True)
    sweeper.add_argument("--look", action="store_true")
    arguments = parser.parse_args()
    if arguments.command == "facts":
        print(json.dumps(facts(arguments.folder)))
    elif arguments.command == "survey":
        print(json.dumps(survey(arguments.folder, arguments.root, arguments.system)))
    elif arguments.command == "serve":
        serve(arguments.folder, arguments.period, arguments.reconnect)
    elif arguments.command == "attach":
        attach(arguments.folder)
    elif arguments.command == "remove":
        print(json.dumps(remove(arguments.folder)))
    elif arguments.command == "sweep":
        print(json.dumps(sweep(arguments.root, arguments.look)))
    else:
        parser.error("name a command")


if __name__ == "__main__":
    main()
