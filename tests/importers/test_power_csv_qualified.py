"""An imported campaign with software meters beside a wall meter (Grid'5000, tests/data/ATTRIBUTION.md) -> its
certificate: shares of trackers and BMC, and nothing qualified."""

from pathlib import Path

import pytest

from harness.foreign.importers.power_csv.importer import import_power_csv
from harness.foreign.importers.power_csv.mapping import NAME
from harness.foreign.importers.source import read_source
from harness.record.verify import examine
from reports.qualification.certificate import certify
from reports.results.qualification import Qualification
from reports.results.software_meter import Refusal, SeenShare, SoftwareMeter
from tests.reports.qualifications import example

DATA = Path(__file__).parents[1] / "data" / "grid5000"
EACH = 3
"""Runs of each load and tool."""


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Qualification:
    """Of some runs of each load with each of three tools."""
    folder = tmp_path_factory.mktemp("g5k")
    head, *lines = read_source(DATA / "runs.csv.gz").content.decode().splitlines()
    chosen = [
        line
        for load in ("idle", "mg", "lu", "ep")
        for tool in ("codecarbon", "carbon_tracker", "experiment_impact_tracker")
        for line in [one for one in lines if one.startswith(f"{tool},{load},")][:EACH]
    ]  # fmt: skip
    (folder / "runs.csv").write_text("\n".join([head, *chosen, ""]))
    (folder / NAME).write_text((DATA / NAME).read_text().replace("runs.csv.gz", "runs.csv"))
    import_power_csv([DATA / "g5k_metrics.csv.gz"], folder / "c", folder / NAME)
    return certify(folder / "c", examine(folder / "c"), example().computed_by).document


def meter_of(document: Qualification, name: str) -> SoftwareMeter:
    return next(meter for meter in document.meters if name in meter.name)


def test_what_another_lab_measured_is_shown_and_qualifies_nothing(document: Qualification) -> None:
    assert document.reference.origin == "imported"
    assert not document.qualifies
    assert document.not_because[0] == (
        "The meter wall was measured by another lab and imported; the instrument is what that lab says it is."
    )
    assert {load.scenario for load in document.loads} == {"idle", "mg", "lu", "ep"}
    assert document.reference.worst_limit_percent is None


def test_the_bmc_sees_nine_tenths_in_steps_of_36_w(document: Qualification) -> None:
    bmc = meter_of(document, "bmc")
    for load in bmc.loads:
        assert isinstance(load.seen, SeenShare)
        assert load.seen.share.value == pytest.approx(0.89, abs=0.015)
        assert load.seen.share.expanded is not None
    assert not isinstance(bmc.sampling, Refusal)
    assert bmc.sampling.quantum == 36.0
    assert not isinstance(bmc.sampling.update_interval_s, Refusal)
    assert bmc.sampling.update_interval_s.value == pytest.approx(5, abs=0.2)


@pytest.mark.parametrize(("name", "load", "share"), [
    ("codecarbon", "ep", 0.298), ("carbon_tracker", "lu", 0.137), ("experiment_impact_tracker", "mg", 0.136),
])  # fmt: skip
def test_trackers_have_a_share_of_each_load_with_its_interval(
    document: Qualification, name: str, load: str, share: float
) -> None:
    tracker = meter_of(document, name)
    seen = next(one.seen for one in tracker.loads if one.scenario == load)
    assert tracker.kind == "tracker"
    assert isinstance(seen, SeenShare)
    assert seen.share.value == pytest.approx(share, abs=0.01)
    assert seen.share.expanded == pytest.approx(0.034 * share, rel=0.2)  # 3 % are assumed of the wall meter
