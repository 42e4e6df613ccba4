"""An archive as an auditor looks at it: forged rows, entries, signatures, questions that reach for more, odd values."""

import json
import shutil
import subprocess
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from harness.attest.signer import read_public_key
from harness.cli import main
from harness.evidence.archive_checks import verify
from harness.evidence.archives import add, restore
from harness.record.plain_files import sha256_of
from reports.archive.contents import Contents
from reports.archive.errors import ArchiveError
from reports.archive.index import entries, newest, signature_of
from reports.archive.query import answer, connection
from reports.archive.store import Store
from tests.archive.many import Many
from tests.reports.make_campaign import LOADS, Shape, make_campaign


def small(folder: Path, name: str, seed: int) -> Path:
    shape = Shape(name=name, loads={"idle": LOADS["idle"]}, repetitions=1, baseline_blocks=2, duration_s=10, seed=seed)
    return make_campaign(folder, shape)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with two campaigns, both signed, one with its sealed files."""
    folder = tmp_path_factory.mktemp("attack")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
    store = Store(str(folder / "archive"))
    add(small(folder, "a", 1), store, raw=True, key=folder / "key")
    add(small(folder, "b", 2), store, raw=False, key=folder / "key")
    return folder


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Store:
    """A copy of it, to be damaged."""
    shutil.copytree(made / "archive", tmp_path / "archive")
    return Store(str(tmp_path / "archive"))


def entry(store: Store, campaign: str) -> dict[str, object]:
    content: dict[str, object] = json.loads(store.read(newest(store)[campaign]))
    return content


def enter(store: Store, campaign: str, changed: dict[str, object]) -> None:
    """Another entry in place of the one that is there."""
    store.put(newest(store)[campaign], json.dumps(changed).encode())


def failed(store: Store, campaign: str, key: Path | None) -> list[str]:
    public = None if key is None else read_public_key(key)
    return [check.name for check in verify(store, campaign, public) if not check.passed]


def test_the_signature_and_the_entry_of_another_campaign_are_refused(store: Store, made: Path) -> None:
    key = made / "key.pub"
    assert (failed(store, "a", key), failed(store, "b", key)) == ([], [])
    ours, theirs = newest(store)["a"], newest(store)["b"]
    store.put(signature_of(ours, store.read(ours)), store.read(signature_of(theirs, store.read(theirs))))
    assert failed(store, "a", key) == ["signed"]
    assert failed(store, "a", None) == ["signed"]
    store.put(ours, store.read(theirs))
    with pytest.raises(ArchiveError, match="this is revision 1 of b, under another name"):
        entries(store)


def test_an_older_entry_under_a_higher_revision_is_refused(store: Store) -> None:
    store.put("index/a.7.json", store.read(newest(store)["a"]))
    with pytest.raises(ArchiveError, match="this is revision 1 of a, under another name"):
        Contents(store).entries  # noqa: B018  it is read when it is asked for


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "parts/a/../../secret.parquet", "parts/b/runs/x.parquet", "../x", "parts/a//x", "parts/a/."]
)
def test_an_entry_that_names_files_of_others_is_refused(store: Store, path: str) -> None:
    changed = entry(store, "a")
    parts = changed["parts"]
    assert isinstance(parts, list)
    parts[0]["path"] = path
    enter(store, "a", changed)
    with pytest.raises(ArchiveError, match="which is no file of this campaign"):
        connection(Contents(store), "SELECT * FROM runs")
    (check,) = verify(store, "a", None)
    assert (check.name, check.passed) == ("entry", False)
    assert "which is no file of this campaign" in check.detail


def test_rows_that_say_they_are_of_another_campaign_are_found_without_its_sealed_files(store: Store) -> None:
    changed = entry(store, "b")
    parts = changed["parts"]
    assert isinstance(parts, list)
    part = next(part for part in parts if part["table"] == "runs")
    file = Path(store.path(part["path"]))
    rows = parquet.read_table(file)
    at = rows.schema.get_field_index("campaign")
    parquet.write_table(rows.set_column(at, rows.schema.field(at), pa.array(["a"] * rows.num_rows)), file)
    part |= {"sha256": sha256_of(file), "bytes": file.stat().st_size}
    enter(store, "b", changed)
    store.remove(next(name for name in store.names("index") if name.startswith("index/b.") and name.endswith(".sig")))
    checks = verify(store, "b", None)
    assert [check.name for check in checks if not check.passed] == ["parts"]
    assert "has rows of another campaign" in next(check.detail for check in checks if not check.passed)


def test_a_link_in_place_of_a_file_is_a_sentence(store: Store, tmp_path: Path) -> None:
    for found in (next(iter(store.names("raw"))), next(iter(store.names("parts/a/runs")))):
        file = Path(store.path(found))
        file.rename(tmp_path / "elsewhere")
        file.symlink_to(tmp_path / "elsewhere")
        assert "parts" in failed(store, "a", None) or "sealed" in failed(store, "a", None)
    with pytest.raises(ArchiveError, match="a link; an archive has plain files"):
        restore(store, "a", tmp_path / "restored")


def test_a_reader_whose_entry_made_place_for_a_newer_one_reads_that(made: Path, tmp_path: Path) -> None:
    store, many = Store(str(tmp_path / "a")), Many(small(tmp_path, "c", 3))
    many.fill(store, [1])
    contents = Contents(store)
    many.add(store, 1, revision=2)
    assert [entry.revision for entry in contents.entries] == [2]


@pytest.mark.parametrize(
    "sql",
    ["EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1", "EXPLAIN ANALYZE COPY runs TO 'NEW'", "EXPORT DATABASE 'NEW'",
     "SELECT * FROM read_text('FILE')", "SELECT * FROM read_blob('FILE')", "SELECT * FROM sniff_csv('FILE')",
     "FROM \"FILE\"", "SELECT * FROM query('COPY runs TO ''NEW''')", "PRAGMA database_list", "LOAD httpfs",
     "SELECT getenv('HOME')", "RESET memory_limit", "CREATE SECRET (TYPE s3)", "CALL enable_logging()",
     "CALL enable_profiling(save_location = 'NEW')", "PREPARE p AS SELECT 1", "INSERT INTO runs SELECT * FROM runs",
     "WITH x AS (DELETE FROM runs) SELECT 1", "BEGIN", "SELECT * FROM parquet_metadata('PART')",
     "SELECT * FROM read_parquet('PART')", "SELECT * FROM store", "SELECT * FROM arrow_scan(1, 2, 3)"],
)  # fmt: skip
def test_no_question_reaches_files_settings_or_more_than_one_answer(store: Store, tmp_path: Path, sql: str) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    part = store.path(store.names("parts/a/runs")[0])
    asked = sql.replace("FILE", str(tmp_path / "secret.csv")).replace("NEW", str(tmp_path / "new"))
    with connection(Contents(store), f"{asked} runs") as database, pytest.raises(ArchiveError):
        answer(database, asked.replace("PART", part))
    assert not (tmp_path / "new").exists()


def test_answers_with_odd_values_and_columns_of_one_name_are_shown_whole(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = "SELECT 1 AS a, 2 AS a, DATE '5000-01-01' + 300000000 AS d"
    assert main(["archive", "query", store.url, odd, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["columns"], told["rows"]) == (["a", "a", "d"], [[1, 2, "beyond what Python has"]])
    assert main(["archive", "query", store.url, "SELECT 'nan'::DOUBLE AS n, 'inf'::DOUBLE AS i", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == [[None, None]]
    target = tmp_path / "runs.csv"
    assert main(["archive", "query", store.url, "SELECT run, indicators FROM runs", "--csv", str(target)]) == 0
    assert '""ram_not_free_kib"":' in target.read_text()
    assert main(["archive", "query", store.url, "SELECT * FROM runs", "--parquet", str(tmp_path / "runs.pq")]) == 0
    assert parquet.read_table(tmp_path / "runs.pq").num_rows == 6
    none = "SELECT * FROM runs WHERE false"
    assert main(["archive", "query", store.url, none, "--csv", str(tmp_path / "e.csv")]) == 0
    assert (tmp_path / "e.csv").read_text().startswith('"campaign_uid"')


def test_a_question_without_end_is_ended_and_leaves_no_file(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    endless = "SELECT a.range FROM range(100000) a, range(100000) b, range(100000) c"
    target = tmp_path / "endless.csv"
    assert main(["archive", "query", store.url, endless, "--csv", str(target), "--seconds", "1"]) == 1
    assert "took too long and was ended" in " ".join(capsys.readouterr().err.split())
    assert not target.exists()
    assert main(["archive", "query", store.url, "SELECT nothing", "--csv", str(target)]) == 1
    assert not target.exists()
