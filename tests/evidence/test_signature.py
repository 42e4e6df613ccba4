"""Signing refuses what does not verify, leaves no secret behind, and any OpenSSH key will do."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import cli
from harness.attest.signer import OF_CAMPAIGN, PRINCIPAL, problem_of, public_not_private, read_public_key, sign
from harness.evidence.statement import SIGNATURE
from harness.evidence.verification import sign_campaign, verify
from harness.record.campaign_folder import STATEMENT, CampaignFolder
from harness.record.errors import SigningError
from tests.documents import write_results
from tests.evidence.conftest import SHAPE
from tests.evidence.forger import copied, edit_rows
from tests.reports.make_campaign import Shape, make_campaign


def public(key: Path) -> Path:
    return key.with_name(key.name + ".pub")


@pytest.mark.parametrize("words", [["ed25519"], ["ecdsa"], ["rsa", "-b", "2048"]], ids=["ed25519", "ecdsa", "rsa"])
def test_a_signature_holds_for_its_bytes_and_its_key_only(tmp_path: Path, other_key: Path, words: list[str]) -> None:
    key = tmp_path / "k"
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-f", str(key), "-t", *words], check=True)
    signature = sign(b"content", key)
    assert problem_of(b"content", signature, read_public_key(public(key))) is None
    assert "changed after it was signed" in str(problem_of(b"other", signature, read_public_key(public(key))))
    assert "signed with another key" in str(problem_of(b"content", signature, read_public_key(public(other_key))))


def test_the_stored_files_are_what_plain_ssh_keygen_verifies(signed: Path, key: Path, tmp_path: Path) -> None:
    allowed = tmp_path / "allowed"
    allowed.write_text(f"{PRINCIPAL} {public(key).read_text()}")
    words = ["-f", str(allowed), "-I", PRINCIPAL, "-n", OF_CAMPAIGN, "-s", str(signed / SIGNATURE)]
    done = subprocess.run(
        ["ssh-keygen", "-Y", "verify", *words],
        input=(signed / STATEMENT).read_bytes(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_campaign_that_does_not_verify_is_not_signed(unsigned: Path, key: Path, tmp_path: Path) -> None:
    campaign = copied(unsigned, tmp_path)
    edit_rows(CampaignFolder(campaign).run_paths()[0], lambda _, row: [row[0], "1.0", *row[2:]])
    with pytest.raises(SigningError, match=r"is not signed, \d+ checks fail: .*readings-wall.csv"):
        sign_campaign(campaign, key, None)
    assert not (campaign / STATEMENT).exists()
    assert not (campaign / SIGNATURE).exists()


def test_a_campaign_without_results_or_with_stale_ones_is_not_signed(unsigned: Path, key: Path, tmp_path: Path) -> None:
    campaign = copied(unsigned, tmp_path)
    shutil.rmtree(campaign / "derived")
    with pytest.raises(SigningError, match="`wattlab report` writes it"):
        sign_campaign(campaign, key, None)


def test_an_incomplete_campaign_is_signed_only_when_the_statement_says_so(key: Path, tmp_path: Path) -> None:
    shape = Shape(**{n: getattr(SHAPE, n) for n in SHAPE.__dataclass_fields__} | {"broken": {4: "abort"}})
    campaign = make_campaign(tmp_path, shape)
    write_results(campaign)
    with pytest.raises(SigningError, match=r"1 of 6 planned runs have no successful attempt: run 4.*--incomplete"):
        sign_campaign(campaign, key, None)
    statement = sign_campaign(campaign, key, "the SUT broke down")
    assert statement["incomplete"].startswith("the SUT broke down (1 of 6 planned runs")
    outcome = verify(campaign, read_public_key(public(key)))
    assert outcome.failed == []
    assert any("signed as incomplete: the SUT broke down" in one.detail for one in outcome.checks)


def test_the_statement_holds_what_stands_for_the_whole_campaign(signed: Path, key: Path) -> None:
    statement = json.loads((signed / STATEMENT).read_bytes())
    campaign = CampaignFolder(signed)
    assert statement["head"] == campaign.head()
    assert [run["manifest"] for run in statement["runs"]] == [run.manifest_sha256 for run in campaign.runs()]
    assert statement["n_runs"] == len(statement["runs"]) == 6
    assert set(statement["derived"]) == {"results.json"}
    assert statement["software"]["name"] == "wattlab"
    assert statement["signer"]["fingerprint"] == read_public_key(public(key)).fingerprint
    assert "What was forged before this signature is outside this claim" in statement["claim"]
    assert statement["receipts"] == {"head": campaign.identity, "entries": 0}


def test_no_secret_enters_the_campaign(signed: Path, key: Path) -> None:
    secret = [line for line in key.read_bytes().splitlines() if not line.startswith(b"-----")]
    for path in (path for path in signed.rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert str(key).encode() not in content, path
        assert not any(line in content for line in secret), path


def test_a_key_that_lies_in_the_campaign_is_refused(unsigned: Path, key: Path, tmp_path: Path) -> None:
    campaign = copied(unsigned, tmp_path)
    shutil.copy(key, campaign / "key")
    with pytest.raises(SigningError, match="the private key lies in the campaign's folder"):
        sign_campaign(campaign, campaign / "key", None)


@pytest.mark.parametrize(
    "content",
    ["", "no key\n", "ssh-ed25519 !!!\n", "cert-authority ssh-ed25519 AAAA\n", "ssh-ed25519 AAAA\nssh-ed25519 AAAA\n"],
)
def test_a_file_that_is_no_single_public_key_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "k.pub").write_text(content)
    with pytest.raises(SigningError, match=r"k\.pub"):
        read_public_key(tmp_path / "k.pub")


def test_no_value_ever_reaches_a_shell(unsigned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    campaign = copied(unsigned, tmp_path)
    canary = tmp_path / "canary"
    for name in (f"k; touch {canary}", f"$(touch {canary})", f"`touch {canary}`", "-oProxyCommand=x", "--help"):
        assert cli.main(["sign", str(campaign), f"--key={name}"]) == 1
        assert cli.main(["verify", str(campaign), f"--public-key={name}"]) == 1
    assert not canary.exists()
    assert "Traceback" not in capsys.readouterr().err


def test_a_public_key_in_the_place_of_a_private_one_is_said_to_be_one(key: Path, tmp_path: Path) -> None:
    shutil.copy(public(key), tmp_path / "id.pub")
    with pytest.raises(SigningError, match=r"did not sign .*this is a public key: name the private one$"):
        sign(b"content", tmp_path / "id.pub", may_ask=False)
    shutil.copy(key, tmp_path / "id")
    assert public_not_private(tmp_path / "id.pub") == f"this is a public key: name the private one, {tmp_path / 'id'}"
    assert public_not_private(tmp_path / "id") is None


def test_a_key_whose_name_begins_with_a_dash_is_still_a_file(
    unsigned: Path, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = copied(unsigned, tmp_path)
    for source, name in ((key, "-Y"), (public(key), "-Y.pub")):
        shutil.copy(source, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    sign_campaign(campaign, Path("-Y"), None)
    assert verify(campaign, read_public_key(Path("-Y.pub"))).failed == []


def test_sign_and_verify_by_the_command_line(
    unsigned: Path,
    key: Path,
    other_key: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    campaign = copied(unsigned, tmp_path)
    assert cli.main(["verify", str(campaign)]) == 0
    assert "Nothing proves who made this campaign" in capsys.readouterr().out
    assert cli.main(["sign", str(campaign), "--key", str(key)]) == 0
    assert cli.main(["verify", str(campaign), "--public-key", str(public(key)), "--all"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "signed 6 runs of study" in out
    assert "signed notes pass there are none, as when it was signed" in out
    assert "checks passed" in out
    assert cli.main(["verify", str(campaign), "--public-key", str(public(other_key))]) == 3
    out = " ".join(capsys.readouterr().out.split())
    assert "was signed with another key than the one that was given (1 check: signature)" in out
    assert f"another key, {fingerprint(key)}; the given public key is {fingerprint(other_key)}" in out
    assert "not as it was measured" not in out
    assert "What was measured is as it was sealed" in out
    assert cli.main(["report", str(campaign), "--audit"]) in (0, 3)
    capsys.readouterr()
    assert cli.main(["verify", str(campaign), "--public-key", str(public(key))]) == 3
    out = " ".join(capsys.readouterr().out.split())
    assert "audit.html came after the signature" in out
    assert "written anew after it was signed" in out
    assert "not as it was measured" not in out


def fingerprint(key: Path) -> str:
    return read_public_key(public(key)).fingerprint
