from pathlib import Path

import pytest

from harness.fleet.fleet_file import read_fleet
from harness.record.errors import ConfigError, FleetError

FLEET = """\
schema = 1
scheduler = "127.0.0.1"
open = true
archive = "/srv/archive"
[stations.bench-a]
campaigns = ["campaigns/core.toml", "lab.toml"]
"""


def fleet_file(folder: Path, text: str) -> Path:
    path = folder / "FLEET.toml"
    path.write_text(text)
    return path


def test_a_fleet_file_says_who_measures_what(tmp_path: Path) -> None:
    fleet = read_fleet(fleet_file(tmp_path, FLEET))
    assert fleet.link.address == "tcp://127.0.0.1:8786"
    assert fleet.file.stations["bench-a"].campaigns == ["campaigns/core.toml", "lab.toml"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[stations.bench-a]", "[stations.'bench a']", "stations.bench a: found 'bench a', expected up to 64 letters"),
        ('campaigns = ["campaigns/core.toml", "lab.toml"]', "campaigns = []", "campaigns: found none"),
        ('"campaigns/core.toml"', '"lab.toml"', "'lab.toml' stands there twice"),
        ('"/srv/archive"', '"archive"', "archive: found 'archive', expected an absolute path or a URL"),
        ("scheduler =", "schedular =", "schedular"),
        (FLEET[FLEET.index("[stations") :], "", "stations: missing; name each"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in FLEET
    with pytest.raises(ConfigError) as error:
        read_fleet(fleet_file(tmp_path, FLEET.replace(old, new)))
    assert said in str(error.value)
    assert str(tmp_path) in str(error.value)


def test_without_certificate_a_fleet_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match=r"FLEET\.toml: '127.0.0.1:x' is no address of a scheduler"):
        read_fleet(fleet_file(tmp_path, FLEET.replace('"127.0.0.1"', '"127.0.0.1:x"')))
    with pytest.raises(FleetError, match=r"no certificate is named; `wattlab fleet certificates"):
        read_fleet(fleet_file(tmp_path, FLEET.replace("open = true\n", "")))
    with pytest.raises(FleetError, match=r"keys/office: authority\.pem, .* missing"):
        read_fleet(fleet_file(tmp_path, FLEET.replace("open = true", 'tls = "keys/office"')))
