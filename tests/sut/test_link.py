"""The link to a SUT on a machine of its own: cut for a while, cut for good, and silently partitioned."""

import time
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from harness.record.errors import SutUnreachable
from harness.station.station import SutSection
from harness.sut.channel import AgentChannel
from harness.sut.machine import Sut
from harness.sut.session import AgentSession
from tests.sut.conftest import Recorded, rated, start, until
from tests.sut.netns import SutHost

MARKERS = b"""
import json, os, sys, time
index = 0
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    stamps = {"sut_ns": time.monotonic_ns(), "sut_wall_ns": time.time_ns()}
    with open(os.environ["WATTLAB_MARKERS"], "w") as markers:
        markers.write(json.dumps({"action": "step", "index": index, "edge": "begin", **stamps}) + "\\n")
    index += 1
    time.sleep(0.05)
"""
STUBBORN = b"""
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        while True:
            time.sleep(1)
    os._exit(0)
while True:
    time.sleep(1)
"""


def processes_of(word: str) -> list[str]:
    """Command lines on this kernel that carry a word."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if word in line:
            found.append(line)
    return found


def test_a_cut_of_ten_seconds_loses_nothing_and_does_not_disturb_the_load(
    host: SutHost, far_config: SutSection
) -> None:
    recorded = Recorded()
    with Sut.connect(far_config) as sut:
        work = sut.stage("11111111", {"markers.py": MARKERS})
        session = start(sut, "11111111", recorded, period_s=0.1, reconnect_s=30.0)
        session.rate([sut.python, "markers.py", "18"], {}, work, None)
        until(lambda: len(recorded.of("marker")) > 20, 10.0, "the first markers")
        host.pull_plug()
        begin = time.monotonic()
        time.sleep(6.0)
        during_cut = len(recorded.of("marker"))
        session.check()
        time.sleep(max(0.0, begin + 10.0 - time.monotonic()))
        assert len(recorded.of("marker")) == during_cut, "the link was not cut"
        host.put_plug()
        result = rated(session)
        session.finish()
        assert sut.fetch(work, ["stderr.txt"]).files == {"stderr.txt": b""}
        sut.unstage(work)
    assert (result.exit_code, result.reason, session.links_lost) == (0, None, 1)
    assert len(recorded.notes("link-lost")) == len(recorded.notes("link-restored")) == 1
    indices = [record["index"] for record in recorded.of("marker")]
    assert indices == list(range(len(indices)))
    assert len(indices) > 200
    assert longest_pause_s(recorded, "marker") < 4.0
    assert longest_pause_s(recorded, "sample") < 4.0
    assert len(recorded.of("sample")) > 120
    assert [(record["name"], record["edge"]) for record in recorded.of("phase")] == [
        ("rating", "begin"),
        ("rating", "end"),
    ]


def longest_pause_s(recorded: Recorded, rec: str) -> float:
    stamps: list[int] = [record["sut_ns"] for record in recorded.of(rec)]
    return max(two - one for one, two in pairwise(stamps)) / 1e9


def check_until_it_raises(session: AgentSession, limit_s: float) -> None:
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        session.check()
        time.sleep(0.05)


@pytest.mark.timeout(600)
def test_a_cut_of_120_seconds_ends_the_run_and_leaves_nothing_running_on_the_sut(
    host: SutHost, far_config: SutSection
) -> None:
    reconnect_s, cut_s = 60.0, 120.0
    recorded = Recorded()
    with Sut.connect(far_config) as sut:
        work = sut.stage("22222222", {"stubborn.py": STUBBORN})
        session = start(sut, "22222222", recorded, reconnect_s=reconnect_s)
        session.rate([sut.python, "stubborn.py", work], {}, work, None)
        until(lambda: len(processes_of(f"stubborn.py {work}")) == 2, 10.0, "the load")
        assert processes_of(f"serve --folder {Path(work).parent}")
        host.pull_plug()
        begin = time.monotonic()
        with pytest.raises(SutUnreachable, match="longer than reconnect_s"):
            check_until_it_raises(session, reconnect_s + 40.0)
        assert time.monotonic() - begin > reconnect_s - 2.0
        for refused in (session.exchange, session.kill, session.finish):
            with pytest.raises(SutUnreachable):
                refused()
        # TERM, 5 s, KILL.
        until(lambda: not processes_of(str(Path(work).parent)), 10.0, "the end of load and agent on the SUT")
        time.sleep(max(0.0, begin + cut_s - time.monotonic()))
        host.put_plug()
        assert not processes_of(str(Path(work).parent))
        journal = Path(work).parent / "agent" / "journal.jsonl"
        assert '"code":"dead-man"' in journal.read_text()
        sut.unstage(work)
        assert not Path(work).parent.exists()


def test_a_silent_partition_is_noticed_within_five_seconds(host: SutHost, far_config: SutSection) -> None:
    recorded = Recorded()
    with Sut.connect(far_config) as sut:
        work = sut.stage("33333333", {})
        session = start(sut, "33333333", recorded, reconnect_s=30.0)
        until(lambda: len(recorded.exchanges) >= 2, 5.0, "the heartbeat")
        time.sleep(0.5)
        host.partition()
        noticed_s = until(lambda: recorded.notes("link-lost"), 20.0, "the partition")
        host.heal()
        until(lambda: recorded.notes("link-restored"), 20.0, "the link")
        assert session.exchange().t1_ns > 0
        session.finish()
        sut.unstage(work)
    assert noticed_s <= 8.0  # five, and what a busy machine adds


def test_an_agent_that_died_ends_the_session_at_once(far_config: SutSection) -> None:
    recorded = Recorded()
    with Sut.connect(far_config) as sut:
        work = sut.stage("44444444", {})
        session = start(sut, "44444444", recorded, reconnect_s=30.0)
        lock = Path(work).parent / "agent" / "agent.lock"
        psutil.Process(int(lock.read_text())).kill()

        def is_over() -> bool:
            try:
                session.check()
            except Exception as error:
                return "the agent is gone" in str(error)
            return False

        until(is_over, 10.0, "the end of the session")
        sut.unstage(work)


def test_the_last_words_are_heard_when_the_exit_status_comes_later_than_the_end_of_the_output(sut: Sut) -> None:
    dying = "echo the agent of this run is not alive >&2; exec >&- 2>&-; sleep 0.5; exit 1"
    link = AgentChannel(sut.link.open_channel(["sh", "-c", dying]))
    with pytest.raises(EOFError):
        until(lambda: link.receive(0.5) is None, 5.0, "the end of the output")
    assert link.last_words() == "the agent of this run is not alive"
