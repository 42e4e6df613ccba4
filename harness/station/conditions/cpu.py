"""How fast the CPU may run, and whether it is one: governor, turbo, limits of the clock, C-states, a virtual machine.

Knows cpufreq, cpuidle and intel_pstate of Linux, and what each means for a power measurement.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from harness.station.conditions.diagnosis import Diagnosis, every, number, some, unknown

CPU = "/sys/devices/system/cpu"


def of_cpu(texts: Mapping[str, str]) -> Iterator[Diagnosis]:
    """Every remark about its speed."""
    yield from _governor(texts)
    yield from _turbo(texts)
    yield from _frequency_limits(texts)
    yield from _idle_states(texts)
    yield from _virtual(texts)


def _governor(texts: Mapping[str, str]) -> Iterator[Diagnosis]:
    found = Counter(every(texts, CPU + r"/cpu\d+/cpufreq/scaling_governor"))
    driver = texts.get(f"{CPU}/cpu0/cpufreq/scaling_driver", "").strip()
    if not found:
        yield unknown("governor", "CPU governor", "this kernel shows no cpufreq")
    elif len(found) > 1:
        mixed = ", ".join(f"{count} x {name}" for name, count in found.most_common())
        text = f"CPU governors differ: {mixed}; set one for all (cpupower frequency-set -g performance)"
        yield Diagnosis("governor", "warn", text)
    elif "performance" in found:
        yield Diagnosis("governor", "info", f"CPU governor performance on all CPUs ({driver or 'driver not known'})")
    else:
        text = (
            f"CPU governor {next(iter(found))} ({driver or 'driver not known'}): the clock follows the load, so runs "
            "spread more; set performance (cpupower frequency-set -g performance), or leave it for all runs alike"
        )
        yield Diagnosis("governor", "warn", text)


def _turbo(texts: Mapping[str, str]) -> Iterator[Diagnosis]:
    off, boost = texts.get(f"{CPU}/intel_pstate/no_turbo", "").strip(), texts.get(f"{CPU}/cpufreq/boost", "").strip()
    if not off and not boost:
        yield unknown("turbo", "turbo", "neither intel_pstate/no_turbo nor cpufreq/boost is there")
    elif off == "1" or (not off and boost == "0"):
        yield Diagnosis("turbo", "info", "turbo is off")
    else:
        file, value = (f"{CPU}/intel_pstate/no_turbo", 1) if off else (f"{CPU}/cpufreq/boost", 0)
        text = (
            "turbo is on: how long it lasts depends on temperature, so runs spread more; "
            f"write {value} to {file}, or leave it for all runs alike"
        )
        yield Diagnosis("turbo", "warn", text)


def _frequency_limits(texts: Mapping[str, str]) -> Iterator[Diagnosis]:
    limited = []
    for path, text in texts.items():
        highest = texts.get(path.replace("scaling_max_freq", "cpuinfo_max_freq"), "")
        if path.endswith("/scaling_max_freq") and number(text) < number(highest):
            limited.append(f"{path.split('/')[-3]} at {number(text) / 1e6:.2f} of {number(highest) / 1e6:.2f} GHz")
    percent = texts.get(f"{CPU}/intel_pstate/max_perf_pct", "100").strip()
    if percent != "100":
        limited.append(f"intel_pstate at {percent} %")
    offline = texts.get(f"{CPU}/offline", "").strip()
    if offline:
        text = f"CPUs {offline} are offline; switch them on, or say so in sut.description"
        yield Diagnosis("cpus-offline", "warn", text)
    if limited:
        text = f"the CPU's clock is limited: {some(limited)}; lift the limit, or say so in sut.description"
        yield Diagnosis("frequency-limit", "warn", text)
    elif every(texts, CPU + r"/cpu\d+/cpufreq/scaling_max_freq"):
        yield Diagnosis("frequency-limit", "info", "the CPU's clock is not limited")


def _idle_states(texts: Mapping[str, str]) -> Iterator[Diagnosis]:
    driver = texts.get(f"{CPU}/cpuidle/current_driver", "").strip()
    states = {
        name.strip(): texts.get(path.replace("/name", "/disable"), "0").strip() != "0"
        for path, name in texts.items()
        if re.fullmatch(CPU + r"/cpu0/cpuidle/state\d+/name", path)
    }
    if not states:
        yield unknown("idle-states", "C-states", "this kernel shows no cpuidle")
        return
    off = [name for name, is_off in states.items() if is_off]
    if off:
        text = f"C-states {', '.join(off)} are switched off: idle power is higher than usual; switch them on again"
        yield Diagnosis("idle-states", "warn", text)
    else:
        yield Diagnosis("idle-states", "info", f"C-states {', '.join(states)} ({driver})")


def _virtual(texts: Mapping[str, str]) -> Iterator[Diagnosis]:
    if re.search(r"^flags\s*:.*\bhypervisor\b", texts.get("/proc/cpuinfo", ""), re.MULTILINE):
        text = (
            "it is a virtual machine: a meter sees the machine beneath it with all its guests; "
            "measure on the machine itself"
        )
        yield Diagnosis("virtual", "warn", text)
