"""results.json, report.html and audit.html against what the raw data give now.

Knows the derived documents and how far two numbers may differ. Knows no keys, except the one section that not every
machine can recompute: `statistics`, for which it takes R.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from harness.documents import Json, load_object
from harness.errors import DocumentError, LabError
from harness.run_folder import DERIVED, Check, Examination, read_plain
from reports.analysis import statistics
from reports.analysis.results import RESULTS, analyse, results_text
from reports.render import AUDIT, REPORT, audit_html, report_html

RELATIVE = 1e-9
"""Numbers of another machine's libraries may differ by as much (docs/run-folder.md); everything else is exact."""
SHOWN = 5
"""Differences that a message names."""
SAME = "every number as recomputed from the raw data"
STATISTICS = "statistics"
NO_R = "r-missing"
PROBABILITY = 1e-12
"""Numbers of `statistics` may differ by as much: R's tail probabilities are exact to about 1e-14, not in relation to
themselves."""
ABSENT = object()
FORGED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, TemplateError)
"""What a document that is well-formed and means nonsense raises in analysis and pages: a failed check, not a bug."""


def recompute(campaign: Path, seen: Examination) -> Json:
    """results.json's content, computed from the raw data in memory.

    Raises:
        AnalysisError: there is nothing to compute.
    """
    computed: Json = json.loads(results_text(analyse(campaign, seen).to_json()))
    return computed


def check_results(campaign: Path, computed: Json) -> list[Check]:
    """The file against the recomputed numbers, its findings against the re-evaluated ones."""
    subject = f"{DERIVED}/{RESULTS}"
    try:
        written = load_object(read_plain(campaign / DERIVED / RESULTS), subject)
    except (OSError, DocumentError) as error:
        return [Check(subject, "results", False, f"cannot be read ({error}); `wattlab report` writes it")]
    checks = [
        Check(subject, "results", *_compared(differences_of(_plain(written), _plain(computed)))),
        _check_findings(subject, written.get("findings"), computed["findings"]),
    ]
    here, there = written.get(STATISTICS, ABSENT), computed[STATISTICS]
    if (why := _not_recomputed(here, there)) is not None:
        return [*checks, Check(subject, STATISTICS, True, why)]
    return [*checks, Check(subject, STATISTICS, *_compared(differences_of(here, there, STATISTICS, PROBABILITY)))]


def _with_written_statistics(campaign: Path, computed: Json) -> Json:
    """The recomputed results with the file's statistics where R is on one side only, so that the page can be compared;
    otherwise as they are."""
    try:
        written = load_object(read_plain(campaign / DERIVED / RESULTS), RESULTS)
    except (OSError, DocumentError):
        return computed
    here = written.get(STATISTICS)
    return computed if _not_recomputed(here, computed[STATISTICS]) is None else computed | {STATISTICS: here}


def _not_recomputed(written: object, computed: Json) -> str | None:
    """Why the statistics are not compared: R was there when they were written, or is here now, and not both."""
    if not isinstance(written, dict):
        return None
    if computed["reason"] == NO_R and written.get("available") is True:
        return f"not recomputed, every other number was: {statistics.available()}"
    if written.get("reason") == NO_R and computed["available"]:
        return "not compared: the file was written on a machine without R; `wattlab report` adds them here"
    return None


def _compared(differences: Iterator[str]) -> tuple[bool, str]:
    found = list(islice(differences, SHOWN + 1))
    more = "; and more" if len(found) > SHOWN else ""
    return not found, "; ".join(found[:SHOWN]) + more or SAME


def _plain(results: Json) -> Json:
    return {key: value for key, value in results.items() if key not in ("findings", STATISTICS)}


def differences_of(
    written: Any,  # noqa: ANN401  JSON is anything
    computed: Any,  # noqa: ANN401
    place: str = "",
    absolute: float = 0.0,
) -> Iterator[str]:
    """Where two JSON values differ: numbers by more than RELATIVE and `absolute`, everything else at all."""
    if isinstance(written, dict) and isinstance(computed, dict):
        for key in sorted(written.keys() | computed.keys()):
            pair = written.get(key, ABSENT), computed.get(key, ABSENT)
            yield from differences_of(*pair, f"{place}.{key}".strip("."), absolute)
    elif isinstance(written, list) and isinstance(computed, list):
        for index, pair in enumerate(zip_longest(written, computed, fillvalue=ABSENT)):
            yield from differences_of(*pair, f"{place}[{index}]", absolute)
    elif not _same(written, computed, absolute):
        yield f"{place} is {_shown(written)}, recomputed {_shown(computed)}"


def _same(written: object, computed: object, absolute: float) -> bool:
    if isinstance(written, float) and isinstance(computed, float):
        return abs(written - computed) <= max(RELATIVE * max(abs(written), abs(computed)), absolute)
    return type(written) is type(computed) and written == computed


def _shown(value: object) -> str:
    return "absent" if value is ABSENT else f"{value!r:.60}"


def _check_findings(subject: str, written: object, computed: list[Json]) -> Check:
    """Every finding that is evaluated now stands in the file, and no other."""
    there = written if isinstance(written, list) else []
    lost = _named(computed) - _named(there)
    made_up = _named(there) - _named(computed)
    problems = [f"{name} was found and is not in the file" for name in lost.elements()]
    problems += [f"{name} is in the file and was not found" for name in made_up.elements()]
    if not problems:
        places = differences_of(there, computed, "findings")
        problems = list(islice(places, SHOWN))
    return Check(subject, "findings", not problems, "; ".join(problems) or f"{len(computed)} as re-evaluated")


def _named(findings: list[Any]) -> Counter[str]:
    return Counter(
        f"{one.get('code')} ({one.get('severity')}, {one.get('subject')})" if isinstance(one, dict) else repr(one)
        for one in findings
    )


def check_validity(subject: str, computed: Json) -> Check:
    """Whether the verdict, given anew, calls the campaign invalid."""
    word = computed["verdict"]["word"]
    heaviest = [reason for reason in computed["verdict"]["reasons"] if reason["weighs"] == word]
    named = [f"{one['code']} ({', '.join(one['subjects'][:SHOWN])})" for one in heaviest]
    return Check(subject, "validity", word != "invalid", f"{word}: {'; '.join(named)}" if named else word)


def check_report(campaign: Path, computed: Json, folder_name: str) -> Check:
    """The page against one rendered now, line by line."""
    shown = _with_written_statistics(campaign, computed)
    return _check_page(campaign, REPORT, lambda: report_html(campaign, shown, folder_name))


def check_audit(campaign: Path, folder_name: str) -> Check:
    """The audit report against one rendered now from results.json as written, which `check_results` judges: the
    report's id holds the digest of that very file."""

    def fresh() -> str:
        return audit_html(campaign, read_plain(campaign / DERIVED / RESULTS).decode(), folder_name)

    return _check_page(campaign, AUDIT, fresh)


def _check_page(campaign: Path, name: str, rendered: Callable[[], str]) -> Check:
    subject = f"{DERIVED}/{name}"
    try:
        written = read_plain(campaign / DERIVED / name).decode()
        fresh = rendered()
    except (OSError, LabError, *FORGED) as error:
        return Check(subject, "report", False, f"cannot be compared ({type(error).__name__}: {error})")
    if written == fresh:
        return Check(subject, "report", True, "as rendered now")
    # Not by splitlines: it takes CRLF for LF, and a line end more for none.
    lines = zip_longest(written.split("\n"), fresh.split("\n"), fillvalue="(no line)")
    number, (old, new) = next((n, pair) for n, pair in enumerate(lines, 1) if pair[0] != pair[1])
    return Check(subject, "report", False, f"line {number} is {_around(old, new)}, rendered now {_around(new, old)}")


def _around(line: str, other: str) -> str:
    """The part of a line where it begins to differ from another."""
    first = next((i for i, (a, b) in enumerate(zip(line, other, strict=False)) if a != b), min(len(line), len(other)))
    return repr(line[max(0, first - 20) : first + 40])
