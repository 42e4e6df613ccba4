"""How far the campaign of an environment is, and whether the study's analysis was declared before its first run.

Knows the log of a campaign and the study file that its first run kept. Starts nothing.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from harness.evidence.lab_inputs import CAMPAIGN as KEPT
from harness.record import standing
from harness.record.campaign_folder import CAMPAIGN, CampaignFolder
from harness.record.documents import Json
from harness.record.entries import Entry, RunBegin, header_of, of
from harness.record.environments import Environment
from harness.record.errors import LabError
from harness.record.plain_files import read_plain
from reports.results.environment import EnvironmentProgress, GivenUp, WhyGivenUp

MEMORY = re.compile(
    r"MemoryError|out of memory|out-of-memory|ResourceExhausted|\bOOM\b|cannot allocate memory|bad_alloc", re.IGNORECASE
)
"""What programs write last that ran out of memory."""
KILLED = re.compile(r"exit code (-9|137)\b")
OF_ANALYSIS = ("factors", "responses", "columns", "exclusions", "questions", "interactions", "correlations",
               "reductions", "pareto", "predictions")  # fmt: skip
"""Tables of a study file by which it is analysed; of [study] it is `alpha`."""
ABSENT = object()


def progress_of(
    name: str, environment: Environment, base: Path, folder: str, study: Json | None
) -> EnvironmentProgress:
    """Of the campaign `folder`, seen from `base`, which may not be begun. `study` is the study file as it is now, to be
    held against the one that the first run kept; None: it is not asked.

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
    for begin in of(RunBegin, entries):
        try:
            kept = tomllib.loads(read_plain(campaign / begin.folder / "inputs" / KEPT).decode())
        except (OSError, ValueError, LabError):
            continue  # nothing is left of that attempt
        before, after = _declared(kept), _declared(study)
        yield from (
            place
            for place in sorted(before.keys() | after.keys())
            if before.get(place, ABSENT) != after.get(place, ABSENT)
        )
        return


def _declared(raw: Json) -> Json:
    """TOML path -> value of what the analysis goes by."""
    found: Json = {"study.alpha": _table(raw.get("study")).get("alpha")}
    for name in OF_ANALYSIS:
        part = raw.get(name)
        found |= {f"{name}.{key}": value for key, value in _table(part).items()}
        found |= {f"{name}[{at}]": value for at, value in enumerate(part)} if isinstance(part, list) else {}
    return found


def _table(value: object) -> Json:
    return value if isinstance(value, dict) else {}
