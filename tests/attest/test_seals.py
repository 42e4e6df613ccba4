"""A seal is signed when it is made, or stays unsigned with the reason; no run is lost for a key that does not sign."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from harness.attest.signer import OF_SEAL, PRINCIPAL, SealSigner, read_public_key
from harness.evidence.verification import verify
from harness.record.campaign_folder import CampaignFolder
from harness.record.errors import ConfigError
from harness.record.seal import MANIFEST, SEAL_SIGNATURE, seal_folder, signature_of
from harness.record.verify import verify_run
from tests.documents import write_results
from tests.evidence.conftest import SHAPE, make_key
from tests.evidence.forger import edit_rows, reforge, unlock
from tests.harness.test_config import MINIMAL
from tests.harness.test_run_folder import write_run
from tests.reports.make_campaign import make_campaign

SMALL = replace(SHAPE, repetitions=1, baseline_blocks=2, duration_s=10, seal_key="key")


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_key(tmp_path_factory.mktemp("seals") / "key")


def public(key: Path) -> Path:
    return key.with_name(f"{key.name}.pub")


def sign_every_seal(campaign: Path, key: Path) -> None:
    """As the campaign would have been sealed with this key."""
    unlock(campaign)
    signer = SealSigner(key)
    for run in CampaignFolder(campaign).run_paths():
        seal_folder(run, signer.sign)
    entries = [json.loads(line) for line in (campaign / "campaign.jsonl").read_bytes().splitlines()]
    (campaign / "campaign.jsonl").write_bytes(b"")
    log = CampaignFolder(campaign)
    for entry in entries:
        body = {k: entry[k] for k in entry if k not in ("seq", "prev", "utc", "type", "line_sha256")}
        if entry["type"] == "run-end":
            body["signature"] = signature_of(campaign / entry["folder"])
        log.append(entry["type"], entry["utc"], body)


def test_the_signature_of_a_seal_is_what_plain_ssh_keygen_verifies(tmp_path: Path, key: Path) -> None:
    write_run(tmp_path / "r")
    unlock(tmp_path / "r")
    signer = SealSigner(key)
    digest = seal_folder(tmp_path / "r", signer.sign)
    assert signer.problem is None
    assert seal_folder(tmp_path / "r", signer.sign) == digest
    assert all(check.passed for check in verify_run(tmp_path / "r"))
    assert not (tmp_path / "r" / SEAL_SIGNATURE).stat().st_mode & 0o222
    allowed, signature = tmp_path / "allowed", tmp_path / "r" / SEAL_SIGNATURE
    allowed.write_text(f"{PRINCIPAL} {public(key).read_text()}")
    words = ["-f", str(allowed), "-I", PRINCIPAL, "-n", OF_SEAL, "-s", str(signature)]
    manifest = (tmp_path / "r" / MANIFEST).read_bytes()
    done = subprocess.run(["ssh-keygen", "-Y", "verify", *words], input=manifest, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("broken", ["nowhere", "passphrase", "no key"])
def test_a_key_that_does_not_sign_costs_no_seal_and_the_reason_is_kept(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "key"
    if broken == "passphrase":
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(path)], check=True)
    if broken == "no key":
        path.write_text("hello")
    write_run(tmp_path / "r")
    signer = SealSigner(path)
    seal_folder(tmp_path / "r", signer.sign)
    assert "ssh-keygen did not sign" in str(signer.problem)
    assert signature_of(tmp_path / "r") is None
    assert all(check.passed for check in verify_run(tmp_path / "r"))


def test_every_signed_seal_is_checked_and_named_with_its_key(tmp_path: Path, key: Path) -> None:
    campaign = make_campaign(tmp_path, SMALL)
    sign_every_seal(campaign, key)
    write_results(campaign)
    own = read_public_key(public(key))
    outcome = verify(campaign, None, seal_key=own)
    assert outcome.failed == []
    seals = [check for check in outcome.checks if check.name == "seal"]
    assert [check.detail for check in seals] == [f"signed with {own.fingerprint}"] * 3
    assert "proves the key and not the time" in outcome.notes[-1]
    assert all("compared with no key" in c.detail for c in verify(campaign, None).checks if c.name == "seal")
    stranger = read_public_key(public(make_key(tmp_path / "stranger")))
    assert "signed with another key" in verify(campaign, None, seal_key=stranger).failed[0].detail


def test_a_seal_made_anew_has_no_signature_of_the_key(tmp_path: Path, key: Path) -> None:
    campaign = make_campaign(tmp_path, SMALL)
    sign_every_seal(campaign, key)
    reforge(campaign, lambda run: edit_rows(run, lambda _, row: [row[0], "1.0", *row[2:]]))
    names = {check.name for check in verify(campaign, None).failed}
    assert "seal" in names
    for run in CampaignFolder(campaign).run_paths():
        unlock(run)
        (run / SEAL_SIGNATURE).unlink()
    failed = verify(campaign, None, seal_key=read_public_key(public(key))).failed
    assert any("the signature of its seal is not the one in the campaign's log" in check.detail for check in failed)
    assert any("its seal is not signed" in check.detail for check in failed)


def test_a_seal_that_should_be_signed_and_is_not_is_a_finding(tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path, SMALL)
    results = json.loads(write_results(campaign).read_text())
    found = [finding for finding in results["findings"] if finding["code"] == "seal-unsigned"]
    assert len(found) == 3
    assert results["evidence"]["seals"] == {"n": 3, "signed": 0, "declared": True}


def test_the_key_is_named_in_lab_toml_beside_the_file(tmp_path: Path) -> None:
    from harness.measure.lab_file import load

    (tmp_path / "lab.toml").write_text(f'{MINIMAL}\n[seal]\nkey = "keys/lab"\n')
    assert load(tmp_path / "lab.toml").station.seal_key == tmp_path / "keys" / "lab"
    (tmp_path / "lab.toml").write_text(f"{MINIMAL}\n[seal]\nkeys = 1\n")
    with pytest.raises(ConfigError, match=r"seal\.keys: unknown key"):
        load(tmp_path / "lab.toml")
