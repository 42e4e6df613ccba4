"""Two SUTs at one station, one campaign file, through the command line on the embedded lab: measured at once, each with
its own meter; what a run keeps of both files is held against what it says."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.contradictions import check_contradictions
from harness.record.campaign_folder import CampaignFolder
from harness.record.plain_files import sha256_of
from harness.record.verify import examine
from tests.e2e.test_campaign import LabUnderTest
from tests.evidence.forger import copied, journal_of, reforge, write_journal
from tests.harness.emulated import emulator
from tests.harness.stations import station

pytestmark = pytest.mark.timeout(900)
SUTS = """\
[suts.bench-a]
host = "embedded"
python = ".venv-sut/bin/python"
[suts.bench-b]
host = "embedded"
python = ".venv-sut/bin/python"
circuits = ["b-inlet"]
supply = { voltage_v = 120.0, frequency_hz = 60.0 }
"""
METERS = {"wall-a": ("embedded", "sut-ac-inlet"), "wall-b": ("embedded", "b-inlet")}
LOOSE = "[thresholds]\nforeign_load_invalid_percent = 1000.0  # other tests run beside\n"
STATION = station(SUTS, METERS) + LOOSE
CAMPAIGN = """\
schema = 1
[campaign]
name = "c"
seed = 5
order = "shuffled"
stabilization_s = 0.5
supplementary_s = 0.5
[baseline]
blocks = 1
duration_s = 2
[scenarios.steps]
command = ["sleep", "2"]
repetitions = 1
"""
BENCHES = ("bench-a", "bench-b")


def words(*verb: str, sut: str = "") -> list[str]:
    return [*verb, "--campaign", "core.toml", *(["--sut", sut] if sut else [])]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> LabUnderTest:
    """Both benches, measured at the same time."""
    lab = LabUnderTest(tmp_path_factory.mktemp("benches"))
    lab.write(STATION)
    (lab.folder / "core.toml").write_text(CAMPAIGN)
    processes = [lab.start(*words("run", sut=bench)) for bench in BENCHES]
    for process in processes:
        _, complaint = process.communicate(timeout=400)
        assert process.returncode in (0, 3), complaint
    return lab


def runs_of(lab: LabUnderTest, bench: str) -> Path:
    return lab.folder / "runs" / f"c@{bench}"


def test_two_benches_are_measured_at_once_and_each_campaign_is_of_one(measured: LabUnderTest) -> None:
    for bench, meter, voltage_v in (("bench-a", "wall-a", 230.0), ("bench-b", "wall-b", 120.0)):
        runs = CampaignFolder(runs_of(measured, bench)).runs()
        assert {run.exit_status for run in runs} == {"success"}
        for run in runs:
            assert [descriptor.meter for descriptor in run.power] == [meter]
            assert run.start.config["campaign"]["sut"] == bench
            assert run.start.config["supply"]["voltage_v"] == voltage_v
            assert {"lab.toml", "campaign.toml"} <= run.start.inputs.keys()
            assert (run.path / "inputs" / "campaign.toml").read_text() == CAMPAIGN
        assert problems(runs_of(measured, bench)) == []
        results = json.loads((runs_of(measured, bench) / "derived" / "results.json").read_text())
        assert results["campaign"]["config"]["campaign"]["sut"] == bench
        assert bench in (runs_of(measured, bench) / "derived" / "report.html").read_text()
    spans = [
        [entry.utc for entry in CampaignFolder(runs_of(measured, bench)).entries() if entry.TYPE == "run-end"]
        for bench in BENCHES
    ]
    assert max(ends[0] for ends in spans) < min(ends[-1] for ends in spans), "one was measured after the other"


def test_a_campaign_that_is_done_is_said_of_each_bench(measured: LabUnderTest) -> None:
    assert "is done" in measured.call(*words("run", sut="bench-a")).stdout
    done = measured.call(*words("check"))
    assert [bench in done.stdout for bench in ("SUT bench-a", "SUT bench-b")] == [True, True]
    assert done.stdout.count("is done") == 2


def test_benches_that_are_alike_are_told_apart_where_they_are_compared(measured: LabUnderTest) -> None:
    done = measured.call("compare", *(f"runs/c@{bench}" for bench in BENCHES))
    assert done.returncode in (0, 3), done.stderr
    (folder,) = (measured.folder / "runs").glob("compare-*")
    compared = json.loads((folder / "comparison.json").read_text())
    (key,) = [key for of_set in compared["sets"] for key in of_set["keys"] if key["key"] == "sut"]
    assert (key["kind"], key["values"]) == ("machine", ["bench-a", "bench-b"])


def problems(campaign: Path) -> list[str]:
    seen = examine(campaign)
    checks = [*seen.checks, *check_contradictions(campaign.name, seen)]
    return [f"{check.name}: {check.detail}" for check in checks if not check.passed]


def in_start(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def edit(run: Path) -> None:
        documents = journal_of(run)
        change(documents[0])
        write_journal(run, documents)

    return edit


def in_input(name: str, old: str, new: str) -> Callable[[Path], None]:
    def edit(run: Path) -> None:
        file = run / "inputs" / name
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))
        documents = journal_of(run)
        documents[0]["inputs"][name] = sha256_of(file)
        write_journal(run, documents)

    return edit


def of_another_bench(start: dict[str, Any]) -> None:
    start["config"]["campaign"]["sut"] = "bench-b"


def of_no_bench(start: dict[str, Any]) -> None:
    start["config"]["campaign"]["sut"] = ""


def longer(start: dict[str, Any]) -> None:
    start["config"]["campaign"]["stabilization_s"] = 5.0


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (in_start(of_another_bench), "campaign.sut is 'bench-b' in its start document, 'bench-a' in the campaign's"),
        (in_input("campaign.toml", "seed = 5", 'seed = 5\nsut = "bench-b"'), "'bench-b' in inputs/campaign.toml"),
        (in_start(of_no_bench), "campaign.sut is '' in its start document, inputs/lab.toml has no such SUT"),
        (in_start(longer), "campaign.stabilization_s is 5.0 in its start document, 0.5 in inputs/campaign.toml"),
        (in_input("campaign.toml", "blocks = 1", "blocks = 2"), "baseline.blocks is 1 in its start document, 2 in"),
        (in_input("lab.toml", '[meters.wall-b]\ndriver = "wattsup"\nport = "embedded"\ncircuit = "b-inlet"',
                  '[meters.wall-b]\ndriver = "wattsup"\nport = "embedded"\ncircuit = "sut-ac-inlet"'),
         "meters.wall-b is not there in its start document"),
        (in_input("lab.toml", "[thresholds]", "[baseline]\nblocks = 1\n[thresholds]"),
         "baseline.blocks is in inputs/lab.toml and in inputs/campaign.toml"),
    ],
)  # fmt: skip
def test_what_is_changed_of_bench_or_campaign_is_found(
    measured: LabUnderTest, tmp_path: Path, edit: Callable[[Path], None], message: str
) -> None:
    campaign = copied(runs_of(measured, "bench-a"), tmp_path)
    reforge(campaign, edit, results=False)
    assert any(message in found for found in problems(campaign)), problems(campaign)


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[LabUnderTest]:
    """Both benches at one meter, a load that lasts."""
    lab, link = LabUnderTest(tmp_path), tmp_path / "meter"
    lab.write(STATION.replace('port = "embedded"', f'port = "{link}"'))
    lasting = f'["bash", "-c", "sleep 60; true", "{lab.marker}"]'
    (tmp_path / "core.toml").write_text(CAMPAIGN.replace('["sleep", "2"]', lasting))
    with emulator(link):
        yield lab


def test_two_benches_at_one_meter_are_measured_in_turns(shared: LabUnderTest) -> None:
    first = shared.start(*words("run", sut="bench-a"))
    shared.wait_for_load(first)
    refused = shared.call(*words("run", sut="bench-b"))
    assert refused.returncode == 1
    assert f"meter wall-b ({shared.folder / 'meter'}): another wattlab measures with it" in refused.stderr
    assert f"({runs_of(shared, 'bench-a')})" in refused.stderr
    assert not runs_of(shared, "bench-b").exists()
    asked = json.loads(shared.call(*words("check", "--json", sut="bench-b")).stdout)
    assert "in use" in [reason["subject"] for reason in asked["suts"][0]["reasons"] if reason["severity"] == "refuse"]
    first.terminate()
    first.communicate(timeout=60)
