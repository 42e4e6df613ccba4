"""`wattlab report CAMPAIGN`: compute results.json and write the HTML report; on demand the audit report and the
one-page summary, and their PDFs."""

import argparse
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from harness.cli.documents import FileDocument
from harness.cli.progress import at_work
from harness.cli.screen import Column, Sheet, counted, say
from harness.cli.types import add_json_argument
from harness.record.errors import LabError
from harness.station.provenance import software_facts
from harness.station.station import APPLICATION

if TYPE_CHECKING:
    from reports.results.document import Results
    from reports.results.scenario import ScenarioResult

ESTIMATED = "ESTIMATED by software, not measured"
"""Stands above the numbers."""
RESULTS_FILE = FileDocument("results.json", "results.md#keys", "reports.results.document:Results")
SHOWN = 12
"""Scenarios whose publisher's figures stand on the terminal."""
HEAVIEST = 3
"""Findings of each severity that are named on the terminal."""
SUBJECTS = 3
"""Of a finding, where they are no runs."""
ON_REQUEST = {"audit": "the audit report", "summary": "the summary"}
"""Option, which is the name of the page without `.html`, and what it is called."""
COLOURS = {"invalid": "bold red", "not-certifiable": "yellow", "warn": "yellow"}
_CLAUSE = re.compile(r"[.:;](?:\s|$)")


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = (
        "Compute results.json of a campaign from its run folders and write the HTML report. "
        "Exit code 3 when the verdict on the campaign is invalid; 0 where only single scenarios are, which are named."
    )
    verb.add_argument("campaign", type=Path, help="campaign folder, such as runs/core-study")
    verb.add_argument("--audit", action="store_true", help="write the audit report too (ISO/IEC 17025): audit.html")
    verb.add_argument("--summary", action="store_true", help="write one page for the customer too: summary.html")
    verb.add_argument("--pdf", action="store_true", help="with --audit, --summary: as PDF too, audit.pdf, summary.pdf")
    add_json_argument(verb, "the content of results.json", RESULTS_FILE)
    verb.set_defaults(call=call, interrupted="what was measured is untouched; the same command begins anew")


def call(arguments: argparse.Namespace) -> int:
    """Write the files and print what they say and where they are.

    Raises:
        LabError: --pdf of no page that has one, or no PDF can be made on this machine.
    """
    pages = [page for page in ON_REQUEST if getattr(arguments, page)]
    if arguments.pdf and not pages:
        raise LabError("--pdf: audit report and summary are made as PDF; give --audit --pdf, or --summary --pdf")
    files = compute(arguments.campaign, pages)
    if arguments.pdf:
        files |= _write_pdfs(arguments.campaign, [files[page] for page in pages])
    from reports.results.document import results_of

    text = files["numbers"].read_text(encoding="utf-8")
    if arguments.json:
        arguments.answer = text
        return _code(results_of(text))
    return show(results_of(text), files)


def write(campaign: Path) -> int:
    """Write results.json and report.html, print the answer and where they are; 3 when the verdict is invalid."""
    from reports.results.document import results_of

    files = compute(campaign)
    return show(results_of(files["numbers"].read_bytes()), files)


def compute(campaign: Path, pages: Collection[str] = ()) -> dict[str, Path]:
    """Write results.json, report.html and those of ON_REQUEST that are asked for; return what each file is called on
    the terminal, and its path."""
    named = " and ".join(["the report", *(ON_REQUEST[page] for page in pages)])
    with at_work(f"reading the runs, computing, writing {named}"):
        from harness.evidence.campaigns import RESULTS_DOCUMENT, CampaignInputs  # numpy, pandas and R cost what
        from harness.evidence.derived import write  # other verbs need not pay
        from reports.render import REPORT

        own = software_facts(APPLICATION)
        inputs = CampaignInputs(campaign, {key: own[key] for key in ("commit", "dirty")})
        numbers = write(RESULTS_DOCUMENT, inputs, campaign, asked_for={f"{page}.html" for page in pages})
    files = {"report": numbers.with_name(REPORT), "numbers": numbers}
    return files | {page: numbers.with_name(f"{page}.html") for page in pages}


def _write_pdfs(campaign: Path, pages: Sequence[Path]) -> dict[str, Path]:
    from reports.render import write_pdf

    with at_work("making the PDF" if len(pages) == 1 else "making the PDFs"):
        return {f"{page.stem}.pdf": write_pdf(campaign, page) for page in pages}


def _code(results: "Results") -> int:
    is_without = any(finding.code == "no-result" for finding in results.findings)
    return 3 if results.verdict.word == "invalid" or is_without else 0


def show(results: "Results", files: dict[str, Path]) -> int:
    """Print the answer: results, trackers beside the meter, verdict, what was found, what is not proved, the files."""
    from reports.pages.audit import missing_particulars
    from reports.pages.campaign import HEADS
    from reports.pages.numbers import in_page_units
    from reports.pages.proof import not_proved
    from reports.pages.trackers.sentences import answers

    console, shown = Console(), in_page_units(results, *HEADS)
    console.print(results_sheet(shown))
    told = [*_publisher_lines(results), *_work_lines(shown), *_search_lines(results), *answers(shown)]
    for line in [*told, results.measurement.sentence]:
        say(console, line)
    say(console, _verdict(results), COLOURS.get(results.verdict.word, "green"))
    say(console, findings_line(results))
    for severity, line in heaviest_findings(results):
        say(console, f"- {line}", COLOURS[severity])
    say(console, not_proved(results.evidence))
    if (absent := _no_statistics(results)) is not None:
        say(console, absent, "yellow")
    if "audit" in files:
        for sentence in missing_particulars(results):
            say(console, sentence)
    for name, path in files.items():
        say(console, f"{name:<11} {path.resolve()}")
    return _code(results)


def _no_statistics(results: "Results") -> str | None:
    """Why tests that could have been made were not."""
    if results.statistics.reason not in ("r-missing", "r-failed"):
        return None
    from reports.inference.r_session import available

    return f"No test was made. {available()}"


def _publisher_lines(results: "Results") -> list[str]:
    """What the publishers of imported runs count themselves, beside the whole record; of many scenarios the first."""
    from reports.pages.campaign import publisher_lines

    told = [(name, lines) for name, part in results.scenarios.items() if (lines := publisher_lines(part))]
    more = len(told) - SHOWN
    lines = [f"{name}, {line}" for name, lines in told[:SHOWN] for line in lines]
    return lines + ([f"and {more} more scenarios with a publisher's window, in the report"] if more > 0 else [])


def _search_lines(results: "Results") -> list[str]:
    """What each scenario that searches found; of many the first."""
    from reports.pages.searches import best_lines

    lines = best_lines(results)
    more = len(lines) - SHOWN
    return lines[:SHOWN] + ([f"and {more} more scenarios that search, in the report"] if more > 0 else [])


def _work_lines(results: "Results") -> list[str]:
    """Useful work by energy of the scenarios that declare it; of many the first."""
    from reports.pages.campaign import efficiency_lines
    from reports.pages.declared import vocabulary

    declaring = [name for name, part in results.scenarios.items() if part.declared is not None]
    lines = [
        f"{name}, {line}"
        for name in declaring[:SHOWN]
        for line in efficiency_lines(results.scenarios[name], vocabulary(results, name))
    ]
    more = len(declaring) - SHOWN
    return lines + ([f"and {more} more scenarios that declare useful work, in the report"] if more > 0 else [])


def _verdict(results: "Results") -> str:
    from reports.pages.verdict import verdict_line

    mark = "INVALID. " if results.verdict.word == "invalid" else ""
    return mark + verdict_line(results)


# --- the results ------------------------------------------------------------------------------------------------


def _estimated(results: "Results") -> str:
    """What stands over the table where software estimated the power."""
    certificate = results.measurement.certificate
    if certificate is None:
        return ESTIMATED if results.measurement.origin == "estimated" else ""
    digest = certificate["certificate_sha256"][:16]
    return f"ESTIMATED by a qualified software meter, not measured (certificate {digest})"


def results_sheet(results: "Results") -> Sheet:
    """Every scenario's runs and plain quantities with U, in the units of the page."""
    from reports.pages.budgets import assumed
    from reports.pages.numbers import bare, scale_for

    scenarios = results.scenarios
    quantities = {
        "mean power": [scenario.mean_power_w for scenario in scenarios.values()],
        "energy": [scenario.energy_wh for scenario in scenarios.values()],
        "induced energy": [scenario.induced_energy_wh for scenario in scenarios.values()],
    }
    scales = {name: scale_for(numbers) for name, numbers in quantities.items()}
    unknown = [finding.subject for finding in results.findings if finding.code == "limits-unknown"]
    has_u = any(number and number.expanded is not None for of in quantities.values() for number in of)
    lacking = f"; limits of error unknown: {assumed(results.meters, unknown)}" if unknown else ""
    rows = [
        (name, f"{scenario.n_runs.value:.0f}", *(bare(of[row], scales[key]) for key, of in quantities.items()))
        for row, (name, scenario) in enumerate(scenarios.items())
    ]
    return Sheet(
        [
            Column("scenario"),
            Column("runs", number=True),
            *(Column(f"{name}\n{scale.unit}", number=True) for name, scale in scales.items()),
        ],
        rows,
        title=_estimated(results),
        caption=f"mean ± U (95 %){lacking}" if has_u else _without_u(scenarios.values()),
    )


def _without_u(scenarios: "Iterable[ScenarioResult]") -> str:
    """Why no mean has an interval."""
    if not any(scenario.n_runs.value for scenario in scenarios):
        return "no mean: no run is in one; the findings say why"
    return "no ± U: one run alone does not show how far runs differ"


# --- what was found ---------------------------------------------------------------------------------------------


def findings_line(results: "Results") -> str:
    """How many kinds of findings there are, and of which weight."""
    codes: dict[str, set[str]] = {}
    for finding in results.findings:
        codes.setdefault(finding.severity, set()).add(finding.code)
    total = sum(map(len, codes.values()))
    if not total:
        return "No findings."
    warnings, invalid = (len(codes.get(severity, ())) for severity in ("warn", "invalid"))
    parts = [f"{warnings or 'none'} of them {'a warning' if warnings == 1 else 'warnings'}"]
    if invalid:
        of_all = "makes the campaign invalid" if invalid == 1 else "make the campaign invalid"
        of_some = (
            "excludes runs, or makes scenarios invalid" if invalid == 1 else "exclude runs, or make scenarios invalid"
        )
        parts.append(f"{invalid} that {of_all if results.verdict.word == 'invalid' else of_some}")
    return f"{counted(total, 'finding')}, {', '.join(parts)}; the report says of each what to do."


def heaviest_findings(results: "Results") -> list[tuple[str, str]]:
    """Severity and a line `name (where): what it says` of the heaviest invalidating findings and warnings."""
    from reports.results.finding_kinds import kind_of

    reasons = results.verdict.reasons  # those that weigh most stand first
    weights = list(dict.fromkeys(reason.weighs for reason in reasons))
    weight = {reason.code: weights.index(reason.weighs) for reason in reasons}
    runs = {run.folder for run in results.runs}
    lines = []
    for severity in ("invalid", "warn"):
        subjects: dict[str, dict[str, None]] = {}
        for finding in results.findings:
            if finding.severity == severity:
                subjects.setdefault(finding.code, {})[finding.subject] = None
        heaviest = sorted(subjects, key=lambda code: (weight.get(code, len(weights)), -len(subjects[code])))
        for code in heaviest[:HEAVIEST]:
            meaning = _CLAUSE.split(kind_of(code).meaning)[0]
            lines.append((severity, f"{code} ({_where(list(subjects[code]), runs)}): {meaning}."))
    return lines


def _where(subjects: Sequence[str], runs: set[str]) -> str:
    """`9 of 17 runs`, or the subjects themselves."""
    if all(subject in runs for subject in subjects):
        return f"{len(subjects)} of {counted(len(runs), 'run')}"
    more = f" and {len(subjects) - SUBJECTS} more" if len(subjects) > SUBJECTS else ""
    return ", ".join(subjects[:SUBJECTS]) + more
