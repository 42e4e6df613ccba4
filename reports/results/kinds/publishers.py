"""Kinds of findings: what the rules of an imported run's publisher ask of it. Knows no rule that finds one."""

from collections.abc import Mapping

from reports.results.kinds.code import FindingCode
from reports.results.kinds.kind import FindingKind

RULES = "MLPerf Training's power rules"
SINCE = "0.2.0"
KINDS: Mapping[FindingCode, FindingKind] = {
    "publisher-apart": FindingKind(
        ("warn",),
        when=(
            "a log of the submission has no reading in the timed part of its run; evidence `meters`: how far ahead its "
            "middle lies (`ahead_s`), and the zone that this could be (`as_a_zone_h`)"
        ),
        meaning="A log of this submission lies elsewhere in time than its run, and is in no sum.",
        remedy="Ask the publisher for that log's clock. wattlab moves no clock to make a log fit.",
        since=SINCE,
    ),
    "publisher-conversion": FindingKind(
        ("warn",),
        when="readings that are AC carry a conversion factor; evidence `conversion_eff`",
        meaning=(
            "The readings are AC and carry a factor that makes DC of them. The energies here are of the readings, AC; "
            "the publisher's score has the factor in it."
        ),
        remedy="Compare AC with AC: multiply by the factor of the evidence to reach the publisher's DC figure.",
        since=SINCE,
    ),
    "publisher-current": FindingKind(
        ("warn",),
        when="a meter is left out of the sum because it reads another kind of current; evidence `meters`",
        meaning="A meter reads another kind of current (AC, DC, not stated) than the nodes, and is in no sum.",
        remedy="Ask the publisher at which side of the power supply each log was read.",
        since=SINCE,
    ),
    "publisher-duration": FindingKind(
        ("warn",),
        when="MLPerf Tiny asks for 10 s of inferences, and the window is shorter; evidence `window_s`, `least_s`",
        meaning="The window is shorter than the 10 s that the publisher's rules ask for.",
        remedy="Run more inferences in each window.",
        since=SINCE,
    ),
    "publisher-estimate": FindingKind(
        ("warn",),
        when="a part of the sum is an estimate of the publisher (`interconnect_power_est`); evidence `estimate_w`",
        meaning="Part of this energy was read by nobody: the publisher states it as the most that a component takes.",
        remedy="Look at the circuits of the run: the estimate is one by itself.",
        since=SINCE,
        is_uncertifiable=True,
    ),
    "publisher-rate": FindingKind(
        ("warn",),
        when=(
            f"{RULES} ask for a reading every second, and steps are longer than 1.05 s; evidence `meters`: how many "
            "`steps`, the longest, the readings there are and are `due`"
        ),
        meaning="The readings are further apart than the second that the publisher's rules allow.",
        remedy="Log the meter at 1 Hz or faster, with stamps finer than a second.",
        since=SINCE,
    ),
    "publisher-samples": FindingKind(
        ("warn",),
        when=f"{RULES} ask for 60 samples, and the timed part has fewer; evidence `meters`: how many",
        meaning="The timed part has fewer readings than the 60 that the publisher's rules ask for.",
        remedy="Lengthen the run, as the rules propose, or log faster.",
        since=SINCE,
    ),
    "publisher-spacing": FindingKind(
        ("warn",),
        when=(
            f"{RULES} ask for readings that are distributed evenly, and the longest step is more than 1.5 times the "
            "usual one; evidence `meters`: `usual_s`, `longest_s`"
        ),
        meaning="The readings are not spread evenly over the timed part, as the publisher's rules ask.",
        remedy="Log with a timer and not with a pause between readings; check what held the logger up.",
        since=SINCE,
    ),
    "publisher-stamps": FindingKind(
        ("warn",),
        when="readings of a log have the stamp of another; evidence `meters`: how many",
        meaning=(
            "Several readings of a log have one stamp. The publisher's rule counts such a reading for no time at all."
        ),
        remedy="Log stamps finer than the interval between readings.",
        since=SINCE,
    ),
    "publisher-twins": FindingKind(
        ("warn",),
        when="two components of the sum have the same readings at the same times, all of them; evidence `meters`",
        meaning="Two components of the sum have one log: all readings are the same, as those of no two machines are.",
        remedy="Ask the publisher for the missing log. One component is counted twice and another not at all.",
        since=SINCE,
    ),
}
