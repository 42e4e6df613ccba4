"""One session of PTDaemon, read: its samples' logs, console log, server.json and client.json, and what they share.

Knows which rows are one measurement, what is told of it where, and whether files are those whose SHA-1 is stated. Knows
no run.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from pathlib import Path

from harness.foreign.importers.grouping import Place
from harness.foreign.importers.ptd.conversation import Client, Conversation, read_client, read_server
from harness.foreign.importers.ptd.files import CLIENT, SERVER, SessionFiles, analysers_of, console_of, context
from harness.foreign.importers.ptd.instrument import Instrument, parse_identify
from harness.foreign.importers.ptd.log import Log
from harness.foreign.importers.ptd.measurement import Go
from harness.foreign.importers.ptd.reader import read_log, read_logs
from harness.foreign.importers.ptd.samples import Row
from harness.foreign.importers.source import SourceFile, read_source
from harness.record.errors import ImportFileError

BESIDE = ("server.log", "client.log")
"""Files of a session that are kept with it and not read."""


@dataclass
class Session:
    """What belongs together: row files, the console log, server.json and client.json of one root folder, and what it is
    in the study; of several analysers, what is of one of them."""

    root: Path
    place: Place
    rows: list[Log] = field(default_factory=list)
    console: Log | None = None
    server: Conversation | None = None
    client: Client | None = None
    beside: list[SourceFile] = field(default_factory=list)
    analyser: int = 1
    analysers: int = 1

    @property
    def meter(self) -> str:
        """The name of its analyser: numbered where there are several."""
        return "ptd" if self.analysers == 1 else f"ptd-{self.analyser}"

    @property
    def circuit(self) -> str:
        """What its analyser measures; one circuit each where there are several."""
        inlet = "sut-dc-inlet" if self.server is not None and self.server.direct_current else "sut-ac-inlet"
        return inlet if self.analysers == 1 else f"{inlet}-{self.analyser}"

    @property
    def logs(self) -> list[Log]:
        """Row files and console log, each once."""
        return self.rows + ([self.console] if self.console is not None and self.console not in self.rows else [])

    @property
    def files(self) -> list[SourceFile]:
        """Every source of the session."""
        documents = [document.source for document in (self.server, self.client) if document is not None]
        return [log.source for log in self.logs] + documents + self.beside

    def changed(self, more: Sequence[SourceFile] = ()) -> list[str]:
        """A sentence for every file that is not the one whose SHA-1 server.json or client.json states."""
        documents = [document for document in (self.server, self.client) if document is not None]
        stated = {
            name: (digest, document.source.path.name)
            for document in documents
            for name, digest in document.hashes.items()
        }
        sentences = []
        for source in [*self.files, *more]:
            name, digest = _digest_of(source, self.root)
            wanted, where = stated.get(name, (digest, ""))
            if digest != wanted:
                sentences.append(f"{name} is not the file whose SHA-1 {where} states; it was changed afterwards")
        return sentences

    @cached_property
    def is_console_whole(self) -> bool:
        """Whether the console log is the file whose SHA-1 server.json states."""
        if self.console is None or self.server is None:
            return False
        name, digest = _digest_of(self.console.source, self.root)
        return self.server.hashes.get(name) == digest

    @property
    def zones_s(self) -> list[int]:
        """The zones that the session's machines state."""
        documents = [document for document in (self.server, self.client) if document is not None]
        return [document.zone_s for document in documents if document.zone_s is not None]


def _digest_of(source: SourceFile, root: Path) -> tuple[str, str]:
    """Name and SHA-1 of a file as server.json has them: of the unpacked file."""
    name = source.path.relative_to(root).as_posix()
    content = source.content if name.endswith(".gz") else source.verbatim
    return name.removesuffix(".gz"), hashlib.sha1(content, usedforsecurity=False).hexdigest()


def read_sessions(files: SessionFiles, place: Place) -> list[Session]:
    """A session, read: one record for each analyser, in their order. A log by itself has nothing beside it; it may be a
    console log."""
    if files.unit.is_file():
        logs = read_logs(read_source(files.unit))
        return [Session(files.root, place, [log], log, analyser=log.analyser, analysers=len(logs)) for log in logs]
    rows: dict[int, list[Log]] = {}
    beside = [read_source(file) for name in BESIDE if (file := context(files.root, name))]
    consoles: dict[Path, Log] = {}
    for file in files.rows:
        paths = analysers_of(file)
        beside += [] if file in paths.values() else [read_source(file)]
        for analyser, path in paths.items():
            for log in read_logs(read_source(path)):
                log.analyser = max(analyser, log.analyser)
                rows.setdefault(log.analyser, []).append(log)
                consoles[path] = log
    server, client = context(files.root, SERVER), context(files.root, CLIENT)
    sessions = []
    for analyser, logs in sorted(rows.items()):
        console = console_of(files.root, analyser)
        conversation = None if server is None else read_server(read_source(server))
        if conversation is not None and len(rows) > 1:  # its messages are those of all analysers, one after the other
            conversation = replace(conversation, identify=None, goes=[])
        sessions.append(
            Session(
                files.root, place, logs,
                None if console is None else consoles.get(console) or read_log(read_source(console)),
                conversation, None if client is None else read_client(read_source(client)), beside, analyser, len(rows),
            )
        )  # fmt: skip
    return sessions


def sections_of(session: Session) -> list[tuple[Log, list[Row]]]:
    """The rows of every measurement, with the log they stand in, in order of time: of the row files, else of the
    console log, else of its replies to `RL`."""
    marks = {row.mark for log in session.rows for row in log.rows}
    sections = []
    for log in session.logs:
        for _, group in groupby(log.rows, key=lambda row: row.mark):
            rows = list(group)
            if log in session.rows or rows[0].mark not in marks:
                sections.append((log, rows))
    marks |= {rows[0].mark for _, rows in sections}
    if session.console is not None and "" not in marks:
        replies = [go.reply for go in session.console.goes if go.reply and go.mark not in marks]
        sections += [(session.console, reply) for reply in replies]
    return sorted(sections, key=lambda section: section[1][0].time_ns)


def goes_of(session: Session, mark: str, nth: int, total: int) -> list[Go]:
    """What console log and server.json tell of the nth measurement with this mark; nothing where they count others."""
    nths = []
    for goes in (session.console.goes if session.console else [], session.server.goes if session.server else []):
        same = [go for go in goes if go.mark == mark]
        if len(same) == total:
            nths.append(same[nth])
    return nths


def instrument_of(session: Session) -> Instrument:
    """Identity, version and calibration date from the Identify line; empty where no log has one."""
    lines = [log.identify for log in session.logs if log.identify]
    lines += [session.server.identify] if session.server and session.server.identify else []
    if len(set(lines)) > 1:
        raise ImportFileError(
            f"{session.root}: two Identify lines differ: {lines[0]!r} and {lines[-1]!r}; one session a folder"
        )
    names = ("maker", "model", "serial", "firmware")
    if not lines:
        return Instrument(dict.fromkeys(names, "") | {"driver": "ptdaemon"}, {}, None, False, False)
    return parse_identify(lines[0], str(session.root))
