"""The catalogue of findings for docs/: the table of codes of results.md, and troubleshooting.md by finding.

Knows the catalogue and the two pages. Written with the other references (`python -m reports.results.reference`); a
test holds both pages against the catalogue.
"""

from collections.abc import Callable, Mapping

from reports.results.finding_kinds import GROUPS, KINDS, Group
from reports.results.kinds.kind import FindingKind

BEGIN = "<!-- findings: written by `python -m reports.results.reference`, from reports/results/kinds -->"
END = "<!-- end of the findings -->"


def table() -> str:
    """Every code in the order of the alphabet: its severities, when it is found, its limits, since when, a way to its
    remedy."""
    rows = (
        f"| [`{code}`](troubleshooting.md#{code}) | {', '.join(kind.severities)} | {_cell(kind.when)} | "
        f"{', '.join(f'`{key}`' for key in kind.limits)} | {kind.since} |"
        for code, kind in sorted(KINDS.items())
    )
    out = sorted(code for code, kind in KINDS.items() if kind.takes_run_out or kind.is_of_lost_run)
    closing = (
        "A run with one of these, where it is `invalid` or says itself that the run does not count, enters no mean "
        f"(`excluded_because` says so): {', '.join(f'`{code}`' for code in out)}."
    )
    return "\n".join(("| code | severity | when | limits | since |", "|---|---|---|---|---|", *rows, "", closing))


def troubleshooting() -> str:
    """Every code by what it is about: what it means, what to do, what it does to the run."""
    return "\n\n".join(map(_section, GROUPS))


def _section(group: Group) -> str:
    return "\n\n".join((f"## {group.title}", *(_entry(code, kind) for code, kind in group.kinds.items())))


def _entry(code: str, kind: FindingKind) -> str:
    effect = " ".join(kind.effects()) or "The results stand."
    lines = [f"### {code}", f"*{kind.weights.capitalize()}.* {kind.meaning}", "", f"- **What to do:** {kind.remedy}"]
    lines.append(f"- **What it does:** {effect}")
    if kind.limits:
        named = ", ".join(f"`{key}`" for key in kind.limits)
        lines.append(f"- **Judged by** ([thresholds] in lab.toml; of an import `--thresholds FILE`): {named}")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


PAGES: Mapping[str, Callable[[], str]] = {"results.md": table, "troubleshooting.md": troubleshooting}
"""Page of docs/ -> what of the catalogue it shows."""


def with_findings(page: str, shown: Callable[[], str]) -> str:
    """A page with its part of the catalogue between the marks.

    Raises:
        ValueError: it has no such marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no place for the findings: expected a line {BEGIN!r} and one {END!r}")
    return f"{before}{BEGIN}\n{shown()}\n{END}{after}"
