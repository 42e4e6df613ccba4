"""A study that makes its campaigns itself: which campaigns these are, and what its factors are.

Knows the record of a study file. Levels stand once, where the scenarios cross or state them, and the environments where
these are declared: here both become what the analysis reads, campaigns, columns and levels. Knows no lab.toml.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from harness.record.environments import ENVIRONMENT, RUNS_FOLDER, campaign_folder
from harness.record.levels import level_text
from reports.study.file import CampaignSource, Factor, StudyFile

OF_RUNS = ("expected", "fractions", "lab", "campaign", "baseline", "scenarios", "thresholds", "decision", "analysis",
           "qualification")  # fmt: skip
"""Tables that only a study with environments has."""
DERIVED = {"name": "it is called STUDY.ENVIRONMENT", "sut": "each environment names its own"}
"""Keys of [campaign] that a study does not set, and why."""
NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")


def resolved(declared: StudyFile) -> StudyFile:
    """The same with the campaigns of its environments, and columns and levels of its factors; of a study without
    environments as it is."""
    if not declared.environments:
        return declared
    folder = declared.campaign.get("runs_folder", RUNS_FOLDER)
    campaigns = {
        name: CampaignSource(
            folder=f"{folder}/{campaign_folder(declared.study.name, name, one.sut)}",
            levels={ENVIRONMENT: name, **one.levels},
            note=one.note,
        )
        for name, one in declared.environments.items()
    }
    factors = {name: _resolved(declared, name, factor) for name, factor in declared.factors.items()}
    return replace(declared, campaigns=declared.campaigns | campaigns, factors=factors)


def _resolved(declared: StudyFile, name: str, factor: Factor) -> Factor:
    column = factor.column or (name if name == ENVIRONMENT else f"factor.{name}")
    levels = factor.levels or list(known_levels(declared, column))
    return replace(factor, column=column, levels=levels)


def known_levels(declared: StudyFile, column: str) -> list[str]:
    """The levels that runs have in a column of the table of runs, as far as the study file says them."""
    if column == ENVIRONMENT:
        return list(declared.environments)
    own = [one.levels[column] for one in declared.environments.values() if column in one.levels]
    found = [
        level_text(level)
        for section in declared.scenarios.values()
        for factor, levels in factors_in(section).items()
        for level in (levels if isinstance(levels, list) else [levels])
        if column == f"factor.{factor}" and isinstance(level, str | int | float)
    ]
    return list(dict.fromkeys([*own, *found]))


def factors_in(section: dict[str, Any]) -> dict[str, Any]:
    """What a scenario crosses and states."""
    factors = section.get("factors", {})
    return factors if isinstance(factors, dict) else {}


def environment_problems(declared: StudyFile) -> Iterator[tuple[str, str]]:
    """What of a study file as written contradicts itself about its environments: TOML path, and what is wrong."""
    if not declared.environments:
        for table in OF_RUNS:
            if getattr(declared, table):
                yield table, "stands only beside [environments.NAME], in which the runs of a study are made"
        return
    for table in ("table", "campaigns"):
        if getattr(declared, table):
            yield table, "stands beside [environments.NAME]: such a study makes its campaigns itself; leave it out"
    for key, why in DERIVED.items():
        if key in declared.campaign:
            yield f"campaign.{key}", f"a study does not set it: {why}; take it out"
    for name, one in declared.environments.items():
        if not NAME.fullmatch(name):
            yield f"environments.{name}", "becomes a folder's name: use up to 40 letters, digits, '-' and '_'"
        if one.same_as and (one.same_as == name or one.same_as not in declared.environments):
            yield f"environments.{name}.same_as", f"found {one.same_as!r}, expected another environment"
        if ENVIRONMENT in one.levels:
            yield f"environments.{name}.levels.{ENVIRONMENT}", f"the level is {name!r} itself; take it out"
        for factor, levels in one.only.items():
            known = known_levels(declared, f"factor.{factor}")
            strange = [level for level in levels if str(level_text(level)) not in known]
            if not known:
                yield f"environments.{name}.only.{factor}", "no scenario has this factor"
            elif not levels or strange:
                found = f"{strange[0]!r} is no level of it" if strange else "it is empty"
                yield f"environments.{name}.only.{factor}", f"{found}; there are {', '.join(known)}"
    if not declared.scenarios:
        yield "scenarios", "missing; at least one [scenarios.NAME] is needed"
    for name in declared.fractions:
        if name not in declared.scenarios:
            yield f"fractions.{name}", f"no such scenario; there are {', '.join(declared.scenarios)}"
        elif "rows" in declared.scenarios[name]:
            yield f"fractions.{name}", f"scenarios.{name}.rows lists its cells already; leave one of both out"
    yield from _factor_problems(declared)


def _factor_problems(declared: StudyFile) -> Iterator[tuple[str, str]]:
    """Factors of the analysis are those that the runs have, each with several levels."""
    columns = {factor.column: name for name, factor in resolved(declared).factors.items()}
    for name, factor in resolved(declared).factors.items():
        known = known_levels(declared, factor.column)
        if not factor.levels:
            yield (
                f"factors.{name}",
                f"no scenario crosses or states {name!r} in its factors: nobody uses it; take it out",
            )
        elif len(factor.levels) == 1:
            yield f"factors.{name}", f"one level, {factor.levels[0]!r}: nothing is varied; name another, or take it out"
        elif known and (strange := [level for level in factor.levels if level not in known]):
            yield f"factors.{name}.levels", f"no run will have the level {strange[0]!r}; there are {', '.join(known)}"
    for scenario, section in declared.scenarios.items():
        for name, levels in factors_in(section).items():
            for at, level in enumerate(levels if isinstance(levels, list) else []):
                if level in levels[:at]:
                    yield f"scenarios.{scenario}.factors.{name}[{at}]", f"the level {level!r} stands there twice"
            if isinstance(levels, list) and f"factor.{name}" not in columns:
                yield (
                    f"scenarios.{scenario}.factors.{name}",
                    f"it is crossed, and no [factors.{name}] says what it is: the analysis would not tell its levels "
                    f'apart; write one with its title, such as [factors.{name}] title = "{name}"',
                )
    if len(declared.environments) > 1 and not columns.keys() & {
        ENVIRONMENT, *(column for one in declared.environments.values() for column in one.levels)
    }:  # fmt: skip
        yield (
            "factors",
            f"there are {len(declared.environments)} environments, and no factor tells their runs apart; write "
            f"[factors.{ENVIRONMENT}] with its title",
        )
