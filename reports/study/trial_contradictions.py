"""What contradicts itself in the parts of a study file about trials and environments.

Knows the records of these parts. Knows no table.
"""

from collections.abc import Iterator

from reports.study.file import StudyFile
from reports.study.filtered import Filtered
from reports.study.named import factors_of, unknown
from reports.study.trial_parts import Choice, Clusters, Increase, Progress, Scatter, Spread


def trial_problems(place: str, part: Filtered, declared: StudyFile) -> Iterator[tuple[str, str]]:
    """TOML path and sentence of each mistake of a part; nothing of a part of another kind."""
    if isinstance(part, Progress):
        yield from _responses(place, part, ("response", "round"), declared)
        for key in ("spent", "spent_u", "spent_u_shared"):
            if getattr(part, key):
                yield from _responses(place, part, (key,), declared)
        yield from _better(place, part.response, declared)
        yield from factors_of(f"{place}.strategy", [part.strategy], declared.factors)
        yield from unknown(f"{place}.panels", part.panels, declared.factors, "factor")
        if part.strategy in part.panels:
            yield f"{place}.panels", f"{part.strategy!r} is the factor of the strategies; name others"
        if (part.spent_u or part.spent_u_shared) and not part.spent:
            yield f"{place}.spent", "missing; `spent_u` and `spent_u_shared` are uncertainties of it"
        yield from _units(place, part, declared)
    elif isinstance(part, Scatter):
        yield from _responses(place, part, ("x", "y"), declared)
        yield from unknown(f"{place}.groups", part.groups, declared.factors, "factor")
    elif isinstance(part, Spread):
        yield from _responses(place, part, ("response",), declared)
        yield from factors_of(f"{place}.over", part.over, declared.factors)
    elif isinstance(part, Clusters):
        yield from unknown(f"{place}.responses", part.responses, declared.responses, "response")
        if not part.responses or len(part.parts) < 2:
            key, least = ("parts", "two clusters") if part.responses else ("responses", "one response")
            yield f"{place}.{key}", f"at least {least} is needed"
        for key, cluster in part.parts.items():
            if not (cluster.where or cluster.above or cluster.below):
                yield f"{place}.parts.{key}", "it would hold every row; say which with `where`, `above` or `below`"
    elif isinstance(part, Increase):
        yield from _responses(place, part, ("response",), declared)
        yield from factors_of(f"{place}.factor", [part.factor], declared.factors)
        yield from unknown(f"{place}.over", part.over, declared.factors, "factor")
        if part.factor in part.over:
            yield f"{place}.over", f"{part.factor!r} is the factor whose levels are compared; name others"
        yield from unknown(f"{place}.bars", [part.bars] if part.bars else [], part.over, "factor of `over`")
        yield from unknown(f"{place}.beside", part.beside, declared.responses, "response")
    elif isinstance(part, Choice):
        yield from _responses(place, part, ("response",), declared)
        yield from unknown(f"{place}.beside", part.beside, declared.responses, "response")
        yield from _better(place, part.response, declared)
        for key in ("of", "among"):
            yield from unknown(f"{place}.{key}", [getattr(part, key)], declared.factors, "factor")
        if part.of == part.among:
            yield f"{place}.among", f"{part.of!r} is the factor of the rows; name another to choose from"


def _responses(place: str, part: Filtered, keys: tuple[str, ...], declared: StudyFile) -> Iterator[tuple[str, str]]:
    for key in keys:
        yield from unknown(f"{place}.{key}", [getattr(part, key)], declared.responses, "response")


def _better(place: str, response: str, declared: StudyFile) -> Iterator[tuple[str, str]]:
    if response in declared.responses and not declared.responses[response].better:
        yield f"responses.{response}.better", f'{place} needs to know: "lower" or "higher"'


def _units(place: str, part: Progress, declared: StudyFile) -> Iterator[tuple[str, str]]:
    """What was spent and its uncertainties are in one unit."""
    units = {name: declared.responses[name].unit for name in (part.spent, part.spent_u, part.spent_u_shared)
             if name in declared.responses}  # fmt: skip
    if len(set(units.values())) > 1:
        shown = ", ".join(f"{name} in {unit}" for name, unit in units.items())
        yield f"{place}.spent", f"found {shown}; give what was spent and its uncertainties one unit"
