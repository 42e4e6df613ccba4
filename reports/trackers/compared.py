"""What software trackers said of a run, beside what the meter measured at the same time (method.md section 9).

Knows a tracker's account of a run (docs/trackers.md), where it stands on the run's time base, and how both energies
compare. Knows no page and no sentence: a reason is a code. Pairs with and without a tracker: cost.py.

Measurement model. A tracker says E_T = reported / factor for its own interval [begin, end] on the SUT's clock; the
factor is what it multiplied by (a data centre's PUE), and is undone. The meter's E_M is the gross energy of the same
interval on the host's time base: gross against gross, for no tracker knows a baseline. Over the n runs of a scenario

    R = mean(E_T) / mean(E_M)             Fieller's interval; what all E_M share (gain, offset, ...) joins it
    d_i = ln(E_T,i / E_M,i)               bias and limits of agreement (agreement.py); scenarios are clusters
    E_M = parts + unassigned + rest       parts: cpu, gpu, ram as the tracker splits its figure
    rest = (1 - eta) E_M + out of scope   only where lab.toml states the supply's efficiency eta

What the agent adds is really drawn, from the meter's view and from the tracker's, so it is no error of either here.
Epochs of one run are no replicates: over all epochs together each run is one pair of sums. A figure that counts several
stretches of an interval (tasks, passes) stands beside the sum of the meter's energies of those stretches.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import ClockEvent, Json, Start, Thresholds, dump, matches
from harness.record.plain_files import read_plain
from harness.record.run_folder import RunFolder
from reports.energy import budget, hardware
from reports.energy.contributions import RunTerms, Stream
from reports.energy.efficiency import Ratio, ratio_of_means
from reports.energy.energy import NS, WH
from reports.energy.meter_error import ROOT_3
from reports.energy.stretches import joined
from reports.energy.touched import SHORT
from reports.inference.agreement import Agreement, agreement, pooled
from reports.readings import bounded
from reports.readings.bounded import is_stamp, number
from reports.readings.series import RunSeries
from reports.results.finding import Finding
from reports.results.rules import Rule, was
from reports.results.uncertainty import Estimate, Number, Term, combine, count, mean_of, mean_with_shared

SCHEMA = 1
PREFIX = "tracker-"
IMPORTED = "-imported"
"""Behind the name of a tracker whose figure was attached to the campaign, beside one that the run recorded itself."""
FIELDS: dict[str, Any] = {
    "schema": int, "name": str, "version": str | None, "clock": str, "begin_ns": int | None, "end_ns": int | None,
    "reported_wh": float | None, "factor": float, "factor_reason": str | None, "parts_wh": dict[str, float | None],
    "methods": dict[str, str], "intervals": list[Json], "polls": int | None, "problems": list[str],
}  # fmt: skip
INTERVAL_FIELDS: dict[str, Any] = {
    "name": str, "index": int, "begin_ns": int, "end_ns": int, "reported_wh": float | None,
}  # fmt: skip
LARGEST_WH, LEAST_FACTOR = 1e9, 1e-3
"""What is larger, or a factor that is smaller (or its inverse larger), no tracker ever meant."""
WHOLE = 0
"""Where a tracker's whole interval stands among `Beside.terms`; its parts follow."""
Floats = NDArray[np.float64]


class TrackedRun(Protocol):
    """What is needed of a run: `campaign.run.AnalysedRun`."""

    @property
    def run(self) -> RunFolder:
        """Its documents."""
        ...

    @property
    def series(self) -> RunSeries:
        """Its clock and indicators."""
        ...

    @property
    def interval_ns(self) -> tuple[int, int] | None:
        """The rating interval."""
        ...

    @property
    def streams(self) -> Sequence[Stream]:
        """The meters whose sum is the SUT's power."""
        ...

    @property
    def excluded_because(self) -> str | None:
        """Why it enters no mean."""
        ...

    def terms_over(self, begins_ns: NDArray[np.int64], ends_ns: NDArray[np.int64], bound_s: float) -> RunTerms:
        """Gross energies of intervals with all that makes them uncertain; `bound_s` joins the clock's."""
        ...


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a tracker's interval that it reports by itself: a phase or an epoch; `energy_wh` with the factor
    undone."""

    name: str
    index: int
    begin_ns: int
    end_ns: int
    energy_wh: float


@dataclass(frozen=True, slots=True)
class Artefact:
    """A tracker's own account of one run; the stamps are on `clock`, wrong by `bound_s` at most besides that clock's
    own error. `energy_wh` and `parts_wh` are without the factor; None where it gave none. `spans_ns`: the stretches
    that its figure counts, where it is not all of [begin, end]."""

    name: str
    version: str | None
    imported: bool
    clock: str
    begin_ns: int | None
    end_ns: int | None
    bound_s: float
    reported_wh: float | None
    factor: float
    factor_reason: str | None
    parts_wh: Mapping[str, float | None]
    methods: Mapping[str, str]
    stretches: tuple[Stretch, ...]
    polls: int | None
    problems: tuple[str, ...]
    spans_ns: tuple[tuple[int, int], ...] = ()

    @property
    def key(self) -> str:
        """Its name in results.json."""
        return self.name + (IMPORTED if self.imported else "")

    @property
    def energy_wh(self) -> float | None:
        """What it said, without its factor."""
        return None if self.reported_wh is None else self.reported_wh / self.factor


@dataclass(frozen=True, slots=True)
class NoAccount:
    """A tracker that was to be there and left nothing that can be read: its name, the code of why."""

    name: str
    reason: str


def accounts_of(run: RunFolder, attached: Sequence[Json]) -> tuple[list[Artefact], list[NoAccount]]:
    """Every tracker's account of a run: what the run holds, what was attached to the campaign for it, what is missing.

    `attached`: the `tracker` records of attachments whose `run` is this one.
    """
    found: list[Artefact] = []
    missing: list[NoAccount] = []
    for path in sorted((run.path / "artifacts").glob(f"{PREFIX}*.json")):
        name = path.name.removeprefix(PREFIX).removesuffix(".json")
        account = _decoded(_json_of(path), imported=False)
        if isinstance(account, Artefact):
            found.append(account)
        else:
            missing.append(NoAccount(name, account))
    for record in attached:
        account = _decoded(record, imported=True)
        if isinstance(account, Artefact):
            found.append(account)
        else:
            missing.append(NoAccount(str(record.get("name")), account))
    there = {account.name for account in found} | {none.name for none in missing}
    return found, missing + [NoAccount(name, "no-artefact") for name in named_in(run.start) if name not in there]


def named_in(start: Start) -> list[str]:
    """The trackers that a run was to have, by their names (lab.toml: `NAME` or `NAME=SECONDS`), sorted."""
    told = start.scenario_config.get("trackers")
    return sorted(str(word).split("=")[0] for word in told) if isinstance(told, list) else []


def work_of(start: Start) -> tuple[str, str, str]:
    """What a scenario does, whatever its name and its trackers: folder, command and parameters."""
    sections = start.config.get("scenarios")
    section = sections.get(start.scenario) if isinstance(sections, dict) else None
    told = section if isinstance(section, dict) else {"command": start.scenario_config.get("command")}
    parameters = start.scenario_config.get("parameters")
    return str(told.get("folder")), str(told.get("command")), dump(parameters if isinstance(parameters, dict) else {})


def _json_of(path: Path) -> object:
    """What a file of the SUT holds; None where it cannot be read."""
    try:
        return bounded.loads(read_plain(path))
    except (OSError, ValueError, RecursionError):
        return None


def _decoded(raw: object, *, imported: bool) -> Artefact | str:
    """An account, or the code of why it is none."""
    if not isinstance(raw, dict):
        return "unreadable"
    if any(key not in raw or not matches(raw[key], hint) for key, hint in FIELDS.items()):
        return "unreadable"
    told_wh = [raw["reported_wh"], *raw["parts_wh"].values()]
    stamps = [raw["begin_ns"], raw["end_ns"]]
    sane = raw["schema"] == SCHEMA and LEAST_FACTOR <= raw["factor"] <= 1 / LEAST_FACTOR
    sane = sane and all(abs(wh) <= LARGEST_WH for wh in told_wh if wh is not None) and all(map(_is_stamp, stamps))
    factor, bound_s = float(raw["factor"]) if sane else 1.0, number(raw.get("bound_s", 0.0))
    spans = _spans(raw.get("spans_ns", []))
    if not sane or spans is None or not 0 <= bound_s < LARGEST_WH:
        return "unreadable"
    return Artefact(
        raw["name"], raw["version"], imported, raw["clock"], raw["begin_ns"], raw["end_ns"],
        bound_s, raw["reported_wh"], factor, raw["factor_reason"], raw["parts_wh"],
        raw["methods"], tuple(_stretches(raw["intervals"], factor)), raw["polls"], tuple(raw["problems"]), spans,
    )  # fmt: skip


def _spans(raw: object) -> tuple[tuple[int, int], ...] | None:
    """Stretches in order of time that have a length; None where they are none."""
    if not matches(raw, list[list[int]]) or not isinstance(raw, list):
        return None
    spans = tuple((begin, end) for begin, end in (span for span in raw if len(span) == 2) if begin < end)
    sane = len(spans) == len(raw) and all(map(_is_stamp, (edge for span in spans for edge in span)))
    return spans if sane and list(spans) == sorted(spans) else None


def _is_stamp(value: int | None) -> bool:
    """Whether it is absent, or nanoseconds that a clock of 64 bits can show."""
    return value is None or is_stamp(value)


def _stretches(raw: Sequence[Json], factor: float) -> Iterator[Stretch]:
    """The parts that have a length and a figure."""
    for one in raw:
        known = all(key in one and matches(one[key], hint) for key, hint in INTERVAL_FIELDS.items())
        if not known or one["reported_wh"] is None or not abs(one["reported_wh"]) <= LARGEST_WH:
            continue
        stamps = one["begin_ns"], one["end_ns"], one["index"]
        if all(map(is_stamp, stamps)) and one["end_ns"] > one["begin_ns"]:
            energy_wh = one["reported_wh"] / factor
            yield Stretch(one["name"], one["index"], one["begin_ns"], one["end_ns"], energy_wh)


@dataclass(frozen=True)
class Beside:
    """One tracker's figure of one run beside the meter's. `interval_ns`: its own interval on the run's time base, None
    where it cannot be placed, `spans_ns` what of it the figure counts; `because`: the code of why it enters no
    comparison; `outside_s`: how much of it lies before the first or after the last reading."""

    run: TrackedRun
    artefact: Artefact
    interval_ns: tuple[int, int] | None
    stretches: tuple[Stretch, ...]
    outside_s: float
    because: str | None
    spans_ns: tuple[tuple[int, int], ...] = ()

    @property
    def scenario(self) -> str:
        """Its scenario."""
        return self.run.run.start.scenario

    @property
    def energy_wh(self) -> float:
        """The tracker's figure, its factor undone; NaN where it gave none."""
        return math.nan if self.artefact.energy_wh is None else self.artefact.energy_wh

    @cached_property
    def terms(self) -> RunTerms | None:
        """The meter's energies of the whole interval and of its parts, and what makes them uncertain."""
        if self.interval_ns is None or not self.run.streams:
            return None
        begins, ends = zip(*self.spans_ns, *((s.begin_ns, s.end_ns) for s in self.stretches), strict=True)
        edges = np.array(begins, dtype=np.int64), np.array(ends, dtype=np.int64)
        return joined(self.run.terms_over(*edges, self.artefact.bound_s), len(self.spans_ns))

    @cached_property
    def meter(self) -> Number | None:
        """The meter's energy of the whole interval (Wh)."""
        return None if self.terms is None else budget.of_one(self.terms, "gross").number(WHOLE)

    @property
    def meter_wh(self) -> float:
        """Its value; NaN where unknown."""
        return math.nan if self.meter is None else self.meter.estimate.value

    @cached_property
    def gpu(self) -> hardware.GpuEnergy | None:
        """GPU energy of the same interval by the agent's own record."""
        if self.interval_ns is None:
            return None
        begins_ns, ends_ns = (np.array(edges, dtype=np.int64) for edges in zip(*self.spans_ns, strict=True))
        found = hardware.gpu_energy(self.run.series.indicators, begins_ns, ends_ns)
        return None if found is None else replace(found, energy_j=found.energy_j.sum(keepdims=True))

    def to_json(self) -> Json:
        """A row of `trackers.runs`."""
        artefact, begin_ns = self.artefact, (self.run.interval_ns or (None,))[0]
        placed = self.interval_ns
        after_s = None if placed is None or begin_ns is None else (placed[0] - begin_ns) * NS
        mean_wh = math.sqrt(self.energy_wh * self.meter_wh) if self.energy_wh > 0 and self.meter_wh > 0 else None
        return {
            "folder": self.run.run.path.name, "scenario": self.scenario, "tracker": artefact.key,
            "version": artefact.version, "imported": artefact.imported, "clock": artefact.clock,
            "begin_s": after_s, "duration_s": None if placed is None else self._counted_s,
            "outside_s": self.outside_s, "included": self.because is None, "excluded_because": self.because,
            "reported_wh": artefact.reported_wh, "factor": artefact.factor, "energy_wh": artefact.energy_wh,
            "meter_wh": _json(self.meter), "ratio": _json(self._ratio()), "pair_mean_wh": mean_wh,
            "parts_wh": dict(artefact.parts_wh), "polls": artefact.polls, "problems": list(artefact.problems),
        } | ({"spans": len(self.spans_ns)} if len(self.spans_ns) > 1 else {})  # fmt: skip

    @property
    def _counted_s(self) -> float:
        """The time that its figure counts."""
        return sum(end - begin for begin, end in self.spans_ns) * NS

    @property
    def least_s(self) -> float:
        """The shortest interval of which every meter says something."""
        return max(SHORT * stream.series.reach_s for stream in self.run.streams)

    def _ratio(self) -> Number | None:
        """The tracker's figure over the meter's; uncertain by the meter's energy alone."""
        if self.meter is None or not math.isfinite(self.energy_wh) or not self.meter_wh > 0:
            return None
        one, value = self.meter.estimate, self.energy_wh / self.meter_wh
        u = None if one.u is None else value * one.u / one.value
        return Number(Estimate(value, u, one.dof), "1", n=1)


def beside(run: TrackedRun, artefact: Artefact, limits: Thresholds) -> Beside:
    """One account, placed on the run's time base and judged."""
    placed = placed_ns(run, artefact)
    if placed is None or placed[1] <= placed[0]:
        return Beside(run, artefact, None, (), 0.0, _first(_silent(run, artefact), "unplaced"))
    shift_ns = placed[0] - (artefact.begin_ns or 0)
    spans = tuple((begin + shift_ns, end + shift_ns) for begin, end in artefact.spans_ns) or (placed,)
    outside_s = sum(_outside_s(run, *span) for span in spans)
    allowed_s = limits.gap_total_percent / 100 * sum(end - begin for begin, end in spans) * NS
    outside = "outside-record" if outside_s > allowed_s else None
    stretches = tuple(
        Stretch(s.name, s.index, s.begin_ns + shift_ns, s.end_ns + shift_ns, s.energy_wh)
        for s in artefact.stretches
        if _outside_s(run, s.begin_ns + shift_ns, s.end_ns + shift_ns) == 0
    )
    row = Beside(run, artefact, placed, stretches, outside_s, _first(_silent(run, artefact), outside), spans)
    unresolved = None if row.because is not None or was(Rule.NEW_FINDINGS) else _unresolved(row)
    return row if unresolved is None else replace(row, because=unresolved)


def _silent(run: TrackedRun, artefact: Artefact) -> str | None:
    """Why there is nothing to compare, whatever the clocks say."""
    if run.excluded_because is not None:
        return "run-excluded"
    if artefact.reported_wh is None:
        return "no-number"
    return "negative" if artefact.reported_wh < 0 else None


def _unresolved(row: Beside) -> str | None:
    """Why the meter gives nothing that a figure could stand against: between its momentary values a load of that length
    is not seen, or it shows none."""
    if row.meter is None:
        return "too-short"
    return None if row.meter_wh > 0 else "no-energy"


def _first(*codes: str | None) -> str | None:
    return next((code for code in codes if code is not None), None)


def _outside_s(run: TrackedRun, begin_ns: int, end_ns: int) -> float:
    """Time (s) of an interval before the first or after the last reading of any meter."""
    if not run.streams:
        return (end_ns - begin_ns) * NS
    functions = [stream.function for stream in run.streams]
    first_ns = max(f.origin_ns + round(float(f.edges_s[0]) / NS) for f in functions)
    last_ns = min(f.origin_ns + round(float(f.edges_s[-1]) / NS) for f in functions)
    return (max(first_ns - begin_ns, 0) + max(end_ns - last_ns, 0)) * NS


def placed_ns(run: TrackedRun, artefact: Artefact) -> tuple[int, int] | None:
    """A tracker's interval on the run's time base (ns); None where nothing maps its clock.

    `sut-monotonic` by the clock exchanges; `sut-wall` (UTC, ns since 1970) by the wall clock noted with the nearest
    exchange, unless that clock was stepped in the run; `host-utc` by the run's stamp of its start; `source-wall` is the
    time base of an import; `run`: the operator said that the figure is of the run's own interval.
    """
    if artefact.clock == "run":
        return run.interval_ns
    if artefact.begin_ns is None or artefact.end_ns is None:
        return None
    edges_ns = artefact.begin_ns, artefact.end_ns
    start, clock = run.run.start, run.series.clock
    if artefact.clock == "sut-monotonic" and clock is not None:
        return clock.to_host(edges_ns[0]), clock.to_host(edges_ns[1])
    if artefact.clock == "source-wall" and start.time_base == "source-wall":
        return edges_ns
    if artefact.clock == "host-utc" and start.time_base == "host-monotonic":
        utc_ns = int(datetime.fromisoformat(start.utc).timestamp()) * 1_000_000_000
        return edges_ns[0] - utc_ns + start.time_ns, edges_ns[1] - utc_ns + start.time_ns
    if artefact.clock == "sut-wall" and clock is not None and not any(s.side == "sut" for s in clock.steps):
        noted = run.series.exchanges
        return _by_wall(noted, edges_ns[0]), _by_wall(noted, edges_ns[1])
    return None


def _by_wall(noted: Sequence[ClockEvent], wall_ns: int) -> int:
    """A moment of the SUT's wall clock on the host's clock, by the exchange nearest to it."""
    nearest = min(noted, key=lambda event: abs(event.sut_wall_ns - wall_ns))
    return (nearest.t0_ns + nearest.t1_ns) // 2 + wall_ns - nearest.sut_wall_ns


@dataclass(frozen=True)
class Trackers:
    """Every tracker of a campaign beside the meter."""

    rows: list[Beside]
    missing: list[tuple[str, NoAccount]]
    limits: Thresholds

    @cached_property
    def included(self) -> dict[str, dict[str, list[Beside]]]:
        """Scenario -> tracker -> the runs that enter a comparison, in order of time; both in order of their names."""
        found: dict[str, dict[str, list[Beside]]] = {}
        for row in sorted(self.rows, key=lambda row: (row.scenario, row.artefact.key)):
            if row.because is None and row.meter_wh > 0:
                found.setdefault(row.scenario, {}).setdefault(row.artefact.key, []).append(row)
        return found

    def findings(self) -> Iterator[Finding]:
        """`tracker-no-number`, `-unplaced`, `-outside-record`, `-unresolved`, `-clock-bound`; the subject is a run."""
        for name, none in self.missing:
            yield Finding("tracker-no-number", "warn", name, {"tracker": none.name, "reason": none.reason, "said": []})
        for row in self.rows:
            name = row.run.run.path.name
            told: Json = {"tracker": row.artefact.key}
            if row.because in ("no-number", "negative"):
                evidence = told | {"reason": row.because, "said": list(row.artefact.problems)}
                yield Finding("tracker-no-number", "warn", name, evidence)
            elif row.because == "unplaced":
                evidence = told | {"clock": row.artefact.clock, "begin_ns": row.artefact.begin_ns}
                yield Finding("tracker-unplaced", "warn", name, evidence | {"end_ns": row.artefact.end_ns})
            elif row.because == "outside-record" and row.interval_ns is not None:
                lasting_s = sum(end - begin for begin, end in row.spans_ns) * NS
                evidence = told | {"outside_s": row.outside_s, "duration_s": lasting_s}
                yield Finding("tracker-outside-record", "warn", name, evidence)
            elif row.because in ("too-short", "no-energy"):
                shortest_s = min(end - begin for begin, end in row.spans_ns) * NS
                evidence = told | {"reason": row.because, "duration_s": shortest_s, "least_s": row.least_s}
                yield Finding("tracker-unresolved", "warn", name, evidence)
            elif row.because is None:
                yield from self._clock(row, told)

    def _clock(self, row: Beside, told: Json) -> Iterator[Finding]:
        """The clock's bound times the power at both edges, against the energy of the interval."""
        if row.terms is None:
            return
        error_wh = row.terms.clock_bound_s * float(row.terms.clock_w(induced=False)[WHOLE]) / WH
        if error_wh > self.limits.clock_bound_percent / 100 * row.meter_wh:
            evidence = told | {"bound_s": row.terms.clock_bound_s, "error_wh": error_wh, "energy_wh": row.meter_wh}
            yield Finding("tracker-clock-bound", "warn", row.run.run.path.name, evidence)

    def to_json(self, cost: Sequence[Json], supply: Estimate | None) -> Json | None:
        """`trackers` of results.json; None where no run had a tracker. `cost`: cost.py's records."""
        if not self.rows and not self.missing:
            return None
        scenarios = {
            scenario: {key: Comparison(rows, supply).to_json() for key, rows in by_tracker.items()}
            for scenario, by_tracker in self.included.items()
        }
        absent = [{"folder": name, "tracker": none.name, "reason": none.reason} for name, none in self.missing]
        return {
            "psu_efficiency": None if supply is None else Number(supply, "1").to_json(),
            "scenarios": scenarios, "agreement": self._pooled(), "own_induced": list(cost),
            "runs": [row.to_json() for row in self.rows], "missing": absent,
        }  # fmt: skip

    def _pooled(self) -> Json:
        """Tracker -> agreement over the scenarios; scenarios of the same work are one cluster."""
        groups_of: dict[str, dict[str, list[Beside]]] = {}
        for by_tracker in self.included.values():
            for key, rows in by_tracker.items():
                work = " ".join(work_of(rows[0].run.run.start))
                groups_of.setdefault(key, {}).setdefault(work, []).extend(rows)
        found = {}
        for key, groups in sorted(groups_of.items()):
            pairs = {name: (_tracker_wh(rows), _meter_wh(rows)) for name, rows in groups.items()}
            shared = [Comparison(rows, None).relative for rows in groups.values()]
            found[key] = pooled(pairs, max(shared, key=lambda term: term.u)).to_json()
        return found


def _tracker_wh(rows: Sequence[Beside]) -> Floats:
    return np.array([row.energy_wh for row in rows])


def _meter_wh(rows: Sequence[Beside]) -> Floats:
    return np.array([row.meter_wh for row in rows])


@dataclass(frozen=True)
class Comparison:
    """One tracker in the runs of one scenario. `supply`: the power supply's efficiency, None where not stated."""

    rows: list[Beside]
    supply: Estimate | None

    @cached_property
    def terms(self) -> list[RunTerms]:
        """Of every row (a row without them enters no comparison)."""
        return [row.terms for row in self.rows if row.terms is not None]

    @cached_property
    def budget(self) -> budget.Budget:
        """The budget of the meter's mean energy (Wh)."""
        per_j = np.full(len(self.rows), 1 / WH)
        found = budget.of_mean(self.terms, [WHOLE] * len(self.rows), per_j, "Wh", "gross")
        assert found is not None  # every row has an energy
        return found

    @property
    def relative(self) -> Term:
        """What all energies of the meter share, relative to their mean."""
        shared, mean_wh = self.budget.shared, self.budget.number.estimate.value
        return Term(shared.u / mean_wh, shared.dof)

    @cached_property
    def tracker_wh(self) -> Floats:
        """The tracker's figures, shape (runs,)."""
        return _tracker_wh(self.rows)

    @cached_property
    def meter_wh(self) -> Floats:
        """The meter's, shape (runs,)."""
        return _meter_wh(self.rows)

    @cached_property
    def ratio(self) -> Ratio:
        """Ratio of the means."""
        return ratio_of_means(self.tracker_wh, self.meter_wh, self.budget.shared, "1")

    def to_json(self) -> Json:
        """`trackers.scenarios.NAME.TRACKER`."""
        agreed: Agreement = agreement(self.tracker_wh, self.meter_wh, self.relative)
        factors = {(row.artefact.factor, row.artefact.factor_reason): None for row in self.rows}
        return {
            "n": count(len(self.rows)).to_json(),
            "versions": _distinct(row.artefact.version for row in self.rows),
            "factors": [{"factor": factor, "reason": reason} for factor, reason in factors],
            "tracker_wh": _json(mean_of(self.tracker_wh, "Wh")), "meter_wh": self.budget.number.to_json(),
            "complete": not any(what == "limits-of-error" for what, _ in self.budget.missing),
            "duration_s": _json(mean_of([float(terms.duration_s[WHOLE]) for terms in self.terms], "s")),
            "ratio": self.ratio.number.to_json(), "interval": _pair(self.ratio.interval),
            "agreement": agreed.to_json(), "intervals": list(self._intervals()),
            "parts": self._parts(), "gpu": self._gpu(), "rest": self._rest(), "supply": self._supply(),
            "methods": self._methods(), "problems": _distinct(p for row in self.rows for p in row.artefact.problems),
        }  # fmt: skip

    def _methods(self) -> dict[str, list[str]]:
        """Part -> how the tracker had its figure."""
        names = sorted({name for row in self.rows for name in row.artefact.methods})
        return {name: _distinct(row.artefact.methods.get(name) for row in self.rows) for name in names}

    def _intervals(self) -> Iterator[Json]:
        """Each part that the tracker reports by itself, over the runs that have it; then all parts of a name together,
        each run one pair of sums (`index` null)."""
        gathered: dict[tuple[str, int], list[tuple[RunTerms, int, float]]] = {}
        for row, terms in zip(self.rows, self.terms, strict=True):
            for place, stretch in enumerate(row.stretches, WHOLE + 1):
                own = gathered.setdefault((stretch.name, stretch.index), [])
                own.append((terms, place, stretch.energy_wh))
        names = {name: sum(one == name for one, _ in gathered) for name, _ in gathered}
        for (name, index), members in sorted(gathered.items()):
            yield self._together(name, index, [[member] for member in members])
        for name in sorted(name for name, times in names.items() if times > 1):
            by_run: dict[int, list[tuple[RunTerms, int, float]]] = {}
            for (one, _), members in gathered.items():
                for member in members if one == name else []:
                    by_run.setdefault(id(member[0]), []).append(member)
            yield self._together(name, None, list(by_run.values()))

    def _together(self, name: str, index: int | None, runs: Sequence[Sequence[tuple[RunTerms, int, float]]]) -> Json:
        """Sums of each run's members by both; the meter's errors of one run's members are fully correlated."""
        flat = [member for members in runs for member in members]
        per_j = np.full(len(flat), len(flat) / len(runs) / WH)
        found = budget.of_mean([m[0] for m in flat], [m[1] for m in flat], per_j, "Wh", "gross")
        shared = Term(0.0, math.inf) if found is None else found.shared
        tracker_wh = np.array([math.fsum(member[2] for member in members) for members in runs])
        meter_wh = np.array([math.fsum(float(t.energy_j[k]) / WH for t, k, _ in members) for members in runs])
        ratio = ratio_of_means(tracker_wh, meter_wh, shared, "1") if meter_wh.mean() > 0 else None
        return {
            "name": name, "index": index, "n": len(runs), "tracker_wh": _json(mean_of(tracker_wh, "Wh")),
            "meter_wh": _json(mean_with_shared(meter_wh, "Wh", shared)),
            "ratio": None if ratio is None else ratio.number.to_json(),
            "interval": None if ratio is None else _pair(ratio.interval),
        }  # fmt: skip

    def _parts(self) -> dict[str, Json]:
        """What the tracker splits its figure into, and what it does not assign: energy and share of the meter's."""
        names = sorted({name for row in self.rows for name in row.artefact.parts_wh})
        values = {name: [row.artefact.parts_wh.get(name) for row in self.rows] for name in names}
        known = {
            name: np.array(own, dtype=np.float64) for name, own in values.items() if all(v is not None for v in own)
        }
        left_wh = self.tracker_wh - np.sum(list(known.values()), axis=0) if known else self.tracker_wh
        if float(np.abs(left_wh).max()) > 1e-6 * float(np.abs(self.tracker_wh).max()):
            known["unassigned"] = left_wh
        return {
            name: {
                "energy_wh": _json(mean_of(own, "Wh")),
                "share": ratio_of_means(own, self.meter_wh, self.budget.shared, "1").number.to_json(),
            }
            for name, own in known.items()
        }

    def _gpu(self) -> Json | None:
        """The GPU's energy by the agent's own record of the same intervals, and the tracker's figure of it."""
        records = [row.gpu for row in self.rows]
        if any(record is None or not math.isfinite(record.energy_j[0]) for record in records):
            return None
        known = [record for record in records if record is not None]
        energy_wh = np.array([float(record.energy_j[0]) for record in known]) / WH
        told = [row.artefact.parts_wh.get("gpu") for row in self.rows]
        ratio = None
        if all(value is not None for value in told) and energy_wh.mean() > 0:
            ratio = ratio_of_means(np.array(told, dtype=np.float64), energy_wh, Term(0.0, math.inf), "1")
        return {
            "method": known[0].method, "energy_wh": _json(mean_of(energy_wh, "Wh")),
            "ratio": None if ratio is None else ratio.number.to_json(),
            "interval": None if ratio is None else _pair(ratio.interval),
        }  # fmt: skip

    def _rest(self) -> Json:
        """What the meter measured and the tracker did not report."""
        share = self.ratio.number.estimate
        over = Number(Estimate(1.0 - share.value, share.u, share.dof), "1", n=len(self.rows))
        rest = mean_with_shared(self.meter_wh - self.tracker_wh, "Wh", self.budget.shared)
        return {"energy_wh": _json(rest), "share": over.to_json()}

    def _supply(self) -> Json | None:
        """The rest, split by the power supply's efficiency: its loss, and components out of the tracker's scope."""
        if self.supply is None or self.supply.u is None:
            return None
        eta, u_eta = self.supply.value, self.supply.u
        n, mean_wh, shared = len(self.rows), float(self.meter_wh.mean()), self.budget.shared
        of_eta = Term(mean_wh * u_eta, math.inf)
        loss = combine(0.0, [Term((1 - eta) * shared.u, shared.dof), of_eta])
        scope = combine(0.0, [Term(eta * shared.u, shared.dof), of_eta])
        parts = {
            "loss": ((1 - eta) * self.meter_wh, loss, 1 - eta, Estimate(0.0, 0.0, math.inf)),
            "out_of_scope": (eta * self.meter_wh - self.tracker_wh, scope, eta - self.ratio.number.estimate.value,
                             self.ratio.number.estimate),
        }  # fmt: skip
        found = {}
        for name, (values_wh, common, share, of_ratio) in parts.items():
            term = Term(common.u or 0.0, math.inf if common.dof is None else common.dof)
            known = of_ratio.u is not None and of_ratio.dof is not None
            both = [Term(u_eta, math.inf), Term(of_ratio.u or 0.0, of_ratio.dof or math.inf)]
            estimate = combine(share, both) if known else Estimate(share, None, None)
            energy = mean_with_shared(values_wh, "Wh", term)
            found[name] = {"energy_wh": _json(energy), "share": Number(estimate, "1", n=n).to_json()}
        return found


def supply_of(config: Mapping[str, Any]) -> Estimate | None:
    """Efficiency of the SUT's power supply as lab.toml states it: limits of error are rectangular; None without."""
    section = config.get("sut")
    told = section if isinstance(section, dict) else {}
    percent, limit = told.get("psu_efficiency_percent"), told.get("psu_efficiency_limit_percent")
    if not isinstance(percent, int | float) or not isinstance(limit, int | float) or not percent:
        return None
    return Estimate(percent / 100, limit / 100 / ROOT_3, math.inf)


def _distinct(values: Iterator[Any]) -> list[Any]:
    return list(dict.fromkeys(value for value in values if value is not None))


def _json(number: Number | None) -> Json | None:
    return None if number is None else number.to_json()


def _pair(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else list(interval)
