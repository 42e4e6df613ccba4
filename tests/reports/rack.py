"""Synthetic campaigns of a rack: the wall meter of the SUT, and meters on circuits of their own whose truth is known.

`bmc` reads `SHARE` of what the wall meter reads, `house` reads `HOUSE_W` more than it; `house` is silent in the second
half of the runs whose ordinal is in `SILENT`.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.record.documents import Document, PowerDescriptor
from meters.reading import EMULATOR_MARK
from tests.reports.make_campaign import Load, Shape, SyntheticRun, make_campaign, wire_log

SHARE = 0.9
HOUSE_W = 400.0
SILENT = frozenset({4})
LOADS = {"cnn": Load(52.0, 34.0, epochs=2), "idle": Load(1.2, 3.0)}
SHAPE = Shape(name="rack", loads=LOADS, repetitions=3, baseline_blocks=3, duration_s=30, gpu=False)


def rack_campaign(path: Path, **changes: Any) -> Path:  # noqa: ANN401
    """Write one and return its folder; `changes` are to its shape."""
    return make_campaign(path, replace(SHAPE, **changes), RackRun)


class RackRun(SyntheticRun):
    """One run that three meters record."""

    def _readings(self) -> bytes:
        self._wall = super()._readings()
        return self._wall

    def _descriptors(self) -> list[Document]:
        wall, *others = super()._descriptors()
        return [wall, *self._beside(), *others]

    def _beside(self) -> Iterator[PowerDescriptor]:
        for name in ("bmc", "house"):
            identity = {"maker": "", "model": name, "serial": "", "firmware": "", "driver": "wattsup"}
            yield replace(self._meter(), stream=f"readings-{name}.csv", meter=name, circuit=f"{name}-circuit",
                          identity=identity, origin="estimated" if name == "bmc" else "emulated")  # fmt: skip

    def _streams(self) -> dict[str, bytes]:
        streams: dict[str, bytes] = {}
        for name, factor, more_w in (("bmc", SHARE, 0.0), ("house", 1.0, HOUSE_W)):
            rows = _changed(self._wall, factor, more_w)
            if name == "house" and self.plain["ordinal"] in SILENT:
                rows = b"".join(rows.splitlines(keepends=True)[: self._count // 2])
            streams |= {f"readings-{name}.csv": rows, f"wire-{name}.log": _said(name, rows, self._base_ns)}
        return streams


def _said(name: str, rows: bytes, base_ns: int) -> bytes:
    """The wire log; `bmc`, which is estimated, does not call itself an emulator."""
    log = wire_log(rows, base_ns)
    mark = EMULATOR_MARK.encode().hex().encode()
    return log.replace(mark, b"COMPUTED".hex().encode()) if name == "bmc" else log


def _changed(readings: bytes, factor: float, more_w: float) -> bytes:
    header, *rows = readings.decode().splitlines()
    cells = [row.split(",") for row in rows]
    changed = [",".join([one[0], f"{factor * float(one[1]) + more_w:.1f}", *one[2:]]) for one in cells]
    return "\n".join([header, *changed, ""]).encode()
