"""`verify` and `sign`: every check of a campaign, from its folder and a public key alone.

Knows the order of the checks and what a signature needs. Recomputes through `reports`; computes no number itself. With
no key, everything but the authorship is checked, and the outcome says so.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
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
from harness.evidence.changes import STATISTICS
from harness.evidence.contradictions import check_contradictions
from harness.evidence.forms import check_forms
from harness.evidence.recomputed import (
    CHANGE,
    FORGED,
    NOT_ASKED,
    NOT_COMPARED,
    check_audit,
    check_report,
    check_results,
    check_validity,
    recompute,
)
from harness.evidence.statement import SIGNATURE
from harness.evidence.wire import check_wires
from harness.evidence.witnesses import Witnesses, check_witnesses
from harness.record.campaign_folder import DERIVED, STATEMENT, CampaignFolder
from harness.record.documents import ClockEvent, Json, Thresholds
from harness.record.entries import Attachment, Entry, Plan, RunBegin, RunEnd, of
from harness.record.errors import DocumentError, LabError, RunFolderError, SigningError, why
from harness.record.plain_files import read_plain
from harness.record.run_folder import RunFolder
from harness.record.seal import MANIFEST, SEAL_SIGNATURE
from harness.record.verify import Check, Examination, examine
from harness.station.provenance import software_facts
from harness.station.station import APPLICATION
from reports.campaign.witnessed import evaluate
from reports.pages.proof import not_proved
from reports.render import AUDIT, REPORT
from reports.results.document import RESULTS

CLOCK_S, CLOCK_RATE = 5.0, 1e-3
"""A host's wall clock may move by as much against its monotonic clock: whole seconds in stamps, and slewing."""
NO_WITNESS = Witnesses()
NOT_MEASURED = "not yet measured, or removed"
INCOMPLETE = "planned"
"""The check that `wattlab sign --incomplete` may leave open."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Every check, and sentences on what they prove and what not."""

    checks: list[Check]
    notes: list[str]

    @property
    def failed(self) -> list[Check]:
        """The checks that do not hold."""
        return [check for check in self.checks if not check.passed]


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
    if derived or key is not None:  # before its results are written a campaign is still being measured
        checks.append(_check_plan(path.name, seen, statement))
    checks += derived + signed
    if statement is not None:
        checks += statements.compare(statement, CampaignFolder(path), seen, computed)
    notes = [*_strays(path, seen.entries), *_not_recomputed(path, statement)]
    proof = [not_proved(evaluate(seen.entries, seen.receipts, Thresholds()))]
    return Outcome(checks, [*notes, *told, *_notes(checks, statement, key), *proof])


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
    """Files in `derived` that are neither results nor a page of theirs: whoever put them there is believed."""
    return sorted(set(statements.derived_digests(path)) - {RESULTS, REPORT, AUDIT})


def _check_measured(path: Path, seen: Examination) -> list[Check]:
    """What a campaign says of itself, against itself."""
    own = [_check_clock(path.name, seen), *_check_notes(path.name, seen), *check_forms(path.name, seen)]
    told = [*check_trackers(path, seen), *check_contradictions(path.name, seen)]
    return [*own, *told, *check_wires(path, seen)]


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
    checks = [*seen.checks, *_check_measured(path, seen), *_check_seals(path, seen, None, None), *derived]
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


def _check_derived(path: Path, seen: Examination, *, wanted: bool) -> tuple[list[Check], Json | None]:
    """Results, findings, validity and report, and the results as the version that wrote them computes them; none of
    them where nothing was computed yet and nothing is `wanted`."""
    if any(check.name == "plain" and not check.passed for check in seen.checks):
        return [], None
    there = [name for name in (RESULTS, REPORT, AUDIT) if (path / DERIVED / name).exists()]
    if not there and not wanted:
        return [], None
    try:
        computed = recompute(path, seen)
    except (LabError, *FORGED) as error:
        detail = f"cannot be recomputed ({type(error).__name__}: {error})"
        return [Check(f"{DERIVED}/{RESULTS}", "results", False, detail)], None
    checks = [*check_results(path, computed), check_validity(path.name, computed)]
    if REPORT in there:
        checks.append(check_report(path, computed.outlines))
    if AUDIT in there:
        checks.append(check_audit(path, computed.outlines))
    return checks, computed.then


def _check_plan(subject: str, seen: Examination, statement: Json | None) -> Check:
    """Every planned run succeeded once, is what was planned, and the runs were begun in the plan's order."""
    plans = [plan.runs for plan in of(Plan, seen.entries)]
    if not plans:
        return Check(subject, INCOMPLETE, True, "there is no plan: an import")
    stages = [{r["ordinal"]: r for r in p if isinstance(r.get("ordinal"), int)} for p in plans]
    planned = {ordinal: run for stage in stages for ordinal, run in stage.items()}
    done = [run.start.ordinal for run in seen.runs.values() if run.exit_status == "success"]
    missing = sorted(set(planned) - set(done))
    if wrong := list(_misplaced(stages, seen.runs.values())):
        return Check(subject, INCOMPLETE, False, "; ".join(wrong))
    if not missing:
        return Check(subject, INCOMPLETE, True, f"all {len(planned)} planned runs succeeded")
    detail = (
        f"{len(missing)} of {len(planned)} planned runs have no successful attempt: run {', '.join(map(str, missing))}"
    )
    if statement is not None and statement["incomplete"] is not None:
        return Check(subject, INCOMPLETE, True, f"signed as incomplete: {statement['incomplete']}")
    return Check(subject, INCOMPLETE, False, f"{detail}; {NOT_MEASURED}")


def _misplaced(stages: Sequence[Mapping[int, Json]], runs: Collection[RunFolder]) -> Iterator[str]:
    """Runs that are not what was planned, or not in the order of their stage. A sync pulse belongs to no plan."""
    planned = {ordinal: run for stage in stages for ordinal, run in stage.items()}
    for run in runs:
        if (wanted := planned.get(run.start.ordinal)) is None:
            if run.start.kind != "sync":
                yield f"{run.path.name} was never planned"
            continue
        for key in ("kind", "scenario", "repetition", "seed", "block"):
            if key in wanted and wanted[key] != getattr(run.start, key):
                found = getattr(run.start, key)
                yield f"{run.path.name} was planned with {key} {wanted[key]!r}, it was made with {found!r}"
    for stage in stages:
        order = list(stage)
        places = [order.index(run.start.ordinal) for run in runs if run.start.ordinal in stage]
        if any(later < earlier for earlier, later in pairwise(places)):
            yield "the runs were not begun in the order of the plan"


@dataclass(frozen=True, slots=True)
class _Move:
    """The host's wall clock moved against its boot clock (or its monotonic one) by `moved_s`, somewhere between two
    lines of the log; `shown`: the journals on both sides bear it out."""

    run: str
    moved_s: float
    first_line: int
    last_line: int
    shown: bool


def _check_clock(subject: str, seen: Examination) -> Check:
    """Stamps of the log never go back, each run lies where its log puts it, and one boot has one wall clock; one that
    was set is no forgery where the journals show it."""
    moves = list(_moves(seen))
    problems = [*_log_goes_back(seen.entries, moves), *_runs_elsewhere(seen, moves), *_runs_go_back(seen)]
    problems += [
        f"{move.run}: the host's wall clock was set by {move.moved_s:+.0f} s since the run before it, "
        "and its own clock exchanges do not show that"
        for move in moves
        if not move.shown
    ]
    honest = [f"the host's wall clock was set by {move.moved_s:+.0f} s before {move.run}" for move in moves]
    detail = "; ".join(problems or ["stamps agree with the monotonic clock", *honest])
    return Check(subject, "clock", not problems, detail)


def _check_notes(subject: str, seen: Examination) -> Iterator[Check]:
    """Notes are stamped in order, after what they are about, and are about runs of this campaign."""
    if not seen.annotations:
        return
    begun = {begin.folder: begin.utc for begin in of(RunBegin, seen.entries)}
    back_s = CLOCK_S + max([0.0, *(-move.moved_s for move in _moves(seen) if move.shown)])
    problems: list[str] = []
    last_s = _seconds(seen.entries[0].utc) if seen.entries else None
    for number, note in enumerate(seen.annotations, 1):
        run, at_s = note.raw.get("run"), _seconds(note.utc)
        run = run if run is None or isinstance(run, str) else repr(run)[:60]
        about_s = None if run is None else _seconds(begun.get(run))
        if run is not None and run not in begun:
            problems.append(f"note {number} is about {run!r:.60}, which is no run of this campaign")
        if at_s is None:
            problems.append(f"note {number} is stamped {note.raw.get('utc')!r:.40}, which is no time")
            continue
        for what, then_s in (("the one before it, or the campaign", last_s), (f"{run}, which it is about", about_s)):
            if then_s is not None and at_s < then_s - back_s:
                problems.append(f"note {number} is stamped {note.utc}, {then_s - at_s:.0f} s before {what}")
        last_s = at_s
    yield Check(subject, "notes", not problems, "; ".join(problems) or f"{len(seen.annotations)} in order")


def _log_goes_back(entries: Sequence[Entry], moves: Sequence[_Move]) -> Iterator[str]:
    stamped = [(line, entry.seq, at) for line, entry in enumerate(entries) if (at := _seconds(entry.utc))]
    for (line, _, before), (next_line, number, after) in pairwise(stamped):
        back_s = before - after
        shown_s = [-m.moved_s for m in moves if m.shown and m.first_line <= line and next_line <= m.last_line]
        if back_s > CLOCK_S + max([0.0, *shown_s]):
            yield f"campaign.jsonl:{number} is stamped {back_s:.0f} s before the line before it: clock set back"


def _runs_elsewhere(seen: Examination, moves: Sequence[_Move]) -> Iterator[str]:
    """A run that was not measured between its begin and its end in the log is another, older one."""
    lines = {kind: _lines_of(seen.entries, kind) for kind in (RunBegin, RunEnd)}
    for name, run in seen.runs.items():
        places = [lines[kind].get(name) for kind in (RunBegin, RunEnd)]
        stamps = [None if line is None else _seconds(seen.entries[line].utc) for line in places]
        at, begin, end = _seconds(run.start.utc), *stamps
        if run.start.time_base != "host-monotonic" or at is None or begin is None or end is None:
            continue
        shown_s = [-m.moved_s for m in moves if m.shown and m.run == name and m.last_line == places[1]]
        if not begin - CLOCK_S <= at <= end + CLOCK_S + max([0.0, *shown_s]):
            yield f"{name} was measured at {run.start.utc}, {_apart(at, begin)} the log began it: another, older run"
        over, line = None if run.stop is None else _seconds(run.stop.utc), places[1] or 0
        shown_s += [-m.moved_s for m in moves if m.shown and m.first_line <= line <= m.last_line]
        if run.stop is not None and (over is None or over > end + CLOCK_S + max([0.0, *shown_s])):
            yield f"{name} ended at {run.stop.utc}, which is no moment before the log ended it"


def _apart(at: float, begin: float) -> str:
    return f"{abs(at - begin):.0f} s {'before' if at < begin else 'after'}"


def _lines_of(entries: Sequence[Entry], kind: type[RunBegin] | type[RunEnd]) -> dict[str, int]:
    return {entry.folder: line for line, entry in enumerate(entries) if isinstance(entry, kind)}


def _neighbours(seen: Examination) -> Iterator[tuple[RunFolder, RunFolder]]:
    """Runs of one boot of the host, each with the one before it."""
    last: dict[object, RunFolder] = {}
    for run in seen.runs.values():
        if run.start.time_base != "host-monotonic" or _seconds(run.start.utc) is None:
            continue
        boot = run.start.host.get("boot_id")
        if boot in last:
            yield last[boot], run
        last[boot] = run


def _runs_go_back(seen: Examination) -> Iterator[str]:
    for before, run in _neighbours(seen):
        if run.start.time_ns < before.start.time_ns:
            yield f"{run.path.name}: the monotonic clock went back within one boot: it is another, older run"


def _moves(seen: Examination) -> Iterator[_Move]:
    """Where the wall clock moved: between the starts of two runs, and within a run, by its own exchanges."""
    begins, ends = _lines_of(seen.entries, RunBegin), _lines_of(seen.entries, RunEnd)
    for before, run in _neighbours(seen):
        passed_s = (run.start.time_ns - before.start.time_ns) * 1e-9
        boots_ns = before.start.boot_ns, run.start.boot_ns
        if boots_ns[0] is not None and boots_ns[1] is not None:
            passed_s = (boots_ns[1] - boots_ns[0]) * 1e-9  # the time asleep counts
        moved_s = (_seconds(run.start.utc) or 0.0) - (_seconds(before.start.utc) or 0.0) - passed_s
        if passed_s >= 0 and abs(moved_s) > CLOCK_S + CLOCK_RATE * passed_s:
            name = run.path.name
            lines = begins.get(before.path.name, 0), begins.get(name, len(seen.entries))
            yield _Move(name, moved_s, *lines, shown=_is_borne_out(before) and _is_borne_out(run))
    for name, run in seen.runs.items():
        exchanges = [event for event in run.events if isinstance(event, ClockEvent)]
        offsets_s = [(e.host_wall_ns - (e.host_boot_ns or e.t1_ns)) * 1e-9 for e in exchanges]
        if offsets_s and abs(offsets_s[-1] - offsets_s[0]) > CLOCK_S and name in begins:
            lines = begins[name], ends.get(name, len(seen.entries))
            yield _Move(name, offsets_s[-1] - offsets_s[0], *lines, shown=_is_borne_out(run))


def _is_borne_out(run: RunFolder) -> bool:
    """Whether a run's own journal shows the wall clock that its start is stamped with."""
    started = _seconds(run.start.utc)
    exchanges = [(event.host_wall_ns * 1e-9, event.t1_ns) for event in run.events if isinstance(event, ClockEvent)]
    ended = None if run.stop is None else _seconds(run.stop.utc)
    if not exchanges and run.stop is not None and ended is not None:
        exchanges = [(ended, run.stop.time_ns)]
    if started is None or not exchanges:
        return False
    wall_s, monotonic_ns = exchanges[0]
    return abs(wall_s - started - (monotonic_ns - run.start.time_ns) * 1e-9) <= CLOCK_S


def _seconds(stamp: object) -> float | None:
    try:
        return datetime.fromisoformat(str(stamp)).timestamp()
    except ValueError:
        return None


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
