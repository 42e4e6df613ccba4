"""What is done at the edges of every epoch of a training: marks, trackers, one line, and the end that a rule asks for.

Knows Keras' callback. Knows no rule: a program gives one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import keras
from tracking import Trackers
from wattlab_markers import keras_callback

Logs = dict[str, Any]


class Course(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Marks every epoch, prints one line for it, and ends the training where `rule` has a reason (None: go on), or
    where the loss is not finite. `stopped_by` is that reason, None where nothing of it ended the training."""

    def __init__(
        self, trackers: Trackers, rule: Callable[[Logs], str | None], work: Mapping[str, int] | None = None
    ) -> None:
        super().__init__()
        self._marks, self._trackers, self._rule = keras_callback(per_epoch=work), trackers, rule
        self.stopped_by: str | None = None

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Mark."""
        self._marks.on_epoch_begin(epoch, logs)
        self._trackers.interval_begin("epoch", epoch)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Mark, then decide; a loss that is not finite ends everything."""
        self._trackers.interval_end("epoch", epoch)
        self._marks.on_epoch_end(epoch, logs)
        logs = logs or {}
        print(f"epoch {epoch}: " + " ".join(f"{name} {value:.4g}" for name, value in logs.items()), flush=True)
        reason = self._rule(logs)
        if not math.isfinite(logs["loss"]):
            reason = "loss-not-finite"
        if reason is not None:
            self.stopped_by = reason
            self.model.stop_training = True
