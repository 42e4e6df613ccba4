"""An archive at an S3 server that others wrote: every verb, and what goes wrong on the way there."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.cli import main
from harness.evidence.archive_checks import verify
from harness.evidence.archives import add, restore
from reports.archive.contents import Contents
from reports.archive.errors import ArchiveError
from reports.archive.index import entries, entry_in, newest
from reports.archive.query import answer, connection
from reports.archive.store import Store, Taken
from tests.archive.conftest import serving
from tests.archive.cut import Cut
from tests.reports.make_campaign import Shape, make_campaign

SMALL = Shape(repetitions=2, baseline_blocks=2, duration_s=10)


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small synthetic campaign."""
    return make_campaign(tmp_path_factory.mktemp("campaigns"), SMALL)


def is_whole(store: Store, campaign: Path) -> bool:
    return all(check.passed for check in verify(store, campaign.name, None))


def test_every_verb_works_there(campaign: Path, s3: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["archive", "add", str(campaign), "--into", s3, "--raw"]) == 0
    assert "conditional" not in capsys.readouterr().out
    assert main(["archive", "add", str(campaign), "--into", s3]) == 0
    assert "is there" in capsys.readouterr().out
    assert main(["archive", "list", s3]) == 0
    assert main(["archive", "compact", s3]) == 0
    assert Contents(Store(s3)).loose == []
    assert main(["archive", "query", s3, "SELECT count(*) AS n FROM readings", "--csv", str(tmp_path / "n.csv")]) == 0
    assert main(["archive", "report", s3, "instruments"]) == 0
    assert main(["archive", "verify", s3]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "every row follows" in said
    assert "packs have the rows that parts have" in said
    assert main(["archive", "restore", s3, campaign.name, "--into", str(tmp_path)]) == 0
    files = {path.relative_to(campaign) for path in campaign.rglob("*") if path.is_file()}
    assert all((tmp_path / campaign.name / path).read_bytes() == (campaign / path).read_bytes() for path in files)


def test_a_connection_that_is_lost_in_the_middle_is_a_sentence_and_the_next_addition_repairs(
    campaign: Path, s3: str, cut: Cut
) -> None:
    store = Store(s3)
    store.make()
    cut.after(30_000)
    with pytest.raises(ArchiveError, match="nothing of what was added before is lost"):
        add(campaign, store, raw=True, key=None)
    cut.after(None)
    assert entries(Store(s3)) == []
    assert store.names("parts"), "some were written, and nobody names them"
    assert add(campaign, Store(s3), raw=True, key=None).is_new
    assert is_whole(store, campaign)


def test_an_addition_that_is_killed_there_leaves_nothing_that_is_seen(campaign: Path, s3: str, cut: Cut) -> None:
    store = Store(s3)
    store.make()
    begun = cut.sent
    command = [sys.executable, "-m", "harness.cli", "archive", "add", str(campaign), "--into", s3, "--raw"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while cut.sent < begun + 20_000 and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert entries(Store(s3)) == []
    assert add(campaign, Store(s3), raw=True, key=None).is_new
    entry = entry_in(store, campaign.name)
    assert entry is not None
    assert {part.path for part in entry.parts} == set(store.names("parts"))
    assert is_whole(store, campaign)


def test_what_is_damaged_there_is_a_sentence_and_the_next_addition_repairs(campaign: Path, s3: str) -> None:
    store = Store(s3)
    first, second = add(campaign, store, raw=True, key=None).entry.parts[:2]
    store.put(first.path, store.read(first.path)[:-100])
    store.remove(second.path)
    with pytest.raises(ArchiveError, match=r"damaged .*or remove that file and add campaign .* again"):
        answer(connection(Contents(store), "SELECT * FROM runs"), "SELECT * FROM runs")
    assert not is_whole(store, campaign)
    assert add(campaign, store, raw=True, key=None).written == 2
    assert is_whole(store, campaign)
    content = json.loads(store.read(newest(store)[campaign.name]))
    store.put(newest(store)[campaign.name], json.dumps(content | {"schema": 9}).encode())
    with pytest.raises(ArchiveError, match="newer than this wattlab"):
        entries(Store(s3))


def test_a_file_is_created_by_one_alone_there(s3: str) -> None:
    store = Store(s3)
    store.create("index/a.1.json", b"first")
    assert store.keeps_apart
    with pytest.raises(Taken):
        Store(s3).create("index/a.1.json", b"second")
    assert store.read("index/a.1.json") == b"first"


def test_of_two_campaigns_of_one_name_at_the_same_moment_one_is_there_and_the_other_refused(
    campaign: Path, s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, real = make_campaign(tmp_path, Shape(seed=99, repetitions=2, baseline_blocks=2, duration_s=10)), Store.create

    def late(self: Store, name: str, content: bytes) -> None:
        if name.startswith("index/"):
            monkeypatch.setattr(Store, "create", real)
            add(other, Store(s3), raw=False, key=None)
        real(self, name, content)

    monkeypatch.setattr(Store, "create", late)
    with pytest.raises(ArchiveError, match="another campaign is called"):
        add(campaign, Store(s3), raw=False, key=None)
    assert is_whole(Store(s3), other)
    (entry,) = entries(Store(s3))
    assert add(other, Store(s3), raw=False, key=None).entry == entry


def test_stamps_tell_a_file_that_changed_and_are_those_of_a_folder(campaign: Path, s3: str, tmp_path: Path) -> None:
    here, there = Store(str(tmp_path / "a")), Store(s3)
    for store in (here, there):
        store.put("index/a.1.json", b"one")
        store.put("index/b.1.json", b"two")
    names = here.names("index")
    assert here.stamps("index", names) == there.stamps("index", names)
    before = there.stamps("index", names)
    there.put("index/a.1.json", b"another")
    changed = there.stamps("index", names)
    assert [name for name in changed if changed[name] != before[name]] == ["index/a.1.json"]


def test_no_server_and_no_bucket_are_sentences(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as other:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{other.port}")
        with pytest.raises(ArchiveError, match="nothing of what was added before is lost"):
            Store("s3://nobodys-bucket/a").make()
    with pytest.raises(ArchiveError, match="nothing of what was added before is lost"):
        Store(s3).require()


def test_a_copy_of_a_bucket_is_an_archive(campaign: Path, s3: str, tmp_path: Path) -> None:
    store = Store(s3)
    add(campaign, store, raw=True, key=None)
    copy = Store(str(tmp_path / "copy"))
    for name in store.names(""):
        copy.put(name, store.read(name))
    assert is_whole(copy, campaign)
    shutil.rmtree(tmp_path / "copy" / "parts")
    assert add(campaign, copy, raw=True, key=None).is_new
    assert restore(copy, campaign.name, tmp_path).is_dir()
