"""Kinds of findings: the baseline and the induced energy. Knows no rule that finds one."""

from collections.abc import Mapping

from reports.results.kinds.code import FindingCode
from reports.results.kinds.kind import FindingKind

KINDS: Mapping[FindingCode, FindingKind] = {
    "baseline-missing": FindingKind(
        ("warn",),
        when="no induced energy can be given",
        meaning="There is no baseline, so the energy that the software itself causes cannot be separated.",
        remedy="Measure baseline blocks in the same session as the scenario runs.",
        is_deviation=True,
        own_effect="No induced energy is given.",
    ),
    "baseline-other-session": FindingKind(
        ("warn",),
        when="a scenario's runs have no baseline of their own session",
        meaning="The baseline was not measured in the same session as the runs it is subtracted from.",
        remedy="Measure baseline blocks before, between and after the runs, on the same day and without a restart.",
        is_deviation=True,
    ),
    "baseline-outside": FindingKind(
        ("warn",),
        when="runs before the first or after the last block of their session",
        meaning=(
            "Runs lie before the first or after the last baseline block of their session, so drift there is not seen."
        ),
        remedy="Measure baseline blocks before, between and after the runs.",
    ),
    "baseline-short": FindingKind(
        ("info",),
        when="the shortest block is less than 0.9 of the longest run",
        meaning="Baseline blocks are shorter than the runs they are subtracted from.",
        remedy="Raise `baseline.duration_s` in lab.toml to the length of the longest run.",
    ),
    "baseline-drift": FindingKind(
        ("warn",),
        when=(
            "the last block less the first, over the length of a run, is above `baseline_drift_percent` of U "
            "([method](method.md), section 3); and only where the slope of the block means is more than its own "
            "noise (t at 95 %)"
        ),
        meaning="The power of the idle machine changed between baseline blocks by more than the result can ignore.",
        remedy=(
            "Let the machine settle longer, keep the room's temperature, spread more baseline blocks between the runs."
        ),
        limits=("baseline_drift_percent",),
    ),
    "baseline-unsteady": FindingKind(
        ("warn",),
        when=(
            "what the blocks of the runs' session differ by (least to greatest), over the length of a run, is more "
            "than `baseline_unsteady_percent` of U of the induced energy, or of that energy itself"
        ),
        meaning=(
            "The baseline blocks differ from each other by more than the induced energy may be wrong by, or by more "
            "than it is: the idle machine was not one and the same."
        ),
        remedy=(
            "End what wakes up by itself on the SUT, let it settle (`campaign.settle`, `gate`), then repeat the "
            "campaign."
        ),
        limits=("baseline_unsteady_percent",),
        since="0.2.0",
    ),
    "load-before-run": FindingKind(
        ("warn",),
        when=(
            "fewer than five blocks, and the power just before runs (`before_w`) is nearer to that of the runs "
            "(`run_w`) than to the baseline's (`baseline_w`), by more than the blocks differ"
        ),
        meaning=(
            "Just before runs the power was that of the run, not the baseline's: the load had begun before the run. U "
            "of the induced energy takes the difference as an error of the baseline."
        ),
        remedy=(
            "Move the beginning of the runs to where the load begins, or leave the machine idle for 10 s before each "
            "run. With five baseline blocks in the session, U no longer holds it; the energy before the run is still "
            "not in the result."
        ),
        since="0.2.0",
    ),
    "induced-negative": FindingKind(
        ("invalid",),
        when="induced + U < 0",
        meaning=(
            "The induced energy is below zero by more than its uncertainty: this baseline does not belong to these "
            "runs."
        ),
        remedy="Measure the baseline again in the same session; do not use the value.",
    ),
    "induced-indistinguishable-from-zero": FindingKind(
        ("warn",),
        when="abs(induced) <= U",
        meaning="The induced energy cannot be told from zero, so no efficiency factor is given.",
        remedy=(
            "Measure longer or more runs, or more baseline blocks. Where `load-before-run` is found too, follow "
            "that first."
        ),
        own_effect="No efficiency factor of the induced energy is given.",
    ),
}
