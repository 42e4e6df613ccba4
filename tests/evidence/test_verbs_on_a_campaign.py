"""The verbs on a finished campaign: one document for programs, plain words where something is not as it should be."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import cli
from harness.record.campaign_folder import CampaignFolder
from tests.evidence.forger import copied
from tests.harness.test_run_folder import unlock

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _keep_handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_with_json_a_verb_prints_one_document_and_nothing_else(
    unsigned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = copied(unsigned, tmp_path)
    assert cli.main(["report", str(campaign), "--json"]) == 0
    told = capsys.readouterr().out
    assert json.loads(told) == json.loads((campaign / "derived" / "results.json").read_text())
    assert cli.main(["verify", str(campaign), "--json"]) == 0
    verified = json.loads(capsys.readouterr().out)
    assert verified["passed"] is True
    assert {"subject", "name", "passed", "detail"} == set(verified["checks"][0])
    assert verified["notes"]
    sides = [f"{campaign}:cnn", f"{unsigned}:cnn"]
    assert cli.main(["plan", "--lab", str(ROOT / "lab.toml"), "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert [run["ordinal"] for run in planned["runs"]] == list(range(1, 18))
    assert cli.main(["compare", *sides, "--into", str(tmp_path / "ab"), "--json"]) == 1
    assert set(json.loads(capsys.readouterr().out)) == {"schema", "error"}


def test_verify_names_what_it_takes_where_a_file_is_no_archive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "power.csv"
    for content, message in ((b"time,power\n", "expected the folder of a campaign"), (b"", "expected the folder of a"),
                             (b"PK\x03\x04 cut", "a damaged zip file")):  # fmt: skip
        file.write_bytes(content)
        assert cli.main(["verify", str(file)]) == 1
        assert message in capsys.readouterr().err


def test_a_key_that_is_not_there_is_said_before_anything_is_verified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for key, message in (("nope", "no such key"), (".", "a folder, no key")):
        assert cli.main(["sign", str(tmp_path / "no-campaign"), "--key", str(tmp_path / key)]) == 1
        assert message in capsys.readouterr().err


@pytest.mark.parametrize("said", [["--text", ""], ["--text", " \t"], ["--text", "x", "--operator", "\u200b "]])
def test_an_empty_note_is_refused_and_nothing_is_written(
    unsigned: Path, said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = CampaignFolder(unsigned).annotations.entries()
    assert cli.main(["annotate", str(unsigned), *said]) == 1
    assert "is empty" in capsys.readouterr().err
    assert CampaignFolder(unsigned).annotations.entries() == before


def test_a_bag_is_written_once_to_a_place_that_is_there(
    unsigned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "c.zip"
    target.write_bytes(b"")
    for place, message in ((target, "exists already; choose another name"), (tmp_path / "no" / "c.zip", "no folder")):
        assert cli.main(["export", "bag", str(unsigned), "--into", str(place)]) == 1
        error = capsys.readouterr().err
        assert message in error
        assert "Errno" not in error
    assert target.read_bytes() == b""


def test_a_bag_of_a_campaign_that_does_not_verify_or_with_another_name_comes_with_a_warning(
    unsigned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = copied(unsigned, tmp_path)
    assert cli.main(["export", "bag", str(campaign), "--into", str(tmp_path / "c.zip")]) == 0
    assert "Warning" not in capsys.readouterr().err
    stream = next(CampaignFolder(campaign).run_paths()[0].glob("readings-*.csv"))
    unlock(stream.parent)
    stream.write_bytes(stream.read_bytes() + b"\n")
    assert cli.main(["export", "bag", str(campaign), "--into", str(tmp_path / "c.txt")]) == 0
    warned = capsys.readouterr().err
    assert "does not pass `wattlab verify`" in warned
    assert "does not end in .zip" in warned
