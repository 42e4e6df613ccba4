"""The emulators against what clients of others said to them once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.meters import transcripts

DOCS = Path(__file__).parents[2] / "docs" / "meters.md"


@pytest.mark.parametrize("name", sorted(transcripts.DIALOGUES))
def test_an_emulator_answers_a_client_as_when_the_client_was_run(name: str) -> None:
    assert list(transcripts.differences(name)) == []
    assert any(turn.answers for turn in transcripts.read(name))


def test_each_dialogue_that_is_kept_has_its_digest_in_the_docs_and_is_played() -> None:
    kept = {file.stem: hashlib.sha256(file.read_bytes()).hexdigest()[:16] for file in transcripts.PEERS.glob("*.txt")}
    assert set(kept) == set(transcripts.DIALOGUES)
    text = DOCS.read_text()
    assert [name for name, digest in kept.items() if f"`{name}` {digest}" not in text] == []


def test_an_answer_that_is_another_one_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = transcripts.read("check-gude")
    changed = [transcripts.Turn(turn.said, (*turn.answers, b"more")) for turn in turns]
    monkeypatch.setattr(transcripts, "read", lambda _name: changed)
    assert len(list(transcripts.differences("check-gude"))) == len(turns)
