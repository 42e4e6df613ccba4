"""`verify` of a sealed study: its seal, its numbers recomputed from the sealed table, its table from the campaigns.

Knows what stands in a study's folder. Knows no key: a study is not signed, the campaigns it rests on are.
"""

import json
from itertools import islice
from pathlib import Path

from harness.documents import Json, load_object
from harness.errors import LabError
from harness.evidence.recomputed import FORGED, PROBABILITY, SHOWN, differences_of
from harness.evidence.verification import Outcome
from harness.run_folder import STUDY_FILE, Check, read_plain, verify_sealed
from harness.study import sealed_inputs, study_html, table_of_campaigns
from reports.analysis.study import COMPANION, RUNS, STUDY, Inputs, compute, study_text
from reports.render import REPORT


def verify_study(path: Path) -> Outcome:
    """Every check of a study's folder; nothing is written."""
    checks = verify_sealed(path)
    try:
        inputs = sealed_inputs(path)
        companion = sealed_inputs(path / COMPANION) if (path / COMPANION).is_dir() else None
        computed: Json = json.loads(study_text(compute(inputs, companion)))
    except (LabError, *FORGED) as error:
        detail = f"cannot be recomputed ({type(error).__name__}: {error})"
        return Outcome([*checks, Check(STUDY, "study", False, detail)], [])
    checks += [_check_numbers(path, computed), _check_report(path)]
    notes = []
    for name, one in (("", inputs), (COMPANION, companion)):
        if one is not None and one.declared.table is None:
            found = _check_campaigns(path, path / name, one)
            checks += found
            notes += [] if found else [f"{RUNS} was not recomputed: the campaigns do not lie where they lay."]
        elif one is not None:
            notes.append(
                f"{one.facts['table']} is an imported table: no reading stands behind it, and none was checked."
            )
    notes.append("Nothing proves who made this study: a study is not signed.")
    return Outcome(checks, notes)


def _check_numbers(path: Path, computed: Json) -> Check:
    """study.json against the numbers recomputed from the sealed table."""
    try:
        written = load_object(read_plain(path / STUDY), STUDY)
    except (OSError, LabError) as error:
        return Check(STUDY, "study", False, f"cannot be read ({error})")
    found = list(islice(differences_of(written, computed, "", PROBABILITY), SHOWN))
    return Check(STUDY, "study", not found, "; ".join(found) or "every number as recomputed from the sealed table")


def _check_report(path: Path) -> Check:
    """The page against one rendered now from study.json as written, which the check before judges."""
    try:
        written = read_plain(path / REPORT).decode()
        fresh = study_html(load_object(read_plain(path / STUDY), STUDY))
    except (OSError, LabError, *FORGED) as error:
        return Check(REPORT, "report", False, f"cannot be compared ({type(error).__name__}: {error})")
    return Check(REPORT, "report", written == fresh, "as rendered now" if written == fresh else "not as rendered now")


def _check_campaigns(path: Path, folder: Path, inputs: Inputs) -> list[Check]:
    """The sealed table against the campaigns, where all of them still lie where they lay."""
    base = path / inputs.facts["base"] / STUDY_FILE
    if not all((base.parent / source.folder).is_dir() for source in inputs.declared.campaigns.values()):
        return []
    try:
        same = table_of_campaigns(base, inputs.declared) == read_plain(folder / RUNS).decode()
    except (OSError, LabError, *FORGED) as error:
        return [Check(RUNS, "campaigns", False, f"cannot be recomputed ({type(error).__name__}: {error})")]
    return [Check(RUNS, "campaigns", same, "as computed from the campaigns" if same else "the campaigns give another")]
