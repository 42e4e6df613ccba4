"""A campaign -> the document that is asked for, as a new file or folder.

Knows which exports there are and how they are written. Knows no field of them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.foreign.exporters.carried.account import Account, account_of
from harness.foreign.exporters.carried.documentation import ai_act_of, l1801_of
from harness.foreign.exporters.carried.mlperf import logs_of
from harness.foreign.exporters.carried.sci import manifest_of
from harness.foreign.exporters.carried.spdx import Package, Stage, spdx_of
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import Json
from harness.record.errors import ExportError, why
from reports.readings.series import read_run


@dataclass(frozen=True, slots=True)
class Carried:
    """What was written, and of what."""

    path: Path
    account: Account

    def __str__(self) -> str:
        """For the terminal."""
        account = self.account
        certificate = (account.certificate or {}).get("sha256") or "none"
        return "\n".join(
            [
                f"Wrote {self.path}: {account.scenario} of {account.results.campaign.name}, {account.label}.",
                f"results.json  sha256 {account.results_sha256}",
                f"certificate   sha256 {certificate}",
                "Data for that document; no conformity is claimed.",
            ]
        )


def export_spdx(campaign: Path, into: Path, scenario: str | None, stage: Stage, package: Package) -> Carried:
    """The energy of a model as SPDX 3 JSON-LD, in a new file.

    Raises:
        ExportError: as `account_of`; the file exists already.
    """
    account = account_of(campaign, scenario)
    return _written(into, account, spdx_of(account, stage, package))


def export_sci(campaign: Path, into: Path, scenario: str | None, unit: str | None) -> Carried:
    """The energy input of an SCI score as a manifest of the Impact Framework, in a new file.

    Raises:
        ExportError: as `account_of`; a unit of work that the runs did not mark; the file exists already.
    """
    account = account_of(campaign, scenario)
    return _written(into, account, manifest_of(account, _unit(account, unit)))


def export_l1801(campaign: Path, into: Path, scenario: str | None, unit: str | None) -> Carried:
    """Data for the use stage of ITU-T L.1801, in a new file.

    Raises:
        ExportError: as `export_sci`.
    """
    account = account_of(campaign, scenario)
    return _written(into, account, l1801_of(account, _unit(account, unit)))


def export_ai_act(campaign: Path, into: Path, scenario: str | None, stage: Stage) -> Carried:
    """Data for the energy fields of the EU AI Act's model documentation, in a new file.

    Raises:
        ExportError: as `account_of`; the file exists already.
    """
    account = account_of(campaign, scenario)
    return _written(into, account, ai_act_of(account, stage))


def export_mlperf(campaign: Path, into: Path, scenario: str | None) -> Carried:
    """Result and power logs of MLPerf Training's form, of every run in the means, in a new folder.

    Raises:
        ExportError: as `account_of`; the folder exists already.
    """
    account = account_of(campaign, scenario)
    folders = {run.path.name: run for run in CampaignFolder(campaign).runs()}
    included = [run for run in account.results.runs if run.included and run.scenario == account.scenario]
    files: dict[str, str] = {}
    for ordinal, run in enumerate(included):
        if run.folder not in folders:
            raise ExportError(f"{campaign}: results.json names the run {run.folder}, which is not there; copy it again")
        files |= logs_of(account, run, read_run(folders[run.folder]), ordinal)
    _write(into, files, account)
    return Carried(into, account)


def _unit(account: Account, unit: str | None) -> str | None:
    """The functional unit that is asked for, else the only kind of work that the program marked."""
    known = list(account.per_unit)
    if unit is None:
        return known[0] if len(known) == 1 else None
    if unit not in known:
        raise ExportError(f"--unit {unit}: the runs of {account.scenario!r} marked {', '.join(known) or 'no work'}")
    return unit


def _written(into: Path, account: Account, document: Json) -> Carried:
    _write(into.parent, {into.name: json.dumps(document, indent=1, ensure_ascii=False) + "\n"}, None)
    return Carried(into, account)


def _write(folder: Path, files: Mapping[str, str], account: Account | None) -> None:
    """New files in a folder; of a whole account into a folder that is new itself."""
    try:
        folder.mkdir(parents=True, exist_ok=account is None)
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            with (folder / name).open("x", encoding="utf-8") as file:
                file.write(text)
    except FileExistsError as error:
        raise ExportError(f"{error.filename}: exists already; choose another name for --into") from None
    except OSError as error:
        raise ExportError(f"{folder}: cannot write ({why(error)}); free space or choose another folder") from None
