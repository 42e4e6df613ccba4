"""Kinds of findings: what people and wattlab noted. Knows no rule that finds one."""

from collections.abc import Mapping

from reports.results.kinds.code import FindingCode
from reports.results.kinds.kind import FindingKind

KINDS: Mapping[FindingCode, FindingKind] = {
    "excluded-by-operator": FindingKind(
        ("warn",),
        when="annotations.jsonl: a run taken out of the means (who, when, why)",
        meaning=(
            "The operator took this run out of the means after it was measured. The evidence says who did so and why."
        ),
        remedy="Judge the reason: it must be a technical one. The run's own figures stay in the table of all runs.",
        is_deviation=True,
        is_of_lost_run=True,
    ),
    "annotation": FindingKind(
        ("info",),
        when="annotations.jsonl: a note",
        meaning="The operator added a note to the campaign.",
        remedy="Judge whether what the note says touches a result; where it does, measure those runs again.",
    ),
    "note": FindingKind(
        ("info",),
        when="a note event of a run; one that several runs share is one finding of the campaign",
        meaning="wattlab noted something that it could not read or do while it measured.",
        remedy=(
            "Where the evidence names something that is missing, install or connect it before the next campaign; a "
            "note about what the machine does not have needs nothing."
        ),
    ),
}
