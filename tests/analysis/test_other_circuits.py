"""Meters on circuits of their own: their energies stand beside the SUT's, each by itself, and change nothing of it."""

from pathlib import Path

import numpy as np
import pytest

from harness.record.campaign_folder import CampaignFolder
from reports.api import Campaign
from reports.campaign.analyse import analyse
from reports.energy.power_function import power_function
from reports.readings.series import read_run
from reports.results.codec import document_text
from reports.results.document import CampaignNumbers
from reports.results.other_circuits import OtherCircuit
from tests.reports.make_campaign import make_campaign
from tests.reports.rack import HOUSE_W, SHAPE, SHARE, SILENT, rack_campaign


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rack_campaign(tmp_path_factory.mktemp("rack"))


@pytest.fixture(scope="module")
def results(folder: Path) -> CampaignNumbers:
    return analyse(folder).numbers


@pytest.fixture(scope="module")
def bmc(results: CampaignNumbers) -> OtherCircuit:
    return results.other_circuits[0]


@pytest.fixture(scope="module")
def house(results: CampaignNumbers) -> OtherCircuit:
    return results.other_circuits[1]


def test_the_results_are_those_of_a_campaign_without_them(results: CampaignNumbers, tmp_path: Path) -> None:
    alone = analyse(make_campaign(tmp_path, SHAPE)).numbers
    assert alone.other_circuits == ()
    assert '"other_circuits"' not in document_text(alone)
    assert alone.scenarios == results.scenarios
    assert alone.baseline == results.baseline


def test_each_says_its_circuit_its_origin_and_its_tier(bmc: OtherCircuit, house: OtherCircuit) -> None:
    assert (bmc.meter, bmc.circuit, bmc.origin, bmc.tier) == ("bmc", "bmc-circuit", "estimated", "indicative")
    assert (house.meter, house.origin) == ("house", "emulated")


def test_a_known_share_of_the_wall_is_found_in_every_run_and_in_every_mean(bmc: OtherCircuit) -> None:
    assert len(bmc.runs) == 9
    assert bmc.baseline is not None
    ratios = [run.ratio_percent for run in bmc.runs]
    ratios += [mean.ratio_percent for mean in (*bmc.scenarios.values(), bmc.baseline)]
    for ratio in ratios:
        assert ratio is not None
        assert ratio.value == pytest.approx(100 * SHARE, abs=0.1)
        assert ratio.expanded is not None
        assert ratio.expanded > 1.0  # both meters' limits of error are in it


def test_energy_and_power_of_a_run_are_those_of_its_readings(folder: Path, house: OtherCircuit) -> None:
    series = read_run(next(one for one in CampaignFolder(folder).runs() if one.start.ordinal == 2))
    assert series.begin_ns is not None
    assert series.end_ns is not None
    energy_j = float(power_function(series.power["house"]).energy_j(series.begin_ns, series.end_ns))
    found = next(one for one in house.runs if one.folder == series.run.path.name)
    assert found.energy_wh.value == pytest.approx(energy_j / 3600, rel=1e-12)
    assert found.mean_power_w.value == pytest.approx(energy_j / ((series.end_ns - series.begin_ns) * 1e-9), rel=1e-12)


def test_the_means_are_over_the_runs_that_the_results_rest_on(results: CampaignNumbers, house: OtherCircuit) -> None:
    main = results.scenarios["idle"].mean_power_w
    assert main is not None
    assert house.scenarios["idle"].mean_power_w.value == pytest.approx(main.value + HOUSE_W, abs=0.1)
    assert house.scenarios["idle"].mean_power_w.n == 3
    assert house.baseline is not None
    assert house.baseline.n_runs.value == 3


def test_a_run_that_a_meter_did_not_see_whole_is_told_and_enters_none_of_its_means(
    results: CampaignNumbers, bmc: OtherCircuit, house: OtherCircuit
) -> None:
    silent = {run.folder for run in results.runs if run.ordinal in SILENT}
    assert {run.folder for run in house.runs if not run.included} == silent
    [torn] = [run for run in house.runs if not run.included]
    whole = next(run for run in house.runs if run.included and run.energy_wh.value > 3.9)
    assert torn.gap_s.value > 15
    assert (torn.energy_wh.expanded or 0) > 3 * (whole.energy_wh.expanded or np.inf)
    assert house.scenarios["cnn"].n_runs.value == 2
    assert bmc.scenarios["cnn"].n_runs.value == results.scenarios["cnn"].n_runs.value == 3


def test_an_aborted_run_stands_in_the_runs_and_in_no_mean(tmp_path: Path) -> None:
    found = analyse(rack_campaign(tmp_path, broken={2: "abort"})).numbers
    [torn] = [run for run in found.other_circuits[0].runs if not run.included]
    assert torn.folder == next(run.folder for run in found.runs if run.ordinal == 2)
    assert found.other_circuits[0].scenarios["cnn"].n_runs.value == 2


def test_the_frame_has_a_row_for_every_run_of_every_meter(folder: Path, results: CampaignNumbers) -> None:
    table = Campaign(folder, results, "").other_circuits
    assert len(table) == 18
    assert dict(table.groupby("meter")["provenance"].first()) == {"bmc": "estimated", "house": "emulated"}
    assert table[table["meter"] == "bmc"]["ratio_percent"].mean() == pytest.approx(100 * SHARE, abs=0.1)
    assert int((~table["included"]).sum()) == 1
