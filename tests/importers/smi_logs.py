"""Logs of nvidia-smi for tests: their rows, and what is made of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.foreign.importers.nvidia_smi.importer import import_nvidia_smi
from harness.foreign.importers.nvidia_smi.trace import Trace, read_trace
from harness.foreign.importers.source import read_source
from reports.campaign.analyse import analyse
from tests.campaign_results import complete

DATA = Path(__file__).parents[1] / "data"
DELREY = DATA / "delrey"
HEADER = "timestamp, name, utilization.gpu [%], power.draw [W], temperature.gpu\n"
PLAIN = "timestamp, power.draw [W]\n"
UUIDS = ("GPU-aaaa", "GPU-bbbb")


def row(second: int, power: str = "100.50 W") -> str:
    return f"2023/03/08 14:56:{second:02d}.500, RTX, 7 %, {power}, 50\n"


def stamp(second: float) -> str:
    whole, milli = divmod(round(second * 1000), 1000)
    return f"2026/03/04 09:{whole // 60:02d}:{whole % 60:02d}.{milli:03d}"


def plain(seconds: Sequence[float], power: str = "100.00 W") -> str:
    return PLAIN + "".join(f"{stamp(second)}, {power}\n" for second in seconds)


def trace(tmp_path: Path, text: str | bytes) -> Trace:
    path = tmp_path / "t.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_trace(read_source(path))


def results(tmp_path: Path, *texts: str) -> Any:  # noqa: ANN401  results.json
    """What is reported of some logs."""
    files = []
    for nth, text in enumerate(texts):
        files.append(tmp_path / f"log{nth}.csv")
        files[-1].write_text(text)
    import_nvidia_smi(files, tmp_path / "c")
    return complete(analyse(tmp_path / "c"))


def powers(trace: Trace) -> list[float]:
    return list(map(float, trace.boards[0].power_w))


def codes(results: Any) -> set[tuple[str, str]]:  # noqa: ANN401
    return {(finding["code"], finding["severity"]) for finding in results["findings"]}


def boards_text(columns: str, ids: Sequence[str], *, polls: int = 12, apart_s: float = 0.004) -> str:
    rows = [
        f"{stamp(poll + nth * apart_s)}, {one}, {100 + 50 * nth}.00 W\n"
        for poll in range(polls)
        for nth, one in enumerate(ids)
    ]
    return f"timestamp, {columns}, power.draw [W]\n" + "".join(rows)


def included(tmp_path: Path, seconds: Sequence[float]) -> Any:  # noqa: ANN401
    [run] = results(tmp_path, plain(seconds))["runs"]
    return run


SOUND = plain(range(10), "104.50 W")
