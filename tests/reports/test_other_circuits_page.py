"""The page's section on meters on other circuits: the SUT's first, every origin marked, nothing summed."""

from dataclasses import replace

import pytest

from reports.campaign.analyse import analyse
from reports.pages.blocks import Figure, Table
from reports.pages.numbers import in_page_units
from reports.pages.other_circuits import other_circuit_blocks
from reports.results.document import Results
from tests.reports.rack import rack_campaign


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    found = analyse(rack_campaign(tmp_path_factory.mktemp("rack"))).results
    return in_page_units(found, "scenarios", "baseline")


def tables_of(results: Results) -> list[Table]:
    return [block for block in other_circuit_blocks(results, "EMULATED") if isinstance(block, Table)]


def test_a_campaign_without_them_has_no_such_section(results: Results) -> None:
    assert other_circuit_blocks(replace(results, other_circuits=()), "") == []


def test_every_scenario_has_the_suts_meter_first_and_then_each_other(results: Results) -> None:
    means, _ = tables_of(results)
    meters = ["SUT (wall)", "bmc", "house"]
    assert [row.cells[:2] for row in means.rows] == [
        (group, meter) for group in ("baseline", "cnn", "idle") for meter in meters
    ]
    assert [row.cells[4] for row in means.rows if row.cells[0] == "cnn"] == ["3", "3", "2"]
    bmc = next(row for row in means.rows if row.cells[:2] == ("cnn", "bmc"))
    assert bmc.cells[3] == "ESTIMATED, indicative"
    assert all("±" in cell for cell in bmc.cells[5:])
    assert bmc.cells[7].startswith("90.0 ±")


def test_a_run_that_enters_no_mean_of_a_meter_stands_in_brackets_in_its_column(results: Results) -> None:
    _, runs = tables_of(results)
    assert runs.heads[2].text == "SUT (wall)\u00a0/\u00a0W"
    torn = next(row for row in runs.rows if row.cells[0] == "4")
    assert [cell.startswith("(") for cell in torn.cells[2:]] == [False, False, True]


def test_the_figure_names_every_meter_with_its_origin(results: Results) -> None:
    [figure] = [block for block in other_circuit_blocks(results, "EMULATED") if isinstance(block, Figure)]
    assert "bmc, ESTIMATED: cnn 76.6" in figure.svg
    assert "house, EMULATED" in figure.svg
    assert "Whiskers: U at 95 %." in figure.caption


def test_a_meter_without_limits_of_error_is_named_and_one_without_a_mean_has_a_dash(results: Results) -> None:
    bmc, house = results.other_circuits
    means, _ = tables_of(replace(results, other_circuits=(replace(bmc, complete=False, scenarios={}), house)))
    assert "Limits of error are not known of bmc" in means.note
    assert next(row for row in means.rows if row.cells[:2] == ("cnn", "bmc")).cells[4:] == ("–",) * 4


def test_where_no_run_enters_a_mean_the_tables_stand_without_the_figure(results: Results) -> None:
    scenarios = {name: replace(part, mean_power_w=None, energy_wh=None) for name, part in results.scenarios.items()}
    others = tuple(replace(one, baseline=None, scenarios={}) for one in results.other_circuits)
    blocks = other_circuit_blocks(
        replace(results, baseline=None, scenarios=scenarios, other_circuits=others), "EMULATED"
    )
    assert not any(isinstance(block, Figure) for block in blocks)
    assert sum(isinstance(block, Table) for block in blocks) == 2
