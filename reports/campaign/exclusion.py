"""Whether a run that was just sealed enters the means, so that it can be measured again at once.

Knows a run folder and what its campaign holds so far. The report judges again, with all runs.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import Thresholds
from harness.record.errors import AnalysisError, DocumentError, RunFolderError
from harness.record.run_folder import RunFolder
from reports.campaign import label
from reports.campaign.judgement import judge_foreign_load, oracle_findings, run_findings
from reports.campaign.log import reasons_thrown_out
from reports.campaign.run import AnalysedRun
from reports.campaign.runs import observer_of, placed, pulses_of
from reports.findings import lab_rules, meter_rules
from reports.readings.rated import read_rated
from reports.results.finding import Finding


def exclusion_of(path: Path) -> str | None:
    """Why one sealed run enters no mean, judged when it was made: by itself, and by its foreign load beside what its
    campaign holds so far; None where it does, as far as can be told then."""
    try:
        run = RunFolder.open(path)
        series = read_rated(run)
        analysed = AnalysedRun(series.run, series)
        limits = lab_rules.thresholds_of(run)
        analysed.findings.extend(run_findings(analysed, meter_rules.typical_steps_s([analysed.series]), limits))
    except (AnalysisError, DocumentError, RunFolderError) as error:
        return f"it cannot be read: {str(error).replace(f'{path.parent}/', '')}"
    analysed.findings.extend(oracle_findings(analysed, [analysed]))
    if analysed.excluded_because is None:
        analysed.findings.extend(_foreign_so_far(analysed, limits))
    return analysed.excluded_because


def _foreign_so_far(run: AnalysedRun, limits: Thresholds) -> list[Finding]:
    """`foreign-load` of a run by the blocks, the pulses and the full load that its campaign holds so far, as `analyse`
    judges it. One with less of it than the baseline is left to the report: what was disturbed is the baseline then, and
    to make the run again would mend nothing."""
    runs = [*_measured_before(run.run.path), replace(run, findings=list(run.findings))]
    pulses = pulses_of(runs)
    runs = [placed(one, pulses) for one in runs]
    judge_foreign_load(runs, pulses, observer_of(runs), limits)
    own = (finding for finding in runs[-1].findings if finding.code == "foreign-load")
    return [one for one in own if one.evidence["percent_of_all_cpus"] > one.evidence["baseline_percent"]]


def _measured_before(path: Path) -> Iterator[AnalysedRun]:
    """What tells the foreign load of a run of the same campaign: everything but runs of other scenarios than full load.
    What was thrown out is in no mean; what cannot be read any more is the report's business."""
    campaign = CampaignFolder(path.parent)
    thrown_out = reasons_thrown_out(campaign.entries())
    for other in campaign.run_paths():
        try:
            run = RunFolder.open(other)
            if other == path or (run.start.kind == "scenario" and run.start.scenario != label.FULL_LOAD):
                continue
            series = read_rated(run)
            _ = series.power, series.indicators  # read now, so that damage is found here
        except (AnalysisError, DocumentError, RunFolderError):
            continue
        yield AnalysedRun(series.run, series, exclusion=thrown_out.get(other.name))
