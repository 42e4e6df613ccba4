"""A run folder -> numpy arrays on one time base.

Knows the streams by their descriptors, the clock exchanges and the events. Knows no energy and no statistics.

The time base is the run's own: the host's monotonic clock (SUT stamps are mapped to it by `clock.py`), or the source's
wall clock of an import. A stream that was cut off in mid-line (a killed run) is read up to its last whole line.
"""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.documents import (
    LAST_STAMP_NS,
    ActionEvent,
    ClockEvent,
    IndicatorDescriptor,
    Json,
    PhaseEvent,
    PowerDescriptor,
)
from harness.errors import AnalysisError
from harness.run_folder import RunFolder, read_plain
from reports.analysis.clock import ClockModel, fit
from reports.analysis.limits import certificate_of

SUPPLY_COLUMNS = ("voltage_v", "frequency_hz", "voltage_thd_percent")
"""What a meter may say of the mains."""
POWER_COLUMNS = frozenset(
    {"time_ns", "power_w", "energy_wh", "relative_uncertainty", "window_s", "flags", *SUPPLY_COLUMNS}
)
SUT_INLET = "sut-ac-inlet"
"""The circuit of the SUT's wall plug, where lab.toml's `[sut] circuits` names no other."""
BOARD = re.compile(r"gpu\d+-dc-board")
"""The circuit of one of several boards that an imported log tells apart."""


@dataclass(frozen=True, slots=True)
class PowerSeries:
    """One power stream: arrival (ns, int64), power (W) and window (s) of every reading with a value, in order of
    arrival. Where the meter has a certificate, the error it knows is taken off the power.

    `register_wh` is the meter's energy register (Wh, NaN where not reported), None where the stream has no such column;
    `overrange_ns` when readings came that were above the range, and so have no value. `reported` is the limit of error
    that the instrument itself stated of each reading (a part of it, NaN where it stated none), None without such a
    column. `nan_ns`: when readings came that were no number; `supply`: what it says of the mains, by column, NaN where
    empty.
    """

    descriptor: PowerDescriptor
    times_ns: NDArray[np.int64]
    power_w: NDArray[np.float64]
    window_s: NDArray[np.float64]
    register_wh: NDArray[np.float64] | None
    overrange_ns: NDArray[np.int64]
    reported: NDArray[np.float64] | None = None
    nan_ns: NDArray[np.int64] = field(default_factory=lambda: np.array([], dtype=np.int64))
    supply: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def reach_s(self) -> float:
        """How far a reading reaches: its window; of an instantaneous meter the usual step between readings (the
        median), or the time for which a value stands where that is longer (`window_s` of its descriptor)."""
        if self.descriptor.averaging == "window" and np.any(self.window_s):
            return float(np.median(self.window_s))
        step_s = float(np.median(np.diff(self.times_ns))) * 1e-9 if self.times_ns.size > 1 else 0.0
        return max(step_s, self.descriptor.window_s)


@dataclass(frozen=True, slots=True)
class Indicators:
    """Hardware indicators: times (ns, shape (n,)) and values (shape (n, k), NaN where empty) of the named columns.
    `damaged`: cells by the column they stand in that hold no number; each costs itself."""

    descriptor: IndicatorDescriptor
    times_ns: NDArray[np.int64]
    names: tuple[str, ...]
    values: NDArray[np.float64]
    damaged: Mapping[str, int] = field(default_factory=dict)

    @property
    def columns(self) -> dict[str, NDArray[np.float64]]:
        """Name -> values."""
        return {name: self.values[:, index] for index, name in enumerate(self.names)}


@dataclass(frozen=True, slots=True)
class Action:
    """One action: its edges (ns), the metrics and exit code that came with its end."""

    name: str
    index: int
    begin_ns: int
    end_ns: int
    metrics: Json
    exit_code: int | None


@dataclass(frozen=True)
class RunSeries:
    """A run on one time base. `begin_ns`, `end_ns`: the rating interval, None where it was never marked."""

    run: RunFolder
    clock: ClockModel | None
    begin_ns: int | None
    end_ns: int | None
    actions: tuple[Action, ...]

    @cached_property
    def power(self) -> dict[str, PowerSeries]:
        """Meter -> its stream; streams without a file or without a reading are left out."""
        series = (read_power(self.run.path, descriptor) for descriptor in self.run.power)
        return {one.descriptor.meter: one for one in series if one is not None and one.times_ns.size}

    @cached_property
    def indicators(self) -> Indicators | None:
        """The SUT's hardware indicators on the run's time base."""
        return self._sampled(of_host=False)

    @cached_property
    def room(self) -> Indicators | None:
        """What the host's own sensors say of the room on the run's time base."""
        return self._sampled(of_host=True)

    def _sampled(self, *, of_host: bool) -> Indicators | None:
        for descriptor in self.run.indicators:
            if (descriptor.clock == "host") != of_host:
                continue
            found = read_indicators(self.run.path, descriptor, self.clock)
            if found is not None and found.times_ns.size:
                return found
        return None

    @property
    def named_circuits(self) -> tuple[str, ...]:
        """The circuits that feed the SUT, as its lab.toml names them; an import names none."""
        told = self.run.start.config.get("sut")
        named = told.get("circuits") if isinstance(told, dict) else None
        return tuple(str(name) for name in named or ())

    @property
    def circuits(self) -> tuple[str, ...]:
        """What the SUT's energy is the sum of: the named circuits, else the inlet, else all boards, else the only
        stream's."""
        known = [descriptor.circuit for descriptor in self.run.power]
        if self.named_circuits or SUT_INLET in known or not known:
            return self.named_circuits or (SUT_INLET,)
        return tuple(dict.fromkeys(filter(BOARD.fullmatch, known))) or (known[0],)

    @property
    def whole(self) -> bool:
        """Whether the energy is that of the whole SUT, not of a board inside it."""
        return bool(self.named_circuits) or self.circuits == (SUT_INLET,)

    @property
    def primary_meters(self) -> tuple[str, ...]:
        """Of each circuit of the SUT the meter its energy comes from: the first there; empty where one has none."""
        first = {descriptor.circuit: descriptor.meter for descriptor in reversed(self.run.power)}
        found = [first.get(circuit) for circuit in self.circuits]
        return tuple(name for name in found if name is not None) if None not in found else ()

    @property
    def parts(self) -> tuple[PowerSeries, ...]:
        """The streams whose sum is the SUT's power; empty where one of them has no reading."""
        found = [self.power.get(meter) for meter in self.primary_meters]
        return tuple(part for part in found if part is not None) if None not in found else ()

    @property
    def doubles(self) -> tuple[tuple[PowerSeries, PowerSeries], ...]:
        """Pairs of streams on one circuit: the one its energy comes from, and one beside it."""
        firsts = {part.descriptor.circuit: part for part in self.parts}
        return tuple(
            (firsts[series.descriptor.circuit], series)
            for meter, series in self.power.items()
            if series.descriptor.circuit in firsts and meter != firsts[series.descriptor.circuit].descriptor.meter
        )


def read_run(run: RunFolder) -> RunSeries:
    """The run's interval and actions on its time base; the streams are read when they are asked for.

    Raises:
        AnalysisError: clock exchanges that contradict themselves.
    """
    exchanges = [event for event in run.events if isinstance(event, ClockEvent)]
    clock = fit(exchanges) if exchanges else None

    def at(event: PhaseEvent | ActionEvent) -> int:
        return clock.to_host(event.sut_ns) if clock is not None and event.sut_ns is not None else event.time_ns

    rating = [event for event in run.events if isinstance(event, PhaseEvent) and event.name == "rating"]
    begins = [at(event) for event in rating if event.edge == "begin"]
    ends = [at(event) for event in rating if event.edge == "end"]
    begin_ns, end_ns = (begins[0] if begins else None), (ends[-1] if ends else None)
    if begin_ns is not None and end_ns is not None and not -LAST_STAMP_NS < begin_ns < end_ns < LAST_STAMP_NS:
        raise AnalysisError(f"{run.path}: the rating interval ends before it begins, or lies beyond all time")
    open_actions: dict[tuple[str, int], int] = {}
    actions: list[Action] = []
    for event in run.events:
        if not isinstance(event, ActionEvent):
            continue
        key = (event.name, event.index)
        if event.edge == "begin":
            open_actions[key] = at(event)
        elif key in open_actions:
            actions.append(Action(*key, open_actions.pop(key), at(event), event.metrics, event.exit_code))
    actions.sort(key=lambda action: (action.begin_ns, -action.end_ns, action.name, action.index))
    return RunSeries(run, clock, begin_ns, end_ns, tuple(actions))


def read_power(folder: Path, descriptor: PowerDescriptor) -> PowerSeries | None:
    """A power stream; None where its file was never made. Readings without a value or marked stale are left out.

    Raises:
        AnalysisError: the file is not the table its descriptor promises.
    """
    table = _read_table(folder / descriptor.stream, POWER_COLUMNS)
    if table is None:
        return None
    times_ns, power_w = _column(folder, descriptor.stream, table, "time_ns"), table.get("power_w")
    if power_w is None:
        raise AnalysisError(f"{folder / descriptor.stream}: no column power_w; was the file written by another tool?")
    keep = np.isfinite(power_w.to_numpy(np.float64))
    flags = table["flags"] if "flags" in table else pd.Series("", index=table.index, dtype=str)
    keep &= ~flags.str.contains("stale", regex=False).to_numpy(bool)
    over = flags.str.contains("overrange", regex=False).to_numpy(bool)
    odd = ~np.isfinite(power_w.to_numpy(np.float64)) & ~over
    window_s = table["window_s"].to_numpy(np.float64) if "window_s" in table else np.full(keep.size, np.nan)
    window_s = np.where(np.isfinite(window_s), window_s, descriptor.window_s)
    if np.any(np.diff(times_ns) < 0):
        line = int(np.argmax(np.diff(times_ns) < 0)) + 3
        raise AnalysisError(f"{folder / descriptor.stream}:{line}: time goes back; the file was edited")
    register = table["energy_wh"].to_numpy(np.float64)[keep] if "energy_wh" in table else None
    values_w = power_w.to_numpy(np.float64)[keep]
    if (certificate := certificate_of(descriptor)) is not None:
        values_w = values_w - certificate.error_w(values_w)
    told = table["relative_uncertainty"].to_numpy(np.float64)[keep] if "relative_uncertainty" in table else None
    supply = {name: table[name].to_numpy(np.float64)[keep] for name in SUPPLY_COLUMNS if name in table}
    return PowerSeries(
        descriptor, times_ns[keep], values_w, window_s[keep], register, times_ns[over], told, times_ns[odd], supply
    )


def read_indicators(folder: Path, descriptor: IndicatorDescriptor, clock: ClockModel | None) -> Indicators | None:
    """The indicators that the descriptor names; None where the file was never made or nothing maps its clock.

    Raises:
        AnalysisError: the file is not the table its descriptor promises.
    """
    stamp = "sut_ns" if descriptor.clock == "sut" else "time_ns"
    wanted = frozenset(str(column.get("name")) for column in descriptor.columns) | {stamp}
    damaged: dict[str, int] = {}
    table = _read_table(folder / descriptor.stream, wanted, damaged)
    if table is None or (descriptor.clock == "sut" and clock is None):
        return None
    times_ns = _column(folder, descriptor.stream, table, stamp)
    if descriptor.clock == "sut" and clock is not None:
        times_ns = clock.to_host(times_ns)
    names = tuple(str(column["name"]) for column in descriptor.columns if column.get("name") in table)
    values = table[list(names)].to_numpy(np.float64)
    damaged |= {name: int(count) for name, count in zip(names, np.isinf(values).sum(axis=0), strict=True) if count}
    forward = times_ns >= np.maximum.accumulate(times_ns) if times_ns.size else np.zeros(0, dtype=bool)
    if not forward.all():
        damaged[stamp] = damaged.get(stamp, 0) + int((~forward).sum())
    values = np.where(np.isinf(values), np.nan, values)[forward]
    return Indicators(descriptor, times_ns[forward], names, values, damaged)


def _column(folder: Path, stream: str, table: "pd.DataFrame", name: str) -> NDArray[np.int64]:
    if name not in table:
        raise AnalysisError(f"{folder / stream}: no column {name}; was the file written by another tool?")
    return table[name].to_numpy(np.int64)


def _read_table(path: Path, wanted: frozenset[str], damaged: dict[str, int] | None = None) -> "pd.DataFrame | None":
    """The wanted columns that are there, up to the last whole line; None without a file or header. Cells without a
    number are an error, or, where `damaged` is given, counted there by column and empty."""
    try:
        content = read_plain(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AnalysisError(f"{path}: cannot be read ({error})") from None
    whole = content[: content.rfind(b"\n") + 1]
    if not whole.strip():
        return None
    header = whole.split(b"\n", 1)[0].decode("utf-8", "replace").strip().split(",")
    kinds = {n: str if n == "flags" else np.int64 if n.endswith("_ns") else np.float64 for n in header if n in wanted}
    missing = {name: [""] for name, kind in kinds.items() if kind is not str}
    try:
        try:
            return pd.read_csv(
                io.BytesIO(whole), dtype=kinds, usecols=list(kinds), na_values=missing, keep_default_na=False
            )
        except (ValueError, OverflowError):
            if damaged is None:
                raise
        texts = pd.read_csv(io.BytesIO(whole), dtype=str, usecols=list(kinds), keep_default_na=False)
        return _mended(texts, kinds, damaged)
    except (ValueError, pd.errors.ParserError, OverflowError) as error:
        raise AnalysisError(f"{path}: not the table it should be ({error}); the file was edited or damaged") from None


def _mended(texts: "pd.DataFrame", kinds: Mapping[str, type], damaged: dict[str, int]) -> "pd.DataFrame":
    """The table without the cells that hold no number, which are counted, and without rows whose stamp is none."""
    columns: dict[str, pd.Series] = {}
    whole = pd.Series(True, index=texts.index)
    for name, kind in kinds.items():
        numbers = pd.to_numeric(texts[name], errors="coerce").astype(np.float64)
        is_right = np.isfinite(numbers)
        if kind is np.int64:
            # As text first: a stamp has more digits than a float.
            is_right &= texts[name].str.fullmatch(r"\d{1,19}") & (numbers < LAST_STAMP_NS)
            whole &= is_right
            columns[name] = texts[name].where(is_right, "0").astype(np.int64)
        else:
            columns[name] = numbers.where(is_right)
        if odd := int((~is_right & (texts[name] != "")).sum()):
            damaged[name] = odd
    return pd.DataFrame(columns)[whole].reset_index(drop=True)
