"""A campaign for notebooks: its results, and every table of it as a DataFrame.

Knows when a results.json may be taken as it is, and when its numbers are computed anew. Writes nothing.

results.json is taken where this version of wattlab wrote it, for just the run folders that are there, each with the
seal that it had, and where no log of the campaign is younger. Else the numbers are computed now, and a warning
(`ResultsRecomputed`) says why. Whether a byte was changed since it was sealed is not asked: `wattlab verify` does.
"""

import warnings
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from shlex import quote

import pandas as pd

from harness.record.campaign_folder import DERIVED, CampaignFolder
from harness.record.documents import VERSION
from harness.record.errors import AnalysisError, DocumentError, why
from harness.record.plain_files import read_plain, sha256_of
from harness.record.run_folder import RunFolder
from harness.record.seal import MANIFEST
from reports.campaign.analyse import analyse
from reports.frames import derived, raw
from reports.frames.provenance import provenance_of
from reports.results.document import RESULTS, CampaignNumbers, results_of


class ResultsRecomputed(UserWarning):
    """The numbers were computed now, and why."""


class Campaign:
    """A campaign folder. Every property and method gives a new DataFrame, which may be changed; units stand in the
    names of columns, types and time bases in docs/notebooks.md."""

    def __init__(self, path: Path, results: CampaignNumbers, basis: str) -> None:
        self.path = path
        self.results = results
        """The records of results.json (docs/results.md), without the statistics where they were computed now."""
        self.basis = basis
        """Where the numbers come from, as a sentence."""

    def __repr__(self) -> str:
        counts = (len(self.results.runs), "run"), (len(self.results.scenarios), "scenario")
        runs, scenarios = (f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts)
        head = f"Campaign {self.name!r}: {runs} of {scenarios}"
        return f"{head}, {self.results.verdict.word}. {self.results.measurement.sentence} {self.basis}"

    @property
    def name(self) -> str:
        """Its name."""
        return self.results.campaign.name

    @property
    def runs(self) -> pd.DataFrame:
        """A row a run and baseline block, with its energies; `included`: whether it enters the means."""
        return derived.runs(self.results, self._provenance)

    @property
    def actions(self) -> pd.DataFrame:
        """A row an action of a run, epochs among them (`is_epoch`)."""
        return derived.actions(self.results, self._provenance)

    @property
    def epochs(self) -> pd.DataFrame:
        """The actions that repeat, alone."""
        table = self.actions
        return table[table["is_epoch"]].reset_index(drop=True)

    @property
    def scenarios(self) -> pd.DataFrame:
        """A row a scenario: means over its runs."""
        return derived.scenarios(self.results, self._provenance)

    @property
    def action_means(self) -> pd.DataFrame:
        """A row an action of a scenario: means over the runs that have it."""
        return derived.action_means(self.results, self._provenance)

    @property
    def efficiency(self) -> pd.DataFrame:
        """A row an efficiency factor: useful work by total and by induced energy."""
        return derived.efficiency(self.results, self._provenance)

    @property
    def work(self) -> pd.DataFrame:
        """A row a unit of work that programs mark: its energy per unit, of runs and of actions."""
        return derived.work(self.results, self._provenance)

    @property
    def findings(self) -> pd.DataFrame:
        """A row a finding, worst first (docs/results.md, "Codes of findings")."""
        return derived.findings(self.results)

    @property
    def instruments(self) -> pd.DataFrame:
        """A row a meter."""
        return derived.instruments(self.results)

    @property
    def other_circuits(self) -> pd.DataFrame:
        """A row a run by a meter on a circuit that does not feed the SUT, with its ratio to the SUT's energy."""
        return derived.other_circuits(self.results)

    def readings(self, *runs: str | int) -> pd.DataFrame:
        """Every reading of the meters, as indicated; of the named runs (folder or ordinal), without names of all.

        Raises:
            AnalysisError: there is no such run, or a stream is damaged.
        """
        return raw.readings(self.name, self._chosen(runs))

    def samples(self, *runs: str | int) -> pd.DataFrame:
        """Every sample of the SUT's hardware indicators; of the named runs, without names of all.

        Raises:
            AnalysisError: there is no such run, or a stream is damaged.
        """
        return raw.samples(self.name, self._chosen(runs))

    def _chosen(self, names: Sequence[str | int]) -> list[RunFolder]:
        if not names:
            return list(self._folders.values())
        chosen = []
        for name in names:
            found = [run for run in self._folders.values() if name in (run.path.name, run.start.ordinal)]
            if not found:
                raise AnalysisError(f"{self.path}: no run {name!r}; `runs` has the folders and their ordinals")
            chosen += found
        return chosen

    @cached_property
    def _folders(self) -> dict[str, RunFolder]:
        return {run.folder: RunFolder.open(self.path / run.folder) for run in self.results.runs}

    @cached_property
    def _provenance(self) -> dict[str, str]:
        return provenance_of(self.results, self._folders)


def open_campaign(path: str | Path, *, recompute: bool = False) -> Campaign:
    """A campaign folder, such as `runs/core-study`; with `recompute` its numbers are computed anew in any case.

    Raises:
        AnalysisError: there is no such folder, or it holds no run that can be read.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise AnalysisError(f"{folder}: no such folder; name a campaign, such as runs/core-study")
    reason = "it was asked for" if recompute else _unusable(folder)
    if not reason:
        results = results_of(read_plain(folder / DERIVED / RESULTS))
        return Campaign(folder, results, f"Its numbers are those of {DERIVED}/{RESULTS}.")
    numbers = analyse(folder).numbers
    basis = f"Its numbers were computed now, since {reason}; nothing was written."
    if not recompute:
        warnings.warn(
            f"{folder}: {basis} `wattlab report {quote(str(folder))}` writes them.", ResultsRecomputed, stacklevel=2
        )
    return Campaign(folder, numbers, basis)


def _unusable(folder: Path) -> str:
    """Why results.json is not taken; empty where it is."""
    path = folder / DERIVED / RESULTS
    try:
        results = results_of(read_plain(path))
    except FileNotFoundError:
        return f"there is no {DERIVED}/{RESULTS}"
    except OSError as error:
        return f"{DERIVED}/{RESULTS} cannot be read ({why(error)})"
    except DocumentError as error:
        return f"{DERIVED}/{RESULTS} is not of this version of wattlab ({error})"
    if results.computed_by.version != VERSION:
        return f"wattlab {results.computed_by.version} wrote {DERIVED}/{RESULTS}, and this is {VERSION}"
    campaign = CampaignFolder(folder)
    manifests = {run.name: run / MANIFEST for run in campaign.run_paths()}
    found = {name: sha256_of(manifest) if manifest.exists() else None for name, manifest in manifests.items()}
    if dict(results.inputs) != found:
        return f"runs were added, removed or sealed anew after {DERIVED}/{RESULTS} was written"
    written_ns = path.stat().st_mtime_ns
    logs = (campaign.log.path, campaign.annotations.path, campaign.receipts.path)
    if any(log.exists() and log.stat().st_mtime_ns > written_ns for log in logs):
        return f"the campaign's log, annotations or receipts are younger than {DERIVED}/{RESULTS}"
    return ""
