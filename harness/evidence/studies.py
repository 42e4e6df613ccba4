"""study.json with its report.html: the kind of derived document that a declared study has, sealed with its table.

Knows what stands in a study's folder. Knows no key: a study is not signed, the campaigns it rests on are. Its numbers
are computed of the sealed table; the table, of its campaigns.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from harness.evidence.changes import differences_of, writer_of_sealed
from harness.evidence.derived import SHOWN, CheckOrNote, Derived, Digests, write
from harness.evidence.study_folder import (
    campaigns_now,
    companion_path,
    read_material,
    sealed_inputs,
    sealed_table,
    table_source,
    with_rows,
)
from harness.evidence.verifier import FORGED
from harness.record.campaign_folder import CAMPAIGN, STUDY_FILE, CampaignFolder
from harness.record.documents import Json
from harness.record.errors import LabError, RunFolderError
from harness.record.plain_files import sha256_of
from harness.record.seal import require_absent
from harness.record.verify import Check
from reports.render import REPORT, study_html
from reports.results.codec import encoded
from reports.results.study import COMPANION, IMPORTED, RUNS, SOURCES, STUDY, SourceFacts, StudyResult, study_in
from reports.study.rows import NUMBER
from reports.study.study import Inputs, compute


@dataclass(frozen=True, slots=True)
class StudyInputs:
    """What a study and its companion are computed of; `folder`: where the study lies, or is meant to."""

    own: Inputs
    companion: Inputs | None
    folder: Path


def write_study(path: Path, into: Path, *, incomplete: bool = False) -> Path:
    """Compute the study of a study file, with its companion, and write it into a new sealed folder; return it.
    `incomplete`: although runs of it are to be made.

    Raises:
        LabError: the file, a table or a campaign cannot be read or do not fit together; R is missing; `into` exists.
    """
    require_absent(into)
    for above in into.resolve().parents:
        if (above / CAMPAIGN).exists():
            raise RunFolderError(f"{into}: lies in the campaign {above}, which is sealed; name another with --into")
    material = read_material(path, into, incomplete=incomplete)
    other = companion_path(path, material.inputs.declared)
    companion = None if other is None else read_material(other, into)
    files = dict(material.files)
    if companion is not None:
        files |= {f"{COMPANION}/{name}": content for name, content in companion.files.items()}
    inputs = StudyInputs(material.inputs, None if companion is None else companion.inputs, into)
    return write(STUDY_DOCUMENT, inputs, into, files=files).parent


def _inputs(folder: Path, _: Json) -> StudyInputs:
    has_companion = (folder / COMPANION).is_dir()
    return StudyInputs(sealed_inputs(folder), sealed_inputs(folder / COMPANION) if has_companion else None, folder)


def _digests_now(study: StudyResult, inputs: StudyInputs) -> Digests:
    """The sources where the study file has them."""
    places = {source.name: (source.kind, Path(inputs.own.path).parent / source.place) for source in study.sources}
    return {
        name: CampaignFolder(place).head() if kind == "campaign" else sha256_of(place)
        for name, (kind, place) in places.items()
    }


def _further(inputs: StudyInputs) -> Iterator[CheckOrNote]:
    """The sealed table, of the study and of its companion: of the campaigns, or as it was imported."""
    path = inputs.folder
    for folder, part in ((path, inputs.own), (path / COMPANION, inputs.companion)):
        if part is not None and part.declared.table is None:
            against = _check_campaigns(path, part)
            yield from against
            yield (
                "The campaigns themselves were not verified: `wattlab verify` on each does that." if against
                else f"{RUNS} was not recomputed: the campaigns do not lie where they lay."
            )  # fmt: skip
        elif part is not None:
            yield _check_table(folder, part)
            yield f"{part.facts.table} is an imported table: no reading stands behind it, and none was checked."


def _check_campaigns(path: Path, inputs: Inputs) -> list[Check]:
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


STUDY_DOCUMENT: Derived[StudyInputs, StudyResult] = Derived(
    name=STUDY,
    mark=STUDY_FILE,
    verb="study report",
    read=study_in,
    writer=lambda written, _: writer_of_sealed(written),
    inputs=_inputs,
    digests=lambda study: {source.name: source.sha256 for source in study.sources},
    digests_now=_digests_now,
    input_check="",  # `sources` compares all that is said of them
    compute=lambda inputs: compute(inputs.own, inputs.companion),
    computed_from="the sealed table",
    pages={REPORT: lambda study, _text, _inputs: study_html(study)},
    checks=("study",),
    further=_further,
)
"""A study as its file declares it."""
