"""NVML, the driver's library for NVIDIA's GPUs, through pynvml.

Knows how to reach it and to ask one question of it. Does not know which questions are asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def import_nvml() -> tuple[Any, str | None]:
    """(pynvml with NVML initialised, null) or (null, why not)."""
    try:
        import pynvml
    except ImportError as error:
        return None, f"pynvml cannot be imported ({error}); where there is an NVIDIA GPU, nvidia-ml-py records it"
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return None, f"NVML: {error}"
    return pynvml, None


def asked(nvml: Any, function: Callable[..., Any], *arguments: Any) -> Any:
    """What an NVML function says as text or number; null when it gives an error or the driver does not have it."""
    try:
        value = function(*arguments)
    # A driver older than the binding has other versions of some functions; older bindings have no error for that.
    except (nvml.NVMLError, getattr(nvml, "NVMLLibraryMismatchError", nvml.NVMLError)):
        return None
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def scaled(value: float | None, factor: float) -> float | None:
    """value * factor to three decimals, null stays null."""
    return None if value is None else round(value * factor, 3)
