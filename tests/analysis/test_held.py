"""What is too large to keep is computed again, and nothing comes out otherwise."""

import errno
import gc
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from numpy.typing import NDArray

from reports.campaign.analyse import analyse
from reports.readings import held
from reports.readings.held import Store, size_bytes
from reports.readings.long import compact
from tests.campaign_results import complete
from tests.reports.make_campaign import EXAMPLE, make_campaign


@dataclass(frozen=True)
class Owner:
    """Two large attributes, and how often each was computed."""

    computed: list[str] = field(default_factory=list)

    @held.held
    def first(self) -> NDArray[np.float64]:
        """Eight hundred bytes."""
        self.computed.append("first")
        return np.arange(100.0)

    @held.held
    def second(self) -> dict[str, NDArray[np.float64]]:
        """As many."""
        self.computed.append("second")
        return {"a": np.arange(50.0), "b": np.arange(50.0)}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store of its own, with room for two values of an owner and no more."""
    own = Store()
    monkeypatch.setattr(held, "STORE", own)
    monkeypatch.setattr(held, "ROOM_BYTES", 1600)
    monkeypatch.setattr(held, "LEAST_KEPT", 1)
    return own


def test_what_finds_no_room_in_memory_is_read_again_and_not_computed_again(store: Store) -> None:
    owner, other = Owner(), Owner()
    first = owner.first
    assert owner.first is first
    assert owner.second is owner.second
    assert other.first.size == 100
    assert store.taken_bytes == 1600
    assert owner.first is not first
    assert owner.first.tobytes() == first.tobytes()
    assert owner.second["b"].tobytes() == np.arange(50.0).tobytes()
    assert owner.computed == ["first", "second"]


@pytest.mark.parametrize("hindered", ["room", "disk"])
def test_what_finds_no_room_at_all_is_computed_again(
    store: Store, hindered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if hindered == "room":
        monkeypatch.setattr(held, "FILE_BYTES", 1000)
    else:
        monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    owner, other = Owner(), Owner()
    for one in (owner, owner, other, other):
        assert one.first.size == 100
        assert one.second["a"].size == 50
    assert owner.first.size == 100
    assert owner.second["b"].size == 50
    assert owner.computed == ["first", "second"] + (["second"] if hindered == "room" else ["first", "second"])
    assert store.taken_bytes == 1600


def refuse() -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_an_array_whose_values_are_all_alike_comes_back_as_one(store: Store) -> None:
    laid_down = held.LaidDown()
    laid_down.write((1, "steps"), {"a": compact(np.full(1000, 0.5)), "b": np.arange(6).reshape(2, 3).T})
    found = laid_down.read((1, "steps"))
    assert size_bytes(found) == 8 + 48
    assert found["a"].tolist() == [0.5] * 1000
    assert found["b"].flags.f_contiguous
    laid_down.forget((1, "steps"))
    assert (1, "steps") not in laid_down


def test_what_an_owner_had_goes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    monkeypatch.setattr(held, "STORE", store)
    owner = Owner()
    assert owner.first.size == 100
    assert store.taken_bytes == 800
    del owner
    gc.collect()
    assert store.taken_bytes == 0


def test_values_that_are_all_alike_take_the_memory_of_one() -> None:
    assert size_bytes(compact(np.full(1000, 0.5))) == 8
    assert compact(np.full(1000, 0.5)).tolist() == [0.5] * 1000
    assert size_bytes(compact(np.arange(1000))) == 8000
    assert size_bytes(compact(np.full(3, np.nan))) == 24
    assert compact(np.zeros(0)).size == 0


@pytest.mark.parametrize("file_bytes", [0, held.FILE_BYTES])
def test_a_campaign_gives_the_same_results_without_any_room(
    file_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_campaign(tmp_path, EXAMPLE)
    whole = complete(analyse(folder))
    for name, value in (("ROOM_BYTES", 0), ("LEAST_KEPT", 1), ("FILE_BYTES", file_bytes)):
        monkeypatch.setattr(held, name, value)
    assert complete(analyse(folder)) == whole
