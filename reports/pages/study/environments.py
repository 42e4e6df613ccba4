"""Where a study was run, on its page: how far each environment is, which cells could not be run, and whether the
analysis was declared before the first run.

Knows these records and the words for them. Computes no result.
"""

from collections.abc import Iterable, Mapping

from reports.pages.blocks import Block, Head, Paragraph, Row, Table
from reports.pages.numbers import NOTHING
from reports.results.environment import EnvironmentProgress, WhyGivenUp
from reports.results.study import StudyResult

WHY: Mapping[WhyGivenUp, str] = {
    "memory": "it does not fit into memory",
    "killed": "it was killed, as the kernel kills what takes more memory than there is",
    "failed": "it failed",
}


def incomplete(study: StudyResult) -> Iterable[str]:
    """A sentence where runs are to be made."""
    left = [
        f"{one.name} {f'{one.made} of {one.planned} runs' if one.planned else 'no run'}"
        for one in study.environments if one.left or not one.planned
    ]  # fmt: skip
    if left:
        yield (
            f"INTERIM: the study is not complete ({', '.join(left)}). No p of it has its level of significance: who "
            "looks before the end can stop when it suits."
        )


def given_up(study: StudyResult) -> Iterable[str]:
    """A sentence for each environment in which cells could not be run."""
    for one in study.environments:
        cells = [f"{cell.scenario} ({WHY[cell.why]})" for cell in one.given_up]
        if cells:
            yield f"In {one.name} not all runs of {', '.join(cells)} could be made."


def declared_late(study: StudyResult) -> Iterable[str]:
    """A sentence where the analysis is not the one that was declared before the first run."""
    places = dict.fromkeys(place for one in study.environments for place in one.changed)
    if places:
        yield (
            f"Not declared before the first run, or otherwise: {', '.join(places)}. What was declared stands in the "
            "study file that the first run keeps (inputs/campaign.toml)."
        )


def not_as_sealed(study: StudyResult) -> Iterable[str]:
    """A sentence for each environment whose campaign is not the one that its log tells of."""
    for one in study.environments:
        if one.lacking:
            yield (
                f"In {one.name}, {'; '.join(one.lacking)}. So nothing proves what was declared before the first run, "
                f"or that no run was removed; `wattlab verify` of {one.folder} says what else is not as it was sealed."
            )


def environment_blocks(study: StudyResult) -> Iterable[Block]:
    """Every environment, and what could not be run there."""
    if not study.environments:
        return
    heads = (Head("Environment", False), Head("Title", False), Head("Planned"), Head("Made"), Head("To be made"),
             Head("Given up"), Head("Campaign", False))  # fmt: skip
    yield Table("each-environment", "Runs of each environment, baseline blocks among them", heads,
                tuple(map(_row, study.environments)))  # fmt: skip
    rows = tuple(
        Row((one.name, cell.scenario, str(cell.runs), WHY[cell.why], cell.reason))
        for one in study.environments
        for cell in one.given_up
    )
    if rows:
        lost = (Head("Environment", False), Head("Scenario", False), Head("Runs"), Head("Why", False),
                Head("The last attempt", False))  # fmt: skip
        yield Table("given-up", "Cells that could not be run, or not as often as planned", lost, rows)
    if not any(one.changed or one.lacking for one in study.environments):
        yield Paragraph(
            "The analysis was declared before the first run: every run keeps the study file as it was then "
            "(inputs/campaign.toml), and its questions, responses, factors and exclusions are those of today."
        )


def _row(one: EnvironmentProgress) -> Row:
    lost = sum(cell.runs for cell in one.given_up)
    return Row((
        one.name, one.title, str(one.planned) if one.planned else "not begun", str(one.made), str(one.left),
        str(lost) if lost else NOTHING, one.folder,
    ))  # fmt: skip
