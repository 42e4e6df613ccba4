"""The command line: one sentence and exit code 1 for a user, 2 and a traceback for a bug, 3 for a broken seal."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import cli
from harness.cli import init
from harness.config import APPLICATION
from meters.meter import MeterUnplugged
from tests.harness.test_run_folder import unlock, write_campaign


@pytest.fixture(autouse=True)
def _keep_sigterm() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_init_writes_the_commented_default_and_never_overwrites(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lab.toml"
    assert cli.main(["init", str(file)]) == 0
    assert file.read_bytes() == (APPLICATION / "lab.toml").read_bytes()
    file.write_text("mine")
    assert cli.main(["init", str(file)]) == 1
    assert file.read_text() == "mine"
    assert "exists already" in capsys.readouterr().err


def test_plan_lists_every_run_and_starts_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lab.toml"
    cli.main(["init", str(file)])
    assert cli.main(["plan", "--lab", str(file)]) == 0
    out = capsys.readouterr().out
    assert "14 runs into" in out
    assert out.count("baseline") >= 5
    assert [path.name for path in tmp_path.iterdir()] == ["lab.toml"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plan", "--lab", "/no/such/lab.toml"], "wattlab: /no/such/lab.toml: no such file"),
        (["verify", "/no/such/campaign"], "wattlab: /no/such/campaign: no campaign.jsonl"),
        (["report", "/no/such/campaign"], "no campaign.jsonl in it"),
        (["meter", "read", "wattsup", "/dev/no-such-port"], "/dev/no-such-port"),
        (["meter", "read", "wattsup", "/dev/null", "--option", "baud"], "expected NAME=NUMBER"),
    ],
)
def test_a_users_problem_is_one_sentence_and_exit_code_1(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


@pytest.mark.parametrize("words", [[], ["nonsense"], ["plan", "--nonsense"], ["import", "oscar", "x"]])
def test_wrong_usage_is_exit_code_1_with_the_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    assert caught.value.code == 1
    assert "usage: wattlab" in capsys.readouterr().err


def test_a_bug_is_a_traceback_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(init, "call", broken)
    assert cli.main(["init"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_meters_error_is_printed_like_the_labs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unplugged(_: object) -> int:
        raise MeterUnplugged("/dev/ttyUSB0: the port went away")

    monkeypatch.setattr(init, "call", unplugged)
    assert cli.main(["init"]) == 1
    assert capsys.readouterr().err == "wattlab: /dev/ttyUSB0: the port went away\n"


def test_verify_passes_a_sealed_campaign_and_exits_3_when_a_byte_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = write_campaign(tmp_path / "c")
    assert cli.main(["verify", str(tmp_path / "c")]) == 0
    stream = campaign.run_paths()[1] / "readings-wall.csv"
    unlock(stream.parent)
    stream.write_bytes(stream.read_bytes().replace(b"2.0", b"1.0"))
    assert cli.main(["verify", str(tmp_path / "c")]) == 3
    out = capsys.readouterr().out
    assert "FAIL" in out
    assert "is not as it was measured" in " ".join(out.split())
