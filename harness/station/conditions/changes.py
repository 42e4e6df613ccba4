"""What changed on a machine since the campaign began.

Knows which facts make a machine another one, and which are its software.
"""

from collections.abc import Iterator

from harness.record.documents import Json, facts_of_sut
from harness.station.conditions.diagnosis import Diagnosis, some

SOFTWARE = {"kernel": "kernel", "os": "operating system", "firmware": "firmware", "cpu_governor": "CPU governor"}
MACHINE = {"hostname": "host name", "board": "main board", "cpu": "CPU", "memory_kib": "memory in KiB"}


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
        text = f"it is another machine than the campaign began on: {some(machine)}; choose another campaign.name"
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
        text = f"changed since the campaign began: {some(software)}; bring the old one back, or begin a new campaign"
        yield Diagnosis("software-changed", "warn", text)


def _is_same(key: str, begun: object, now: object) -> bool:
    """Equal; memory within 2 %, for a kernel keeps some of it to itself."""
    if key == "memory_kib" and isinstance(begun, int) and isinstance(now, int):
        return abs(now - begun) <= 0.02 * begun
    return begun == now
