"""A campaign's searches, held against themselves: what was suggested, begun and registered, in which order, by which
bytes.

Knows the log and sealed runs. Suggests nothing: another machine may round otherwise, so a suggestion is what the log
says, before its trial was begun.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.measure.search_section import SearchSection, outside, space_of
from harness.measure.searches import objective_in
from harness.record.codec import Mistakes, record
from harness.record.documents import Json
from harness.record.entries import Entry, Registered, RunBegin, RunEnd, Suggestion, header_of, of
from harness.record.errors import LabError
from harness.record.searches import Trial, section_of, trials_of
from harness.record.verify import Check, Examination

CHECK = "searches"


def check_searches(subject: str, seen: Examination) -> Iterator[Check]:
    """One check of all searches; nothing where there is none."""
    trials = {one.ordinal: one for one in trials_of(seen.entries)}
    told = (*of(Suggestion, seen.entries), *of(Registered, seen.entries))
    if not trials and not told:
        return
    problems = [*_of_order(seen.entries, trials), *_of_values(seen, trials)]
    ended = sum(one.registered is not None for one in trials.values())
    held = f"{ended} of {len(trials)} trials: suggested before they were begun, registered as they were sealed"
    yield Check(subject, CHECK, not problems, "; ".join(problems[:5]) or held)


def suggested_in(entries: Sequence[Entry]) -> dict[int, Json]:
    """Ordinal of a trial -> the parameters that were suggested for it."""
    return {one.ordinal: one.suggestion.values for one in trials_of(entries) if one.suggestion is not None}


def _of_order(entries: Sequence[Entry], trials: Mapping[int, Trial]) -> Iterator[str]:
    """Each trial is suggested once, with what was known then, then begun, ended, and registered once."""
    suggested, ended, values = set[int](), dict[int, list[RunEnd]](), dict[int, float | None]()
    of_search: dict[tuple[str, int], list[Trial]] = {}
    for one in trials.values():
        of_search.setdefault(_search(one), []).append(one)
    for entry in entries:
        where = f"campaign.jsonl:{entry.seq}"
        if isinstance(entry, Suggestion | Registered) and entry.ordinal not in trials:
            yield f"{where}: {entry.TYPE} of run {entry.ordinal}, which is no trial"
        elif isinstance(entry, Suggestion):
            here = trials[entry.ordinal]
            before = [one for one in of_search[_search(here)] if one.trial < here.trial]
            known = sum(values.get(one.ordinal) is not None for one in before)
            if entry.ordinal in suggested:
                yield f"{where}: trial {here.trial} of {here.scenario} was suggested before"
            elif any(one.ordinal not in values for one in before):
                yield f"{where}: trial {here.trial} of {here.scenario} was suggested before the one before it ended"
            elif known != entry.told:
                yield f"{where}: it was suggested by {entry.told} values, {known} were registered"
            suggested.add(entry.ordinal)
        elif isinstance(entry, RunBegin) and entry.ordinal in trials and entry.ordinal not in suggested:
            yield f"{where}: run {entry.ordinal} was begun before its parameters were suggested"
        elif isinstance(entry, RunEnd):
            ended.setdefault(entry.ordinal, []).append(entry)
        elif isinstance(entry, Registered):
            if entry.ordinal in values:
                yield f"{where}: run {entry.ordinal} was registered before"
            if entry.folder not in [end.folder for end in ended.get(entry.ordinal, []) if end.exit_status != "abort"]:
                yield f"{where}: run {entry.ordinal} was registered by {entry.folder:.60}, which had not ended"
            values.setdefault(entry.ordinal, entry.value)


def _of_values(seen: Examination, trials: Mapping[int, Trial]) -> Iterator[str]:
    """What was suggested lies in the space that is declared; what was registered is what the sealed run holds."""
    header = header_of(seen.entries)
    config = {} if header is None else header.config or {}
    tables = {name: _table_of(config, name) for name in {one.scenario for one in trials.values()}}
    sections = {name: _section(config, table) for name, table in tables.items()}
    for one in trials.values():
        section = sections[one.scenario]
        if section is None:
            yield f"run {one.ordinal} is a trial of {one.scenario:.60}, which declares no search that can be read"
            continue
        if one.suggestion is not None:
            for problem in outside(space_of(section.space), one.suggestion.values):
                yield f"campaign.jsonl:{one.suggestion.seq}: run {one.ordinal}: {problem}"
        if (said := one.registered) is None:
            continue
        run, value = seen.runs.get(said.folder), None
        if run is not None and run.exit_status == "success":
            value, _ = objective_in(run.path, section.objective)
        if said.value is not None and value != said.value:
            yield f"campaign.jsonl:{said.seq}: run {one.ordinal} is registered with {said.value!r}, it holds {value!r}"
        elif said.value is None and not said.reason:
            yield f"campaign.jsonl:{said.seq}: run {one.ordinal} is registered without a value, and nothing says why"


def _search(one: Trial) -> tuple[str, int]:
    return one.scenario, one.search


def _table_of(config: Any, scenario: str) -> str:  # noqa: ANN401  a decoded document
    """The table of a scenario, or of the one that it is a cell of: the longest whose name it begins with."""
    tables = config.get("scenarios") if isinstance(config, dict) else None
    names = [name for name in tables if scenario == name or scenario.startswith(f"{name}.")] if tables else []
    return max(names, key=len, default=scenario)


def _section(config: Json, table: str) -> SearchSection | None:
    """A search as it is declared; None where it cannot be."""
    mistakes = Mistakes()
    try:
        section = record(SearchSection, section_of(config, table), "", "", mistakes)
        return None if mistakes or not all(map(_is_dimension, section.space.values())) else section
    except LabError:
        return None


def _is_dimension(one: object) -> bool:
    """Whether a part of a space can be read; whether it can be right, who begins a campaign is told."""
    if not isinstance(one, dict):
        return False
    if "choices" in one:
        return isinstance(one["choices"], list)
    return all(type(one.get(key)) in (int, float) for key in ("low", "high"))
