"""`--json` where something is wrong: the problem is the document, with its place, and the exit code stays."""

import json
import signal
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest

from harness import cli
from harness.cli import parser
from harness.cli.called import NAME
from harness.cli.documents import is_asked_for
from harness.cli.reference import PAGE
from harness.evidence import annotations
from harness.record.errors import ConfigError, Interrupted, RunFolderError
from meters.meter import MeterUnplugged

NOTE = ["annotate", "runs/c", "--text", "a door was open", "--json"]


@pytest.fixture(autouse=True)
def _keep_handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def problem_of(error: BaseException, patched: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:  # noqa: ANN401
    """Exit code, what is said of the error on standard output, and what stands on standard error."""

    def fail(*_: object, **__: object) -> NoReturn:
        print("a word that no program reads")
        raise error

    patched.setattr(annotations, "annotate", fail)
    code = cli.main(NOTE)
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["schema"] == 1
    return code, document["error"], said.err


@pytest.mark.parametrize(
    ("error", "code", "place"),
    [
        (RunFolderError("runs/c: no campaign.jsonl in it"), 1, "runs/c"),
        (RunFolderError("/my runs/of today: no campaign.jsonl in it"), 1, "/my runs/of today"),
        (ConfigError("lab.toml: 2 mistakes:\n- campaign.seed: missing"), 1, "lab.toml"),
        (ConfigError("--option baud: expected NAME=VALUE"), 1, "--option baud"),
        (MeterUnplugged("http://10.0.0.7:80: does not answer"), 1, "http://10.0.0.7:80"),
        (RunFolderError("an exclusion needs a run and a reason: `wattlab annotate CAMPAIGN RUN`"), 1, None),
        (RunFolderError("nothing was noted"), 1, None),
        (ConfigError("no command: name it at the end, behind --"), 1, None),
        (ConfigError("meter wall: Overload instead of watts; choose a wider range"), 1, "meter wall"),
        (Interrupted("ended by SIGTERM; nothing is lost"), 130, None),
        (KeyboardInterrupt(), 130, None),
    ],
)
def test_a_problem_is_the_document_with_the_place_that_its_sentence_begins_with(
    error: BaseException,
    code: int,
    place: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found, told, beside = problem_of(error, monkeypatch, capsys)
    assert (found, told["place"], beside) == (code, place, "")
    assert str(error) in told["message"]


def test_of_a_bug_the_document_says_so_and_the_traceback_stands_beside(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told, beside = problem_of(ZeroDivisionError("by nothing"), monkeypatch, capsys)
    assert code == 2
    assert told["message"].startswith("ZeroDivisionError: by nothing; this is a bug in wattlab")
    assert "Traceback" in beside


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (["annotate", "--json"], "command line"),
        (["--json", "annotate"], "command line"),
        (["anotate", "--json"], "command line"),
        (["init", "--json"], "command line"),
        (["meter", "read", "wattsup", "/dev/null", "--count", "0", "--json"], "--count"),
    ],
)
def test_wrong_usage_is_a_document_too(words: list[str], place: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    said = capsys.readouterr()
    assert (caught.value.code, said.err) == (1, "")
    error = json.loads(said.out)["error"]
    assert error["place"] == place
    assert error["message"]


def test_the_word_is_ours_only_before_a_command_of_somebody_else() -> None:
    assert is_asked_for(["report", "runs/c", "--json"])
    assert not is_asked_for(["measure", "--", "python", "train.py", "--json"])
    assert not is_asked_for(["meter", "emulate", "wattsup", "--json"])
    assert not is_asked_for(["report", "runs/c"])


def test_the_page_names_every_command_that_speaks_beside_its_document() -> None:
    told = PAGE.read_text().partition("So does what some")[2].partition(".")[0]
    beside = [words for words, command in parser(NAME).commands() if command.get_default("tells_beside")]
    assert len(beside) > 5
    assert [words for words in map(" ".join, beside) if f"`{words}" not in told] == []
