"""Source files of other labs, read whole: verbatim bytes and digest, gzip unpacked, text in the usual encodings.

Knows files, gzip, encodings, and how texts begin that people take for a power log. Knows no format that is read and no
run folder.
"""

import codecs
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, Protocol

from harness.foreign.importers.spool import Spool
from harness.record.errors import ImportFileError

MAX_BYTES = 2**30
"""A source that is larger unpacked is none."""
GZIP = b"\x1f\x8b"
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
TEGRASTATS = re.compile(r"\bRAM \d+/\d+MB .*\bCPU \[")
POWERMETRICS = "*** Sampled system activity"
DMON = re.compile(r"^#\s*(?:Date\s+)?(?:Time\s+)?gpu\s.*\bpwr\b", re.MULTILINE)
LFS = "version https://git-lfs"
PROMETHEUS = re.compile(r"^# TYPE \w+ (?:counter|gauge|untyped|summary|histogram)\s*$", re.MULTILINE)
JSON = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*\{\s*[\"}])")
FOREIGN_WITHIN = 4096
"""A form that is not read shows itself in so many characters."""


@dataclass(frozen=True)
class SourceFile:
    """A source file: its verbatim bytes, and its text with gzip unpacked (bytes, BOM of UTF-8 removed).

    `cut`: its gzip stream has no end, what is there was taken.
    """

    path: Path
    verbatim: bytes = field(repr=False)
    content: bytes = field(repr=False)
    cut: bool = False

    @cached_property
    def sha256(self) -> str:
        """Digest of the verbatim bytes."""
        return hashlib.sha256(self.verbatim).hexdigest()

    def write_to(self, file: IO[bytes]) -> None:
        """Write its verbatim bytes."""
        file.write(self.verbatim)

    def released(self, spool: Spool) -> "ReleasedFile":
        """The same file, its bytes put aside."""
        return ReleasedFile(self.path, self.sha256, spool.put(self.verbatim))


@dataclass(frozen=True, slots=True)
class ReleasedFile:
    """A source file that was parsed and is kept to be attached."""

    path: Path
    sha256: str
    content: Callable[[], bytes] = field(repr=False)

    @property
    def verbatim(self) -> bytes:
        """Its bytes as they were read."""
        return self.content()

    def write_to(self, file: IO[bytes]) -> None:
        """Write its verbatim bytes."""
        file.write(self.verbatim)


class Source(Protocol):
    """What a campaign attaches of a source file."""

    @property
    def path(self) -> Path:
        """Where it lay."""
        ...

    @property
    def sha256(self) -> str:
        """Digest of its verbatim bytes."""
        ...

    def write_to(self, file: IO[bytes]) -> None:
        """Write its verbatim bytes."""
        ...


def foreign_form(text: str) -> str | None:
    """What a text is that people take for a power log and that no importer reads, and what to do; None of others."""
    head = text[:FOREIGN_WITHIN]
    if ":::MLLOG" in head:
        return (
            "a power log of MLPerf Training (:::MLLOG lines); `wattlab import mlperf-training FOLDER` reads it beside "
            "the result log of its training"
        )
    if TEGRASTATS.search(head):
        return (
            "the text of tegrastats, which has no columns; write a CSV of the time and the power of VDD_IN (mW; on "
            "boards without it of POM_5V_IN) of each line and import that by power-csv, as docs/importing.md shows"
        )
    if POWERMETRICS in head:
        return (
            "the text of powermetrics, which has no columns; write a CSV of the time and the power (mW) of each sample "
            "and import that by power-csv, as docs/importing.md shows"
        )
    if DMON.search(head):
        return (
            "the table of nvidia-smi dmon, whose powers are whole watts and which may have no times; log with "
            "nvidia-smi --query-gpu=timestamp,index,uuid,power.draw --format=csv -l 1"
        )
    if head.startswith(LFS):
        return "a pointer of Git LFS in place of the file; fetch the file itself (git lfs pull)"
    if PROMETHEUS.search(head):
        return (
            "what an exporter tells Prometheus at one moment; let Prometheus record it, and export the series as a CSV "
            "of times and values"
        )
    if JSON.match(head):
        return "JSON, which has no columns; write a CSV of the times and the powers in it"
    if "| NVIDIA-SMI" in head:
        return (
            "the table that nvidia-smi shows to people, which has no time of each reading; log with nvidia-smi "
            "--query-gpu=timestamp,index,uuid,power.draw --format=csv -l 1"
        )
    return None


def decoded(content: bytes) -> str:
    """The text of a source, as loggers and editors write it: UTF-8, UTF-16 with a byte order mark (PowerShell), else
    Windows-1252. What is none of its characters becomes U+FFFD."""
    if content.startswith(UTF_16):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def lines_of(source: SourceFile) -> list[str]:
    """Every line of a source, without its end; what follows the last newline is the last of them."""
    text = decoded(source.content)
    lines = text.split("\n")
    return [line.rstrip("\r") for line in lines] if "\r" in text else lines


def read_source(path: Path, *, partial: bool = False) -> SourceFile:
    """A source file, whole; gzip is unpacked. `partial`: of a gzip stream without an end, what is there.

    Raises:
        ImportFileError: it cannot be read, is empty or too large, or its gzip stream is cut off (the message names the
            line).
    """
    try:
        if path.is_char_device() or path.is_block_device():
            raise ImportFileError(f"{path}: a device, which has no end; name a file that is there")
        verbatim = path.read_bytes()
    except OSError as error:
        raise ImportFileError(f"{path}: cannot read ({error.strerror}); name a file that is there") from None
    packed = path.suffix == ".gz" or verbatim.startswith(GZIP)
    content, cut = _unpacked(path, verbatim, partial=partial) if packed else (verbatim, False)
    content = content.removeprefix(codecs.BOM_UTF8)
    if not content.strip():
        raise ImportFileError(f"{path}:1: the file is empty; export it again")
    return SourceFile(path, verbatim, content, cut)


def _unpacked(path: Path, verbatim: bytes, *, partial: bool) -> tuple[bytes, bool]:
    """What a gzip file holds, and whether its end is missing."""
    cut = False
    try:
        with gzip.open(io.BytesIO(verbatim)) as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        content, cut = _salvaged(verbatim), True
        if not (partial and isinstance(error, EOFError) and content):
            lines = content.count(b"\n")
            raise ImportFileError(
                f"{path}:{lines + 1}: the gzip stream is cut off or damaged here ({error}); copy the file again"
            ) from None
    if len(content) > MAX_BYTES:
        raise ImportFileError(f"{path}: more than {MAX_BYTES // 2**20} MiB unpacked; no measurement's file is as large")
    return content, cut


def _salvaged(verbatim: bytes) -> bytes:
    """What can be had of a gzip file whose end is missing or damaged, stream by stream."""
    parts, rest = b"", verbatim
    while rest and len(parts) <= MAX_BYTES:
        stream = zlib.decompressobj(wbits=31)
        try:
            parts += stream.decompress(rest, MAX_BYTES)
        except zlib.error:
            break
        rest = stream.unused_data
    return parts
