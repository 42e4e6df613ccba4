"""A signed campaign and two keys, made once; every attack works on a copy of its own."""

import subprocess
from pathlib import Path

import pytest

from harness.evidence.verification import sign_campaign
from tests.documents import write_report, write_results
from tests.evidence.forger import copied
from tests.reports.make_campaign import Load, Shape, make_campaign

SHAPE = Shape(name="study", loads={"cnn": Load(52.0, 34.0, epochs=2)}, repetitions=3, baseline_blocks=3, gpu=False)


def make_key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab key", "-f", str(path)], check=True)
    return path


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lab's private key; its public half lies beside it."""
    return make_key(tmp_path_factory.mktemp("keys") / "lab")


@pytest.fixture(scope="session")
def other_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody else's key."""
    return make_key(tmp_path_factory.mktemp("keys") / "mallory")


@pytest.fixture(scope="session")
def unsigned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete campaign with its results."""
    campaign = make_campaign(tmp_path_factory.mktemp("unsigned"), SHAPE)
    write_results(campaign)
    return campaign


@pytest.fixture(scope="session")
def signed(unsigned: Path, key: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, signed by the lab."""
    campaign = copied(unsigned, tmp_path_factory.mktemp("signed"))
    sign_campaign(campaign, key, None)
    return campaign


@pytest.fixture(scope="session")
def reported(unsigned: Path, key: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with its report, signed: for the attacks on the report, because drawing it takes time."""
    campaign = copied(unsigned, tmp_path_factory.mktemp("reported"))
    write_report(campaign)
    sign_campaign(campaign, key, None)
    return campaign
