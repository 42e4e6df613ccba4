"""The cells of a campaign: what lab.toml crosses, what was planned of it, what every run says that it was.

Knows configuration, plan and start documents. Knows no number: that a cell's runs are grouped by it is recomputed with
the results. Runs against their place in the plan are the check `planned`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.measure.cells import cells_of, crossed_in, is_level, of_count, of_factors, of_rows
from harness.record.documents import Json, matches, table_of
from harness.record.entries import Entry, Header, Plan, of
from harness.record.levels import Level, Levels, are_same, levels_text
from harness.record.run_folder import RunFolder
from harness.record.searches import section_of as section_of_search


def section_of(run: RunFolder) -> str:
    """The table of lab.toml that a run's scenario, or the one that it is a cell of, is described in."""
    return str(run.start.scenario_config.get("cell_of", run.start.scenario))


def cell_problems(run: RunFolder, scenario_toml: Json) -> Iterator[str]:
    """A run's cell, which is the one of its name by lab.toml and scenario.toml."""
    sections = run.start.config.get("scenarios")
    factors, rows = crossing_of(sections, section_of(run))
    stated = {factor: level for factor, level in table_of(scenario_toml.get("factors")).items() if is_level(level)}
    found = cells_of(section_of(run), factors, stated, rows)
    cells: Mapping[str, Levels] = {cell.name: cell.levels for cell in found}
    where = f"{run.path.name}: its start document"
    if run.start.scenario not in cells:
        yield f"{where} has the scenario {run.start.scenario!r:.60}, which is no cell of scenarios.{section_of(run)}"
    elif not are_same(run.start.cell, wanted := cells[run.start.scenario] or None):
        recorded, declared = levels_text(run.start.cell), levels_text(wanted)
        yield f"{where} has the cell {recorded:.80}, lab.toml and scenario.toml give {declared:.80}"


def planned_cells(entries: Sequence[Entry]) -> Iterator[str]:
    """The plan's first stage holds every cell that lab.toml crosses, each as often as lab.toml has repetitions."""
    config = next((header.config for header in of(Header, entries) if header.config), {})
    runs = [run for plan in of(Plan, entries) if plan.stage in (None, "first") for run in plan.runs]
    planned = Counter(str(run.get("scenario")) for run in runs if run.get("kind") == "scenario")
    for table, section in table_of(config.get("scenarios")).items():
        (factors, rows), repetitions = crossing_of(config.get("scenarios"), table), table_of(section).get("repetitions")
        rounds = section_of_search(config, table).get("rounds", 1)
        wanted = repetitions * rounds if type(repetitions) is int and type(rounds) is int else repetitions
        for cell in cells_of(table, factors, {}, rows) if crossed_in(factors) and runs else ():
            if planned[cell.name] != wanted:
                yield (
                    f"campaign.jsonl: {planned[cell.name]} runs of {cell.name!r} are planned, its config has "
                    f"scenarios.{table}.repetitions {repetitions!r:.20}"
                    f"{'' if rounds == 1 else f' of {rounds!r:.20} rounds'}"
                )


def crossing_of(sections: Any, table: str) -> tuple[Json, list[list[Level]] | None]:  # noqa: ANN401  a decoded document
    """The factors of a scenario's table, and its rows; none where no lab.toml could have them."""
    section = table_of(table_of(sections).get(table))
    factors, rows = table_of(section.get("factors")), section.get("rows")
    if not matches(rows, list[list[Any]] | None) or any(of_factors("", factors)):
        return {}, None
    return ({}, None) if any((*of_rows("", factors, rows), *of_count("", factors, rows))) else (factors, rows)
