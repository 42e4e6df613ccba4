"""Records of comparison.json for tests: two sides of six runs that are fine; tests change what they are about with
`dataclasses.replace`."""

from dataclasses import replace
from typing import TypeVar

from harness.record.documents import VERSION
from reports.results.compared_pair import (
    ComparedPair,
    Effects,
    EffectSize,
    EfficiencyValue,
    EfficiencyValues,
    PairLine,
    PairQuantity,
    PairTest,
)
from reports.results.compared_side import ComparedSide, Outcome, SidePart, SideQuantity
from reports.results.comparison import ComparedCampaign, ComparedSet, Comparison, Key, NamedPart, Options
from reports.results.software import Software
from reports.results.uncertainty import Estimate, Number

SOFTWARE = Software("wattlab", VERSION, "0" * 40, dirty=False, lock_sha256=None, python="3.11.2")
Value = TypeVar("Value")


def present(value: Value | None) -> Value:
    """What a document may lack and this one has."""
    assert value is not None
    return value


def number(value: float, unit: str = "Wh", u: float | None = 0.01) -> Number:
    """A Number of six runs."""
    return Number(Estimate(value, u, None if u is None else 5.0), unit, 0.02, 6)


def side_quantity(value: float, unit: str = "Wh") -> SideQuantity:
    """Of six runs about `value`."""
    values = tuple(value + 0.001 * step for step in range(6))
    return SideQuantity(number(value, unit), None, (), None, skewed=False, values=values)


def side(label: str, energy_wh: float) -> ComparedSide:
    """One campaign's scenario."""
    quantities = {
        "energy_wh": side_quantity(energy_wh),
        "induced_energy_wh": side_quantity(energy_wh / 2),
        "duration_s": side_quantity(60.0, "s"),
    }
    part = SidePart(label, "c" * 64, "cnn", "CNN")
    return ComparedSide(label, (part,), "instrument", ("valid",), 6, 0, None, (), quantities)


def pair_quantity(difference: float, unit: str = "Wh", reference: float = 1.0) -> PairQuantity:
    """A difference of U = .0257 in `unit` to a reference."""
    interval = (difference - 0.0257, difference + 0.0257)
    outcome: Outcome = "more" if interval[0] > 0 else "less" if interval[1] < 0 else "not-shown"
    ratio = 1 + difference / reference
    return PairQuantity(
        unit=unit, reason=None, difference=number(difference, unit), difference_type_a=number(difference, unit, 0.005),
        interval=interval, interval_type_a=interval, ratio=number(ratio, "1"), ratio_type_a=number(ratio, "1"),
        ratio_interval=(ratio - 0.03, ratio + 0.03), ratio_interval_type_a=(ratio - 0.02, ratio + 0.02),
        relative=number(100 * (ratio - 1), "%", 1.0), verdict=outcome, not_excluded=max(map(abs, interval)),
        not_excluded_percent=100 * max(map(abs, interval)) / reference,
        test=PairTest("welch", 3.5, "t", 3.0, 9.0, 0.02, 0.02, 0.03, (6, 6), None),
        effects=Effects(EffectSize(0.8, "large", (0.4, 0.95)), EffectSize(1.5, "large", None), None),
        equivalence=None,
        lines=(PairLine("runs", "A", 0.007, 0.007, 0.01, 0.0, 3.0), PairLine("gain", "B", 0.1, 0.1, 0.0, 1.0, None)),
    )  # fmt: skip


def pair() -> ComparedPair:
    """The second side uses .1 Wh more."""
    value = EfficiencyValue(number(0.9, "1"), (0.85, 0.95))
    return ComparedPair(
        first=0, second=1, design="independent-campaigns", n_pairs=None, one_campaign=False, sessions="different",
        differing=(), headline="induced_energy_wh",
        quantities={
            "energy_wh": pair_quantity(0.1), "induced_energy_wh": pair_quantity(0.05, reference=0.5),
            "duration_s": pair_quantity(0.0, "s", 60.0),
        },
        iso14756=EfficiencyValues(None, value, value, value, None, "no-timeliness-function"),
    )  # fmt: skip


def comparison() -> Comparison:
    """Campaigns `old` and `new`, measured by an instrument."""
    keys = (
        Key("command", "work", ("train", "train"), differs=False, declared=False),
        Key("kernel", "software", ("6.1", "6.12"), differs=True, declared=False),
    )
    sides = (side("old", 1.0), side("new", 1.1))
    return Comparison(
        schema=1, kind="comparison", options=Options(), origin="instrument", software=SOFTWARE,
        inputs=tuple(ComparedCampaign(name, name, "1234", "c" * 64, {"r01": "d" * 64}) for name in ("old", "new")),
        sides=tuple((NamedPart(name, f"../{name}", None),) for name in ("old", "new")),
        sets=(ComparedSet("cnn", sides, keys, (pair(),)),),
    )  # fmt: skip


def with_quantity(document: Comparison, name: str, quantity: PairQuantity) -> Comparison:
    """The document with another quantity of its first pair."""
    (of_set,) = document.sets
    compared = replace(of_set.pairs[0], quantities={**of_set.pairs[0].quantities, name: quantity})
    return replace(document, sets=(replace(of_set, pairs=(compared,)),))
