"""Two stations on this machine, as their users would have them: what is measured once stays measured once, whoever is
killed; what was measured is that of a campaign measured by hand."""

import shutil
from pathlib import Path

import pytest

from harness.record.campaign_folder import CampaignFolder
from harness.record.entries import RunEnd, of
from tests.fleet.benches import FleetOnThisMachine, killed_at_random, wait_for
from tests.sut.netns import SutHost

pytestmark = pytest.mark.timeout(1500)


def test_after_five_kills_every_run_was_measured_once_and_the_report_is_that_of_folders_put_together_by_hand(
    tmp_path: Path,
) -> None:
    with killed_at_random(tmp_path / "fleet", kills=5, seed=2) as fleet:
        for name in fleet.names:
            fleet.require_each_run_once(name)
    archived = fleet.call("archive", "list", str(fleet.archive))
    assert archived.stdout.count("core-") == 2
    by_fleet, by_hand = tmp_path / "by-fleet", tmp_path / "by-hand"
    by_hand.mkdir()
    for name in fleet.names:
        restored = fleet.call("archive", "restore", str(fleet.archive), f"core-{name}", "--into", str(by_fleet))
        assert restored.returncode == 0, restored.stderr
        shutil.copytree(fleet.campaign(name), by_hand / f"core-{name}", ignore=shutil.ignore_patterns("derived"))
    assert reported(fleet, by_fleet) == reported(fleet, by_hand)


def reported(fleet: FleetOnThisMachine, folder: Path) -> dict[str, bytes]:
    """Numbers and pages of both campaigns and of their comparison, computed anew."""
    campaigns = [str(folder / f"core-{name}") for name in fleet.names]
    words = [("report", campaign) for campaign in campaigns] + [("compare", *campaigns, "--into", str(folder / "both"))]
    for done in (fleet.call(*one) for one in words):
        assert done.returncode in (0, 3), done.stderr
    files = [path for form in ("results.json", "comparison.json", "*.html") for path in sorted(folder.rglob(form))]
    assert len(files) == 6
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_cut_network_disturbs_no_run_and_what_was_sealed_meanwhile_is_handed_in_later(tmp_path: Path) -> None:
    with SutHost() as machine, FleetOnThisMachine(tmp_path, ("a",), host=machine.host) as fleet:
        fleet.start_scheduler()
        fleet.start_station("a", tuple(machine.prefix))
        wait_for(lambda: "Scheduler of a fleet" in fleet.said("scheduler"))
        fleet.start_client()
        fleet.await_a_run()
        machine.pull_plug()
        wait_for(lambda: "a: is away" in fleet.said("client"))
        wait_for(lambda: len(of(RunEnd, CampaignFolder(fleet.campaign("a")).entries())) == fleet.planned)
        assert not fleet.archive.exists()
        machine.put_plug()
        assert fleet.await_client() == 0, fleet.said("client")
        fleet.require_each_run_once("a")
        assert fleet.call("archive", "list", str(fleet.archive)).stdout.count("core-a") == 1
