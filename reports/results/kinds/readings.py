"""Kinds of findings: readings of the meter. Knows no rule that finds one."""

from collections.abc import Mapping

from reports.results.kinds.code import FindingCode
from reports.results.kinds.kind import FindingKind

KINDS: Mapping[FindingCode, FindingKind] = {
    "gap": FindingKind(
        ("warn", "invalid"),
        when=(
            "readings are missing for more than `gap_windows` windows, or for more than `gap_total_percent` of the "
            "interval in all; evidence `holes`: the longest stretches by place (`before the first reading`, `between "
            "readings`, `behind the last reading`), s from the beginning of the interval, with cause; "
            "`gap_energy_wh`, `gap_U_wh` of the energy filled in. Invalid where all gaps together are more than "
            "`gap_total_percent` of the interval, or one is longer than `gap_single_s`"
        ),
        meaning=(
            "No reading covers part of the interval. Between readings its power is interpolated; before the first "
            "and behind the last one that reading stands for it, and U reaches over the range of all readings and "
            "the baseline. The energy so filled in is part of the run's, and is given separately."
        ),
        remedy="Check cable, adapter and the meter's logging interval; repeat the run when gaps exceed the limit.",
        limits=("gap_windows", "gap_total_percent", "gap_single_s"),
        takes_run_out="gaps in its power readings exceed the limits",
    ),
    "stuck": FindingKind(
        ("warn",),
        when="one value unchanged for `stuck_readings` readings while the CPU load spans `stuck_load_percent`",
        meaning="The reading stayed the same while the load changed.",
        remedy="Check that the SUT is really plugged into this meter and that the meter is not on hold.",
        limits=("stuck_readings", "stuck_load_percent"),
    ),
    "stale": FindingKind(
        ("info",),
        when=(
            "readings that repeat one before them; where no new reading says what was since, they hold their value: "
            "no gap"
        ),
        meaning=(
            "The meter gave the same indication again before it had a new one; it holds its value, and nothing is "
            "missing."
        ),
        remedy="Nothing needs to be done; if the indication never changes, check that the meter is not on hold.",
        since="0.2.0",
    ),
    "duplicate": FindingKind(
        ("info",),
        when="two readings with one stamp",
        meaning="The meter sent the same reading twice for one moment.",
        remedy="Check the adapter and that nothing else reads the same port.",
    ),
    "negative": FindingKind(
        ("warn", "invalid"),
        when=(
            "readings below zero, which no running machine has; invalid above `odd_readings_percent` of the run's "
            "readings"
        ),
        meaning=(
            "Readings were negative: a machine that only takes power from the mains has none. A house with solar "
            "panels has, and the sun moves its power by more than most machines do."
        ),
        remedy=(
            "Where the meter sees a whole connection (`p1`, `sml`, `iec62056`, a HomeWizard P1 or kWh meter): measure "
            "at the machine's plug, or when nothing is delivered. Else check polarity and wiring of the meter's "
            "current path. Repeat the run. An import by `power-csv` turns a meter that was connected the wrong way "
            "round: `reversed = true` in its mapping."
        ),
        limits=("odd_readings_percent",),
        takes_run_out="too many of its power readings are negative",
    ),
    "zero": FindingKind(
        ("warn", "invalid"),
        when=(
            "readings of exactly zero, which no running machine has (a counter that stands still from row to row is "
            "none); invalid above `odd_readings_percent` of the run's readings"
        ),
        meaning="Readings were exactly zero while the machine ran.",
        remedy=(
            "Check that the SUT is plugged into this meter and draws more than the least that the meter shows; "
            "repeat the run."
        ),
        limits=("odd_readings_percent",),
        takes_run_out="too many of its power readings are zero",
    ),
    "nan": FindingKind(
        ("warn", "invalid"),
        when="readings that are no numbers; invalid above `odd_readings_percent` of the run's readings",
        meaning="The meter sent readings that are no numbers; the energy lacks them.",
        remedy="Read the run's wire log for what it sent; check the meter's settings; repeat the run.",
        limits=("odd_readings_percent",),
        takes_run_out="too many of its power readings are no numbers",
    ),
    "overrange": FindingKind(
        ("invalid",),
        when="readings of the rating interval were above the meter's range; they are no numbers",
        meaning=(
            "The power, or what it is made of, was outside the meter's range; such readings are no numbers, and the "
            "energy lacks them."
        ),
        remedy=(
            "Choose a range of at least 1.1 times the highest current (`wattlab run --ranging` finds it), and repeat "
            "the run."
        ),
    ),
    "range-implausible": FindingKind(
        ("warn",),
        when=(
            "samples lie above 1.3 times the full scale of volts, amperes or watts, amperes below 1 % of a full scale "
            "that is known, or watts above volts times amperes by more than 5 %"
        ),
        meaning=(
            "Samples do not fit the meter's range, or its volts, amperes and watts do not fit each other; outside its "
            "range a meter may be wrong by half."
        ),
        remedy=(
            "Compare column, full scale and the meter's own display; let `wattlab run --ranging` find a range that the "
            "load fills, and repeat the run."
        ),
        since="0.2.0",
    ),
    "range-disagreement": FindingKind(
        ("warn",),
        when=(
            "runs of one scenario were read in different ranges of a meter, and their mean powers differ by more than "
            "5 % and than the runs in either range"
        ),
        meaning="The same scenario has another power in another range of the meter; one of the ranges is wrong for it.",
        remedy=(
            "Measure a known load in both ranges, fix the one that the load fills in lab.toml, and repeat the runs of "
            "the other."
        ),
        since="0.2.0",
    ),
    "rate-drift": FindingKind(
        ("warn",),
        when=(
            "the mean step between readings, gaps left out, is more than `rate_drift_percent` shorter or longer than "
            "the meter's"
        ),
        meaning="Readings came more seldom or more often than this meter sends them.",
        remedy="Check the meter's logging interval, and that no reading is lost or added on the way.",
        limits=("rate_drift_percent",),
    ),
    "moving-average": FindingKind(
        ("warn",),
        when=(
            "windows overlap: a reading looks back over more time than passes until the next one (`window_s`, "
            "`step_s`); the average is taken apart, what its shape leaves open at the edges is in U"
        ),
        meaning=(
            "Each reading is the mean over more time than passes until the next one. The average was taken apart; "
            "what its shape leaves open at both edges of the run is in U."
        ),
        remedy='Where the meter has the option `averaging`, set it to "off" in lab.toml, and repeat the run.',
        since="0.2.0",
    ),
    "too-short-to-resolve": FindingKind(
        ("info", "warn", "invalid"),
        when=(
            "the interval has fewer than `min_windows` windows of the slowest meter; the edges are in the budget. "
            "Below two windows (`stands_alone`): the energy of a run is the sum of the windows it touches less the "
            "baseline (info); of an action, and where the machine is not at its baseline on both sides, the share by "
            "time, U the energy of the touched windows (warn); below two distances of instantaneous values there is "
            "no energy (invalid)"
        ),
        meaning=(
            "The meter gives few readings in an interval of this length. Below two of its windows the energy is the "
            "sum of the windows that the interval touches, less the baseline; where other load stands in them too, U "
            "is as large as their energy. Between instantaneous values a load is not seen, and the run enters no "
            "mean."
        ),
        remedy="Use a faster meter, or repeat the work within one run so that it lasts longer.",
        limits=("min_windows",),
        takes_run_out="its interval is shorter than two distances of its meter's instantaneous values",
    ),
    "quantisation": FindingKind(
        ("warn",),
        when="u of the resolution is more than `quantisation_percent` of the interval's energy",
        meaning="The steps of the meter's display are too coarse for this energy.",
        remedy="Use a meter or a range with a finer display, or measure longer.",
        limits=("quantisation_percent",),
    ),
}
