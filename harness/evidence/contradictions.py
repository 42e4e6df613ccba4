"""What a campaign says twice, held against itself: configuration, stamps, the order in which things arrived.

Knows the documents of runs and log. Knows no number and no key. Whoever writes everything anew, consistently, passes:
that is what a witness is for. What an honest accident can do (a clock that was set, a marker that holds nonsense, a
process that outlives its command) is no contradiction; the analysis has findings for it.

Settings that lab.toml leaves to their default are held against the defaults of this wattlab where it is the version
that measured; where another one did they are compared between runs and log only: a later wattlab may have another
default, and an archive must not fail for that.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median
from typing import Any

from harness.evidence import lab_inputs
from harness.evidence.cells import cell_problems, planned_cells, section_of
from harness.evidence.changes import precedes
from harness.evidence.drawn import plan_problems
from harness.evidence.searches import suggested_in
from harness.measure.cells import TRACKER_FACTOR, parameters_at, python_at, tracked_by, with_levels
from harness.measure.ranging import CHANGED, is_ranging
from harness.record.documents import VERSION, ActionEvent, ClockEvent, Json, NoteEvent, PhaseEvent, table_of
from harness.record.entries import Header, header_of
from harness.record.run_folder import RunFolder
from harness.record.verify import Check, Examination
from harness.record.work import DECLARED, declared_in
from reports.campaign.witnessed import seconds

FOLDER = re.compile(r"(\d{8}T\d{6})Z-r\d{2,}-[0-9a-f]{8}")
CLOCK_S, CLOCK_RATE = 5.0, 1e-3
"""Stamps of one host may differ by as much: whole seconds in them, and slewing."""
NAMED_S = 30.0
"""A folder is named before its inputs are written and the start document is stamped; a slow disk takes a while."""
ARRIVAL_NS = 100_000_000
"""A stamp of the SUT may be mapped so wrong by a slow link; one further off its arrival is nonsense, no forgery."""
LATER = frozenset({"lab.photos"})
"""Settings that may change while a campaign is measured: photographs may be attached at any time."""
OWN_KEYS = re.compile(r"meters\.[^.]+\.options\.|scenarios\.[^.]+\.(parameters|tracker_periods_s|factors)\.(.+\.)?")
"""Tables of a configuration, as TOML paths, that have no defaults: what is not written is not there."""
OF_SCENARIO = ("title", "description", "command", "artifacts", "actions", "verification", *DECLARED)
"""Keys of a scenario.toml that a start document has as they are written."""
HANDED_S = 10.0
"""Between the edges of the rating interval and the phases around it the host does nothing but ask for the clock."""
WHOLE_SINCE = "0.2.0"
"""Campaigns of this version and later ones have every setting in each place; what an older one lacks is no difference.
"""
OUTLIVED = frozenset({"left-running", "not-killed"})
"""Notes of the agent: processes of the command outlived it, and may mark after the rating interval."""


class _Absent:
    """What is not there, in a message."""

    def __repr__(self) -> str:
        return "not there"


ABSENT = _Absent()


def check_contradictions(subject: str, seen: Examination) -> list[Check]:
    """One check for each kind, of all runs that were measured here."""
    runs = [run for run in seen.runs.values() if run.start.time_base == "host-monotonic" and run.start.source is None]
    header = header_of(seen.entries)
    suggested = suggested_in(seen.entries)
    settings = (p for run in runs for p in _config_problems(run, header, suggested.get(run.start.ordinal, {})))
    problems = {
        "config": [*planned_cells(seen.entries), *plan_problems(seen.entries), *settings],
        "dates": [p for run in runs for p in (*_date_problems(run), *_wall_problems(run))],
        "order": [p for run in runs for p in _order_problems(run)],
    }
    held = {
        "config": "start documents, log and inputs/lab.toml say the same",
        "dates": "folders, start documents and clock exchanges say the same",
        "order": "actions arrived inside their rating intervals",
    }
    return [Check(subject, name, not found, "; ".join(found[:5]) or held[name]) for name, found in problems.items()]


# --- configuration ---


def _config_problems(run: RunFolder, header: Header | None, suggested: Json) -> Iterator[str]:
    """Settings of the start document that log or inputs contradict, or do not have; `suggested`: the parameters that
    the log says a search was to run it with."""
    logged, software = ({}, {}) if header is None else (header.config or {}, header.software or {})
    written, version = lab_inputs.written(run), run.start.software.get("version")
    skipped = CHANGED if is_ranging(logged) else None
    is_late = not precedes(str(version), WHOLE_SINCE)
    is_one = is_late and logged != {} and software.get("version") == version
    resolved = lab_inputs.resolved(run) if version == VERSION and written else None
    yield from lab_inputs.problems(run)
    for where, other, is_whole in (
        ("the campaign's log", logged, is_one), (None, resolved or written, resolved is not None),
    ):  # fmt: skip
        for path, here, there in _differing(run.start.config, other, is_whole=is_whole):
            if path not in LATER and not (skipped and skipped.fullmatch(path)):
                place = where or lab_inputs.place_of(run, path)
                yield f"{run.path.name}: {path} is {here!r:.40} in its start document, {there!r:.40} in {place}"
    for where, other, is_whole in (("the campaign's log", logged, is_one), (None, written, is_late)):
        for path, there, here in _differing(other, run.start.config, is_whole=is_whole):
            if here is ABSENT and not (skipped and skipped.fullmatch(path)):
                place = where or lab_inputs.place_of(run, path)
                yield f"{run.path.name}: {path} is {here!r} in its start document, {there!r:.40} in {place}"
    yield from _scenario_problems(run)
    if run.start.kind == "scenario":
        yield from cell_problems(run, _toml(run, "scenario.toml"))
        yield from _parameter_problems(run, suggested)


def _scenario_problems(run: RunFolder) -> Iterator[str]:
    """What scenario.toml says of command, artifacts and verification, against the start document."""
    own = _toml(run, "scenario.toml")
    section = table_of(table_of(run.start.config.get("scenarios")).get(section_of(run)))
    prefix = list(with_levels([str(word) for word in _list(section.get("prefix"))], run.start.cell or {}))
    if isinstance(words := own.get("command"), list):
        own = own | {"command": [*prefix, *with_levels([str(word) for word in words], run.start.cell or {})]}
    told = {key: own[key] for key in OF_SCENARIO if key in own}
    if isinstance(name := own.get("python"), str) and name:
        parameters = table_of(run.start.scenario_config.get("parameters"))
        told["python"] = python_at(name, parameters, run.start.cell or {})
    if run.start.scenario_config.get("trackers"):  # they stand before the command, and leave files of their own
        for key in ("command", "artifacts"):
            here, there = _list(run.start.scenario_config.get(key)), _list(own.get(key))
            is_part = _is_around(here, there, len(prefix)) if key == "command" else here[: len(there)] == there
            told |= {key: here if is_part else there}
    for path, there, here in _differing(told, run.start.scenario_config, is_whole=bool(run.start.scenario_config)):
        where = "in its start document, {there!r:.40} in inputs/scenario.toml"
        yield f"{run.path.name}: scenario_config.{path} is {here!r:.40} {where.format(there=there)}"
    for key in sorted(declared_in(run.start.scenario_config).keys() - own.keys()):
        yield f"{run.path.name}: scenario_config.{key} is in its start document, not in inputs/scenario.toml"


def _is_around(here: list[Any], there: list[Any], prefix: int) -> bool:
    """Whether a command is another one with a tracker's words between its first `prefix` words and the rest."""
    rest = there[prefix:]
    return here[:prefix] == there[:prefix] and here[len(here) - len(rest) :] == rest


def _parameter_problems(run: RunFolder, suggested: Json) -> Iterator[str]:
    """Parameters of the scenario, which are its own overridden by lab.toml's, these by the levels of its cell, and
    these by what was suggested for the trial."""
    section = table_of(table_of(run.start.config.get("scenarios")).get(section_of(run)))
    given, told = table_of(section.get("parameters")), table_of(run.start.scenario_config.get("parameters"))
    own = table_of(_toml(run, "scenario.toml").get("parameters"))
    wanted = parameters_at(own | given, run.start.cell or {}) | suggested
    if "scenario.toml" in run.start.inputs and wanted != told:
        more = ", and of the log's suggestion" if suggested else ""
        yield f"{run.path.name}: its parameters are not those of inputs/scenario.toml and lab.toml{more}"
    level, trackers = (run.start.cell or {}).get(TRACKER_FACTOR), _list(run.start.scenario_config.get("trackers"))
    if level is not None and tracked_by({TRACKER_FACTOR: level})[level] != trackers:
        yield f"{run.path.name}: its cell has the trackers {level!r:.40}, its scenario_config has {trackers!r:.40}"


def _toml(run: RunFolder, name: str) -> Json:
    """An input of the run, parsed; empty where it cannot be, or is not there."""
    return dict(lab_inputs.parsed(lab_inputs.text_of(run, name)))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _differing(
    one: Mapping[str, Any], other: Mapping[str, Any], path: str = "", *, is_whole: bool = False
) -> Iterator[tuple[str, Any, Any]]:
    """Paths that both have and that differ, with both values; with `is_whole`, or in a table of somebody's own keys,
    those too that the first alone has."""
    for key in one.keys() | (other.keys() if OWN_KEYS.fullmatch(path) else set()):
        here, there = one.get(key, ABSENT), other.get(key, ABSENT)
        if isinstance(here, dict) and isinstance(there, dict):
            yield from _differing(here, there, f"{path}{key}.", is_whole=is_whole)
        elif here != there and (is_whole or OWN_KEYS.fullmatch(path) or there is not ABSENT):
            yield path + key, here, there


# --- stamps ---


def _date_problems(run: RunFolder) -> Iterator[str]:
    """The run's folder, its start document and the host's clock in its exchanges, all of one clock."""
    name, start = run.path.name, run.start
    at_s, named = seconds(start.utc), FOLDER.fullmatch(name)
    if at_s is None or named is None:
        yield f"{name}: {'stamped ' + repr(start.utc) if at_s is None else 'its folder'} is no stamp"
        return
    named_s = datetime.strptime(named[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC).timestamp()
    if not -CLOCK_S <= at_s - named_s <= NAMED_S:
        yield f"{name}: its start document is stamped {start.utc}"
    exchanges = [event for event in run.events if isinstance(event, ClockEvent)]
    # A clock that was set in mid-run leaves exchanges that agree; one that was rewritten leaves none.
    away_s = [_away_s(event, start.time_ns, at_s) for event in exchanges]
    if away_s and min(away_s) > CLOCK_S:
        yield f"{name}: its clock exchanges put it {min(away_s):.0f} s from {start.utc}"
    stop_s = None if run.stop is None else seconds(run.stop.utc)
    if run.stop is not None and (stop_s is None or stop_s < at_s - CLOCK_S):
        yield f"{name}: it is stamped {start.utc} where it begins and {run.stop.utc} where it ends"


def _wall_problems(run: RunFolder) -> Iterator[str]:
    """Both clocks of the SUT in the edges of the rating interval lie as far apart as in some exchange."""
    apart_ns = [e.sut_wall_ns - e.t_sut_ns for e in run.events if isinstance(e, ClockEvent)]
    for event in run.events:
        if isinstance(event, PhaseEvent) and event.sut_ns is not None and event.sut_wall_ns is not None and apart_ns:
            away_s = min(abs(event.sut_wall_ns - event.sut_ns - apart) for apart in apart_ns) * 1e-9
            if away_s > CLOCK_S:
                yield f"{run.path.name}: the SUT's clocks in its rating's {event.edge} are {away_s:.0f} s off exchanges"


def _away_s(event: ClockEvent, start_ns: int, start_s: float) -> float:
    """How far the host's wall clock in an exchange is from where the start document puts it, less what it may slew."""
    passed_s = (event.time_ns - start_ns) * 1e-9
    return abs(event.host_wall_ns * 1e-9 - start_s - passed_s) - CLOCK_RATE * abs(passed_s)


# --- arrival ---


def _order_problems(run: RunFolder) -> Iterator[str]:
    """Marks of the agent arrive in the order in which it wrote them: none of the command's actions after the rating."""
    marks = [
        event for event in run.events
        if isinstance(event, ActionEvent) or (isinstance(event, PhaseEvent) and event.name == "rating")
    ]  # fmt: skip
    if any(later.time_ns < earlier.time_ns for earlier, later in pairwise(marks)):
        yield f"{run.path.name}: a mark arrived before the one before it"
    yield from _phase_problems(run)
    ends = [place for place, mark in enumerate(marks) if isinstance(mark, PhaseEvent) and mark.edge == "end"]
    outlived = any(isinstance(event, NoteEvent) and event.code in OUTLIVED for event in run.events)
    if len(ends) != 1 or outlived or marks[ends[0]].sut_ns is None:
        return
    end = marks[ends[0]]
    if ends[0] != len(marks) - 1:
        yield f"{run.path.name}: {len(marks) - 1 - ends[0]} marks of actions stand behind the end of its rating"
    late = [mark for mark in marks[: ends[0]] if _is_after(mark, end, _offset_ns(run))]
    if late:
        yield f"{run.path.name}: {len(late)} marks of actions are stamped after the end of its rating interval"


def _phase_problems(run: RunFolder) -> Iterator[str]:
    """The rating interval follows on the stabilization, and is followed by the supplementary phase, at once."""
    if any(isinstance(event, NoteEvent) and event.code == "link-lost" for event in run.events):
        return  # the host waited for the SUT to come back
    phases = [event for event in run.events if isinstance(event, PhaseEvent)]
    at_ns = {(phase.name, phase.edge): phase.time_ns for phase in phases}
    for before, after in (
        (("stabilization", "end"), ("rating", "begin")), (("rating", "end"), ("supplementary", "begin")),
    ):  # fmt: skip
        if before in at_ns and after in at_ns:
            apart_s = (at_ns[after] - at_ns[before]) * 1e-9
            if not 0 <= apart_s <= HANDED_S:
                yield f"{run.path.name}: {' '.join(after)} arrived {apart_s:.1f} s after {' '.join(before)}"


def _offset_ns(run: RunFolder) -> float:
    """Host clock minus SUT clock, by the exchanges."""
    exchanges = [event for event in run.events if isinstance(event, ClockEvent)]
    return median((e.t0_ns + e.t1_ns) / 2 - e.t_sut_ns for e in exchanges) if exchanges else float("nan")


def _is_after(mark: ActionEvent | PhaseEvent, end: ActionEvent | PhaseEvent, offset_ns: float) -> bool:
    """Whether an action is stamped after the rating's end, by a stamp that its own arrival does not contradict."""
    if mark.sut_ns is None or end.sut_ns is None or mark.sut_ns <= end.sut_ns:
        return False
    return mark.sut_ns + offset_ns <= mark.time_ns + ARRIVAL_NS
