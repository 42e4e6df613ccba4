"""Packs: an archive is the same with and without them, whatever is added, changed, killed or damaged between."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from harness.cli import main
from harness.record.plain_files import sha256_of
from reports.api import open_archive
from reports.archive.compacted import TABLES, packed_in
from reports.archive.compaction import compact, faults
from reports.archive.contents import Contents
from reports.archive.errors import ArchiveError
from reports.archive.index import newest
from reports.archive.query import answer, connection
from reports.archive.store import Store
from tests.archive.many import Many
from tests.reports.make_campaign import Shape, make_campaign

SMALL = Shape(repetitions=1, baseline_blocks=2, duration_s=10)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Many:
    """A small campaign, under many names."""
    return Many(make_campaign(tmp_path_factory.mktemp("campaigns"), SMALL))


@pytest.fixture
def store(many: Many, tmp_path: Path) -> Store:
    """An archive of five."""
    found = Store(str(tmp_path / "a"))
    many.fill(found, range(5))
    return found


def everything(store: Store) -> dict[str, list[object]]:
    """The rows of every small table, in no order."""
    contents = Contents(store)
    found = {}
    for table in TABLES:
        sql = f"SELECT * FROM {table}"
        found[table] = sorted(answer(connection(contents, sql), sql).to_pylist(), key=repr)
    return found


def test_packs_change_no_answer_whatever_comes_before_and_after(many: Many, store: Store) -> None:
    plain = everything(store)
    assert (compact(store).written, len(Contents(store).loose)) == (5, 0)
    assert everything(store) == plain
    assert compact(store).written == 0
    many.fill(store, [7, 6])
    assert len(open_archive(store.url).table("runs", columns=["run"])) == 7 * len(plain["runs"]) // 5
    apart = everything(store)
    assert len(apart["campaigns"]) == 7
    done = compact(store)
    assert (done.campaigns, done.packs) == (7, 2), "five are not written again for two"
    assert everything(store) == apart
    many.fill(store, range(10, 14))
    whole = everything(store)
    assert (compact(store).packs, everything(store)) == (1, whole)
    assert list(faults(store)) == []


def test_a_campaign_that_changed_or_is_gone_is_not_read_of_its_pack(many: Many, store: Store) -> None:
    compact(store)
    many.add(store, 2, revision=2)
    store.remove(newest(store)["c00003"])
    contents = Contents(store)
    assert [entry.name for entry in contents.loose] == ["c00002"]
    sql = "SELECT campaign, count(*) AS n FROM runs JOIN campaigns USING (campaign) GROUP BY campaign ORDER BY campaign"
    found = answer(connection(contents, sql), sql).to_pylist()
    assert [row["campaign"] for row in found] == ["c00000", "c00001", "c00002", "c00004"]
    assert len({row["n"] for row in found}) == 1
    (fault,) = faults(store)
    assert "c00003: was packed at revision 1, and is not there" in fault


def test_entries_that_look_as_when_they_were_packed_are_not_read(
    many: Many, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    real = Store._md5

    def counted(self: Store, name: str) -> str:
        read.append(name)
        return real(self, name)

    compact(store)
    monkeypatch.setattr(Store, "_md5", counted)
    plain = everything(store)
    assert (Contents(store).loose, read) == ([], [])
    many.add(store, 2, revision=2)
    other = Path(store.path(newest(store)["c00003"]))
    other.write_bytes(other.read_bytes().replace(b'"customer": ""', b'"customer": "another"'))
    assert [entry.name for entry in Contents(store).loose] == ["c00002", "c00003"]
    assert {*read} == {"index/c00002.2.json", "index/c00003.1.json"}
    copy = Store(str(tmp_path / "copy"))
    shutil.copytree(store.path(""), copy.path(""), copy_function=shutil.copyfile)
    assert [entry.name for entry in Contents(copy).loose] == ["c00002", "c00003"], "a copy has other times"
    assert len(read) == 2 + 5
    assert everything(copy)["runs"] == plain["runs"]


@pytest.mark.parametrize("left", [0, 3, 6])
def test_a_compaction_that_is_killed_leaves_nothing_that_is_read_and_the_next_removes_it(
    many: Many, store: Store, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, real_file, real = everything(store), Store.put_file, Store.create

    def dying(self: Store, name: str, file: Path) -> None:
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        real_file(self, name, file)

    def dead(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Store, "put_file", dying)
    monkeypatch.setattr(Store, "create", dead)
    with pytest.raises(KeyboardInterrupt):
        compact(store)
    monkeypatch.setattr(Store, "put_file", real_file)
    monkeypatch.setattr(Store, "create", real)
    assert (packed_in(store).packs, everything(store)) == ((), plain)
    many.fill(store, [5])
    assert compact(store).written == 6
    named = {file.path for pack in packed_in(store).packs for file in pack.files}
    assert set(store.names("packs")) - named == {"packs/packed.1.json"}


def test_of_two_that_compact_at_once_one_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Store.create

    def late(self: Store, name: str, content: bytes) -> None:
        monkeypatch.setattr(Store, "create", real)
        compact(Store(store.url))
        real(self, name, content)

    monkeypatch.setattr(Store, "create", late)
    with pytest.raises(ArchiveError, match="somebody else compacted it"):
        compact(store)
    assert (len(packed_in(store).packs), list(faults(store))) == (1, [])


def test_files_of_a_pack_that_became_part_of_another_stay_for_who_reads_them(many: Many, store: Store) -> None:
    compact(store)
    old = {file.path for pack in packed_in(store).packs for file in pack.files}
    many.fill(store, range(5, 9))
    compact(store)
    assert old <= set(store.names("packs"))
    many.fill(store, range(9, 19))
    compact(store)
    assert not old & set(store.names("packs"))


def forged(store: Store) -> None:
    """Other energies in a pack, with its digest in the list to match, as somebody who owns the archive can."""
    path = "packs/packed.1.json"
    listed = json.loads(store.read(path))
    own = next(file for file in listed["packs"][0]["files"] if file["table"] == "runs")
    place = Path(store.path(own["path"]))
    rows = parquet.read_table(place)
    at = rows.schema.get_field_index("energy_wh")
    less = pa.compute.multiply(rows["energy_wh"], 0.9)
    parquet.write_table(rows.set_column(at, rows.schema.field(at), less), place)
    own["sha256"] = sha256_of(place)
    store.put(path, json.dumps(listed).encode())


def test_forged_and_damaged_packs_are_found_and_mended_as_the_sentence_says(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = everything(store)
    compact(store)
    forged(store)
    assert main(["archive", "verify", store.url]) == 3
    assert "other rows than the parts have" in " ".join(capsys.readouterr().out.split())
    (pack,) = packed_in(store).packs
    own = next(file.path for file in pack.files if file.table == "runs")
    Path(store.path(own)).write_bytes(store.read(own)[:-100])
    (fault,) = faults(store)
    assert (
        fault
        == f"{store.path(own)}: not the bytes that were written; remove it and give `wattlab archive compact` again"
    )
    store.remove(own)
    assert everything(store) == plain
    assert main(["archive", "compact", store.url]) == 0
    assert "5 campaigns put together" in capsys.readouterr().out
    assert (everything(store), list(faults(store))) == (plain, [])
    assert main(["archive", "verify", store.url]) == 0
    assert "packs have the rows that parts have" in " ".join(capsys.readouterr().out.split())


def test_packs_of_a_newer_wattlab_are_refused_or_left_aside(store: Store) -> None:
    plain = everything(store)
    compact(store)
    listed = json.loads(store.read("packs/packed.1.json"))
    for file in listed["packs"][0]["files"]:
        file["schema"] = 9
    store.put("packs/packed.1.json", json.dumps(listed).encode())
    assert (packed_in(store).packs, everything(store)) == ((), plain)
    store.put("packs/packed.1.json", json.dumps(listed | {"schema": 9}).encode())
    with pytest.raises(ArchiveError, match=r"newer than this wattlab.*remove this file"):
        everything(store)
