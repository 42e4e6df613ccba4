"""The operator's notes beside the runs: appended, chained, never inside a sealed run.

Knows the annotation log. Knows no numbers: what an exclusion does to a mean is the analysis's business.
"""

from datetime import UTC, datetime
from pathlib import Path

from harness.record.campaign_folder import CampaignFolder
from harness.record.entries import RunBegin, of
from harness.record.errors import RunFolderError, printable


def annotate(campaign: Path, run: str | None, *, operator: str, text: str, exclude: str | None) -> str | None:
    """Append one note on a run (its folder's name or its ordinal) or on the campaign; return the run's folder.

    Raises:
        RunFolderError: no such run, an empty text, name or reason, an exclusion without a run, or a log whose chain is
            broken.
    """
    for option, said in (("--text", text), ("--operator", operator)):
        if not printable(said).strip(" \ufffd"):
            raise RunFolderError(f"{option} is empty: a note says what happened, and who noted it; nothing was noted")
    folder = CampaignFolder(campaign)
    entries = folder.entries()
    folder.annotations.entries()
    begun = of(RunBegin, entries)
    if exclude is not None and (run is None or not exclude.strip()):
        raise RunFolderError("an exclusion needs a run and a reason: `wattlab annotate CAMPAIGN RUN --exclude REASON`")
    name = None if run is None else _named(run, [(begin.ordinal, begin.folder) for begin in begun], campaign)
    body = {"operator": operator, "run": name, "text": text, "exclude": exclude}
    folder.annotations.append("annotation", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", body)
    return name


def _named(run: str, begun: list[tuple[int, str]], campaign: Path) -> str:
    """The folder of a run that is named by its folder or, where it was attempted once, by its ordinal."""
    found = [name for ordinal, name in begun if run in (name, str(ordinal))]
    if len(found) == 1:
        return found[0]
    if found:
        raise RunFolderError(f"run {run} was attempted {len(found)} times; name one of the folders {', '.join(found)}")
    raise RunFolderError(f"{campaign}: no run {run!r} in its log; name a run's folder or its ordinal")
