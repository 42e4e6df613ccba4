"""Kinds of findings: the campaign as a whole. Knows no rule that finds one."""

from collections.abc import Mapping

from reports.results.kinds.code import FindingCode
from reports.results.kinds.kind import FindingKind

KINDS: Mapping[FindingCode, FindingKind] = {
    "no-result": FindingKind(
        ("warn",),
        when="no scenario run is in a mean",
        meaning="No scenario run is in a mean, so there is no result.",
        remedy="Read the reason of each run in the table of all runs, mend it, and let `wattlab run` repeat them.",
        is_uncertifiable=True,
        own_effect="There is no mean to be compared or certified.",
    ),
    "pooled-incomparable": FindingKind(
        ("warn", "invalid"),
        when=(
            "runs of one mean, or of it and its baseline, differ in a staged file, a file that the command names on "
            "the SUT, the packages or interpreter of its Python, parameters, machine, meter or its certificate "
            "(invalid; evidence has both), in other software (warn). Runs that did not record their program differ "
            "in nothing by that"
        ),
        meaning=(
            "Runs of one mean, or of its baseline, were not made alike. The evidence names what differs, with its "
            "digests."
        ),
        remedy=(
            "Repeat the runs with one program, packages and parameters, on one machine, with one meter and certificate."
        ),
    ),
    "order-confounded": FindingKind(
        ("warn",),
        when="Cliff's delta of two scenarios' ordinals above `order_delta`: they were not interleaved",
        meaning=(
            "Scenarios were measured one after the other, so whatever changed with time looks like a difference of "
            "them."
        ),
        remedy='Set `order = "shuffled"` in lab.toml and repeat the campaign.',
        limits=("order_delta",),
    ),
    "autocorrelated": FindingKind(
        ("warn",),
        when=(
            "lag-1 autocorrelation of 20 or more runs or blocks above `autocorrelation_standard_errors` / sqrt(n) - 1/n"
        ),
        meaning="A value resembles the one before it, so these runs say less than as many independent ones.",
        remedy="Lengthen the pause or use the thermal gate, keep the room's temperature; U already counts fewer runs.",
        limits=("autocorrelation_standard_errors",),
    ),
    "outlier": FindingKind(
        ("warn",),
        when=(
            "abs(modified z) > `outlier_modified_z` of 10 or more baseline blocks (mean power) or runs of a scenario "
            "(energy); subject is a run; shown with and without"
        ),
        meaning=(
            "A value lies far from the median of its group. The headline includes it; the page also gives the result "
            "without it."
        ),
        remedy=(
            "Look at the run's power trace for a technical reason; exclude a run only for such a reason, with a note."
        ),
        limits=("outlier_modified_z",),
    ),
    "success-fraction": FindingKind(
        ("warn",),
        when=(
            "fewer than `min_success_percent` of a scenario's runs or of the baseline's blocks, aborted, failed, "
            "lost and repeated ones counted, are in the means and reached their target"
        ),
        meaning=(
            "Many runs of this scenario were lost or missed their target, so those that count may not stand for all."
        ),
        remedy="Find out why the runs failed before using the mean; report the energy per success.",
        limits=("min_success_percent",),
        is_deviation=True,
    ),
    "underpowered": FindingKind(
        ("warn",),
        when="U is more than `half_width_percent` of the result, or unknown",
        meaning="The uncertainty is a larger part of the result than was wanted, or not known at all.",
        remedy=(
            "Measure more runs and more baseline blocks: the half-width falls with the root of their number. The "
            "report's Statistics say how many, where these runs allow a plan."
        ),
        limits=("half_width_percent",),
    ),
    "limits-loosened": FindingKind(
        ("warn",),
        when="a threshold looser than the method's",
        meaning="The laboratory judged by limits that are looser than the method's. The evidence gives both.",
        remedy="Remove these lines from [thresholds] of lab.toml, or state why they are right here.",
        is_deviation=True,
    ),
    "shortened-interval": FindingKind(
        ("info",),
        when="a scenario's runs, or the baseline's blocks, are shorter than `min_interval_s`",
        meaning="The measuring interval is shorter than the five minutes that DE-UZ 215 asks for.",
        remedy="Lengthen the scenario, or repeat it within one run.",
        limits=("min_interval_s",),
        is_deviation=True,
    ),
    "few-runs": FindingKind(
        ("info",),
        when="a scenario has fewer runs than `min_scenario_runs`",
        meaning="There are fewer scenario runs than the 30 that the core study and DE-UZ 215 use.",
        remedy="Raise `repetitions` in lab.toml.",
        limits=("min_scenario_runs",),
        is_deviation=True,
    ),
    "few-baseline-runs": FindingKind(
        ("info",),
        when="the baseline has fewer blocks than `min_baseline_runs`",
        meaning="There are fewer baseline runs than the 10 that DE-UZ 215 asks for.",
        remedy="Raise `baseline.blocks` in lab.toml.",
        limits=("min_baseline_runs",),
        is_deviation=True,
    ),
    "few-baseline-blocks": FindingKind(
        ("info",),
        when="the baseline has fewer blocks than `min_baseline_blocks`",
        meaning=(
            "There are fewer baseline blocks than the method asks for: they hardly know their own spread and do not "
            "see what happens between them. U of every induced energy is wider for it."
        ),
        remedy="Raise `baseline.blocks` in lab.toml.",
        limits=("min_baseline_blocks",),
        is_deviation=True,
    ),
    "fixed-epochs": FindingKind(
        ("info",),
        when=(
            "the parameter that gives runs a fixed amount of work (`unless` in [target] of scenario.toml; by default "
            "`fixed_epochs`) is above zero; evidence has it by its name"
        ),
        meaning="The runs did a fixed amount of work: they did not end at the target that their scenario declares.",
        remedy="Set the parameter that the evidence names to 0 in the scenario's parameters.",
        is_deviation=True,
    ),
    "generated-data": FindingKind(
        ("info",),
        when="summary.json names a `dataset` of another kind than the published study's ([published] of scenario.toml)",
        meaning="The data are not those of the published study that the scenario repeats.",
        remedy="Give `wattlab sut prepare` the published data (of the core study: the archive flower_photos).",
        is_deviation=True,
    ),
    "generated-weights": FindingKind(
        ("info",),
        when="summary.json names `weights` of another kind than the published study's ([published] of scenario.toml)",
        meaning="The network does not begin with the weights of the published study that the scenario repeats.",
        remedy="Let `wattlab sut prepare` fetch the published weights (of the core study: ImageNet's) or give it one.",
        is_deviation=True,
    ),
    "target-not-reached": FindingKind(
        ("info",),
        when="summary.json says that the target ([target] of scenario.toml) was not reached; a result, not an error",
        meaning=(
            "A run ended without reaching the target that its summary names; it stays in the means, and the fraction "
            "of successes is given."
        ),
        remedy="Report the energy per success beside the energy per run.",
    ),
}
