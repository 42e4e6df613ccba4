"""What a reader must know of a measurement: what its files contradict, what is missing, what PTDaemon complains of.

Knows PTDaemon's averages, replies and warnings beside the rows. Knows no run.

Decisions
- The sum of several channels is the sum of their powers to the last digit of each (in 545,448 public rows of two and
  three channels without exception); another is an error.
- PTDaemon's averages are compared with the rows they count; another average is an error, more samples than rows a note.
  So is a sample that its reply to `RL` tells otherwise. Power that volts, amperes and power factor contradict is a
  note.
"""

import math
from collections.abc import Iterator

import numpy as np

from harness.foreign.importers.ptd import loadgen
from harness.foreign.importers.ptd.loadgen import Unplaced, Window
from harness.foreign.importers.ptd.measurement import Averages, Go
from harness.foreign.importers.ptd.samples import LACKING, NOTHING, OUTSIDE, Row, within_range
from harness.foreign.importers.ptd.section import Section
from harness.foreign.importers.remarks import TRUNCATED, listed
from harness.foreign.importers.stamps import SECOND_NS
from harness.record.errors import ImportFileError
from meters.ptdaemon.codec import ERROR, MARK_OFFSET, MISSED

NOT_COMPARED = "PTDaemon's averages were not compared"
LAST_DIGIT_W = 0.005 + 1e-9
"""What rounding to the two decimals that PTDaemon prints takes from a power at most."""
UNFITTING = 2.0
"""Power and volts times amperes times power factor are the same but for their last digits (medians of 201 public logs:
within .01 %)."""


def notes_of(section: Section) -> Iterator[tuple[str, str]]:
    """Codes and texts: what a reader of the report must know of this run."""
    if section.instrument.dummy:
        yield "dummy-analyser", "PTDaemon ran without an analyser (Dummy): these numbers were not measured"
    if section.log.cut_line and section.log.rows and section.rows[-1] is section.log.rows[-1]:
        yield TRUNCATED, f"line {section.log.cut_line} of {section.log.source.path.name} is cut off; left out"
    if isinstance(section.window, Unplaced):
        yield "publisher-window", f"{loadgen.NAME}: {section.window.text}; the run's interval is the whole record"
    logged = [section.window.source] if isinstance(section.window, Window) else []
    yield from (("source-changed", text) for text in section.session.changed(logged))
    _require_sums(section)
    yield from _outside(section)
    yield from _lacking(section)
    yield from _unfitting(section)
    for go in section.goes:
        for averages in go.averages:
            yield from _compared(section, averages, go.rampup)
        yield from _compared_reply(section, go)
        for stated in go.uncertainty:
            yield "ptd-uncertainty", f"{stated.text} (average, least, greatest, samples, invalid, valid, unknown)"
        if go.commands:
            yield "ptd-ranges", "before Go: " + "; ".join(go.commands)
    if (console := section.session.console) is not None and console.damaged:
        text = f"{len(console.damaged)} rows of PTDaemon's replies are cut (line {listed(console.damaged)})"
        yield "ptd-samples", f"{console.source.path.name}: {text}; they are not compared"
    if any(_is_counted_short(section, go) for go in section.goes):
        counted = max(averages.total for go in section.goes for averages in go.averages)
        yield "ptd-samples", f"PTDaemon's averages count the first {counted} of {len(section.rows)} rows"
    yield from _problems(section)


def _is_counted_short(section: Section, go: Go) -> bool:
    """Whether none of PTDaemon's averages counts all rows."""
    return bool(go.averages) and not go.rampup and max(averages.total for averages in go.averages) < len(section.rows)


def _outside(section: Section) -> Iterator[tuple[str, str]]:
    """Samples outside the analyser's range, and what their marks stand for."""
    rows = [row for row in section.rows if row.cause == OUTSIDE]
    if not rows:
        return
    powers_w = [within_range(row.values[0]) for row in rows if not row.counted and row.values[0] <= -MARK_OFFSET]
    span = f"; those of the sum stand for {min(powers_w):.6g} to {max(powers_w):.6g} W" if powers_w else ""
    yield (
        "overrange",
        f"samples {OUTSIDE}: {len(rows)}; PTDaemon prints such values as -(value + 3), no power is taken from "
        f"them{span}",
    )


def _require_sums(section: Section) -> None:
    """Raises ImportFileError where the sum of a row's channels is not the sum that it states."""
    for row in section.rows:
        if not row.channels or row.cause is not None:
            continue
        added_w = math.fsum(values[0] for _, values in row.channels if values[0] not in (ERROR, MISSED))
        if abs(added_w - row.values[0]) > LAST_DIGIT_W * (len(row.channels) + 1):
            raise ImportFileError(
                f"{section.log.source.path}:{row.line}: the sum is {row.values[0]:g} W, its {len(row.channels)} "
                f"channels are {added_w:g} W together: the row was edited, or a channel was left out of it"
            )


def _lacking(section: Section) -> Iterator[tuple[str, str]]:
    """Samples whose sum PTDaemon made of fewer channels than it has."""
    rows = [row for row in section.rows if row.cause is not None and row.cause.startswith(LACKING)]
    if rows:
        channels = sorted({number for row in rows for number in row.lacking})
        yield (
            "ptd-channels",
            f"samples whose sum PTDaemon made without channel {listed(channels)}, which has no value there: "
            f"{len(rows)}; it counts them as valid, no power is taken from them",
        )


def _unfitting(section: Section) -> Iterator[tuple[str, str]]:
    """Power that is not what volts, amperes and power factor make; of every channel, for those of a sum are
    means."""
    measured = [values for row in section.rows for values in (dict(row.channels).values() or [row.values])]
    products = [(power_w, volts * amps * factor) for power_w, volts, amps, factor in measured if min(volts, amps) > 0]
    ratios = [power_w / product for power_w, product in products if power_w > 0 and product > 0]
    middle = float(np.median(ratios)) if ratios else 1.0
    if not 1 / UNFITTING < middle < UNFITTING:
        yield (
            "ptd-values",
            f"the power is {middle:.3g} times volts times amperes times power factor (median of {len(ratios)} "
            "samples); a column seems to be in another unit or in another's place",
        )


def _compared_reply(section: Section, go: Go) -> Iterator[tuple[str, str]]:
    """The rows against the same samples in PTDaemon's reply to `RL`.

    Raises:
        ImportFileError: a sample is told otherwise.
    """
    if not go.reply or go.reply is section.rows or section.session.console is None:
        return
    replied: dict[int, list[Row]] = {}  # a missed sample has the stamp of the one before it
    for row in go.reply:
        replied.setdefault(row.time_ns, []).append(row)
    place = section.session.console.source.path
    for row in section.rows:
        same = replied.get(row.time_ns, [])
        if not same:
            continue
        other = next((sample for sample in same if sample.values == row.values), same[0])
        same.remove(other)
        if other.values != row.values:
            raise ImportFileError(
                f"{section.log.source.path}:{row.line}: found {row.values[0]:g} W, {row.values[1]:g} V, "
                f"{row.values[2]:g} A, where PTDaemon's own reply ({place}:{other.line}) has "
                f"{other.values[0]:g} W, {other.values[1]:g} V, {other.values[2]:g} A: rows were edited"
            )
    if lost := sum(map(len, replied.values())):
        yield (
            "ptd-samples",
            f"{place.name}: {lost} samples of PTDaemon's reply are not among the rows of "
            f"{section.log.source.path.name}",
        )


def _compared(section: Section, stated: Averages, rampup: int) -> Iterator[tuple[str, str]]:
    """PTDaemon's averages against the rows they count.

    Raises:
        ImportFileError: the same samples have another average, minimum, maximum, or number of valid ones.
    """
    place = stated.where.rpartition("/")[2]
    if rampup or stated.total > len(section.rows):
        why = (
            f"{rampup} samples of ramp-up" if rampup else f"{stated.total} samples there, {len(section.rows)} rows here"
        )
        yield "ptd-samples", f"{place}: {NOT_COMPARED}: {why}"
        return
    values = [row.values[0] for row in section.rows[: stated.total] if row.counted]
    if not values and not stated.valid:
        return
    counted = (float(np.mean(values)), min(values), max(values)) if values else NOTHING[:3]
    printed = (stated.average_w, stated.low_w, stated.high_w)
    if len(values) != stated.valid or not np.allclose(counted, printed, rtol=0, atol=1.01e-6):
        raise ImportFileError(
            f"{stated.where}: PTDaemon states average, least, greatest {printed} W of {stated.valid} valid samples; "
            f"the {stated.total} rows from {section.where} give {tuple(round(x, 6) for x in counted)} W of "
            f"{len(values)}: rows were edited or lost"
        )


def _problems(section: Section) -> Iterator[tuple[str, str]]:
    """Warnings and errors of PTDaemon within the section, every text once."""
    first_ns, last_ns = section.rows[0].time_ns - SECOND_NS, section.rows[-1].time_ns + SECOND_NS
    counts: dict[str, int] = {}
    unknown = above = 0
    for log in section.logs:
        for _, time_ns, text in log.problems:
            if first_ns <= time_ns <= last_ns:
                counts[text] = counts.get(text, 0) + 1
        within = [value for _, time_ns, value in log.uncertain if first_ns <= time_ns <= last_ns]
        unknown += sum(value is None for value in within)
        above += sum(value is not None for value in within)
    for text, times in counts.items():
        yield "ptd-message", f"{text} ({times} times)"
    if unknown:
        yield "ptd-uncertainty", f"PTDaemon could not state the uncertainty of {unknown} samples"
    if above:
        yield "ptd-uncertainty", f"the uncertainty of {above} samples is above PTDaemon's limit"
