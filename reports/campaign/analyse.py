"""A campaign's numbers: every run by itself, then what they are together.

Knows the order of the steps. Computes nothing itself: every number comes from energy, hardware, efficiency, oscar,
uncertainty or findings.

Decisions
- `examine` comes first and reads each run once; what it finds becomes `broken-seal` (invalid) and the numbers are still
  given, beside it.
- Results depend on the run folders and the log only: no time of now, no path of the machine; rebuilt, the file is
  byte-identical.
"""

from pathlib import Path

from harness.record.errors import AnalysisError
from harness.record.steps import step, steps
from harness.record.verify import Examination, examine
from reports.campaign.document import Analysis
from reports.campaign.judgement import is_sound, judge_foreign_load, not_monitored, oracle_findings, run_findings
from reports.campaign.reduction import JudgedRuns, Reduction
from reports.campaign.runs import by_one_certificate, observer_of, placed, pulses_of, read_runs, tell_idle_power
from reports.findings import lab_rules, meter_rules
from reports.results.finding import Finding


def analyse(path: Path, examination: Examination | None = None) -> Analysis:
    """Every number of a campaign; `examination` is what `examine(path)` found, where it was called before.

    Raises:
        AnalysisError: the campaign holds no run that can be read.
    """
    seen = examination or examine(path)
    reduction = Reduction(seen, judged_runs(path, seen))
    step("computing means, uncertainties and tests")
    runs = reduction.judged.runs
    outlines = {run.run.path.name: run.outline for run in runs if run.outline is not None}
    return Analysis(reduction.numbers(), reduction.groups, outlines)


def judged_runs(path: Path, seen: Examination) -> JudgedRuns:
    """Every run on disk: read, its stamps placed, judged by itself and by its foreign load beside the others.

    Raises:
        AnalysisError: there is none that can be read.
    """
    unreadable: list[Finding] = []
    runs = list(by_one_certificate(list(read_runs(path, seen, unreadable))))
    if not runs:
        raise AnalysisError(f"{path}: the campaign holds no run that can be read; `wattlab run` measures it")
    pulses = pulses_of(runs)
    runs = [placed(run, pulses) for run in runs]
    tell_idle_power(runs)
    limits = lab_rules.thresholds_of(runs[0].run)
    typical_s = meter_rules.typical_steps_s([run.series for run in runs])
    unwatched: dict[str, frozenset[str]] = {}
    for run in steps("judging the runs", runs):
        run.findings.extend(run_findings(run, typical_s, limits))
        run.findings.extend(oracle_findings(run, runs))
        run.keep_facts()
        unwatched[run.run.path.name] = not_monitored(run, limits)
    aborted = [run for run in runs if run.is_aborted_late and is_sound(run, typical_s, limits)]
    observer = observer_of(runs)
    baseline = judge_foreign_load(runs, pulses, observer, limits)
    return JudgedRuns(runs, unreadable, pulses, observer, limits, aborted, unwatched, baseline)
