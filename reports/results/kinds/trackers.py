"""Kinds of findings: software trackers beside the meter. Knows no rule that finds one."""

from collections.abc import Mapping

from reports.results.kinds.code import FindingCode
from reports.results.kinds.kind import FindingKind

KINDS: Mapping[FindingCode, FindingKind] = {
    "tracker-no-number": FindingKind(
        ("warn",),
        when=(
            "a tracker gave no energy for a run; evidence `reason`: `no-artefact`, `unreadable`, `no-number`, "
            "`negative`"
        ),
        meaning="A tracker that was to run beside the meter gave no energy for this run, so nothing can be compared.",
        remedy="Read the run's artifacts/tracker-*.json and stdout.txt; docs/trackers.md says what each tracker needs.",
        own_effect="The tracker's figure enters no comparison of this run; the run's energy stands.",
    ),
    "tracker-unplaced": FindingKind(
        ("warn",),
        when="nothing maps the clock of a tracker's interval to the run's time base, or it ends before it begins",
        meaning=(
            "A tracker's interval cannot be put on the time base of this run: nothing maps its clock, or it ends "
            "before it begins."
        ),
        remedy=(
            "Let the tracker run inside a run of wattlab; of an attached file, say `--over-run` if it is of the "
            "whole run."
        ),
        own_effect="The tracker's figure enters no comparison of this run; the run's energy stands.",
    ),
    "tracker-outside-record": FindingKind(
        ("warn",),
        when="more than `gap_total_percent` of a tracker's interval lies before the first or after the last reading",
        meaning="A tracker's interval reaches beyond the meter's readings of this run; it enters no comparison.",
        remedy="Raise `stabilization_s` and `supplementary_s`, so that the meter reads before and after the tracker.",
        limits=("gap_total_percent",),
        own_effect="The tracker's figure enters no comparison of this run; the run's energy stands.",
    ),
    "tracker-unresolved": FindingKind(
        ("warn",),
        when=(
            "the meter gives nothing beside a tracker's figure; evidence `reason`: `too-short` (below two steps "
            "between momentary values: `duration_s`, `least_s`), `no-energy`"
        ),
        meaning=(
            "A tracker's interval is shorter than the meter resolves (below two steps between its readings), or the "
            "meter shows no energy in it; the figure stands alone and enters no comparison."
        ),
        remedy="Compare longer runs, or read a meter that gives more readings a second.",
        since="0.2.0",
        own_effect="The tracker's figure enters no comparison of this run; the run's energy stands.",
    ),
    "tracker-far-above": FindingKind(
        ("warn",),
        when="a tracker's figure is more than ten times the meter's energy of its interval; evidence `ratio`",
        meaning=(
            "A tracker's figure is more than ten times what the meter saw. It is of another unit, of more machines "
            "than the meter feeds, or of more than this interval, as a sum over earlier runs is."
        ),
        remedy="Compare its unit, its machines and its interval with the meter's; docs/trackers.md says what is read.",
        since="0.2.0",
    ),
    "tracker-clock-bound": FindingKind(
        ("warn",),
        when=(
            "clock bound times the power at both edges of a tracker's interval is above `clock_bound_percent` of its "
            "energy"
        ),
        meaning="The clocks are not known well enough for a tracker's interval of this length; the doubt is in U.",
        remedy="Bring SUT and host closer together in the network, measure longer, or let wattlab start the tracker.",
        limits=("clock_bound_percent",),
    ),
}
