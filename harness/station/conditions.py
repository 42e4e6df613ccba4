"""What a machine's own texts say about its state, and which of it would spoil a measurement: a list of remarks.

Knows the texts that `harness.sut.agent.survey` brings (procfs, sysfs, a few commands that only look) and what each
means for a power measurement. Knows no wire and no campaign. What a machine does not say is "not known", never guessed.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from harness.record.documents import Json, Thresholds, facts_of_sut, foreign_load_grade
from harness.station.timers import cron_due, timers_due

CPU = "/sys/devices/system/cpu"
HOT_C = 70.0
"""A machine at rest that is warmer is not settled; the limit of a sensor minus NEAR_LIMIT_K counts as well."""
NEAR_LIMIT_K = 15.0
HIDDEN = "processes of others are hidden from this login"
SHOWN = 4
"""So many of a kind are named, the others are counted."""
PACKAGE_TOOLS = frozenset(
    {"apt", "apt-get", "aptitude", "dpkg", "dnf", "yum", "rpm", "zypper", "pacman", "packagekitd"}
)
CLOCK_TOOLS = {
    "chronyd": "chrony", "systemd-timesyn": "systemd-timesyncd", "ntpd": "ntpd", "ntpdate": "ntpdate",
    "openntpd": "openntpd",
}  # fmt: skip
"""Name of the process (15 characters, proc(5)) -> what people call it."""
THROTTLE = {
    0x4: "its power limit", 0x8: "hardware slowdown", 0x20: "its temperature (software)",
    0x40: "its temperature (hardware)", 0x80: "the power brake",
}  # fmt: skip
"""Bits of nvmlClocksEventReasons that mean less than full speed (nvml.h)."""
SOFTWARE = {"kernel": "kernel", "os": "operating system", "firmware": "firmware", "cpu_governor": "CPU governor"}
MACHINE = {"hostname": "host name", "board": "main board", "cpu": "CPU", "memory_kib": "memory in KiB"}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Something about a machine worth knowing before a start; `refuse` forbids it, `unknown`: the machine does not
    say."""

    code: str
    severity: Literal["refuse", "warn", "unknown", "info"]
    text: str


def of_state(state: Json, horizon_s: float, limits: Thresholds) -> Iterator[Diagnosis]:
    """Every remark about the state of a machine (`harness.sut.agent.survey`) before a campaign of `horizon_s` seconds
    that is judged by `limits`."""
    texts: Mapping[str, str] = state["texts"]
    yield from _governor(texts)
    yield from _turbo(texts)
    yield from _frequency_limits(texts)
    yield from _idle_states(texts)
    yield from _virtual(texts)
    yield from of_supply(texts)
    yield from _temperature(texts)
    yield from _gpus(state["gpus"])
    yield from of_clock_tools(state)
    yield from of_foreign_load(state, limits)
    yield from of_swap(texts)
    yield from of_updates(state)
    yield from _users(state)
    yield from _timers(state, horizon_s)
    yield from _cron(state, horizon_s)


# --- speed of the CPU ---


def _governor(texts: Mapping[str, str]) -> Iterator[Diagnosis]:
    found = Counter(_every(texts, CPU + r"/cpu\d+/cpufreq/scaling_governor"))
    driver = texts.get(f"{CPU}/cpu0/cpufreq/scaling_driver", "").strip()
    if not found:
        yield _unknown("governor", "CPU governor", "this kernel shows no cpufreq")
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
        yield _unknown("turbo", "turbo", "neither intel_pstate/no_turbo nor cpufreq/boost is there")
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
        if path.endswith("/scaling_max_freq") and _number(text) < _number(highest):
            limited.append(f"{path.split('/')[-3]} at {_number(text) / 1e6:.2f} of {_number(highest) / 1e6:.2f} GHz")
    percent = texts.get(f"{CPU}/intel_pstate/max_perf_pct", "100").strip()
    if percent != "100":
        limited.append(f"intel_pstate at {percent} %")
    offline = texts.get(f"{CPU}/offline", "").strip()
    if offline:
        text = f"CPUs {offline} are offline; switch them on, or say so in sut.description"
        yield Diagnosis("cpus-offline", "warn", text)
    if limited:
        text = f"the CPU's clock is limited: {_some(limited)}; lift the limit, or say so in sut.description"
        yield Diagnosis("frequency-limit", "warn", text)
    elif _every(texts, CPU + r"/cpu\d+/cpufreq/scaling_max_freq"):
        yield Diagnosis("frequency-limit", "info", "the CPU's clock is not limited")


def _idle_states(texts: Mapping[str, str]) -> Iterator[Diagnosis]:
    driver = texts.get(f"{CPU}/cpuidle/current_driver", "").strip()
    states = {
        name.strip(): texts.get(path.replace("/name", "/disable"), "0").strip() != "0"
        for path, name in texts.items()
        if re.fullmatch(CPU + r"/cpu0/cpuidle/state\d+/name", path)
    }
    if not states:
        yield _unknown("idle-states", "C-states", "this kernel shows no cpuidle")
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


# --- power and heat ---


def of_supply(texts: Mapping[str, str]) -> Iterator[Diagnosis]:
    """Batteries and mains adapters (power_supply class); those of mice and headsets do not count."""
    folders = {path.rsplit("/", 1)[0] for path in texts if path.startswith("/sys/class/power_supply/")}
    supplies = [
        {key: texts.get(f"{folder}/{key}", "").strip() for key in ("type", "online", "status", "scope", "capacity")}
        for folder in sorted(folders)
    ]
    supplies = [supply for supply in supplies if supply["scope"] != "Device"]
    batteries = [supply for supply in supplies if supply["type"] == "Battery"]
    mains = [supply for supply in supplies if supply["type"] in ("Mains", "USB")]
    if not batteries:
        yield Diagnosis("battery", "info", "no battery")
        return
    status = batteries[0]["status"] or "status not known"
    charge = f"{batteries[0]['capacity']} %" if batteries[0]["capacity"] else "charge not known"
    if status == "Discharging" or (mains and all(supply["online"] == "0" for supply in mains)):
        text = f"it runs on its battery ({charge}): a meter at the wall sees nothing of it; connect the mains"
        yield Diagnosis("battery", "refuse", text)
    elif status == "Charging":
        text = f"its battery is charging ({charge}): the meter measures that too; wait until it is full"
        yield Diagnosis("battery", "warn", text)
    else:
        text = f"it has a battery ({status}, {charge}), which can hide load from the meter; take it out where it can be"
        yield Diagnosis("battery", "warn", text)


def _temperature(texts: Mapping[str, str]) -> Iterator[Diagnosis]:
    found = dict(_sensors(texts))
    if not found:
        yield _unknown("temperature", "temperature", "there is neither a hwmon nor a thermal sensor")
        return
    hot = [name for name, (value_c, limit_c) in found.items() if value_c >= min(HOT_C, limit_c - NEAR_LIMIT_K)]
    shown = [f"{name} {found[name][0]:.0f} °C" for name in sorted(found, key=lambda name: -found[name][0])]
    if hot:
        text = f"{_some([one for one in shown if one.rsplit(' ', 2)[0] in hot])}: let it cool before the first baseline"
        yield Diagnosis("temperature", "warn", text)
    else:
        yield Diagnosis("temperature", "info", _some(shown))


def _sensors(texts: Mapping[str, str]) -> Iterator[tuple[str, tuple[float, float]]]:
    """(name, (value, limit)) in degrees Celsius of every sensor; sysfs has thousandths. No limit is infinity."""
    for path, text in texts.items():
        value_c = _number(text) / 1000.0
        # -273.15 and below, 0 and the 127.875 of unconnected chips are no temperatures of a running machine.
        if not 0.0 < value_c < 125.0:
            continue
        if match := re.fullmatch(r"(/sys/class/hwmon/(hwmon\d+))/(temp\d+)_input", path):
            folder, chip, sensor = match.groups()
            label = texts.get(f"{folder}/{sensor}_label", sensor).strip()
            limit = texts.get(f"{folder}/{sensor}_crit")
            limit_c = _number(limit) / 1000.0 if limit else float("inf")
            yield f"{texts.get(f'{folder}/name', chip).strip()} {label}", (value_c, limit_c if limit_c > 0 else 1e9)
        elif match := re.fullmatch(r"(/sys/class/thermal/(thermal_zone\d+))/temp", path):
            yield texts.get(f"{match[1]}/type", match[2]).strip(), (value_c, float("inf"))


# --- GPUs ---


def _gpus(gpus: list[Json]) -> Iterator[Diagnosis]:
    for gpu in gpus:
        remarks = list(_of_gpu(gpu))
        yield from remarks
        unknown = [
            words
            for key, words in (("persistence", "persistence mode"), ("applications_clock_mhz", "application clock"))
            if gpu[key] is None
        ]
        if unknown:
            yield _unknown("gpu-state", f"GPU {gpu['index']}: {' and '.join(unknown)}", "driver or board do not say")
        elif not remarks:
            clock = f"application clock {gpu['applications_clock_mhz']} MHz"
            yield Diagnosis("gpu-state", "info", f"GPU {gpu['index']}: persistence mode on, {clock}, not slowed down")


def _of_gpu(gpu: Json) -> Iterator[Diagnosis]:
    name = f"GPU {gpu['index']}"
    if gpu["persistence"] == 0:
        text = f"{name}: persistence mode is off, the driver reloads between runs; `nvidia-smi -pm 1` keeps it"
        yield Diagnosis("gpu-persistence", "warn", text)
    clock, usual = gpu["applications_clock_mhz"], gpu["default_clock_mhz"]
    if clock is not None and usual is not None and clock != usual:
        text = f"{name}: application clock {clock} MHz, the board's own is {usual} MHz; `nvidia-smi -rac` resets it"
        yield Diagnosis("gpu-clock", "warn", text)
    limit, default = gpu["power_limit_w"], gpu["default_limit_w"]
    if limit is not None and default is not None and limit != default:
        text = f"{name}: power limit {limit:g} W, the board's own is {default:g} W; say so in sut.description"
        yield Diagnosis("gpu-power-limit", "warn", text)
    slowed = [words for bit, words in THROTTLE.items() if (gpu["throttle_reasons"] or 0) & bit]
    if slowed:
        text = f"{name}: slowed down by {', '.join(slowed)} before anything runs; see to its cooling and its supply"
        yield Diagnosis("gpu-throttled", "warn", text)
    if gpu["compute_processes"]:
        text = f"{name}: {gpu['compute_processes']} programs use it; end them (`nvidia-smi` lists them)"
        yield Diagnosis("gpu-in-use", "warn", text)
    if gpu["temperature_c"] is not None and gpu["temperature_c"] >= HOT_C:
        text = f"{name}: {gpu['temperature_c']} °C: let it cool before the first baseline"
        yield Diagnosis("gpu-temperature", "warn", text)


# --- what else runs ---


def of_clock_tools(state: Json) -> Iterator[Diagnosis]:
    """Who sets the clock of a machine, and whether it is synchronised."""
    tools = sorted({CLOCK_TOOLS[p["name"]] for p in state["processes"] if p["name"] in CLOCK_TOOLS})
    if len(tools) > 1:
        text = f"{' and '.join(tools)} both set the clock, against each other; stop all but one"
        yield Diagnosis("clock-tools", "warn", text)
    synchronised = _synchronised(state["commands"])
    by = f" by {' and '.join(tools)}" if tools else ""
    if synchronised:
        yield Diagnosis("clock-sync", "info", f"the clock is synchronised{by}")
    elif synchronised is False:
        text = f"the clock is not synchronised{' yet' if tools else ''}; dates in files may be wrong: is NTP reachable?"
        yield Diagnosis("clock-sync", "warn", text)
    else:
        none = "nothing that sets the clock runs" if state["sees_all"] else HIDDEN
        none = none if not tools else f"{' and '.join(tools)} says nothing"
        yield _unknown("clock-sync", "clock synchronisation", none)


def _synchronised(commands: Mapping[str, Json]) -> bool | None:
    """What timedatectl, chronyc and ntpq say; the first that answers counts. None: none of them says."""
    for name, pattern in (
        ("chrony", r"^Leap status\s*:\s*(?!Not synchronised)\S"),
        ("clock", r"^NTPSynchronized=yes$"),
        ("ntp", r"^[*o]\S"),
    ):
        if commands[name]["code"] == 0 and commands[name]["output"].strip():
            return re.search(pattern, commands[name]["output"], re.MULTILINE) is not None
    return None


def of_foreign_load(state: Json, limits: Thresholds) -> Iterator[Diagnosis]:
    """CPU time of everything but the question itself, as a share of all cores: its size decides (`limits`)."""
    before, after = (_times(line) for line in state["stat"])
    if before is None or after is None or after[0] <= before[0]:
        yield _unknown("foreign-load", "foreign load", "/proc/stat cannot be read")
        return
    ticks = after[0] - before[0]
    busy_percent = 100.0 * (ticks - (after[1] - before[1])) / ticks
    all_cores_s = ticks * float(state["tick_s"])
    own_s = float(state["children_cpu_s"]) + sum(p["cpu_s"] for p in state["processes"] if p["own"])
    own_percent = 100.0 * own_s / all_cores_s
    foreign_percent = max(0.0, busy_percent - own_percent)
    grade = foreign_load_grade(foreign_percent, 0.0, limits)
    if grade is None:
        yield Diagnosis("foreign-load", "info", f"other processes take {foreign_percent:.1f} % of all cores")
        return
    others: dict[str, float] = defaultdict(float)
    for process in state["processes"]:
        if not process["own"] and process["cpu_s"] > 0:
            others[process["name"]] += process["cpu_s"]
    top = [
        f"{name} {100.0 * cpu_s / all_cores_s:.1f} %"
        for name, cpu_s in sorted(others.items(), key=lambda one: -one[1])[:SHOWN]
    ]
    found = f"other processes take {foreign_percent:.1f} % of all cores ({', '.join(top) or 'which ones is not known'})"
    if grade == "warn":
        yield Diagnosis("foreign-load", "warn", f"{found}; see what they are, and end them")
    else:
        most = f"above {limits.foreign_load_invalid_percent:g} % (thresholds.foreign_load_invalid_percent)"
        yield Diagnosis("foreign-load", "refuse", f"{found}; {most} no run is begun: see what they are, and end them")


def _times(line: str) -> tuple[int, int] | None:
    """(all, idle and iowait) ticks of the line `cpu` of /proc/stat; guest time is in user time already (proc(5))."""
    words = line.split()
    if len(words) < 9 or words[0] != "cpu" or not all(word.isdigit() for word in words[1:9]):
        return None
    ticks = [int(word) for word in words[1:9]]
    return sum(ticks), ticks[3] + ticks[4]


def of_swap(texts: Mapping[str, str]) -> Iterator[Diagnosis]:
    """Swap in use: memory that is not where it should be, and disk traffic that is not the workload's."""
    text = texts.get("/proc/swaps")
    if text is None:
        yield _unknown("swap", "swap", "/proc/swaps cannot be read")
        return
    used_kib = sum(_number(words[3]) for line in text.splitlines()[1:] if len(words := line.split()) >= 4)
    if used_kib > 0:
        said = f"{used_kib / 1024:.0f} MiB of swap are in use; `swapoff -a` before the campaign, or more memory"
        yield Diagnosis("swap", "warn", said)
    else:
        yield Diagnosis("swap", "info", "no swap is in use")


def of_updates(state: Json) -> Iterator[Diagnosis]:
    """Package tools that run, updates that come by themselves, a restart that is due."""
    running = sorted({p["name"] for p in state["processes"] if p["name"] in PACKAGE_TOOLS or _is_upgrading(p)})
    if running:
        text = f"packages are being changed ({', '.join(running)}); wait for the end"
        yield Diagnosis("updates-running", "warn", text)
    elif not state["sees_all"]:
        yield _unknown("updates-running", "whether packages are being changed", HIDDEN)
    automatic = []
    apt = state["commands"]["apt"]
    for setting in re.findall(r'^APT::Periodic::(\S+) "([^"]*)";$', apt["output"], re.MULTILINE):
        if setting[0] in ("Unattended-Upgrade", "Update-Package-Lists", "Download-Upgradeable-Packages"):
            automatic += [f"APT::Periodic::{setting[0]}"] if setting[1] not in ("", "0") else []
    automatic += ["snapd"] if any(p["name"] == "snapd" for p in state["processes"]) else []
    if automatic:
        text = f"updates come by themselves ({', '.join(automatic)}); switch them off while the campaign lasts"
        yield Diagnosis("updates-automatic", "warn", text)
    elif apt["code"] is None:
        yield _unknown("updates-automatic", "automatic updates", "no apt; timers of other tools are listed with timers")
    else:
        yield Diagnosis("updates-automatic", "info", "no automatic updates")
    if "/run/reboot-required" in state["texts"]:
        wanted = state["texts"].get("/run/reboot-required.pkgs", "").split()
        by = f" ({_some(sorted(set(wanted)))})" if wanted else ""
        text = f"it waits for a restart{by}: the kernel that runs is not the installed one; restart it first"
        yield Diagnosis("reboot", "warn", text)


def _is_upgrading(process: Json) -> bool:
    """unattended-upgrades at work; its watcher `unattended-upgrade-shutdown` waits on every Debian and Ubuntu."""
    return any(word in ("unattended-upgrade", "unattended-upgrades") for word in process["words"])


def _users(state: Json) -> Iterator[Diagnosis]:
    who = state["commands"]["users"]
    if who["code"] != 0:
        yield _unknown("users", "other users", who["error"])
        return
    found = Counter(line.split()[0] for line in who["output"].splitlines() if line.split())
    if found:
        names = [f"{name} ({count} terminals)" if count > 1 else name for name, count in found.items()]
        text = f"logged in: {_some(names)}; ask them to leave it alone, or log out"
        yield Diagnosis("users", "warn", text)
    else:
        yield Diagnosis("users", "info", "nobody is logged in at a terminal")


def _timers(state: Json, horizon_s: float) -> Iterator[Diagnosis]:
    timers = state["commands"]["timers"]
    if timers["code"] != 0:
        yield _unknown("timers", "systemd's timers", (timers["error"].splitlines() or ["no answer"])[0])
        return
    now = _now(state)
    due = timers_due(timers["output"], now, now + timedelta(seconds=horizon_s))
    span = _duration(horizon_s)
    if due:
        named = _some([f"{one.name} at {one.at:%a %H:%M} UTC" for one in due])
        text = f"within the campaign (about {span}) start {named}; `systemctl stop` them for so long"
        yield Diagnosis("timers", "warn", text)
    else:
        yield Diagnosis("timers", "info", f"no timer of systemd is due within the campaign (about {span})")


def _cron(state: Json, horizon_s: float) -> Iterator[Diagnosis]:
    if not state["sees_all"]:
        yield _unknown("cron", "cron", HIDDEN)
        return
    if not any(p["name"] in ("cron", "crond", "anacron", "fcron") for p in state["processes"]):
        yield Diagnosis("cron", "info", "no cron runs")
        return
    now, found, unclear = _now(state), [], []
    tables = {path: text for path, text in state["texts"].items() if re.match(r"/etc/crontab|/etc/cron\.d/", path)}
    tables |= {path: text for path, text in state["texts"].items() if path.startswith("/var/spool/cron/")}
    if state["commands"]["crontab"]["code"] == 0:
        tables["the login's crontab"] = state["commands"]["crontab"]["output"]
    for path, text in tables.items():
        due, odd = cron_due(text, now, now + timedelta(seconds=horizon_s), int(state["utc_offset_s"]))
        found += [f"{path} {one.name} at {one.at:%a %H:%M} UTC" for one in due]
        unclear += [f"{path} {name}" for name in odd]
    hidden = [path for path in state["unreadable"] if path.startswith("/var/spool/cron")]
    if found:
        text = f"cron starts within the campaign (about {_duration(horizon_s)}): {_some(found)}; stop cron for so long"
        yield Diagnosis("cron", "warn", text)
    else:
        yield Diagnosis("cron", "info", f"nothing of cron that can be read is due (about {_duration(horizon_s)})")
    if unclear or hidden:
        why = [*(f"{one} is no schedule" for one in unclear), *(f"{path} cannot be read" for path in hidden)]
        yield _unknown("cron-hidden", "the rest of cron", _some(why))


# --- changes since the campaign began ---


def of_changes(begun: Json, now: Json) -> Iterator[Diagnosis]:
    """What differs from the facts of the campaign's first run: another machine is refused, other software is a
    remark."""
    begun, now = facts_of_sut(begun), facts_of_sut(now)
    machine = [
        f"{words} {begun.get(key)} -> {now.get(key)}"
        for key, words in MACHINE.items()
        if key in begun and not _is_same(key, begun[key], now.get(key))
    ]
    boards = [[gpu.get("uuid") or gpu.get("name") for gpu in facts.get("gpus") or []] for facts in (begun, now)]
    if boards[0] != boards[1]:
        machine.append(f"GPUs {boards[0]} -> {boards[1]}")
    if machine:
        text = f"it is another machine than the campaign began on: {_some(machine)}; choose another campaign.name"
        yield Diagnosis("machine-changed", "refuse", text)
    software = [
        f"{words} {begun.get(key)} -> {now.get(key)}"
        for key, words in SOFTWARE.items()
        if key in begun and begun[key] != now.get(key)
    ]
    drivers = [sorted({str(gpu.get("driver")) for gpu in facts.get("gpus") or []}) for facts in (begun, now)]
    if drivers[0] != drivers[1]:
        software.append(f"GPU driver {', '.join(drivers[0])} -> {', '.join(drivers[1])}")
    if software:
        text = f"changed since the campaign began: {_some(software)}; bring the old one back, or begin a new campaign"
        yield Diagnosis("software-changed", "warn", text)


def _is_same(key: str, begun: object, now: object) -> bool:
    """Equal; memory within 2 %, for a kernel keeps some of it to itself."""
    if key == "memory_kib" and isinstance(begun, int) and isinstance(now, int):
        return abs(now - begun) <= 0.02 * begun
    return begun == now


# --- words ---


def _unknown(code: str, what: str, why: str) -> Diagnosis:
    return Diagnosis(code, "unknown", f"{what}: not known ({why})")


def _every(texts: Mapping[str, str], pattern: str) -> list[str]:
    return [text.strip() for path, text in texts.items() if re.fullmatch(pattern, path)]


def _number(text: str) -> float:
    """The number in a small file; 0 where it holds none."""
    try:
        return float(text.strip())
    except ValueError:
        return 0.0


def _some(items: list[str]) -> str:
    more = len(items) - SHOWN
    return ", ".join(items[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 5400 else f"{max(seconds / 60, 1):.0f} min"


def _now(state: Json) -> datetime:
    """The machine's own idea of the time."""
    return datetime.fromtimestamp(state["begin_wall_ns"] / 1e9, UTC)
