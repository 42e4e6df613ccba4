"""The page of an archive and what it is made of: drift of baselines, releases, machines, instruments."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
import pytest

from harness.cli import main
from harness.evidence.archive_pages import answers_of
from harness.evidence.archives import add
from reports.archive.baselines import DAY_NS, by_machine, drifts
from reports.archive.contents import Contents
from reports.archive.drift import drift
from reports.archive.query import answer, connection
from reports.archive.questions import QUESTIONS
from reports.archive.schemas import CAMPAIGNS, SCHEMAS
from reports.archive.store import Store
from reports.archive.tables import of_results
from reports.campaign.analyse import analyse
from reports.pages.archive import archive_page, head_of
from reports.pages.blocks import Figure, Table
from reports.render import archive_html
from tests.reports.make_campaign import LOADS, Shape, make_campaign

BASELINES = pa.schema({
    "sut": pa.string(), "campaign": pa.string(), "begun_utc_ns": pa.int64(), "blocks": pa.int64(),
    "mean_w": pa.float64(),
})  # fmt: skip


def baselines(*powers_w: float, every_days: float = 30.0, sut: str = "sut-01") -> pa.Table:
    """Campaigns of one machine, so many days apart."""
    rows = [
        {
            "sut": sut,
            "campaign": f"c{place}",
            "begun_utc_ns": int(place * every_days * DAY_NS),
            "blocks": 3,
            "mean_w": power,
        }
        for place, power in enumerate(powers_w)
    ]
    return pa.Table.from_pylist(rows, schema=BASELINES)


def test_a_drift_has_its_slope_with_what_it_is_worth() -> None:
    (row,) = drifts(baselines(40.0, 40.6, 40.9, 41.6, 42.0)).to_pylist()
    # By R: m <- lm(c(40, 40.6, 40.9, 41.6, 42) ~ seq(0, 4)); confint(m)
    assert row["slope_w_in_30_days"] == pytest.approx(0.5)
    assert row["slope_expanded_w_in_30_days"] == pytest.approx(0.0972253406, rel=1e-9)
    assert row["is_drift_shown"]
    assert (row["campaigns"], row["blocks"], row["first"], row["last"]) == (5, 15, "1970-01-01", "1970-05-01")


def test_nothing_is_said_of_few_campaigns_or_a_few_days() -> None:
    for rows in (baselines(40.0, 41.0, 42.0), baselines(40.0, 40.1, 40.2, 40.4, every_days=1.0)):
        (row,) = drifts(rows).to_pylist()
        assert (row["slope_w_in_30_days"], row["is_drift_shown"]) == (None, None)
    (row,) = drifts(baselines(40.0, 40.3, 39.8, 40.1)).to_pylist()
    assert row["is_drift_shown"] is False


def test_neighbours_that_are_alike_count_for_fewer() -> None:
    days = np.arange(40.0) * 7
    slow = np.sin(days / 60)
    draw = np.random.default_rng(1).permutation(slow)
    alike, apart = drift(days, 40 + slow), drift(days, 40 + draw)
    assert alike is not None
    assert apart is not None
    assert (alike.slope.u or 0) > 1.5 * (apart.slope.u or 0)


def test_heads_have_quantity_and_unit() -> None:
    assert head_of("slope_expanded_w_in_30_days") == "slope U / W in 30 days"
    assert head_of("induced_energy_wh") == "induced energy / Wh"
    assert head_of("check_load_ratio") == "check load ratio"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two releases on two machines; the customer has a hostile name."""
    folder = tmp_path_factory.mktemp("page")
    found = Store(str(folder / "archive"))
    for seed, (release, hostname) in enumerate((("1", "sut-01"), ("2", "sut-01"), ("2", "<b>sut-02</b>"))):
        shape = Shape(
            name=f"c{seed}", release=release, hostname=hostname, loads={"idle": LOADS["idle"]}, repetitions=3,
            baseline_blocks=2, duration_s=20, seed=seed,
        )  # fmt: skip
        add(make_campaign(folder, shape), found, raw=False, key=None)
    return found


def test_the_page_has_every_question_and_its_figures(store: Store) -> None:
    page = archive_page(answers_of(Contents(store), 2.0, None))
    assert (page.title, page.stamp) == ("Archive of 3 campaigns", "EMULATED")
    assert page.answer == "No drift of a baseline is shown."
    blocks = {section.name: section.blocks for section in page.sections}
    assert list(blocks) == [
        "baselines", "releases", "scenarios", "instruments", "check-loads", "campaigns", "findings"
    ]  # fmt: skip
    drawn = {name for name, of in blocks.items() if any(isinstance(block, Figure) for block in of)}
    assert drawn == {"baselines", "releases", "scenarios"}
    (table,) = (block for block in blocks["releases"] if isinstance(block, Table))
    assert [row.cells[2] for row in table.rows] == ["2", "1", "2"]
    html = archive_html(answers_of(Contents(store), 2.0, None))
    assert "<b>sut-02" not in html
    axis = html.index("campaign, in order of time")
    drawing = html[html.rindex("<svg", 0, axis) : html.index("</svg", axis)]
    numbers = re.findall(r">([\d.]+)<", drawing)
    assert {"1", "2"} <= set(numbers)
    assert not {"1.2", "1.4", "1.5"} & set(numbers)
    assert "all of its numbers" not in html
    assert len(by_machine(answers_of(Contents(store), 2.0, None).baselines)) == 2


def test_the_command_writes_a_new_page_and_never_over_one(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    assert main(["archive", "report", store.url, "--html", str(page)]) == 0
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert main(["archive", "report", store.url, "--html", str(page)]) == 1
    assert "exists already" in capsys.readouterr().err
    assert main(["archive", "report", store.url]) == 1
    assert "name a question (campaigns, baselines," in " ".join(capsys.readouterr().err.split())
    assert main(["archive", "report", store.url, "baselines", "--html", str(tmp_path / "p")]) == 1


@dataclass
class Asked:
    """Contents of two tables."""

    tables: dict[str, pa.Table]

    def rows_of(self, table: str) -> list[pa.Table]:
        return [self.tables.get(table, SCHEMAS[table].empty_table() if table in SCHEMAS else None)]


def test_check_loads_and_certificates_that_had_expired_are_told(tmp_path: Path) -> None:
    shape = Shape(loads={"idle": LOADS["idle"]}, repetitions=1, duration_s=10)
    numbers = analyse(make_campaign(tmp_path, shape)).numbers
    last = {"utc": "2026-11-20T08:00:00Z", "check_load": "lamp", "ratio": 1.21, "passed": False}
    said = {"number": "K-1", "date": "2025-11-01", "expires": "2026-11-01", "check_load": last}
    numbers = replace(numbers, meters=tuple(replace(meter, calibration=said) for meter in numbers.meters))
    ((instruments,),) = (list(rows.pieces) for rows in of_results("0" * 64, numbers, {}) if rows.table == "instruments")
    day_ns = 20_777 * DAY_NS
    campaigns = pa.Table.from_pylist([{"campaign_uid": "0" * 64, "begun_utc_ns": day_ns}], schema=CAMPAIGNS)
    contents = cast(Contents, Asked({"campaigns": campaigns, "instruments": instruments}))
    asked = {name: QUESTIONS[name].sql for name in ("instruments", "check-loads")}
    (told,), (tried,) = (answer(connection(contents, sql), sql).to_pylist() for sql in asked.values())
    assert (told["certificate"], told["certified"], told["first"]) == ("K-1", "2025-11-01", "2026-11-20")
    assert told["used_after_expiry"]
    assert (tried["check_load"], tried["check_load_ratio"], tried["check_load_result"]) == ("lamp", 1.21, "failed")
