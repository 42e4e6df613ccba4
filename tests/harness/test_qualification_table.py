"""harness.record.qualification, and the table as lab.toml has it: a campaign that is a qualification."""

import json
import re
from pathlib import Path

import pytest

from harness.measure.lab_file import LabConfig, changed_since, load, with_defaults
from harness.measure.preflight import of_files
from harness.record.documents import Json, dump
from harness.record.errors import ConfigError, DocumentError
from harness.record.qualification import Load, Qualification, declared_in
from harness.station.station import APPLICATION
from tests.harness.stations import station_file

LAB = """
schema = 1
[campaign]
stabilization_s = 1.0
[sut]
host = "sut"
python = "/usr/bin/python3"
[meters.wall]
driver = "wattsup"
port = "/dev/ttyUSB0"
circuit = "sut-ac-inlet"
[scenarios.nothing]
command = ["sleep", "400"]
[scenarios.burn]
command = ["burn", "{percent}"]
factors = { percent = [50, 100] }
"""
TABLE = """
[qualification]
limit_percent = 3.0
[qualification.loads]
nothing = { kind = "idle", level = 0 }
"burn.percent-50" = { kind = "cpu", level = 50 }
"burn.percent-100" = { kind = "cpu", level = 100 }
"""


def read(folder: Path, text: str) -> LabConfig:
    """The configuration that the text is."""
    (folder / "lab.toml").write_text(text)
    return load(folder / "lab.toml")


def kept(config: LabConfig) -> Json:
    """The resolved configuration as a document has it."""
    document: Json = json.loads(dump(config.to_json()))
    return document


def test_what_is_declared_stands_in_the_documents_and_is_read_from_there(tmp_path: Path) -> None:
    config = read(tmp_path, LAB + TABLE)
    declared = declared_in(kept(config))
    assert declared == config.file.qualification
    assert declared == Qualification(
        limit_percent=3.0,
        loads={
            "nothing": Load(kind="idle", level=0),
            "burn.percent-50": Load(kind="cpu", level=50),
            "burn.percent-100": Load(kind="cpu", level=100),
        },
    )
    assert {"burn.percent-50", "burn.percent-100"} <= {scenario.name for scenario in config.scenarios}
    assert with_defaults(kept(config)) == config.to_json()


def test_a_campaign_without_the_table_says_nothing_of_one(tmp_path: Path) -> None:
    config = read(tmp_path, LAB)
    assert "qualification" not in kept(config)
    assert declared_in(kept(config)) is None
    assert declared_in(None) is None


def test_five_percent_is_the_limit_that_is_not_written(tmp_path: Path) -> None:
    declared = declared_in(kept(read(tmp_path, LAB + TABLE.replace("limit_percent = 3.0", ""))))
    assert declared is not None
    assert declared.limit_percent == 5.0


def test_a_campaign_cannot_become_a_qualification_later(tmp_path: Path) -> None:
    begun = kept(read(tmp_path, LAB))
    assert "qualification" in (changed_since(read(tmp_path, LAB + TABLE), begun) or "")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("nothing = {", "nothng = {", r"qualification\.loads\.nothng: no scenario 'nothng' here; .* nothing\?"),
        ('"burn.percent-50"', "burn", r"loads\.burn: 'burn' is measured in cells; name each"),
        ('"cpu", level = 50', '"cpus", level = 50', r"kind: found 'cpus', expected .*; did you mean cpu\?"),
        ("level = 100", "level = 101", r"percent-100\.level: found 101, expected at most 100"),
        ("level = 50", "level = 0", r"percent-50\.level: found 0, expected above 0 for a load of kind cpu"),
        ('"idle", level = 0', '"idle", level = 1', r"nothing\.level: found 1, expected 0 for a load of kind idle"),
        (", level = 50", "", r"percent-50\.level: missing; it has no default"),
        ('kind = "idle", level = 0', 'kind = "other", level = 1', r'no load is of kind "idle"; name the scenario'),
        ('"burn.percent-50" = { kind = "cpu", level = 50 }', "", r"found 1 beside idle, expected at least 2"),
        ("limit_percent = 3.0", "limit_percent = 0", r"limit_percent: found 0, expected a limit above 0 and below 100"),
        ("limit_percent", "limit", r"qualification\.limit: unknown key"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in TABLE
    with pytest.raises(ConfigError, match=said):
        read(tmp_path, LAB + TABLE.replace(old, new, 1))


@pytest.mark.parametrize(
    "forged",
    [
        7,
        {},
        {"limit_percent": 5.0, "loads": {}},
        {"limit_percent": "x", "loads": {"a": {"kind": "idle", "level": 0}}},
        {"limit_percent": 5.0, "loads": {"a": {"kind": "idle"}}},
    ],
)
def test_a_forged_declaration_is_an_error_of_the_document(forged: object) -> None:
    with pytest.raises(DocumentError, match="qualification"):
        declared_in({"qualification": forged})


# --- before anything is measured ---

BUNDLED = APPLICATION / "workloads" / "campaigns" / "qualify.toml"


def remarks(folder: Path, *changes: tuple[str, str]) -> list[str]:
    """What preflight says of the bundled campaign with these changes."""
    text = BUNDLED.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "campaign.toml").write_text(text)
    config = load(station_file(folder), folder / "campaign.toml")
    return [reason.text for reason in of_files(config) if reason.subject == "qualification"]


def test_the_bundled_campaign_has_all_that_a_certificate_needs(tmp_path: Path) -> None:
    assert remarks(tmp_path) == []


def test_with_the_gpu_it_is_a_campaign_too(tmp_path: Path) -> None:
    off = re.compile(r'^# (?="gpu|\[scenarios\.gpu|folder|repetitions|parameters|factors)', re.MULTILINE)
    (tmp_path / "campaign.toml").write_text(off.sub("", BUNDLED.read_text()))
    config = load(station_file(tmp_path), tmp_path / "campaign.toml")
    declared = config.file.qualification
    assert declared is not None
    kinds = [one.kind for one in declared.loads.values()]
    assert {kind: kinds.count(kind) for kind in kinds} == {"idle": 1, "cpu": 5, "memory": 5, "gpu": 5}
    assert not [reason for reason in of_files(config) if reason.subject == "qualification"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("load_s = 340.0, part = \"cpu\"", "load_s = 110.0, part = \"cpu\""), "percent-20 have 3 whole minutes"),
        (('order = "shuffled"', 'order = "as-listed"'), 'of kind memory, .*: campaign.order is not "shuffled"'),
        (('"cpu.level_percent-60" = { kind = "cpu", level = 60 }', ""), "of kind cpu, .*: 4 of the 5 levels are there"),
        (("repetitions = 3", "repetitions = 2"), "of kind cpu, .*cpu.level_percent-100 is not repeated 3 times"),
    ],
)  # fmt: skip
def test_what_the_certificate_will_not_say_is_said_before(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    assert [text for text in remarks(tmp_path, change) if re.search(said, text)]
