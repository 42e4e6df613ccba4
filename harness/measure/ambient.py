"""The room's temperature during a run: a thermometer of the host, read from a file, in a stream of its own.

Knows the file ([ambient] of lab.toml), its scale, and the stream `samples-ambient.csv`. Knows no SUT, no meter, and no
limit: whether the room was too warm is the analysis's business.
"""

import threading
import time
from math import isfinite
from pathlib import Path

from harness.measure.journal import Journal
from harness.record.documents import IndicatorDescriptor
from harness.record.errors import LabError, why
from harness.record.plain_files import read_named
from harness.record.run_writer import RunWriter
from harness.station.station import Ambient

STREAM = "samples-ambient.csv"
COLUMN = "room_temperature_c"


class AmbientRecorder:
    """Writes the temperature every `period_s` until `stop`; where the file says nothing the cell stays empty.

    Raises:
        LabError: at the start, when the file cannot be read or holds no number. RunFolderError: the stream is there.
    """

    def __init__(self, config: Ambient, writer: RunWriter, journal: Journal) -> None:
        self._config = config
        read_temperature_c(config)
        self._file = writer.open_stream(STREAM)
        self._file.write(f"time_ns,{COLUMN}\n".encode())
        method = f"{config.file}, times {config.scale:g} plus {config.offset_c:g}"
        column = {"name": COLUMN, "unit": "degC", "quantity": "temperature of the room", "method": method}
        columns = [column | {"kind": "gauge"}]
        journal.put(IndicatorDescriptor(stream=STREAM, period_s=config.period_s, clock="host", columns=columns))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="ambient", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close the stream."""
        self._stop.set()
        self._thread.join()
        self._file.close()

    def _work(self) -> None:
        while True:
            try:
                cell = f"{read_temperature_c(self._config):.3f}"
            except LabError:
                cell = ""
            try:
                self._file.write(f"{time.monotonic_ns()},{cell}\n".encode())
            except OSError:
                return  # the meter's stream says that the disk is full
            if self._stop.wait(self._config.period_s):
                return


def read_temperature_c(config: Ambient) -> float:
    """The temperature now (degrees Celsius).

    Raises:
        LabError: the file cannot be read or holds no number.
    """
    try:
        value = float(read_named(Path(config.file).expanduser()).decode())
    except (OSError, ValueError) as error:
        raise LabError(
            f"ambient.file: {config.file}: no temperature ({why(error)}); name a file with one number, such as "
            "/sys/bus/w1/devices/28-0000/temperature"
        ) from None
    if not isfinite(value):
        raise LabError(f"ambient.file: {config.file}: found {value}, expected a finite number")
    return value * config.scale + config.offset_c
