"""The entry of a code in the catalogue of findings: the record. Knows no code."""

from collections.abc import Iterator
from dataclasses import dataclass

from reports.results.finding import Severity

SEVERITIES = {"invalid": "invalid", "warn": "warning", "info": "remark"}
"""Severity in results.json -> the word printed, worst first."""


@dataclass(frozen=True, slots=True)
class FindingKind:
    """What there is to know of one code: when it is found, its words, what follows from it."""

    severities: tuple[Severity, ...]
    """How much one may weigh, lightest first."""
    when: str
    """What its rule finds, for docs/results.md, with the keys of its evidence."""
    meaning: str
    """What it means, in sentences for whom the report is for; the first clause stands alone on the terminal."""
    remedy: str
    """What to do next, in sentences for the same reader."""
    limits: tuple[str, ...] = ()
    """Keys of [thresholds] in lab.toml that its rule judges by."""
    takes_run_out: str = ""
    """Why a run with an `invalid` one enters no mean; empty where it does. The campaign's result stays what it is."""
    since: str = "0.1.0"
    """First version that could find it."""
    own_effect: str = ""
    """What else follows from it, a sentence; empty where nothing does."""
    is_uncertifiable: bool = False
    """Whether no certificate can rest on results with it."""
    is_of_campaign: bool = False
    """Whether one about a run counts for the whole campaign: nothing says what else was changed."""
    is_deviation: bool = False
    """Whether it says that the measurement departed from the method or from what was planned."""
    is_of_lost_run: bool = False
    """Whether it says of a run why it enters no mean, whatever its severity is."""
    is_of_page: bool = False
    """Whether the whole page says it, so that a run's row need not."""
    is_noted: bool = False
    """Whether a note of its code in a run's journal is this finding, and no `note`."""

    @property
    def weights(self) -> str:
        """Its severities as they are printed: 'warning or invalid'."""
        *others, last = (SEVERITIES[severity] for severity in self.severities)
        return f"{', '.join(others)} or {last}" if others else last

    def effects(self) -> Iterator[str]:
        """What it does to the run, the results and the audit report, each a sentence."""
        of_some = "" if self.severities == ("invalid",) else "Where it is invalid: "
        if self.is_of_lost_run:
            yield "The run enters no mean."
        if self.takes_run_out:
            yield f"{of_some}{'the' if of_some else 'The'} run enters no mean; the others stand."
        if self.is_of_campaign:
            yield "The whole campaign is invalid."
        elif "invalid" in self.severities and not self.takes_run_out:
            results = "results of its scenario may not be used, or those of the campaign where it is about all."
            yield f"{of_some}{'the' if of_some else 'The'} {results}"
        if self.own_effect:
            yield self.own_effect
        if self.is_uncertifiable:
            yield "No certificate can rest on the results."
        if self.is_deviation:
            yield "The audit report lists it among the deviations."


UNKNOWN = FindingKind(
    severities=("info", "warn", "invalid"),
    when="",
    meaning="This version of wattlab has no sentence for this finding.",
    remedy="Make the report with the version that found it, or look its code up in that version's docs/results.md.",
)
"""Of a code that this version does not have: nothing follows from it but by its severity."""
