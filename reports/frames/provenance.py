"""Where the numbers of a run, or of a scenario's runs in the means, come from: the worst origin among its meters."""

from collections.abc import Mapping
from typing import get_args

from harness.record.run_folder import RunFolder
from reports.results.document import CampaignNumbers
from reports.results.meters import Origin


def provenance_of(results: CampaignNumbers, folders: Mapping[str, RunFolder]) -> dict[str, str]:
    """Run folder, and scenario -> the worst origin among its meters."""
    worst_first = [*get_args(Origin), "none"]
    found = {
        name: min((one.origin for one in run.power), key=worst_first.index, default="none")
        for name, run in folders.items()
    }
    for name in results.scenarios:
        own = [found[run.folder] for run in results.runs if run.scenario == name and run.included]
        found.setdefault(name, min(own, key=worst_first.index, default="none"))
    return found
