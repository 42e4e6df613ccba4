"""Attacks of the operator on a campaign that is measured for real: a run made to vanish, a run redone, a program
exchanged, each played literally by the command line; a witness in another account, seals signed when they are made."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.attest.receipts import read_log
from harness.evidence.witnesses import check_witnesses, read_witnesses
from harness.record.campaign_folder import CampaignFolder
from harness.record.run_folder import JOURNAL, RunFolder
from harness.record.seal import SEAL_SIGNATURE
from harness.record.verify import examine
from reports.render import audit_html
from tests.attest.accounts import Account, witness_account
from tests.e2e.test_campaign import HANGS_S, LAB, STEPS, LabUnderTest, wait_for
from tests.evidence.witnessing import cut_back

pytestmark = pytest.mark.timeout(900)
ONE_BLOCK = LAB.replace("blocks = 2", "blocks = 1")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[LabUnderTest]:
    (tmp_path / "lab").mkdir()
    lab = LabUnderTest(tmp_path / "lab")
    yield lab
    assert lab.loads() == [], "a load was left running on the SUT"


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    with witness_account(tmp_path) as account:
        yield account


def witnessed(account: Account) -> str:
    """lab.toml with a key for the seals and a witness."""
    sshd = account.sshd
    return ONE_BLOCK.replace("repetitions = 2", "repetitions = 1") + (
        f'[seal]\nkey = "seal"\n[witness]\nssh = "{account.address}"\nkey_file = "{sshd.key_file}"\n'
        f'known_hosts = "{sshd.known_hosts}"\n'
    )


def rated(campaign: Path) -> Path | None:
    """A run of the scenario whose rating interval is over while it is still being made."""
    for journal in campaign.glob(f"*/{JOURNAL}"):
        content = journal.read_bytes()
        if b'"scenario":"steps"' in content and b'"name":"supplementary","edge":"begin"' in content:
            return journal.parent
    return None


def results_of(lab: LabUnderTest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((lab.campaign / "derived" / "results.json").read_text())
    return found


def checked(campaign: Path, *files: Path) -> list[str]:
    """The checks of log and receipts that fail, with what the verifier has of the witness."""
    seen = examine(campaign)
    checks, _ = check_witnesses(campaign, seen, read_witnesses(files))
    return [f"{check.name}: {check.detail}" for check in [*seen.checks, *checks] if not check.passed]


def test_a_run_made_to_vanish_and_a_run_redone_are_seen(lab: LabUnderTest, account: Account) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(lab.folder / "seal")], check=True)
    lab.write(witnessed(account))
    # A6: kill -9 when the rating is over, remove the run's folder, `wattlab run`.
    process = lab.start("run")
    wait_for(lambda: rated(lab.campaign) is not None or process.poll() is not None, HANGS_S)
    process.kill()
    process.communicate()
    vanished = rated(lab.campaign)
    assert vanished is not None
    shutil.rmtree(vanished)
    done = lab.call("run")
    assert done.returncode in (0, 3), done.stderr
    assert f"({vanished.name}): abort, it had begun to be recorded, and its folder is gone" in done.stdout
    ended = next(entry for entry in lab.entries("run-end") if entry["folder"] == vanished.name)
    assert (ended["lost"], ended["manifest"]) == ("gone", None)
    results = results_of(lab)
    findings = {finding["code"]: finding for finding in results["findings"]}
    assert findings["run-lost"]["severity"] == "warn"
    assert findings["run-lost"]["evidence"]["scenario"] == "steps"
    assert findings["success-fraction"]["evidence"]["runs"] == 2
    assert results["scenarios"]["steps"]["n_excluded"]["value"] == 1
    # The witness was told of it, and has every other head; every seal is signed.
    log = read_log(account.log)
    assert log.problems == ()
    assert vanished.name in {receipt.statement["folder"] for receipt in log.receipts}
    assert len(log.receipts) == len(CampaignFolder(lab.campaign).receipts.entries()) == 6
    assert all((run.path / SEAL_SIGNATURE).exists() for run in lab.runs())
    assert results["evidence"]["seals"] == {"n": 2, "signed": 2, "declared": True}
    assert results["evidence"]["witness"]["received"] == 6
    assert not {"receipt-missing", "receipt-late", "witness-clock", "seal-unsigned"} & findings.keys()
    theirs = ["--witness", str(account.log), "--witness", str(account.public_key)]
    verified = lab.call("verify", "runs/c", *theirs, "--seal-key", "seal.pub")
    assert verified.returncode == done.returncode, verified.stdout
    assert "A witness received 6 of 6 heads" in " ".join(verified.stdout.split())
    # A7: the log cut back to before the last run, its folder removed, `wattlab run`: measured again.
    last = lab.runs()[-1].path
    cut_back(lab.campaign, last.name)
    shutil.rmtree(last)
    again = lab.call("run")
    assert again.returncode == done.returncode, again.stderr
    assert checked(lab.campaign) == ["receipt numbers: receipt 5 is not here; receipt 6 is not here"]
    assert any(f"({last.name}), which is not in the log any more" in one for one in checked(lab.campaign, account.log))


def test_another_program_for_the_second_repetition_is_not_pooled_with_the_first(lab: LabUnderTest) -> None:
    # A8: `command` with `files = ["steps.py"]`, edited after the first of its runs began.
    lab.write(ONE_BLOCK)
    process = lab.start("run")
    lab.wait_for_load(process)
    (lab.folder / "steps.py").write_text(STEPS + "# another program\n")
    output, errors = process.communicate(timeout=HANGS_S)
    assert process.returncode == 3, errors
    steps = [run for run in lab.runs() if run.start.scenario == "steps"]
    digests = [(run.start.staged or {})["steps.py"]["sha256"] for run in steps]
    assert len(set(digests)) == 2
    kept = [(run.path / "inputs" / "work" / "steps.py").read_text() for run in steps]
    assert kept == [STEPS, STEPS + "# another program\n"]
    results = results_of(lab)
    (finding,) = [one for one in results["findings"] if one["code"] == "pooled-incomparable"]
    assert (finding["severity"], finding["subject"]) == ("invalid", "steps")
    assert finding["evidence"] == {"staged.steps.py": digests}
    assert "No key signed the seals and no witness received them" in " ".join(output.split())
    page = audit_html(lab.campaign, json.dumps(results))
    assert all(digest in page for digest in digests)
    (environment,) = results["records"]["environments"]
    assert any(package.startswith("psutil==") for package in environment["packages"])
    assert environment["n_runs"] == 2
    assert isinstance(RunFolder.open(steps[0].path).start.on_sut, list)
