"""What a study is computed of: read its file and its table or campaigns, and read all of that again from where it was
sealed.

Knows TOML, files and folders. Knows no statistic and no word of the page. What is sealed is enough to compute every
number of it again: the study file, the table, and `sources.json`, what else was known of the sources.
"""

import hashlib
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote

from harness.evidence.study_declared import read_declared
from harness.evidence.study_progress import progress_of
from harness.record.campaign_folder import STUDY_FILE, CampaignFolder
from harness.record.documents import load_object
from harness.record.errors import ConfigError, LabError, why
from harness.record.plain_files import read_plain
from harness.station.provenance import software_facts
from harness.station.station import APPLICATION
from reports.campaign.analyse import analyse
from reports.campaign.meters import ORIGINS
from reports.campaign.run import AnalysedRun
from reports.comparison.keys import keys_of
from reports.comparison.refusals import names_of, same_run, values_of
from reports.inference import r_session
from reports.results.codec import decoded, document_text
from reports.results.document import CampaignNumbers
from reports.results.environment import EnvironmentProgress
from reports.results.meters import CampaignOrigin
from reports.results.study import (
    IMPORTED,
    RUNS,
    SOURCES,
    Source,
    SourceFacts,
    StudyOrigin,
    StudySoftware,
)
from reports.study.file import CampaignSource, StudyFile
from reports.study.rows import parts_of_cells
from reports.study.study import Inputs
from reports.study.table import GZIP, Table, campaign_table, campaign_units, read_table

WORST: tuple[CampaignOrigin, ...] = (*ORIGINS[:2], "none", *ORIGINS[2:])
"""Origins of campaigns, worst first: a study is what its worst campaign is."""


@dataclass(frozen=True, slots=True)
class Material:
    """A study's inputs, and the same as the files that are sealed."""

    inputs: Inputs
    files: dict[str, str | bytes]


def companion_path(path: Path, declared: StudyFile) -> Path | None:
    """The companion's study file; None where none is named."""
    return path.parent / declared.study.companion if declared.study.companion else None


def read_material(path: Path, into: Path, *, incomplete: bool = False) -> Material:
    """Read a study file and what it names; `into` is where the study is going to lie. `incomplete`: whether a study is
    taken that has runs to be made.

    Raises:
        LabError: the file, a table or a campaign cannot be read, or the study is not complete.
    """
    declared, source = read_declared(path)
    environments = _environments(path.parent, declared, source)
    declared = _begun(path, declared, environments, incomplete=incomplete)
    base = os.path.relpath(path.parent.resolve(), into.resolve())
    origin: StudyOrigin = IMPORTED
    if declared.table is None:
        content, sources, origin, units = _campaigns(path, declared)
        table = RUNS
    else:
        named = path.parent / declared.table.file
        content = _read(named, f"{path}: table.file")
        table, units = named.name, {}
        sources = [table_source(content, table, declared.table.file, declared.table.note)]
    software = decoded(StudySoftware, software_facts(APPLICATION) | {"r": r_session.version()}, "this program")
    rows = read_table(table, content)
    facts = SourceFacts(software, base, table, origin, units, with_rows(rows, sources), environments)
    inputs = Inputs(str(path), declared, rows, facts)
    sealed = f"{RUNS}.gz" if content.startswith(GZIP) else RUNS
    return Material(inputs, {STUDY_FILE: source, sealed: content, SOURCES: document_text(facts)})


def _environments(base: Path, declared: StudyFile, source: bytes) -> tuple[EnvironmentProgress, ...]:
    study = tomllib.loads(source.decode())
    return tuple(
        progress_of(name, environment, base, declared.campaigns[name].folder, study)
        for name, environment in declared.environments.items()
    )


def _begun(
    path: Path, declared: StudyFile, environments: Sequence[EnvironmentProgress], *, incomplete: bool
) -> StudyFile:
    """The study with the campaigns that were begun.

    Raises:
        LabError: it is not complete, and that is not accepted; or nothing of it was begun.
    """
    to_make = {one.name: f"{one.left} of {one.planned} runs" if one.planned else "all runs" for one in environments
               if one.left or not one.planned}  # fmt: skip
    if to_make and not incomplete:
        listed = ", ".join(f"{what} in {name}" for name, what in to_make.items())
        raise LabError(
            f"{path}: the study is not complete: {listed} are to be made; `wattlab study run {quote(str(path))}` makes "
            "them. Who looks at the numbers and then decides about more runs has no level of significance; "
            "--incomplete shows them all the same, and the page says that it is interim"
        )
    absent = {one.name for one in environments if not one.planned}
    campaigns = {name: source for name, source in declared.campaigns.items() if name not in absent}
    if absent and not campaigns:
        raise LabError(f"{path}: no run of the study was begun; `wattlab study run {quote(str(path))}` begins it")
    return replace(declared, campaigns=campaigns)


def with_rows(table: Table, sources: Sequence[Source]) -> tuple[Source, ...]:
    """The sources of a table, each with how many of its rows are of it."""
    of = table.column("campaign") if sources[0].kind == "campaign" else []
    return tuple(replace(source, n_rows=of.count(source.name) if of else len(table.rows)) for source in sources)


def sealed_table(folder: Path) -> bytes:
    """The table of a sealed study (or of the companion in it), as it lies there."""
    runs = next((name for name in (f"{RUNS}.gz", RUNS) if (folder / name).exists()), RUNS)
    return _read(folder / runs, str(folder))


def sealed_inputs(folder: Path) -> Inputs:
    """The inputs of a sealed study (or of the companion in it), from its own files.

    Raises:
        LabError: one of them is missing or is not what it should be.
    """
    path = folder / STUDY_FILE
    declared, _ = read_declared(path)
    place = str(folder / SOURCES)
    facts = decoded(SourceFacts, load_object(_read(folder / SOURCES, str(folder)), place), place)
    if declared.environments:
        used = {source.name for source in facts.sources}
        campaigns = {name: source for name, source in declared.campaigns.items() if name in used}
        declared = replace(declared, campaigns=campaigns)
    return Inputs(str(path), declared, read_table(facts.table, sealed_table(folder)), facts)


def campaigns_now(path: Path, inputs: Inputs) -> tuple[Table, SourceFacts]:
    """The table of a study's campaigns and sources.json, both as the campaigns are now; folders are relative to
    `path`'s."""
    content, sources, origin, units = _campaigns(path, inputs.declared)
    table = read_table(RUNS, content)
    environments = inputs.facts.environments
    if environments:
        whole, source = read_declared(Path(inputs.path))
        environments = _environments(path.parent, whole, source)
    return table, replace(
        inputs.facts, origin=origin, units=units, sources=with_rows(table, sources), environments=environments
    )


def table_source(content: bytes, name: str, place: str, note: str) -> Source:
    """What sources.json says of an imported table of these bytes, its rows not counted yet."""
    return Source("table", name, place, hashlib.sha256(content).hexdigest(), IMPORTED, None, note, (), n_rows=0)


def _campaigns(path: Path, declared: StudyFile) -> tuple[bytes, list[Source], CampaignOrigin, dict[str, str]]:
    """Table, sources, origin and units of columns of a study's campaigns, each computed from its run folders."""
    campaigns: dict[str, tuple[CampaignSource, CampaignNumbers]] = {}
    sources: list[Source] = []
    groups: dict[tuple[str, str], list[AnalysedRun]] = {}
    for name, source in declared.campaigns.items():
        folder = path.parent / source.folder
        if not folder.is_dir():
            raise ConfigError(f"{path}: campaigns.{name}.folder: {folder} is no folder; name a campaign's folder")
        analysed = analyse(folder)
        campaigns[name] = (source, analysed.numbers)
        groups |= {(name, scenario): group.runs for scenario, group in analysed.groups.items()}
        head = CampaignFolder(folder).head()
        if same := [other.name for other in sources if other.sha256 == head]:
            raise ConfigError(f"{path}: campaigns.{name}: the same campaign as {same[0]}; each run counts once")
        sources.append(_campaign_source(name, source, head, analysed.numbers))
    if (twice := same_run((":".join(part), runs) for part, runs in groups.items())) is not None:
        raise ConfigError(f"{path}: campaigns: {twice}; leave one of them out")
    text = campaign_table(str(path), campaigns)
    _refuse_to_pool(path, declared, read_table(RUNS, text.encode()), groups)
    origins = {source.origin for source in sources}
    worst: CampaignOrigin = next((origin for origin in WORST if origin in origins), "none")
    return text.encode(), sources, worst, campaign_units([numbers for _, numbers in campaigns.values()])


def _refuse_to_pool(
    path: Path, declared: StudyFile, table: Table, groups: Mapping[tuple[str, str], Sequence[AnalysedRun]]
) -> None:
    """Runs of one combination of levels are runs of one kind, whichever campaign or scenario they are of.

    Raises:
        ConfigError: they are not; with the key and both values.
    """
    for levels, parts in parts_of_cells(str(path), declared, table).items():
        keys = keys_of([groups.get(part, []) for part in parts])
        if differing := [key for key in keys if key.kind != "seeds" and key.differs]:
            first, labels = differing[0], [":".join(part) for part in parts]
            raise ConfigError(
                f"{path}: campaigns: runs of {names_of(labels)} stand together as {', '.join(levels)}, but they are "
                f"not of one kind: {first.name} is {values_of(first, labels)}; make what differs a factor (levels = "
                "{ ... } of a campaign), or leave one out"
            )


def _campaign_source(name: str, source: CampaignSource, head: str, numbers: CampaignNumbers) -> Source:
    """What sources.json says of a campaign, its rows not counted yet."""
    invalid = sorted({finding.code for finding in numbers.findings if finding.severity == "invalid"})
    origin, uid = numbers.measurement.origin, numbers.campaign.uid
    return Source("campaign", name, source.folder, head, origin, uid, source.note, tuple(invalid), n_rows=0)


def _read(path: Path, place: str) -> bytes:
    try:
        return read_plain(path)
    except FileNotFoundError:
        raise ConfigError(f"{place}: there is no file {path}") from None
    except (OSError, ValueError) as error:  # ValueError: NUL in the name
        raise ConfigError(f"{place}: {path} cannot be read ({why(error)})") from None
