"""What each fault does to a frame."""

from __future__ import annotations

import pytest

from meters.emulators.faults import FRAME_FAULTS, Fault, Faults, parse_fault

FRAME = b"#d,-,3,450,1198,382;\r\n"


def sent(faults: Faults) -> bytes:
    return b"".join(faults.apply(FRAME).pieces)


@pytest.mark.parametrize("name", FRAME_FAULTS)
def test_a_frame_fault_changes_one_frame_and_then_no_more(name: str) -> None:
    faults = Faults(1)
    faults.switch(parse_fault(name))
    assert faults.apply(FRAME).pieces != (FRAME,)
    assert faults.apply(FRAME).pieces == (FRAME,)


def test_a_frame_fault_lasts_as_long_as_it_says() -> None:
    faults = Faults(1)
    faults.switch(parse_fault("half=3"))
    assert [sent(faults) == FRAME for _ in range(5)] == [False, False, False, True, True]
    faults.switch(parse_fault("half=always"))
    assert not any(sent(faults) == FRAME for _ in range(100))
    faults.switch(parse_fault("clear"))
    assert sent(faults) == FRAME


def test_each_fault_does_what_its_line_in_the_table_says() -> None:
    def under(name: str) -> tuple[bytes, ...]:
        faults = Faults(1)
        faults.switch(parse_fault(name))
        return faults.apply(FRAME).pieces

    (nul,) = under("nul")
    assert nul != FRAME
    assert nul.replace(b"\0", b"") == FRAME
    assert under("half")[0] + under("tail")[0] == FRAME
    assert under("extra") == (b"#d,-,3,450,1198,382,0,0;\r\n",)
    assert under("digits") == (b"#d,-,9,999,9999,999;\r\n",)
    assert under("duplicate") == (FRAME + FRAME,)
    assert under("stray") == (b"\0\0" + FRAME + b"\0",)
    assert under("split") == tuple(bytes([byte]) for byte in FRAME)
    assert len(under("garbage")[0]) == len(FRAME)
    assert under("silence") == ()


def test_silence_lasts_until_speak_and_late_waits_once() -> None:
    faults = Faults(1)
    faults.switch(Fault("silence"))
    assert sent(faults) == b""
    faults.switch(Fault("speak"))
    faults.switch(parse_fault("late=1.5"))
    assert [faults.apply(FRAME).wait_s for _ in range(2)] == [1.5, 0.0]


def test_a_planned_fault_names_its_moment() -> None:
    assert parse_fault("unplug@10") == Fault("unplug", 1, 10.0)
    assert parse_fault(" half=2@0.5 ") == Fault("half", 2, 0.5)


@pytest.mark.parametrize(
    "text",
    ["", "explode", "half=", "half=x", "half=0", "half=-1", "half=nan", "half@x", "half@-1", "half@inf",
     "unplug=2", "late", "late=61", "late=always", "=3"],
)  # fmt: skip
def test_a_fault_that_is_none_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_fault(text)
