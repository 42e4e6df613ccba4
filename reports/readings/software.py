"""Software meters of a run: what software said of the power of its own machine, as traces on the run's time base.

Knows streams by their descriptors and the clock that stamped them. Knows no wall meter, no energy and no statistics.

A software meter is a column of an indicator stream whose unit is W (a gauge: each value stands for its moment) or J (a
counter that only grows, from 0 again where the column states `range_j`), or the power of a stream whose readings are
`estimated`, or what a tracker had counted at each of its polls. It is called `<stream>/<column>`: `agent/gpu0_power_w`,
`agent/rapl_package_0_energy_j`, `rapl/power_w`, `codecarbon/energy_j`.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.record.campaign_folder import CAMPAIGN, SOFTWARE_LOG, CampaignFolder
from harness.record.documents import IndicatorDescriptor, Json, decode
from harness.record.entries import Attachment, of
from harness.record.errors import AnalysisError, DocumentError
from harness.record.plain_files import inside
from reports.readings.bounded import number
from reports.readings.series import Indicators, RunSeries, read_indicators

Kind: TypeAlias = Literal["gauge", "counter"]
KINDS: dict[str, Kind] = {"W": "gauge", "J": "counter"}
"""Unit of a column -> what kind of meter it is."""
TRACKER = re.compile(r"[a-z][a-z-]*")
"""How trackers are called; a start document may be forged, and the name is part of a file's."""
PREFIX, SUFFIX = "samples-", ".csv"
"""Of a stream's file around its name."""
POWER = "power_w"
ESTIMATED = "estimated"
ATTACHED = "software"
"""The folder of a campaign that holds logs attached to its runs."""


@dataclass(frozen=True, slots=True)
class SoftwareTrace:
    """One software meter over one run: stamps (ns on the run's time base, shape (n,), strictly ascending) and what it
    showed (W of a gauge, J of a counter; shape (n,), finite, as recorded: a counter may begin anew).

    `says`: the quantity in the words of its column; `method`: how it was asked; `period_s`: how often it was meant to
    be asked; `range_j`: where a counter begins anew, None where nobody says it; `window_s`: over which time before its
    stamp each value is a mean, 0 where nobody says that it is one; `is_whole`: whether it was recorded all the run (a
    tracker's begins and ends with the tracker, within the run); `clock_bound_s`: how wrong its stamps may be on the
    time base; `odd`: cells that were no number that can be.
    """

    name: str
    kind: Kind
    says: str
    method: str
    period_s: float
    times_ns: NDArray[np.int64]
    values: NDArray[np.float64]
    range_j: float | None = None
    window_s: float = 0.0
    is_whole: bool = True
    clock_bound_s: float = 0.0
    odd: int = 0

    @property
    def source(self) -> str:
        """What it says it is and how it was asked, as a certificate names it."""
        return ", ".join(filter(None, (self.says, self.method)))

    @property
    def unit(self) -> Literal["W", "J"]:
        """Of its values."""
        return "W" if self.kind == "gauge" else "J"


def software_traces(run: RunSeries) -> dict[str, SoftwareTrace]:
    """Every software meter of a run by its name, in the order of the descriptors; columns and streams without any value
    are left out, and SUT stamps that nothing maps to the time base.

    Raises:
        AnalysisError: a file is not the table its descriptor promises.
    """
    traces = [trace for descriptor in run.run.indicators for trace in _of_indicators(run, descriptor)]
    traces += _of_estimates(run)
    traces += _attached(run)
    traces += _of_trackers(run)
    return {trace.name: trace for trace in traces if trace.times_ns.size}


def _of_indicators(
    run: RunSeries, descriptor: IndicatorDescriptor, folder: Path | None = None, bound_s: float = 0.0
) -> Iterator[SoftwareTrace]:
    """The columns of one stream that are power or energy; of a stream of the run, unless another folder is named."""
    columns = [column for column in descriptor.columns if column.get("unit") in KINDS]
    read = read_indicators(folder or run.run.path, descriptor, run.clock) if columns else None
    if read is None:
        return
    for column in columns:
        if column.get("name") in read.names:
            yield _of_column(read, column, bound_s + (run.clock_bound_s if descriptor.clock == "sut" else 0.0))


def _attached(run: RunSeries) -> Iterator[SoftwareTrace]:
    """The columns of logs that were attached to the campaign for this run; of one stream the last log counts."""
    campaign = run.run.path.parent
    if not (campaign / ATTACHED).is_dir() or not (campaign / CAMPAIGN).is_file():
        return
    entries = of(Attachment, CampaignFolder(campaign).entries())
    logs = [entry for entry in entries if entry.note == SOFTWARE_LOG and entry.run == run.run.path.name]
    for entry in {Path(entry.path).name: entry for entry in logs}.values():
        descriptor = _descriptor_of(entry)
        bound_s, folder = number(entry.raw.get("bound_s")), (campaign / inside(entry.path)).parent
        yield from _of_indicators(run, descriptor, folder, bound_s if bound_s > 0 else 0.0)


def _descriptor_of(entry: Attachment) -> IndicatorDescriptor:
    """The descriptor of an attached stream.

    Raises:
        AnalysisError: the entry of the log has none.
    """
    told = entry.raw.get("descriptor")
    line = json.dumps({"type": "descriptor", "kind": "indicators"} | (told if isinstance(told, dict) else {}))
    try:
        descriptor = decode(line, f"attachment {entry.path}")
    except DocumentError as error:
        raise AnalysisError(f"{error}; was campaign.jsonl edited?") from None
    assert isinstance(descriptor, IndicatorDescriptor)  # its kind says so
    return replace(descriptor, stream=Path(entry.path).name)


def _of_column(read: Indicators, column: Json, clock_bound_s: float) -> SoftwareTrace:
    name = str(column["name"])
    times_ns, values = _last_of_each(read.times_ns, read.columns[name])
    range_j = number(column.get("range_j"))
    return SoftwareTrace(
        name=f"{stream_name(read.descriptor.stream)}/{name}",
        kind=KINDS[str(column["unit"])],
        says=str(column.get("quantity") or name),
        method=str(column.get("method") or ""),
        period_s=read.descriptor.period_s,
        times_ns=times_ns,
        values=values,
        range_j=range_j if range_j > 0 else None,
        clock_bound_s=clock_bound_s,
        odd=read.odd.get(name, 0),
    )


def _of_estimates(run: RunSeries) -> Iterator[SoftwareTrace]:
    """The streams of meters that are software."""
    for meter, series in run.power.items():
        if series.descriptor.origin != ESTIMATED:
            continue
        times_ns, power_w = _last_of_each(series.times_ns, series.power_w)
        identity = series.descriptor.identity
        yield SoftwareTrace(
            name=f"{meter}/{POWER}",
            kind="gauge",
            says=" ".join(str(identity[key]) for key in ("maker", "model") if identity.get(key)) or meter,
            method=str(identity.get("driver") or ""),
            period_s=series.usual_step_s,
            times_ns=times_ns,
            values=power_w,
            window_s=series.descriptor.window_s if series.averages else 0.0,
        )


def _of_trackers(run: RunSeries) -> Iterator[SoftwareTrace]:
    """What trackers had counted since they began, of those that keep it (docs/trackers.md)."""
    named, periods_s = (run.run.start.scenario_config.get(key) for key in ("trackers", "tracker_periods_s"))
    for tracker in named if isinstance(named, list) else []:
        if not isinstance(tracker, str) or not TRACKER.fullmatch(tracker):
            continue
        period_s = number((periods_s if isinstance(periods_s, dict) else {}).get(tracker))
        column = {"name": "energy_j", "quantity": f"energy that {tracker} counted since it began", "unit": "J"}
        asked = f"its total at each of its polls, every {period_s:g} s" if period_s > 0 else "its total at its polls"
        descriptor = IndicatorDescriptor(
            stream=f"artifacts/tracker-{tracker}-trace.csv",
            period_s=period_s if period_s > 0 else 0.0,
            clock="sut",
            columns=[column | {"method": asked, "kind": "counter"}],
        )
        read = read_indicators(run.run.path, descriptor, run.clock)
        if read is not None and read.names:
            own = _of_column(read, descriptor.columns[0], run.clock_bound_s)
            yield replace(own, name=f"{tracker}/energy_j", is_whole=False)


def stream_name(file: str) -> str:
    """A stream's name, of its file's: `samples-agent.csv` is `agent`."""
    return file.removeprefix(PREFIX).removesuffix(SUFFIX)


def _last_of_each(
    times_ns: NDArray[np.int64], values: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The known values with ascending stamps; of several with one stamp the last."""
    known = np.isfinite(values)
    times_ns, values = times_ns[known], values[known]
    last = np.append(np.diff(times_ns) > 0, True)[: times_ns.size]
    return times_ns[last], values[last]
