"""Results of an older wattlab against what is computed today: which differences "Changes to results" predicts.

Knows the catalogue of changes (every id stands in CHANGELOG.md too) and JSON documents of results. Knows no file and
computes no number: what the older rules give is computed by `reports` and handed in.

A change is no licence to differ. Results that version V wrote are computed twice, by today's rules and by those of V
(`reports.results.rules`). Every number has to be, to 1e-9, what V's rules give; so nothing can be forged under cover
of a change. Where today's rules give another one, a change has to say why: one that lies behind V, whose condition this
campaign meets, and which may move that place. What no rule of then can give has a relation between both values instead.

Above 400 lines: the table of changes, their conditions and what a change may move are read together, or not understood.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from typing import Any

from harness.record.documents import VERSION, Json
from reports.findings.lab_rules import SECOND
from reports.results.codec import RELATIVE
from reports.results.rules import Rule

FIRST = "0.1.0"
"""Wrote results that do not say who computed them."""
PROBABILITY = 1e-12
"""Numbers of `statistics` may differ by as much: R's tail probabilities are exact to about 1e-14, not in relation to
themselves."""
STATISTICS = "statistics"
SHOWN = 3
"""Differences that a sentence names."""
ABSENT = object()
KEYS: Mapping[str, tuple[str, ...]] = {
    "findings": ("code", "subject"), "reasons": ("code",), "lines": ("source", "meter"), "alternatives": ("name",),
}  # fmt: skip
"""Lists of results.json whose items are told apart by name, not by place."""
OWN = ("schema", "computed_by")
"""Say who wrote the document, and are no results."""
ADDED: Mapping[str, tuple[str, ...]] = {
    FIRST: (
        "campaign/lost", "evidence", "label/baseline/*/indicators", "label/idle/*/indicators",
        "label/usage/*/*/indicators", "meters/*/assumed_percent", "other_circuits", "records/environments",
        "records/inputs/*/bytes", "records/inputs/*/kept", "records/inputs/*/of", "records/inputs/*/why",
        "records/programs", "runs/*/publisher", "scenarios/*/invalid_because", "scenarios/*/publisher",
        "thresholds/agent_late_s", "thresholds/baseline_unsteady_percent", "thresholds/foreign_energy_invalid_percent",
        "thresholds/foreign_energy_percent", "thresholds/foreign_load_invalid_percent", "thresholds/frozen_s",
        "thresholds/receipt_late_s", "thresholds/stimulus_*", "thresholds/tasks_failed_percent",
        "verdict/decision/because",
    ),
}  # fmt: skip
"""Version -> keys that results of it do not have and later ones do: no difference where they are absent."""
ADDED_WITHIN = ("other_circuits",)
"""Keys that results of this version got after its first ones were signed: no difference where they are absent."""
Place = tuple[str, ...]
Relation = Callable[[object, object], bool]


@dataclass(frozen=True, slots=True)
class Difference:
    """A place of two documents where they differ, and both values (ABSENT: not there)."""

    place: Place
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{'.'.join(self.place)} is {shown(self.before)}, recomputed {shown(self.after)}"


@dataclass(frozen=True, slots=True)
class Case:
    """One campaign: its results as they were written, by the rules of then, by those of now, and (without statistics)
    by those of now `without` one change."""

    written: Json
    then: Json
    now: Json
    without: Callable[[Rule], Json]


@dataclass(frozen=True, slots=True)
class Change:
    """An entry of "Changes to results". `until`: the last version that had the old rule; `holds`: whether it can
    concern a campaign at all; `places`: what of results.json it may move (`*` one name, `**` any, also none).
    `relation`: of what cannot be computed by the old rule, how both values belong together."""

    id: str
    until: str
    holds: Callable[[Case], bool]
    places: tuple[str, ...]
    relation: Relation | None = None

    def may_move(self, place: Place) -> bool:
        """Whether a place is one of those it may move."""
        return _is_among(place, self.places)


def _is_among(place: Place, patterns: Sequence[str]) -> bool:
    return any(_pattern(pattern).fullmatch("/".join(place)) is not None for pattern in patterns)


@cache
def _pattern(places: str) -> re.Pattern[str]:
    parts = {"**/": "(?:[^/]+/)*", "/**": "(?:/[^/]+)*", "*": "[^/]*"}
    return re.compile(re.sub(r"\*\*/|/\*\*|\*|[^*/]+|/", lambda m: parts.get(m[0], re.escape(m[0])), places))


def _findings(results: Json) -> set[str]:
    return {str(one["code"]) for one in results["findings"]}


def _has(*codes: str) -> Callable[[Case], bool]:
    """A finding of these codes, by the rules of now or of then."""
    return lambda case: not (_findings(case.now) | _findings(case.then)).isdisjoint(codes)


def _has_now(codes: Collection[str]) -> Callable[[Case], bool]:
    return lambda case: not _findings(case.now).isdisjoint(codes)


def _any_meter(key: str, wanted: Callable[[object], bool]) -> Callable[[Case], bool]:
    return lambda case: any(wanted(meter[key]) for meter in case.now["meters"])


def _has_few_blocks(case: Case) -> bool:
    """Fewer than five in the whole campaign, or in one session (`baseline-shape` is then in a budget)."""
    baselines = [results["baseline"] for results in (case.now, case.then) if results["baseline"]]
    return any(one["n_blocks"]["value"] < 5 for one in baselines) or "baseline-shape" in _sources(case.now)


def _sources(results: Json) -> set[str]:
    budgets = [scenario["budget"]["induced"] for scenario in results["scenarios"].values()]
    return {line["source"] for budget in budgets if budget for line in budget["lines"]}


def _has_short_intervals(case: Case) -> bool:
    """A run, an action or a tracker's interval below two windows of the slowest meter, or below two steps of momentary
    values; or `too-short-to-resolve` of a run that is out, which is not said any more."""
    windows_s = [float(meter["window_s"]) for meter in case.now["meters"]]
    told = [one["evidence"].get("window_s") for one in case.now["findings"] if one["code"] == "too-short-to-resolve"]
    least_s = 2 * max([*windows_s, *(float(value) for value in told if isinstance(value, int | float))], default=0.0)
    lengths_s = [run["duration_s"]["value"] for run in case.now["runs"] if run["duration_s"]]
    lengths_s += [action["duration_s"] for run in case.now["runs"] for action in run["actions"]]
    lengths_s += [row["duration_s"] for row in (case.now["trackers"] or {"runs": []})["runs"] if row["duration_s"]]
    return _has("too-short-to-resolve")(case) or any(0 < length_s < least_s for length_s in lengths_s)


def _has_late_rows(case: Case) -> bool:
    """Momentary values, and a gap by the rule of then."""
    gaps_s = [(run["gap_s"] or {}).get("value", 0.0) for run in case.then["runs"]]
    return _any_meter("averaging", lambda value: value == "instantaneous")(case) and any(gaps_s)


def _has_gaps(case: Case) -> bool:
    return any((run["gap_s"] or {}).get("value", 0.0) > 0 for run in case.now["runs"]) or _has("gap")(case)


def _has_binary_units(case: Case) -> bool:
    units = [{one["name"]: one["unit"] for one in results["indicators"]} for results in (case.then, case.now)]
    return units[0] != units[1]


def _has_twins(case: Case) -> bool:
    """A name and index of an action that one run has twice, or a marker that is none."""
    names = [[(action["name"], action["index"]) for action in run["actions"]] for run in case.then["runs"]]
    return _has("unpaired-action", "action-outside-record")(case) or any(len(set(own)) < len(own) for own in names)


def _has_halves(case: Case) -> bool:
    label = case.now["label"]
    rows = [label["baseline"] or [], label["idle"] or [], *label["usage"].values()]
    sums = ("network", "storage-traffic")
    return any(row["quantity"] in sums and row["gross"] is None for own in rows for row in own)


def _is_without_place(before: object, after: object) -> bool:
    """A message that named the campaign's place on its machine."""
    texts = isinstance(before, str) and isinstance(after, str)
    return texts and str(before).startswith("/") and str(before).endswith(f"/{after}")


U = ("**/u", "**/U", "**/dof", "**/lines/**", "**/dominant", "**/*_u_wh", "**/*_U_wh", "**/*_dof")
JUDGED = ("findings/**", "runs/*/findings/**", "verdict/**")
BY_U = ("scenarios/*/efficiency/**", "statistics/**", "label/**", *JUDGED)
"""What is said or left out for the size of an uncertainty."""
OUT = (
    "runs/*/included", "runs/*/excluded_because", "runs/*/induced_energy_wh/**", "runs/*/actions/*/induced_*",
    "baseline/**", "scenarios/**", "label/**", "statistics/**", "trackers/**", "cross_checks/**", "observer/**",
    *JUDGED,
)  # fmt: skip
"""What rests on which runs are in the means."""
ENERGIES = (
    *OUT, "runs/*/mean_power_w/**", "runs/*/energy_wh/**", "runs/*/actions/**", "runs/*/gap_s", "runs/*/gap_energy_wh",
    "runs/*/gap_s/**", "runs/*/gap_energy_wh/**", *U,
)  # fmt: skip
"""What rests on the energy of an interval."""

CHANGES: tuple[Change, ...] = (
    Change(Rule.FOREIGN_LOAD, FIRST, _has("foreign-load"), OUT),
    Change(Rule.LATE_STAMPS, FIRST, _has("frozen", "agent-late", "arrival-contradicted"), OUT),
    Change(Rule.MOVING_AVERAGES, FIRST, _has("moving-average"), ENERGIES),
    Change(Rule.REPETITIONS, FIRST, _has("stale"), ENERGIES),
    Change(Rule.MARKERS, FIRST, _has_twins, (*OUT, "runs/*/actions/**")),
    Change(Rule.DAMAGED_CELLS, FIRST, _has("unreadable", "unreadable-values"),
           (*ENERGIES, "runs/*/indicators/**", "runs/*/duration_s/**", "runs/*/gpu_energy_wh/**", "indicators/**",
            "records/clocks/**", "records/phases/**", "meters/*/role", "meters/*/n_runs", "clock/bound_s/**")),
    Change(Rule.UNITS, FIRST, _has_binary_units,
           ("**/unit", "label/**", "findings/**")),
    Change(Rule.LABEL_HALVES, FIRST, _has_halves, ("label/**",)),
    Change(Rule.CLOCKS_IN_DURATIONS, FIRST, lambda case: (case.now["clock"]["bound_s"] or {}).get("value", 0) > 0,
           tuple(f"**/duration_s/{key}" for key in ("u", "U", "dof"))),
    Change(Rule.ASSUMED_LIMITS, FIRST, _any_meter("assumed_percent", lambda value: value is not None), (*U, *BY_U)),
    Change(Rule.FEW_BLOCKS, FIRST, _has_few_blocks, (*U, *BY_U)),
    Change(Rule.SHORT_INTERVALS, FIRST, _has_short_intervals, ENERGIES),
    Change(Rule.EDGES_WITH_SIGN, FIRST, lambda case: len(case.now["measurement"]["circuits"]) > 1, (*U, *BY_U)),
    Change(Rule.LATE_ROWS, FIRST, _has_late_rows, ENERGIES),
    Change(Rule.OPEN_ENDS, FIRST, _has_gaps, (*OUT, *U, *BY_U)),
    Change(Rule.INDICATED_READINGS, FIRST, _any_meter("calibration", bool),
           ("scenarios/*/oscar/**", "clock/pulses/**", *JUDGED)),
    Change(Rule.ODD_READINGS, FIRST, _has("negative", "zero", "nan"), OUT),
    Change(Rule.IMPORTED_RATES, FIRST, lambda case: case.now["campaign"]["source"] is not None, JUDGED),
    Change(Rule.ABORTED_LATE, FIRST, _has("aborted-after-rating"), ("scenarios/*/alternatives/**", *JUDGED)),
    Change(Rule.SHOWN_STATISTICS, FIRST, lambda case: bool(case.then["statistics"]["available"]), ("statistics/**",)),
    Change(Rule.ETA_INTERVAL, FIRST, lambda case: bool(case.then["statistics"]["available"]), ("statistics/**",)),
    Change(Rule.G_INTERVAL, FIRST, lambda case: bool(case.then["statistics"]["available"]), ("statistics/**",)),
    Change(Rule.VERDICT_BY_SCENARIO, FIRST,
           lambda case: any(one["invalid_because"] for one in case.now["scenarios"].values()), ("verdict/**",)),
    Change(Rule.COMPARED_PROGRAM, FIRST, lambda _: False, ()),  # of comparison.json alone
    Change(Rule.COMPARED_EDGES, FIRST, lambda _: False, ()),  # of comparison.json alone
    Change(Rule.COMPARED_WORDS, FIRST, lambda _: False, ()),  # of comparison.json alone
    Change(Rule.COMPARED_DECLARATIONS, FIRST, lambda _: False, ()),  # of comparison.json alone
    Change(Rule.COUNTER_FALLS, FIRST, lambda _: False, ()),  # of qualification.json and its estimates, which came later
    Change(Rule.UNMEASURED_CELLS, FIRST, lambda _: False, ()),  # of study.json alone
    Change(Rule.OBSERVER_OF_RUNS, FIRST, lambda case: case.now["observer"] is not None, (*OUT, *U, *BY_U)),
    Change(Rule.EACH_ORIGIN, FIRST, lambda case: len({meter["origin"] for meter in case.now["meters"]}) > 1, JUDGED),
    Change(Rule.POOLED_CALIBRATIONS, FIRST, _has_now({"pooled-incomparable"}),
           (*JUDGED, "scenarios/*/invalid_because")),
    Change(Rule.NEW_FINDINGS, FIRST, _has_now(SECOND | {"success-fraction"}),
           (*JUDGED, "trackers/runs/*/included", "trackers/runs/*/excluded_because")),
    Change("long-integers", FIRST, lambda _: True, ("runs/*/final_metrics/**",),
           lambda before, after: isinstance(before, int) and abs(before) >= 10**18 and after is None),
    Change("places-in-messages", FIRST, _has("unreadable"), ("findings/*/evidence/detail",), _is_without_place),
)  # fmt: skip
"""Every change of what the same raw data give, and that can concern a campaign that is there."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """A change, and the differences that it predicts of one campaign."""

    change: Change
    differences: tuple[Difference, ...]

    def __str__(self) -> str:
        first = sorted(self.differences, key=lambda one: ("findings" in one.place, len(one.place)))[:SHOWN]
        places = [f"{'.'.join(one.place)} {' -> '.join(_in_short(one.before, one.after))}" for one in first]
        more = len(self.differences) - len(places)
        return f"{self.change.id}: {'; '.join(places)}{f'; and {more} more' if more else ''}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What no change predicts, and what each does."""

    unpredicted: tuple[Difference, ...]
    predicted: tuple[Predicted, ...]


def writer_of(results: Json) -> str:
    """The version that computed results. Results that do not say so are of the first one, whatever else they say."""
    said = results.get("computed_by")
    version = said.get("version") if isinstance(said, dict) else None
    return version if isinstance(version, str) else FIRST


def writer_of_sealed(document: Json) -> str:
    """The version that wrote a comparison or a study, which it says itself."""
    return str(document["software"]["version"])


def precedes(version: str, other: str) -> bool:
    """Whether a version is older than another one; one that is no number is not."""
    own, others = (_numbers(one) for one in (version, other))
    return bool(own) and bool(others) and own < others


def newer_of(version: str) -> str:
    """What a newer wattlab recorded is for that one to judge: what to do; empty where it is not newer."""
    if not precedes(VERSION, version):
        return ""
    remedy = "update wattlab, and verify it with that version or a later one"
    return f"recorded by wattlab {version}, this is {VERSION}: {remedy}"


def _numbers(version: str) -> tuple[int, ...]:
    found = re.fullmatch(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})", version)
    return tuple(map(int, found.groups())) if found else ()


def rules_of(version: str) -> frozenset[Rule]:
    """The rules that a version had and that were changed since."""
    return frozenset(Rule(one.id) for one in _since(version) if one.relation is None)


def _since(version: str) -> list[Change]:
    return [change for change in CHANGES if not precedes(change.until, version)]


def _added_since(version: str) -> tuple[str, ...]:
    return tuple(place for until, places in ADDED.items() if not precedes(until, version) for place in places)


def unlike(written: Json, then: Json) -> list[Difference]:
    """Where a comparison or a study is not what the rules of its writer give."""
    return list(_differences(written, then, PROBABILITY))


def moved_since(written: Json, now: Json) -> Iterator[str]:
    """What today's rules make of a comparison or a study that holds by its writer's; nothing where it is the same."""
    differences = unlike(written, now)
    named = "; ".join(f"{'.'.join(d.place)} {shown(d.before)} -> {shown(d.after)}" for d in differences[:SHOWN])
    more = f"; and {len(differences) - SHOWN} more" if len(differences) > SHOWN else ""
    if differences:
        yield f'By today\'s rules ("Changes to results") it would be another: {named}{more}.'


def compare(case: Case) -> Comparison:
    """Results that an older version wrote against both computations (module docstring)."""
    writer = writer_of(case.written)
    changes, added = [one for one in _since(writer) if one.holds(case)], _added_since(writer)
    unlike = {one.place: one for one in _differences(case.written, case.then) if not _is_added(one, added)}
    related = {place: _related(one, changes) for place, one in unlike.items()}
    unpredicted = [one for place, one in unlike.items() if related[place] is None]
    moved: dict[str, list[Difference]] = {}
    movers = _Movers(case, changes)
    for one in _differences(case.written, case.now):
        if _is_added(one, added) or (one.place in unlike and related[one.place] is None):
            continue
        own = related.get(one.place)
        names = movers.of(one) if own is None else [own.id]
        unpredicted += [] if names else [one]
        for name in names:
            moved.setdefault(name, []).append(one)
    return Comparison(
        tuple(unpredicted), tuple(Predicted(one, tuple(moved[one.id])) for one in changes if one.id in moved)
    )


class _Movers:
    """Which changes moved a place: where several may have, those that move it by themselves; of a statistic, those that
    move anything."""

    def __init__(self, case: Case, changes: Sequence[Change]) -> None:
        self._case = case
        self._changes = [change for change in changes if change.relation is None]
        self._moved: dict[str, set[Place]] = {}

    def of(self, one: Difference) -> list[str]:
        """Ids of changes; none where none may move it."""
        names = [change.id for change in self._changes if change.may_move(one.place)]
        if len(names) < 2:
            return names
        if one.place[0] == STATISTICS:
            return [name for name in names if self._moved_by(name)] or names
        return [name for name in names if one.place in self._moved_by(name)] or names

    def _moved_by(self, name: str) -> set[Place]:
        if name not in self._moved:
            without, now = self._case.without(Rule(name)), {k: v for k, v in self._case.now.items() if k != STATISTICS}
            self._moved[name] = {one.place for one in _differences(without, now)}
        return self._moved[name]


def _is_added(one: Difference, added: Sequence[str]) -> bool:
    return one.before is ABSENT and _is_among(one.place, added)


def _related(one: Difference, changes: Sequence[Change]) -> Change | None:
    own = (change for change in changes if change.relation is not None and change.may_move(one.place))
    return next((change for change in own if change.relation and change.relation(one.before, one.after)), None)


def _named(value: Any, name: str = "") -> Any:  # noqa: ANN401  JSON is anything
    """A document whose lists are maps: by the names of KEYS, by the texts themselves in lists of codes, else by
    place."""
    if isinstance(value, dict):
        return {key: _named(item, key) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    names = [_name(item, name, place) for place, item in enumerate(value)]
    return {key: _named(item) for key, item in zip(_told_apart(names), value, strict=True)}


def _name(item: object, name: str, place: int) -> str:
    if isinstance(item, dict) and name in KEYS:
        return "|".join(str(item.get(key)) for key in KEYS[name]).replace("/", " ")
    return item.replace("/", " ") if isinstance(item, str) and name == "findings" else str(place)


def _told_apart(names: Sequence[str]) -> Iterator[str]:
    times: dict[str, int] = {}
    for name in names:
        times[name] = times.get(name, 0) + 1
        yield name if times[name] == 1 else f"{name} ({times[name]})"


def _differences(before: Json, after: Json, absolute: float = 0.0) -> Iterator[Difference]:
    named = (_named({k: v for k, v in one.items() if k not in OWN}) for one in (before, after))
    for one in _apart(*named):
        if not same(one.before, one.after, PROBABILITY if one.place[0] == STATISTICS else absolute):
            yield one


def _apart(before: Any, after: Any, place: Place = ()) -> Iterator[Difference]:  # noqa: ANN401
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _apart(before.get(key, ABSENT), after.get(key, ABSENT), (*place, key.replace("/", " ")))
    elif not same(before, after):
        yield Difference(place, before, after)


def same(before: object, after: object, absolute: float = 0.0) -> bool:
    """Whether two JSON values that are no containers are one: numbers to RELATIVE or `absolute`, the rest exactly."""
    if isinstance(before, float) and isinstance(after, float):
        return abs(before - after) <= max(RELATIVE * max(abs(before), abs(after)), absolute)
    return type(before) is type(after) and before == after


def differences_of(
    written: Any,  # noqa: ANN401
    computed: Any,  # noqa: ANN401
    place: str = "",
    absolute: float = 0.0,
) -> Iterator[str]:
    """Where two JSON values of one version differ: numbers by more than RELATIVE and `absolute`, the rest at all."""
    if isinstance(written, dict) and isinstance(computed, dict):
        for key in sorted(written.keys() | computed.keys()):
            pair = written.get(key, ABSENT), computed.get(key, ABSENT)
            yield from differences_of(*pair, f"{place}.{key}".strip("."), absolute)
    elif isinstance(written, list) and isinstance(computed, list):
        for index, pair in enumerate(zip_longest(written, computed, fillvalue=ABSENT)):
            yield from differences_of(*pair, f"{place}[{index}]", absolute)
    elif not same(written, computed, absolute):
        yield f"{place} is {shown(written)}, recomputed {shown(computed)}"


def _in_short(before: object, after: object) -> list[str]:
    """Both values, in as many digits as tell them apart."""
    values = [f"{value:.6g}" if isinstance(value, float) else shown(value) for value in (before, after)]
    return values if values[0] != values[1] else [shown(before), shown(after)]


def shown(value: object) -> str:
    """A value as a message names it."""
    if isinstance(value, dict):
        return "a table"
    return "absent" if value is ABSENT else f"{value!r:.60}"
