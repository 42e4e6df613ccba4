"""The emulated PTDaemon: the published conversation, its own faults, and our driver against it."""

from __future__ import annotations

import re
import socket

import pytest

from meters.emulators.faults import Fault
from meters.emulators.ptdaemon import PtDaemonDevice
from meters.emulators.virtual_sut import ScriptedPower, Steps
from meters.meter import Meter, MeterGarbage, MeterTimeout
from meters.ptdaemon import dialogue as ptdaemon_dialogue
from meters.reading import Reading
from meters.registry import open_meter
from tests.meters.conftest import StartEmulator

# [R] The commands and replies of one MLPerf submission: mlcommons/inference_results_v1.0, closed/Krai/results/
# rpi4coral-fan.on-tflite-v2.4.1-ruy/resnet50/offline/performance/power/server.json, without the identity.
PUBLISHED = (
    ("Hello", "Hello, PTDaemon here!"),
    ("RR", "Ranges,0,0.500000,0,300.000000"),
    ("SR,V,Auto", "Range V changed"),
    ("SR,A,Auto", "Range A changed"),
    (
        "Go,1000,0,2021-03-03_00-06-49_ranging",
        "Starting untimed measurement, maximum 500000 samples at 1000ms with 0 rampup samples",
    ),
    ("Stop", "Stopping untimed measurement"),
    ("SR,V,250.700000", "Range V changed"),
    ("SR,A,0.056070", "Range A changed"),
    (
        "Go,1000,0,2021-03-03_00-06-49_testing",
        "Starting untimed measurement, maximum 500000 samples at 1000ms with 0 rampup samples",
    ),
    ("Stop", "Stopping untimed measurement"),
    ("Stop", "Error: no measurement to stop"),
    ("SR,V,300.000000", "Range V changed"),
    ("SR,A,0.500000", "Range A changed"),
)
ROW = re.compile(
    r"Time,\d\d-\d\d-\d{4} \d\d:\d\d:\d\d\.\d{3},Watts,(?P<w>-?\d+\.\d{6}),Volts,(?P<v>-?\d+\.\d{6}),"
    r"Amps,(?P<a>-?\d+\.\d{6}),PF,(?P<pf>-?\d+\.\d{6})"
)


def device(power_w: float = 50.0) -> PtDaemonDevice:
    return PtDaemonDevice(ScriptedPower(Steps(((0.0, power_w),))), seed=1)


def ask(asked: PtDaemonDevice, command: str, now_s: float = 0.0) -> list[str]:
    replies = asked.receive(command.encode() + b"\r\n", now_s)
    assert all(reply.endswith(b"\r\n") for reply in replies)
    return [reply[:-2].decode() for reply in replies]


def run(asked: PtDaemonDevice, seconds: int) -> None:
    ask(asked, "Go,1000,0,x")
    for second in range(1, seconds + 1):
        assert asked.push(float(second)) == []


def test_the_published_conversation_gets_the_published_replies() -> None:
    asked = device()
    for command, reply in PUBLISHED:
        assert ask(asked, command) == [reply]


def test_the_identity_has_the_fields_of_the_published_one_and_says_emulated() -> None:
    (identity,) = ask(device(), "Identify")
    assert identity.count(",") == 18
    assert identity.rsplit(",", 1)[1].count(";") == 3
    assert "EMULATED" in identity
    assert "yokogawa" not in identity.lower()


def test_samples_are_one_a_second_and_read_once() -> None:
    asked = device()
    run(asked, 3)
    header, *rows = ask(asked, "RL", 3.5)
    assert header == "Last 3 samples"
    assert [ROW.fullmatch(row)["w"] for row in rows] == ["50.000000"] * 3  # type: ignore[index]
    assert ask(asked, "RL") == ["Last 0 samples"]
    assert ask(asked, "RL,1")[0].startswith("Insufficient unread")
    assert ask(asked, "RL,*,*") == ["Invalid number of parameters"]
    assert ask(asked, "Watts") == ["Watts,50.000000,50.000000,50.000000,3,0,3"]
    assert ask(asked, "DC-RL") == ["Unknown command"]


def test_the_uncertainty_is_that_of_the_range_and_shrinks_with_it() -> None:
    asked = device()
    ask(asked, "SR,A,0.5")
    run(asked, 1)
    # 0.1 % of 50 W and 0.1 % of 150 W: 0.2 W of 50 W.
    assert ask(asked, "Uncertainty") == ["Uncertainty,0.004000,0.004000,0.004000,1,0,1,0"]


@pytest.mark.parametrize(
    ("fault", "watts", "statistic", "uncertainty"),
    [
        ("no-value", "-1.000000", "Watts,50.000000,50.000000,50.000000,3,1,2", "3,1,2,0"),
        ("missed", "-2.000000", "Watts,50.000000,50.000000,50.000000,3,1,2", "3,1,2,0"),
        ("outside-range", "-53.000000", "Watts,50.000000,50.000000,50.000000,3,1,2", "3,1,2,0"),
        ("no-uncertainty", "50.000000", "Watts,50.000000,50.000000,50.000000,3,0,3", "3,0,2,1"),
    ],
)
def test_a_sample_without_value_or_uncertainty_is_counted_as_such(
    fault: str, watts: str, statistic: str, uncertainty: str
) -> None:
    asked = device()
    asked.faults.switch(Fault(fault))
    run(asked, 3)
    assert ROW.fullmatch(ask(asked, "RL")[1])["w"] == watts  # type: ignore[index]
    assert ask(asked, "Watts") == [statistic]
    assert ask(asked, "Uncertainty")[0].endswith(uncertainty)


def test_a_wrong_count_announces_a_row_too_many_once() -> None:
    asked = device()
    run(asked, 2)
    asked.faults.switch(Fault("wrong-count"))
    assert len(ask(asked, "RL")) == 1 + 2
    asked.push(3.0)
    assert ask(asked, "RL")[0] == "Last 1 samples"


def test_samples_a_late_daemon_leaves_out_are_missed_samples() -> None:
    asked = device()
    run(asked, 1)
    asked.push(4.2)
    _header, *rows = ask(asked, "RL")
    assert [ROW.fullmatch(row)["w"] for row in rows] == ["50.000000", "-2.000000", "-2.000000", "50.000000"]  # type: ignore[index]


def test_rampup_samples_are_not_told() -> None:
    asked = device()
    ask(asked, "Go,1000,2,x")
    for second in range(1, 4):
        asked.push(float(second))
    assert ask(asked, "RL")[0] == "Last 1 samples"


@pytest.mark.parametrize("command", ["Go,fast,0", "Go,1000,0,x,y", "SR,A,-1", "SR,A,nan", "SR,A,100", "SR,A,x", "\xff"])
def test_nonsense_is_answered_and_changes_nothing(command: str) -> None:
    asked = device()
    (reply,) = asked.receive(command.encode("latin-1") + b"\r\n", 0.0)
    assert reply.startswith((b"Error", b"Invalid", b"Unknown"))
    assert asked.next_push_s is None
    assert ask(asked, "RR") == ["Ranges,0,0.500000,0,300.000000"]


def read_many(meter: Meter, count: int) -> list[Reading]:
    return [meter.read(1.0) for _ in range(count)]


def test_the_driver_reads_power_and_uncertainty_and_skips_what_was_missed(
    start_emulator: StartEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ptdaemon_dialogue, "FETCH_S", 1.0)
    emulator = start_emulator("--profile", "watts=50", name="ptdaemon")
    meter = open_meter(
        "ptdaemon", emulator.address, capture=None, options={"interval_ms": 50.0, "current_range_a": 0.5}
    )
    try:
        assert meter.origin().kind == "emulated"
        assert meter.describe().ranging == "fixed"
        assert [reading.power_w for reading in read_many(meter, 5)] == [50.0] * 5
        assert meter.read(1.0).relative_uncertainty == pytest.approx(0.004, abs=2e-6)
        emulator.fault("no-value=2")
        found = read_many(meter, 8)
        assert [reading.power_w for reading in found].count(None) == 2
        emulator.fault("outside-range=2")
        found = read_many(meter, 8)
        assert [sorted(reading.flags) for reading in found].count(["overrange"]) == 2
        assert {reading.power_w for reading in found} == {50.0, None}
        emulator.fault("missed=always")
        with pytest.raises(MeterTimeout, match="missed by the daemon"):
            read_many(meter, 20)
        emulator.fault("clear")
        emulator.fault("wrong-count")
        with pytest.raises((MeterGarbage, MeterTimeout)):
            read_many(meter, 20)
        assert meter.read(1.0).flags == frozenset({"resynced"})
    finally:
        meter.close()


def test_it_serves_a_client_that_only_knows_the_published_words(start_emulator: StartEmulator) -> None:
    address = start_emulator("--profile", "watts=50", name="ptdaemon").address.removeprefix("socket://")
    host, _mark, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as client, client.makefile("rb") as replies:
        for command, reply in PUBLISHED:
            client.sendall(command.encode() + b"\r\n")
            assert replies.readline() == reply.encode() + b"\r\n"
