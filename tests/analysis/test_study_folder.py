import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness import cli
from harness.evidence.studies import STUDY_DOCUMENT, write_study
from harness.evidence.verifier import verify_document
from harness.record.documents import Json
from harness.record.errors import ConfigError, RunFolderError
from harness.record.seal import MANIFEST, write_sealed
from harness.record.verify import verify_sealed
from tests.analysis.studies import HEAD, STUDIES, TABLE, question
from tests.reports import make_campaign as make_campaign_module
from tests.reports.make_campaign import Load, Shape, SyntheticRun, make_campaign

LOADS = {"cnn": Load(52.0, 34.0, 61.0, epochs=3), "transfer": Load(38.0, 22.0, 44.0, epochs=2)}
UNSIGNED = "Nothing proves who made this study: it is not signed."
MACHINES = """
[questions.machines]
title = "Do the machines differ?"
response = "induced"
factor = "machine"
test = "welch"
transform = "none"
"""
SHIPPED = (STUDIES / "two-machines.toml").read_text()
OF_CAMPAIGNS = SHIPPED.replace("../../runs/desk", "one").replace("../../runs/server", "other") + MACHINES


@pytest.fixture(scope="module")
def campaigns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two emulated campaigns and a study of both, written."""
    folder = tmp_path_factory.mktemp("campaigns")
    make_campaign(folder, Shape(name="one", loads=LOADS, repetitions=4, duration_s=20, baseline_blocks=3))
    other = Shape(name="other", loads=LOADS, repetitions=4, duration_s=20, baseline_blocks=3, seed=9,
                  hostname="sut-02", broken={4: "abort"})  # fmt: skip
    make_campaign(folder, other)
    (folder / "study.toml").write_text(OF_CAMPAIGNS)
    write_study(folder / "study.toml", folder / "written")
    return folder


def study_in(folder: Path) -> Json:
    read: Json = json.loads((folder / "study.json").read_text())
    return read


def opened(source: Path, target: Path) -> Path:
    """A copy that may be written to."""
    shutil.copytree(source, target)
    for path in [target, *target.rglob("*")]:
        path.chmod(path.stat().st_mode | stat.S_IWUSR)
    return target


def failed(folder: Path) -> set[str]:
    return {check.name for check in verify_document(STUDY_DOCUMENT, folder).failed}


def test_a_study_of_emulated_campaigns_is_stamped_so(campaigns: Path) -> None:
    study = study_in(campaigns / "written")
    assert study["measurement"]["origin"] == "emulated"
    assert "EMULATED" in (campaigns / "written" / "report.html").read_text()


def test_runs_that_entered_no_mean_of_their_campaign_enter_no_study_and_are_listed(campaigns: Path) -> None:
    study = study_in(campaigns / "written")
    assert study["rows"] == {"read": 16, "left_out": 1, "excluded": 0, "used": 15}
    one = study["left_out"][0]
    assert (one["reason"], one["found"]) == ("excluded-run", "SIGTERM: the operator stopped the lab")
    assert one["source"].startswith("server/")


def test_responses_are_formulas_of_a_runs_numbers_in_the_stated_unit(campaigns: Path) -> None:
    written = campaigns / "written"
    study = study_in(written)
    header, first = [line.split(",") for line in (written / "runs.csv").read_text().splitlines()[:2]]
    row = dict(zip(header, first, strict=True))
    by_net = study["questions"][0]["values"]
    induced = next(one for one in by_net if one["level"] == row["scenario"])["values"][0]
    assert induced == float(row["induced_energy_wh"])
    assert study["responses"][1]["reduced"] == "1/Wh"
    assert study["responses"][1]["n"] == study["responses"][0]["n"] == 15


def test_levels_of_different_campaigns_carry_a_caution_levels_within_them_do_not(campaigns: Path) -> None:
    nets, machines = study_in(campaigns / "written")["questions"]
    assert nets["cautions"] == []
    assert machines["cautions"] == [{"code": "other-campaigns", "levels": {"desk": ["desk"], "server": ["server"]}}]


def test_a_study_as_written_verifies_down_to_the_campaigns(campaigns: Path) -> None:
    outcome = verify_document(STUDY_DOCUMENT, campaigns / "written")
    assert [check.name for check in outcome.checks] == ["bytes", "study", "report", "campaigns", "sources"]
    assert not outcome.failed
    told = "The campaigns themselves were not verified: `wattlab verify` on each does that."
    assert outcome.notes == [told, UNSIGNED]


def test_without_its_campaigns_a_study_is_recomputed_from_its_table_and_says_so(
    campaigns: Path, tmp_path: Path
) -> None:
    elsewhere = opened(campaigns / "written", tmp_path / "a" / "b")
    outcome = verify_document(STUDY_DOCUMENT, elsewhere)
    assert not outcome.failed
    assert outcome.notes == ["runs.csv was not recomputed: the campaigns do not lie where they lay.", UNSIGNED]


@pytest.mark.parametrize(
    ("name", "old", "new", "found"),
    [
        ("study.json", '"used": 15', '"used": 16', {"bytes", "study", "report"}),
        ("report.html", "</body>", "<p>x</p></body>", {"bytes", "report"}),
        ("study.toml", "alpha = 0.05", "alpha = 0.06", {"bytes", "study"}),
        ("study.toml", 'formula = "induced_energy_wh"', 'formula = "nothing"', {"bytes", "study"}),
        ("runs.csv", "induced_energy_wh", "energy", {"bytes", "study"}),
    ],
)
def test_a_changed_part_of_a_sealed_study_is_found(
    campaigns: Path, tmp_path: Path, name: str, old: str, new: str, found: set[str]
) -> None:
    folder = opened(campaigns / "written", tmp_path / "changed")
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))
    assert failed(folder) == found


def test_a_table_that_is_not_that_of_the_campaigns_is_found_even_when_everything_was_sealed_anew(
    campaigns: Path, tmp_path: Path
) -> None:
    whole = opened(campaigns, tmp_path / "whole")
    text = (whole / "written" / "runs.csv").read_text()
    forged = "\n".join(line for line in text.splitlines() if ",cnn,3," not in line) + "\n"
    files = {path.name: path.read_bytes() for path in (whole / "written").iterdir() if path.name != MANIFEST}
    shutil.rmtree(whole / "written")
    write_sealed(whole / "written", files | {"runs.csv": forged})
    assert "campaigns" in failed(whole / "written")


def test_runs_of_different_kinds_are_not_pooled_into_one_level(campaigns: Path, tmp_path: Path) -> None:
    text = OF_CAMPAIGNS.replace('machine = "server"', 'machine = "desk"').replace(
        'folder = "', f'folder = "{campaigns}/'
    )
    path = tmp_path / "pooled.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"desk:cnn and server:cnn stand together as cnn, desk, .* hostname is"):
        write_study(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('folder = "one"', 'folder = "none"', r"campaigns\.desk\.folder: .*none is no folder"),
        ('folder = "other"', 'folder = "one"', r"campaigns\.server: the same campaign as desk; each run counts once"),
        ("scenarios = { cnn", "scenarios = { vgg", r"campaigns\.desk\.scenarios\.vgg: no such scenario in one; there"),
        ('levels = { machine = "desk" }', 'levels = { seed = "1" }', r"'seed' is a column of every campaign"),
        ("final.val_accuracy", "final.accuracy", r"responses\.efficiency\.formula: no column 'final\.accuracy'"),
        ('column = "machine"', 'column = "place"', r"factors\.machine\.column: runs\.csv has no column 'place'"),
    ],
)  # fmt: skip
def test_a_study_that_does_not_fit_its_campaigns_says_where(campaigns: Path, old: str, new: str, says: str) -> None:
    path = campaigns / "wrong.toml"
    path.write_text(OF_CAMPAIGNS.replace(old, new, 1))
    with pytest.raises(ConfigError, match=says):
        write_study(path, campaigns / "wrong")


def test_the_verb_writes_the_study_of_the_paper_with_its_correction_and_verify_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "delrey"
    assert cli.main(["study", "report", str(STUDIES / "delrey-v1.toml"), "--into", str(folder)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "135 of 148 published values are as printed, 13 differ as a known erratum says, 0 differ without a" in out
    assert "A table of runs, without readings" in out
    assert cli.main(["verify", str(folder)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "runs-v1.csv.gz is an imported table: no reading stands behind it" in out
    assert study_in(folder)["companion"]["study"]["name"] == "delrey-corrected"
    report = (folder / "report.html").read_text()
    assert "98.83" in report
    assert "81.39" in report


def test_the_terminal_says_whose_readings_a_study_is_of(
    campaigns: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (campaigns / "again.toml").write_text(OF_CAMPAIGNS)
    assert cli.main(["study", "report", str(campaigns / "again.toml"), "--into", str(tmp_path / "s")]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "The power readings come from an emulated meter. Nothing here is a measured consumption." in out


def test_a_key_for_a_study_is_refused_because_no_study_is_signed(
    campaigns: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "lab.pub"
    key.write_text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl lab\n")
    assert cli.main(["verify", str(campaigns / "written"), "--public-key", str(key)]) == 1
    assert "is not signed; verify its campaigns with --public-key" in capsys.readouterr().err


def test_without_r_no_study_is_made_and_a_written_one_is_verified_but_for_its_numbers(
    campaigns: Path, tmp_path: Path
) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "R_HOME"} | {"PATH": str(tmp_path)}
    elsewhere = opened(campaigns / "written", tmp_path / "a" / "b")
    done = [
        subprocess.run(
            [sys.executable, "-m", "harness.cli", *words], env=environment, cwd=STUDIES.parents[1],
            capture_output=True, text=True, check=False,
        )
        for words in (["verify", str(elsewhere)], ["study", "report", str(STUDIES / "delrey-v1.toml"), "--into", "x"])
    ]  # fmt: skip
    verified, made = (" ".join((one.stdout + one.stderr).split()) for one in done)
    assert [one.returncode for one in done] == [0, 1]
    assert "study.json was not recomputed: " in verified
    assert "apt-get install r-base-core" in verified
    assert "apt-get install r-base-core" in made
    assert "Traceback" not in made


def test_a_number_that_contradicts_the_published_one_ends_with_3(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text(TABLE)
    claim = '[questions.q.published]\nplace = "Table I"\nomnibus = ["1.0", "0.5"]\n'
    (tmp_path / "study.toml").write_text(HEAD + question() + claim)
    assert cli.main(["study", "report", str(tmp_path / "study.toml"), "--into", str(tmp_path / "out")]) == 3


def test_a_study_is_not_written_into_a_sealed_campaign(campaigns: Path) -> None:
    with pytest.raises(RunFolderError, match=r"lies in the campaign .*one, which is sealed"):
        write_study(campaigns / "study.toml", campaigns / "one" / "study")


def test_a_study_is_never_written_over_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "runs.csv").write_text(TABLE)
    (tmp_path / "study.toml").write_text(HEAD + question())
    (tmp_path / "out").mkdir()
    assert cli.main(["study", "report", str(tmp_path / "study.toml"), "--into", str(tmp_path / "out")]) == 1
    assert "is there already" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


def test_a_study_without_its_table_or_its_companion_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "study.toml"
    path.write_text(HEAD + question())
    assert cli.main(["study", "report", str(path), "--into", str(tmp_path / "out")]) == 1
    assert "table.file: there is no file" in capsys.readouterr().err
    (tmp_path / "runs.csv").write_text(TABLE)
    path.write_text((HEAD + question()).replace("alpha", 'companion = "gone.toml"\nalpha'))
    assert cli.main(["study", "report", str(path), "--into", str(tmp_path / "out")]) == 1
    assert "gone.toml: no such file" in capsys.readouterr().err


def test_a_sealed_folder_holds_its_files_and_refuses_one_that_is_there(tmp_path: Path) -> None:
    folder = write_sealed(tmp_path / "new" / "folder", {"a.txt": "ä", "deep/b.bin": b"\0"})
    assert (folder / "a.txt").read_text(encoding="utf-8") == "ä"
    assert all(check.passed for check in verify_sealed(folder))
    assert not folder.stat().st_mode & stat.S_IWUSR
    with pytest.raises(RunFolderError, match="is there already"):
        write_sealed(folder, {"a.txt": "b"})
    with pytest.raises(RunFolderError, match="may not climb out"):
        write_sealed(tmp_path / "other", {"../a.txt": "b"})
    assert not (tmp_path / "other").exists()


class NoAccuracy(SyntheticRun):
    """The second training of the campaign ends with an accuracy that is no number."""

    def _artifacts(self) -> dict[str, dict[str, Any]]:
        artifacts = super()._artifacts()
        if artifacts and self.plain["repetition"] == 2:
            artifacts["summary.json"]["val_accuracy"] = float("nan")
        return artifacts


def test_an_accuracy_that_is_nan_is_listed_and_costs_its_run_that_response_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make_campaign_module, "dump", json.dumps)  # as a program writes NaN, which is no JSON
    shape = Shape(name="one", loads={"cnn": LOADS["cnn"]}, repetitions=3, duration_s=10, baseline_blocks=2)
    make_campaign(tmp_path, shape, NoAccuracy)
    text = HEAD.split("[table]")[0] + (
        '[campaigns.desk]\nfolder = "one"\n[factors.net]\ntitle = "Network"\ncolumn = "scenario"\nlevels = ["cnn"]\n'
        '[responses.accuracy]\ntitle = "Accuracy"\nformula = "final.val_accuracy"\nunit = "1"\n'
        '[responses.energy]\ntitle = "Energy"\nformula = "energy_wh"\nunit = "Wh"\n'
    )
    (tmp_path / "study.toml").write_text(text)
    study = study_in(write_study(tmp_path / "study.toml", tmp_path / "written"))
    assert [(row["reason"], row["column"]) for row in study["left_out"]] == [("missing", "accuracy")]
    assert [response["n"] for response in study["responses"]] == [2, 3]
