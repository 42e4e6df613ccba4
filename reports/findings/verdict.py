"""The verdict on a campaign, and the decision about a stated limit (JCGM 106).

Knows findings, which runs are out, the scenarios' numbers, `[decision]` of lab.toml. Knows no run and no sentence.

Rule, the worst that applies
    invalid               a finding says that results are wrong. One about a run that is out of the means for it (gaps,
                          readings that cannot be, work not done) does not count: the run is out, and the finding says
                          so; what excluding would hide (a range too small, broken evidence) does. One about a single
                          scenario, or a run of it, makes that scenario invalid, and the campaign only where no scenario
                          with a run in the means is left that stands; broken evidence makes the campaign invalid
    not-certifiable       the readings are not shown to be those of an instrument with a valid certificate, or no
                          scenario run is in the means. A declaration of the lab shows it only where the lab says, in
                          lab.certify_declared of every run, that it certifies on that: then it is a remark
    valid-with-remarks    any other finding, remarks included
    valid                 none

Decision. The result y with expanded uncertainty U is accepted where y <= limit - w, w = guard_band * U (JCGM 106,
8.3.2; guard_band 1 unless lab.toml says otherwise). The specific risk is the probability that the decision is wrong,
the truth being t-distributed about y with standard uncertainty u: of false acceptance P(Y > limit), of false rejection
P(Y <= limit) (JCGM 106, 9.3). With w = U, accepted, the risk of false acceptance is at most 2.5 %.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from harness.record.documents import Json
from reports.findings.lab_rules import takes_run_out
from reports.results.distributions import stdtr
from reports.results.finding import Finding
from reports.results.finding_kinds import kind_of
from reports.results.rules import Rule, was
from reports.results.scenario import ScenarioResult
from reports.results.uncertainty import Number
from reports.results.verdict import Decision, Reason, Verdict, Word

ORDER: tuple[Word, ...] = ("valid", "valid-with-remarks", "not-certifiable", "invalid")
"""Best first."""


def of_result(scenarios: Mapping[str, ScenarioResult]) -> list[Finding]:
    """`no-result`: no scenario run entered a mean."""
    counted = sum(part.n_runs.value for part in scenarios.values())
    return [] if counted else [Finding("no-result", "warn", "campaign", {"scenarios": sorted(scenarios)})]


@dataclass(frozen=True, slots=True)
class Scenarios:
    """Whom a finding is about: `owner` maps names of scenarios and their run folders to the scenario; `measured` are
    the scenarios with a run in the means."""

    owner: Mapping[str, str] = field(default_factory=dict)
    measured: frozenset[str] = frozenset()

    def of(self, finding: Finding) -> str | None:
        """The one scenario that a finding is about; None where it is about the campaign."""
        return None if kind_of(finding.code).is_of_campaign else self.owner.get(finding.subject)


def invalid_because(findings: Sequence[Finding], out: Collection[str], scenarios: Scenarios) -> dict[str, list[str]]:
    """Scenario -> codes of the findings about it alone that say its results are wrong; scenarios without are left
    out."""
    found: dict[str, list[str]] = {}
    for finding in findings:
        name = scenarios.of(finding)
        if name is not None and weight_of(finding, out) == "invalid":
            found.setdefault(name, []).append(finding.code)
    return {name: sorted(set(codes)) for name, codes in found.items()}


def judged(
    findings: Sequence[Finding], out: Collection[str], decision: Decision | None, scenarios: Scenarios | None = None
) -> Verdict:
    """`verdict` of results.json: the word, the reasons (worst first), the decision; `out`: runs not in the means."""
    known = Scenarios() if scenarios is None or was(Rule.VERDICT_BY_SCENARIO) else scenarios
    stands = known.measured - invalid_because(findings, out, known).keys()
    word: Word = "valid"
    reasons: dict[tuple[str, str], Reason] = {}
    for finding in findings:
        weight = weight_of(finding, out)
        if weight == "invalid" and stands and known.of(finding) is not None:
            weight = "valid-with-remarks"
        word = worse(word, weight)
        key = finding.code, finding.severity
        before = reasons.get(key, Reason(*key, "valid", ()))
        subjects = tuple(sorted({*before.subjects, finding.subject}))
        reasons[key] = Reason(*key, worse(before.weighs, weight), subjects)
    heaviest = sorted(reasons.values(), key=lambda reason: -ORDER.index(reason.weighs))
    return Verdict(word, tuple(heaviest), decision)


def worse(one: Word, other: Word) -> Word:
    """The worse of two."""
    return max(one, other, key=ORDER.index)


def weight_of(finding: Finding, out: Collection[str]) -> Word:
    """What one finding makes of the campaign."""
    if finding.severity == "invalid" and not (takes_run_out(finding) and finding.subject in out):
        return "invalid"
    return "not-certifiable" if kind_of(finding.code).is_uncertifiable else "valid-with-remarks"


def decided(config: Json, scenarios: Mapping[str, ScenarioResult]) -> Decision | None:
    """The decision about the limit of `[decision]`; None where no limit is stated. Its numbers are null, and nothing is
    accepted, where the result has no uncertainty (`because`: `no-uncertainty`) or its scenario is invalid."""
    asked = config.get("decision")
    if not isinstance(asked, dict) or not asked.get("scenario"):
        return None
    quantity, limit_wh = str(asked["quantity"]), float(asked["limit_wh"])
    factor, scenario = float(asked["guard_band"]), scenarios.get(str(asked["scenario"]))
    result: Number | None = getattr(scenario, quantity, None)
    if scenario is None or result is None or result.expanded is None or result.estimate.u is None:
        return Decision(
            asked["scenario"], quantity, limit_wh, factor, None, None, None, None, accepted=False, risk=None,
            risk_of=None, because="no-uncertainty",
        )  # fmt: skip
    guard_wh = factor * result.expanded
    numbers = result.value, result.expanded, guard_wh, limit_wh - guard_wh
    if scenario.invalid_because:
        return Decision(
            asked["scenario"], quantity, limit_wh, factor, *numbers, accepted=False, risk=None, risk_of=None,
            because="scenario-invalid",
        )  # fmt: skip
    accepted = result.value <= limit_wh - guard_wh
    above = probability_above(limit_wh, result.value, result.estimate.u, result.estimate.dof)
    return Decision(
        asked["scenario"], quantity, limit_wh, factor, *numbers, accepted=accepted,
        risk=above if accepted else 1.0 - above,
        risk_of="false acceptance" if accepted else "false rejection", because=None,
    )  # fmt: skip


def probability_above(limit: float, value: float, u: float, dof: float | None) -> float:
    """P(Y > limit), Y t-distributed about `value` with scale u; dof None: infinitely many."""
    if u == 0:
        return float(value > limit)
    degrees = 1e12 if dof is None or not math.isfinite(dof) else dof
    return float(stdtr(degrees, (value - limit) / u))
