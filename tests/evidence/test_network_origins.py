"""Meters on a network from descriptor to verdict: what `verify` compares, on whose word it goes, what is certified."""

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.verification import verify
from harness.evidence.verifier import Outcome
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import PowerDescriptor
from harness.record.run_writer import RunWriter
from harness.record.verify import Check, verify_run
from reports.campaign.analyse import analyse
from reports.campaign.document import Analysis
from reports.pages.remarks import remarks
from tests.analysis import monitored
from tests.analysis.monitored import Fault, Monitored, campaign_of
from tests.campaign_results import complete, plain, read
from tests.documents import write_report
from tests.evidence.forger import reforge
from tests.meters.certificates import Keeper, keeper
from tests.reports.make_campaign import make_campaign

SERIAL = monitored.SERIAL
AUTHORITY = keeper("lab", authority=True)
PLUG, OTHER = keeper(issuer=AUTHORITY), keeper()
REGISTER = f"""\
schema = 1
[instruments.plug-7]
maker = "maker"
model = "meter"
serial = "{SERIAL}"
"""
PINNED = f'{REGISTER}tls_public_key_sha256 = "{PLUG.key_sha256.upper()}"\n'
WITH_CA = f'{REGISTER}tls_ca_file = "ca.pem"\n'
DECLARED = f"""{REGISTER}[instruments.plug-7.declared]
by = "A. Muster"
on = 2026-11-28
address = "192.0.2.7"
link = "switch port 7"
"""
REMEDY = "give the device a certificate"

Change = Callable[[dict[str, Any]], Any]


def tls_evidence(who: Keeper = PLUG, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    seen = {
        "tls_sha256": who.sha256, "tls_public_key_sha256": who.key_sha256, "tls_pinned": ["public key"],
        "tls_version": "TLSv1.3", "tls_certificate": base64.b64encode(who.der).decode(),
    }  # fmt: skip
    return {"host": "192.0.2.7", "addresses": ["192.0.2.7"], "instrument": "plug-7", **seen, **more}


def said_evidence(**more: Any) -> dict[str, Any]:  # noqa: ANN401
    said = {"declared_by": "A. Muster", "declared_on": "2026-11-28", "declared_link": "switch port 7"}
    place = {"host": "192.0.2.7", "addresses": ["192.0.2.7"], "instrument": "plug-7", "declared_address": "192.0.2.7"}
    return {**place, **said, "remedy": REMEDY, **more}


EVIDENCE = {"attested": tls_evidence(), "declared": said_evidence(), "unattested": {"lacks": ["tls"], "remedy": REMEDY}}
KEPT = {"attested": PINNED, "declared": DECLARED, "unattested": REGISTER}


def failures(outcome: Outcome) -> list[Check]:
    """What failed beside the wires, which are made up here, as are room and register of the start documents."""
    return [check for check in outcome.failed if check.name not in ("wire", "start", "config")]


def campaign(
    folder: Path,
    origin: str,
    monkeypatch: pytest.MonkeyPatch,
    *,
    evidence: dict[str, Any] | None = None,
    inputs: dict[str, str] | None = None,
    start: Callable[[dict[str, Any]], None] = lambda _fields: None,
    meter: Callable[[PowerDescriptor], PowerDescriptor] = lambda descriptor: descriptor,
    only: frozenset[int] | None = None,
) -> Path:
    """A campaign of such a meter; `start` and `meter` are changed in the runs of `only`."""
    kept = {"instruments.toml": KEPT[origin]} if inputs is None else inputs

    class Keeping(RunWriter):
        def write_file(self, name: str, content: bytes) -> str:
            if name == "inputs/lab.toml":
                for other, text in kept.items():
                    super().write_file(f"inputs/{other}", text.encode())
            return super().write_file(name, content)

    def of_origin(descriptor: PowerDescriptor) -> PowerDescriptor:
        return meter(replace(descriptor, evidence=EVIDENCE[origin] if evidence is None else evidence))

    monkeypatch.setattr(monitored, "RunWriter", Keeping)
    fault = Fault(start=start, meter=of_origin)
    if only is None:
        return campaign_of(folder, Monitored(origin=origin, repetitions=1, baseline_blocks=1, fault=fault))
    hit = only

    class Run(monitored.MonitoredRun):
        def __init__(self, shape: Monitored, *arguments: Any) -> None:  # noqa: ANN401
            super().__init__(shape, *arguments)
            self.fault = fault if int(self.plain["ordinal"]) in hit else Fault(meter=of_origin)

    return make_campaign(folder, Monitored(origin=origin, repetitions=1, baseline_blocks=1), Run)


def certifying(fields: dict[str, Any]) -> None:
    fields["config"]["lab"]["certify_declared"] = True


def codes(result: Analysis) -> set[str]:
    return {finding.code for finding in result.numbers.findings}


# --- verdicts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "policy", "word", "code"),
    [
        ("attested", False, "valid-with-remarks", None),
        ("declared", False, "not-certifiable", "declared"),
        ("declared", True, "valid-with-remarks", "declared-certified"),
        ("unattested", True, "not-certifiable", "unattested"),
    ],
)
def test_a_network_meter_is_certified_by_its_key_and_by_a_declaration_only_where_the_lab_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, origin: str, policy: bool, word: str, code: str | None
) -> None:
    start = certifying if policy else (lambda _fields: None)
    result = analyse(campaign(tmp_path, origin, monkeypatch, start=start))
    assert plain(result)["verdict"]["word"] == word
    assert codes(result) & {"declared", "declared-certified", "unattested", "broken-seal"} == (
        {code} if code else set()
    )
    assert plain(result)["measurement"]["origin"] == origin


def test_a_policy_that_one_run_was_made_without_does_not_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = analyse(campaign(tmp_path, "declared", monkeypatch, start=certifying, only=frozenset({1})))
    assert {"declared"} <= codes(result)
    assert plain(result)["verdict"]["word"] == "not-certifiable"


def test_a_real_meter_on_a_network_needs_a_certificate_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for origin in ("attested", "declared"):
        path = campaign(
            tmp_path / origin, origin, monkeypatch, meter=lambda descriptor: replace(descriptor, calibration=None)
        )
        assert "calibration-expired" in codes(analyse(path))


# --- what is printed ------------------------------------------------------------------------------------------------


def test_the_report_says_on_whose_word_and_offers_what_exists_for_the_meter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = campaign(tmp_path, "declared", monkeypatch, start=certifying)
    page = write_report(path).read_text()
    assert ">DECLARED<" in page
    assert "plug-7 at 192.0.2.7 (switch port 7), by A. Muster on 2026-11-28" in page
    assert "certifies on declarations" in page
    assert f"wall: {REMEDY}." in page
    for kind in ("attested", "unattested"):
        result = complete(analyse(campaign(tmp_path / kind, kind, monkeypatch)))
        (sentence,) = [meter["sentence"] for meter in result["measurement"]["meters"]]
        named = [remark for remark in remarks(read(result)) if remark.code == kind]
        if kind == "attested":
            assert f"the key that the lab registered for the instrument plug-7 (SHA-256 {PLUG.key_sha256})" in sentence
            assert named == []
        else:
            assert "does not show which instrument is behind it" in sentence
            assert [remark.remedy for remark in named] == [f"wall: {REMEDY}."]


def test_verify_says_on_whose_word_it_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attested = verify(campaign(tmp_path, "attested", monkeypatch), None)
    assert failures(attested) == []
    (note,) = [note for note in attested.notes if note.startswith("meter wall")]
    assert f"attested by TLS: key {PLUG.key_sha256}, registered as that of plug-7. That every connection ended" in note
    assert "the host's own record" in note
    declared = verify(campaign(tmp_path / "d", "declared", monkeypatch), None)
    assert failures(declared) == []
    (note,) = [note for note in declared.notes if note.startswith("meter wall")]
    assert "declared to be plug-7 by A. Muster on 2026-11-28 (switch port 7). Nothing but this declaration" in note


# --- forged ---------------------------------------------------------------------------------------------------------


def edited(register: str, old: str, new: str) -> dict[str, str]:
    assert old in register
    return {"instruments.toml": register.replace(old, new)}


@pytest.mark.parametrize(
    ("origin", "evidence", "inputs", "problem"),
    [
        ("attested", tls_evidence(OTHER), None, "the register kept with the run has another key for plug-7"),
        ("attested", tls_evidence(OTHER, tls_public_key_sha256=PLUG.key_sha256), None, "not those of its certificate"),
        ("attested", tls_evidence(tls_certificate="?"), None, "not those of its certificate"),
        ("attested", {"host": "192.0.2.7"}, None, "the register kept with the run does not have None"),
        ("attested", tls_evidence(instrument="plug-8"), None, "does not have 'plug-8'"),
        ("attested", tls_evidence(), {}, "does not have 'plug-7'"),
        ("attested", tls_evidence(), {"instruments.toml": "no = toml ="}, "does not have 'plug-7'"),
        ("attested", tls_evidence(), {"instruments.toml": REGISTER}, "has no key for plug-7"),
        ("attested", tls_evidence(addresses=["127.0.0.1"]), None, "it was reached on this machine"),
        ("attested", tls_evidence(), {"instruments.toml": WITH_CA}, "has no key for plug-7"),
        (
            "attested",
            tls_evidence(),
            {"instruments.toml": WITH_CA, "tls-ca-plug-7.pem": OTHER.pem},
            "was not issued by the authority",
        ),
        ("declared", said_evidence(declared_by="B. Other"), None, "declares something else of plug-7"),
        ("declared", said_evidence(), {"instruments.toml": PINNED}, "declares something else of plug-7"),
        ("declared", said_evidence(host="192.0.2.8"), None, "at another address than declared"),
        ("declared", said_evidence(), edited(DECLARED, SERIAL, "WM-1"), "is not the one in the register"),
        ("declared", said_evidence(), edited(DECLARED, f'serial = "{SERIAL}"', ""), "is not the one in the register"),
    ],
)  # fmt: skip
def test_a_run_that_contradicts_its_claim_is_found(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    origin: str,
    evidence: dict[str, Any],
    inputs: dict[str, str] | None,
    problem: str,
) -> None:
    path = campaign(tmp_path, origin, monkeypatch, evidence=evidence, inputs=inputs)
    (run, *_rest) = CampaignFolder(path).run_paths()
    (failed,) = [check for check in verify_run(run) if not check.passed]
    assert failed.name == "origin"
    assert problem in failed.detail


def test_a_contradicted_claim_fails_verify_and_makes_the_campaign_invalid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = campaign(tmp_path, "attested", monkeypatch, evidence=tls_evidence(OTHER))
    assert [check.name for check in failures(verify(path, None))] == ["origin", "origin"]
    assert plain(analyse(path))["verdict"]["word"] == "invalid"


def test_a_certificate_of_the_registered_authority_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = {"instruments.toml": WITH_CA, "tls-ca-plug-7.pem": AUTHORITY.pem}
    assert failures(verify(campaign(tmp_path, "attested", monkeypatch, inputs=inputs), None)) == []


def test_an_identity_that_the_meter_did_not_say_and_the_mark_of_an_emulator_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def renamed(descriptor: PowerDescriptor) -> PowerDescriptor:
        return replace(
            descriptor, identity=descriptor.identity | {"serial": "B0B21C10A478", "model": "", "firmware": ""}
        )

    path = campaign(tmp_path, "attested", monkeypatch, meter=renamed)
    details = [check.detail for check in verify(path, None).failed if check.name == "origin"]
    assert all("its identity does not stand in the wire log" in detail for detail in details)
    monkeypatch.setattr(monitored, "SERIAL", f"{SERIAL} EMULATED")
    path = campaign(tmp_path / "e", "declared", monkeypatch, inputs=edited(DECLARED, SERIAL, f"{SERIAL} EMULATED"))
    details = [check.detail for check in verify(path, None).failed if check.name == "origin"]
    assert len(details) == 2
    assert all("its wire log carries the mark of an emulator" in detail for detail in details)


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        ({"addresses": ["127.0.0.1"]}, "but it was reached on this machine"),
        ({"host": "localhost"}, "but it was reached on this machine"),
        ({"port": "http://[::1]:8080"}, "but it was reached on this machine"),
        ({"port": "http://["}, ""),
        ({"device_major": 136}, "but its port is a pseudo terminal"),
        ({"addresses": ["192.0.2.7"]}, ""),
    ],
)
def test_an_emulator_that_is_renamed_unattested_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evidence: dict[str, Any], said: str
) -> None:
    path = campaign(tmp_path, "unattested", monkeypatch, evidence=EVIDENCE["unattested"] | evidence)
    failed = [check.detail for check in verify(path, None).failed if check.name == "origin"]
    assert len(failed) == (2 if said else 0)
    assert all(said in detail for detail in failed)


def test_what_was_said_to_a_server_on_this_machine_contradicts_another_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = campaign(tmp_path, "unattested", monkeypatch)
    host = b"GET /rpc HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"

    def edit(run: Path) -> None:
        log = run / "wire-wall.log"
        log.write_bytes(log.read_bytes() + b"9000000000000000 > " + host.hex().encode() + b"\n")

    reforge(path, edit, results=False)
    failed = [check.detail for check in verify(path, None).failed if check.name == "origin"]
    assert len(failed) == 2
    assert all("its wire log says that it was reached on this machine" in detail for detail in failed)


def test_a_public_certificate_that_is_merely_repeated_proves_nothing_and_verify_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who writes the whole run can write this too: the certificate is public, and TLS leaves no proof."""
    forged = verify(campaign(tmp_path, "attested", monkeypatch), None)
    assert [check.passed for check in forged.checks if check.name == "origin"] == [True, True]
    assert any("TLS leaves nothing that could show it to anybody else" in note for note in forged.notes)
