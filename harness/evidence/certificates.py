"""The certificate of a SUT's software meters before a campaign without a meter: is it what it was, does it hold here.

Knows where a certificate lies, what signs it, and what the SUT says of itself now. Knows no reading: whether it held in
a run is judged again from what the run recorded (`reports.readings.rated`).

A certificate is believed where it is recomputed from its own campaign, byte by byte and number by number, or where a
copy of it lies beside the statement that the lab signed over it, and the lab's public key is named.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from harness.attest.signer import PublicKey, problem_of, read_public_key
from harness.evidence import statement as statements
from harness.evidence.statement import SIGNATURE
from harness.evidence.verification import verify
from harness.measure.lab_file import LabConfig
from harness.measure.reason import Reason
from harness.measure.scenario import Scenario
from harness.measure.without_meter import CERTIFICATE
from harness.record.campaign_folder import CAMPAIGN, STATEMENT, CampaignFolder
from harness.record.documents import Json, load_object
from harness.record.errors import DocumentError, LabError, why
from harness.record.plain_files import read_plain
from harness.station.station import SutSection
from harness.sut.machine import Sut
from reports.readings.rated import lag_ns, of_kind
from reports.results.applicability import chosen, machine_of, mismatches
from reports.results.qualification import qualification_of
from reports.results.software_meter import SoftwareMeter

SUBJECT = "qualification"
SHOWN = 3
"""Failed checks that a reason names."""
AGENT = "agent/"
"""So begins the name of a software meter that the agent records."""


def check_certificate(config: LabConfig, wire: SutSection) -> list[Reason]:
    """What the certificate has against a start, as the SUT is now; nothing where the SUT has a meter."""
    if config.certificate_source is None:
        return []
    try:
        with Sut.connect(wire) as sut:
            facts = sut.facts()
    except LabError:
        return []  # preflight says why the SUT is not reached
    return list(reasons_of(config, facts))


def reasons_of(config: LabConfig, facts: Json) -> Iterator[Reason]:
    """The same of what the SUT says of itself."""
    assert config.certificate_source is not None
    assert config.certificate_path is not None
    sha256 = hashlib.sha256(config.certificate_source).hexdigest()
    yield from _of_proof(config, config.certificate_path, sha256)
    yield from _of_campaign(config, sha256)
    try:
        certificate = qualification_of(load_object(config.certificate_source, CERTIFICATE))
    except DocumentError as error:
        yield Reason("refuse", SUBJECT, f"{error}; `wattlab qualify` writes it anew")
        return
    meter = chosen(certificate, config.file.sut.software_meter)
    if isinstance(meter, str):
        yield Reason("refuse", SUBJECT, f"{config.certificate_path}: {meter} (sut.software_meter)")
        return
    wrong = [str(one) for one in mismatches(certificate.validity, machine_of(facts), config.file.sut.sample_period_s)]
    for scenario in (*config.scenarios, config.baseline):
        wrong += (f"scenario {scenario.name}: {text}" for text in of_kind(meter, _kind_of(scenario)))
    wrong += _of_lag(config, meter)
    known = facts.get("software_meters")
    if meter.name.startswith(AGENT) and isinstance(known, list) and meter.name.removeprefix(AGENT) not in known:
        problems = "; ".join(map(str, facts.get("software_meter_problems") or [])) or "it has no such sensor"
        wrong.append(f"the SUT does not say {meter.name}: {problems}")
    yield from (Reason("refuse", SUBJECT, text) for text in wrong)
    if not wrong:
        yield Reason(
            "warn",
            SUBJECT,
            f"ESTIMATED by a qualified software meter, NOT MEASURED: {meter.name}, qualified on "
            f"{certificate.validity.date} in {certificate.campaign.name}, SHA-256 {sha256}; nothing can be certified",
        )


def _of_lag(config: LabConfig, meter: SoftwareMeter) -> Iterator[str]:
    """What the software meter says late of a run's end is recorded too, or its end is a gap."""
    campaign, lag_s = config.file.campaign, lag_ns(meter) * 1e-9
    needed_s = lag_s + config.file.sut.sample_period_s
    if campaign.supplementary_s < needed_s:
        yield (
            f"campaign.supplementary_s: found {campaign.supplementary_s:g} s, and {meter.name} says {lag_s:.2g} s late "
            f"what the machine takes; set it to {needed_s:.2g} s at least"
        )
    if campaign.stabilization_s < -lag_s:
        yield (
            f"campaign.stabilization_s: found {campaign.stabilization_s:g} s, and {meter.name} is {-lag_s:.2g} s "
            f"ahead; set it to {-lag_s:.2g} s at least"
        )


def _kind_of(scenario: Scenario) -> str:
    return "idle" if scenario.kind == "baseline" else scenario.load_kind


def _of_proof(config: LabConfig, file: Path, sha256: str) -> Iterator[Reason]:
    """Whether the certificate is what was computed, and signed, once."""
    named = config.file.sut.qualification_key
    try:
        key = read_public_key(config.station.file_of(named)) if named else None
    except LabError as error:
        yield Reason("refuse", SUBJECT, f"sut.qualification_key: {error}")
    else:
        yield proof_of(file, sha256, key, "sut.qualification_key")


def proof_of(file: Path, sha256: str, key: PublicKey | None, key_name: str) -> Reason:
    """What shows that a certificate is what was computed, and signed, once: its campaign, or the signed statement
    beside it. `key_name`: where the public key is to be named."""
    campaign = next((folder for folder in file.absolute().parents[:2] if (folder / CAMPAIGN).is_file()), None)
    try:
        return _signed_copy(file, sha256, key, key_name) if campaign is None else _verified(campaign, key, key_name)
    except LabError as error:
        return Reason("refuse", SUBJECT, str(error))


def _verified(campaign: Path, key: PublicKey | None, key_name: str) -> Reason:
    """The campaign of a certificate, checked and computed again."""
    outcome = verify(campaign, key)
    if outcome.failed:
        told = "; ".join(f"{check.subject}: {check.name}: {check.detail}" for check in outcome.failed[:SHOWN])
        return Reason("refuse", SUBJECT, f"{campaign} does not verify: {told}; `wattlab verify` lists every check")
    if not any(check.subject.endswith(CERTIFICATE) for check in outcome.checks):
        return Reason("refuse", SUBJECT, f"{campaign}: nothing recomputes its {CERTIFICATE}; update wattlab")
    if (campaign / STATEMENT).is_file() and key is None:
        text = f"{campaign} verifies, but whose signature it has was compared with no key: name {key_name}"
        return Reason("warn", SUBJECT, text)
    signed = "" if key is None else f", signed with {key.fingerprint}"
    return Reason("ok", SUBJECT, f"{campaign} verifies, every number as recomputed{signed}")


def _signed_copy(file: Path, sha256: str, key: PublicKey | None, key_name: str) -> Reason:
    """A certificate without its campaign: by the statement and its signature that lie beside it."""
    if key is None:
        return Reason(
            "refuse", SUBJECT, f"{file} lies in no campaign, so only a signature shows whose it is: put {STATEMENT} "
            f"and {SIGNATURE} of its campaign beside it, and name the lab's public key in {key_name}",
        )  # fmt: skip
    try:
        content, signature = (read_plain(file.parent / name) for name in (STATEMENT, SIGNATURE))
    except OSError as error:
        return Reason("refuse", SUBJECT, f"{file.parent}: {STATEMENT} or {SIGNATURE} cannot be read ({why(error)})")
    if (problem := problem_of(content, signature, key)) is not None:
        return Reason("refuse", SUBJECT, f"{file.parent / STATEMENT}: {problem}")
    derived = statements.from_bytes(content)["derived"]
    if derived.get(CERTIFICATE) != sha256:
        text = f"{file} is not the {CERTIFICATE} that was signed: its SHA-256 is {sha256}"
        return Reason("refuse", SUBJECT, f"{text}, the statement has {json.dumps(derived.get(CERTIFICATE))}")
    return Reason("ok", SUBJECT, f"{file} is as it was signed with {key.fingerprint}")


def _of_campaign(config: LabConfig, sha256: str) -> Iterator[Reason]:
    """A campaign rests on one certificate."""
    if not (config.campaign_folder / CAMPAIGN).is_file():
        return
    try:
        runs = CampaignFolder(config.campaign_folder).runs()
    except LabError:
        return  # preflight says what is wrong with it
    others = [run for run in runs if run.start.inputs.get(CERTIFICATE) not in (None, sha256)]
    if others:
        then = others[-1].start.inputs[CERTIFICATE]
        yield Reason(
            "refuse", SUBJECT, f"run {others[-1].start.ordinal} of {config.campaign_folder} rests on the certificate "
            f"{then}, this one is {sha256}; restore it, or give campaign.name a new value",
        )  # fmt: skip
