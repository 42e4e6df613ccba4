"""The clients of the agent's socket: who is connected, which of them is the host, what the host still lacks.

Knows the connections and the journal's offset that the host reached. Does not know what a request asks.
"""

from __future__ import annotations

from harness.sut.agent.connection import Connection, listen
from harness.sut.agent.journal import SEND_AHEAD, Journal


class Clients:
    """Everybody who is connected to agent.sock in the working directory."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.listener = listen()
        self.host: Connection | None = None
        self.readers: dict[int, Connection] = {}
        """By the files that their words come through: a socket, and the wire that was passed through it."""
        self.writers: list[int] = []
        """The files that did not take all that is to be written to them."""
        self._connections: list[Connection] = []

    def accept(self) -> None:
        """Let in who waits at the listener."""
        try:
            connection = Connection(self.listener.accept()[0])
        except OSError:
            return  # whoever asked is gone again
        self._connections.append(connection)
        self.readers[connection.sock.fileno()] = connection

    def receive(self, file: int) -> tuple[Connection, list[bytes]] | None:
        """Who wrote to one of `readers`, and the lines; null when nobody is there (any more)."""
        connection = self.readers.get(file)
        if connection is None:
            return None
        lines = connection.receive(file)
        if lines is None:
            self.drop(connection)
            return None
        if connection.passed:
            self.readers[connection.passed[0]] = connection
        return connection, lines

    def adopt(self, connection: Connection) -> None:
        """This client is the host from now on, and none before it."""
        if self.host is not None and self.host is not connection:
            self.drop(self.host)
        self.host = connection

    def drop(self, connection: Connection) -> None:
        """Let go of a client."""
        self._connections.remove(connection)
        self.readers = {file: other for file, other in self.readers.items() if other is not connection}
        if connection is self.host:
            self.host = None
        connection.close()

    def tell(self, fault: str) -> None:
        """Say to the host that the journal cannot be written any more."""
        if self.host is not None:
            self.host.send({"fault": fault})

    def send(self) -> None:
        """What is due of the journal to the host, and to everybody what waits for them."""
        host = self.host
        # Samples and markers wait for the answer to the next heartbeat: one packet a second, also at 10 ms.
        if host is not None and host.offset is not None and (self._journal.urgent or self._is_far_behind(host.offset)):
            self._queue_journal(host, host.offset)
        self.writers = []
        for connection in list(self._connections):
            if connection.outgoing:
                self._flush(connection)

    def flush(self) -> None:
        """What the links take of the last words."""
        for connection in self._connections:
            connection.flush()

    def _flush(self, connection: Connection) -> None:
        if not connection.flush():
            self.drop(connection)
        elif connection.outgoing:
            self.writers.append(connection.writer)

    def _is_far_behind(self, offset: int) -> bool:
        return self._journal.size - offset > SEND_AHEAD // 2

    def _queue_journal(self, host: Connection, offset: int) -> None:
        while offset < self._journal.size and len(host.outgoing) < SEND_AHEAD:
            for line in self._journal.read(offset).splitlines(True):
                offset += len(line)
                host.outgoing += b'{"at":%d,"journal":%s}\n' % (offset, line[:-1])
        host.offset = offset
        self._journal.urgent = offset < self._journal.size
