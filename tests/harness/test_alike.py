"""What runs say alike is kept once; what only looks alike is not exchanged."""

from dataclasses import replace
from pathlib import Path

from harness.record.alike import REMEMBERED, Alike
from harness.record.documents import Json
from harness.record.run_folder import RunFolder
from harness.record.verify import examine
from tests.reports.make_campaign import EXAMPLE, make_campaign


def test_runs_of_a_campaign_share_configuration_and_columns(tmp_path: Path) -> None:
    folder = make_campaign(tmp_path, EXAMPLE)
    runs = list(examine(folder).runs.values())
    assert len({id(run.start.config) for run in runs}) == 1
    assert len({id(column) for run in runs for column in run.power[0].columns}) == len(runs[0].power[0].columns)
    assert [repr(run) for run in runs] == [repr(RunFolder.open(run.path)) for run in runs]


def test_what_is_equal_and_not_the_same_stays_apart(tmp_path: Path) -> None:
    folder = make_campaign(tmp_path, EXAMPLE)
    run, alike = next(iter(examine(folder).runs.values())), Alike()
    for value in (1, 1.0, True, 0.0, -0.0, {}, [], *range(2 * REMEMBERED), 1):
        facts: Json = {"of": value}
        other = alike.run(replace(run, start=replace(run.start, sut=facts)))
        assert repr(other.start.sut) == repr(facts)
