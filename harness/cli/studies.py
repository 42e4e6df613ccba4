"""A study and the campaigns that it makes, read and checked: every mistake of its file, of each lab.toml, and of the
design, before anything is started.

Knows the study file as analysis reads it, and as the campaign file of each environment. Starts nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from shlex import quote

from harness.evidence.study_declared import REMEDY, read_declared
from harness.measure.environments import FRACTIONS, Asked, tables_of
from harness.measure.lab_file import LabConfig, load
from harness.measure.search_section import rounds_of
from harness.record.codec import Mistakes, read_toml
from harness.record.documents import Json
from harness.record.environments import ENVIRONMENT, Environment, campaign_folder
from harness.record.errors import ConfigError
from harness.record.levels import Level, level_text
from harness.station.occupancy import uses_of
from harness.station.station import EMBEDDED
from reports.study.design import design_problems
from reports.study.file import StudyFile
from reports.study.fractions import rows_of


@dataclass(frozen=True, slots=True)
class StudyCampaign:
    """The campaign of one environment."""

    name: str
    environment: Environment
    config: LabConfig


@dataclass(frozen=True, slots=True)
class RunnableStudy:
    """A study file and its campaigns, in its order."""

    path: Path
    declared: StudyFile
    campaigns: tuple[StudyCampaign, ...]


def read_study(path: Path) -> RunnableStudy:
    """A study that can be run.

    Raises:
        ConfigError: every mistake with file, TOML path, what was found, what is expected.
    """
    declared, source = read_declared(path)
    if not declared.environments:
        raise ConfigError(
            f"{path}: environments: missing; a study is run in environments, each a table [environments.NAME]; "
            f"`wattlab study report {quote(str(path))}` analyses what was measured"
        )
    _, raw = read_toml(path, REMEDY)
    found, problems = list[StudyCampaign](), dict[str, None]()
    for name, environment in declared.environments.items():
        try:
            found.append(StudyCampaign(name, environment, _config_of(path, raw, source, name, environment)))
        except ConfigError as error:
            problems |= dict.fromkeys([str(error)])
    if problems:
        raise ConfigError("\n".join(problems))
    mistakes = Mistakes()
    mistakes.extend(f"{path}: {place}: {problem}" for place, problem in _problems(declared, found))
    mistakes.raise_all(path)
    return RunnableStudy(path, declared, tuple(found))


def _config_of(path: Path, raw: Json, source: bytes, name: str, environment: Environment) -> LabConfig:
    tables = tables_of(raw, name, partial(_rows_of, path))
    lab = path.parent / Path(environment.lab).expanduser()
    if not lab.is_file():
        raise ConfigError(
            f"{path}: environments.{name}.lab: there is no file {lab}; an environment is a room with a SUT and a "
            "meter: name its lab.toml, seen from the study file (`wattlab init` writes one)"
        )
    config = load(lab, Asked(path, source, tables))
    folder = config.campaign_folder.name
    if folder != campaign_folder(raw["study"]["name"], name, environment.sut):
        raise ConfigError(
            f"{path}: environments.{name}.sut: "
            + (f"{lab} has one SUT without a name; take the line out" if environment.sut
               else f"missing; {lab} names its SUTs: say which, such as sut = \"{config.sut_name}\"")
        )  # fmt: skip
    return config


def _rows_of(path: Path, generators: str, factors: Sequence[Sequence[Level]]) -> list[list[Level]]:
    try:
        return rows_of(generators, factors)
    except ConfigError as error:
        raise ConfigError(f"{path}: {FRACTIONS}: {error}") from None


def _problems(declared: StudyFile, campaigns: Sequence[StudyCampaign]) -> Iterator[tuple[str, str]]:
    yield from _same_places(campaigns)
    yield from _of_expected(declared, campaigns)
    yield from design_problems(declared, planned_cells(campaigns), planned_runs(campaigns))


def planned_cells(campaigns: Sequence[StudyCampaign]) -> list[Mapping[str, str]]:
    """Every cell of every environment, by the columns of the table of runs."""
    return [
        {"scenario": scenario.name, ENVIRONMENT: campaign.name, **campaign.environment.levels}
        | {f"factor.{factor}": level_text(level) for factor, level in (scenario.cell or {}).items()}
        for campaign in campaigns
        for scenario in campaign.config.scenarios
    ]


def planned_runs(campaigns: Sequence[StudyCampaign]) -> list[int]:
    """How many runs each of these cells has; where the runs of a first stage decide, the most."""
    return [
        max(scenario.repetitions * rounds_of(scenario.search), most)
        for campaign in campaigns
        for scenario in campaign.config.scenarios
        for stages in [campaign.config.file.campaign.two_stage]
        for most in [stages.most_repetitions if stages.half_width_percent else 0]
    ]


def _same_places(campaigns: Sequence[StudyCampaign]) -> Iterator[tuple[str, str]]:
    """Two environments at one SUT or meter say so: else the same runs would stand under two names by a slip."""
    places = {campaign.name: _places_of(campaign.config) for campaign in campaigns}
    for at, campaign in enumerate(campaigns):
        for other in campaigns[:at]:
            shared = [what for key, what in places[campaign.name].items() if key in places[other.name]]
            said = {campaign.environment.same_as, other.environment.same_as} & {campaign.name, other.name}
            if shared and not said:
                yield (
                    f"environments.{campaign.name}",
                    f"it and {other.name} have one {' and one '.join(shared)}; where that is meant, and they differ by "
                    f'something else (`prefix`, say), write same_as = "{other.name}"; otherwise name another SUT',
                )
            elif shared and replace(campaign.environment, title="", same_as="", expected={}) == replace(
                other.environment, title="", same_as="", expected={}
            ):
                yield (
                    f"environments.{campaign.name}",
                    f"nothing of it differs from {other.name}, so its runs would be the same ones; say what does: "
                    "`prefix`, another `lab` or `sut`, or in `note` what is changed by hand",
                )


def _places_of(config: LabConfig) -> dict[str, str]:
    """What an environment is made with: key -> what it is, in words."""
    found = uses_of(config.file.sut, config.file.meters)
    if config.file.sut.host == EMBEDDED:
        found[EMBEDDED] = "SUT, this machine"
    return found


def _of_expected(declared: StudyFile, campaigns: Sequence[StudyCampaign]) -> Iterator[tuple[str, str]]:
    """What is expected is expected of a scenario or of a cell."""
    sections = {scenario.section for campaign in campaigns for scenario in campaign.config.scenarios}
    known = sections | {scenario.name for campaign in campaigns for scenario in campaign.config.scenarios}
    places = {"expected": declared.expected}
    places |= {f"environments.{name}.expected": one.expected for name, one in declared.environments.items()}
    for place, expected in places.items():
        for name in expected:
            if name not in known:
                yield f"{place}.{name}", f"no such scenario or cell; there are {', '.join(sorted(sections))}"
