"""What the report would say of a run as far as it was read: energy, actions, findings, and the baseline beside it.

Knows the report's own functions and calls them on a snapshot; computes nothing itself. Every energy is gross, and
preliminary until the run has ended: the clocks' fit, the usual step of a meter and the run's end are those of now.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.live.columns import Floats
from harness.live.run import LiveRun
from harness.record.documents import Json
from harness.record.errors import AnalysisError, DocumentError, RunFolderError
from harness.record.run_folder import RunFolder
from harness.record.seal import MANIFEST

if TYPE_CHECKING:
    from reports.campaign.run import AnalysedRun
    from reports.energy.energy import Block
    from reports.readings.clock import ClockModel
    from reports.readings.series import Indicators, PowerSeries, RunSeries
    from reports.results.finding import Finding


TOLD_BY_LOG = ("run-failed", "run-aborted")
"""Findings that the log of the campaign tells too, with its reason."""
UNREADABLE = (AnalysisError, DocumentError, RunFolderError, OSError, ArithmeticError, ValueError)
"""What files may raise whose numbers cannot be."""


@dataclass(frozen=True, slots=True)
class EndedAction:
    """An action that has ended: when, on the run's time (s since its start), its energy (Wh), None where unknown."""

    name: str
    index: int
    begin_s: float
    end_s: float
    energy_wh: float | None
    metrics: Json


@dataclass(frozen=True, slots=True)
class Assessment:
    """One run so far. `rating_s`: the rating interval on the run's time, its end None while it goes on; energy (Wh) and
    mean power (W) of it; `until_s`: up to when, on the run's time, they are known; `problem`: why there is nothing."""

    rating_s: tuple[float, float | None] | None = None
    energy_wh: float | None = None
    mean_w: float | None = None
    actions: tuple[EndedAction, ...] = ()
    findings: tuple["Finding", ...] = ()
    until_s: float | None = None
    problem: str | None = None
    block: "Block | None" = None
    """What it adds to the baseline, where it is a block that was rated to its end."""


def prepare() -> None:
    """Import whatever is used later: imports read hundreds of files, and are done before anything is measured."""
    import pandas  # noqa: F401  as `reports.readings.table` does

    import reports.campaign.judgement
    import reports.campaign.run
    import reports.pages.document  # noqa: F401


def assess(live: LiveRun) -> Assessment:
    """What is known of a run now; nothing but the reason where the report could make nothing of it yet."""
    run = live.snapshot
    if run is None:
        return Assessment()
    try:
        return _assessed(live, run)
    except UNREADABLE as error:
        return Assessment(problem=str(error).replace(f"{run.path.parent}/", ""))


def _assessed(live: LiveRun, run: RunFolder) -> Assessment:
    from reports.campaign.run import AnalysedRun
    from reports.energy.contributions import unseen
    from reports.energy.energy import WH
    from reports.readings.series import read_run

    series, streams = read_run(run), {meter: one.series() for meter, one in live.streams.items() if one.count}
    goes_on = series.end_ns is None
    if goes_on and series.begin_ns is not None and streams:
        last_ns = min(int(stream.times_ns[-1]) for stream in streams.values() if stream.times_ns.size)
        series = replace(series, end_ns=max(last_ns, series.begin_ns + 1))
    analysed = AnalysedRun(run, _with_streams(series, streams, live))
    function, origin_ns = analysed.function, run.start.time_ns
    if function is None or analysed.interval_ns is None:
        return Assessment(actions=tuple(_actions(analysed, np.full(len(series.actions), np.nan))))
    begins_ns = np.array([action.begin_ns for action in series.actions], dtype=np.int64)
    ends_ns = np.array([action.end_ns for action in series.actions], dtype=np.int64)
    is_unseen = unseen(analysed.parts, begins_ns, ends_ns)
    energies_wh = np.where(is_unseen, np.nan, function.energy_j(begins_ns, ends_ns) / WH)
    begin_s, end_s = ((at_ns - origin_ns) * 1e-9 for at_ns in analysed.interval_ns)
    is_block = run.start.kind == "baseline" and not goes_on and (run.stop is None or run.exit_status == "success")
    return Assessment(
        rating_s=(begin_s, None if goes_on else end_s),
        energy_wh=analysed.energy_j / WH,
        mean_w=analysed.mean_power_w,
        until_s=end_s,
        actions=tuple(_actions(analysed, energies_wh)),
        findings=tuple(_last_findings(analysed) if (run.path / MANIFEST).is_file() else _findings(analysed)),
        block=analysed.block if is_block else None,
    )


def _with_streams(series: "RunSeries", streams: "dict[str, PowerSeries]", live: LiveRun) -> "RunSeries":
    """The run with the readings and the samples that are in memory."""
    from reports.readings.held import STORE

    known = {meter: stream for meter, stream in streams.items() if stream.times_ns.size}
    of_sut, of_room = (_sampled(live, series.clock, of_host=of_host) for of_host in (False, True))
    STORE.value(series, "indicators", lambda _: of_sut)
    STORE.value(series, "room", lambda _: of_room)
    STORE.value(series, "power", lambda _: known)
    return series


def _sampled(live: LiveRun, clock: "ClockModel | None", *, of_host: bool) -> "Indicators | None":
    """The first stream of indicators that has a row: of the host's own sensors, or of the SUT."""
    streams = (one for one in live.samples.values() if (one.descriptor.clock == "host") == of_host)
    return next((rows for one in streams if (rows := one.indicators(clock)) is not None), None)


def _actions(run: "AnalysedRun", energies_wh: Floats) -> Iterator[EndedAction]:
    for action, energy_wh in zip(run.series.actions, energies_wh, strict=True):
        begin_s, end_s = ((at_ns - run.run.start.time_ns) * 1e-9 for at_ns in (action.begin_ns, action.end_ns))
        known = float(energy_wh) if np.isfinite(energy_wh) else None
        yield EndedAction(action.name, action.index, begin_s, end_s, known, action.metrics)


def _findings(run: "AnalysedRun") -> "Iterator[Finding]":
    """What the rating interval so far says: the rules of the report that need no other run, and whose finding the rest
    of the run cannot take back."""
    from reports.findings import lab_rules, mark_rules, meter_rules, reading_rules, stamps, surroundings

    limits = lab_rules.thresholds_of(run.run)
    begin_ns, end_ns = run.interval_ns or (0, 0)
    for stream in run.streams:
        missing = reading_rules.missing_of(stream, begin_ns, end_ns, 0.0)
        yield from reading_rules.of_readings(run.series, stream.series, begin_ns, end_ns, missing, limits)
    yield from reading_rules.of_odd_values(run.series, begin_ns, end_ns, limits)
    yield from meter_rules.of_overrange(run.series, begin_ns, end_ns)
    yield from meter_rules.of_ranging(run.series)
    yield from meter_rules.of_doubles(run.series, begin_ns, end_ns, run.doubles_j)
    yield from reading_rules.of_repetitions(run.series, begin_ns, end_ns)
    yield from mark_rules.of_odd_cells(run.series)
    yield from surroundings.of_machine(run.series, begin_ns, end_ns)
    for rule in (surroundings.of_settling, surroundings.of_room, stamps.of_agent):
        yield from rule(run.series, begin_ns, end_ns, limits)


def _last_findings(run: "AnalysedRun") -> "Iterator[Finding]":
    """What the report says of a sealed run that it judges by itself. The usual step of its meters is its own: the
    report takes that of all runs."""
    from reports.campaign.judgement import run_findings
    from reports.findings.lab_rules import thresholds_of
    from reports.findings.meter_rules import typical_steps_s

    found = run_findings(run, typical_steps_s([run.series]), thresholds_of(run.run))
    yield from (finding for finding in found if finding.code not in TOLD_BY_LOG)


def sealed(folder: Path) -> "tuple[Block | None, frozenset[str]]":
    """The baseline block that a sealed run is, None where it is none or cannot be read; the origins of its readings."""
    from reports.campaign.run import AnalysedRun
    from reports.readings.rated import read_rated

    try:
        run = RunFolder.open(folder)
        origins = frozenset(stream.origin for stream in run.power)
    except UNREADABLE:
        return None, frozenset()
    if run.start.kind != "baseline" or run.exit_status != "success":
        return None, origins
    try:
        series = read_rated(run)
        origins = frozenset(stream.origin for stream in series.run.power)
        analysed = AnalysedRun(series.run, series)
        return (analysed.block if analysed.function is not None and analysed.interval_ns else None), origins
    except UNREADABLE:
        return None, origins


def baseline_w(blocks: "Sequence[Block]") -> float | None:
    """The pooled power of baseline blocks (W), as the report has it; None without any."""
    from reports.energy.energy import pooled_w

    return pooled_w(blocks) if blocks else None


def mark_of(origins: Collection[str]) -> tuple[str, str] | None:
    """The report's mark for readings of these origins, and its sentence; None where they need none."""
    from reports.pages.document import STAMPS

    return next((STAMPS[origin] for origin in STAMPS if origin in origins), None)


def advice_of(code: str) -> tuple[str, str]:
    """What a finding means and what to do about it, as the report says it."""
    from reports.results.finding_kinds import kind_of

    kind = kind_of(code)
    return kind.meaning, kind.remedy
