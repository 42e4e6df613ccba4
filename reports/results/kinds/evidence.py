"""Kinds of findings: seals and witnesses. Knows no rule that finds one."""

from collections.abc import Mapping

from reports.results.kinds.code import FindingCode
from reports.results.kinds.kind import FindingKind

KINDS: Mapping[FindingCode, FindingKind] = {
    "broken-seal": FindingKind(
        ("invalid",),
        when=(
            "a byte of a sealed file, of the chain of runs or of the campaign's log was changed, is missing or was "
            "added (`wattlab verify`)"
        ),
        meaning="A sealed file, the chain of runs or the campaign's log is not as it was written.",
        remedy="Restore the campaign from a copy made after measuring; `wattlab verify` names every file that differs.",
        is_of_campaign=True,
        is_of_lost_run=True,
    ),
    "seal-unsigned": FindingKind(
        ("warn",),
        when="lab.toml names a key that signs the seals, and this one is not signed; evidence `reason`",
        meaning="The seal of this run was to be signed when it was made, and was not; the evidence gives the reason.",
        remedy="Make the key usable ([seal] in lab.toml: agent loaded, token plugged in) before the next run.",
        since="0.2.0",
    ),
    "receipt-missing": FindingKind(
        ("warn",),
        when=(
            "a witness that lab.toml names gave no receipt for this head; evidence `span_s`: for how long nobody "
            "else knew (until the next receipt, which covers it; null: none came)"
        ),
        meaning=(
            "The witness did not receive this head of the log; until it does, nobody but the laboratory knows of it."
        ),
        remedy="Run `wattlab witness send`: it sends what is missing, and the receipt then says how late it is.",
        since="0.2.0",
    ),
    "receipt-late": FindingKind(
        ("warn",),
        when=(
            "a witness gave its receipt for this head later than `receipt_late_s` after it was written; evidence "
            "`span_s`: for how long nobody else knew"
        ),
        meaning="The witness received this head of the log late; until then nobody but the laboratory knew of it.",
        remedy="Find out why the witness could not be reached then; the longer the span, the less the receipt proves.",
        limits=("receipt_late_s",),
        since="0.2.0",
    ),
    "witness-clock": FindingKind(
        ("warn",),
        when="the witness stamped a receipt more than 5 s before its entry: the clocks of host and witness disagree",
        meaning=(
            "The witness's receipt is older than the entry of the log that it is for, so the clocks of host and "
            "witness disagree."
        ),
        remedy="Set the host's clock by NTP, and ask the witness for the state of its own.",
        since="0.2.0",
    ),
}
