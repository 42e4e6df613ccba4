"""SUT stamps on the host's time base: the laws of the fit, and a SUT whose clocks are off and drift."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from harness.measure.diagnosis import diagnose
from harness.record.documents import ClockEvent
from harness.record.errors import AnalysisError
from harness.station.loopback_sshd import LoopbackSshd
from harness.sut.machine import Sut
from reports.readings.clock import SLEW, fit
from tests.sut.conftest import Recorded, compiled, config_of, rated, start, through
from tests.sut.netns import SutHost
from tests.sut.relay import Relay

OFFSET_NS, WALL_OFFSET_NS, PPM = 4_000_000_000_000, 3_600_000_000_000, 6000
OUT_S, BACK_S = 0.005, 0.035

PROGRAM = b"""
import time
from markers import emit
for index in range(60):
    emit(index)
    time.sleep(0.2)
"""
MARKERS = b"""
import json, os, time
def emit(index):
    stamps = {"sut_ns": time.monotonic_ns(), "sut_wall_ns": time.time_ns()}
    line = {"action": "step", "index": index, "edge": "begin", **stamps}
    with open(os.environ["WATTLAB_MARKERS"], "w") as markers:
        markers.write(json.dumps(line) + "\\n")
"""


def event(
    host_ns: int, sut_ns: int, out_ns: int, back_ns: int, *, sut_wall_ns: int = 0, host_wall_ns: int = 0
) -> ClockEvent:
    """An exchange whose SUT stamp was made at `host_ns` of the host's clock."""
    return ClockEvent(
        time_ns=host_ns + back_ns,
        t0_ns=host_ns - out_ns,
        t_sut_ns=sut_ns,
        t1_ns=host_ns + back_ns,
        sut_wall_ns=sut_wall_ns or sut_ns,
        host_wall_ns=host_wall_ns or host_ns + back_ns,
    )


@example(71_057_592_034_021_723, 0.0, [(0, 1), (0, 1)], 2)
@given(
    st.integers(-(10**18), 10**18),
    st.floats(-2e-3, 2e-3),
    st.lists(st.tuples(st.integers(0, 10**8), st.integers(0, 10**8)), min_size=2, max_size=60),
    st.integers(2, 600),
)
def test_a_steady_clock_is_mapped_within_the_bound_whatever_the_delays(
    offset_ns: int, drift: float, delays: list[tuple[int, int]], span_s: int
) -> None:
    times = [round(10**15 + i * span_s * 1e9 / (len(delays) - 1)) for i in range(len(delays))]
    sut = [t + offset_ns + round(drift * (t - 10**15)) for t in times]
    model = fit([event(t, s, out, back) for t, s, (out, back) in zip(times, sut, delays, strict=True)])
    # A drift that the exchanges are too close together to show is bounded by SLEW, not measured.
    assume(model.drift != 0.0 or abs(drift) <= SLEW)
    for t, s in zip(times, sut, strict=True):
        assert abs(model.to_host(s) - t) <= model.bound_ns
    assert model.to_host(np.array(sut, dtype=np.int64)).tolist() == [model.to_host(s) for s in sut]


def test_with_even_delays_offset_and_drift_come_out_exactly() -> None:
    events = [event(10**15 + i * 10**9, 7 * 10**12 + i * (10**9 + 50_000), 10**5, 10**5) for i in range(100)]
    model = fit(events)
    assert model.to_host(7 * 10**12 + 55 * (10**9 + 50_000)) == pytest.approx(10**15 + 55 * 10**9, abs=2)
    assert model.drift == pytest.approx(-50e-6, rel=1e-3)
    assert 10**5 <= model.bound_ns < 1.2 * 10**5


def test_one_slow_exchange_among_good_ones_does_not_widen_the_bound() -> None:
    events = [event(i * 10**9, i * 10**9, 10**5, 10**5) for i in range(100)]
    events[50] = event(50 * 10**9, 50 * 10**9, 10**5, 10**9)
    assert fit(events).bound_ns < 2 * 10**5


def test_a_clock_that_jumps_in_mid_run_widens_the_bound_to_what_is_proved() -> None:
    jump_ns = 10**8
    events = [event(i * 10**9, i * 10**9 + (jump_ns if i >= 50 else 0), 10**5, 10**5) for i in range(100)]
    model = fit(events)
    errors = [abs(model.to_host(i * 10**9 + (jump_ns if i >= 50 else 0)) - i * 10**9) for i in range(100)]
    assert max(errors) > 10**7
    assert max(errors) <= model.bound_ns + 2 * 10**5


def test_steps_of_either_wall_clock_are_reported_and_slewing_is_not() -> None:
    events = []
    for i in range(20):
        sut_wall = i * (10**9 + 400_000) + (5 * 10**9 if i >= 10 else 0)
        host_wall = i * 10**9 - (2 * 10**7 if i >= 15 else 0)
        events.append(event(i * 10**9, i * 10**9, 10**5, 0, sut_wall_ns=sut_wall + 1, host_wall_ns=host_wall + 1))
    steps = fit(events).steps
    assert [(step.side, round(step.jump_ns / 1e6)) for step in steps] == [("sut", 5000), ("host", -20)]
    assert (steps[0].from_ns, steps[0].to_ns) == (9 * 10**9, 10 * 10**9)


def test_without_an_exchange_there_is_no_model() -> None:
    with pytest.raises(AnalysisError, match="no clock exchange"):
        fit([])
    with pytest.raises(AnalysisError, match="ends before it begins"):
        fit([event(10**9, 10**9, -10, -10)])


def test_one_exchange_gives_an_offset_and_half_its_round_trip_as_bound() -> None:
    model = fit([event(5 * 10**9, 9 * 10**9, 10**6, 3 * 10**6)])
    assert (model.drift, model.kept) == (0.0, 1)
    assert abs(model.to_host(9 * 10**9) - 5 * 10**9) <= model.bound_ns <= 2 * 10**6 + 10


def test_markers_of_a_sut_with_wrong_drifting_clocks_behind_a_slow_link_land_within_the_bound(
    host: SutHost, tmp_path: Path
) -> None:
    shim = compiled("fake_clock.c", tmp_path / "fake_clock.so")
    law = f"SetEnv LD_PRELOAD={shim} FAKE_CLOCK={OFFSET_NS},{WALL_OFFSET_NS},{PPM}"
    recorded = Recorded()
    with (
        LoopbackSshd(tmp_path / "sshd", host.address, prefix=host.prefix, settings=[law]) as sshd,
        Relay((sshd.host, sshd.port), OUT_S, BACK_S) as relay,
        Sut.connect(through(config_of(sshd, tmp_path), relay.port)) as sut,
    ):
        assert [found.severity for found in diagnose(sut, 3600.0) if found.code == "wall-clock"] == ["warn"]
        work = sut.stage("0a0b0c0d", {"program.py": PROGRAM, "markers.py": MARKERS})
        session = start(sut, "0a0b0c0d", recorded)
        exchanges = [session.exchange() for _ in range(8)]
        session.rate([sut.python, "program.py"], {}, work, None)
        result = rated(session)
        exchanges += [session.exchange() for _ in range(8)]
        session.finish()
        sut.unstage(work)
    assert result.exit_code == 0
    model = fit([ClockEvent(time_ns=e.t1_ns, **asdict(e)) for e in exchanges + recorded.exchanges])
    stamps = [record["sut_ns"] for record in recorded.of("marker") + recorded.of("sample") + recorded.of("phase")]
    assert len(recorded.of("marker")) == 60
    errors = [abs(model.to_host(stamp) - truth_ns(stamp)) for stamp in stamps]
    assert max(errors) <= model.bound_ns
    # Half of the 40 ms round trip and what the machine adds: no wider than it must be.
    assert 19e6 < model.bound_ns < 60e6
    # The delays lie 30 ms apart, so the error is near 15 ms: the bound is needed, the test is no tautology.
    assert max(errors) > 10e6
    # And without the drift the markers at the end would lie outside.
    offset_only = [abs(stamp - exchanges[0].t_sut_ns + exchanges[0].t0_ns - truth_ns(stamp)) for stamp in stamps]
    assert max(offset_only) > model.bound_ns
    assert not model.steps


def truth_ns(sut_ns: int) -> int:
    """The kernel's monotonic clock, which is the host's too, when the SUT's showed `sut_ns`: fake_clock.c backwards."""
    return (sut_ns - OFFSET_NS) * 1_000_000 // (1_000_000 + PPM)
