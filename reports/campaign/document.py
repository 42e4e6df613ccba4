"""results.json: its sections in the order of docs/results.md, as a record and as text.

Knows the shape of the file. Computes nothing but the statistics of what stands in it.
"""

import json
from dataclasses import asdict, dataclass

from harness.record.documents import VERSION, Json
from reports.campaign import statistics as campaign_statistics
from reports.campaign.group import Group
from reports.readings import bounded
from reports.results.codec import encoded
from reports.results.finding import Finding
from reports.results.trackers import Trackers

SCHEMA = 2
"""Schema history of results.json: 1, 2026-11-21, first version; 2, 2026-11-28, `computed_by`, more keys, and the rules
of wattlab 0.2.0 (`rules.Rule`; CHANGELOG.md, "Changes to results")."""
RESULTS = "results.json"


@dataclass(frozen=True, slots=True)
class CampaignResult:
    """results.json, section by section."""

    campaign: Json
    measurement: Json
    meters: list[Json]
    cross_checks: list[Json]
    sut: Json
    host: Json
    indicators: list[Json]
    baseline: Json | None
    scenarios: dict[str, Json]
    label: Json
    clock: Json
    observer: Json | None
    records: Json
    trackers: Trackers | None
    runs: list[Json]
    findings: list[Finding]
    thresholds: Json
    verdict: Json
    inputs: dict[str, str | None]
    evidence: Json
    groups: "dict[str, Group]"
    """Scenario -> its included runs; not in the file, for what is computed of several campaigns."""

    def to_json(self) -> Json:
        """For the file, in the order of docs/results.md; `statistics` is computed here, of the rest."""
        rest = self.without_statistics()
        return rest | {"statistics": campaign_statistics.evaluate(rest)}

    def without_statistics(self) -> Json:
        """All but what R computes."""
        return {
            "schema": SCHEMA, "computed_by": {"name": "wattlab", "version": VERSION},
            "campaign": self.campaign, "measurement": self.measurement, "meters": self.meters,
            "cross_checks": self.cross_checks,
            "sut": self.sut, "host": self.host, "indicators": self.indicators, "baseline": self.baseline,
            "scenarios": self.scenarios, "label": self.label, "clock": self.clock, "observer": self.observer,
            "records": self.records, "trackers": encoded(self.trackers), "runs": self.runs,
            "findings": [asdict(finding) for finding in self.findings], "thresholds": self.thresholds,
            "verdict": self.verdict, "inputs": self.inputs, "evidence": self.evidence,
        }  # fmt: skip


def results_text(results: Json) -> str:
    """results.json as it is written; half a character (of a name that a SUT said) is replaced."""
    text = json.dumps(results, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    return str(bounded.cleaned(text))
