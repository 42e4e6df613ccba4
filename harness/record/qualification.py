"""What a campaign declares of itself as a qualification of software meters: its table [qualification].

Knows its keys, what cannot be right in them, and where it is kept: in the resolved configuration that every start
document and the header of the campaign's log have (`config["qualification"]`; a campaign without such a table has no
such key), beside the file itself under `inputs/`. Knows no meter and no result.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from harness.record.codec import Mistakes, record
from harness.record.documents import Json
from harness.record.errors import DocumentError

KEY = "qualification"
"""Of the resolved configuration."""
FEWEST_LOADS = 2
"""Beside idle: "two different benchmarks" (MLPerf Training, power_measurement.adoc)."""
LoadKind: TypeAlias = Literal["idle", "cpu", "memory", "gpu", "other"]
"""What a load keeps busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A scenario, or a cell, as a load under which software meters are held against the external one."""

    kind: LoadKind
    """What it keeps busy; `idle`: nothing."""
    level: float = field(metadata={"minimum": 0.0, "maximum": 100.0})
    """How much of that, %: 0 of `idle`, above 0 of the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Qualification:
    """That the campaign qualifies the software meters of its SUT: within how much they are to agree with the external
    meter, and which scenarios are its loads: idle, and two others at least."""

    limit_percent: float = field(default=5.0, metadata={"minimum": 0.0, "maximum": 100.0})
    """x of the Olympic-mean test: |software / wall - 1| is at most so much; above 0."""
    loads: dict[str, Load]
    """By the name of the scenario, or of the cell."""


def declared_in(config: Mapping[str, object] | None) -> Qualification | None:
    """What the resolved configuration of a campaign (of a start document, of the log's header) declares; None: it is
    no qualification.

    Raises:
        DocumentError: it cannot be read, or contradicts itself (a document may be forged).
    """
    if config is None or KEY not in config:
        return None
    mistakes = Mistakes()
    raw: Json = {KEY: config[KEY]}
    written = record(_Config, raw, "config", "", mistakes).qualification
    wrong = mistakes.lines or list(of_qualification("config", written))
    if wrong:
        raise DocumentError("; ".join(wrong))
    return written


@dataclass(frozen=True, slots=True, kw_only=True)
class _Config:
    """Of the configuration, what is read here."""

    qualification: Qualification


def of_qualification(where: str, written: Qualification) -> Iterator[str]:
    """What cannot be right though every key has its type; each sentence begins with `where` and the TOML path."""
    if not 0.0 < written.limit_percent < 100.0:
        yield (
            f"{where}: qualification.limit_percent: found {written.limit_percent:g}, expected a limit above 0 and "
            "below 100"
        )
    for name, load in written.loads.items():
        if (load.kind == "idle") != (load.level == 0.0):
            expected = "0 for a load of kind idle" if load.kind == "idle" else f"above 0 for a load of kind {load.kind}"
            yield f"{where}: qualification.loads.{name}.level: found {load.level:g}, expected {expected}"
    kinds = [load.kind for load in written.loads.values()]
    if "idle" not in kinds:
        yield f'{where}: qualification.loads: no load is of kind "idle"; name the scenario that is the idle machine'
    if (loads := len(kinds) - kinds.count("idle")) < FEWEST_LOADS:
        yield (
            f"{where}: qualification.loads: found {loads} beside idle, expected at least {FEWEST_LOADS}; name another "
            "scenario as a load"
        )
