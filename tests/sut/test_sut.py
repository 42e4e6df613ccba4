"""The SUT over a real sshd: host keys, deployment, staging, sessions, diagnosis, preparation."""

import os
import pwd
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from packaging.markers import Marker

from harness.measure.diagnosis import diagnose
from harness.measure.material import Inventory
from harness.record.documents import Json, Thresholds
from harness.record.errors import HostKeyError, LabError, SutError, SutRefused, SutUnreachable
from harness.station.loopback_sshd import LoopbackSshd
from harness.station.station import SutSection
from harness.sut import link as link_module
from harness.sut import machine as machine_module
from harness.sut import prepare as prepare_module
from harness.sut.bundle import agent_source
from harness.sut.environments import APART, ENVIRONMENTS
from harness.sut.machine import Sut
from harness.sut.prepare import Needs, part_of_lock, prepare, versions_of
from harness.sut.session import AgentSession
from tests.sut.conftest import Recorded, compiled, config_of, rated, start, until
from tests.sut.netns import run

HORIZON_S = 3600.0
BUSY = Thresholds(foreign_load_invalid_percent=1000.0)
"""Other tests run beside."""
NAMES = ("hostname", "os", "kernel", "cpu", "cpu_count", "memory_kib", "board", "gpus", "boot_id", "python")


def script(path: Path, *lines: str) -> str:
    """An executable shell script."""
    path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")
    path.chmod(0o755)
    return str(path)


# --- connecting ---


@pytest.mark.parametrize("place", ["my known hosts", "no home/.ssh/known_hosts"])
def test_an_unknown_host_key_is_refused_with_the_command_that_adds_it(
    config: SutSection, tmp_path: Path, place: str
) -> None:
    fresh = replace(config, known_hosts=str(tmp_path / place))
    with pytest.raises(HostKeyError, match="SHA256:") as caught:
        Sut.connect(fresh)
    command = str(caught.value).rsplit("then add it: ", 1)[1].strip("`")
    assert command.endswith(f"ssh-keyscan -p {config.port} 127.0.0.1 >> {shlex.quote(str(fresh.known_hosts))}")
    assert ("mkdir -p -m 700" in command) == ("/" in place)
    subprocess.run(command, shell=True, check=True, capture_output=True)
    with Sut.connect(fresh) as sut:
        assert sut.facts()["hostname"]


def test_a_changed_host_key_is_refused_and_both_fingerprints_are_named(config: SutSection, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other"], check=True)
    other = " ".join((tmp_path / "other.pub").read_text().split()[:2])
    Path(str(config.known_hosts)).write_text(f"[127.0.0.1]:{config.port} {other}\n")
    with pytest.raises(HostKeyError, match="changed") as caught:
        Sut.connect(config)
    assert str(caught.value).count("SHA256:") == 2
    assert f"ssh-keygen -R '[127.0.0.1]:{config.port}'" in str(caught.value)


def test_what_hinders_a_connection_is_said_in_one_sentence(config: SutSection, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(SutUnreachable, match="is sshd running"):
            Sut.connect(replace(config, port=closed.getsockname()[1]))
    with pytest.raises(SutUnreachable, match=r"correct sut\.host"):
        Sut.connect(replace(config, host="no-such-host.invalid"))
    with pytest.raises(SutUnreachable, match="does not exist"):
        Sut.connect(replace(config, key_file=str(tmp_path / "nothing")))
    (tmp_path / "garbage").write_text("no key")
    with pytest.raises(SutUnreachable):
        Sut.connect(replace(config, key_file=str(tmp_path / "garbage")))
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "stranger"], check=True)
    with pytest.raises(SutUnreachable, match=r"stranger\.pub: this is a public key: .* private one, .*/stranger$"):
        Sut.connect(replace(config, key_file=str(tmp_path / "stranger.pub")))
    with pytest.raises(SutUnreachable, match="authorized_keys"):
        Sut.connect(replace(config, key_file=str(tmp_path / "stranger")))
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", tmp_path / "locked"], check=True)
    with pytest.raises(SutUnreachable, match="passphrase"):
        Sut.connect(replace(config, key_file=str(tmp_path / "locked")))


def test_a_line_of_known_hosts_that_is_no_key_is_named(config: SutSection) -> None:
    hosts = Path(str(config.known_hosts))
    hosts.write_text(f"127.0.0.1 ssh-ed25519 {'A' * 69}\n" + hosts.read_text())
    with pytest.raises(HostKeyError, match="has a line that is no host key"):
        Sut.connect(config)


def test_a_port_that_says_nothing_is_given_up(config: SutSection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "CONNECT_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(SutUnreachable):
        Sut.connect(replace(config, port=mute.getsockname()[1]))


# --- what is there ---


def test_facts_say_what_the_sut_is(sut: Sut) -> None:
    facts = sut.facts()
    assert all(name in facts for name in NAMES)
    assert facts["cpu_count"] == os.cpu_count()
    assert facts["hostname"] == socket.gethostname()
    assert facts["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert abs(facts["memory_kib"] - psutil.virtual_memory().total / 1024) < 1


def test_a_sut_in_order_has_no_refusal(sut: Sut) -> None:
    begun = sut.facts()
    diagnoses = diagnose(sut, HORIZON_S, begun, BUSY)
    assert not [found for found in diagnoses if found.severity == "refuse"]
    assert {"identity", "no-gpu", "disk", "swap", "foreign-load", "battery"} <= {found.code for found in diagnoses}


def test_another_machine_than_the_campaign_began_on_is_refused(sut: Sut) -> None:
    begun = sut.facts() | {"board": "another board", "kernel": "2.6.32"}
    changed = {found.code: found.severity for found in diagnose(sut, HORIZON_S, begun) if "changed" in found.code}
    assert changed == {"machine-changed": "refuse", "software-changed": "warn"}


def test_an_old_python_and_none_at_all_are_refused(config: SutSection, tmp_path: Path) -> None:
    for python, said in (
        (script(tmp_path / "python2", "echo python 2.7"), "is Python 2.7"),
        (script(tmp_path / "python37", "echo python 3.7"), "is Python 3.7"),
        (script(tmp_path / "broken", "echo oh no >&2", "exit 3"), "oh no"),
        ("no/such/python", "does not run there"),
        ("/bin/true", "it says nothing, exit code 0"),
        (script(tmp_path / "escaping", "echo '\\033]0;owned\\007' >&2", "exit 3"), "\ufffd]0;owned\ufffd"),
        (script(tmp_path / "strange", "echo python 3.x"), "python 3.x"),
    ):
        with Sut.connect(replace(config, python=python)) as sut:
            (found,) = diagnose(sut, HORIZON_S)
            assert found.severity == "refuse"
            assert said in found.text
            with pytest.raises(SutRefused, match="python"):
                sut.stage("aaaaaaaa", {})


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("{}", "the agent says hostname is None, expected a text"),
        ('{"hostname": "x", "os": 5}', "the agent says os is 5, expected a text"),
        ("[" * 5000, "expected a JSON object"),
        ("", "expected a JSON object"),
    ],
)
def test_an_interpreter_that_is_none_is_refused_with_what_it_said(
    config: SutSection, tmp_path: Path, answer: str, said: str
) -> None:
    lines = ['case "$1" in -c) echo python 3.11;; *) cat "$0.answer";; esac']
    liar = script(tmp_path / "liar", *lines)
    Path(f"{liar}.answer").write_text(answer + "\n")
    with Sut.connect(replace(config, python=liar)) as sut:
        with pytest.raises(SutError, match=re.escape(said)):
            sut.facts()
        with pytest.raises(SutError, match="does not say which packages it has"):
            sut.lacking(["psutil"])


def test_a_remote_command_has_a_deadline_and_a_bound(sut: Sut, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SutError, match=r"sleep on the SUT did not end within 0\.5 s"):
        sut.link.run(["sleep", "30"], 0.5)
    monkeypatch.setattr(link_module, "MAX_ANSWER", 1 << 20)
    for stream in (1, 2):
        with pytest.raises(SutError, match="said more than"):
            sut.link.run(["sh", "-c", f"head -c 3000000 /dev/zero >&{stream}; sleep 30"])
    assert sut.link.run(["sh", "-c", "echo out; echo err >&2; exit 3"]) == (3, "out\n", "err\n")


def test_a_python_without_psutil_is_refused_and_cannot_serve(config: SutSection, tmp_path: Path) -> None:
    bare = script(tmp_path / "bare", f'exec {sys.executable} -S "$@"')
    with Sut.connect(replace(config, python=bare)) as sut:
        (found,) = (found for found in diagnose(sut, HORIZON_S, None, BUSY) if found.severity == "refuse")
        assert found.code == "no-psutil"
        assert f"`{bare} -m pip install psutil` there brings it" in found.text
        sut.stage("aaaaaaaa", {})
        with pytest.raises(SutError, match="psutil cannot be imported"):
            start(sut, "aaaaaaaa", Recorded())


def test_a_full_disk_is_refused(config: SutSection, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk))
    try:
        with Sut.connect(replace(config, folder=str(disk / "sut"))) as sut:
            refused = [found.code for found in diagnose(sut, HORIZON_S, None, BUSY) if found.severity == "refuse"]
            assert refused == ["disk-full"]
            with pytest.raises(SutError, match="is its disk full"):
                sut.stage("aaaaaaaa", {"big": b"x" * (2 << 20)})
    finally:
        run("umount", str(disk))


def test_a_wrong_wall_clock_is_a_finding(tmp_path: Path) -> None:
    shim = compiled("fake_clock.c", tmp_path / "fake_clock.so")
    settings = [f"SetEnv LD_PRELOAD={shim} FAKE_CLOCK=0,-7200000000000,0"]
    with LoopbackSshd(tmp_path / "sshd", settings=settings) as sshd, Sut.connect(config_of(sshd, tmp_path)) as sut:
        (found,) = (found for found in diagnose(sut, HORIZON_S) if found.code == "wall-clock")
    assert found.severity == "warn"
    off = re.search(r"([0-9.]+) s behind", found.text)
    assert off is not None
    # No more than it took to ask is missing.
    assert 7190 < float(off[1]) <= 7200


def test_no_word_of_the_configuration_reaches_a_shell(config: SutSection, tmp_path: Path) -> None:
    folder = tmp_path / 'it\'s a "lab" $(touch pwned) `touch pwned`; touch pwned'
    recorded = Recorded()
    with Sut.connect(replace(config, folder=str(folder))) as sut:
        work = sut.stage("aaaaaaaa", {"a file; touch pwned": b"x"})
        session = start(sut, "aaaaaaaa", recorded)
        session.rate(["sh", "-c", 'echo "$0"', "$(touch pwned)"], {"WORD": "`touch pwned`"}, work, None)
        assert rated(session).exit_code == 0
        session.finish()
        assert sut.fetch(work, ["stdout.txt"]).files == {"stdout.txt": b"$(touch pwned)\n"}
        sut.unstage(work)
    assert not list(tmp_path.rglob("pwned"))
    assert not Path("~/pwned").expanduser().exists()


# --- the agent and the work folder ---


def test_the_agent_is_deployed_under_its_digest_once_and_again_when_it_was_changed(config: SutSection) -> None:
    folder = Path(config.folder) / "agents"
    with Sut.connect(config) as sut:
        sut.facts()
    (path,) = folder.iterdir()
    source = agent_source()
    assert path.read_bytes() == source
    inode = path.stat().st_ino
    with Sut.connect(config) as sut:
        sut.facts()
    assert path.stat().st_ino == inode
    path.write_bytes(source + b"# changed\n")
    with Sut.connect(config) as sut:
        sut.facts()
    assert path.read_bytes() == source


def test_a_run_is_staged_rated_fetched_and_unstaged_without_a_trace(sut: Sut) -> None:
    recorded = Recorded()
    program = (
        b"import os, pathlib\npathlib.Path(os.environ['WATTLAB_ARTIFACTS'], 'r.json').write_text(open('in.txt').read())"
    )
    work = sut.stage("abcdef01", {"in.txt": b"hello", "p.py": program})
    session = start(sut, "abcdef01", recorded, period_s=0.05)
    exchanges = [session.exchange() for _ in range(5)]
    session.rate([sut.python, "p.py"], {}, work, None)
    result = rated(session)
    session.kill()
    session.finish()
    assert (result.exit_code, result.reason) == (0, None)
    assert result.begin_ns < result.end_ns
    fetched = sut.fetch(work, ["r.json", "missing.json", "stderr.txt"])
    assert (fetched.files, fetched.problems) == (
        {"r.json": b"hello", "stderr.txt": b""},
        {"missing.json": "is not there"},
    )
    sut.unstage(work)
    assert list(Path(sut.root, "runs").iterdir()) == []
    # This SUT's clock is the host's.
    assert all(e.t0_ns <= e.t_sut_ns <= e.t1_ns for e in exchanges + recorded.exchanges)
    assert all(abs(e.sut_wall_ns - e.host_wall_ns) < 1e9 for e in exchanges)
    assert recorded.threads == {next(iter(recorded.threads))} != {threading.get_ident()}


def test_a_program_that_is_sent_along_answers_and_leaves_nothing(sut: Sut) -> None:
    words = ["it's !a 'word' $HOME", "two\nlines", "\N{GREEK SMALL LETTER MU}"]
    program = "import json, sys\nprint('a login may print before')\nprint(json.dumps({'words': sys.argv[1:]}))\n"
    assert sut.ask_program(sys.executable, program, *words) == {"words": words}
    assert not {"\n", "!"} & set(machine_module.RUN_WHAT_IS_SENT)
    with pytest.raises(SutError, match=r"does not run there \(.*ValueError: no"):
        sut.ask_program(sys.executable, "raise ValueError('no')")
    with pytest.raises(SutError, match="expected a JSON object"):
        sut.ask_program(sys.executable, "print([1])")
    with pytest.raises(SutError, match="does not run there"):
        sut.ask_program("/no/such/python", program)


def test_what_a_command_is_made_of_is_asked_over_ssh_before_its_run(sut: Sut, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print()")
    named, environment = Inventory(sut).of([sys.executable, str(tmp_path / "train.py")], sut.work_folder("0a0b0c0d"))
    assert [one["path"] for one in named] == [str(tmp_path / "train.py")]
    assert environment is not None
    assert f"psutil=={psutil.__version__}" in environment["packages"]


def test_names_never_leave_their_folder(sut: Sut) -> None:
    for name in ("../x", "/etc/passwd", "a/b", "", "..", "x\0y"):
        with pytest.raises(SutError, match="plain file name"):
            sut.stage("aaaaaaaa", {name: b""})
        sut.unstage(f"{sut.root}/runs/aaaaaaaa/work")
    work = sut.stage("aaaaaaaa", {})
    (Path(work) / "artifacts").mkdir()
    with pytest.raises(SutError, match="plain file name"):
        sut.fetch(work, ["../../../agents"])


def test_an_artifact_that_is_a_link_a_folder_or_too_large_costs_itself(
    sut: Sut, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_module, "MAX_ARTIFACT", 1000)
    work = sut.stage("aaaaaaaa", {})
    artifacts = Path(work) / "artifacts"
    artifacts.mkdir()
    (artifacts / "link").symlink_to("/etc/passwd")
    (artifacts / "folder").mkdir()
    (artifacts / "big").write_bytes(b"x" * 1001)
    (artifacts / "good").write_bytes(b"x" * 1000)
    fetched = sut.fetch(work, ["link", "folder", "big", "good"])
    assert fetched.files == {"good": b"x" * 1000}
    assert fetched.problems == {
        "link": "is no regular file, but a link",
        "folder": "is no regular file",
        "big": "has more than the 1000 bytes that are fetched",
    }


def test_nothing_is_fetched_through_a_link_in_place_of_the_artifacts_folder(sut: Sut) -> None:
    work = sut.stage("aaaaaaaa", {})
    (Path(work) / "artifacts").symlink_to("/etc")
    fetched = sut.fetch(work, ["passwd"])
    assert fetched.files == {}
    assert fetched.problems == {"passwd": "artifacts is no folder, but a link"}


def test_kill_ends_a_running_load_and_finish_follows(sut: Sut) -> None:
    recorded = Recorded()
    work = sut.stage("aaaaaaaa", {})
    session = start(sut, "aaaaaaaa", recorded)
    session.rate(["sleep", "1000"], {}, work, None)
    assert session.wait_rated(0.3) is None
    with pytest.raises(SutError, match="still runs"):
        session.finish()
    session.kill()
    result = rated(session)
    assert result.reason == "killed by the host"
    session.finish()
    sut.unstage(work)


def test_unstage_ends_an_agent_that_was_not_finished(sut: Sut) -> None:
    work = sut.stage("aaaaaaaa", {})
    session = start(sut, "aaaaaaaa", Recorded())
    session.rate(["sleep", "1000"], {}, work, None)
    pid = int((Path(work).parent / "agent/agent.lock").read_text())
    load = psutil.Process(pid).children()
    sut.unstage(work)
    assert not Path(work).exists()
    until(
        lambda: not psutil.pid_exists(pid) and not any(p.is_running() for p in load), 5.0, "the end of agent and load"
    )


def test_an_error_of_the_recorder_reaches_the_caller_as_it_is(sut: Sut) -> None:
    work = sut.stage("aaaaaaaa", {})

    def on_record(record: Json) -> None:
        if record["rec"] == "sample":
            raise OSError(28, "No space left on device")

    session = sut.start_agent(
        "aaaaaaaa", period_s=0.1, reconnect_s=5.0, on_record=on_record, on_exchange=lambda _: None
    )

    def failed() -> bool:
        try:
            session.check()
        except OSError as error:
            return error.errno == 28
        return False

    until(failed, 5.0, "the error")
    sut.unstage(work)


def test_a_run_left_by_a_killed_host_is_reported_and_removed_by_the_next(config: SutSection) -> None:
    with Sut.connect(config) as killed:
        work = killed.stage("0dead000", {})
        session = start(killed, "0dead000", Recorded(), reconnect_s=60.0)
        session.rate(["sleep", "1000"], {}, work, None)
        agent = psutil.Process(int((Path(work).parent / "agent/agent.lock").read_text()))
        with Sut.connect(config) as second:
            assert "busy" in [found.code for found in diagnose(second, HORIZON_S) if found.severity == "refuse"]
            with pytest.raises(SutRefused, match="0dead000 is being measured"):
                second.stage("aaaaaaaa", {})
        load = agent.children()
        # The host is gone without a word.
        with contextmanager_of_lost_host(session, killed):
            with Sut.connect(config) as second:
                until(lambda: "left-over" in [found.code for found in diagnose(second, HORIZON_S)], 10.0, "the remark")
                second.stage("aaaaaaaa", {})
                assert [path.name for path in Path(second.root, "runs").iterdir()] == ["aaaaaaaa"]
            until(lambda: not any(process.is_running() for process in [agent, *load]), 5.0, "the end of agent and load")


def test_a_run_whose_host_is_on_the_way_to_its_agent_is_not_removed(config: SutSection) -> None:
    with Sut.connect(config) as first, Sut.connect(config) as second:
        first.stage("0c0ffee0", {})
        first._agent("serve", "--folder", f"{first.root}/runs/0c0ffee0/agent", "--period", "0.1", "--reconnect", "30")
        with pytest.raises(SutRefused, match="0c0ffee0 is being measured"):
            second.stage("aaaaaaaa", {})
        session = AgentSession(first, f"{first.root}/runs/0c0ffee0/agent", 30.0, lambda _: None, lambda _: None)
        session.finish()


def test_a_folder_that_was_removed_is_told_in_a_sentence(config: SutSection) -> None:
    with Sut.connect(config) as sut:
        session = AgentSession(sut, f"{sut.root}/runs/0c0ffee1/agent", 30.0, lambda _: None, lambda _: None)
        with pytest.raises(SutError, match=r"the agent is gone: the run's folder .* was removed"):
            session.exchange()


@contextmanager
def contextmanager_of_lost_host(session: object, sut: Sut) -> Iterator[None]:
    """The session can neither speak nor come back."""
    sut.reopen = lambda timeout_s: (_ for _ in ()).throw(SutUnreachable("gone"))  # type: ignore[method-assign]
    sut.close()
    yield


# --- preparation ---


NOTHING = Needs((), ())
AGENT_PLAN = "the agent needs psutil, and nvidia-ml-py where there is an NVIDIA GPU"
WEIGHTS = Needs((), ("weights",), {"weights": ("transfer",)})


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small workloads/ folder in place of ours: what is installed and downloaded there takes minutes."""
    folder = tmp_path / "workloads"
    (folder / "weights").mkdir(parents=True)
    (folder / "weights" / "w.npz").write_bytes(b"weights")
    record = '{"weights": {"kind": "own", "digest": "0123"}}'
    program = f"import os, pathlib, sys\nprint('preparing', *sys.argv[1:])\nprint({record!r})\n"
    program += "data = pathlib.Path(os.environ['WATTLAB_DATA'])\n"
    (folder / "prepare.py").write_text(
        program + "(data / 'w').write_bytes((pathlib.Path(__file__).parent / 'weights/w.npz').read_bytes())\n"
    )
    monkeypatch.setattr(prepare_module, "WORKLOADS", folder)
    return folder


def test_a_python_that_has_everything_is_taken_and_nothing_is_installed(sut: Sut, programs: Path) -> None:
    lines: list[str] = []
    assert prepare(sut, WEIGHTS, lines.append) == sys.executable
    everything = f"{sys.executable} has everything that is needed"
    assert lines == [
        AGENT_PLAN, "weights (data): needed by transfer", everything, "preparing --only weights",
        "weights: own (sha256 0123)",
    ]  # fmt: skip
    assert Path(sut.data_folder, "w").read_bytes() == b"weights"
    assert not Path(sut.root, "venv").exists()


def test_a_lab_that_needs_no_data_is_brought_none(sut: Sut, programs: Path) -> None:
    lines: list[str] = []
    assert prepare(sut, NOTHING, lines.append) == sys.executable
    assert lines == [AGENT_PLAN, "the scenarios need nothing more", f"{sys.executable} has everything that is needed"]
    assert not Path(sut.root, "prepare").exists()


class Pip:
    """In place of pip on the SUT: what it was told to install and to remove is there, or is not, from then on."""

    def __init__(self, sut: Sut, there: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.there, self.told, self._stream = there, list[str](), sut.link.stream
        monkeypatch.setattr(sut, "installed", lambda *_: dict(self.there))
        monkeypatch.setattr(sut.link, "stream", self)

    def __call__(self, argv: Sequence[str], progress: Callable[[str], None]) -> None:
        if "uninstall" in argv:
            self.told.append("uninstall")
            for name in argv[argv.index("--yes") + 1 :]:
                del self.there[name]
        elif "install" in argv:
            self.told.append("install")
            lock = Path(argv[-1]).read_text()
            self.there |= {name: max(versions) for name, versions in versions_of(lock).items()}
        else:
            self._stream(argv, progress)


NUMPY = Needs(("numpy",), (), {"numpy": ("mine",)})
TRAINING = Needs(("tensorflow", "pillow", "scipy"), (), {"tensorflow": ("cnn",)})


@pytest.fixture
def own(config: SutSection) -> Iterator[Sut]:
    """A SUT whose interpreter is the one that `prepare` makes."""
    python = Path(config.folder) / "venv/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to("/usr/bin/python3")
    with Sut.connect(replace(config, python=str(python))) as sut:
        yield sut


def test_a_missing_environment_is_made_in_wattlabs_folder_and_gets_psutil_alone(
    config: SutSection, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = str(Path(config.folder) / "venv/bin/python")
    lines: list[str] = []
    with Sut.connect(replace(config, python=python)) as sut:
        pip = Pip(sut, {"pip": "23"}, monkeypatch)
        assert prepare(sut, NOTHING, lines.append) == python
        assert lines[2].startswith("making ")
        assert lines[3:] == ["installing psutil into " + str(Path(python).parents[1])]
        assert pip.there.keys() == {"pip", "psutil"}
        lines.clear()
        assert prepare(sut, NOTHING, lines.append) == python
        assert lines[2:] == [f"{python} has everything that is needed"]
        assert pip.told == ["install"]


def test_the_union_of_what_scenarios_need_is_installed_and_what_is_left_over_is_named_or_removed(
    own: Sut, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    pip = Pip(own, {"pip": "23", "psutil": "7.0.0", "left-over": "1", "keras": "3"}, monkeypatch)
    prepare(own, NUMPY, lines.append)
    assert "numpy: needed by mine" in lines
    assert "of other versions than those of requirements.lock, which are taken: psutil 7.0.0" in lines
    assert lines[-1].startswith("left over from before, needed by none of these scenarios: keras, left-over; ")
    assert pip.there.keys() == {"pip", "psutil", "numpy", "left-over", "keras"}
    prepare(own, NUMPY, lines.append, exact=True)
    assert pip.there.keys() == {"pip", "psutil", "numpy"}
    assert pip.told == ["install", "uninstall"]


SKLEARN = Needs((), (), {"sklearn": ("mine",)}, {"sklearn": ("scikit-learn", "pillow")})


def test_an_environment_of_a_framework_is_made_beside_the_main_one_and_kept(
    own: Sut, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: dict[str, dict[str, str]] = {}
    lines: list[str] = []

    def stream(argv: Sequence[str], progress: Callable[[str], None]) -> None:
        if "venv" in argv:
            python = Path(argv[-1], "bin", "python")
            python.parent.mkdir(parents=True)
            python.symlink_to("/usr/bin/python3")
        elif "install" in argv:
            versions = versions_of(Path(argv[-1]).read_text())
            there.setdefault(argv[0], {}).update({name: max(found) for name, found in versions.items()})

    monkeypatch.setattr(own, "installed", lambda python=None: dict(there.get(python or own.python, {})))
    monkeypatch.setattr(own.link, "stream", stream)
    python = own.python_of("sklearn")
    assert python == f"{own.root}/venv-sklearn/bin/python"
    assert prepare(own, SKLEARN, lines.append) == own.python
    assert lines[1:2] == ["Python environment sklearn (scikit-learn, pillow): needed by mine"]
    assert lines[-2:] == [
        f"making {own.root}/venv-sklearn with {own.python}",
        f"installing scikit-learn, pillow into {own.root}/venv-sklearn",
    ]
    assert there[own.python].keys() == {"psutil"}
    assert {"scikit-learn", "pillow", "numpy", "scipy", "joblib"} <= there[python].keys()
    lines.clear()
    prepare(own, SKLEARN, lines.append)
    assert lines[2:] == [f"{one} has everything that is needed" for one in (own.python, python)]


def test_an_interpreter_of_ones_own_for_an_environment_is_asked_and_never_changed(
    config: SutSection, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    with Sut.connect(replace(config, pythons={"sklearn": sys.executable, "jax": sys.executable})) as sut:
        monkeypatch.setattr(prepare_module, "_bring", lambda *_, **__: pytest.fail("nothing is brought"))
        prepare(sut, SKLEARN, lines.append)
        assert lines[-1] == f"{sys.executable} has everything that is needed"
        with pytest.raises(
            SutRefused, match=r"has no jax; `.* -m pip install jax` adds it, or take sut\.pythons\.jax out"
        ):
            prepare(sut, Needs((), (), {}, {"jax": ("jax",)}), lines.append)


def test_a_lock_without_cuda_is_told_where_there_is_a_gpu(own: Sut, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    Pip(own, {}, monkeypatch)
    monkeypatch.setattr(own, "exists", lambda _: True)
    monkeypatch.setattr(own, "ask_program", lambda *_: {"machine": "x86_64", "python": [3, 11]})
    monkeypatch.setattr(prepare_module, "_has_driver", lambda *_: True)
    prepare(own, Needs((), (), {}, {"jax": ("jax", "keras")}), lines.append)
    assert any("its lock has no CUDA, so its programs compute on the CPU" in line for line in lines)
    monkeypatch.setattr(own, "ask_program", lambda *_: {"machine": "armv7l", "python": [3, 11]})
    with pytest.raises(
        SutRefused, match=r"it is armv7l, and JAX is built for x86_64 and aarch64 only .*sut\.pythons\.jax"
    ):
        prepare(own, Needs((), (), {}, {"jax": ("jax", "keras")}), lines.append)


def test_nvml_is_brought_where_there_is_a_driver(own: Sut, monkeypatch: pytest.MonkeyPatch) -> None:
    pip = Pip(own, {}, monkeypatch)
    monkeypatch.setattr(prepare_module, "_has_driver", lambda *_: True)
    prepare(own, NOTHING, lambda _: None)
    assert pip.there.keys() == {"psutil", "nvidia-ml-py"}
    pip.there["tensorflow-cpu"] = "2.21.0"  # of before there was a GPU
    prepare(own, TRAINING, lambda _: None, exact=True)
    assert {"tensorflow", "nvidia-cudnn-cu12"} < pip.there.keys()
    assert "tensorflow-cpu" not in pip.there


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_tensorflow_is_the_build_of_the_machine(machine: str, own: Sut, monkeypatch: pytest.MonkeyPatch) -> None:
    pip = Pip(own, {}, monkeypatch)
    monkeypatch.setattr(own, "ask_program", lambda *_: {"machine": machine, "python": [3, 11]})
    prepare(own, TRAINING, lambda _: None)
    assert not {name for name in pip.there if name.startswith("nvidia-")}
    # Both stand in what pip is given; the marker of each decides there.
    part = Path(own.root, "requirements.lock").read_text()
    markers = dict(re.findall(r"^(tensorflow(?:-cpu)?)==[0-9.]+ ; (.*) \\$", part, re.MULTILINE))
    taken = [name for name, marker in markers.items() if Marker(marker).evaluate({"platform_machine": machine})]
    assert taken == [{"x86_64": "tensorflow-cpu", "aarch64": "tensorflow"}[machine]]


@pytest.mark.parametrize(
    ("machine", "python", "has_gpu", "said"),
    [
        ("armv7l", [3, 11], False, "it is armv7l, and TensorFlow is built for x86_64 and aarch64 only"),
        ("aarch64 with a 32-bit system", [3, 11], False, "it is aarch64 with a 32-bit system, and TensorFlow"),
        ("aarch64", [3, 12], True, "built without CUDA: it would train on the CPU"),
        ("x86_64", [3, 10], False, "its Python is 3.10, and tensorflow, pillow, scipy of the lock need 3.11 or newer"),
    ],
)
def test_what_is_not_built_for_a_machine_is_refused_before_anything_is_fetched(
    machine: str, python: list[int], has_gpu: bool, said: str, own: Sut, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = Pip(own, {}, monkeypatch)
    monkeypatch.setattr(prepare_module, "_has_driver", lambda *_: has_gpu)
    monkeypatch.setattr(own, "ask_program", lambda *_: {"machine": machine, "python": python})
    with pytest.raises(SutRefused, match=re.escape(said)) as refused:
        prepare(own, TRAINING, lambda _: None)
    assert "name an interpreter of yours that has tensorflow, pillow, scipy in sut.python" in str(refused.value)
    assert pip.told == []
    prepare(own, NOTHING, lambda _: None)
    assert "psutil" in pip.there


def test_an_interpreter_of_ones_own_that_lacks_something_is_told_how_to_get_it(
    config: SutSection, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    bare = shutil.which("python3", path="/usr/bin") or "python3"
    with Sut.connect(replace(config, python=bare)) as sut:
        monkeypatch.setattr(prepare_module, "_bring", lambda *_, **__: lines.append("bringing"))
        with pytest.raises(SutError, match="still lacks"):
            prepare(sut, Needs(("no-such-distribution",), ()), lines.append)
    told = next(line for line in lines if "no-such-distribution" in line)
    assert f"; `{bare} -m pip install " in told
    assert lines[-1] == "bringing"


def test_the_part_of_a_lock_that_is_needed_has_every_dependency_and_no_more() -> None:
    for environment in APART:
        text = (prepare_module.WORKLOADS / ENVIRONMENTS[environment].lock).read_text()
        part = part_of_lock(text, [*ENVIRONMENTS[environment].brings, "pillow"], ENVIRONMENTS[environment].lock)
        assert names_of(part) == names_of(text)
    for lock in ("requirements.lock", "requirements-gpu.lock"):
        text = (prepare_module.WORKLOADS / lock).read_text()
        listed = (prepare_module.WORKLOADS / lock.replace(".lock", ".txt")).read_text()
        everything = re.findall(r"^([a-z0-9-]+)", listed, re.MULTILINE)
        assert names_of(part_of_lock(text, everything)) == names_of(text)
        assert names_of(part_of_lock(text, ["psutil", "nvidia-ml-py"])) == ["nvidia-ml-py", "psutil"]
        assert not {"tensorflow", "tensorflow-cpu"} & set(names_of(part_of_lock(text, ["psutil", "codecarbon"])))
        assert "keras" in names_of(part_of_lock(text, ["tensorflow"]))
        assert text.count("--hash") == part_of_lock(text, everything).count("--hash")
    with pytest.raises(SutError, match=r"has no nothing; name it in requirements\.txt .*python of the SUT"):
        part_of_lock(text, ["nothing"])


def names_of(lock: str) -> list[str]:
    return re.findall(r"^([a-z0-9.-]+)==", lock, re.MULTILINE)


def test_a_preparation_that_fails_says_what_it_said(sut: Sut, programs: Path) -> None:
    (programs / "prepare.py").write_text("raise SystemExit('no network, no file')")
    lines: list[str] = []
    with pytest.raises(SutError, match="no network, no file"):
        prepare(sut, WEIGHTS, lines.append)
    assert lines[-1] == "no network, no file"


# --- keys ---


def test_the_keys_of_an_ssh_agent_log_in_where_no_file_is_named(
    config: SutSection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_agent = replace(config, key_file="")
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with pytest.raises(SutUnreachable, match=r"sut\.key_file is empty and no ssh-agent answers"):
        Sut.connect(by_agent)
    started = subprocess.run(
        ["ssh-agent", "-s", "-a", str(tmp_path / "agent")], capture_output=True, text=True, check=True
    )
    pid = int(re.findall(r"SSH_AGENT_PID=(\d+)", started.stdout)[0])
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        subprocess.run(["ssh-add", "-q", str(config.key_file)], check=True)
        with Sut.connect(by_agent) as sut:
            assert sut.facts()["hostname"] == socket.gethostname()
    finally:
        os.kill(pid, signal.SIGTERM)


# --- the sshd of our own ---


def test_only_the_right_key_of_the_right_user_gets_in(tmp_path: Path) -> None:
    with LoopbackSshd(tmp_path / "sshd") as sshd:
        config = (tmp_path / "sshd/sshd_config").read_text()
        assert f"AllowUsers {sshd.user}\n" in config
        assert "PasswordAuthentication no" in config
        assert (tmp_path / "sshd/user_key").stat().st_mode & 0o077 == 0
        with pytest.raises(SutUnreachable, match="refused"):
            Sut.connect(replace(config_of(sshd, tmp_path), user="nobody"))
        port = sshd.port
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0, "sshd is still there"


def test_an_sshd_without_sftp_is_told_from_a_full_disk(tmp_path: Path) -> None:
    class WithoutSftp(LoopbackSshd):
        def _config_lines(self) -> list[str]:
            return [line for line in super()._config_lines() if not line.startswith("Subsystem ")]

    with (
        WithoutSftp(tmp_path / "sshd") as sshd,
        pytest.raises(SutError, match=r"its sshd offers no SFTP.*`Subsystem sftp internal-sftp`"),
    ):
        Sut.connect(config_of(sshd, tmp_path))


def test_an_sshd_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="NoSuchSetting"), LoopbackSshd(tmp_path / "sshd", settings=["NoSuchSetting 1"]):
        pass


AS_ORDINARY_USER = """
import sys
import time
from pathlib import Path
from harness.station.loopback_sshd import LoopbackSshd
from harness.sut.machine import Sut
from tests.sut.conftest import Recorded, config_of, rated, start
folder = Path(sys.argv[1])
with LoopbackSshd(folder / "sshd") as sshd, Sut.connect(config_of(sshd, folder)) as sut:
    recorded = Recorded()
    work = sut.stage("aaaaaaaa", {})
    session = start(sut, "aaaaaaaa", recorded)
    session.rate(["id", "-un"], {}, work, None)
    assert rated(session).exit_code == 0
    end_s = time.monotonic() + 30.0
    while not recorded.of("sample") and time.monotonic() < end_s:  # the command is shorter than a sample takes to come
        time.sleep(0.05)
    session.finish()
    print(sut.fetch(work, ["stdout.txt"]).files["stdout.txt"].decode(), len(recorded.of("sample")) > 0)
    sut.unstage(work)
"""


def test_an_ordinary_user_can_run_the_embedded_sut_too(tmp_path: Path) -> None:
    """`daemon`, who gets a shell in a mount namespace of this test's own."""
    user = pwd.getpwnam("daemon")
    shell = f"daemon:x:{user.pw_uid}:{user.pw_gid}::/tmp:/bin/sh"
    passwd = tmp_path / "passwd"
    others = [line for line in Path("/etc/passwd").read_text().splitlines() if not line.startswith("daemon:")]
    passwd.write_text("\n".join([*others, shell]) + "\n")
    # Not below pytest's own folder, which is its user's alone: what opens it closes it under another run of this test.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        program = folder / "program.py"
        program.write_text(AS_ORDINARY_USER)
        command = (
            f"mount --bind {passwd} /etc/passwd && "
            f"exec setpriv --reuid={user.pw_uid} --regid={user.pw_gid} --clear-groups "
            f"{sys.executable} {program} {folder}"
        )
        root = str(Path(machine_module.__file__).parents[2])
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": root, "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/tmp"}
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", command], env=environment, capture_output=True, text=True, check=False
        )
    assert (done.returncode, done.stdout.split()) == (0, ["daemon", "True"]), done.stderr


def test_a_session_survives_that_its_connection_is_closed_under_it(sut: Sut) -> None:
    recorded = Recorded()
    work = sut.stage("aaaaaaaa", {})
    session = start(sut, "aaaaaaaa", recorded)
    session.rate(["sleep", "3"], {}, work, None)
    sut.close()
    assert session.exchange().t_sut_ns > 0
    time.sleep(0.5)
    assert rated(session).exit_code == 0
    session.finish()
    assert session.links_lost == 1
    sut.unstage(work)
