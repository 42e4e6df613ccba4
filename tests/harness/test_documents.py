"""Every document survives its own JSON, and nothing else passes for one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.record import documents
from harness.record.documents import (
    ActionEvent,
    ClockEvent,
    Document,
    GapEvent,
    IndicatorDescriptor,
    NoteEvent,
    PhaseEvent,
    PowerDescriptor,
    RangeChangeEvent,
    Start,
    Stop,
    TasksDescriptor,
    decode,
    encode,
    tame,
)
from harness.record.errors import DocumentError, NewerSchema
from tests.harness.start import START

ints = st.integers(-(2**63), 2**63 - 1)
names = st.text(max_size=20)
optional_ints = st.none() | ints
events: st.SearchStrategy[Document] = st.one_of(
    st.builds(
        PhaseEvent,
        time_ns=ints,
        sut_ns=optional_ints,
        sut_wall_ns=optional_ints,
        exit_code=optional_ints,
        frozen_ns=st.lists(st.lists(ints, min_size=2, max_size=2), max_size=2),
    ),
    st.builds(
        ActionEvent,
        time_ns=ints,
        name=names,
        index=ints,
        sut_ns=optional_ints,
        sut_wall_ns=optional_ints,
        metrics=st.dictionaries(names, st.floats(allow_nan=False, allow_infinity=False)),
        exit_code=optional_ints,
    ),
    st.builds(
        ClockEvent,
        time_ns=ints,
        t0_ns=ints,
        t_sut_ns=ints,
        t1_ns=ints,
        sut_wall_ns=ints,
        host_wall_ns=ints,
        sut_boot_ns=optional_ints,
        host_boot_ns=optional_ints,
    ),
    st.builds(GapEvent, time_ns=ints, stream=names, cause=names, from_ns=ints, to_ns=ints),
    st.builds(
        RangeChangeEvent,
        time_ns=ints,
        stream=names,
        column=names,
        auto=st.none() | st.booleans(),
        full_scale=st.none() | st.floats(0, 1000),
        text=names,
    ),
    st.builds(NoteEvent, time_ns=ints, code=names, text=names),
    st.builds(Stop, time_ns=ints, utc=names, reason=st.none() | names, streams=st.just({"a": {"rows": 1}})),
    st.builds(
        IndicatorDescriptor, stream=names, period_s=st.floats(0.01, 60), columns=st.just([{"name": "cpu_percent"}])
    ),
    st.builds(
        TasksDescriptor,
        stream=names,
        generator=names,
        population=names,
        seed=ints,
        address=names,
        columns=st.just([{"name": "task"}]),
        generator_columns=st.just([{"name": "time_ns"}]),
    ),
)


@given(events)
def test_decode_of_encode_is_the_document_and_stays_on_one_line(document: Document) -> None:
    line = encode(document)
    assert "\n" not in line
    assert decode(line, "x:1") == document


def test_a_start_document_keeps_its_own_kind_beside_the_tag() -> None:
    start = Start(**START)
    assert json.loads(encode(start))["kind"] == "scenario"
    assert decode(encode(start), "x:1") == start


def test_a_power_descriptor_takes_a_whole_number_for_a_float() -> None:
    line = json.dumps(
        {"type": "descriptor", "kind": "power", "stream": "s", "meter": "m", "circuit": "c", "identity": {}}
        | {"origin": "emulated", "evidence": {}, "averaging": "window", "window_s": 1, "stamp": "end"}
        | {"latency_s": 0, "columns": [{"name": "power_w"}]}
    )
    assert isinstance(decode(line, "x:1"), PowerDescriptor)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_a_document_error_with_file_and_line(line: bytes) -> None:
    with pytest.raises(DocumentError, match=r"^run.jsonl:3: "):
        decode(line, "run.jsonl:3")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "neither"}, r"Start.kind is 'neither', expected 'baseline' \| 'scenario'"),
        ({"ordinal": True}, "Start.ordinal is True, expected int"),
        ({"block": "3"}, "Start.block is '3', expected int | null"),
        ({"inputs": {"lab.toml": 3}}, "Start.inputs"),
        ({"surprise": 1}, r"unknown fields \['surprise'\]"),
        ({"schema": 0}, "schema 0 is not a version number"),
        ({"schema": "1"}, "schema '1' is not a version number"),
    ],
)
def test_a_wrong_field_is_named_with_what_was_found_and_expected(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        decode(json.dumps({"type": "start", "schema": 1} | START | change), "x:1")


@pytest.mark.parametrize("missing", sorted(START))
def test_every_field_of_a_start_document_is_required(missing: str) -> None:
    raw = {"type": "start", "schema": 1} | {key: value for key, value in START.items() if key != missing}
    with pytest.raises(DocumentError, match="x:1"):
        decode(json.dumps(raw), "x:1")


def test_a_newer_schema_is_refused_with_the_remedy() -> None:
    with pytest.raises(NewerSchema, match="update wattlab"):
        decode(json.dumps({"type": "start", "schema": documents.SCHEMA + 1} | START), "x:1")


def test_an_older_schema_is_migrated_step_by_step_on_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "SCHEMA", 3)
    monkeypatch.setattr(
        documents,
        "MIGRATIONS",
        {
            1: lambda raw: {("uid" if key == "id" else key): value for key, value in raw.items()},
            2: lambda raw: raw | {"operator": raw["operator"] + "!"},
        },
    )
    old = {("id" if key == "uid" else key): value for key, value in START.items()}
    start = decode(json.dumps({"type": "start", "schema": 1} | old), "x:1")
    assert isinstance(start, Start)
    assert (start.schema, start.uid, start.operator) == (3, "0123abcd", "!")


def test_not_a_number_is_never_written() -> None:
    with pytest.raises(DocumentError, match="JSON"):
        encode(ActionEvent(time_ns=1, name="epoch", index=0, edge="end", metrics={"loss": float("nan")}))


nested = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=9),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=3), part, max_size=3),
    max_leaves=12,
)


@given(nested)
def test_whatever_a_sut_says_is_tamed_into_what_can_be_written_and_read_back(value: object) -> None:
    problems: list[str] = []
    metrics = {"m": tame(value, "m", problems)}
    event = ActionEvent(time_ns=1, name="a", index=0, edge="end", metrics=metrics)
    assert decode(encode(event), "x:1") == event
    assert tame(metrics["m"], "m", problems) == metrics["m"]


def test_what_is_tamed_is_told_by_its_place() -> None:
    problems: list[str] = []
    deep: object = 1
    for _ in range(12):
        deep = [deep]
    said = {"a": [1, float("nan")], "b": {"c": 10**400}, "d": deep, "e": "x\x1b[2J\ud800", "f": 1 << 62, "g": 1e300}
    kept = tame(said, "", problems)
    assert {key: kept[key] for key in "abefg"} == {
        "a": [1, None], "b": {"c": None}, "e": "x\ufffd[2J\ufffd", "f": 1 << 62, "g": 1e300
    }  # fmt: skip
    assert problems == [
        "a[1] is nan",
        "b.c is a whole number beyond 64 bits",
        "d[0][0][0][0][0][0][0] is nested more than 8 deep",
    ]


@pytest.mark.parametrize("number", [1 << 63, -(1 << 63) - 1, 10**400])
def test_a_whole_number_beyond_64_bits_is_a_wrong_field(number: int) -> None:
    line = f'{{"type":"event","kind":"note","time_ns":{number},"code":"c","text":"t"}}'
    with pytest.raises(DocumentError, match=r"NoteEvent.time_ns is .*, expected int"):
        decode(line, "x:1")


def test_fields_that_are_younger_than_a_document_say_what_was_not_known() -> None:
    phase = decode('{"type":"event","kind":"phase","time_ns":1,"name":"rating","edge":"end"}', "x:1")
    assert isinstance(phase, PhaseEvent)
    assert (phase.exit_code, phase.frozen_ns) == (None, [])
    start = decode(json.dumps({"type": "start", "schema": 1} | START), "x:1")
    assert isinstance(start, Start)
    assert start.boot_ns is None


@pytest.mark.parametrize("schema", [1, 2])
def test_a_start_document_without_a_cell_is_read_and_written_without_one(schema: int) -> None:
    start = decode(json.dumps({"type": "start", "schema": schema} | START), "x:1")
    assert isinstance(start, Start)
    assert start.cell is None
    assert "cell" not in json.loads(encode(start))


def test_the_levels_of_a_cell_keep_their_types_and_order_in_a_line() -> None:
    start = Start(**START, cell={"framework": "torch", "size": 32, "rate": 1.0, "deep": True})
    line = encode(start)
    assert line.endswith('"cell":{"framework":"torch","size":32,"rate":1.0,"deep":true}}')
    assert encode(decode(line, "x:1")) == line


@pytest.mark.parametrize("cell", ["torch", ["torch"], {"size": None}, {"size": [32]}, {"size": 1 << 63}])
def test_what_is_no_level_is_a_wrong_field(cell: object) -> None:
    with pytest.raises(DocumentError, match=r"x:1: Start\.cell is "):
        decode(json.dumps({"type": "start", "schema": 2, "cell": cell} | START), "x:1")
