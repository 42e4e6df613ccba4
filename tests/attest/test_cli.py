"""The witness's verbs: what a witness needs, what it has not heard yet, what it has; and what preflight says of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness import cli
from harness.attest import receiver
from harness.measure.lab_file import load
from harness.measure.preflight import check_lab
from harness.measure.reason import Reason
from harness.record.campaign_folder import CampaignFolder
from harness.station.station import SutSection
from harness.sut.agent import survey
from tests.attest.accounts import Account
from tests.attest.conftest import LocalAuthority
from tests.evidence.conftest import make_key
from tests.harness.test_config import MINIMAL
from tests.harness.test_run_folder import write_campaign


def lab(folder: Path, section: str) -> Path:
    (folder / "lab.toml").write_text(f"{MINIMAL}\n{section}\n")
    return folder / "lab.toml"


def ssh_section(account: Account) -> str:
    sshd = account.sshd
    return f'[witness]\nssh = "{account.address}"\nkey_file = "{sshd.key_file}"\nknown_hosts = "{sshd.known_hosts}"'


def reasons(folder: Path, section: str, monkeypatch: pytest.MonkeyPatch) -> list[Reason]:
    monkeypatch.setattr(survey, "SURVEY_S", 0.0)
    nobody = SutSection(
        host="127.0.0.1", port=1, user="x", key_file="/no/key", known_hosts="/no/hosts", python="python3"
    )
    return check_lab(load(lab(folder, section)), nobody, {})


def test_the_receiver_is_written_as_one_file_that_runs_alone_with_the_line_that_forces_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, file = make_key(tmp_path / "operator"), tmp_path / "wattlab-witness.py"
    words = ["witness", "receiver", "--operator-key", f"{key}.pub", "--into", str(file)]
    assert cli.main(words) == 0
    said = capsys.readouterr().out
    (line,) = [one for one in said.splitlines() if one.startswith("restrict,command=")]
    assert 'command="python3 -I /home/ACCOUNT/wattlab-witness.py --log /home/ACCOUNT/heads.jsonl" ssh-ed25519 ' in line
    assert file.read_bytes() == Path(receiver.__file__).read_bytes()
    done = subprocess.run([sys.executable, "-I", "-S", str(file), "--help"], capture_output=True, check=False)
    assert done.returncode == 0
    assert cli.main(words) == 1
    assert "cannot write the receiver" in capsys.readouterr().err


def test_what_was_not_heard_is_sent_and_shown(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = lab(tmp_path, ssh_section(account))
    folder = load(path).campaign_folder
    assert cli.main(["witness", "send", "--lab", str(path)]) == 1
    assert "no such folder" in capsys.readouterr().err
    folder.parent.mkdir()
    write_campaign(folder)
    assert cli.main(["witness", "send", "--lab", str(path)]) == 0
    assert f"every head of {folder} is received" in capsys.readouterr().out
    assert len(CampaignFolder(folder).receipts.entries()) == 6
    monkeypatch.setenv("COLUMNS", "300")
    assert cli.main(["witness", "show", str(account.log)]) == 0
    assert capsys.readouterr().out.count("run-begin") == 3
    account.log.write_bytes(b"".join(account.log.read_bytes().splitlines(keepends=True)[1:]))
    assert cli.main(["witness", "show", str(account.log)]) == 3
    assert "the chain is broken at receipt 2" in capsys.readouterr().out


def test_a_lab_without_a_witness_has_nobody_to_send_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["witness", "send", "--lab", str(lab(tmp_path, ""))]) == 1
    assert "no witness; name one in [witness]" in capsys.readouterr().err


def test_preflight_names_the_witnesses_that_answer_with_their_clock(
    account: Account, authority: LocalAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = f'{ssh_section(account)}\nrfc3161 = "{authority.url}"'
    found = [one for one in reasons(tmp_path, section, monkeypatch) if one.subject.startswith("witness")]
    assert [one.severity for one in found] == ["ok", "ok"]
    assert all("this host's clock is within" in one.text for one in found)
    assert not account.log.exists()


def test_a_witness_that_does_not_answer_is_a_remark_and_no_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = '[witness]\nssh = "nobody@127.0.0.1:9"\nrfc3161 = "http://127.0.0.1:9/"'
    found = [one for one in reasons(tmp_path, section, monkeypatch) if one.subject.startswith("witness")]
    assert [one.severity for one in found] == ["warn", "warn"]
    assert all("is sent later, and said to be late" in one.text for one in found)


def test_a_seal_key_that_signs_is_named_and_one_that_does_not_refuses_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_key(tmp_path / "seal")
    for name, severity in (("seal", "ok"), ("nowhere", "refuse")):
        (found,) = [
            one for one in reasons(tmp_path, f'[seal]\nkey = "{name}"', monkeypatch) if one.subject == "seal"
        ]  # fmt: skip
        assert found.severity == severity, found


def test_preflight_says_nothing_of_keys_and_witnesses_that_nobody_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subjects = {one.subject for one in reasons(tmp_path, "", monkeypatch)}
    assert not [one for one in subjects if one.startswith(("witness", "seal"))]
