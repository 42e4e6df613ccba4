"""NVML's counters of total energy: an estimate of what the boards of NVIDIA's GPUs take, each as its own sensor says.

Knows: `nvmlDeviceGetTotalEnergyConsumption` (mJ since the driver was loaded; Volta and later), through nvidia-ml-py.
The port says which boards: `all`, or numbers as in `0,1`. Does not know: CPUs, and what else the machine takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meters.access import ANYBODY, Access
from meters.counters import OPTIONS, Counter, CounterDialogue
from meters.dialogue import DialogueMeter
from meters.options import number, read_options
from meters.wire_log import Sink

DRIVER = "nvml"
PORT = "all"


class Boards:
    """The boards that have a counter (`meters.counters.Source`)."""

    def __init__(self, port: str) -> None:
        """Ask the driver; raises `OSError` where it has no such counter."""
        try:
            import pynvml
        except ImportError as error:
            raise OSError(f"pynvml cannot be imported ({error}); install nvidia-ml-py") from None
        self._nvml: Any = pynvml
        try:
            pynvml.nvmlInit()
            every = range(pynvml.nvmlDeviceGetCount())
            chosen = every if port == PORT else [int(word) for word in port.split(",")]
            self._boards = [(index, pynvml.nvmlDeviceGetHandleByIndex(index)) for index in chosen]
            if not self._boards:
                raise OSError("the driver knows no GPU")
            self._names = [self._name(board) for _, board in self._boards]
            self.read()
        except ValueError:
            raise OSError(f"found {port!r}, expected `all`, or numbers of boards such as 0,1") from None
        except pynvml.NVMLError as error:
            raise OSError(f"NVML: {error}") from None

    def read(self) -> bytes:
        """Return a line for each board; raises `OSError`."""
        lines = []
        for (index, board), name in zip(self._boards, self._names, strict=True):
            try:
                energy_mj = self._nvml.nvmlDeviceGetTotalEnergyConsumption(board)
            except self._nvml.NVMLError as error:
                raise OSError(f"board {index}: NVML: {error}") from None
            lines.append(f"gpu{index} {name} 0 {energy_mj * 1000}\n")
        return "".join(lines).encode("ascii", errors="replace")

    def close(self) -> None:
        """The library stays loaded: the agent of a local SUT may use it too."""

    def _name(self, board: Any) -> str:  # noqa: ANN401  a handle of NVML's
        name = self._nvml.nvmlDeviceGetName(board)
        text = name.decode(errors="replace") if isinstance(name, bytes) else str(name)
        return "-".join(text.split()) or "GPU"


class NvmlDialogue(CounterDialogue):
    """The boards' counters."""

    driver = DRIVER
    maker = "NVIDIA"

    def _model(self, counters: Mapping[str, Counter]) -> str:
        return f"NVML of {', '.join(counter.part for counter in counters.values())}"


def open_nvml(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the counters of GPUs; raises `MeterOptionError`, `MeterUnavailable`, `MeterMismatch`."""
    interval_s = number(read_options(DRIVER, OPTIONS, options), "interval_s")
    return DialogueMeter(NvmlDialogue(port or PORT, interval_s, capture, Boards), interval_s, access)
