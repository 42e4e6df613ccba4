"""Kinds of findings: the meter as an instrument. Knows no rule that finds one."""

from collections.abc import Mapping

from reports.results.kinds.code import FindingCode
from reports.results.kinds.kind import FindingKind

KINDS: Mapping[FindingCode, FindingKind] = {
    "calibration-expired": FindingKind(
        ("warn",),
        when=(
            "subject is a meter; evidence `state`: its certificate was `expired` when a run began, or is `missing` "
            "(where the lab keeps a register, or the meter is a real instrument)"
        ),
        meaning="The meter measured with an expired certificate, or without one.",
        remedy="Have it calibrated, and write the certificate into the instrument register (docs/instruments.md).",
        is_uncertifiable=True,
        is_deviation=True,
    ),
    "check-load-due": FindingKind(
        ("warn",),
        when=(
            "subject is a meter; `lab.check_load_days` asks for a check load, the last one `failed`, is `old`, or "
            "`missing`"
        ),
        meaning="The meter's last check load had failed or was older than the lab allows, or there was none.",
        remedy=(
            "Run `wattlab check --check-load NAME` before the campaign: a load of known power shows, for instance, a "
            "wrong transformer ratio."
        ),
        is_deviation=True,
    ),
    "limits-unknown": FindingKind(
        ("warn",),
        when=(
            "nobody states the limits of error of a meter whose readings are the result; U assumes those of its tier "
            "and is not complete"
        ),
        meaning=(
            "Nobody states how wrong this meter may be: U assumes at the least what meters of its kind are wrong by, "
            "and is not complete."
        ),
        remedy=(
            "State its limits in lab.toml (`[meters.NAME] limits_percent`), or have it calibrated and register its "
            "certificate."
        ),
        own_effect="The energies stand, with a U that is not complete.",
    ),
    "limits-stated": FindingKind(
        ("info", "warn"),
        when=(
            "the limits of error of a meter are the lab's own (`limits_percent`); a warning where they are narrower "
            "than those that are assumed of a meter of its tier, and no certificate is there"
        ),
        meaning=(
            "The limits of error of this meter are what the laboratory stated in lab.toml, in place of its maker's. U "
            "rests on that word."
        ),
        remedy=(
            "Name the source of the limits, such as a data sheet; a certificate in the instrument register proves them."
        ),
        since="0.2.0",
        own_effect="The energies stand; U is as narrow as the laboratory stated.",
    ),
    "meter-uncertainty": FindingKind(
        ("warn",),
        when=(
            "limits of error above `limits_of_error_percent` on average, or for more than "
            "`limits_of_error_share_percent` of the readings; what the instrument states of a reading comes before "
            "its data sheet, a certificate with a stability too"
        ),
        meaning="The meter's limits of error are above the allowed part of the power.",
        remedy="Choose a smaller range or a more accurate meter; a load near the range's end helps.",
        limits=("limits_of_error_percent", "limits_of_error_share_percent"),
    ),
    "auto-range": FindingKind(
        ("warn",),
        when="the meter chose its range itself during a rated run, or changed it",
        meaning=(
            "The meter could change its range during a rated run; while it does, it measures nothing, and its limits "
            "of error change with the range."
        ),
        remedy="Let `wattlab run --ranging` find the range, fix it in lab.toml, and repeat the campaign.",
        is_deviation=True,
    ),
    "cross-check": FindingKind(
        ("invalid",),
        when="two meters on one circuit differ by more than their limits of error together",
        meaning="Two meters on one circuit disagree by more than their limits of error together.",
        remedy=(
            "Measure a known load with both: one of them is wrong, has a wrong transformer ratio, or is not on this "
            "circuit."
        ),
    ),
    "cross-check-open": FindingKind(
        ("info",),
        when="two meters on one circuit, the limits of error of one are not known",
        meaning=(
            "Two meters measured one circuit, but of one of them the limits of error are not known, so their "
            "difference says nothing."
        ),
        remedy=(
            "Use a meter with stated limits of error, state them in lab.toml (`limits_percent`), or have this one "
            "calibrated."
        ),
    ),
    "stamp-contradicted": FindingKind(
        ("warn",),
        when="subject is a sync run: the pulse contradicts the stamps that the meter's description states",
        meaning="The sync pulse shows this meter's readings at another time than the meter's description says.",
        remedy="Check driver, logging interval and the meter's manual; `wattlab meter check` shows window and stamp.",
    ),
    "sync-failed": FindingKind(
        ("info",),
        when="subject is a sync run: the pulse shows nothing",
        meaning="The sync pulse did not show how this meter's stamps lie in time.",
        remedy=(
            "Repeat it on an idle machine, with a load that takes more power; until then the budget of uncertainty "
            "holds the doubt about the stamps."
        ),
    ),
}
