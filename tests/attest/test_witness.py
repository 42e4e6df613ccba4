"""A campaign's heads reach a second account by a real sshd, or a real `openssl ts`; none of their failures costs a
run."""

import base64
import json
import os
import pwd
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.attest import witness
from harness.attest.receipts import read_log
from harness.attest.timestamps import problem_of, stamp_digest, stamped_at
from harness.attest.witness import Authority, Channel, Messenger, SshWitness, clock_of, deliver, untold
from harness.evidence.witnesses import check_witnesses, read_witnesses
from harness.record.campaign_folder import CampaignFolder
from harness.record.entries import Receipt, Timestamp, of
from harness.record.errors import ConfigError, WitnessError
from harness.record.verify import examine
from harness.station.config import load
from tests.attest.accounts import Account
from tests.attest.conftest import LocalAuthority, make_authority
from tests.evidence.witnessing import rewrite_receipts
from tests.harness.test_config import MINIMAL
from tests.harness.test_run_folder import UTC, write_campaign


@pytest.fixture
def campaign(tmp_path: Path) -> CampaignFolder:
    return write_campaign(tmp_path / "c")


def begin(campaign: CampaignFolder, ordinal: int) -> None:
    campaign.append("run-begin", UTC, {"ordinal": ordinal, "folder": f"r{ordinal}", "attempt": 1})


# --- another person's account ---


def test_every_begin_and_every_seal_is_received_by_the_other_account_and_its_receipt_kept(
    account: Account, campaign: CampaignFolder
) -> None:
    assert deliver(campaign, [account.witness()]) == {}
    told = untold(campaign, "ssh")
    assert told == []
    receipts = campaign.receipts.entries()
    assert len(receipts) == 6
    log = read_log(account.log)
    assert [receipt.line.encode() for receipt in of(Receipt, receipts)] == [one.line for one in log.receipts]
    assert {one.whose for one in log.receipts} == {"lab"}
    assert account.log.stat().st_uid == pwd.getpwnam(account.name).pw_uid != os.getuid()
    assert all(check.passed for check in examine(campaign.path).checks)
    seal = log.receipts[1].statement
    assert (seal["event"], seal["manifest"]) == ("run-end", campaign.runs()[0].manifest_sha256)


def test_only_what_is_new_is_told_the_next_time(account: Account, campaign: CampaignFolder) -> None:
    deliver(campaign, [account.witness()])
    begin(campaign, 4)
    assert [one["ordinal"] for one in untold(campaign, "ssh")] == [4]
    deliver(campaign, [account.witness()])
    assert len(read_log(account.log).receipts) == 7


def as_operator(account: Account, words: list[str], given: bytes) -> "subprocess.CompletedProcess[bytes]":
    """What the operator's key can do there by plain ssh."""
    options = ["-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={account.sshd.known_hosts}"]
    options += ["-i", str(account.sshd.key_file), "-p", str(account.sshd.port)]
    to = f"{account.name}@{account.sshd.host}"
    switches, command = [w for w in words if w.startswith("-")], [w for w in words if not w.startswith("-")]
    return subprocess.run(
        ["ssh", *options, *switches, to, *command], input=given, capture_output=True, timeout=180, check=False
    )  # fmt: skip


@pytest.mark.parametrize("command", ["id", "cat /etc/passwd", "sh -c 'echo oops'", ""])
def test_the_forced_command_gives_the_operator_no_shell(account: Account, command: str) -> None:
    done = as_operator(account, ["-T", *filter(None, [command])], b"hello\n")
    assert json.loads(done.stdout)["error"].startswith("not one JSON object")
    assert not account.log.exists()


def test_the_operator_gets_no_file_and_no_forwarding_through_the_account(account: Account) -> None:
    version_3 = b"\0\0\0\5\1\0\0\0\3"  # SSH_FXP_INIT
    assert as_operator(account, ["-s", "sftp"], version_3).stdout == b""
    done = as_operator(account, [f"-W{account.sshd.host}:{account.sshd.port}"], b"")
    assert done.stdout == b""
    assert b"prohibited" in done.stderr


def test_an_unknown_host_key_is_refused_and_costs_nothing(
    account: Account, campaign: CampaignFolder, tmp_path: Path
) -> None:
    empty = tmp_path / "known_hosts"
    empty.write_text("")
    stranger = SshWitness(account.address, account.sshd.key_file, empty)
    (problem,) = deliver(campaign, [stranger]).values()
    assert "Host key verification failed" in problem
    assert not campaign.receipts.path.exists()


def test_an_account_without_the_receiver_is_no_witness(account: Account, campaign: CampaignFolder) -> None:
    authorized = account.home / ".ssh" / "authorized_keys"
    forced = authorized.read_text()
    try:
        authorized.write_text(forced.replace("python3 -I", "echo -I"))
        (problem,) = deliver(campaign, [account.witness()]).values()
        with pytest.raises(WitnessError):
            account.witness().hello()
    finally:
        authorized.write_text(forced)
    assert "is the receiver the forced command of this key there?" in problem
    assert not campaign.receipts.path.exists()


def test_hello_tells_the_clock_of_the_witness(account: Account) -> None:
    assert clock_of(account.witness()).startswith("20")
    assert not account.log.exists()


# --- an authority after RFC 3161 ---


def test_an_authority_stamps_every_head_and_openssl_verifies_it(
    authority: LocalAuthority, campaign: CampaignFolder, tmp_path: Path
) -> None:
    assert deliver(campaign, [Authority(authority.url)]) == {}
    receipts = of(Timestamp, campaign.receipts.entries())
    assert len(receipts) == 6
    token, head = base64.b64decode(receipts[0].token), receipts[0].head
    (tmp_path / "token").write_bytes(token)
    line = campaign.log.lines()[receipts[0].of - 1]
    (tmp_path / "line").write_bytes(line)
    words = ["-verify", "-data", str(tmp_path / "line"), "-in", str(tmp_path / "token"), "-CAfile"]
    done = subprocess.run(["openssl", "ts", *words, str(authority.certificate)], capture_output=True, check=False)
    assert b"Verification: OK" in done.stdout + done.stderr
    assert problem_of(token, head, authority.certificate) is None
    assert stamped_at(token, head) == receipts[0].stamp


def test_a_stamp_of_another_digest_or_another_authority_is_none(authority: LocalAuthority, tmp_path: Path) -> None:
    token = stamp_digest("a" * 64, authority.url)
    with pytest.raises(WitnessError, match="the time stamp is of aaaa"):
        stamped_at(token, "b" * 64)
    assert problem_of(token, "b" * 64, authority.certificate) is not None
    make_authority(tmp_path, "somebody else")
    assert problem_of(token, "a" * 64, tmp_path / "ca.pem") is not None
    with pytest.raises(WitnessError):
        stamped_at(b"no stamp", "a" * 64)


def test_a_verifier_with_the_authoritys_certificate_finds_every_stamp_that_is_not_its_own(
    authority: LocalAuthority, campaign: CampaignFolder, tmp_path: Path
) -> None:
    deliver(campaign, [Authority(authority.url)])

    def checked(certificate: Path) -> list[str]:
        checks, _ = check_witnesses(campaign.path, examine(campaign.path), read_witnesses([certificate]))
        return [f"{check.name}: {check.detail}" for check in checks if not check.passed]

    assert checked(authority.certificate) == []
    make_authority(tmp_path, "somebody else")
    assert "is not the authority's" in checked(tmp_path / "ca.pem")[0]
    receipts = [entry.raw for entry in campaign.receipts.entries()]
    receipts[0]["stamp"] = "2026-11-21T09:00:00.000Z"
    receipts[1]["token"] = receipts[2]["token"]
    rewrite_receipts(campaign.path, receipts)
    (found,) = checked(authority.certificate)
    assert f"line {receipts[0]['of']} was stamped 20" in found
    assert f"the time stamp of line {receipts[1]['of']} is none (the time stamp is of" in found


def test_an_authority_that_is_not_there_is_said_and_costs_nothing(campaign: CampaignFolder) -> None:
    (problem,) = deliver(campaign, [Authority("http://127.0.0.1:9/")]).values()
    assert "does not answer" in problem
    assert not campaign.receipts.path.exists()


# --- while a campaign is measured ---


class Recorded:
    """A witness of the tests: slow, away, or both."""

    kind, name = "ssh", "recorded"

    def __init__(self, *, away: bool = False, takes_s: float = 0.0) -> None:
        self.away, self.takes_s = away, takes_s
        self.told: list[int] = []

    def receipts(self, tellings: Any) -> Any:  # noqa: ANN401
        time.sleep(self.takes_s)
        if self.away:
            raise WitnessError("recorded: away")
        for one in tellings:
            self.told.append(one["seq"])
            yield {"of": one["seq"], "head": one["head"], "line": "{}", "signature": None}


def wait_for(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def test_a_slow_witness_does_not_hold_up_who_appends_to_the_log(campaign: CampaignFolder) -> None:
    slow = Recorded(takes_s=1.5)
    with Messenger(campaign, [slow]) as messenger:
        before_s = time.monotonic()
        for ordinal in (4, 5):
            begin(campaign, ordinal)
        took_s = time.monotonic() - before_s
    assert took_s < 1.5
    assert messenger.problems == {}
    assert len(slow.told) == len(set(slow.told)) == 8
    assert untold(campaign, "ssh") == []


def test_what_a_witness_did_not_hear_is_told_when_it_is_back(
    campaign: CampaignFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness, "RETRY_S", 0.05)
    away = Recorded(away=True)
    with Messenger(campaign, [away]) as messenger:
        begin(campaign, 4)
        wait_for(lambda: bool(messenger.problems))
        assert messenger.problems == {"recorded": "recorded: away"}
        away.away = False
        wait_for(lambda: len(away.told) == 7 and not messenger.problems)
    assert untold(campaign, "ssh") == []


def test_a_witness_that_stays_away_is_named_at_the_end_and_the_campaign_stands(campaign: CampaignFolder) -> None:
    with Messenger(campaign, [Recorded(away=True)]) as messenger:
        begin(campaign, 4)
    assert list(messenger.problems) == ["recorded"]
    assert len(untold(campaign, "ssh")) == 7


def test_an_operator_who_ends_the_campaign_is_not_kept_waiting_for_a_receipt(
    campaign: CampaignFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness, "ABORTED_S", 0.05)
    messenger, before_s = Messenger(campaign, [Recorded(takes_s=4.0)]), time.monotonic()
    with pytest.raises(KeyboardInterrupt), messenger:
        raise KeyboardInterrupt
    assert time.monotonic() - before_s < 3.9
    assert messenger.problems == {"recorded": "it has not answered yet"}


def test_without_a_witness_nothing_is_told_and_no_file_appears(campaign: CampaignFolder) -> None:
    channels: list[Channel] = []
    with Messenger(campaign, channels):
        begin(campaign, 4)
    assert not campaign.receipts.path.exists()


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ('ssh = "-oProxyCommand=x@host"', r"witness\.ssh: found '-oProxyCommand=x@host', expected user@host"),
        ('ssh = "a@b c"', r"witness\.ssh"),
        ('rfc3161 = "file:///etc/passwd"', r"witness\.rfc3161: found 'file:///etc/passwd', expected an http"),
        ("port = 3", r"witness\.port: unknown key"),
    ],
)
def test_an_address_that_is_none_is_refused_with_its_place(tmp_path: Path, section: str, message: str) -> None:
    (tmp_path / "lab.toml").write_text(f"{MINIMAL}\n[witness]\n{section}\n")
    with pytest.raises(ConfigError, match=message):
        load(tmp_path / "lab.toml")
