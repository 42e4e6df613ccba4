"""`wattlab qualify`: what it writes, says and refuses."""

import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from harness import cli
from harness.measure.lab_file import LabConfig
from tests.harness.test_qualification_table import LAB as WHOLE
from tests.harness.test_qualification_table import TABLE
from tests.reports.make_campaign import LAB_TOML
from tests.reports.qualified import SHORT, Qualified, qualified_campaign

ROOM, _, CAMPAIGN = WHOLE.partition("[campaign]")
LAB = ROOM + CAMPAIGN[CAMPAIGN.index("[sut]") : CAMPAIGN.index("[scenarios.nothing]")]
CAMPAIGN = 'schema = 1\n[campaign]\nname = "first"\n' + CAMPAIGN[CAMPAIGN.index("[scenarios.nothing]") :]
SHAPE = Qualified(declared=SHORT, repetitions=1, baseline_blocks=1, duration_s=62, switched_s=62, with_tracker=False)


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One repetition of three loads."""
    return qualified_campaign(tmp_path_factory.mktemp("cli"), SHAPE)


def test_the_certificate_is_written_and_what_it_says_is_printed(
    campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["qualify", str(campaign)]) == 3  # an emulated wall qualifies nothing
    said = " ".join(capsys.readouterr().out.split())
    assert "agent/gpu0_power_w" in said
    assert "This certificate qualifies nothing. The meter wall was read from an emulated meter" in said
    written = sorted(path.name for path in (campaign / "derived").iterdir())
    assert written == ["qualification.html", "qualification.json"]


def test_programs_get_the_file_and_nothing_else(campaign: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["qualify", str(campaign), "--json"]) == 3
    text = capsys.readouterr().out
    assert text == (campaign / "derived" / "qualification.json").read_text()
    assert json.loads(text)["kind"] == "qualification"


def test_a_real_instrument_ends_with_0_and_says_of_each_meter_whether_it_can_be_corrected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = qualified_campaign(tmp_path, replace(SHAPE, origin="instrument"))
    assert cli.main(["qualify", str(real)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "agent/gpu0_power_w: not usable for correction: Kind cpu has 1 levels" in said


def test_the_page_is_there_as_pdf_too(
    campaign: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("reports.render.pdf_of", lambda page, _: f"%PDF of {len(page)} letters".encode())
    assert cli.main(["qualify", str(campaign), "--pdf"]) == 3
    assert (campaign / "derived" / "qualification.pdf").read_bytes().startswith(b"%PDF")
    assert "qualification.pdf" in capsys.readouterr().out


def test_a_limit_that_contradicts_the_declared_one_is_refused(
    campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["qualify", str(campaign), "--limit-percent", "3"]) == 1
    assert "--limit-percent 3: the campaign declared 5 % before its first run" in " ".join(
        capsys.readouterr().err.split()
    )


def test_a_lab_file_that_declares_no_load_is_refused_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = tmp_path / "lab.toml"
    lab.write_text(LAB_TOML.read_text())
    assert cli.main(["qualify", str(lab)]) == 1
    assert "qualification: no such table" in " ".join(capsys.readouterr().err.split())


def test_of_a_lab_file_the_campaign_is_measured_before_it_is_certified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured: list[Path] = []

    def measure(config: LabConfig, _wires: object) -> None:
        measured.append(qualified_campaign(config.campaign_folder.parent, replace(SHAPE, name="first")))

    monkeypatch.setattr("harness.cli.run.measure", measure)
    monkeypatch.setattr("harness.measure.embedded.open_wires", lambda _: nullcontext())
    (tmp_path / "lab.toml").write_text(LAB)
    (tmp_path / "qualify.toml").write_text(CAMPAIGN + TABLE)
    assert cli.main(["qualify", str(tmp_path / "lab.toml"), "--campaign", str(tmp_path / "qualify.toml")]) == 3
    assert measured == [tmp_path / "runs" / "first"]
    assert str(measured[0] / "derived" / "qualification.html") in capsys.readouterr().out.replace("\n", "")
