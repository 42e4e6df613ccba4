"""Questions that every lab asks of its archive, by name: title, what it is about, SQL.

Knows the tables. Computes nothing: DuckDB does.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """A question in words and in SQL."""

    title: str
    note: str
    sql: str


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
        "Mean power of the baseline blocks that enter the means; their slope, of a week or more, has no U.",
        "SELECT c.sut, count(*) AS blocks, count(DISTINCT r.campaign_uid) AS campaigns, "
        f"{DAY.format('min(r.start_utc_ns)')} AS first, {DAY.format('max(r.start_utc_ns)')} AS last, "
        "avg(r.mean_power_w) AS mean_w, stddev_samp(r.mean_power_w) AS sd_w, "
        "CASE WHEN max(r.start_utc_ns) - min(r.start_utc_ns) >= 7 * 86400000000000 "
        "THEN 30 * regr_slope(r.mean_power_w, r.start_utc_ns / 8.64e13) END AS slope_w_in_30_days "
        "FROM runs r JOIN campaigns c USING (campaign_uid) WHERE r.kind = 'baseline' AND r.included "
        "GROUP BY c.sut ORDER BY c.sut",
    ),
    "instruments": Question(
        "Instruments and their certificates",
        "A row for each instrument and certificate, with the campaigns that it measured.",
        "SELECT i.driver, i.model, i.serial, i.tier, i.certificate, count(DISTINCT i.campaign_uid) AS campaigns, "
        f"sum(i.n_runs) AS runs, {DAY.format('min(c.begun_utc_ns)')} AS first, {DAY.format('max(c.begun_utc_ns)')} AS "
        "last FROM instruments i JOIN campaigns c USING (campaign_uid) GROUP BY ALL ORDER BY i.driver, i.serial, first",
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
