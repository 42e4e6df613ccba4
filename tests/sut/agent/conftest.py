"""An agent for each test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sut.local_agent import LocalAgent


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[LocalAgent]:
    with LocalAgent(tmp_path / "agent") as local:
        yield local
