"""What was read or made and is written later: bytes put aside on disk, so that of many files one lies in memory.

Knows a file without a name that is gone when the process is. Knows nothing of what is put there.
"""

import tempfile
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Self

from harness.record.errors import ImportFileError, why


class Spool:
    """Bytes put aside until the spool is closed.

    Raises:
        ImportFileError: the folder for temporary files cannot take them.
    """

    def __init__(self) -> None:
        try:
            self._file = tempfile.TemporaryFile(prefix="wattlab-import-")  # noqa: SIM115  __exit__ closes it
        except OSError as error:
            raise _refused(error) from error
        self._size = 0

    def put(self, content: bytes) -> Callable[[], bytes]:
        """Put bytes aside; what gives them back."""
        begin = self._size
        try:
            self._file.seek(begin)
            self._file.write(content)
        except OSError as error:
            raise _refused(error) from error
        self._size += len(content)
        return partial(self._get, begin, len(content))

    def _get(self, begin: int, length: int) -> bytes:
        try:
            self._file.seek(begin)
            return self._file.read(length)
        except OSError as error:
            raise _refused(error) from error

    def __enter__(self) -> Self:
        """The spool itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file, which removes it."""
        self._file.close()


def _refused(error: OSError) -> ImportFileError:
    return ImportFileError(
        f"{tempfile.gettempdir()}: what is imported cannot be put aside there ({why(error)}); name another folder in "
        "TMPDIR"
    )
