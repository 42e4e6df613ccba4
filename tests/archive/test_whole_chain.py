"""What an archive is believed for is checked: descriptors, statistics, spans, packs, statements; and what is honest
passes."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from harness.cli import main
from harness.evidence.archive_checks import verify
from harness.evidence.archives import add, restore
from harness.evidence.bag import write_bag
from harness.evidence.verification import sign_campaign
from harness.evidence.verification import verify as verify_campaign
from harness.record.campaign_folder import STATEMENT, CampaignFolder
from harness.record.errors import RunFolderError
from harness.record.plain_files import sha256_of
from harness.record.seal import MANIFEST
from reports.archive.compacted import packed_in
from reports.archive.compaction import compact
from reports.archive.contents import Contents
from reports.archive.errors import ArchiveError
from reports.archive.index import entries, newest
from reports.archive.query import answer, connection
from reports.archive.store import Store
from reports.archive.tables import METER
from tests.documents import write_report
from tests.reports.make_campaign import LOADS, Shape, SyntheticRun, make_campaign

SHAPE = Shape(name="a", loads={"idle": LOADS["idle"]}, repetitions=1, baseline_blocks=2, duration_s=10)
Json = dict[str, Any]


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_campaign(tmp_path_factory.mktemp("campaigns"), SHAPE)


@pytest.fixture
def store(campaign: Path, tmp_path: Path) -> Store:
    store = Store(str(tmp_path / "archive"))
    add(campaign, store, raw=True, key=None)
    return store


def failed(store: Store, campaign: str = "a") -> list[str]:
    return [check.name for check in verify(store, campaign, None) if not check.passed]


def change_entry(store: Store, change: Callable[[Json], object]) -> None:
    path = newest(store)["a"]
    entry = json.loads(store.read(path))
    change(entry)
    store.put(path, json.dumps(entry).encode())


def readings_of(entry: Json) -> Json:
    return next(part for part in entry["parts"] if part["table"] == "readings")


def write_readings(store: Store, write: Callable[[Any, Path], None]) -> None:
    """The readings of a run written otherwise, with an entry to match."""

    def forged(entry: Json) -> None:
        part = readings_of(entry)
        path = Path(store.path(part["path"]))
        write(parquet.read_table(path), path)
        part["sha256"], part["bytes"] = sha256_of(path), path.stat().st_size

    change_entry(store, forged)


def test_the_meter_that_a_part_says_it_is_of_is_the_sealed_one(store: Store) -> None:
    def other(table: Any, path: Path) -> None:  # noqa: ANN401  of Arrow
        about = json.loads(table.schema.metadata[METER])
        about["origin"] = "instrument"
        parquet.write_table(table.replace_schema_metadata({METER: json.dumps(about).encode()}), path)

    write_readings(store, other)
    assert failed(store) == ["computed"]


def test_a_part_without_statistics_is_found(store: Store) -> None:
    write_readings(store, lambda table, path: parquet.write_table(table, path, write_statistics=False))
    (check,) = [check for check in verify(store, "a", None) if not check.passed]
    assert (check.name, "statistics" in check.detail) == ("parts", True)


@pytest.mark.parametrize(("key", "value"), [("first_ns", None), ("last_ns", 1), ("bytes", 1), ("rows", 1)])
def test_what_the_index_says_of_a_part_is_so(store: Store, key: str, value: object) -> None:
    change_entry(store, lambda entry: readings_of(entry).update({key: value}))
    (check,) = [check for check in verify(store, "a", None) if not check.passed]
    assert f"the index says {key} {value}, found" in check.detail


def test_a_campaign_that_packs_name_twice_is_no_double_sum(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    compact(store)
    path = "packs/packed.1.json"
    listed = json.loads(store.read(path))
    store.put(path, json.dumps(listed | {"packs": [*listed["packs"], *listed["packs"]]}).encode())
    with pytest.raises(ArchiveError, match=r"it names index/a\.1\.json twice; remove this file"):
        answer(connection(Contents(store), "SELECT * FROM runs"), "SELECT * FROM runs")
    assert main(["archive", "verify", store.url]) == 3
    assert "twice" in capsys.readouterr().out
    odd = {**listed["packs"][0], "entries": {"index/plain": "0"}}
    store.put(path, json.dumps(listed | {"packs": [odd]}).encode())
    assert main(["archive", "verify", store.url]) == 3


def test_a_pack_that_is_gone_is_told(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    compact(store)
    shutil.rmtree(store.path("packs/runs"), ignore_errors=True)
    Path(store.path(next(file.path for file in packed_in(store).packs[0].files if file.table == "runs"))).unlink()
    assert main(["archive", "verify", store.url]) == 3
    assert "not there" in capsys.readouterr().out
    assert main(["archive", "compact", store.url]) == 0
    assert main(["archive", "verify", store.url]) == 0


def test_results_and_statement_that_come_later_are_archived_and_do_not_get_lost(
    campaign: Path, store: Store, tmp_path: Path
) -> None:
    later, key = tmp_path / "later" / "a", tmp_path / "key"
    shutil.copytree(campaign, later)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    write_report(later)
    assert add(later, store, raw=True, key=None).is_new
    sign_campaign(later, key, None)
    assert add(later, store, raw=True, key=None).is_new
    assert not add(later, store, raw=True, key=None).is_new
    assert failed(store) == []
    found = restore(store, "a", tmp_path / "restored")
    assert (found / STATEMENT).read_bytes() == (later / STATEMENT).read_bytes()
    assert (found / "derived" / "results.json").is_file()
    with pytest.raises(ArchiveError, match="the archive has its signed statement"):
        add(campaign, store, raw=True, key=None)


def test_runs_that_were_not_planned_so_fail_and_those_not_measured_yet_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = CampaignFolder.append

    def other_seeds(self: CampaignFolder, kind: str, utc: str, fields: Json) -> object:
        if kind == "plan":
            fields = {**fields, "runs": [{**run, "seed": run.get("seed", 0) + 500} for run in fields["runs"]]}
        return real(self, kind, utc, fields)

    monkeypatch.setattr(CampaignFolder, "append", other_seeds)
    campaign = make_campaign(tmp_path, SHAPE)
    monkeypatch.setattr(CampaignFolder, "append", real)
    write_report(campaign)
    assert [check.name for check in verify_campaign(campaign, None).failed] == ["planned"]
    store = Store(str(tmp_path / "archive"))
    add(campaign, store, raw=True, key=None)
    assert failed(store) == ["verified"]


def test_a_campaign_that_is_still_measured_is_no_fault_of_its_archive(campaign: Path, tmp_path: Path) -> None:
    underway = tmp_path / "early" / "a"
    shutil.copytree(campaign, underway)
    for path in underway.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    log = CampaignFolder(underway).log.path
    last = next(line for line in reversed(log.read_text().splitlines()) if '"run-end"' in line)
    log.write_text(log.read_text()[: log.read_text().index(last)])
    (underway / json.loads(last)["folder"] / MANIFEST).unlink()
    store = Store(str(tmp_path / "archive"))
    add(underway, store, raw=True, key=None)
    assert failed(store) == []


class Sparse(SyntheticRun):
    """An artifact of zeros."""

    def _artifacts(self) -> dict[str, Any]:
        return {**super()._artifacts(), "optimizer.npy": bytes(2_000_000)}


def test_what_swells_is_archived_and_restored_and_not_exported(tmp_path: Path) -> None:
    campaign, store = make_campaign(tmp_path, SHAPE, Sparse), Store(str(tmp_path / "archive"))
    add(campaign, store, raw=True, key=None)
    assert failed(store) == []
    assert restore(store, "a", tmp_path / "restored").is_dir()
    with pytest.raises(RunFolderError, match="a compression bomb, whoever gets it would say"):
        write_bag(campaign, tmp_path / "a.zip")


def test_files_that_a_system_leaves_in_the_index_are_none_of_it(store: Store) -> None:
    store.put("index/._a.1.json", b"\0")
    assert [entry.name for entry in entries(store)] == ["a"]
    assert failed(store) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda entry: entry.update(begun_utc="yesterday"), "isoformat"),
        (lambda entry: entry.update(log_bytes={}), "log_bytes is of other logs"),
        (lambda entry: entry["parts"][0].update(table="nothing"), "of a table 'nothing', which this wattlab"),
    ],
)
def test_an_entry_of_nonsense_is_a_sentence(
    campaign: Path, store: Store, change: Callable[[Json], object], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change_entry(store, change)
    assert main(["archive", "verify", store.url]) == 3
    assert said in " ".join(capsys.readouterr().out.split())
    assert main(["archive", "add", str(campaign), "--into", store.url]) in (0, 1)
    assert main(["archive", "query", store.url, "SELECT * FROM campaigns"]) in (0, 1)


def test_programs_are_told_what_was_refused_and_a_wrong_key_at_once(
    campaign: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["archive", "add", str(campaign), str(tmp_path / "none"), "--into", str(tmp_path / "archive")]
    assert main([*words, "--key", str(tmp_path / "no-key")]) == 1
    assert "no such key" in capsys.readouterr().err
    assert not (tmp_path / "archive").exists()
    assert main([*words, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [one["campaign"] for one in told["campaigns"]] == ["a"]
    assert "no such folder" in told["refused"][str(tmp_path / "none")]
