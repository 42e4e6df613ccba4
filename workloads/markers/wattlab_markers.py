"""Marks what a program does while wattlab measures it: its actions, its epochs, the useful work that it has done.

Without the environment variable WATTLAB_MARKERS, which names the pipe or file that the lines go to, all of it does
nothing. Knows the marker line (docs/markers.md) and the two clocks of the machine it runs on; of Keras, Lightning and
Transformers the events of a training, and imports each only where its callback is asked for; of scikit-learn that an
estimator has `partial_fit`. Knows not who reads.
Standard library only, from Python 3.7 on: this one file is both the package `wattlab-markers` and what wattlab lays
beside the program that it measures.

A line is written by one write() of less than 4096 bytes (PIPE_BUF), so lines of several processes never mix.
"""

import atexit
import functools
import json
import math
import os
import sys
import threading
import time
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, Mapping, Optional, SupportsFloat, Union

__all__ = [
    "MarkerError", "action", "epoch", "keras_callback", "lightning_callback", "mark", "sklearn_partial_fit",
    "transformers_callback", "work",
]  # fmt: skip

PIPE_BUF = 4096
HELD_S = 10.0
"""Work is written with the next edge of an action, or once it has been held so long: not every call writes a line."""
Amounts = Union[Mapping[str, SupportsFloat], Callable[..., Mapping[str, SupportsFloat]], None]
"""Unit -> how much, or what says so."""

_counts = {}  # type: Dict[str, int]
_done = {}  # type: Dict[str, float]
_written_s = [0.0]
_lock = threading.RLock()


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


def _write(path: str, fields: "Dict[str, Any]") -> None:
    """One line, with both clocks and the work done since the line before.

    Raises:
        MarkerError: the pipe has no reader, or the line is too long to be written at once.
    """
    with _lock:
        more = {"work": dict(_done)} if _done else {}
        stamps = {"sut_ns": time.monotonic_ns(), "sut_wall_ns": time.time_ns()}
        line = (json.dumps({**fields, **more, **stamps}) + "\n").encode()
        if len(line) >= PIPE_BUF:
            message = "marker {!r}: {} bytes, at most {} can be written at once; give it fewer metrics"
            raise MarkerError(message.format(fields.get("action", "work"), len(line), PIPE_BUF - 1))
        try:
            os.write(_open(path), line)
        except OSError as error:
            raise MarkerError(f"WATTLAB_MARKERS={path}: {error.strerror}; its reader has gone") from error
        _done.clear()
        _written_s[0] = time.monotonic()


def mark(action: str, index: int, edge: str, metrics: "Optional[Dict[str, Any]]" = None) -> None:
    """Write one edge ("begin" or "end") of an action; `metrics` are numbers or short strings, or lists of them.

    Raises:
        MarkerError: the pipe has no reader, or the line is too long to be written at once.
    """
    path = os.environ.get("WATTLAB_MARKERS")
    if path:
        _write(path, {"action": action, "index": index, "edge": edge, "metrics": _plain(metrics or {})})


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


def epoch(index: "Optional[int]" = None) -> "Any":  # noqa: ANN401  a context manager
    """Mark the block as one epoch: `action("epoch")`."""
    return action("epoch", index)


def work(**amounts: SupportsFloat) -> None:
    """Declare useful work that is done by now: `work(tokens=512)`. Adds up over the run and over every action that the
    call lies in. Any unit, named as it is counted: tokens, requests, images, correct_answers.

    Raises:
        MarkerError: an amount is no number from 0 on, or the line cannot be written.
    """
    path = os.environ.get("WATTLAB_MARKERS")
    if not path:
        return
    whole = {unit: _amount(unit, value) for unit, value in amounts.items()}
    with _lock:
        _finish_at_exit(os.getpid())
        for unit, amount in whole.items():
            _done[unit] = _done.get(unit, 0) + amount
        if time.monotonic() - _written_s[0] >= HELD_S:
            _write(path, {})


def _amount(unit: str, value: "Any") -> float:  # noqa: ANN401  numbers of any library
    try:
        number = value if type(value) is int else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number < 2**63:
        raise MarkerError(f"work({unit}={value!r}): expected a number from 0 on")
    return int(number) if number == int(number) else number


@functools.lru_cache(maxsize=None)
def _finish_at_exit(pid: int) -> None:
    """Once in every process that works: what is still held is written when it ends."""
    spawned = sys.modules.get("multiprocessing.util")
    if spawned is not None and getattr(sys.modules.get("multiprocessing.process"), "parent_process", _nothing)():
        spawned.Finalize(None, _finish, exitpriority=0)  # such a child ends without atexit
    else:
        atexit.register(_finish)


def _nothing() -> None:
    """What `multiprocessing.parent_process` (Python 3.8) says in the first process."""


def _finish() -> None:
    path = os.environ.get("WATTLAB_MARKERS")
    if path and _done:
        _write(path, {})


def _forget() -> None:
    """A forked child has done none of its parent's work, and no thread of it holds the lock."""
    global _lock
    _lock = threading.RLock()
    _done.clear()


os.register_at_fork(after_in_child=_forget)


# --- callbacks -----------------------------------------------------------------------------------------------------


class _Epochs:
    """The epochs of a training, one after the other, and the work that is declared for each of them."""

    def __init__(self, per_epoch: Amounts) -> None:
        self._per_epoch, self._open = per_epoch, None  # type: Amounts, Optional[int]

    def begin(self, index: int, metrics: "Optional[Dict[str, Any]]" = None) -> None:
        """Begin one; the one before ends here if it has not ended."""
        self.end(metrics)
        mark("epoch", index, "begin")
        self._open = index

    def end(self, metrics: "Optional[Dict[str, Any]]" = None) -> None:
        """End the one that is open, if any."""
        if self._open is not None:
            _declare(self._per_epoch)
            mark("epoch", self._open, "end", metrics)
            self._open = None


def _declare(amounts: Amounts, *arguments: "Any") -> None:  # noqa: ANN401
    """Work as a callback was given it. Outside a run nothing is asked."""
    if amounts is not None and os.environ.get("WATTLAB_MARKERS"):
        work(**(amounts(*arguments) if callable(amounts) else amounts))


def _settle_gpu() -> None:
    """Wait for what PyTorch has launched on a GPU: an epoch ends when its work is done, not when it is queued."""
    torch = sys.modules.get("torch")
    if torch is not None and os.environ.get("WATTLAB_MARKERS") and torch.cuda.is_initialized():
        torch.cuda.synchronize()


def keras_callback(per_epoch: Amounts = None, per_batch: Amounts = None) -> "Any":  # noqa: ANN401
    """A keras.callbacks.Callback that marks every epoch, validation in it, with its metrics.

    `per_epoch`, `per_batch`: the useful work of a training epoch, of a training batch, as `{"images": 50000}`, or a
    function without arguments that returns it.
    """
    import keras

    epochs = _Epochs(per_epoch)

    class Marks(keras.callbacks.Callback):  # type: ignore[misc]
        """Marks epochs."""

        def on_epoch_begin(self, epoch: int, logs: "Any" = None) -> None:  # noqa: ANN401
            """Its begin."""
            epochs.begin(epoch)

        def on_epoch_end(self, epoch: int, logs: "Any" = None) -> None:  # noqa: ANN401
            """Its end, with its metrics (loss, accuracy, val_loss, val_accuracy, ...)."""
            epochs.end(logs)

        if per_batch is not None:  # Keras computes logs for every batch as soon as a callback has this

            def on_train_batch_end(self, batch: int, logs: "Any" = None) -> None:  # noqa: ANN401
                """The work of a batch."""
                _declare(per_batch)

    return Marks()


def lightning_callback(per_epoch: Amounts = None, per_batch: Amounts = None) -> "Any":  # noqa: ANN401
    """A callback of PyTorch Lightning that marks every epoch of training, validation in it, with its metrics.

    `per_epoch`: the useful work of an epoch, of all processes together; `per_batch`: of one batch of one process, or a
    function of the batch that returns it: `lambda batch: {"tokens": batch["input_ids"].numel()}`. Of several processes
    the first one marks the epochs.
    """
    try:
        from lightning.pytorch.callbacks import Callback
    except ImportError:
        from pytorch_lightning.callbacks import Callback

    epochs = _Epochs(per_epoch)

    class Marks(Callback):  # type: ignore[misc]
        """Marks epochs."""

        def on_train_epoch_start(self, trainer: "Any", pl_module: "Any") -> None:  # noqa: ANN401
            """Its begin."""
            _settle_gpu()
            if trainer.is_global_zero:
                epochs.begin(trainer.current_epoch)

        def on_train_batch_end(
            self, trainer: "Any", pl_module: "Any", outputs: "Any", batch: "Any", batch_idx: int  # noqa: ANN401
        ) -> None:  # fmt: skip
            _declare(per_batch, *((batch,) if callable(per_batch) else ()))

        def on_train_epoch_end(self, trainer: "Any", pl_module: "Any") -> None:  # noqa: ANN401
            """Its end, with what was logged."""
            _settle_gpu()
            if trainer.is_global_zero:
                epochs.end(dict(trainer.callback_metrics))

    return Marks()


def transformers_callback(per_epoch: Amounts = None, per_step: Amounts = None, *, tokens: bool = False) -> "Any":  # noqa: ANN401
    """A callback of Hugging Face's Trainer that marks every epoch, up to the next one: evaluation and saving lie in it.

    `per_epoch`: the useful work of an epoch, of all processes together; `per_step`: of one optimizer step of one
    process, or a function without arguments that returns it. `tokens`: declare the tokens that the Trainer counts
    itself (`include_num_input_tokens_seen="all"`). Of several processes the first one marks.

    Raises:
        MarkerError: (when training begins) `tokens` without a Trainer that counts them.
    """
    from transformers import TrainerCallback

    epochs, seen, metrics = _Epochs(per_epoch), [0], {}  # type: _Epochs, list[int], Dict[str, Any]

    class Marks(TrainerCallback):  # type: ignore[misc]
        """Marks epochs."""

        def on_train_begin(self, args: "Any", state: "Any", control: "Any", **_: "Any") -> None:  # noqa: ANN401
            """Whether tokens are counted."""
            if tokens and args.include_num_input_tokens_seen in (False, "no"):
                raise MarkerError('tokens=True takes TrainingArguments(include_num_input_tokens_seen="all")')
            seen[0] = state.num_input_tokens_seen

        def on_epoch_begin(self, args: "Any", state: "Any", control: "Any", **_: "Any") -> None:  # noqa: ANN401
            """Its begin."""
            self._end(state)
            if state.is_world_process_zero:
                epochs.begin(int((state.epoch or 0) + 1e-6))  # a sum of fractions of epochs

        def on_step_end(self, args: "Any", state: "Any", control: "Any", **_: "Any") -> None:  # noqa: ANN401
            """The work of a step."""
            _declare(per_step)
            if tokens and state.is_world_process_zero:
                _declare({"tokens": state.num_input_tokens_seen - seen[0]})
                seen[0] = state.num_input_tokens_seen

        def on_log(self, args: "Any", state: "Any", control: "Any", logs: "Any" = None, **_: "Any") -> None:  # noqa: ANN401
            """What was logged stands with the end of the epoch."""
            metrics.update(logs or {})

        def on_train_end(self, args: "Any", state: "Any", control: "Any", **_: "Any") -> None:  # noqa: ANN401
            """The end of the last one."""
            self._end(state)

        def _end(self, state: "Any") -> None:  # noqa: ANN401
            _settle_gpu()
            if state.is_world_process_zero:
                epochs.end(metrics)
            metrics.clear()

    return Marks()


def sklearn_partial_fit(
    estimator: "Any",  # noqa: ANN401  scikit-learn has no common type of what has partial_fit
    calls_per_epoch: int = 1,
    per_epoch: Amounts = None,
    per_call: Amounts = None,
) -> "Callable[..., Any]":
    """What to call in place of `estimator.partial_fit`: it does the same and marks the epochs.

    One call is an epoch where it is given all rows (an MLPClassifier goes through them in batches of its own); where
    the program makes the batches, an epoch is `calls_per_epoch` calls. Its end has the estimator's `loss_`, if it has
    one. `per_epoch`: the useful work of an epoch; `per_call`: of a call, or a function of its X and y that returns
    it: `lambda X, y: {"rows": len(y)}`. The estimator stays as it is, and can be pickled.

    Raises:
        MarkerError: calls_per_epoch is below 1.
    """
    if calls_per_epoch < 1:
        raise MarkerError(f"calls_per_epoch={calls_per_epoch!r}: expected 1 or more")
    epochs, calls = _Epochs(per_epoch), [0]

    def partial_fit(*arguments: "Any", **named: "Any") -> "Any":  # noqa: ANN401
        """The estimator's own."""
        epoch, place = divmod(calls[0], calls_per_epoch)
        if place == 0:
            epochs.begin(epoch)
        result = estimator.partial_fit(*arguments, **named)
        calls[0] += 1
        if callable(per_call):
            given = {**dict(zip(("X", "y"), arguments)), **named}
            _declare(per_call, given.get("X"), given.get("y"))
        else:
            _declare(per_call)
        if place == calls_per_epoch - 1:
            loss = getattr(estimator, "loss_", None)
            epochs.end({} if loss is None else {"loss": loss})
        return result

    return partial_fit
