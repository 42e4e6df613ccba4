"""Questions that every lab asks of its archive, by name: title, what it is about, SQL, what is computed of the answer.

Knows the tables. DuckDB answers; only the drift of baselines is more than SQL has (`drift.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from reports.archive.baselines import drifts


@dataclass(frozen=True, slots=True)
class Question:
    """A question in words and in SQL; `finished` makes the answer of what SQL gives."""

    title: str
    note: str
    sql: str
    finished: Callable[[pa.Table], pa.Table] = lambda rows: rows


BASELINES = (
    "SELECT c.sut, c.campaign, min(r.start_utc_ns) AS begun_utc_ns, count(*) AS blocks, avg(r.mean_power_w) AS mean_w "
    "FROM runs r JOIN campaigns c USING (campaign_uid) WHERE r.kind = 'baseline' AND r.included "
    "GROUP BY c.sut, c.campaign ORDER BY c.sut, begun_utc_ns, c.campaign"
)
"""Mean power of the baseline of each campaign."""
DAY = "strftime(make_timestamp_ns({}), '%Y-%m-%d')"
QUESTIONS = {
    "campaigns": Question(
        "Campaigns, by customer",
        "Where its readings come from stands beside each; numbers of an emulated meter are no measurements.",
        f"SELECT customer, campaign, {DAY.format('begun_utc_ns')} AS begun, sut, runs, verdict, origin, is_raw "
        "FROM campaigns ORDER BY customer, begun_utc_ns",
    ),
    "baselines": Question(
        "Drift of the baselines of each machine",
        "Each campaign is one value: the mean power of its baseline blocks that enter the means. U holds 95 %. Whether "
        "machine or meter drifts, a baseline alone does not tell.",
        BASELINES,
        drifts,
    ),
    "instruments": Question(
        "Instruments and their certificates",
        "A row for each instrument and certificate, with the campaigns that it measured.",
        "SELECT i.driver, i.model, i.serial, i.tier, i.certificate, i.certified, i.certificate_expires, "
        "count(DISTINCT i.campaign_uid) AS campaigns, sum(i.n_runs)::BIGINT AS runs, "
        f"{DAY.format('min(c.begun_utc_ns)')} AS first, {DAY.format('max(c.begun_utc_ns)')} AS last, "
        f"bool_or({DAY.format('c.begun_utc_ns')} > i.certificate_expires) AS used_after_expiry "
        "FROM instruments i JOIN campaigns c USING (campaign_uid) GROUP BY ALL ORDER BY i.driver, i.serial, first",
    ),
    "check-loads": Question(
        "Check loads of each instrument",
        "Each check load that was the last before some campaign; the ratio is measured by expected.",
        "SELECT i.driver, i.model, i.serial, i.check_load, i.check_load_utc, i.check_load_ratio, i.check_load_result, "
        "count(DISTINCT i.campaign_uid) AS campaigns FROM instruments i WHERE i.check_load_utc IS NOT NULL "
        "GROUP BY ALL ORDER BY i.driver, i.serial, i.check_load_utc",
    ),
    "releases": Question(
        "Energy of each release",
        "Means of each campaign with their expanded uncertainty (95 %). `archive regression` holds a release against "
        "another.",
        "SELECT s.scenario, c.sut, coalesce(c.release, c.campaign) AS release, s.campaign, "
        f"{DAY.format('c.begun_utc_ns')} AS begun, s.n_runs, s.energy_wh, s.energy_expanded_wh, s.induced_energy_wh, "
        "s.induced_energy_expanded_wh, s.valid, s.provenance FROM scenarios s JOIN campaigns c USING (campaign_uid) "
        "ORDER BY s.scenario, c.sut, c.begun_utc_ns, s.campaign",
    ),
    "scenarios": Question(
        "The same scenario on every machine",
        "Means of each campaign with their expanded uncertainty (95 %), as its report has them.",
        "SELECT s.scenario, c.sut, s.campaign, s.n_runs, s.energy_wh, s.energy_expanded_wh, s.induced_energy_wh, "
        "s.induced_energy_expanded_wh, s.valid, s.provenance FROM scenarios s JOIN campaigns c USING (campaign_uid) "
        "ORDER BY s.scenario, c.sut, c.begun_utc_ns",
    ),
    "findings": Question(
        "Findings, by how many campaigns have them",
        "What to do about each stands in docs/troubleshooting.md.",
        "SELECT code, severity, count(DISTINCT campaign_uid) AS campaigns, count(*) AS findings FROM findings "
        "GROUP BY ALL ORDER BY campaigns DESC, code",
    ),
}  # fmt: skip
