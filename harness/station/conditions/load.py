"""What else takes CPU time and memory: foreign processes, swap, users at terminals.

Knows /proc/stat, /proc/swaps and who(1).
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from harness.record.documents import Json, Thresholds, foreign_load_grade
from harness.station.conditions.diagnosis import SHOWN, Diagnosis, number, some, unknown

ALLOWED = "`[thresholds] foreign_load_invalid_percent = 100`: the report then says how much ran beside"


def of_foreign_load(state: Json, limits: Thresholds) -> Iterator[Diagnosis]:
    """CPU time of everything but the question itself, as a share of all cores: its size decides (`limits`)."""
    before, after = (_times(line) for line in state["stat"])
    if before is None or after is None or after[0] <= before[0]:
        yield unknown("foreign-load", "foreign load", "/proc/stat cannot be read")
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
        text = f"{found}; {most} no run is begun: see what they are, and end them, or allow them by {ALLOWED}"
        yield Diagnosis("foreign-load", "refuse", text)


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
        yield unknown("swap", "swap", "/proc/swaps cannot be read")
        return
    used_kib = sum(number(words[3]) for line in text.splitlines()[1:] if len(words := line.split()) >= 4)
    if used_kib > 0:
        said = f"{used_kib / 1024:.0f} MiB of swap are in use; `swapoff -a` before the campaign, or more memory"
        yield Diagnosis("swap", "warn", said)
    else:
        yield Diagnosis("swap", "info", "no swap is in use")


def of_users(state: Json) -> Iterator[Diagnosis]:
    """Who is logged in at a terminal."""
    who = state["commands"]["users"]
    if who["code"] != 0:
        yield unknown("users", "other users", who["error"])
        return
    found = Counter(line.split()[0] for line in who["output"].splitlines() if line.split())
    if found:
        names = [f"{name} ({count} terminals)" if count > 1 else name for name, count in found.items()]
        text = f"logged in: {some(names)}; ask them to leave it alone, or log out"
        yield Diagnosis("users", "warn", text)
    else:
        yield Diagnosis("users", "info", "nobody is logged in at a terminal")
