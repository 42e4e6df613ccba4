"""Stamps actions: one JSON line per edge into the pipe or file named in WATTLAB_MARKERS; without it, nothing.

Knows the marker line and the two clocks of the machine it runs on. Does not know Keras, the harness or who reads.
Standard library only, in the syntax of Python 3.6 and running from 3.7 on (nanosecond clocks), because it is copied
beside any program that wants to mark.

A line is written by one write() of less than 4096 bytes (PIPE_BUF), so lines of several processes never mix.
"""

import functools
import json
import math
import os
import time
from contextlib import contextmanager
from typing import Any, Dict, Iterator, Optional  # Python 3.6

PIPE_BUF = 4096

_counts = {}  # type: Dict[str, int]


class MarkerError(RuntimeError):
    """A marker could not be written; the measurement would have a hole."""


@functools.lru_cache(maxsize=None)
def _open(path: str) -> int:
    try:
        # Without O_NONBLOCK a pipe that nobody reads would hold the program here for ever.
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o600)
    except OSError as error:
        message = "WATTLAB_MARKERS={}: cannot be opened ({}); a pipe needs its reader first"
        raise MarkerError(message.format(path, error.strerror)) from error
    os.set_blocking(descriptor, True)
    return descriptor


def _plain(value: "Any") -> "Any":  # noqa: ANN401  a metric is whatever a program has
    """What JSON has: floats it does not have (nan, infinities) become null, number types of other libraries become
    float, their arrays lists, anything else its text."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(part) for part in value]
    try:
        number = float(value)
    except (TypeError, ValueError):
        return _plain(value.tolist()) if hasattr(value, "tolist") else str(value)
    return number if math.isfinite(number) else None


def mark(action: str, index: int, edge: str, metrics: "Optional[Dict[str, Any]]" = None) -> None:
    """Write one edge ("begin" or "end") of an action; `metrics` are numbers or short strings, or lists of them.

    Raises:
        MarkerError: the pipe has no reader, or the line is too long to be written at once.
    """
    path = os.environ.get("WATTLAB_MARKERS")
    if not path:
        return
    stamps = {"sut_ns": time.monotonic_ns(), "sut_wall_ns": time.time_ns()}
    fields = {"action": action, "index": index, "edge": edge, "metrics": _plain(metrics or {})}
    line = (json.dumps({**fields, **stamps}) + "\n").encode()
    if len(line) >= PIPE_BUF:
        message = "marker {!r}: {} bytes, at most {} can be written at once; give it fewer metrics"
        raise MarkerError(message.format(action, len(line), PIPE_BUF - 1))
    try:
        os.write(_open(path), line)
    except OSError as error:
        raise MarkerError(f"WATTLAB_MARKERS={path}: {error.strerror}; its reader has gone") from error


@contextmanager
def action(name: str, index: "Optional[int]" = None) -> "Iterator[Dict[str, Any]]":
    """Mark the block as one action; what the block puts into the yielded dict becomes the end's metrics.

    `index` counts from 0 per name by itself. The end is marked also when the block raises.
    """
    number = _counts.get(name, 0) if index is None else index
    _counts[name] = number + 1
    metrics = {}  # type: Dict[str, Any]
    mark(name, number, "begin")
    try:
        yield metrics
    finally:
        mark(name, number, "end", metrics)


class EpochMarks:
    """Marks every epoch. Duck-typed: any training loop, or a callback of any library, calls the two methods."""

    def on_epoch_begin(self, epoch: int, logs: "Optional[Dict[str, Any]]" = None) -> None:
        """Mark the begin of an epoch, counted from 0."""
        mark("epoch", epoch, "begin")

    def on_epoch_end(self, epoch: int, logs: "Optional[Dict[str, Any]]" = None) -> None:
        """Mark its end, with its metrics (loss, accuracy, val_loss, val_accuracy, ...)."""
        mark("epoch", epoch, "end", logs)
