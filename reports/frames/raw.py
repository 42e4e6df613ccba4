"""Frames of what was recorded: the readings of the meters and the samples of the SUT, row by row.

Knows one run's streams and its time base. Corrects and leaves out nothing: what stands in the files stands here.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.record.documents import PowerDescriptor
from harness.record.plain_files import open_plain
from harness.record.run_folder import RunFolder
from reports.frames.columns import FLOAT, TEXT, TIME, TRUTH, WHOLE, frame
from reports.readings.series import RunSeries, read_run
from reports.readings.table import FLAGS, has_header, read_frames

OF_SOFTWARE = "software"
"""Provenance of what the SUT says of itself: no meter measured it."""
PLACE = {"campaign": TEXT, "run": TEXT, "provenance": TEXT, "time_ns": WHOLE, "time_s": FLOAT, "utc": TIME}
READINGS = {
    **PLACE, "in_rating": TRUTH, "meter": TEXT, "circuit": TEXT, "power_w": FLOAT, "window_s": FLOAT, "flags": TEXT,
}  # fmt: skip
SAMPLES = {**PLACE, "in_rating": TRUTH}


def readings(campaign: str, runs: Iterable[RunFolder]) -> pd.DataFrame:
    """Every reading of every meter, also those without a value.

    Raises:
        AnalysisError: a stream is not the table that its descriptor promises.
    """
    parts = [piece for run in runs for meter in run.power for piece in reading_pieces(campaign, read_run(run), meter)]
    return pd.concat(parts, ignore_index=True) if parts else frame([], READINGS)


def reading_pieces(
    campaign: str, series: RunSeries, descriptor: PowerDescriptor, rows: int | None = None
) -> Iterator[pd.DataFrame]:
    """The readings of one meter of a run, so many rows at a time (None: all at once); no piece is without rows.

    Raises:
        AnalysisError: the stream is not the table that its descriptor promises.
    """
    for table in _tables(series.run, descriptor, rows):
        if len(table):
            place = _place(campaign, series, table.pop("time_ns").to_numpy(dtype=np.int64), descriptor.origin)
            place["meter"], place["circuit"] = descriptor.meter, descriptor.circuit
            whole = pd.concat([place, table], axis=1)
            yield whole[[*READINGS, *(name for name in whole if name not in READINGS)]].astype(
                {name: kind for name, kind in READINGS.items() if kind != TIME}
            )


def _tables(run: RunFolder, descriptor: PowerDescriptor, rows: int | None) -> Iterator[pd.DataFrame]:
    path = run.path / descriptor.stream
    names = {str(column.get("name")) for column in descriptor.columns}
    wanted = frozenset({"time_ns", "power_w", "window_s", "relative_uncertainty", FLAGS, *names})
    with suppress(FileNotFoundError), open_plain(path) as text:
        for table in read_frames(path, text, wanted, rows) if has_header(text) else ():
            table[FLAGS] = table[FLAGS].astype("str") if FLAGS in table else ""
            if "window_s" not in table:
                table["window_s"] = descriptor.window_s
            yield table.reset_index(drop=True)


def _place(campaign: str, series: RunSeries, times_ns: NDArray[np.int64], provenance: str) -> pd.DataFrame:
    """Where rows stand: on the run's time base, from the begin of its rating interval, by the host's wall clock."""
    start = series.run.start
    begin_ns, end_ns = series.begin_ns, series.end_ns
    inside = np.zeros(times_ns.size, dtype=bool)
    if begin_ns is not None and end_ns is not None:
        inside = (times_ns > begin_ns) & (times_ns <= end_ns)
    utc = pd.Timestamp(start.utc).tz_convert("UTC") + pd.to_timedelta(times_ns - start.time_ns, unit="ns")
    return pd.DataFrame({
        "campaign": campaign, "run": series.run.path.name, "provenance": provenance, "time_ns": times_ns,
        "time_s": np.nan if begin_ns is None else (times_ns - begin_ns) * 1e-9,
        "utc": pd.DatetimeIndex(utc).as_unit("ns"), "in_rating": inside,
    })  # fmt: skip


def samples(campaign: str, runs: Iterable[RunFolder]) -> pd.DataFrame:
    """Every sample of the SUT's indicators, mapped to the host's time base by the recorded clock exchanges.

    Raises:
        AnalysisError: a stream is not the table that its descriptor promises.
    """
    parts = []
    for series in map(read_run, runs):
        if (own := series.indicators) is not None and own.times_ns.size:
            place = sample_places(campaign, series, own.times_ns)
            parts.append(pd.concat([place, pd.DataFrame(own.columns)], axis=1))
    return pd.concat(parts, ignore_index=True) if parts else frame([], SAMPLES)


def sample_places(campaign: str, series: RunSeries, times_ns: NDArray[np.int64]) -> pd.DataFrame:
    """Where samples of these instants stand: the columns that every sample has."""
    place = _place(campaign, series, times_ns, OF_SOFTWARE)
    return place.astype({name: kind for name, kind in SAMPLES.items() if kind != TIME})
