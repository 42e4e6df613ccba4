"""The state of the SUT before a campaign, as raw texts and counts, in one answer.

Knows which files, commands and processes say it. Does not judge: what they mean is the host's business
(`harness.station.conditions`).
"""

from __future__ import annotations

import errno
import os
import subprocess
import time
from typing import Any

from harness.sut.agent.facts import facts
from harness.sut.agent.nvml import asked, import_nvml, scaled
from harness.sut.agent.run_folders import sweep
from harness.sut.agent.small_files import CPU_FILES, read_text

SURVEY_S = 2.0
"""Over so many seconds the CPU time of every process is counted."""
SURVEY_TEXT_BYTES = 1 << 13
SURVEY_COMMAND_S = 5.0
SURVEY_TEXTS = (
    *("/proc/" + name for name in ("swaps", "cpuinfo")),
    *(CPU_FILES + name for name in ("offline", "cpufreq/boost", "cpuidle/current_driver")),
    *(CPU_FILES + "intel_pstate/" + name for name in ("no_turbo", "max_perf_pct")),
    CPU_FILES + "cpu[0-9]*/cpufreq/scaling_[gdm]*",
    CPU_FILES + "cpu[0-9]*/cpufreq/cpuinfo_max_freq",
    *(CPU_FILES + "cpu0/cpuidle/state*/" + name for name in ("name", "disable")),
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
