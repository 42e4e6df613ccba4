"""Campaigns into an archive and out again: nothing is added twice, half, or unseen, and every row is the campaign's."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pytest

from harness.attest.signer import read_public_key
from harness.cli import main
from harness.cli.archive_questions import QUESTION_NAMES
from harness.evidence.annotations import annotate
from harness.evidence.archive_checks import verify
from harness.evidence.archives import Added, add, restore
from harness.record.verify import Check, verify_campaign
from reports.api import open_archive, open_campaign
from reports.archive import schemas
from reports.archive.contents import Contents
from reports.archive.errors import ArchiveError
from reports.archive.index import entries, entry_in, newest, signature_of
from reports.archive.query import answer, connection
from reports.archive.questions import QUESTIONS
from reports.archive.store import Store, require_lasting
from tests.disks import small_disk
from tests.reports.make_campaign import Shape, make_campaign
from tests.reports.served import POISSON, Service, served_campaign
from tests.sut.netns import run


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic campaign."""
    return make_campaign(tmp_path_factory.mktemp("campaigns"), Shape(broken={7: "abort"}, duration_s=20))


def added(campaign: Path, store: Store, *, raw: bool = False, key: Path | None = None) -> Added:
    return add(campaign, store, raw=raw, key=key)


@pytest.fixture(scope="module")
def archive(campaign: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """An archive with it, sealed files and all."""
    store = Store(str(tmp_path_factory.mktemp("archive") / "a"))
    added(campaign, store, raw=True)
    return store


@pytest.fixture
def own(archive: Store, tmp_path: Path) -> Store:
    """A copy of the archive, for tests that damage it."""
    shutil.copytree(archive.path(""), tmp_path / "own")
    return Store(str(tmp_path / "own"))


def failed(checks: list[Check]) -> list[str]:
    return [check.name for check in checks if not check.passed]


def test_every_table_is_that_of_the_campaign(campaign: Path, archive: Store) -> None:
    opened, ours = open_archive(archive.url), open_campaign(campaign, recompute=True)
    runs = opened.table("runs")
    assert runs["run"].tolist() == ours.runs["run"].tolist()
    for name, theirs in (("energy_wh", "energy_wh"), ("energy_expanded_wh", "energy_U_wh"), ("energy_u_wh",) * 2):
        np.testing.assert_array_equal(runs[name].to_numpy(), ours.runs[theirs].to_numpy())
    assert (runs["start_utc_ns"] == ours.runs["start_utc"].astype("int64")).all()
    archived, readings = opened.table("readings"), ours.readings()
    np.testing.assert_array_equal(archived["power_w"], readings["power_w"])
    np.testing.assert_array_equal(archived["time_ns"], readings["time_ns"].astype("int64"))
    long, wide = opened.table("samples"), ours.samples()
    assert len(long) == int(wide.drop(columns=list(wide.columns[:7])).notna().sum().sum())
    one = long[long["indicator"] == "gpu0_temperature_c"]["value"]
    np.testing.assert_array_equal(one.to_numpy(), wide["gpu0_temperature_c"].dropna().to_numpy())
    assert len(opened.table("findings")) == len(ours.findings)
    assert dict(runs.iloc[-1]["indicators"]) == {
        str(name).removeprefix("indicator."): value
        for name, value in ours.runs.iloc[-1].items() if str(name).startswith("indicator.") and not pd.isna(value)
    }  # fmt: skip


def test_the_view_of_energies_has_those_of_runs_actions_and_epochs(campaign: Path, archive: Store) -> None:
    ours, answered = open_campaign(campaign, recompute=True), open_archive(archive.url).query
    order = "ORDER BY run, begin_s, action, index"
    found = answered(f"SELECT * FROM energies WHERE action IS NULL {order}")
    runs = ours.runs.sort_values("run")
    assert found["run"].tolist() == runs["run"].tolist()
    assert len(open_archive(archive.url).table("energies", columns=["energy_wh"])) == len(runs) + len(ours.actions)
    assert found["kind"].tolist() == runs["kind"].replace("scenario", "run").tolist()
    assert set(found["kind"]) >= {"run", "baseline"}
    of_actions = answered(f"SELECT * FROM energies WHERE action IS NOT NULL {order}")
    actions = ours.actions.sort_values(["run", "begin_s", "action", "index"])
    assert of_actions[["run", "action", "index"]].to_numpy().tolist() == (
        actions[["run", "action", "index"]].to_numpy().tolist()
    )
    assert (of_actions["kind"] == "epoch").tolist() == actions["is_epoch"].tolist()
    for rows, theirs in ((found, runs), (of_actions, actions)):
        for column in ("energy_wh", "energy_U_wh", "induced_energy_wh", "induced_energy_U_wh", "induced_energy_dof"):
            np.testing.assert_array_equal(rows[schemas.column_of(column, "number")], theirs[column])


def test_every_part_has_its_declared_schema_and_no_two_columns_differ_by_case(archive: Store) -> None:
    (entry,) = entries(archive)
    assert {part.table for part in entry.parts} >= set(schemas.OF_CAMPAIGN) | {"readings", "samples"}
    for table, schema in schemas.SCHEMAS.items():
        assert len({name.lower() for name in schema.names}) == len(schema.names), table
    for part in entry.parts:
        content = archive.read(part.path)
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (part.sha256, part.bytes)


def test_twice_is_once_and_another_campaign_of_the_name_is_refused(campaign: Path, own: Store, tmp_path: Path) -> None:
    before = own.read(newest(own)[campaign.name])
    again = added(campaign, own)
    assert (again.is_new, again.written, own.read(newest(own)[campaign.name])) == (False, 0, before)
    other = make_campaign(tmp_path, Shape(seed=99))
    with pytest.raises(ArchiveError, match="another campaign is called"):
        added(other, own)
    assert own.read(newest(own)[campaign.name]) == before


def test_what_comes_to_a_campaign_later_comes_to_the_archive_with_its_sealed_files(
    campaign: Path, own: Store, tmp_path: Path
) -> None:
    grown = tmp_path / campaign.name
    shutil.copytree(campaign, grown)
    run = open_archive(own.url).query("SELECT run FROM runs WHERE included AND scenario = 'cnn' LIMIT 1")["run"][0]
    annotate(grown, run, operator="A. Operator", text="the window was open", exclude="the room was cold")
    again = added(grown, own)
    assert (again.is_new, again.entry.raw is not None) == (True, True)
    assert failed(verify(own, campaign.name, None)) == []
    assert rows(own, f"SELECT included FROM runs WHERE run = '{run}'") == [{"included": False}]
    assert not added(grown, own).is_new
    assert (restore(own, campaign.name, tmp_path / "r") / "annotations.jsonl").read_bytes() == (
        grown / "annotations.jsonl"
    ).read_bytes()


def test_a_run_that_was_archived_and_is_gone_is_refused(campaign: Path, own: Store, tmp_path: Path) -> None:
    content = json.loads(own.read(newest(own)[campaign.name]))
    content["runs"]["20260101T000000Z-r99-00000099"] = "0" * 64
    own.put(newest(own)[campaign.name], json.dumps(content).encode())
    with pytest.raises(ArchiveError, match="r99-00000099, which is not there any more or was sealed anew"):
        added(campaign, own)


@pytest.mark.parametrize("left", [3, 30])
def test_an_addition_that_is_killed_leaves_nothing_that_is_seen_and_the_next_goes_on(
    campaign: Path, archive: Store, tmp_path: Path, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, store = Store.put_file, Store(str(tmp_path / "cut"))

    def dying(self: Store, name: str, file: Path) -> None:
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        real(self, name, file)

    monkeypatch.setattr(Store, "put_file", dying)
    with pytest.raises(KeyboardInterrupt):
        added(campaign, store)
    monkeypatch.setattr(Store, "put_file", real)
    assert entries(store) == []
    assert store.names("parts"), "some were written, and nobody names them"
    assert added(campaign, store).is_new
    whole, mended = entry_in(archive, campaign.name), entry_in(store, campaign.name)
    assert whole is not None
    assert mended is not None
    assert mended.parts == whole.parts
    assert set(store.names("parts")) == {part.path for part in mended.parts}


def test_a_full_disk_is_a_sentence_and_the_next_addition_repairs(campaign: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "128k") as disk:
        store = Store(str(disk / "a"))
        with pytest.raises(ArchiveError, match="No space left on device; nothing of what was added before is lost"):
            added(campaign, store, raw=True)
        assert entries(store) == []
        run("mount", "-o", "remount,size=16m", str(disk))
        assert added(campaign, store, raw=True).is_new
        assert failed(verify(store, campaign.name, None)) == []


def adding_meanwhile(monkeypatch: pytest.MonkeyPatch, other: Callable[[], object]) -> None:
    """Another addition is done at the moment before the next entry is created."""
    real = Store.create

    def late(self: Store, name: str, content: bytes) -> None:
        if name.startswith("index/"):
            monkeypatch.setattr(Store, "create", real)
            other()
        real(self, name, content)

    monkeypatch.setattr(Store, "create", late)


def test_of_two_campaigns_of_one_name_at_the_same_moment_one_is_there_and_the_other_refused(
    campaign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other = Store(str(tmp_path / "a")), make_campaign(tmp_path, Shape(seed=99))
    adding_meanwhile(monkeypatch, lambda: added(other, store))
    with pytest.raises(ArchiveError, match="another campaign is called"):
        added(campaign, store, raw=True)
    assert failed(verify(store, other.name, None)) == []


def test_who_adds_what_another_just_added_finds_it_there_and_one_who_has_more_adds_that(
    campaign: Path, own: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(str(tmp_path / "a"))
    adding_meanwhile(monkeypatch, lambda: added(campaign, store, raw=True))
    assert not added(campaign, store).is_new
    grown = tmp_path / campaign.name
    shutil.copytree(campaign, grown)
    ran = open_archive(own.url).query("SELECT run FROM runs WHERE included LIMIT 1")["run"][0]
    annotate(grown, ran, operator="A. Operator", text="the window was open", exclude="the room was cold")
    adding_meanwhile(monkeypatch, lambda: added(grown, own))
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    assert added(grown, own, key=key).entry.revision == 3
    assert failed(verify(own, campaign.name, read_public_key(tmp_path / "key.pub"))) == []
    assert len(own.names("index")) == 2, "an entry and its signature; what was before is removed"


def test_two_that_make_an_archive_at_the_same_moment_make_one(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".wattlab-archive.json.7.part").write_bytes(b"half")
    store = Store(str(tmp_path / "a"))
    store.make()
    store.require()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "photo.jpg").write_bytes(b"")
    with pytest.raises(ArchiveError, match="something else lies there"):
        Store(str(tmp_path / "b")).make()


def test_who_loses_parts_to_another_that_prunes_begins_again(
    campaign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, real = Store(str(tmp_path / "a")), Store.put_file
    lost: list[str] = []

    def losing(self: Store, name: str, file: Path) -> None:
        real(self, name, file)
        if name.startswith("parts/") and not lost:
            lost.append(name)
            self.remove(name)

    monkeypatch.setattr(Store, "put_file", losing)
    assert added(campaign, store).is_new
    assert set(lost) <= set(store.names("parts"))
    assert failed(verify(store, campaign.name, None)) == []


def test_drafts_of_a_writer_that_was_killed_are_removed_after_a_day(campaign: Path, own: Store) -> None:
    old, new = (Path(own.path(f"parts/{campaign.name}/runs/.{name}.9.part")) for name in ("old", "new"))
    for draft in (old, new):
        draft.write_bytes(b"half")
    os.utime(old, (0, 0))
    added(campaign, own)
    assert (old.exists(), new.exists()) == (False, True)
    assert failed(verify(own, campaign.name, None)) == []


def test_restored_is_the_same_to_the_byte_and_verifies(campaign: Path, archive: Store, tmp_path: Path) -> None:
    folder = restore(archive, campaign.name, tmp_path)
    there = {path.relative_to(campaign) for path in campaign.rglob("*") if path.is_file()}
    assert {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()} == there
    assert all((folder / path).read_bytes() == (campaign / path).read_bytes() for path in there)
    assert all(check.passed for check in verify_campaign(folder))
    with pytest.raises(ArchiveError, match="exists already"):
        restore(archive, campaign.name, tmp_path)


def test_verify_recomputes_every_row_of_the_sealed_files(campaign: Path, archive: Store) -> None:
    checks = verify(archive, campaign.name, None)
    assert failed(checks) == []
    assert [check.name for check in checks] == ["signed", "parts", "sealed", "verified", "computed"]


def forged(store: Store, campaign: str, change: str) -> None:
    """One row of the runs changed, with digest and index to match, as somebody who owns the archive can."""
    import pyarrow as pa
    from pyarrow import parquet

    entry = json.loads(store.read(newest(store)[campaign]))
    part = next(part for part in entry["parts"] if part["table"] == change)
    path = Path(store.path(part["path"]))
    table = parquet.read_table(path)
    column = "energy_wh" if change == "runs" else "power_w"
    values = [None if value is None else value * 0.9 for value in table[column].to_pylist()]
    table = table.set_column(table.schema.get_field_index(column), table.schema.field(column), pa.array(values))
    path.chmod(0o644)
    parquet.write_table(table, path)
    part["sha256"], part["bytes"] = hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size
    store.put(newest(store)[campaign], json.dumps(entry).encode())


@pytest.mark.parametrize("change", ["runs", "readings"])
def test_a_forged_row_is_found_by_the_sealed_files(campaign: Path, own: Store, change: str) -> None:
    forged(own, campaign.name, change)
    checks = verify(own, campaign.name, None)
    assert failed(checks) == ["computed"]
    assert "other rows than the sealed files give" in checks[-1].detail


def test_a_part_that_is_cut_or_gone_is_named_and_the_next_addition_repairs_it(campaign: Path, own: Store) -> None:
    entry = entry_in(own, campaign.name)
    assert entry is not None
    cut, gone = entry.parts[0], entry.parts[-1]
    Path(own.path(cut.path)).write_bytes(own.read(cut.path)[:-100])
    own.remove(gone.path)
    checks = verify(own, campaign.name, None)
    assert failed(checks) == ["parts"], "what is broken is told once"
    assert "(and 1 more)" in next(check.detail for check in checks if check.name == "parts")
    assert added(campaign, own, raw=True).written == 2
    assert failed(verify(own, campaign.name, None)) == []


def test_a_part_that_the_index_names_twice_is_found(campaign: Path, own: Store) -> None:
    entry = json.loads(own.read(newest(own)[campaign.name]))
    twice = next(part for part in entry["parts"] if part["table"] == "readings")
    again = {**twice, "path": twice["path"].rpartition("--")[0] + "--0123456789abcdef.parquet"}
    own.put(again["path"], own.read(twice["path"]))
    entry["parts"].append(again)
    own.put(newest(own)[campaign.name], json.dumps(entry).encode())
    checks = verify(own, campaign.name, None)
    assert failed(checks) == ["parts"]
    assert "the index names two such parts" in checks[1].detail


def test_what_is_there_already_is_not_computed_again(
    campaign: Path, own: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object) -> None:
        raise AssertionError("its runs were looked at")

    monkeypatch.setattr("harness.evidence.archives.examine", asked)
    assert not added(campaign, own).is_new
    assert not added(campaign, own, raw=True).is_new
    noted = tmp_path / "noted" / campaign.name
    shutil.copytree(campaign, noted)
    with (noted / "annotations.jsonl").open("a") as log:
        log.write("{}\n")
    with pytest.raises(AssertionError, match="looked at"):
        added(noted, own)
    own.remove(entries(own)[0].parts[0].path)
    with pytest.raises(AssertionError, match="looked at"):
        added(campaign, own)


def test_without_sealed_files_verify_says_what_that_is_worth(campaign: Path, tmp_path: Path) -> None:
    store = Store(str(tmp_path / "a"))
    added(campaign, store)
    checks = verify(store, campaign.name, None)
    assert failed(checks) == []
    assert "the index alone says" in checks[-1].detail
    with pytest.raises(ArchiveError, match="only `archive add --raw` keeps them"):
        restore(store, campaign.name, tmp_path)


def test_an_addition_without_the_key_of_a_signed_entry_says_so(campaign: Path, tmp_path: Path) -> None:
    key, grown = tmp_path / "key", tmp_path / "grown" / campaign.name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    store = Store(str(tmp_path / "a"))
    assert not added(campaign, store, key=key).lost_signature
    assert not added(campaign, store).lost_signature, "nothing was written"
    shutil.copytree(campaign, grown)
    run = open_archive(store.url).query("SELECT run FROM runs WHERE included LIMIT 1")["run"][0]
    annotate(grown, run, operator="A. Operator", text="the window was open", exclude="the room was cold")
    assert added(grown, store).lost_signature
    assert not added(grown, store, key=key).lost_signature


def test_an_entry_is_signed_and_whoever_changes_it_is_found(campaign: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    store = Store(str(tmp_path / "a"))
    added(campaign, store)
    assert added(campaign, store, key=key).is_new, "a signature is something that comes to it"
    assert not added(campaign, store, key=key).is_new
    public = read_public_key(tmp_path / "key.pub")
    assert failed(verify(store, campaign.name, public)) == []
    content = store.read(newest(store)[campaign.name])
    store.put(newest(store)[campaign.name], content.replace(b'"customer": "', b'"customer": "x'))
    assert failed(verify(store, campaign.name, public)) == ["signed"]
    assert failed(verify(store, campaign.name, None)) == ["signed"]
    store.put(newest(store)[campaign.name], content)
    store.remove(signature_of(newest(store)[campaign.name], content))
    assert failed(verify(store, campaign.name, public)) == ["signed"]


def test_a_campaign_that_is_not_as_it_was_sealed_is_not_archived(campaign: Path, tmp_path: Path) -> None:
    damaged = tmp_path / campaign.name
    shutil.copytree(campaign, damaged)
    run = next(path for path in damaged.iterdir() if path.is_dir() and (path / "run.jsonl").exists())
    run.chmod(0o755)
    readings = next(run.glob("readings-*.csv"))
    readings.chmod(0o644)
    readings.write_bytes(readings.read_bytes().replace(b"1", b"2", 1))
    with pytest.raises(ArchiveError, match="it is not as it was sealed"):
        added(damaged, Store(str(tmp_path / "a")))
    assert not (tmp_path / "a").exists()


def test_a_newer_index_and_a_folder_of_something_else_are_refused(own: Store, campaign: Path, tmp_path: Path) -> None:
    entry = json.loads(own.read(newest(own)[campaign.name]))
    own.put(newest(own)[campaign.name], json.dumps(entry | {"schema": 9}).encode())
    with pytest.raises(ArchiveError, match="newer than this wattlab"):
        entries(own)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"")
    with pytest.raises(ArchiveError, match="something else lies there"):
        added(campaign, Store(str(tmp_path / "photos")))
    with pytest.raises(ArchiveError, match="no archive there"):
        entries(Store(str(tmp_path / "photos")))


def test_a_part_of_a_newer_schema_is_refused_before_it_is_read(own: Store, campaign: Path) -> None:
    entry = json.loads(own.read(newest(own)[campaign.name]))
    entry["parts"][0]["schema"] = 9
    own.put(newest(own)[campaign.name], json.dumps(entry).encode())
    with pytest.raises(ArchiveError, match="written with schema 9 of runs"):
        connection(Contents(own), "SELECT * FROM runs")


def rows(store: Store, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer(connection(Contents(store), sql), sql).to_pylist()
    return found


def test_sql_gives_what_pandas_does(campaign: Path, archive: Store) -> None:
    ours = open_campaign(campaign, recompute=True)
    (found,) = rows(archive, "SELECT sum(energy_wh) AS e FROM runs WHERE included AND kind = 'scenario'")
    expected = ours.runs[ours.runs["included"] & (ours.runs["kind"] == "scenario")]["energy_wh"].sum()
    assert found["e"] == pytest.approx(expected, rel=1e-12)
    (found,) = rows(archive, "SELECT count(*) AS n, max(power_w) AS p FROM readings WHERE in_rating")
    inside = ours.readings()
    inside = inside[inside["in_rating"]]
    assert (found["n"], found["p"]) == (len(inside), inside["power_w"].max())
    (found,) = rows(archive, "SELECT indicators['ram_not_free_kib'] AS m FROM runs ORDER BY ordinal LIMIT 1")
    assert found["m"] == pytest.approx(float(ours.runs.sort_values("ordinal")["indicator.ram_not_free_kib"].iloc[0]))


@pytest.mark.parametrize(
    "sql",
    ["SELECT * FROM read_csv('FILE')", "SELECT * FROM 'FILE'", "SELECT * FROM glob('/*')",
     "COPY runs TO 'NEW'", "ATTACH 'NEW'", "CREATE TABLE t AS SELECT 1", "SET enable_external_access = true",
     "SET memory_limit = '99GB'", "SELECT 1; SELECT 2", "INSTALL httpfs", "SELEC", "SELECT * FROM nothing",
     "DROP VIEW runs", "SELECT * FROM rows", "SELECT * FROM archive"],
)  # fmt: skip
def test_what_is_asked_reaches_the_tables_and_nothing_else(archive: Store, tmp_path: Path, sql: str) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    asked = sql.replace("FILE", str(tmp_path / "secret.csv")).replace("NEW", str(tmp_path / "new"))
    database = connection(Contents(archive), f"{asked} runs")
    with pytest.raises(ArchiveError):
        answer(database, asked)
    assert not (tmp_path / "new").exists()
    assert answer(database, "SELECT count(*) FROM runs").num_rows == 1, "and the next question is answered"


def test_every_ready_question_is_answered(archive: Store) -> None:
    assert tuple(QUESTIONS) == QUESTION_NAMES, "what the command line offers"
    for name, question in QUESTIONS.items():
        assert rows(archive, question.sql) or name == "check-loads", name


def test_tasks_of_a_service_are_a_table_too(tmp_path: Path) -> None:
    service = {"batched": Service(POISSON, {"classify": 0.05}, {"classify": 1.5}, servers=1, batch=4, idle_w=2.0)}
    campaign = served_campaign(tmp_path / "campaigns", service, repetitions=1)
    store = Store(str(tmp_path / "a"))
    added(campaign, store)
    tasks = open_archive(store.url).table("tasks")
    file = next(campaign.rglob("tasks-*.csv"))
    written = pd.read_csv(file)
    assert tasks["intended_ns"].tolist() == written["intended_ns"].tolist()
    assert tasks["task_type"].tolist() == written["task_type"].tolist()
    assert tasks["completed_ns"].isna().sum() == written["completed_ns"].isna().sum()


@pytest.fixture
def far() -> Iterator[str]:
    """A place that is no folder of this machine."""
    yield "memory://lab/archive"
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


def test_a_place_that_is_no_folder_is_the_same(campaign: Path, archive: Store, far: str, tmp_path: Path) -> None:
    store = Store(far)
    added(campaign, store, raw=True)
    assert not added(campaign, store).is_new
    (here,), (there,) = entries(archive), entries(store)
    assert here.parts == there.parts
    assert failed(verify(store, campaign.name, None)) == []
    assert rows(store, "SELECT count(*) AS n FROM readings") == rows(archive, "SELECT count(*) AS n FROM readings")
    assert restore(store, campaign.name, tmp_path).is_dir()


def test_a_place_that_fails_is_a_sentence(campaign: Path, far: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(far)

    def lost(*_: object, **__: object) -> None:
        raise RuntimeError("the connection was lost")

    monkeypatch.setattr(store.files, "put_file", lost)
    with pytest.raises(ArchiveError, match="the connection was lost; nothing of what was added before is lost"):
        added(campaign, store)
    with pytest.raises(ArchiveError, match="name a folder, or a URL"):
        Store("nowhere://x")


def test_a_place_where_nothing_stays_is_refused(
    campaign: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "FLEET.toml").write_text(
        'schema = 1\nscheduler = "127.0.0.1"\nopen = true\narchive = "memory://a"\n'
        '[stations.a]\ncampaigns = ["a.toml"]\n'
    )
    for words in (
        ["archive", "add", str(campaign), "--into", "memory://a"],
        ["fleet", "plan", str(tmp_path / "FLEET.toml")],
        ["fleet", "run", str(tmp_path / "FLEET.toml")],
    ):
        assert main(words) == 1
        assert "memory://a: what lies there ends with the command that wrote it" in capsys.readouterr().err
    with pytest.raises(ArchiveError, match=r"s4://x: nothing here knows s4://; name a folder"):
        require_lasting("s4://x")
    for place in ("/srv/a", "s3://a/b", "gs://a", "file:///srv/a", "sftp://a/b"):
        require_lasting(place)


def test_the_command_line_adds_lists_asks_verifies_and_restores(
    campaign: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATTLAB_CALLED", "../lab")
    place = str(tmp_path / "a")
    assert main(["archive", "add", str(campaign), "--into", place, "--raw"]) == 0
    assert f"Next: `../lab archive list {place}`." in capsys.readouterr().out
    assert main(["archive", "list", place]) == 0
    assert campaign.name in capsys.readouterr().out
    assert main(["archive", "query", place, "SELECT count(*) AS n FROM runs", "--csv", str(tmp_path / "n.csv")]) == 0
    assert (tmp_path / "n.csv").read_text().split() == ['"n"', "14"]
    assert main(["archive", "query", place, "SELECT 1", "--csv", str(tmp_path / "n.csv")]) == 1
    assert "exists already" in capsys.readouterr().err
    assert main(["archive", "report", place, "scenarios"]) == 0
    assert main(["archive", "verify", place]) == 0
    assert "every row follows" in capsys.readouterr().out
    assert main(["archive", "restore", place, campaign.name, "--into", str(tmp_path)]) == 0
    assert main(["archive", "restore", place, "nobody", "--into", str(tmp_path)]) == 1
    assert "no campaign nobody" in capsys.readouterr().err
