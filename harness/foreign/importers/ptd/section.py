"""One measurement of a session: the samples of one mark, and what is known of them.

Knows its interval, its name, and the window that MLPerf counts. Knows no run (runs.py) and no finding (checks.py).
"""

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.foreign.importers.ptd import loadgen
from harness.foreign.importers.ptd.files import beside
from harness.foreign.importers.ptd.instrument import Instrument
from harness.foreign.importers.ptd.loadgen import Unplaced, Window
from harness.foreign.importers.ptd.log import Log
from harness.foreign.importers.ptd.measurement import Go
from harness.foreign.importers.ptd.samples import ISO_MARK, Row
from harness.foreign.importers.ptd.session import Session
from harness.foreign.importers.source import read_source
from harness.foreign.importers.stamps import SECOND_NS
from harness.record.errors import ImportFileError

RANGING = re.compile(r"(?:^|[-_ ])ranging(?:$|[-_ ])", re.IGNORECASE)
MODES = re.compile(r"(?:^|-)(?:ranging|testing)$", re.IGNORECASE)
"""What MLPerf's power server puts behind the mark of a session."""


@dataclass(frozen=True)
class Section:
    """The rows of one mark, and what is known of them."""

    session: Session
    log: Log
    rows: list[Row]
    instrument: Instrument
    goes: list[Go]
    since_ns: int
    nth: int = 0
    """Of those of its analyser with its mark, from 0."""

    @property
    def mark(self) -> str:
        """That of its rows."""
        return self.rows[0].mark

    @property
    def stream(self) -> str:
        """The file of its readings."""
        return f"readings-{self.session.meter}.csv"

    @property
    def ranging(self) -> bool:
        """Whether the analyser's ranges were being found."""
        return RANGING.search(self.rows[0].mark) is not None

    @property
    def scenario(self) -> str:
        """The session's place and the mark, without date and mode: a ranging run is called as the run it is for."""
        mark = re.sub(r"[^\w.]+|_", "-", ISO_MARK.sub("", self.rows[0].mark)).strip("-")
        parts = (self.session.place.scenario, MODES.sub("", mark))
        return "-".join(part for part in parts if part) or ("testing" if mark else "measurement")

    @property
    def where(self) -> str:
        """For errors and notes."""
        return f"{self.log.source.path}:{self.rows[0].line}"

    def window_s(self) -> float:
        """The sampling interval: that of Go, else the median spacing."""
        for go in self.goes:
            if go.interval_ms:
                return go.interval_ms / 1000
        steps_ns = np.diff([row.time_ns for row in self.rows])
        if not steps_ns.size or np.median(steps_ns) <= 0:
            raise ImportFileError(
                f"{self.where}: {len(self.rows)} samples at one time, and no Go line tells their interval; there is no "
                "energy: take this section out"
            )
        return float(np.median(steps_ns)) / SECOND_NS

    @cached_property
    def window(self) -> Window | Unplaced | None:
        """The window that MLPerf counts, from the log beside the rows; None where there is none."""
        file = beside(self.log.source.path.parent, loadgen.NAME)
        if file is None:
            return None
        source = read_source(file)
        pairs = loadgen.read_windows(source)
        if isinstance(pairs, Unplaced):
            return pairs
        if not pairs:
            return None
        return loadgen.place(source, pairs, self.begin_ns, self.rows[-1].time_ns, self.session.zones_s)

    @cached_property
    def begin_ns(self) -> int:
        """Where the record begins."""
        return self.rows[0].time_ns - round(self.window_s() * SECOND_NS)

    @property
    def logs(self) -> list[Log]:
        """The log of its samples, and the session's console log."""
        console = self.session.console
        return [self.log] if console is None or console is self.log else [self.log, console]
