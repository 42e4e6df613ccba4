"""The SUT is this machine: its commands are processes, its files are files; no SSH.

Has what `harness.sut.link.Link` has, so that nobody above knows which of them there is. A terminal's Ctrl-C is for
wattlab, which ends what it started: every process has a session of its own.
"""

import contextlib
import os
import select
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, ClassVar

from harness.record.errors import SutError, printable, printable_lines
from harness.sut.channel import MAX_LINE
from harness.sut.files import MAX_ANSWER
from harness.sut.link import COMMAND_S, in_words

NAME = "this machine"
END_S = 2.0
"""A process whose pipes were closed ends within this, or is killed."""


class LocalFiles:
    """This machine's files, as SFTP has them (`harness.sut.files.Files`)."""

    def stat(self, path: str, /) -> os.stat_result:
        """Of what the path names, through links."""
        return Path(path).stat()

    def lstat(self, path: str, /) -> os.stat_result:
        """Of the path itself."""
        return Path(path).lstat()

    def mkdir(self, path: str, mode: int = 0o777, /) -> None:
        """Make one folder."""
        Path(path).mkdir(mode)

    def putfo(self, file: IO[bytes], path: str, /) -> None:
        """Write a file's content."""
        with Path(path).open("wb") as written:
            shutil.copyfileobj(file, written)

    def posix_rename(self, old: str, new: str, /) -> None:
        """Give a file another name, in place of what has that."""
        Path(old).replace(new)

    def open(self, path: str, mode: str = "rb", /) -> IO[bytes]:
        """Open a file."""
        return open(path, mode)  # noqa: PTH123  as paramiko's method


class LocalChannel:
    """A process with pipes, as a channel (`harness.sut.channel.Channel`)."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._process = _started(argv, stdin=subprocess.PIPE)
        self._timeout_s: float | None = None

    @property
    def status_event(self) -> "LocalChannel":
        """Itself: it can be waited for."""
        return self

    def wait(self, timeout: float | None = None, /) -> bool:
        """Whether the process has ended within so long (s)."""
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        return True

    def settimeout(self, timeout: float | None, /) -> None:
        """How long `recv` waits (s)."""
        self._timeout_s = timeout

    def sendall(self, data: bytes, /) -> None:
        """Write to its standard input."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
        except ValueError as error:  # closed here
            raise EOFError("the channel is closed") from error

    def recv(self, size: int, /) -> bytes:
        """What it wrote to standard output; nothing at its end."""
        return self._received(self._process.stdout, size, self._timeout_s)

    def recv_stderr(self, size: int, /) -> bytes:
        """What it wrote to standard error so far."""
        try:
            return self._received(self._process.stderr, size, 0.0)
        except TimeoutError:
            return b""

    def close(self) -> None:
        """Close its pipes, and see that it ends."""
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        if not self.wait(END_S):
            self._process.kill()
            self._process.wait()

    def _received(self, pipe: IO[bytes] | None, size: int, timeout_s: float | None) -> bytes:
        if pipe is None or pipe.closed:
            raise EOFError("the channel is closed")
        if not select.select([pipe], [], [], timeout_s)[0]:
            raise TimeoutError
        return os.read(pipe.fileno(), size)


class LocalLink:
    """This machine in place of a connection."""

    name = NAME
    reached: ClassVar[dict[str, str]] = {}
    """Nothing: there is no way to it."""

    def connect(self) -> None:
        """Nothing: it is there."""

    def close(self) -> None:
        """Nothing: it stays."""

    def reopen(self, timeout_s: float) -> None:
        """Nothing: it was not lost."""

    def absolute(self, path: str) -> str:
        """A path of this machine; a relative one begins at the home folder."""
        return str(Path.home() / path.removeprefix("~/"))

    def open_channel(self, argv: Sequence[str]) -> LocalChannel:
        """A process that runs a command. Raises OSError."""
        return LocalChannel(argv)

    def forward(self, port: int) -> None:
        """None: its ports are this machine's own."""

    def run(self, argv: Sequence[str], limit_s: float = COMMAND_S) -> tuple[int, str, str]:
        """(exit code, standard output, standard error) of a command; the texts are printable.

        Raises:
            SutError: it did not end within `limit_s`, or said more than 8 MiB.
        """
        try:
            process = _started(argv)
        except OSError as error:
            return 127, "", f"{argv[0]}: {error.strerror}"  # as a login's shell says it
        try:
            output, errors = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            raise SutError(f"{argv[0]} on the SUT did not end within {limit_s:g} s") from None
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
        if len(output) + len(errors) > MAX_ANSWER:
            raise SutError(f"{argv[0]} on the SUT said more than {MAX_ANSWER} bytes")
        texts = (printable_lines(content.decode(errors="replace")) for content in (output, errors))
        return process.returncode, next(texts), next(texts)

    def stream(self, argv: Sequence[str], progress: Callable[[str], None]) -> None:
        """Run a command that may take long, its output line by line, printable, to `progress`."""
        last = ""
        with self.guarded(f"running {argv[0]}"), _started(argv, stderr=subprocess.STDOUT) as process:
            assert process.stdout is not None
            try:
                while line := process.stdout.readline(MAX_LINE):
                    text = printable(line.decode(errors="replace").rstrip())
                    last = text or last
                    progress(text)
            except BaseException:
                process.kill()
                raise
            code = process.wait()
        if code != 0:
            raise SutError(f"{self.name}: {shlex.join(argv)} ended with exit code {code}: {last:.300}")

    @contextlib.contextmanager
    def sftp(self) -> Iterator[LocalFiles]:
        """The SUT's files."""
        yield LocalFiles()

    def guarded(self, doing: str) -> contextlib.AbstractContextManager[None]:
        """Errors of this machine's disk and processes, in the words of the lab."""
        return in_words(self.name, doing)


def _started(
    argv: Sequence[str], *, stdin: int = subprocess.DEVNULL, stderr: int = subprocess.PIPE
) -> "subprocess.Popen[bytes]":
    """A process with a session of its own."""
    return subprocess.Popen(
        list(argv), bufsize=0, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, cwd=Path.home(),
        start_new_session=True,
    )  # fmt: skip
