"""What one entry or start document says of itself and of its neighbours is held against them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.forms import check_forms
from harness.record.campaign_folder import ANNOTATIONS, CampaignFolder
from harness.record.documents import Json
from harness.record.entries import IN_ANNOTATIONS, IN_LOG, entry_of
from harness.record.run_folder import JOURNAL, RunFolder
from harness.record.verify import Examination, examine
from tests.evidence.forger import copied, journal_of, write_journal

Entries = list[dict[str, Any]]
UTC = "2026-11-21T09:00:00Z"


@pytest.fixture(scope="module")
def seen(unsigned: Path) -> Examination:
    """The campaign as it was measured."""
    return examine(unsigned)


@pytest.fixture(scope="module")
def one_run(unsigned: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scenario's run, to be written to."""
    return CampaignFolder(copied(unsigned, tmp_path_factory.mktemp("one"))).run_paths()[1]


def problems(seen: Examination) -> list[str]:
    return [f"{check.name}: {check.detail}" for check in check_forms("study", seen) if not check.passed]


def of_log(seen: Examination, change: Callable[[Entries], object]) -> list[str]:
    entries = [dict(entry.raw) for entry in seen.entries]
    change(entries)
    return problems(Examination([], [entry_of(raw, IN_LOG) for raw in entries], [], [], seen.runs, {}))


def test_as_measured_every_form_holds(seen: Examination) -> None:
    assert problems(seen) == []


def first(entries: Entries, kind: str) -> int:
    return next(place for place, entry in enumerate(entries) if entry["type"] == kind)


def checked(*severities: str, at: int, **extra: object) -> Callable[[Entries], object]:
    reasons = [{"severity": one, "subject": "disk", "text": "t"} | extra for one in severities]
    return lambda entries: entries.insert(at, {"type": "preflight", "seq": 3, "utc": UTC, "reasons": reasons})


def put(kind: str, **values: object) -> Callable[[Entries], object]:
    return lambda entries: entries[first(entries, kind)].update(values)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("campaign", customer="a ministry"), "customer is 'a ministry', its config has lab.customer ''"),
        (put("campaign", design="two-stage"), "design is 'two-stage', its config has campaign.design"),
        (put("campaign", seed=8), "seed is 8, its config has campaign.seed 7"),
        (put("campaign", utc="never"), "campaign.jsonl:1: it is stamped 'never', which is no moment"),
        (put("plan", utc="2026-11-21T08:00:00"), "campaign.jsonl:2: it is stamped .* which is no moment with its zone"),
        (put("run-begin", attempt=2), "attempt 2 of run 1, which is its attempt 1"),
        (put("run-begin", ordinal="1"), "ordinal is '1', expected int"),
        (put("run-end", lost="stolen"), "lost is 'stolen', expected"),
        (put("run-start", ordinal=2), "campaign.jsonl has run-begin of run 1, run-start of run 2"),
        (lambda e: e.pop(first(e, "run-start")), r"no run-start names \S+-r01-\S+, whose journal says that it ended"),
        (lambda e: e.insert(3, e.pop(first(e, "run-end"))), "campaign.jsonl has run-begin of run 1, run-end of run 1"),
        (lambda e: e.append(dict(e[0])), "says twice what campaign it is"),
        (checked("ok", at=3), "the lab was first checked after the first run was begun"),
        (checked("refuse", at=2), "a run was begun although the preflight before it refused a start"),
        (checked("fine", at=2), "reasons: severity is 'fine', expected 'ok'"),
        (checked("ok", at=2, certified=True), "reasons has severity, subject, text, certified, expected"),
    ],
)
def test_a_log_that_contradicts_itself_is_found(
    seen: Examination, change: Callable[[Entries], object], message: str
) -> None:
    (found,) = of_log(seen, change)
    assert re.match(f"entries: .*{message}", found), found


def test_a_lab_that_was_checked_before_its_runs_is_in_order(seen: Examination) -> None:
    assert of_log(seen, checked("ok", "warn", "unknown", at=2)) == []


@pytest.mark.parametrize(
    ("note", "message"),
    [
        ({"text": 3}, "text is 3, expected str"),
        ({"operator": ["me"]}, r"operator is \['me'\], expected str"),
        ({"exclude": True}, "exclude is True, expected"),
        ({"exclude": "draught"}, "it excludes without a run"),
        ({"run": {"a": 1}}, "run is {'a': 1}, expected"),
        ({"text": " "}, "text: found nothing, expected who noted what"),
    ],
)
def test_a_note_of_another_form_is_found(seen: Examination, note: Json, message: str) -> None:
    entry = {"type": "annotation", "seq": 1, "utc": UTC, "operator": "me", "run": None, "text": "t", "exclude": None}
    (found,) = problems(Examination([], seen.entries, [entry_of(entry | note, IN_ANNOTATIONS)], [], seen.runs, {}))
    assert re.match(f"entries: {ANNOTATIONS}:1: {message}", found), found
    assert problems(Examination([], seen.entries, [entry_of(entry, IN_ANNOTATIONS)], [], seen.runs, {})) == []


def staged(size: int) -> Callable[[Json], object]:
    return lambda start: start["staged"]["train.py"].update(bytes=size)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda start: start.update(uid="ffffffff"), "its start document says ordinal 2, uid 'ffffffff'"),
        (lambda start: start.update(operator="M. Allory"), "operator is 'M. Allory', its config has lab.operator"),
        (lambda start: start["environment"]["packages"].append("codecarbon==3.0.0"), "its 3 packages give"),
        (lambda start: start["environment"].update(packages=[]), "environment.sha256 is .*, its 0 packages give None"),
        (staged(1), "staged train.py has 1 bytes in its start document, 24 in inputs/work"),
        (
            lambda start: start["staged"].pop("markers.py"),
            "markers.py is a staged file that its start document does not",
        ),
        (lambda start: start.update(inputs={}), "inputs/lab.toml is an input that its start document does not name"),
        (lambda start: start["scenario_config"].update(name="idle"), "of the scenario 'cnn', its scenario_config of"),
        (
            lambda start: start["scenario_config"].update(work=[{"name": "x_per_j", "unit": "1/Wh"}]),
            r"scenario_config: work\[0\].title: missing",
        ),
        (lambda start: start["scenario_config"].update(kind="baseline"), "it is a scenario, its scenario_config is of"),
        (lambda start: start["config"]["meters"].update(second={}), "it has no stream of meter second"),
        (lambda start: start["config"].update(ambient={"file": "/x"}), "lab.toml names a thermometer, and it has no"),
    ],
)
def test_a_start_document_that_contradicts_its_folder_is_found(
    seen: Examination, one_run: Path, change: Callable[[Json], object], message: str
) -> None:
    assert_found(seen, one_run, lambda journal: change(journal[0]), message)


def room(journal: list[Json]) -> None:
    column = {"name": "ambient_c", "unit": "degC"}
    journal.insert(2, {"type": "descriptor", "kind": "indicators", "stream": "samples-ambient.csv", "period_s": 5.0,
                       "clock": "host", "columns": [column]})  # fmt: skip


def event(kind: str, **values: object) -> Callable[[list[Json]], object]:
    """Another event, behind the descriptors."""
    return lambda j: j.insert(3, {"type": "event", "kind": kind, "time_ns": j[0]["time_ns"]} | values)


def gap(stream: str, from_s: int, to_s: int) -> Callable[[list[Json]], object]:
    def change(journal: list[Json]) -> None:
        begin_ns = journal[0]["time_ns"]
        edges = {"from_ns": begin_ns + from_s * 10**9, "to_ns": begin_ns + to_s * 10**9}
        event("gap", stream=stream, cause="silent", **edges)(journal)

    return change


def of(kind: str, **values: object) -> Callable[[list[Json]], object]:
    """The last event of a kind changed."""
    return lambda j: [one for one in j if one.get("kind") == kind][-1].update(values)


WINDOW = {"publisher": "x", "rule": "rows-inside", "from_ns": 0, "to_ns": 1, "offset_s": 0.0, "bound_s": None}
RANGE = {"stream": "readings-wall.csv", "column": "power_w", "auto": False, "full_scale": 9.0, "text": ""}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda j: j[0].update(schema=1), "by wattlab 0.2.0, it says, and written in schema 1, codec 2"),
        (lambda j: j[0]["software"].update(version="0.1.0"), "by wattlab 0.1.0, it says, and written in schema 2"),
        (lambda j: j[1].update(codec=1), "written in schema 2, codec 1"),
        (lambda j: j[0].update(staged=None), "it does not say what was staged"),
        (lambda j: [j[0]["scenario_config"].update(command=["x"]), j[0].update(environment=None)],
         "it does not say what its command is made of"),
        (lambda j: j[2].update(period_s=0.1), "comes every 0.1 s by the clock 'sut', it says; by lab.toml every"),
        (lambda j: j[2]["columns"][0].update(name="load"), "samples-agent.csv is headed sut_ns,.* its descriptor has"),
        (lambda j: j[-1]["streams"]["wire-wall.log"].update(seen=1), "is counted by rows, seen, sha256, expected rows"),
        (event("note", code="x", text="x", time_ns=5), "an event is stamped 5, outside its record"),
        (event("window", source={}, **WINDOW), "it has a WindowEvent, which imports alone have"),
        (event("range_change", **RANGE), "it has a RangeChangeEvent, which imports alone have"),
        (event("phase", name="rating", edge="begin"), "its rating interval has the edges begin, begin, end"),
        (of("clock", t0_ns=1 << 60), "a clock exchange was asked at 1152921504606846976, answered at"),
        (lambda j: j[0].update(boot_ns=5), "the host's boot clock lies behind its monotonic one"),
        (gap("x.csv", 0, 1), "a gap of 'x.csv' is one of no stream"),
        (gap("readings-wall.csv", -9, 1), "a gap of 'readings-wall.csv' is .* not within its record"),
        (gap("readings-wall.csv", 1, 9), "readings of readings-wall.csv lie in a gap of it"),
        (lambda j: j[-1].update(time_ns=5), "it ended at 5, before it began at"),
        (lambda j: j[-1].update(reason="power cut"), "it ended with success, its reason is 'power cut'"),
        (of("phase", exit_code=1), "it ended with success, its command with exit code 1"),
    ],
)  # fmt: skip
def test_a_journal_that_contradicts_itself_is_found(
    seen: Examination, one_run: Path, change: Callable[[list[Json]], object], message: str
) -> None:
    before = (one_run / JOURNAL).read_bytes()
    journal = journal_of(one_run)
    change(journal)
    write_journal(one_run, journal)
    try:
        told = problems(Examination([], seen.entries, [], [], {one_run.name: RunFolder.open(one_run)}, {}))
    finally:
        (one_run / JOURNAL).write_bytes(before)
    assert any(re.search(message, one) for one in told), told


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (room, "it has samples-ambient.csv, and lab.toml names no thermometer"),
        (lambda j: j[-1]["streams"].pop("wire-wall.log"), "wire-wall.log is no stream of its stop document"),
        (lambda j: j[-1]["streams"].update({"x.csv": {}}), "x.csv is counted, and not there"),
        (
            lambda j: j[-1]["streams"]["wire-wall.log"].update(rows=1),
            "wire-wall.log has .* rows, its stop document says",
        ),
    ],
)
def test_streams_that_nothing_else_in_the_run_knows_are_found(
    seen: Examination, one_run: Path, change: Callable[[list[Json]], object], message: str
) -> None:
    assert_found(seen, one_run, change, message)


def assert_found(seen: Examination, run: Path, change: Callable[[list[Json]], object], message: str) -> None:
    before = (run / JOURNAL).read_bytes()
    journal = journal_of(run)
    try:
        change(journal)
        write_journal(run, journal)
        runs = {run.name: RunFolder.open(run)}
    finally:
        (run / JOURNAL).write_bytes(before)
    (found,) = problems(Examination([], seen.entries, [], [], runs, {}))
    assert re.match(rf"start: {run.name}: .*{message}", found), found
