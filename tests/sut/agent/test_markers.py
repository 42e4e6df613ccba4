"""Markers of the program under test: what is kept, what becomes a note, how many there may be."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sut.agent.marker_pipe import MAX_MARKERS
from harness.sut.agent.markers import parse_marker
from tests.sut.local_agent import LocalAgent

MARKING = """
import os, time
begun_ns, wall_ns = time.monotonic_ns(), time.time_ns()
with open(os.environ["WATTLAB_MARKERS"], "wb", 0) as markers:
    for line in LINES:
        markers.write(line.replace(b"BEGUN", b"%d" % begun_ns).replace(b"WALL", b"%d" % wall_ns))
"""


STAMPED_LINE = b'{"action": "a", "edge": "begin", "sut_ns": BEGUN, "sut_wall_ns": 6}\n'


def test_markers_keep_their_own_stamps_and_bad_lines_become_notes(agent: LocalAgent, tmp_path: Path) -> None:
    good = (
        b'{"action": "epoch", "index": 3, "edge": "end", "sut_ns": BEGUN, "sut_wall_ns": 6, "metrics": {"loss": 0.5}}\n'
    )
    bad = [
        b"garbage\n",
        b"\x00\xff\n",
        b"[1]\n",
        b'{"action": "a", "edge": "begin"}\n',
        b'{"action": "a", "edge": "x", "sut_ns": BEGUN, "sut_wall_ns": 1}\n',
        b'{"action": 5, "edge": "begin", "sut_ns": BEGUN, "sut_wall_ns": 1}\n',
        b'{"action": "a", "edge": "begin", "sut_ns": BEGUN, "sut_wall_ns": 1, "index": 1e3}\n',
        b'{"action": "a", "edge": "end", "sut_ns": BEGUN, "sut_wall_ns": 1, "metrics": {"a": '
        + b"[" * 9
        + b"]" * 9
        + b"}}\n",
        b"[" * 3000 + b"\n",
        b"y" * 9000,
    ]
    lines = [good, *bad[:-1], good, bad[-1], b"\n", good]
    agent.rate(f"LINES = {lines!r}\n{MARKING}", tmp_path / "work")
    end = agent.ended()
    markers = agent.of("marker")
    assert len(markers) == 3
    assert end["begin_ns"] < markers[0].pop("sut_ns") < end["sut_ns"]
    assert markers[0] == {
        "rec": "marker",
        "action": "epoch",
        "index": 3,
        "edge": "end",
        "metrics": {"loss": 0.5},
        "exit_code": None,
        "sut_wall_ns": 6,
    }
    assert len(agent.notes("marker-malformed")) >= len(bad)
    # What was written before the command's end stands before the interval's end.
    assert agent.records.index(markers[-1]) < agent.records.index(agent.of("phase")[-1])


STAMPS = b'"sut_ns": 1, "sut_wall_ns": 2}'


def test_work_stands_beside_an_edge_or_alone() -> None:
    edge = parse_marker(b'{"action": "a", "edge": "end", "work": {"tokens": 512}, ' + STAMPS)
    assert (edge["action"], edge["work"]) == ("a", {"tokens": 512})
    assert parse_marker(b'{"work": {"x": 0.5}, ' + STAMPS) == {"work": {"x": 0.5}, "sut_ns": 1, "sut_wall_ns": 2}
    assert "work" not in parse_marker(b'{"action": "a", "edge": "end", "work": {}, ' + STAMPS)


@pytest.mark.parametrize(
    ("work", "why"),
    [
        (b"[1]", "no object"), (b'{"two words": 1}', "a unit is a letter"), (b'{"": 1}', "a unit is a letter"),
        (b'{"9": 1}', "a unit is a letter"), (b'{"a": -1}', "no number from 0 on"), (b'{"a": NaN}', "no number"),
        (b'{"a": Infinity}', "no number"), (b'{"a": true}', "no number"), (b'{"a": "1"}', "no number"),
        (b'{"a": 9223372036854775808}', "no number"), (b'{"a": 1, "a": 2}', "stands twice"),
        (b"{%s}" % b",".join(b'"u%d": 1' % i for i in range(21)), "at most 20 units"),
    ],
)  # fmt: skip
def test_work_that_is_none_says_why(work: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_marker(b'{"work": %s, ' % work + STAMPS)


IMPOSSIBLE = [
    b"0",
    b"WALL",
    b"%d" % 10**30,
    b"%d" % 10**400,
    b"-5",
    b"BEGUN.5",
    b"true",
    b"NaN",
    b"9223372036854775808",
]


def test_a_stamp_that_is_no_moment_of_this_rating_costs_its_line_and_says_why(
    agent: LocalAgent, tmp_path: Path
) -> None:
    lines = [STAMPED_LINE.replace(b"BEGUN", stamp) for stamp in IMPOSSIBLE]
    agent.rate(f"LINES = {[*lines, STAMPED_LINE]!r}\n{MARKING}", tmp_path / "work")
    assert agent.ended()["exit_code"] == 0
    assert len(agent.of("marker")) == 1
    said = agent.notes("marker-malformed")
    assert len(said) == len(IMPOSSIBLE)
    assert all("sut_ns" in text for text in said)
    assert ["time.monotonic_ns()" in text for text in said] == [True, True, *[False] * 7]


def test_marker_lines_beyond_the_bound_are_dropped_and_said_once(tmp_path: Path) -> None:
    program = f"LINES = [{STAMPED_LINE!r}] * 10100\n{MARKING}"
    with LocalAgent(tmp_path / "agent") as agent:
        agent.rate(program, tmp_path / "work")
        agent.ended()
        assert len(agent.of("marker")) == MAX_MARKERS
        (said,) = agent.notes("markers-cut")
        assert "10000 marker lines" in said


@pytest.mark.parametrize(
    ("twice", "name"),
    [
        (b'{"sut_ns": 5, "sut_ns": 9, "action": "a", "edge": "end", "sut_wall_ns": 6}', "sut_ns"),
        (b'{"action": "a", "action": "b", "edge": "end", "sut_ns": 5, "sut_wall_ns": 6}', "action"),
        (b'{"action": "a", "edge": "end", "sut_ns": 5, "sut_wall_ns": 6, "metrics": {"x": 1, "x": 2}}', "x"),
        (b'{"action": "a", "edge": "end", "sut_ns": 5, "sut_wall_ns": 6, "metrics": {"x": [{"y": 1, "y": 1}]}}', "y"),
    ],
)
def test_a_marker_line_in_which_a_name_stands_twice_makes_no_number(twice: bytes, name: str) -> None:
    with pytest.raises(ValueError, match=f"^the name '{name}' stands twice$"):
        parse_marker(twice)


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5).map(repr).map(str.encode)
)
def test_no_marker_line_breaks_the_reader(line: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert parse_marker(line)["edge"] in ("begin", "end")
