"""`verify` of a sealed study: its seal, its numbers recomputed from the sealed table, its table from the campaigns.

Knows what stands in a study's folder. Knows no key: a study is not signed, the campaigns it rests on are.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

from harness.evidence.changes import differences_of, moved_since, rules_of, unlike, writer_of_sealed
from harness.evidence.recomputed import FORGED, SHOWN, check_page
from harness.evidence.study_folder import (
    campaigns_now,
    sealed_inputs,
    sealed_table,
    table_source,
    with_rows,
)
from harness.evidence.verification import Outcome
from harness.record.campaign_folder import STUDY_FILE
from harness.record.documents import Json, load_object
from harness.record.errors import LabError, why
from harness.record.plain_files import read_plain
from harness.record.verify import Check, verify_sealed
from reports.inference import r_session
from reports.render import REPORT, study_html
from reports.results.codec import decoded, encoded
from reports.results.rules import as_before
from reports.results.study import COMPANION, IMPORTED, RUNS, SOURCES, STUDY, SourceFacts, StudyResult
from reports.study.rows import NUMBER
from reports.study.study import Inputs, compute, study_text


def verify_study(path: Path) -> Outcome:
    """Every check of a study's folder; nothing is written. Where there is no R its numbers are not recomputed, and a
    note says so."""
    checks: list[Check] = verify_sealed(path)
    notes: list[str] = []
    try:
        inputs = sealed_inputs(path)
        companion = sealed_inputs(path / COMPANION) if (path / COMPANION).is_dir() else None
        number = _check_numbers(path, lambda: json.loads(study_text(compute(inputs, companion))))
        checks.append(number)
        if number.passed:
            written = load_object(read_plain(path / STUDY), STUDY)
            notes += filter(None, [moved_since(written, lambda: json.loads(study_text(compute(inputs, companion))))])
    except r_session.NoR as error:
        notes.append(f"{STUDY} was not recomputed: {error}")
    except (LabError, *FORGED) as error:
        detail = f"cannot be recomputed ({type(error).__name__}: {error})"
        return Outcome([*checks, Check(STUDY, "study", False, detail)], notes)
    checks.append(_check_report(path))
    for folder, part in ((path, inputs), (path / COMPANION, companion)):
        if part is not None and part.declared.table is None:
            against = _check_campaigns(path, folder, part)
            checks += against
            notes += [] if against else [f"{RUNS} was not recomputed: the campaigns do not lie where they lay."]
        elif part is not None:
            checks.append(_check_table(folder, part))
            notes.append(f"{part.facts.table} is an imported table: no reading stands behind it, and none was checked.")
    return Outcome(checks, [*notes, "Nothing proves who made this study: a study is not signed."])


def _check_numbers(path: Path, computed: Callable[[], Json]) -> Check:
    """study.json against the numbers recomputed from the sealed table, by the rules of the version that wrote it."""
    try:
        written = load_object(read_plain(path / STUDY), STUDY)
    except (OSError, LabError) as error:
        return Check(STUDY, "study", False, f"cannot be read ({why(error)})")
    writer = writer_of_sealed(written)
    with as_before(rules_of(writer)):
        unequal = [str(difference) for difference in unlike(written, computed())[:SHOWN]]
    same = f"every number as wattlab {writer} computes it from the sealed table"
    return Check(STUDY, "study", not unequal, "; ".join(unequal) or same)


def _check_report(path: Path) -> Check:
    """The page against one rendered now from study.json as written, which the check before judges."""
    try:
        page, written = read_plain(path / REPORT).decode(), load_object(read_plain(path / STUDY), STUDY)
        return check_page(
            REPORT, page, writer_of_sealed(written), STUDY, lambda: study_html(decoded(StudyResult, written, STUDY))
        )
    except (OSError, LabError, *FORGED) as error:
        return Check(REPORT, "report", False, f"cannot be compared ({type(error).__name__}: {error})")


def _check_campaigns(path: Path, folder: Path, inputs: Inputs) -> list[Check]:
    """The sealed table against the campaigns, where all of them still lie where they lay."""
    try:
        base = path / inputs.facts.base / STUDY_FILE
        if not all((base.parent / source.folder).is_dir() for source in inputs.declared.campaigns.values()):
            return []
        now, facts = campaigns_now(base, inputs)
    except (OSError, LabError, *FORGED) as error:
        return [Check(RUNS, "campaigns", False, f"cannot be recomputed ({type(error).__name__}: {error})")]
    there, here = ([list(map(_plain, row)) for row in (table.headers, *table.rows)] for table in (inputs.table, now))
    unequal = list(islice(differences_of(there, here, RUNS), SHOWN))
    return [
        Check(RUNS, "campaigns", not unequal, "; ".join(unequal) or "as computed from the campaigns"),
        _check_sources(inputs, facts, "as the campaigns say now"),
    ]


def _check_table(folder: Path, inputs: Inputs) -> Check:
    """An imported table is the one that was imported, and no measurement."""
    written = inputs.facts.sources
    if not written:
        return Check(SOURCES, "sources", False, "it names no source; an imported table is one")
    source = table_source(sealed_table(folder), written[0].name, written[0].place, written[0].note)
    now = replace(inputs.facts, origin=IMPORTED, units={}, sources=with_rows(inputs.table, [source]))
    return _check_sources(inputs, now, "as the sealed table says")


def _check_sources(inputs: Inputs, now: SourceFacts, agreed: str) -> Check:
    """What sources.json says of origin, digests, findings and units, which no table shows."""
    differing = list(islice(differences_of(encoded(inputs.facts), encoded(now)), SHOWN))
    return Check(SOURCES, "sources", not differing, "; ".join(differing) or agreed)


def _plain(cell: str) -> float | str:
    """A cell as it is compared: numbers within the tolerance of all numbers."""
    return float(cell) if NUMBER.fullmatch(cell) else cell
