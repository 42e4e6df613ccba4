"""The system under test as a machine: what it is, what is staged on it, the programs that answer there.

Knows where wattlab's things lie on the SUT, and the agent's commands (`harness.sut.agent`). Knows no journal
(`harness.sut.session`), no run folder and no meter, and judges nothing of what the machine says.

On the SUT, below `folder`:  agents/agent-<sha256>.py   runs/<uid>/{agent,work}   data/   venv*/   prepare/
"""

import base64
import hashlib
import json
import os
import re
import stat
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import TracebackType
from typing import Any, Self

from harness.record.documents import Json, is_plain_name, matches, shown, tame
from harness.record.errors import SutError, SutRefused
from harness.station.station import SutSection
from harness.sut.bundle import OLDEST_PYTHON, agent_source
from harness.sut.channel import Channel, json_or_none
from harness.sut.environments import APART, ENVIRONMENTS
from harness.sut.files import make_folders, plain, read, read_if_there, unlike, write
from harness.sut.interpreters import builds_of, installed, require_linux
from harness.sut.link import COMMAND_S, Link
from harness.sut.local_link import LocalLink
from harness.sut.session import AgentSession, OnExchange, OnRecord

REMOVE_S = 20.0
"""What `agent.py remove` may take: it gives an agent 10 s to end itself and its load, and kills them then."""
MAX_ARTIFACT = 256 << 20
VERSION = re.compile(r"\d{1,3}\.\d{1,3}")
FACTS: dict[str, tuple[Any, str]] = {
    **dict.fromkeys(("hostname", "os", "kernel", "machine", "cpu", "python"), (str, "a text")),
    **dict.fromkeys(("memory_kib", "disk_free_bytes", "sut_ns", "sut_wall_ns"), (int, "a whole number above 0")),
    "cpu_count": (int, "a whole number above 0"),
    "gpus": (list[dict[str, Any]], "a list of objects"),
    **dict.fromkeys(("software_meters", "software_meter_problems"), (list[str], "a list of texts")),
    "psutil": (str | None, "a text or null"),
    "boot_id": (str | None, "a text or null"),
}
"""What the agent says of a SUT and others count with: type, and the type in words."""

RUN_WHAT_IS_SENT = (
    "import base64, json, sys, zlib; told = json.loads(zlib.decompress(base64.b64decode(sys.argv[1]))); "
    'sys.argv[1:] = told["arguments"]; exec(compile(told["source"], "sent", "exec"), {"__name__": "__main__"})'
)
"""One line of plain characters for any login shell: csh takes no newline and no exclamation mark, quoted or not."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """Artifacts by their names, and of those that could not be taken what is wrong with them."""

    files: dict[str, bytes]
    problems: dict[str, str]


@dataclass(frozen=True, slots=True)
class Survey:
    """What the agent says of its machine, and this host's wall clock when it was asked and had answered."""

    asked_ns: int
    answered_ns: int
    facts: Json
    answer: Json
    """`state` and `runs`, as they came."""


class Sut:
    """One SUT over one SSH connection, reopened when it was lost, or this machine itself. Made by `Sut.connect`."""

    def __init__(self, config: SutSection) -> None:
        self.config = config
        self.link: Link | LocalLink = LocalLink() if config.is_local else Link(config)
        self._agent_path: str | None = None
        self._sessions: dict[str, AgentSession] = {}

    @classmethod
    def connect(cls, config: SutSection) -> Self:
        """An open connection. Raises what `Link.connect` raises."""
        sut = cls(config)
        sut.link.connect()
        return sut

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self.link.close()

    def reopen(self, timeout_s: float) -> None:
        """Replace the connection by a new one. Raises what `connect` raises."""
        self.link.reopen(timeout_s)

    @property
    def name(self) -> str:
        """user@host:port, as errors call it."""
        return self.link.name

    @property
    def root(self) -> str:
        """wattlab's folder on the SUT, absolute."""
        return self.link.absolute(self.config.folder)

    @property
    def python(self) -> str:
        """The SUT's interpreter: absolute, or a bare name for the PATH there."""
        return self._placed(self.config.interpreter)

    def python_of(self, environment: str) -> str:
        """The interpreter of an environment (`harness.sut.environments`): the one that lab.toml names, or the one that
        `prepare` makes; of the main one the SUT's."""
        if environment not in APART:
            return self.python
        named = self.config.pythons.get(environment)
        return self._placed(named) if named else f"{self.root}/{ENVIRONMENTS[environment].folder}/bin/python"

    def _placed(self, python: str) -> str:
        return self.link.absolute(python) if "/" in python else python

    @property
    def own_python(self) -> str:
        """The interpreter that `prepare` makes, absolute."""
        return f"{self.root}/venv/bin/python"

    @property
    def data_folder(self) -> str:
        """Where data sets and weights are kept on the SUT, absolute."""
        return f"{self.root}/data"

    # --- what it is ---

    def facts(self, python: str | None = None) -> Json:
        """What the SUT is: the start document's `sut` (fields in docs/run-folder.md and in `harness.sut.agent.facts`);
        `python` in place of the configured interpreter.

        Raises:
            SutRefused: no interpreter, one older than Python 3.8, or one that does not say what the agent says.
        """
        return self._facts_of(self._ask_agent("facts", "--folder", self.root, python=python))

    def survey(self) -> Survey:
        """What it says of its own state, judged by nobody; takes 2 s.

        Raises:
            SutRefused: as `facts`.
        """
        self._deployed()
        asked_ns = time.time_ns()
        answer = self._ask_agent("survey", "--folder", self.root, "--root", f"{self.root}/runs")
        facts = self._facts_of(answer.get("facts"))
        return Survey(asked_ns, time.time_ns(), facts, answer)

    def _facts_of(self, answer: object) -> Json:
        facts = tame(answer, "", [])
        for key, (hint, what) in FACTS.items():
            value = facts.get(key) if isinstance(facts, dict) else None
            if not matches(value, hint) or (isinstance(value, int) and value <= 0):
                raise SutRefused(
                    f"{self.name}: the agent says {key} is {shown(value)}, expected {what}; is {self.python} a Python?"
                )
        return dict(facts) | self.link.reached

    def prepared(self, part: str) -> Json | None:
        """The record that `prepare.py` left of the data set or the weights; None where there is none to read."""
        with self.link.guarded(f"looking into {self.data_folder}"), self.link.sftp() as sftp:
            content = read_if_there(sftp, f"{self.data_folder}/{part}.json")
            record = None if content is None else json_or_none(content)
            name = record.get("folder", record.get("file")) if isinstance(record, dict) else None
            if not isinstance(record, dict) or not isinstance(name, str) or not is_plain_name(name):
                return None
            try:
                sftp.stat(f"{self.data_folder}/{name}")
            except FileNotFoundError:
                return None
        return record

    def lacking(self, distributions: Sequence[str], python: str | None = None) -> list[str]:
        """Those of some Python distributions that the configured interpreter, or `python`, does not have; NAME is there
        where a build of it is (`builds_of`)."""
        found = self.installed(python)
        return [name for name in distributions if found.keys().isdisjoint(builds_of(name))]

    def installed(self, python: str | None = None) -> dict[str, str]:
        """Distribution -> version, of the configured interpreter or of `python`. Raises SutRefused."""
        return installed(self.link, python or self.python)

    def exists(self, path: str) -> bool:
        """Whether a file is there; a bare name is looked for nowhere."""
        if "/" not in path:
            return True
        with self.link.guarded(f"looking for {path}"), self.link.sftp() as sftp:
            try:
                sftp.stat(path)
            except FileNotFoundError:
                return False
        return True

    # --- runs ---

    def stage(self, run_uid: str, files: Mapping[str, bytes]) -> str:
        """Make a fresh work folder with `files` in it (plain names); returns its path. Ends what an earlier run left.

        Raises:
            SutRefused: another wattlab is measuring on this SUT. SutError: the folder exists, or the disk refuses.
        """
        swept = self._ask_agent("sweep", "--root", f"{self.root}/runs")
        if not matches(swept.get("busy"), list[dict[str, Any]]):
            raise SutError(f"{self.name}: agent sweep answered {shown(swept)}, expected the runs it found")
        if swept["busy"]:
            raise SutRefused(
                f"{self.name}: run {swept['busy'][0].get('name')} is being measured there by another wattlab; "
                "wait for its end"
            )
        work = self.work_folder(run_uid)
        with self.link.guarded(f"making {work}"), self.link.sftp() as sftp:
            make_folders(sftp, f"{self.root}/runs")
            for folder in (self._run_folder(run_uid), work):
                sftp.mkdir(folder, 0o700)
            for name, content in files.items():
                write(sftp, f"{work}/{plain(name)}", content)
        return work

    def start_agent(
        self,
        run_uid: str,
        *,
        period_s: float,
        reconnect_s: float,
        on_record: OnRecord,
        on_exchange: OnExchange,
    ) -> AgentSession:
        """Start this run's agent and follow it: every journal record to `on_record`, every heartbeat to
        `on_exchange`, both called from one thread. `period_s` from 0.01 to 60."""
        folder = f"{self._run_folder(run_uid)}/agent"
        options = ["--folder", folder, "--period", repr(period_s), "--reconnect", repr(reconnect_s)]
        options += ["--host-pid", str(os.getpid())] if self.config.is_local else []
        self._agent("serve", *options)
        session = AgentSession(self, folder, reconnect_s, on_record, on_exchange)
        self._sessions[self._run_folder(run_uid)] = session
        return session

    def fetch(self, work: str, names: Sequence[str]) -> Fetched:
        """The named artifacts (plain names) that the run left, and why others were not taken: what is there must be a
        regular file of at most 256 MiB, reached through no link.

        Raises:
            SutError: a name that leaves the folder.
        """
        fetched = Fetched({}, {})
        with self.link.guarded(f"fetching from {work}"), self.link.sftp() as sftp:
            paths = {name: f"{work}/artifacts/{plain(name)}" for name in names}
            if (problem := unlike(sftp, f"{work}/artifacts", stat.S_ISDIR, "folder")) is not None:
                return Fetched({}, dict.fromkeys(names, f"artifacts {problem}"))
            for name, path in paths.items():
                problem = unlike(sftp, path, stat.S_ISREG, "regular file")
                content = b"" if problem else read(sftp, path, MAX_ARTIFACT + 1)
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
        code, output, errors = self.link.run([self.python, f"{work}/load.py", "detached", repr(seconds)])
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

    def _run_folder(self, run_uid: str) -> str:
        return f"{self.root}/runs/{plain(run_uid)}"

    # --- asking ---

    def ask_program(self, python: str, source: str, *arguments: str) -> Json:
        """The JSON object that a program prints last; it is sent along, and nothing of it stays on the SUT.

        Raises:
            SutError: it does not run there, or prints something else. SutUnreachable: the link was lost.
        """
        program = json.dumps({"source": source, "arguments": arguments}).encode()
        sent = base64.b64encode(zlib.compress(program)).decode()
        code, output, errors = self.link.run([python, "-c", RUN_WHAT_IS_SENT, sent])
        if code != 0:
            words = (errors.strip() or output.strip() or f"exit code {code}").splitlines()[-1]
            raise SutError(f"{self.name}: {python} does not run there ({words:.300})")
        return self._last_object(output, python)

    def attach(self, folder: str) -> Channel:
        """A channel to the agent that serves `folder`."""
        # -S: the relay needs no package, and is there sooner without looking for any.
        return self.link.open_channel([self.python, "-I", "-S", self._deployed(), "attach", "--folder", folder])

    def _agent(self, *arguments: str, python: str | None = None, limit_s: float = COMMAND_S) -> str:
        """The standard output of one of the agent's commands."""
        path = self._deployed(python)
        code, output, errors = self.link.run([python or self.python, "-I", path, *arguments], limit_s)
        if code != 0:
            raise SutError(
                f"{self.name}: agent {arguments[0]} failed ({code}): {errors.strip() or output.strip():.500}"
            )
        return output

    def _ask_agent(self, *arguments: str, python: str | None = None, limit_s: float = COMMAND_S) -> Json:
        """The JSON object that one of the agent's commands prints last (a login's start-up file may print before)."""
        return self._last_object(self._agent(*arguments, python=python, limit_s=limit_s), f"agent {arguments[0]}")

    def _last_object(self, output: str, asked: str) -> Json:
        answer = json_or_none((output.splitlines() or [""])[-1].encode())
        if not isinstance(answer, dict):
            raise SutError(f"{self.name}: {asked} answered {output[-200:]!r}, expected a JSON object")
        return answer

    def _deployed(self, python: str | None = None) -> str:
        """The agent's path on the SUT, put there under its sha256 unless the same bytes are there already."""
        if self._agent_path is None:
            self.require_python(python or self.python)
            source = agent_source()
            path = f"{self.root}/agents/agent-{hashlib.sha256(source).hexdigest()}.py"
            with self.link.guarded("copying the agent"), self.link.sftp() as sftp:
                make_folders(sftp, f"{self.root}/agents")
                if read_if_there(sftp, path) != source:
                    write(sftp, path, source)
            self._agent_path = path
        return self._agent_path

    def require_python(self, python: str) -> None:
        """Refuse an interpreter that does not run there, or is too old, and a machine that is no Linux.

        Raises:
            SutRefused: with what it said and what to do.
        """
        require_linux(self.link)
        # Understood by Python 2 as well.
        code, output, errors = self.link.run([python, "-c", "import sys; print('python %d.%d' % sys.version_info[:2])"])
        words = output.split()[-2:]
        if code != 0 or len(words) != 2 or words[0] != "python" or not VERSION.fullmatch(words[1]):
            answer = errors.strip() or output.strip() or f"it says nothing, exit code {code}"
            own = f"{self.config.folder}/venv/bin/python"
            remedy = "" if python == self.own_python else f"correct {self.config.table}.python, or set it to {own}: "
            raise SutRefused(
                f"{self.name}: {python} does not run there ({answer:.200}); {remedy}`wattlab sut prepare` makes it"
            )
        version = tuple(int(part) for part in words[1].split("."))
        if version < OLDEST_PYTHON:
            raise SutRefused(
                f"{self.name}: {python} is Python {words[1]}, the agent needs 3.8 or newer; "
                f"install one there and name it in {self.config.table}.python"
            )
