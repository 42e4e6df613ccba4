"""How far the campaign of an environment is, and whether the study's analysis was declared before its first run.

Knows the log of a campaign and the study file that its first run kept. Starts nothing.
"""

import hashlib
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from harness.evidence.lab_inputs import CAMPAIGN as KEPT
from harness.record import standing
from harness.record.campaign_folder import CAMPAIGN, CampaignFolder
from harness.record.documents import Json, table_of
from harness.record.entries import Entry, RunBegin, RunEnd, header_of, of
from harness.record.environments import Environment
from harness.record.errors import LabError
from harness.record.plain_files import read_plain, sha256_of
from harness.record.seal import MANIFEST, read_manifest
from reports.results.environment import EnvironmentProgress, GivenUp, WhyGivenUp

MEMORY = re.compile(
    r"MemoryError|out of memory|out-of-memory|ResourceExhausted|\bOOM\b|cannot allocate memory|bad_alloc", re.IGNORECASE
)
"""What programs write last that ran out of memory."""
KILLED = re.compile(r"exit code (-9|137)\b")
OF_ANALYSIS = ("factors", "responses", "columns", "exclusions", "unmeasured", "questions", "interactions",
               "correlations", "reductions", "pareto", "predictions", "progress", "scatters", "spreads", "clusters",
               "increases", "choices")  # fmt: skip
"""Tables of a study file by which it is analysed; of [study] it is `alpha`."""
ABSENT = object()


def progress_of(
    name: str, environment: Environment, base: Path, folder: str, study: Json | None
) -> EnvironmentProgress:
    """Of the campaign `folder`, seen from `base`, which may not be begun. `study` is the study file as it is now, to be
    held against the one that the first run kept; None: its analysis is not asked.

    Raises:
        LabError: its log cannot be read.
    """
    place = base / folder
    if not (place / CAMPAIGN).is_file():
        return EnvironmentProgress(name, environment.title, folder, 0, 0, 0, (), ())
    campaign = CampaignFolder(place)
    entries = campaign.entries()
    planned, lost = standing.planned(entries), standing.given_up(entries)
    done = standing.done(entries, _most_attempts(entries))
    ordinals = [run["ordinal"] for run in planned]
    return EnvironmentProgress(
        name=name,
        title=environment.title,
        folder=folder,
        planned=len(ordinals),
        made=sum(ordinal in done and ordinal not in lost for ordinal in ordinals),
        left=sum(ordinal not in done for ordinal in ordinals),
        given_up=tuple(_given_up(planned, lost)),
        changed=() if study is None else tuple(_changed(study, place, entries)),
        lacking=tuple(_lacking(place, entries)),
    )


def _most_attempts(entries: list[Entry]) -> int:
    header = header_of(entries)
    campaign = (header.config if header is not None and header.config else {}).get("campaign")
    return int(campaign.get("max_failed_attempts", 1)) if isinstance(campaign, dict) else 1


def _given_up(planned: list[Json], lost: dict[int, str]) -> Iterator[GivenUp]:
    names = {run["ordinal"]: str(run["scenario"]) for run in planned}
    reasons = {names[ordinal]: reason for ordinal, reason in lost.items()}
    for scenario, runs in Counter(names[ordinal] for ordinal in lost).items():
        yield GivenUp(scenario, runs, _why(reasons[scenario]), reasons[scenario])


def _why(reason: str) -> WhyGivenUp:
    if MEMORY.search(reason):
        return "memory"
    return "killed" if KILLED.search(reason) else "failed"


def _changed(study: Json, campaign: Path, entries: list[Entry]) -> Iterator[str]:
    """What of the analysis is another one than in the study file that the first run kept."""
    for _, content in _kept(campaign, entries):
        before, after = _declared(tomllib.loads(content.decode())), _declared(study)
        yield from (
            place
            for place in sorted(before.keys() | after.keys())
            if before.get(place, ABSENT) != after.get(place, ABSENT)
        )
        return


def _kept(campaign: Path, entries: list[Entry]) -> Iterator[tuple[RunBegin, bytes]]:
    """Every attempt that kept the study file, and that file."""
    for begin in of(RunBegin, entries):
        try:
            content = read_plain(campaign / begin.folder / "inputs" / KEPT)
            tomllib.loads(content.decode())
        except (OSError, ValueError, LabError):
            continue  # nothing is left of that attempt
        yield begin, content


def _lacking(campaign: Path, entries: list[Entry]) -> Iterator[str]:
    """What was sealed and is no longer there, or no longer so."""
    sealed = {end.folder: end for end in of(RunEnd, entries) if end.manifest is not None}
    for end in sealed.values():
        if not (campaign / end.folder).is_dir():
            yield f"run {end.ordinal} ({end.folder}) is gone"
    first = next(_kept(campaign, entries), None)
    if first is not None and first[0].folder in sealed:
        begin, content = first
        manifest = campaign / begin.folder / MANIFEST
        try:
            is_it = sha256_of(manifest) == sealed[begin.folder].manifest
            names = read_manifest(manifest)
        except (OSError, LabError):
            is_it, names = False, {}
        if not is_it or names.get(f"inputs/{KEPT}") != hashlib.sha256(content).hexdigest():
            yield f"the study file of run {begin.ordinal} ({begin.folder}) is not the one that was sealed"


def _declared(raw: Json) -> Json:
    """TOML path -> value of what the analysis goes by."""
    found: Json = {"study.alpha": table_of(raw.get("study")).get("alpha")}
    for name in OF_ANALYSIS:
        part = raw.get(name)
        found |= {f"{name}.{key}": value for key, value in table_of(part).items()}
        found |= {f"{name}[{at}]": value for at, value in enumerate(part)} if isinstance(part, list) else {}
    return found
