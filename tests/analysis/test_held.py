"""What is too large to keep is computed again, and nothing comes out otherwise."""

import gc
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from reports.campaign.analyse import analyse
from reports.readings import held
from reports.readings.held import Store, compact, size_bytes
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


def test_a_value_is_kept_while_there_is_room_and_the_oldest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "STORE", Store())
    monkeypatch.setattr(held, "ROOM_BYTES", 1600)
    owner, other = Owner(), Owner()
    assert owner.first is owner.first
    assert owner.second is owner.second
    assert owner.first.size == 100
    assert other.first.size == 100
    assert owner.first.size == 100
    assert owner.computed == ["first", "second"]
    assert owner.second["b"].size == 50
    assert owner.computed == ["first", "second", "second"]


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


def test_a_campaign_gives_the_same_results_without_any_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_campaign(tmp_path, EXAMPLE)
    whole = complete(analyse(folder))
    monkeypatch.setattr(held, "ROOM_BYTES", 0)
    assert complete(analyse(folder)) == whole
