"""Two factors at once, as study.json has it: main effects, interaction, and the differences that make them.

Knows its keys. Computes nothing: `reports.study.interactions` asks, `reports.inference.two_way` computes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from reports.results.cell import Cell, Filter, UnmeasuredCell
from reports.results.codec import keyed
from reports.results.inference import Test
from reports.results.uncertainty import Number

TwoWayTest: TypeAlias = Literal["welch", "classical", "hc3", "aligned-rank"]
"""Welch-James; analysis of variance with one spread for all; its Wald form with HC3; aligned ranks."""
EffectOf: TypeAlias = Literal["first", "second", "interaction"]
NoTwoWay: TypeAlias = Literal["absent-combinations", "too-few", "constant", "disconnected"]


@dataclass(frozen=True, slots=True)
class CellMean(Cell):
    """The values of one combination of levels."""

    n: int
    """Runs with a value."""
    mean: Number
    """Mean over the runs; u is of type A only."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """Differences of means that one effect is made of: of a main effect two levels, averaged over the other factor with
    equal weights; of the interaction a difference of differences."""

    levels: Mapping[str, tuple[str, str]]
    """Factor -> the two levels, the first less the second; of the interaction of both factors."""
    difference: float
    """In the response's unit."""
    interval: tuple[float, float]
    """95 % for all differences of this effect at once (Bonferroni)."""
    df: float
    """Degrees of freedom (Welch-Satterthwaite)."""
    p: float
    """Of no difference, adjusted in the same way."""


@dataclass(frozen=True, slots=True)
class TwoWayEffect:
    """One effect."""

    of: EffectOf
    """Of the first factor, of the second, or their interaction."""
    test: Test
    """The declared test of it."""
    contrasts: tuple[Contrast, ...]
    """What it is made of; empty where ranks are compared."""


@dataclass(frozen=True, slots=True)
class InteractionResult:
    """Do two factors act on a response, and does the one act otherwise at each level of the other?"""

    name: str
    """As in the file."""
    title: str
    """As in the file."""
    response: str
    """Name of the response."""
    factors: tuple[str, str]
    """Names of both."""
    filter: Filter
    """Which rows it uses."""
    test: TwoWayTest
    """The declared test."""
    reason: str
    """The sentence in which the file gives its reason; may be empty."""
    cells: tuple[CellMean, ...]
    """Combinations that have a run, in declared order."""
    absent: tuple[str, ...]
    """Labels of combinations without a run; with one, the effects cannot be told apart."""
    effects: tuple[TwoWayEffect, ...]
    """Both main effects and the interaction; empty where it was refused."""
    refused: NoTwoWay | None
    """Code of why it was not computed: a combination has no run, fewer than two, or all its runs have one value, or too
    few combinations could be measured to tell an effect (`disconnected`); null where it was."""
    unmeasured: tuple[UnmeasuredCell, ...] = field(default=(), metadata=keyed(left_out=True))
    """Combinations that could not be measured. The interaction is then of what was; a main effect averages over the
    levels of the other factor that were measured with all of its own."""
