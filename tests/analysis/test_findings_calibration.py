"""`calibration-expired` and `check-load-due`: each fires on one side of its date and stays silent on the other."""

from dataclasses import replace
from typing import Any, Literal

import pytest

from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import Json
from harness.record.run_folder import RunFolder
from reports.findings.campaign import of_calibration, of_pooling
from tests.reports.make_campaign import Shape, make_campaign

REGISTERED: Json = {"instruments": "instruments.toml"}
CHECKED: Json = {"utc": "2026-11-01T08:00:00Z", "check_load": "lamp", "ratio": 1.001, "passed": True}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    campaign = make_campaign(tmp_path_factory.mktemp("f"), Shape(repetitions=1, baseline_blocks=1, duration_s=10))
    return CampaignFolder(campaign).runs()[0]


def found(
    run: RunFolder,
    calibration: Json | None,
    lab: Json,
    origin: Literal["emulated", "instrument", "imported"] = "instrument",
    utc: str = "2026-11-21T09:00:00.000Z",
) -> list[tuple[str, str, Any]]:
    power = tuple(replace(part, calibration=calibration, origin=origin) for part in run.power[:1])
    start = replace(run.start, utc=utc, config=run.start.config | {"lab": lab})
    findings = of_calibration([replace(run, start=start, power=power)] * 2)
    assert all(finding.evidence["runs"] == 2 and finding.subject == power[0].meter for finding in findings)
    return [(finding.code, finding.severity, finding.evidence["state"]) for finding in findings]


def certificate(expires: str | None, check_load: Json | None = None) -> Json:
    return {"instrument": "wt", "number": "1", "expires": expires, "points": [], "check_load": check_load}


EXPIRED, MISSING = [("calibration-expired", "warn", "expired")], [("calibration-expired", "warn", "missing")]


def test_a_certificate_holds_on_the_day_it_expires_and_not_on_the_next(run: RunFolder) -> None:
    assert found(run, certificate("2026-11-21"), REGISTERED, utc="2026-11-21T23:59:59.000Z") == []
    assert found(run, certificate("2026-11-21"), REGISTERED, utc="2026-11-22T00:00:01.000Z") == EXPIRED


def test_a_missing_certificate_counts_for_an_instrument_and_wherever_a_register_is_kept(run: RunFolder) -> None:
    assert found(run, None, {}) == MISSING
    assert found(run, certificate(None), REGISTERED) == MISSING
    assert found(run, None, REGISTERED, "emulated") == MISSING
    assert found(run, None, {}, "emulated") == []
    assert found(run, None, {}, "imported") == []
    assert found(run, {"date": "2020-11-30", "source": "PTDaemon Identify"}, {}, "imported") == []


@pytest.mark.parametrize(
    ("check_load", "state"),
    [
        (CHECKED, None),
        (CHECKED | {"utc": "2026-10-22T09:00:00Z"}, None),
        (CHECKED | {"utc": "2026-10-22T08:59:59Z"}, "old"),
        (CHECKED | {"passed": False, "ratio": 0.05}, "failed"),
        (None, "missing"),
    ],
)
def test_a_check_load_is_due_where_the_lab_asks_for_one(
    run: RunFolder, check_load: Json | None, state: str | None
) -> None:
    known = certificate("2027-01-01", check_load)
    expected = [] if state is None else [("check-load-due", "warn", state)]
    assert found(run, known, REGISTERED | {"check_load_days": 30}) == expected
    assert found(run, known, REGISTERED | {"check_load_days": 0}) == []


@pytest.mark.parametrize(
    ("change", "is_another"),
    [
        ({"number": "2"}, True),
        ({"date": "2026-02-01"}, True),
        ({"k": 3.0}, True),
        ({"points": [{"load_w": 60.0, "error_w": 0.6, "U_w": 0.1}]}, True),
        ({"stability_percent_per_year": 0.0}, True),
        ({"conditions": "23 C", "check_load": CHECKED}, False),
        ({}, False),
    ],
)
def test_runs_of_one_mean_rest_on_one_certificate(run: RunFolder, change: Json, is_another: bool) -> None:
    first = certificate("2027-01-01") | {"date": "2026-01-01", "k": 2.0, "stability_percent_per_year": 0.1}
    pooled = [
        replace(run, power=tuple(replace(part, calibration=said) for part in run.power))
        for said in (first, first | change)
    ]
    told = [(finding.code, finding.severity, sorted(finding.evidence)) for finding in of_pooling(pooled)]
    assert told == [("pooled-incomparable", "invalid", ["calibration.wall"])] * is_another
