"""The system under test, reached by SSH: connect, stage, start the agent, follow its journal, fetch, unstage, prepare.

Knows paramiko, host keys, where wattlab's things lie on the SUT, and the agent's protocol (drawn in
`harness.sut.agent`). Knows no run folder, no meter, no lab.toml: it gets a SutConfig and hands every journal record to
a callback.

On the SUT, below `folder`:  agents/agent-<sha256>.py   runs/<uid>/{agent,work}   data/   venv/   prepare/
Every remote command is an argument list, quoted word by word; nothing of lab.toml reaches a shell unquoted.
"""

import base64
import contextlib
import hashlib
import io
import json
import logging
import os
import re
import shlex
import socket
import stat
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Self

import paramiko

from harness.attest.signer import public_not_private
from harness.record.documents import LAST_STAMP_NS, Json, Thresholds, is_plain_name, matches, shown, tame
from harness.record.errors import HostKeyError, SutError, SutRefused, SutUnreachable, printable, printable_lines
from harness.station.conditions import Diagnosis, of_changes, of_state
from harness.sut.clock import ClockExchange, begin_exchange, end_exchange

logging.getLogger("paramiko").addHandler(logging.NullHandler())  # its errors reach us as exceptions

HARNESS = Path(__file__).resolve().parent
WORKLOADS = HARNESS.parent / "workloads"
OLDEST_PYTHON = (3, 8)
AGENT_NEEDS = ("psutil",)
AGENT_PACKAGES = (*AGENT_NEEDS, "nvidia-ml-py")
"""What `prepare` installs for the agent; without the second it records no GPU."""
TENSORFLOW = "tensorflow-cpu"
CONNECT_S = 10.0
COMMAND_S = 60.0
TCP_USER_TIMEOUT_MS = 3000
"""Keepalives do not notice a silent partition; unacknowledged data does after this (tcp(7))."""
HEARTBEAT_S = 1.0
EXIT_STATUS_S = 2.0
LINK_SILENT_S = 4.0
"""A link on which no heartbeat was answered for so long is taken for lost, also where a relay acknowledges the TCP."""
FINISH_S = 90.0
STALL_S = 10.0
"""A journal of which nothing came for so long, while the agent answers, does not come."""
KILL_S = 75.0
"""The agent itself gives a load 5 s to end and 55 s more to be killed."""
ANSWER_S = 3.0
"""So long an agent that is to be left is waited for; it answers within milliseconds, or not at all."""
REMOVE_S = 20.0
"""What `agent.py remove` may take: it gives an agent 10 s to end itself and its load, and kills them then."""
MAX_LINE = 1 << 18
"""Bytes of one line of the agent; the longest it has, the columns of 16 GPUs, is an eighth of that."""
BACKOFF_S = (0.2, 0.5, 1.0, 2.0)
MAX_ARTIFACT = 256 << 20
MAX_ANSWER = 8 << 20
FREE_BYTES = 1 << 30
WALL_CLOCK_S = 2.0
COLLECT_S = 0.25
"""A remote command's standard error is looked at so often while its standard output is silent."""
VERSION = re.compile(r"\d{1,3}\.\d{1,3}")
FACTS: dict[str, tuple[Any, str]] = {
    **dict.fromkeys(("hostname", "os", "kernel", "machine", "cpu", "python"), (str, "a text")),
    **dict.fromkeys(("memory_kib", "disk_free_bytes", "sut_ns", "sut_wall_ns"), (int, "a whole number above 0")),
    "cpu_count": (int, "a whole number above 0"),
    "gpus": (list[dict[str, Any]], "a list of objects"),
    "psutil": (str | None, "a text or null"),
    "boot_id": (str | None, "a text or null"),
}
"""What the agent says of a SUT and others count with: type, and the type in words."""

RUN_WHAT_IS_SENT = (
    "import base64, json, sys, zlib; told = json.loads(zlib.decompress(base64.b64decode(sys.argv[1]))); "
    'sys.argv[1:] = told["arguments"]; exec(compile(told["source"], "sent", "exec"), {"__name__": "__main__"})'
)
"""One line of plain characters for any login shell: csh takes no newline and no exclamation mark, quoted or not."""

OnRecord = Callable[[Json], None]
OnExchange = Callable[[ClockExchange], None]
LINK_ERRORS = (OSError, EOFError, paramiko.SSHException)


@dataclass(frozen=True, slots=True)
class SutConfig:
    """How to reach the SUT. `python` and `folder` are paths there; relative ones begin at the login's home."""

    host: str
    port: int
    user: str
    key_file: Path | None
    """None: one of the keys that the ssh-agent holds."""
    known_hosts: Path
    python: str
    folder: str


@dataclass(frozen=True, slots=True)
class Needs:
    """What programs need there beside the agent: distributions of workloads/requirements.txt, and what of WATTLAB_DATA
    (`dataset`, `weights`)."""

    packages: tuple[str, ...]
    prepared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fetched:
    """Artifacts by their names, and of those that could not be taken what is wrong with them."""

    files: dict[str, bytes]
    problems: dict[str, str]


@dataclass(frozen=True, slots=True)
class RatingResult:
    """How a rating interval ended; stamps are the SUT's monotonic clock (ns); `reason` is null unless it was cut
    short."""

    exit_code: int | None
    begin_ns: int
    end_ns: int
    reason: str | None


class Sut:
    """One SUT over one SSH connection, reopened when it was lost. Made by `Sut.connect`."""

    def __init__(self, config: SutConfig) -> None:
        self.config = config
        self._lock = threading.RLock()
        self._client: paramiko.SSHClient | None = None
        self._home = ""
        self._agent_path: str | None = None
        self._sessions: dict[str, AgentSession] = {}

    @classmethod
    def connect(cls, config: SutConfig) -> Self:
        """An open connection.

        Raises:
            HostKeyError: the host key is unknown (the message has the command that adds it) or changed.
            SutUnreachable: no connection, or the login was refused.
        """
        sut = cls(config)
        sut.reopen(CONNECT_S)
        with sut._guarded("asking for the home folder"), sut._sftp() as sftp:
            sut._home = sftp.normalize(".")
        return sut

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def reopen(self, timeout_s: float) -> None:
        """Replace the connection by a new one. Raises what `connect` raises."""
        self.close()
        client = _open_client(self.config, timeout_s)
        with self._lock:
            self._client = client

    @property
    def name(self) -> str:
        """user@host:port, as errors call it."""
        return f"{self.config.user}@{self.config.host}:{self.config.port}"

    @property
    def root(self) -> str:
        """wattlab's folder on the SUT, absolute."""
        return self._absolute(self.config.folder)

    @property
    def python(self) -> str:
        """The SUT's interpreter: absolute, or a bare name for the PATH there."""
        return self._absolute(self.config.python) if "/" in self.config.python else self.config.python

    @property
    def own_python(self) -> str:
        """The interpreter that `prepare` makes, absolute."""
        return f"{self.root}/venv/bin/python"

    @property
    def data_folder(self) -> str:
        """Where data sets and weights are kept on the SUT, absolute."""
        return f"{self.root}/data"

    # --- what it is ---

    def facts(self) -> Json:
        """What the SUT is: the start document's `sut` (fields in docs/run-folder.md and in `harness.sut.agent.facts`).

        Raises:
            SutRefused: no interpreter, one older than Python 3.8, or one that does not say what the agent says.
        """
        return self._facts_of(self._ask_agent("facts", "--folder", self.root))

    def _facts_of(self, answer: object) -> Json:
        facts = tame(answer, "", [])
        for key, (hint, what) in FACTS.items():
            value = facts.get(key) if isinstance(facts, dict) else None
            if not matches(value, hint) or (isinstance(value, int) and value <= 0):
                raise SutRefused(
                    f"{self.name}: the agent says {key} is {shown(value)}, expected {what}; is {self.python} a Python?"
                )
        return dict(facts)

    def diagnose(
        self, horizon_s: float, begun: Json | None = None, thresholds: Thresholds | None = None
    ) -> list[Diagnosis]:
        """Every reason not to measure on this SUT for `horizon_s` seconds, and every remark, in one list.

        `thresholds` judge it; None: the method's own. `begun` is what `facts` said of the SUT when the campaign began;
        None for a new one. One question over the wire, which takes 2 s.
        """
        try:
            self._deployed()
            before_ns = time.time_ns()
            found = self._ask_agent("survey", "--folder", self.root, "--root", f"{self.root}/runs")
            facts = self._facts_of(found.get("facts"))
        except SutRefused as error:
            return [Diagnosis("python", "refuse", str(error))]
        after_ns = time.time_ns()
        try:
            limits = thresholds or Thresholds()
            return self._judge(found, facts, before_ns, after_ns, horizon_s, begun, limits)
        # Whatever an interpreter that is none, or lies, says in place of the agent's answer.
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError) as error:
            text = f"the agent's survey cannot be read ({type(error).__name__}: {error}); is {self.python} a Python?"
            return [Diagnosis("python", "refuse", text)]

    def _judge(
        self,
        answer: Json,
        facts: Json,
        before_ns: int,
        after_ns: int,
        horizon_s: float,
        begun: Json | None,
        limits: Thresholds,
    ) -> list[Diagnosis]:
        state = answer["state"]
        return [
            Diagnosis(
                "identity", "info", f"{facts['hostname']}, {facts['cpu']}, {facts['os']}, Python {facts['python']}"
            ),
            *self._of_python(facts),
            *_of_disk(facts, self.root),
            *_of_clock(int(state["begin_wall_ns"]) - before_ns, int(facts["sut_wall_ns"]) - after_ns),
            *of_state(state, horizon_s, limits),
            *_of_runs(answer["runs"]),
            *([] if begun is None else of_changes(begun, facts)),
        ]

    def _of_python(self, facts: Json) -> Iterator[Diagnosis]:
        if facts["psutil"] is None:
            yield Diagnosis(
                "no-psutil",
                "refuse",
                f"{facts['psutil_problem']}; `wattlab sut prepare` makes an environment that has it; into this one "
                f"`{self.python} -m pip install psutil` there brings it, or, where the system manages it, "
                "`apt-get install python3-psutil`",
            )
        for gpu in facts["gpus"]:
            yield Diagnosis("gpu", "info", f"GPU {gpu['index']}: {gpu['name']}, driver {gpu['driver']}")
        if not facts["gpus"]:
            yield Diagnosis("no-gpu", "info", f"no GPU is recorded: {facts['gpu_problem']}")

    # --- runs ---

    def stage(self, run_uid: str, files: Mapping[str, bytes]) -> str:
        """Make a fresh work folder with `files` in it (plain names); returns its path. Ends what an earlier run left.

        Raises:
            SutRefused: another wattlab is measuring on this SUT. SutError: the folder exists, or the disk refuses.
        """
        found = self._ask_agent("sweep", "--root", f"{self.root}/runs")
        if not matches(found.get("busy"), list[dict[str, Any]]):
            raise SutError(f"{self.name}: agent sweep answered {shown(found)}, expected the runs it found")
        if found["busy"]:
            raise SutRefused(
                f"{self.name}: run {found['busy'][0].get('name')} is being measured there by another wattlab; "
                "wait for its end"
            )
        work = self.work_folder(run_uid)
        with self._guarded(f"making {work}"), self._sftp() as sftp:
            _make_folders(sftp, f"{self.root}/runs")
            for folder in (self._run_folder(run_uid), work):
                sftp.mkdir(folder, 0o700)
            for name, content in files.items():
                _write(sftp, f"{work}/{_plain(name)}", content)
        return work

    def start_agent(
        self,
        run_uid: str,
        *,
        period_s: float,
        reconnect_s: float,
        on_record: OnRecord,
        on_exchange: OnExchange,
    ) -> "AgentSession":
        """Start this run's agent and follow it: every journal record to `on_record`, every heartbeat to
        `on_exchange`, both called from one thread. `period_s` from 0.01 to 60."""
        folder = f"{self._run_folder(run_uid)}/agent"
        options = ["--folder", folder, "--period", repr(period_s), "--reconnect", repr(reconnect_s)]
        self._agent("serve", *options)
        session = AgentSession(self, folder, reconnect_s, on_record, on_exchange)
        self._sessions[self._run_folder(run_uid)] = session
        return session

    def fetch(self, work: str, names: Sequence[str]) -> "Fetched":
        """The named artifacts (plain names) that the run left, and why others were not taken: what is there must be a
        regular file of at most 256 MiB, reached through no link.

        Raises:
            SutError: a name that leaves the folder.
        """
        fetched = Fetched({}, {})
        with self._guarded(f"fetching from {work}"), self._sftp() as sftp:
            paths = {name: f"{work}/artifacts/{_plain(name)}" for name in names}
            if (problem := _unlike(sftp, f"{work}/artifacts", stat.S_ISDIR, "folder")) is not None:
                return Fetched({}, dict.fromkeys(names, f"artifacts {problem}"))
            for name, path in paths.items():
                problem = _unlike(sftp, path, stat.S_ISREG, "regular file")
                content = b"" if problem else _read(sftp, path, MAX_ARTIFACT + 1)
                if len(content) > MAX_ARTIFACT:
                    problem = f"has more than the {MAX_ARTIFACT} bytes that are fetched"
                if problem is None:
                    fetched.files[name] = content
                else:
                    fetched.problems[name] = problem
        return fetched

    def start_load(self, work: str, seconds: float) -> None:
        """A full load on every CPU that ends by itself and needs no link; load.py is in the work folder.

        Raises:
            SutError: it does not start.
        """
        code, output, errors = self._run([self.python, f"{work}/load.py", "detached", repr(seconds)])
        if code != 0 or output.split()[-1:] != ["ready"]:
            raise SutError(f"{self.name}: load.py does not start ({code}): {errors.strip() or output.strip():.300}")

    def unstage(self, work: str) -> None:
        """End the run's agent if it still lives, remove everything of the run, and check that it is gone."""
        folder = str(PurePosixPath(work).parent)
        if (session := self._sessions.pop(folder, None)) is not None:
            session.abandon()
        if self._ask_agent("remove", "--folder", folder, limit_s=REMOVE_S) != {"removed": True}:
            raise SutError(f"{self.name}: {folder} could not be removed; look at it and remove it by hand")

    def work_folder(self, run_uid: str) -> str:
        """Where a run's command is started, absolute."""
        return f"{self._run_folder(run_uid)}/work"

    def ask_program(self, python: str, source: str, *arguments: str) -> Json:
        """The JSON object that a program prints last; it is sent along, and nothing of it stays on the SUT.

        Raises:
            SutError: it does not run there, or prints something else. SutUnreachable: the link was lost.
        """
        told = json.dumps({"source": source, "arguments": arguments}).encode()
        sent = base64.b64encode(zlib.compress(told)).decode()
        code, output, errors = self._run([python, "-c", RUN_WHAT_IS_SENT, sent])
        if code != 0:
            said = (errors.strip() or output.strip() or f"exit code {code}").splitlines()[-1]
            raise SutError(f"{self.name}: {python} does not run there ({said:.300})")
        return self._last_object(output, python)

    def _run_folder(self, run_uid: str) -> str:
        return f"{self.root}/runs/{_plain(run_uid)}"

    # --- preparation ---

    def prepare(self, needs: Needs, progress: Callable[[str], None]) -> str:
        """Everything that is needed there: an environment for agent and programs, data, weights. Does what is missing.

        Returns the interpreter to measure with; where that is not the configured one, `progress` said so.

        Raises:
            SutRefused: no usable interpreter. SutError: an installation or a download failed; its output went to
            `progress`.
        """
        python = self._prepare_python((*AGENT_NEEDS, *needs.packages), progress)
        if needs.prepared:
            self._prepare_data(python, needs.prepared, progress)
        return python

    def _prepare_data(self, python: str, parts: Sequence[str], progress: Callable[[str], None]) -> None:
        programs = _preparation_programs()
        folder = f"{self.root}/prepare"
        with self._guarded(f"copying to {folder}"), self._sftp() as sftp:
            for name, content in programs.items():
                _make_folders(sftp, str(PurePosixPath(folder, name).parent))
                _write(sftp, f"{folder}/{name}", content)
            _make_folders(sftp, self.data_folder)
        only = [word for part in parts for word in ("--only", part)]
        command = ["env", f"WATTLAB_DATA={self.data_folder}", python, "-u", f"{folder}/prepare.py", *only]
        self._stream(command, lambda line: progress(_summary(line)))

    def _prepare_python(self, packages: Sequence[str], progress: Callable[[str], None]) -> str:
        """An interpreter that has every package: the configured one, or that of a venv made in wattlab's folder."""
        own = self.own_python
        base = "python3" if self.python == own and not self._exists(own) else self.python
        self._require_python(base)
        for python in dict.fromkeys((self.python, own)):
            lacking = self._lacking(python, packages) if self._exists(python) else [python]
            if not lacking:
                progress(f"{python} has everything that is needed")
                self._advise(python, progress)
                return python
            if python != own:
                progress(f"{python} has no {', '.join(lacking)}; `{python} -m pip install {' '.join(lacking)}` adds it")
        if not self._exists(own):
            progress(f"making {self.root}/venv with {base}")
            with self._guarded("making the folder"), self._sftp() as sftp:
                _make_folders(sftp, self.root)
            self._stream([base, "-m", "venv", f"{self.root}/venv"], progress)
        self._install(own, packages, progress)
        if lacking := self._lacking(own, packages):
            raise SutError(f"{self.name}: after the installation {own} still lacks {', '.join(lacking)}")
        self._advise(own, progress)
        return own

    def _install(self, python: str, packages: Sequence[str], progress: Callable[[str], None]) -> None:
        """First what the agent needs to say what machine this is, then what fits the machine."""
        self._install_part(python, "requirements.lock", AGENT_PACKAGES, progress)
        if not self._lacking(python, packages):
            return
        facts = self._facts_of(self._ask_agent("facts", "--folder", self.root, python=python))
        if facts["machine"] != "x86_64" and not facts["gpus"] and TENSORFLOW in packages:
            raise SutRefused(
                f"{self.name}: it is {facts['machine']}, and {TENSORFLOW} is there for x86_64 only; take the scenarios "
                "that need it out, or name an interpreter of yours that has TensorFlow in sut.python"
            )
        lock = "requirements-gpu.lock" if facts["gpus"] else "requirements.lock"
        self._install_part(python, lock, packages, progress)

    def _install_part(self, python: str, lock: str, packages: Sequence[str], progress: Callable[[str], None]) -> None:
        part = part_of_lock((WORKLOADS / lock).read_text(), packages)
        remote = f"{self.root}/{lock}"
        with self._guarded(f"copying {lock}"), self._sftp() as sftp:
            _write(sftp, remote, part.encode())
        size = " (2 GB, some minutes the first time)" if TENSORFLOW in packages else ""
        progress(f"installing {', '.join(dict.fromkeys(packages))} into {self.root}/venv{size}")
        self._stream([python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", remote], progress)

    def prepared(self, part: str) -> Json | None:
        """The record that `prepare.py` left of the data set or the weights; None where there is none to read."""
        with self._guarded(f"looking into {self.data_folder}"), self._sftp() as sftp:
            content = _read_if_there(sftp, f"{self.data_folder}/{part}.json")
            record = None if content is None else _json_or_none(content)
            name = record.get("folder", record.get("file")) if isinstance(record, dict) else None
            if not isinstance(record, dict) or not isinstance(name, str) or not is_plain_name(name):
                return None
            try:
                sftp.stat(f"{self.data_folder}/{name}")
            except FileNotFoundError:
                return None
        return record

    def lacking(self, distributions: Sequence[str]) -> list[str]:
        """Those of some Python distributions that the configured interpreter does not have."""
        return self._lacking(self.python, distributions)

    def _lacking(self, python: str, distributions: Sequence[str]) -> list[str]:
        program = (
            "import sys, json, importlib.metadata as m\n"
            "have = {d.metadata['Name'].lower().replace('_', '-') for d in m.distributions()}\n"
            # A machine with a GPU has the full tensorflow.
            "have |= {n + '-cpu' for n in have}\n"
            "print(json.dumps([n for n in sys.argv[1:] if n not in have]))"
        )
        code, output, errors = self._run([python, "-I", "-c", program, *distributions])
        lacking = _json_or_none((output.splitlines() or [""])[-1].encode())
        if code != 0 or not matches(lacking, list[str]):
            words = errors.strip() or output.strip() or f"exit code {code}"
            raise SutRefused(
                f"{self.name}: {python} does not say which packages it has ({words:.200}); is it a Python?"
            )
        return list(lacking) if isinstance(lacking, list) else []

    def _advise(self, python: str, progress: Callable[[str], None]) -> None:
        if python != self.python:
            progress(
                f"write this into the table [sut] of lab.toml: python = {json.dumps(python)} "
                f"(now {json.dumps(self.config.python)})"
            )

    def _exists(self, path: str) -> bool:
        if "/" not in path:
            return True
        with self._guarded(f"looking for {path}"), self._sftp() as sftp:
            try:
                sftp.stat(path)
            except FileNotFoundError:
                return False
        return True

    # --- the wire ---

    def open_channel(self, argv: Sequence[str]) -> paramiko.Channel:
        """A channel on which a remote command runs. Raises what the link raises (LINK_ERRORS)."""
        with self._lock:
            client = self._client
        transport = None if client is None else client.get_transport()
        if transport is None or not transport.is_active():
            raise EOFError("the connection is closed")
        channel = transport.open_session(timeout=CONNECT_S)
        channel.settimeout(CONNECT_S)
        channel.exec_command(shlex.join(argv))
        return channel

    def attach(self, folder: str) -> paramiko.Channel:
        """A channel to the agent that serves `folder`."""
        # -S: the relay needs no package, and is there sooner without looking for any.
        return self.open_channel([self.python, "-I", "-S", self._deployed(), "attach", "--folder", folder])

    def _agent(self, *arguments: str, python: str | None = None, limit_s: float = COMMAND_S) -> str:
        """The standard output of one of the agent's commands."""
        path = self._deployed(python)
        code, output, errors = self._run([python or self.python, "-I", path, *arguments], limit_s)
        if code != 0:
            raise SutError(
                f"{self.name}: agent {arguments[0]} failed ({code}): {errors.strip() or output.strip():.500}"
            )
        return output

    def _ask_agent(self, *arguments: str, python: str | None = None, limit_s: float = COMMAND_S) -> Json:
        """The JSON object that one of the agent's commands prints last (a login's start-up file may print before)."""
        return self._last_object(self._agent(*arguments, python=python, limit_s=limit_s), f"agent {arguments[0]}")

    def _last_object(self, output: str, asked: str) -> Json:
        answer = _json_or_none((output.splitlines() or [""])[-1].encode())
        if not isinstance(answer, dict):
            raise SutError(f"{self.name}: {asked} answered {output[-200:]!r}, expected a JSON object")
        return answer

    def _deployed(self, python: str | None = None) -> str:
        """The agent's path on the SUT, put there under its sha256 unless the same bytes are there already."""
        if self._agent_path is None:
            self._require_python(python or self.python)
            source = (HARNESS / "agent.py").read_bytes()
            path = f"{self.root}/agents/agent-{hashlib.sha256(source).hexdigest()}.py"
            with self._guarded("copying the agent"), self._sftp() as sftp:
                _make_folders(sftp, f"{self.root}/agents")
                if _read_if_there(sftp, path) != source:
                    _write(sftp, path, source)
            self._agent_path = path
        return self._agent_path

    def _require_python(self, python: str) -> None:
        # Understood by Python 2 as well.
        code, output, errors = self._run([python, "-c", "import sys; print('python %d.%d' % sys.version_info[:2])"])
        words = output.split()[-2:]
        if code != 0 or len(words) != 2 or words[0] != "python" or not VERSION.fullmatch(words[1]):
            answer = errors.strip() or output.strip() or f"it says nothing, exit code {code}"
            own = f"{self.config.folder}/venv/bin/python"
            remedy = "" if python == self.own_python else f"correct sut.python, or set it to {own}: "
            raise SutRefused(
                f"{self.name}: {python} does not run there ({answer:.200}); {remedy}`wattlab sut prepare` makes it"
            )
        version = tuple(int(part) for part in words[1].split("."))
        if version < OLDEST_PYTHON:
            raise SutRefused(
                f"{self.name}: {python} is Python {words[1]}, the agent needs 3.8 or newer; "
                "install one there and name it in sut.python"
            )

    def _run(self, argv: Sequence[str], limit_s: float = COMMAND_S) -> tuple[int, str, str]:
        """(exit code, standard output, standard error) of a remote command; the texts are printable.

        Raises:
            SutError: it did not end within `limit_s`, or said more than 8 MiB.
        """
        with self._guarded(f"running {argv[0]}"):
            self._ensure_open()
            channel = self.open_channel(argv)
            with contextlib.closing(channel):
                code, output, errors = _collect(channel, argv[0], limit_s)
        texts = (printable_lines(content.decode(errors="replace")) for content in (output, errors))
        return code, next(texts), next(texts)

    def _stream(self, argv: Sequence[str], progress: Callable[[str], None]) -> None:
        """Run a remote command that may take long, its output line by line, printable, to `progress`."""
        with self._guarded(f"running {argv[0]}"):
            self._ensure_open()
            channel = self.open_channel(argv)
            channel.set_combine_stderr(True)
            channel.settimeout(None)
            last = ""
            with contextlib.closing(channel), channel.makefile("rb") as lines:
                while line := lines.readline(MAX_LINE):
                    text = printable(line.decode(errors="replace").rstrip())
                    last = text or last
                    progress(text)
                code = channel.recv_exit_status()
        if code != 0:
            raise SutError(f"{self.name}: {shlex.join(argv)} ended with exit code {code}: {last:.300}")

    @contextlib.contextmanager
    def _sftp(self) -> Iterator[paramiko.SFTPClient]:
        self._ensure_open()
        with self._lock:
            client = self._client
        if client is None:
            raise EOFError("the connection is closed")
        with client.open_sftp() as sftp:
            channel = sftp.get_channel()
            if channel is not None:
                channel.settimeout(COMMAND_S)
            yield sftp

    def _ensure_open(self) -> None:
        with self._lock:
            client = self._client
        transport = None if client is None else client.get_transport()
        if transport is None or not transport.is_active():
            self.reopen(CONNECT_S)

    @contextlib.contextmanager
    def _guarded(self, doing: str) -> Iterator[None]:
        """Errors of the wire and of the SUT's disk, in the words of the lab."""
        try:
            yield
        except (FileNotFoundError, PermissionError, FileExistsError) as error:
            raise SutError(f"{self.name}: {doing}: {error}") from error
        except (TimeoutError, EOFError, ConnectionError, paramiko.ssh_exception.NoValidConnectionsError) as error:
            raise SutUnreachable(
                f"{self.name}: {doing}: the link was lost ({error or type(error).__name__})"
            ) from error
        except (OSError, paramiko.SSHException) as error:
            # SFTP says "Failure" and nothing more when a disk is full.
            raise SutError(f"{self.name}: {doing}: {error}; is its disk full?") from error

    def _absolute(self, path: str) -> str:
        return str(PurePosixPath(self._home, path.removeprefix("~/")))


class AgentSession:
    """The agent of one run: its requests, its journal, its heartbeat. A lost link is taken up again at the journal's
    offset; when that took longer than reconnect_s, or the agent is gone, every method raises what happened (`check`
    does only that)."""

    def __init__(self, sut: Sut, folder: str, reconnect_s: float, on_record: OnRecord, on_exchange: OnExchange) -> None:
        self._sut, self._folder, self._reconnect_s = sut, folder, reconnect_s
        self._on_record, self._on_exchange = on_record, on_exchange
        self._changed = threading.Condition()
        self._failure: BaseException | None = None
        self._closing = False
        self._offset = 0
        self._next_id = 0
        self._requests: dict[int, tuple[bytes, Future[Json]]] = {}
        self._pings: dict[int, tuple[int, Future[ClockExchange] | None]] = {}
        self._rating_result: RatingResult | None = None
        self._rating = False
        self._heard_ns = time.monotonic_ns()
        self.links_lost = 0
        self._link = Link(sut.attach(folder))
        self._send_hello()
        self._thread = threading.Thread(target=self._work, name="agent", daemon=True)
        self._thread.start()

    # --- for the caller ---

    def check(self) -> None:
        """Raise what ended the session for good, if anything did.

        Raises:
            SutUnreachable: the link was down for longer than reconnect_s, or the agent ended. SutError: the SUT's
            disk is full.
        """
        if self._failure is not None:
            raise self._failure

    def exchange(self) -> ClockExchange:
        """One clock exchange now; it is the caller's alone. Waits through a lost link.

        Raises:
            SutUnreachable: no answer. SutError: one that is none.
        """
        limit_s = LINK_SILENT_S + self._reconnect_s + CONNECT_S
        end_s = time.monotonic() + limit_s
        while time.monotonic() < end_s:
            future: Future[ClockExchange] = Future()
            with self._changed:
                self.check()
                self._send_ping(future)
            try:
                return future.result(limit_s)
            except _LinkLost:
                continue
            except FutureTimeout:
                break
        raise SutUnreachable(f"{self._sut.name}: no answer to a clock exchange within {limit_s:g} s")

    def rate(
        self, argv: Sequence[str] | None, env: Mapping[str, str], cwd: str | None, duration_s: float | None
    ) -> None:
        """Begin the rating interval: run a command in `cwd`, or with argv null pause for `duration_s`."""
        if argv is None and duration_s is None:
            raise ValueError("a pause needs a duration")
        with self._changed:
            self._rating, self._rating_result = True, None
        words = None if argv is None else list(argv)
        try:
            self._request("rate", argv=words, env=dict(env), cwd=cwd, duration_s=duration_s)
        except SutError:
            self._rating = False
            raise

    def wait_rated(self, timeout_s: float) -> RatingResult | None:
        """The result of the rating interval; null when it has not ended within `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: self._rating_result is not None or self._failure is not None, timeout_s)
            if self._rating_result is None:
                self.check()
            return self._rating_result

    def kill(self, answer_s: float | None = None) -> None:
        """End the load, if one runs, and wait until it is gone. An agent that does not answer within `answer_s` (None:
        as long as the link may be lost) is not waited for."""
        self._request("kill", answer_s)
        with self._changed:
            if not self._changed.wait_for(lambda: not self._rating or self._failure is not None, KILL_S):
                raise SutError(f"{self._sut.name}: the load was not ended within {KILL_S:g} s; look at the SUT")
            if self._rating:
                self.check()

    def finish(self, answer_s: float | None = None) -> None:
        """Stop sampling, receive the journal to its end, end the agent; `answer_s` as for `kill`."""
        size = self._request("finish", answer_s).get("size")
        if not isinstance(size, int):
            raise SutError(f"{self._sut.name}: the agent answered {shown(size)} to finish, expected its journal's size")
        self._await_journal(size)
        self._closing = True
        self._request("bye", answer_s)
        self._thread.join()
        self.check()

    def _await_journal(self, size: int) -> None:
        """Wait until the journal has arrived up to a size; as long as it comes, or the link is silent."""
        end_s = time.monotonic() + FINISH_S
        with self._changed:
            while self._offset < size and self._failure is None:
                is_told = self._changed.wait(STALL_S)
                is_heard = time.monotonic_ns() - self._heard_ns < LINK_SILENT_S * 1e9
                if (is_heard and not is_told) or time.monotonic() > end_s:
                    break
            self.check()
            if self._offset < size:
                raise SutError(f"{self._sut.name}: the agent's journal stopped at byte {self._offset} of {size}")

    def abandon(self) -> None:
        """Leave the agent to whoever ends it; no request is answered any more."""
        self._closing = True
        self._link.close()
        self._thread.join()

    # --- requests ---

    def _request(self, operation: str, answer_s: float | None = None, **fields: Any) -> Json:  # noqa: ANN401  JSON
        future: Future[Json] = Future()
        with self._changed:
            self.check()
            number = self._number()
            line = json.dumps({"id": number, "op": operation, **fields}).encode() + b"\n"
            self._requests[number] = (line, future)
            self._send(line)
        # The session's thread sets an exception when the link stays away; the time limit is only for a mute agent.
        try:
            answer = future.result(self._reconnect_s + COMMAND_S if answer_s is None else answer_s)
        except FutureTimeout:
            raise SutUnreachable(f"{self._sut.name}: the agent did not answer to {operation}") from None
        if "error" in answer:
            raise SutError(f"{self._sut.name}: the agent refused {operation}: {_said(answer['error'])}")
        return answer

    def _number(self) -> int:
        self._next_id += 1
        return self._next_id

    def _send(self, line: bytes) -> None:
        """Send now, or leave it to the thread: a lost link is its business, and it repeats open requests."""
        with contextlib.suppress(*LINK_ERRORS):
            self._link.send(line)

    def _send_ping(self, future: Future[ClockExchange] | None) -> None:
        number = self._number()
        line = b'{"id":%d,"op":"ping"}\n' % number
        self._pings[number] = (begin_exchange(), future)
        self._send(line)

    def _send_hello(self) -> None:
        self._hello_id = self._number()
        self._link.send(b'{"id":%d,"op":"hello","offset":%d}\n' % (self._hello_id, self._offset))
        self._greeted = False

    # --- the thread ---

    def _work(self) -> None:
        try:
            while not self._closing:
                try:
                    self._talk()
                except LINK_ERRORS as error:
                    self._take_up(error)
        except BaseException as error:
            self._fail(error)
        finally:
            self._link.close()
            self._release_waiting()

    def _release_waiting(self) -> None:
        """The agent that got a bye may end before its answer is through; that is no error."""
        with self._changed:
            waiting = [future for _, future in self._requests.values()]
            self._requests.clear()
        for future in waiting:
            future.set_result({})
        self._drop_pings()

    def _talk(self) -> None:
        """Heartbeats out, messages in, until the agent closes the link after a bye."""
        next_ns = time.monotonic_ns()
        while True:
            now_ns = time.monotonic_ns()
            if now_ns >= next_ns:
                with self._changed:
                    self._send_ping(None)
                next_ns = now_ns + int(HEARTBEAT_S * 1e9)
            for message in self._link.receive((next_ns - now_ns) / 1e9 if next_ns > now_ns else 0.0):
                self._heard_ns = time.monotonic_ns()
                self._on_message(message)
            for length in self._link.take_dropped():
                self._note("agent-garbled", f"a line of {length} bytes, more than {MAX_LINE}, was dropped")
            if time.monotonic_ns() - self._heard_ns > LINK_SILENT_S * 1e9:
                raise EOFError(f"no answer for {LINK_SILENT_S:g} s")

    def _take_up(self, cause: BaseException) -> None:
        """A new link from the journal's offset on.

        Raises:
            SutUnreachable: none within reconnect_s since the SUT was last heard, or the agent is gone.
        """
        if self._closing:
            return
        self.links_lost += 1
        heard_ns = self._heard_ns
        self._note("link-lost", f"the link to the SUT was lost ({cause or type(cause).__name__}); trying again")
        self._link.close()
        self._drop_pings()
        for attempt in range(1_000_000):
            silent_s = (time.monotonic_ns() - heard_ns) / 1e9
            if self._closing:
                return
            if silent_s > self._reconnect_s:
                raise SutUnreachable(
                    f"{self._sut.name}: the link was lost for longer than reconnect_s = {self._reconnect_s:g} s "
                    f"({cause or type(cause).__name__}); the agent ends the load there by itself"
                )
            try:
                self._sut.reopen(min(CONNECT_S, LINK_SILENT_S))
                self._link = Link(self._sut.attach(self._folder))
                self._heard_ns = time.monotonic_ns()
                self._send_hello()
                self._await_greeting()
            except (SutUnreachable, *LINK_ERRORS):
                time.sleep(BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])
                continue
            self._note(
                "link-restored", f"the link to the SUT is back after {(time.monotonic_ns() - heard_ns) / 1e9:.1f} s"
            )
            return

    def _await_greeting(self) -> None:
        while not self._greeted:
            try:
                messages = self._link.receive(0.5)
            except EOFError:
                if said := self._link.last_words():
                    raise SutError(f"{self._sut.name}: the agent is gone: {said}") from None
                raise
            for message in messages:
                self._heard_ns = time.monotonic_ns()
                self._on_message(message)
            if time.monotonic_ns() - self._heard_ns > LINK_SILENT_S * 1e9:
                raise EOFError("no greeting")

    def _on_message(self, message: Json) -> None:
        number = message.get("id")
        if "journal" in message:
            self._on_journal(message["journal"], message.get("at"))
        elif number is None and "fault" in message:
            raise SutError(f"{self._sut.name}: {_said(message['fault'])}; free its disk and run again")
        elif type(number) is not int:
            self._note("agent-garbled", f"neither an answer nor a journal line: {shown(message)}")
        elif number in self._pings:
            self._on_pong(*self._pings.pop(number), message)
        elif number in self._requests:
            self._requests.pop(number)[1].set_result(message)
        elif number == self._hello_id:
            self._on_greeting(message)

    def _on_pong(self, t0_ns: int, waiting: "Future[ClockExchange] | None", message: Json) -> None:
        stamps = [_stamp(message, key) for key in ("sut_ns", "sut_wall_ns", "sut_boot_ns")]
        known = [stamp for stamp in stamps if stamp is not None]
        if len(known) < len(stamps):
            problem = f"the agent answered to a clock exchange with {shown(message)}, expected stamps in nanoseconds"
            self._note("agent-garbled", problem)
            if waiting is not None:
                waiting.set_exception(SutError(f"{self._sut.name}: {problem}"))
            return
        exchange = end_exchange(t0_ns, *known)
        if waiting is not None:
            waiting.set_result(exchange)
        else:
            self._call(self._on_exchange, exchange)

    def _on_greeting(self, message: Json) -> None:
        if "error" in message:
            raise SutError(f"{self._sut.name}: the agent refused to go on: {_said(message['error'])}")
        if message.get("fault"):
            raise SutError(f"{self._sut.name}: {_said(message['fault'])}; free its disk and run again")
        # A clock exchange that was asked on the old link, or between the links, has no answer.
        self._drop_pings()
        with self._changed:
            self._greeted = True
            for line, _ in self._requests.values():
                self._send(line)

    def _on_journal(self, record: object, offset: object) -> None:
        if not isinstance(record, dict) or type(offset) is not int or not self._offset < offset < LAST_STAMP_NS:
            self._note("agent-garbled", f"a journal line at {shown(offset)} that is none: {shown(record)}")
            return
        self._call(self._on_record, record)
        with self._changed:
            self._offset = offset
            if self._rating and record.get("rec") == "phase" and record.get("edge") == "end":
                self._rating_result = self._result_of(record)
                self._rating = False
            self._changed.notify_all()

    def _result_of(self, record: Json) -> RatingResult:
        """How the interval ended, as the agent says it.

        Raises:
            SutError: it says what is none; the run cannot be rated.
        """
        code, begin_ns, end_ns = record.get("exit_code"), _stamp(record, "begin_ns"), _stamp(record, "sut_ns")
        reason = record.get("reason")
        if begin_ns is None or end_ns is None or begin_ns >= end_ns or not matches(code, int | None):
            values = shown([record.get(key) for key in ("begin_ns", "sut_ns", "exit_code")])
            raise SutError(
                f"{self._sut.name}: the agent says that begin, end and exit code of the rating interval are {values}, "
                "expected two stamps in order and a number"
            )
        return RatingResult(code, begin_ns, end_ns, None if reason is None else _said(reason))

    def _note(self, code: str, text: str) -> None:
        self._call(self._on_record, {"rec": "note", "code": code, "text": text})

    def _call(self, function: Callable[[Any], None], argument: object) -> None:
        """The caller's errors are not the link's."""
        try:
            function(argument)
        except LINK_ERRORS as error:
            raise _CallbackFailed(error) from error

    def _drop_pings(self) -> None:
        with self._changed:
            waiting = [future for _, future in self._pings.values() if future is not None]
            self._pings.clear()
        for future in waiting:
            future.set_exception(_LinkLost())

    def _fail(self, error: BaseException) -> None:
        cause = error.__cause__ if isinstance(error, _CallbackFailed) and error.__cause__ else error
        with self._changed:
            self._failure = cause
            futures: list[Future[Any]] = [future for _, future in self._requests.values()]
            futures += [future for _, future in self._pings.values() if future is not None]
            self._requests.clear()
            self._pings.clear()
            self._changed.notify_all()
        for future in futures:
            future.set_exception(cause)


class _LinkLost(Exception):
    pass


class _CallbackFailed(Exception):
    pass


class Link:
    """One channel to the agent: JSON lines both ways. A line of more than MAX_LINE bytes is dropped as it comes."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel
        self._rest = bytearray()
        self._skipped = 0
        self._dropped: list[int] = []

    def send(self, line: bytes) -> None:
        """Send one line."""
        self._channel.sendall(line)

    def receive(self, timeout_s: float) -> list[Json]:
        """The messages that arrived within `timeout_s`; EOFError when the other side closed."""
        self._channel.settimeout(max(timeout_s, 0.001))
        try:
            block = self._channel.recv(1 << 16)
        except TimeoutError:
            return []
        if not block:
            raise EOFError("the link was closed")
        lines = self._lines_of(block)
        return [message for line in lines if isinstance(message := _json_or_none(line), dict)]

    def take_dropped(self) -> list[int]:
        """Lengths of the lines that were too long since this was asked."""
        dropped, self._dropped = self._dropped, []
        return dropped

    def _lines_of(self, block: bytes) -> Iterator[bytes]:
        """The lines that end in `block`; what follows the last is kept, up to MAX_LINE bytes."""
        *ends, last = block.split(b"\n")
        for end in ends:
            self._keep(end)
            if self._skipped:
                self._dropped.append(self._skipped)
            else:
                yield bytes(self._rest)
            self._skipped = 0
            self._rest.clear()
        self._keep(last)

    def _keep(self, part: bytes) -> None:
        if self._skipped or len(self._rest) + len(part) > MAX_LINE:
            self._skipped += len(self._rest) + len(part)
            self._rest.clear()
        else:
            self._rest += part

    def last_words(self) -> str:
        """What the relay said on standard error before it ended by itself; empty when the link was cut.

        The end of its output comes before its exit status (RFC 4254, 6.10), sometimes by more than an instant.
        """
        if not self._channel.status_event.wait(EXIT_STATUS_S):
            return ""
        return printable(self._channel.recv_stderr(1000).decode(errors="replace").strip())

    def close(self) -> None:
        """Give the channel back."""
        self._channel.close()


def _json_or_none(line: bytes) -> object:
    """A message; what a login's start-up file printed on the channel is none."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _stamp(message: Json, key: str) -> int | None:
    """A stamp of the SUT in ns; None where there is none that could be one."""
    value = message.get(key)
    return value if type(value) is int and 0 <= value < LAST_STAMP_NS else None


def _said(text: object) -> str:
    """What the agent gave as a reason, for a message."""
    return printable(text if isinstance(text, str) else shown(text))[:500]


# --- connecting ---


class _Unknown(paramiko.MissingHostKeyPolicy):
    """Refuses an unknown host key and says how to add it."""

    def __init__(self, config: SutConfig) -> None:
        self._config = config

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        raise HostKeyError(
            f"the host key of {hostname} is not in {self._config.known_hosts}; "
            f"it shows {key.get_name()} {key.fingerprint}. "
            "Compare that at the SUT (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub), "
            f"then add it: {_keyscan(self._config)}"
        )


def _keyscan(config: SutConfig) -> str:
    folder, file = (shlex.quote(str(path)) for path in (config.known_hosts.parent, config.known_hosts))
    made = "" if config.known_hosts.parent.is_dir() else f"mkdir -p -m 700 {folder} && "
    return f"`{made}{shlex.join(['ssh-keyscan', '-p', str(config.port), config.host])} >> {file}`"


def _open_client(config: SutConfig, timeout_s: float) -> paramiko.SSHClient:
    """A logged-in connection; the errors of `Sut.connect`."""
    name = f"{config.user}@{config.host}:{config.port}"
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(_Unknown(config))
    try:
        if not config.host:
            raise SutUnreachable("sut.host is empty; write the name or address of the machine to be measured there")
        if config.known_hosts.exists():
            client.load_host_keys(str(config.known_hosts))
        _require_key(config, name)
        client.connect(
            config.host,
            config.port,
            config.user,
            key_filename=None if config.key_file is None else str(config.key_file),
            look_for_keys=False,
            sock=_open_socket(config, timeout_s),
            timeout=timeout_s,
            banner_timeout=timeout_s,
            auth_timeout=timeout_s,
            channel_timeout=timeout_s,
        )
    except BaseException as error:
        client.close()
        raise _connect_error(config, name, error) from error
    return client


def _require_key(config: SutConfig, name: str) -> None:
    """Raise where there is no key to log in with."""
    if config.key_file is not None:
        if not config.key_file.exists():
            raise SutUnreachable(
                f"{name}: sut.key_file {config.key_file} does not exist; make one with ssh-keygen, or set it to "
                '"" for the keys of your ssh-agent'
            )
        if advice := public_not_private(config.key_file):
            raise SutUnreachable(f"{name}: sut.key_file {config.key_file}: {advice}")
        return
    agent = paramiko.Agent()
    try:
        if not agent.get_keys():
            raise SutUnreachable(
                f"{name}: sut.key_file is empty and no ssh-agent answers with a key; give `ssh-add`, or name a key file"
            )
    finally:
        agent.close()


def _connect_error(config: SutConfig, name: str, error: BaseException) -> BaseException:
    """A failed connection in the words of the lab."""
    if isinstance(error, paramiko.BadHostKeyException):
        return HostKeyError(
            f"{name}: the host key changed: {config.known_hosts} has {error.expected_key.fingerprint}, the SUT shows "
            f"{error.key.get_name()} {error.key.fingerprint}. If the machine was installed anew, remove the old one "
            f"(ssh-keygen -R {shlex.quote(_known_name(config))} -f {shlex.quote(str(config.known_hosts))}) "
            f"and add: {_keyscan(config)}"
        )
    if isinstance(error, paramiko.hostkeys.InvalidHostKey):
        return HostKeyError(
            f"{name}: {config.known_hosts} has a line that is no host key ({error.args[0]!s:.60}); remove it"
        )
    if isinstance(error, paramiko.PasswordRequiredException):
        return SutUnreachable(f"{name}: sut.key_file {config.key_file} needs a passphrase; load it into an ssh-agent")
    if isinstance(error, paramiko.AuthenticationException):
        key = "a key of your ssh-agent" if config.key_file is None else f"{config.key_file}.pub"
        return SutUnreachable(f"{name}: the login was refused; is {key} in ~{config.user}/.ssh/authorized_keys there?")
    if isinstance(error, socket.gaierror):
        return SutUnreachable(f"{name}: the name {config.host} is not known ({error.strerror}); correct sut.host")
    if isinstance(error, UnicodeError):
        return SutUnreachable(f"{name}: {config.host!r} is no name of a machine; correct sut.host")
    if isinstance(error, OSError | EOFError | paramiko.SSHException):
        return SutUnreachable(f"{name}: no connection ({error or type(error).__name__}); is sshd running there?")
    return error


def _known_name(config: SutConfig) -> str:
    return config.host if config.port == paramiko.config.SSH_PORT else f"[{config.host}]:{config.port}"


def _open_socket(config: SutConfig, timeout_s: float) -> socket.socket:
    sock = socket.create_connection((config.host, config.port), timeout_s)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_MS)
    return sock


# --- diagnosis ---


def _of_disk(facts: Json, root: str) -> Iterator[Diagnosis]:
    free = int(facts["disk_free_bytes"])
    if free < FREE_BYTES:
        text = f"{free / 2**20:.0f} MiB free where {root} is; at least 1 GiB is needed, free some"
        yield Diagnosis("disk-full", "refuse", text)
    else:
        yield Diagnosis("disk", "info", f"{free / 2**30:.0f} GiB free where {root} is")


def _of_clock(since_asked_ns: int, since_answered_ns: int) -> Iterator[Diagnosis]:
    """The SUT's wall clock when it began to look, less this host's when it asked; and the same of the answer."""
    off_s = (min(since_asked_ns, 0) or max(since_answered_ns, 0)) / 1e9
    if abs(off_s) > WALL_CLOCK_S:
        yield Diagnosis(
            "wall-clock",
            "warn",
            f"its wall clock is {abs(off_s):.1f} s {'behind' if off_s < 0 else 'ahead of'} this host's; "
            "durations do not depend on it, dates in its files do: is NTP on?",
        )


def _of_runs(left: Json) -> Iterator[Diagnosis]:
    for run in left["busy"]:
        yield Diagnosis(
            "busy", "refuse", f"run {run['name']} is being measured there by another wattlab; wait for its end"
        )
    for run in left["left"]:
        state = "with a live agent" if run["alive"] else "without an agent"
        yield Diagnosis(
            "left-over", "warn", f"an earlier run left its folder {run['name']} {state}; the next run removes it"
        )


# --- files on the SUT ---


def _plain(name: str) -> str:
    """A file name that cannot leave its folder."""
    if not is_plain_name(name):
        raise SutError(f"{name!r} is no plain file name; name files without folders")
    return name


def _make_folders(sftp: paramiko.SFTPClient, path: str) -> None:
    for folder in reversed([PurePosixPath(path), *PurePosixPath(path).parents]):
        try:
            sftp.stat(str(folder))
        except FileNotFoundError:
            sftp.mkdir(str(folder), 0o700)


def _write(sftp: paramiko.SFTPClient, path: str, content: bytes) -> None:
    """The whole file or none: under another name first."""
    partial = f"{path}.part-{os.getpid()}"
    # Looks at the size afterwards: a full disk shows up nowhere else.
    sftp.putfo(io.BytesIO(content), partial, confirm=True)
    sftp.posix_rename(partial, path)


def _unlike(sftp: paramiko.SFTPClient, path: str, is_right: Callable[[int], bool], what: str) -> str | None:
    """What is wrong with a path, looked at itself and not at what a link in its place names; None: nothing."""
    try:
        mode = sftp.lstat(path).st_mode or 0
    except FileNotFoundError:
        return "is not there"
    return None if is_right(mode) else f"is no {what}{', but a link' if stat.S_ISLNK(mode) else ''}"


def _read(sftp: paramiko.SFTPClient, path: str, most: int = MAX_ANSWER) -> bytes:
    """The first bytes of a file, `most` at most."""
    with sftp.open(path, "rb") as file:
        file.prefetch(min(file.stat().st_size or 0, most))
        return file.read(most)


def _read_if_there(sftp: paramiko.SFTPClient, path: str) -> bytes | None:
    try:
        return _read(sftp, path)
    except FileNotFoundError:
        return None


def _collect(channel: paramiko.Channel, name: str, limit_s: float) -> tuple[int, bytes, bytes]:
    """Exit code, standard output and standard error of the command that runs on a channel.

    Raises:
        SutError: it did not end within `limit_s`, or said more than 8 MiB.
    """
    output, errors = bytearray(), bytearray()
    end_s, is_open = time.monotonic() + limit_s, True
    while is_open or channel.recv_stderr_ready():
        if time.monotonic() > end_s:
            raise SutError(f"{name} on the SUT did not end within {limit_s:g} s")
        channel.settimeout(COLLECT_S)
        with contextlib.suppress(TimeoutError):
            block = channel.recv(1 << 16)
            output += block
            is_open = bool(block)
        if channel.recv_stderr_ready():
            errors += channel.recv_stderr(1 << 16)
        if len(output) + len(errors) > MAX_ANSWER:
            raise SutError(f"{name} on the SUT said more than {MAX_ANSWER} bytes")
    if not channel.status_event.wait(max(0.0, end_s - time.monotonic())):
        raise SutError(f"{name} on the SUT did not end within {limit_s:g} s")
    while block := channel.recv_stderr(1 << 16) if channel.recv_stderr_ready() else b"":
        errors += block[: MAX_ANSWER - len(errors)]
    return channel.recv_exit_status(), bytes(output), bytes(errors)


def _summary(line: str) -> str:
    """The record that `prepare.py` prints last, in words; any other line as it is."""
    record = _json_or_none(line.encode()) if line.startswith("{") else None
    if not isinstance(record, dict):
        return line
    return ", ".join(
        f"{name}: {part.get('kind')} (sha256 {str(part.get('digest') or part.get('sha256'))[:64]})"
        for name, part in record.items()
        if isinstance(part, dict)
    )


def _preparation_programs() -> dict[str, bytes]:
    """What is copied for `prepare.py`: the programs beside it and the weights, by their path below workloads/."""
    folders = (WORKLOADS, WORKLOADS / "weights")
    files = [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())]
    wanted = {".py", ".npz", ".json", ".sha256", ".toml", ".txt"}
    return {str(path.relative_to(WORKLOADS)): path.read_bytes() for path in files if path.suffix in wanted}


def part_of_lock(lock: str, wanted: Sequence[str]) -> str:
    """The entries of a lock file that some distributions need, by the `# via` that uv writes below each; where the lock
    has NAME in place of NAME-cpu, that."""
    entries = [(text.split("==", 1)[0], text) for text in re.split(r"\n(?=[a-z0-9])", lock.rstrip("\n"))[1:]]
    names = {name for name, _ in entries}
    needed = {name if name in names else name.removesuffix("-cpu") for name in wanted}
    if missing := needed - names:
        raise SutError(
            f"the lock of the SUT's packages has no {', '.join(sorted(missing))}; name it in requirements.txt"
        )
    while more := {name for name, text in entries if _parents(text) & needed} - needed:
        needed |= more
    return "".join(f"{text}\n" for name, text in entries if name in needed)


def _parents(entry: str) -> set[str]:
    """The distributions because of which an entry stands in a lock."""
    return set(re.findall(r"^ +# +(?:via )?([a-z0-9][a-z0-9.-]*)", entry, re.MULTILINE)) - {"via"}
