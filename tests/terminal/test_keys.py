"""Keys for services: from the environment or a file of their owner; in no stream, no message and no kept answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.record.errors import LabError
from tests.harness.population_files import RATE
from tests.terminal.echo import Echo
from tests.terminal.loads import Made, make_load

KEY = "sesame-42"
ASKED = RATE.replace('method = "GET"\npath = "/"', 'method = "GET"\npath = "/authorized/x"\nkeep = "text"\nKEY')


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with Echo() as service:
        yield service.port


def made_with(folder: Path, key: str, port: int) -> Made:
    return make_load(folder, ASKED.replace("\nKEY", f"\n{key}"), port)


def assert_nowhere(folder: Path) -> None:
    """The key stands in nothing that was written; the service did get it, and told it."""
    for path in folder.iterdir():
        assert path.name == "secret" or KEY.encode() not in path.read_bytes(), path
    assert "(withheld)" in (folder / "answers.log").read_text()


def test_a_key_of_the_environment_reaches_the_service_and_nothing_else(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICE_KEY", KEY)
    made = made_with(tmp_path, 'key_environment = "SERVICE_KEY"', port)
    assert set(made.rated.status) == {200}
    assert_nowhere(tmp_path)


def test_a_key_of_a_file_reaches_the_service_and_nothing_else(tmp_path: Path, port: int) -> None:
    (tmp_path / "secret").write_text(KEY + "\n")
    (tmp_path / "secret").chmod(0o600)
    made = made_with(tmp_path, f'key_file = "{tmp_path}/secret"', port)
    assert set(made.rated.status) == {200}
    assert_nowhere(tmp_path)


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (KEY, 0o640, "others may read .*secret; take that from them with: chmod 600"),
        ("two words", 0o600, "is no key"),
        ("", 0o600, "is no key"),
        (None, 0o600, "cannot be read"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused_before_the_load(
    tmp_path: Path, port: int, content: str | None, mode: int, message: str
) -> None:
    if content is not None:
        (tmp_path / "secret").write_text(content)
        (tmp_path / "secret").chmod(mode)
    with pytest.raises(LabError, match=f"population.toml: activities.ask.key_file: .*{message}") as raised:
        made_with(tmp_path, f'key_file = "{tmp_path}/secret"', port)
    assert KEY not in str(raised.value)


def test_an_environment_without_the_key_is_refused_with_its_name(tmp_path: Path, port: int) -> None:
    with pytest.raises(LabError, match=r"activities\.ask\.key_environment: the environment has no NO_SUCH_KEY"):
        made_with(tmp_path, 'key_environment = "NO_SUCH_KEY"', port)
