"""`verify` and `sign`: every check of a campaign, from its folder and a public key alone.

Knows the order of the checks and what a signature needs. Recomputes through `reports`; computes no number itself. With
no key, everything but the authorship is checked, and the outcome says so.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from harness.attest.signer import (
    OF_SEAL,
    OTHER_KEY,
    PRINCIPAL,
    UNSIGNED,
    PublicKey,
    problem_of,
    public_half,
    sign,
    signer_of,
)
from harness.evidence import statement as statements
from harness.evidence.attachments import check_trackers
from harness.evidence.campaigns import CHANGE, NOT_ASKED, RESULTS_DOCUMENT, CampaignInputs, check_validity
from harness.evidence.changes import STATISTICS
from harness.evidence.contradictions import check_contradictions
from harness.evidence.copies import check_copies
from harness.evidence.forms import check_forms
from harness.evidence.host_clock import check_clock, check_notes
from harness.evidence.kinds import BESIDE_RESULTS
from harness.evidence.rendered import NOT_COMPARED
from harness.evidence.searches import check_searches
from harness.evidence.software_logs import check_software_logs
from harness.evidence.statement import SIGNATURE
from harness.evidence.verifier import FORGED, Outcome, Verified, check_document
from harness.evidence.wire import check_wires
from harness.evidence.witnesses import Witnesses, check_witnesses
from harness.record import standing
from harness.record.campaign_folder import DERIVED, STATEMENT, CampaignFolder
from harness.record.documents import Json, Thresholds
from harness.record.entries import Attachment, Entry, Plan, of
from harness.record.errors import DocumentError, LabError, RunFolderError, SigningError, why
from harness.record.levels import are_same
from harness.record.plain_files import read_plain
from harness.record.run_folder import RunFolder
from harness.record.seal import MANIFEST, SEAL_SIGNATURE
from harness.record.searches import is_trial
from harness.record.verify import Check, Examination, examine
from harness.station.provenance import software_facts
from harness.station.station import APPLICATION
from reports.campaign.witnessed import evaluate
from reports.pages.proof import not_proved

NO_WITNESS = Witnesses()
NOT_MEASURED = "not yet measured, or removed"
UNPLANNED = ("sync", "warm-up")
"""Kinds of runs that no plan has."""
INCOMPLETE = "planned"
"""The check that `wattlab sign --incomplete` may leave open."""


def verify(
    path: Path, key: PublicKey | None, witnesses: Witnesses = NO_WITNESS, seal_key: PublicKey | None = None
) -> Outcome:
    """Every check of a campaign; nothing is written, no link is followed. `witnesses`: what the verifier has of them;
    `seal_key`: with which the seals are to be signed.

    Raises:
        RunFolderError: the folder is no campaign.
    """
    seen = examine(path)
    checks = [*seen.checks, *_check_measured(path, seen)]
    received, told = check_witnesses(path, seen, witnesses)
    checks += [*_check_seals(path, seen, key, seal_key), *received]
    signed, statement = _read_statement(path, key)
    derived, computed = _check_derived(path, seen, wanted=statement is not None)
    if derived.checks or key is not None:  # before its results are written a campaign is still being measured
        checks.append(_check_plan(path.name, seen, statement))
    checks += derived.checks + signed
    if statement is not None:
        checks += statements.compare(statement, CampaignFolder(path), seen, computed)
    notes = [*_strays(path, seen.entries), *_not_recomputed(path, statement)]
    proof = [not_proved(evaluate(seen.entries, seen.receipts, Thresholds()))]
    return Outcome(checks, [*notes, *derived.notes, *told, *_notes(checks, statement, key), *proof])


def _strays(path: Path, entries: Sequence[Entry]) -> Iterator[str]:
    """Names what lies in the campaign's folder and is no part of it."""
    strays = {item.name for item in path.iterdir()} - statements.parts_of(entries)
    attached = {attachment.path for attachment in of(Attachment, entries)}
    folders = {path / name.split("/")[0] for name in attached if "/" in name}
    beside = {item.relative_to(path).as_posix() for folder in folders for item in folder.rglob("*") if item.is_file()}
    strays |= beside - attached
    if strays:
        yield f"No part of the campaign, covered by nothing: {', '.join(sorted(strays))}"


def _not_recomputed(path: Path, statement: Json | None) -> Iterator[str]:
    """Names the derived files that no check compares with the raw data."""
    if names := unchecked(path):
        covered = "nothing" if statement is None else "the signature only"
        yield f"Nobody recomputed {', '.join(names)} in {DERIVED}: covered by {covered}"


def unchecked(path: Path) -> list[str]:
    """Files in `derived` that are neither a derived document nor a page of one: whoever put them there is believed."""
    known = {name for kind in (RESULTS_DOCUMENT, *BESIDE_RESULTS) for name in (kind.name, *kind.pages)}
    return sorted(set(statements.derived_digests(path)) - known)


def _check_measured(path: Path, seen: Examination) -> list[Check]:
    """What a campaign says of itself, against itself."""
    own = [check_clock(path.name, seen), *check_notes(path.name, seen), *check_forms(path.name, seen)]
    told = [*check_trackers(path, seen), *check_software_logs(path, seen), *check_contradictions(path.name, seen)]
    return [*own, *told, *check_searches(path.name, seen), check_copies(path.name, seen), *check_wires(path, seen)]


def _check_seals(path: Path, seen: Examination, key: PublicKey | None, seal_key: PublicKey | None) -> Iterator[Check]:
    """Every signature of a seal is one of its manifest, by the key that is given for it."""
    for name in seen.runs:
        try:
            manifest, signature = read_plain(path / name / MANIFEST), read_plain(path / name / SEAL_SIGNATURE)
        except FileNotFoundError:
            if seal_key is not None:
                yield Check(name, "seal", False, f"its seal is {UNSIGNED}; {seal_key.fingerprint} was to sign it")
            continue
        except OSError:
            continue  # a link: `plain` has failed
        signer = signer_of(manifest, signature, OF_SEAL)
        if signer is None:
            yield Check(name, "seal", False, "the signature is not one of this manifest: it was changed, or made anew")
        elif seal_key is not None and signer != seal_key.fingerprint:
            yield Check(name, "seal", False, f"{OTHER_KEY}, {signer}; {seal_key.fingerprint} was given")
        else:
            known = signer in [one.fingerprint for one in (key, seal_key) if one is not None]
            compared = "" if known else ", which was compared with no key (--seal-key)"
            yield Check(name, "seal", True, f"signed with {signer}{compared}")


def sign_campaign(path: Path, key: Path, incomplete: str | None) -> Json:
    """Sign a campaign that verifies; write statement and signature beside its log; return the statement.

    Raises:
        SigningError: a check fails, the plan is not complete (`incomplete`: a reason why it is signed all the same),
            there are no results, or ssh-keygen refuses.
    """
    if key.resolve().is_relative_to(path.resolve()):
        raise SigningError(f"{key}: the private key lies in the campaign's folder; keep it elsewhere")
    campaign, seen = CampaignFolder(path), examine(path)
    derived, computed = _check_derived(path, seen, wanted=True)
    plan = _check_plan(path.name, seen, None)
    checks = [*seen.checks, *_check_measured(path, seen), *_check_seals(path, seen, None, None), *derived.checks]
    failed = [check for check in [*checks, plan] if not check.passed and (check.name != INCOMPLETE or not incomplete)]
    if failed or computed is None:
        shown = "; ".join(f"{check.subject}: {check.name}: {check.detail}" for check in failed[:3])
        advice = " (`--incomplete REASON` signs it as incomplete)" if [*failed] == [plan] else ""
        raise SigningError(f"{path} is not signed, {len(failed)} checks fail: {shown}{advice}")
    signer = public_half(key)
    about = {"principal": PRINCIPAL, "public_key": signer.text, "fingerprint": signer.fingerprint}
    missing = None if plan.passed else f"{incomplete} ({plan.detail})"
    software = software_facts(APPLICATION)
    document = statements.make_statement(campaign, seen, computed, signer=about, software=software, incomplete=missing)
    document["not_recomputed"] = unchecked(path)
    content = statements.to_bytes(document)
    signature = sign(content, key)
    if (problem := problem_of(content, signature, signer)) is not None:
        raise SigningError(f"{key}: the signature does not verify with the public half ({problem})")
    for name, body in ((STATEMENT, content), (SIGNATURE, signature)):
        _write(path / name, body)
    return document


def _write(target: Path, content: bytes) -> None:
    draft = target.with_name(f".{target.name}.draft")
    try:
        draft.unlink(missing_ok=True)
        with draft.open("xb") as file:
            file.write(content)
        draft.replace(target)
    except OSError as error:
        raise RunFolderError(f"{target}: cannot write ({why(error)})") from error


def _read_statement(path: Path, key: PublicKey | None) -> tuple[list[Check], Json | None]:
    """The signature's check, and the statement where it can be read; with a key, only one that this key signed."""
    try:
        content = read_plain(path / STATEMENT)
        statement = statements.from_bytes(content)
    except FileNotFoundError:
        detail = f"there is no {STATEMENT}: this campaign is {UNSIGNED}, or its signature was taken out"
        missing = Check(path.name, "signature", False, detail)
        return ([missing] if key else []), None
    except (OSError, DocumentError) as error:
        return [Check(path.name, "signature", False, str(error))], None
    try:
        signature = read_plain(path / SIGNATURE)
    except OSError as error:
        detail = f"there is a statement, but its signature is gone ({error.strerror or error})"
        return [Check(path.name, "signature", False, detail)], statement
    if key is None:
        return [], statement
    problem = problem_of(content, signature, key)
    detail = problem or f"signed {statement['utc']} with {key.fingerprint}"
    return [Check(path.name, "signature", problem is None, detail)], statement


def _check_derived(path: Path, seen: Examination, *, wanted: bool) -> tuple[Verified, Json | None]:
    """Every derived document of the campaign with its pages, and the results as the version that wrote them computes
    them; of results nothing where they were not computed yet and are not `wanted`."""
    if any(check.name == "plain" and not check.passed for check in seen.checks):
        return Verified([], [], None), None
    results, computed = _check_results(path, seen, wanted=wanted)
    beside = [check_document(kind, path) for kind in BESIDE_RESULTS if kind.is_begun(path)]
    checks, notes = ([*getattr(results, part), *(one for document in beside for one in getattr(document, part))]
                     for part in ("checks", "notes"))  # fmt: skip
    return replace(results, checks=checks, notes=notes), computed


def _check_results(path: Path, seen: Examination, *, wanted: bool) -> tuple[Verified, Json | None]:
    """Results, findings, pages and validity."""
    if not wanted and not RESULTS_DOCUMENT.is_begun(path):
        return Verified([], [], None), None
    document = check_document(RESULTS_DOCUMENT, path, CampaignInputs(path, examination=seen))
    if document.computed is None:
        return document, None
    try:
        checks = [*document.checks, check_validity(path.name, document.computed)]
    except (LabError, *FORGED):  # results.json could not be read, which has failed, and nothing can be computed either
        return document, None
    return replace(document, checks=checks), document.computed.then


def _check_plan(subject: str, seen: Examination, statement: Json | None) -> Check:
    """Every planned run succeeded once (a trial of a search may have failed), is what was planned, and the runs were
    begun in the plan's order."""
    plans = [plan.runs for plan in of(Plan, seen.entries)]
    measured = [name for name, run in seen.runs.items() if run.start.source is None and run.start.kind not in UNPLANNED]
    if not plans and measured:
        detail = f"{measured[0]} was measured here, and the log has no plan, which every measured campaign has"
        return Check(subject, INCOMPLETE, False, detail)
    if not plans:
        return Check(subject, INCOMPLETE, True, "there is no plan: an import")
    stages = [{r["ordinal"]: r for r in p if isinstance(r.get("ordinal"), int)} for p in plans]
    planned = {ordinal: run for stage in stages for ordinal, run in stage.items()}
    ended = [(run.start.ordinal, run.exit_status) for run in seen.runs.values()]
    failed = {at for at, status in ended if status == "fail" and is_trial(planned.get(at, {}))}
    lost = _given_up(planned, seen)
    done = failed | {at for at, status in ended if status == "success"}
    missing = sorted(set(planned) - done - lost)
    if wrong := list(_misplaced(stages, seen.runs.values())):
        return Check(subject, INCOMPLETE, False, "; ".join(wrong))
    if not missing:
        alone = sorted(failed - {at for at, status in ended if status == "success"})
        result = f", but {len(alone)} trials, whose programs failed" if alone else ""
        result += f", but {len(lost)}, whose program failed in every attempt (campaign.when_failed)" if lost else ""
        return Check(subject, INCOMPLETE, True, f"all {len(planned)} planned runs succeeded{result}")
    detail = (
        f"{len(missing)} of {len(planned)} planned runs have no successful attempt: run {', '.join(map(str, missing))}"
    )
    if statement is not None and statement["incomplete"] is not None:
        return Check(subject, INCOMPLETE, True, f"signed as incomplete: {statement['incomplete']}")
    return Check(subject, INCOMPLETE, False, f"{detail}; {NOT_MEASURED}")


def _given_up(planned: Mapping[int, Json], seen: Examination) -> set[int]:
    """Runs that were left out by the rule of the log, of scenarios of which a failed run is sealed."""
    failed = {run.start.scenario for run in seen.runs.values() if run.exit_status == "fail"}
    try:
        return {ordinal for ordinal in standing.given_up(seen.entries) if planned[ordinal]["scenario"] in failed}
    except FORGED:
        return set()


def _misplaced(stages: Sequence[Mapping[int, Json]], runs: Collection[RunFolder]) -> Iterator[str]:
    """Runs that are not what was planned, or not in the order of their stage. No plan has sync pulses, warm-ups."""
    planned = {ordinal: run for stage in stages for ordinal, run in stage.items()}
    for run in runs:
        if (wanted := planned.get(run.start.ordinal)) is None:
            if run.start.kind not in UNPLANNED:
                yield f"{run.path.name} was never planned"
            continue
        for key in ("kind", "scenario", "repetition", "seed", "block"):
            if key in wanted and wanted[key] != getattr(run.start, key):
                found = getattr(run.start, key)
                yield f"{run.path.name} was planned with {key} {wanted[key]!r}, it was made with {found!r}"
        if not are_same(run.start.cell, wanted.get("cell")):
            planned_cell, made = (f"{cell!r:.80}" for cell in (wanted.get("cell"), run.start.cell))
            yield f"{run.path.name} was planned with the cell {planned_cell}, it was made with {made}"
    for stage in stages:
        order = list(stage)
        places = [order.index(run.start.ordinal) for run in runs if run.start.ordinal in stage]
        if any(later < earlier for earlier, later in pairwise(places)):
            yield "the runs were not begun in the order of the plan"


def _notes(checks: Sequence[Check], statement: Json | None, key: PublicKey | None) -> list[str]:
    """What the outcome proves, and what it does not."""
    notes = [*_of_origins(checks)]
    notes += [
        f"Statistics {check.detail}."
        for check in checks
        if check.name == STATISTICS and check.passed and check.detail.startswith(NOT_ASKED)
    ]
    notes += [f'Moved since ("Changes to results"), {check.detail}.' for check in checks if check.name == CHANGE]
    notes += [f"{check.subject}: {check.detail}." for check in checks if NOT_COMPARED in check.detail]
    if key is None and statement is None:
        notes.append("Nothing proves who made this campaign: it is not signed, and no public key was given.")
    elif key is None:
        notes.append(
            "Nothing proves who made this campaign: there is a signature, but it was not checked. Get the lab's public "
            "key on another way than this folder and give it with --public-key."
        )
    elif statement is not None and not any(check.name == "signature" and not check.passed for check in checks):
        notes.append(f"Signed {statement['utc']} with {key.fingerprint}. {statements.CLAIM}")
    return notes


BELIEVED = {
    "instrument": "",
    "attested": ". That every connection ended at the holder of this key is the host's own record, as it was sealed: "
    "TLS leaves nothing that could show it to anybody else",
    "declared": ". Nothing but this declaration says which instrument it was",
}
"""What there is to believe of an origin, beside its check; of any other there is nothing to believe."""


def _of_origins(checks: Sequence[Check]) -> Iterator[str]:
    """What the readings of each meter show, and on whose word."""
    for told, holds in sorted({(check.detail, check.passed) for check in checks if check.name == "origin"}):
        kind = re.split("[ ,]", told.partition(": ")[2], maxsplit=1)[0]
        if ending := BELIEVED.get(kind if holds else "", ": no evidence about a real machine"):
            yield f"{told}{ending}"
