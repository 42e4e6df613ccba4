"""The useful work of a scenario, as it declares it: efficiency factors, quality, the action that repeats, correlations.

Knows what a start document has of the declaration. Knows no energy, and not what holds where nothing is declared
(`reports.results.undeclared`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.record.documents import Json
from harness.record.work import WHOLE, Correlated, Declaration, Quality, Work, declared_in, read_declaration


@dataclass(frozen=True, slots=True)
class UsefulWork:
    """A declaration; of what a scenario does not declare there is none."""

    work: tuple[Work, ...]
    """Kinds of useful work; the first one is the headline."""
    quality: Quality | None
    """The metric that levels are read of; null: none."""
    repeats: str
    """The action that repeats; empty: none."""
    correlated: tuple[Correlated, ...]
    """Metrics that energy is correlated with."""


def declared_by(scenario_config: Json) -> UsefulWork | None:
    """What a start document declares; None where it declares nothing. What cannot be read declares no work: `wattlab
    verify` says what is wrong with it."""
    declared = declared_in(scenario_config)
    if not declared.keys() & set(WHOLE):
        return None
    written, wrong = read_declaration(declared)
    return _as_written(Declaration() if wrong else written)


def _as_written(written: Declaration) -> UsefulWork:
    return UsefulWork(tuple(written.work), written.quality, written.repeats, tuple(written.correlated))


def kinds_marked(units: Iterable[str], declared: Sequence[Work]) -> tuple[Work, ...]:
    """Kinds of the units of work that a program marks (`work(tokens=512)`) and nothing in `declared` counts."""
    known = {name for work in declared for name in (work.name, work.key)}
    return tuple(
        Work(name=f"{unit}_per_wh", title=unit.replace("_", " "), key=unit, unit="1/Wh")
        for unit in units
        if unit not in known and f"{unit}_per_wh" not in known
    )


def kinds_of(declarations: Iterable[UsefulWork]) -> dict[str, Work]:
    """Kind -> its declaration, of several scenarios, the first one of a name; its unit stands in its name."""
    kinds: dict[str, Work] = {}
    for declared in declarations:
        for work in declared.work:
            kinds.setdefault(work.name, work)
    return kinds


def response_of(work: Work) -> str:
    """What the work of a run by its induced energy is called among the responses of `statistics`:
    `images_per_induced_j`."""
    amount, _, per = work.name.rpartition("_per_")
    return f"{amount}_per_induced_{per}"


def responses_of(declarations: Iterable[UsefulWork]) -> dict[str, Work]:
    """Response -> its kind: of every scenario the kind that it declares first."""
    firsts: dict[str, Work] = {}
    for declared in declarations:
        for work in declared.work[:1]:
            firsts.setdefault(response_of(work), work)
    return firsts


def metrics_of(declarations: Iterable[UsefulWork]) -> dict[str, str]:
    """Metric that energy is correlated with -> its title, of several scenarios, the first one of a name."""
    titles: dict[str, str] = {}
    for declared in declarations:
        for metric in declared.correlated:
            titles.setdefault(metric.metric, metric.title)
    return titles
