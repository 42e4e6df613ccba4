"""What a scenario declares of its useful work: the tables of scenario.toml that a start document has too.

Knows their keys and what cannot be right in them. Knows no scenario that declares any, no energy and no result.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from harness.record.codec import Mistakes, record
from harness.record.documents import Json

WHOLE = ("work", "quality", "repeats", "correlated")
"""Keys of the useful work. A scenario that has one of them has said it all: what it leaves out it does not have."""
DECLARED = (*WHOLE, "target", "task", "published")
"""All keys. The last three stand by themselves: where one is absent its default holds, whatever else is declared."""
ENDS: Mapping[str, str] = {"1/J": "_per_j", "1/Wh": "_per_wh"}
"""Unit of an efficiency factor -> how its name ends, so that one name never has two units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One kind of useful work, and with it one efficiency factor."""

    name: str
    """What the factor is called in results.json: `images_per_j`."""
    title: str
    """The work in words, without the energy: `images`."""
    key: str
    """Key of the program's summary.json, or of `quality` in it, whose number the work is."""
    unit: Literal["1/J", "1/Wh"]
    """Unit of the factor."""
    action: str = ""
    """Where the summary has no such key: the action whose marks are counted instead; empty: none."""
    drawn: bool = True
    """Whether it is in the figure of the factors; in the table it is always."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """The metric of the repeated action that tells how good the result is by then, a fraction of 1."""

    metric: str
    """Its name among the metrics of the action."""
    title: str
    """In words: `validation accuracy`."""
    levels: list[float]
    """Rising levels: energy is told up to each, and from one to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlated:
    """A metric of the repeated action, or of the summary, that energy is correlated with."""

    metric: str
    """Its name."""
    title: str
    """In words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a run has to reach, and when it does not have to."""

    key: str
    """Key of the program's summary.json that says whether the run reached it: true or false."""
    unless: str = ""
    """Parameter that gives a run a fixed amount of work where it is not 0: then there is no target; empty: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What the published study that the scenario repeats is made of: kinds that summary.json names (`dataset.kind`,
    `weights.kind`); another kind is a remark, an empty one none."""

    dataset: str = ""
    """Kind of the data."""
    weights: str = ""
    """Kind of the weights that the network begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """The keys as they are written."""

    work: list[Work] = field(default_factory=list)
    """Kinds of useful work; the first is the headline."""
    quality: Quality | None = None
    """Energy to reach a level of it."""
    repeats: str = ""
    """The action that repeats, whose energy is told time by time: `epoch`."""
    correlated: list[Correlated] = field(default_factory=list)
    """What energy is correlated with."""
    target: Target | None = None
    """What a run has to reach."""
    task: str = ""
    """The action that is rated as one task (ISO/IEC 14756)."""
    published: Published | None = None
    """The study that it repeats."""


def declared_in(raw: Mapping[str, Any]) -> Json:
    """What a scenario.toml, or what a start document has of it, declares, as written; empty where it declares none."""
    return {key: raw[key] for key in DECLARED if key in raw}


def read_declaration(declared: Json) -> tuple[Declaration, list[str]]:
    """A declaration of a start document, and what is wrong with it (a start document may be forged)."""
    mistakes = Mistakes()
    written = record(Declaration, declared, "scenario_config", "", mistakes)
    wrong = mistakes.lines
    return written, wrong or list(of_declaration("scenario_config", written))


def of_declaration(
    where: str, written: Declaration, is_unreadable: Callable[[str], bool] = lambda _: False
) -> Iterator[str]:
    """What cannot be right though every key has its type; each sentence begins with `where` and the TOML path.
    `is_unreadable`: whether something else is wrong at a path already."""
    for index, work in enumerate(written.work):
        if not is_unreadable(f"work[{index}]"):
            yield from _of_work(f"{where}: work[{index}]", work)
    yield from _of_doubles(where, "work", "name", [work.name for work in written.work])
    yield from _of_doubles(where, "correlated", "metric", [metric.metric for metric in written.correlated])
    for index, metric in enumerate(written.correlated):
        if is_unreadable(f"correlated[{index}]"):
            continue
        yield from _of_words(f"{where}: correlated[{index}]", metric, "metric", "title")
    if written.target is not None and not is_unreadable("target"):
        yield from _of_words(f"{where}: target", written.target, "key")
    if written.quality is not None and not is_unreadable("quality"):
        yield from _of_quality(where, written.quality, written.repeats)


def _of_work(where: str, work: Work) -> Iterator[str]:
    yield from _of_words(where, work, "title", "key")
    end = ENDS[work.unit]
    amount = work.name.removesuffix(end)
    if amount == work.name or not amount.replace("_", "a").isalnum():
        yield f"{where}.name: found {work.name!r}, expected letters, digits and _, then {end} (unit is {work.unit!r})"


def _of_quality(where: str, quality: Quality, repeats: str) -> Iterator[str]:
    yield from _of_words(f"{where}: quality", quality, "metric", "title")
    levels = quality.levels
    if not levels or not all(0 < level <= 1 for level in levels) or any(a >= b for a, b in pairwise(levels)):
        yield f"{where}: quality.levels: found {levels!r}, expected rising numbers above 0 and up to 1"
    if not repeats:
        yield f"{where}: repeats: missing; [quality] is read at the end of an action that repeats, expected its name"


def _of_words(where: str, table: object, *names: str) -> Iterator[str]:
    for name in names:
        if not getattr(table, name).strip():
            yield f"{where}.{name}: found {getattr(table, name)!r}, expected text that is not empty"


def _of_doubles(where: str, table: str, key: str, names: Sequence[str]) -> Iterator[str]:
    for index, name in enumerate(names):
        if name and name in names[:index]:
            yield f"{where}: {table}[{index}].{key}: found {name!r} a second time, expected each once"
