"""What `wattlab archive` says where a file is gone, damaged or not to be written, and what its sentences promise."""

import errno
import json
import socket
from pathlib import Path

import pytest

from harness.cli import main
from harness.evidence.archives import add
from reports.archive.contents import Contents
from reports.archive.errors import ArchiveError, unreadable, written
from reports.archive.index import entry_in
from reports.archive.query import answer, connection
from reports.archive.schemas import SCHEMAS
from reports.archive.store import Store
from tests.reports.make_campaign import LOADS, Shape, make_campaign


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shape = Shape(name="short", loads={"idle": LOADS["idle"]}, repetitions=2, baseline_blocks=2, duration_s=20)
    return make_campaign(tmp_path_factory.mktemp("campaigns"), shape)


@pytest.fixture
def store(campaign: Path, tmp_path: Path) -> Store:
    found = Store(str(tmp_path / "archive"))
    add(campaign, found, raw=True, key=None)
    return found


def told(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 1) -> str:
    """What the command says on standard error."""
    assert main(["archive", *arguments]) == code
    return " ".join(capsys.readouterr().err.split())


def part(store: Store, table: str) -> Path:
    entry = entry_in(store, "short")
    assert entry is not None
    return Path(store.path(next(one.path for one in entry.parts if one.table == table)))


def test_a_part_that_is_gone_is_named_with_its_campaign_and_adding_mends_it(
    store: Store, campaign: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = part(store, "runs")
    gone.unlink()
    expected = f"{gone}: not there; take it from a copy of the archive, or add campaign short again"
    assert expected in told(capsys, "query", store.url, "SELECT * FROM runs")
    assert expected in told(capsys, "report", store.url, "baselines")
    assert expected in told(capsys, "report", store.url, "--html", str(tmp_path / "page.html"))
    add(campaign, store, raw=True, key=None)
    assert main(["archive", "query", store.url, "SELECT * FROM runs"]) == 0


def test_a_part_that_is_damaged_is_removed_and_added_again_as_the_sentence_says(
    store: Store, campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = part(store, "runs")
    damaged.write_bytes(bytes(damaged.stat().st_size))
    said = told(capsys, "query", store.url, "SELECT * FROM runs")
    assert f"{damaged}: damaged (" in said
    assert "take it from a copy of the archive, or remove that file and add campaign short again" in said
    damaged.unlink()
    add(campaign, store, raw=True, key=None)
    assert main(["archive", "query", store.url, "SELECT * FROM runs"]) == 0
    assert main(["archive", "verify", store.url]) == 0


def test_a_damaged_pack_is_made_anew_and_who_may_not_read_is_told_so(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["archive", "compact", store.url]) == 0
    (pack,) = (name for name in store.names("packs") if "/runs--" in name)
    damaged = Path(store.path(pack))
    damaged.write_bytes(bytes(damaged.stat().st_size))
    said = told(capsys, "query", store.url, "SELECT * FROM runs")
    assert f"{damaged}: damaged (" in said
    assert "archive compact` again: packs hold copies" in said
    damaged.unlink()
    assert main(["archive", "compact", store.url]) == 0
    assert main(["archive", "query", store.url, "SELECT * FROM runs"]) == 0
    refused = "IOError: Failed to open local file. Detail: [errno 13] Permission denied"
    assert "who owns the archive gives it" in str(unreadable("/a/parts/short/runs/r.parquet", refused))


def test_what_cannot_be_written_is_a_sentence(
    store: Store, campaign: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    beneath = str(tmp_path / "file" / "x")
    wrong = [
        ("restore", store.url, "short", "--into", beneath), ("report", store.url, "--html", beneath),
        ("report", store.url, "baselines", "--csv", beneath), ("query", store.url, "SELECT 1", "--csv", beneath),
        ("query", store.url, "SELECT 1", "--parquet", beneath), ("add", str(campaign), "--into", "/proc/nothing/x"),
        ("energies", store.url, "short", "--every", "60", "--csv", beneath),
        ("energies", store.url, "short", "--every", "60", "--parquet", beneath),
    ]  # fmt: skip
    for arguments in wrong:
        said = told(capsys, *arguments)
        assert "cannot be written" in said, said
        assert "DuckDB" not in said
    with pytest.raises(ArchiveError, match=r"p/x: cannot be written \(.*chmod and chown"), written(Path("p/x")):
        raise PermissionError(errno.EACCES, "Permission denied")


@pytest.mark.parametrize(
    "sql", ["SHOW TABLES", "show all tables", "SELECT * FROM information_schema.tables", "SELECT * FROM nosuch",
            "SELECT * FROM duckdb_tables()", "SELECT * FROM pg_tables"],
)  # fmt: skip
def test_who_asks_for_tables_that_are_not_there_is_told_which_are(store: Store, sql: str) -> None:
    with pytest.raises(ArchiveError) as found:
        answer(connection(Contents(store), sql), sql)
    assert all(table in str(found.value) for table in ("campaigns", *SCHEMAS))
    assert "pg_sequences" not in str(found.value)


def test_an_interval_without_readings_is_counted(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = entry_in(store, "short")
    assert entry is not None
    first_ns, last_ns = next((one.first_ns, one.last_ns) for one in entry.parts if one.table == "readings")
    file = tmp_path / "intervals.csv"
    file.write_text(f"interval,begin_utc_ns,end_utc_ns\nrun,{first_ns},{last_ns}\nbefore,1,2\n")
    asked = ["archive", "energies", store.url, "short", "--intervals", str(file)]
    for more in ([], ["--csv", str(tmp_path / "out.csv")]):
        assert main([*asked, *more]) == 0
        assert "1 of 2 intervals has no reading." in " ".join(capsys.readouterr().out.split())
    assert main([*asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["without_reading"] == ["before"]
    assert main(["archive", "energies", store.url, "short", "--every", "60"]) == 0
    assert "no reading." not in capsys.readouterr().out


def test_a_server_that_is_down_cannot_be_reached_and_keys_that_are_missing_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as held:  # bound, and nobody listens
        held.bind(("127.0.0.1", 0))
        said = told(capsys, "list", f"http://127.0.0.1:{held.getsockname()[1]}/x")
    assert "cannot be reached" in said
    assert "no archive there" not in said
    store = Store("memory://nowhere")

    def unanswered(_: str) -> bool:
        raise OSError("Error performing PUT http://169.254.169.254/latest/api/token")

    monkeypatch.setattr(store.files, "exists", unanswered)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    with pytest.raises(ArchiveError, match=r"no AWS keys; .* AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY") as found:
        store.require()
    assert "169.254" not in str(found.value)


def test_an_entry_that_nobody_asked_to_be_signed_neither_passes_nor_fails(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["archive", "verify", store.url]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    (signed,) = (line for line in lines if line[1:2] == ["signed"])
    assert signed[2] == "–"
    assert any(line[1:3] == ["parts", "pass"] for line in lines)
