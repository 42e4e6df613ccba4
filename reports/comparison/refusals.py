"""What must not be put beside each other: other work, campaigns of several kinds as one, a run twice; in sentences.

Knows the keys of sides and the runs behind them. Knows no energy. After psf/pyperf: runs whose metadata differ are not
pooled, and the refusal names the key and both values.
"""

from collections.abc import Iterable, Sequence

from harness.record.errors import AnalysisError
from reports.campaign.run import AnalysedRun
from reports.comparison.keys import covers
from reports.results.comparison import Key

NAMED = 4
"""So many sides, or values, are named in a message; the rest are counted."""


def refuse_other_work(keys: Sequence[Key], labels: Sequence[str]) -> None:
    """Sides that did different work are not compared, unless the difference is what is compared.

    Raises:
        AnalysisError: with every key, both values, and the option that declares them.
    """
    undeclared = [key for key in keys if key.kind == "work" and key.differs and not key.declared]
    if not undeclared:
        return
    names = ",".join(key.name for key in undeclared)
    raise AnalysisError(
        f"{names_of(labels)} did different work, so neither can be called more efficient: "
        f"{_differences(undeclared, labels)}. Compare runs "
        f"that did the same work or, if this difference is what you compare, declare it: --differs {names}"
    )


def refuse_to_pool(keys: Sequence[Key], labels: Sequence[str]) -> None:
    """Campaigns are pooled only where every key but the seeds agrees.

    Raises:
        AnalysisError: with the first keys that differ and both values.
    """
    differing = [key for key in keys if key.kind != "seeds" and key.differs]
    if differing:
        raise AnalysisError(
            f"{names_of(labels)} cannot be pooled: {_differences(differing, labels)}. Pooled runs must be runs of one "
            "kind; compare the campaigns with each other instead of joining them by a comma"
        )


def refuse_unknown_declarations(keys: Sequence[Key], declared: Sequence[str]) -> None:
    """A declared key that no side has is a slip of the pen.

    Raises:
        AnalysisError: with the keys there are.
    """
    names = [key.name for key in keys if key.kind == "work"]
    for name in declared:
        if not any(covers([name], known) for known in names):
            raise AnalysisError(f"--differs {name}: no side has such a key; there are: {', '.join(names) or 'none'}")


def same_run(parts: Iterable[tuple[str, Sequence[AnalysedRun]]]) -> str | None:
    """The first run that stands twice among labelled lists of runs, as a sentence. A run is known by the bytes that its
    meters gave: a copy of its folder, sealed anew or imported again, is no replicate."""
    seen: dict[tuple[str, ...], str] = {}
    for label, runs in parts:
        for run in runs:
            streams = {} if run.run.stop is None else run.run.stop.streams
            digests = (str(streams.get(power.stream, {}).get("sha256")) for power in run.run.power)
            identity = tuple(sorted(digests))
            if identity in seen:
                return (
                    f"{run.run.path.name}: the same run stands twice ({seen[identity]} and {label}), by the bytes of "
                    "its readings; a copy of a run is no replicate of it"
                )
            seen[identity] = label
    return None


def names_of(labels: Sequence[str]) -> str:
    """Sides or campaigns in a message: the first few, and how many more there are."""
    more = [f"{len(labels) - NAMED} more"] if len(labels) > NAMED else []
    return " and ".join([*labels[:NAMED], *more])


def values_of(key: Key, labels: Sequence[str]) -> str:
    """Each value of a key, and which sides have it."""
    having: dict[str, list[str]] = {}
    for value, label in zip(key.values, labels, strict=True):
        if value is not None:
            having.setdefault(value, []).append(label)
    return names_of([f"{value} ({names_of(of)})" for value, of in having.items()])


def _differences(keys: Sequence[Key], labels: Sequence[str]) -> str:
    return "; ".join(f"{key.name} is {values_of(key, labels)}" for key in keys)
