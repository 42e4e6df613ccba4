"""Two or more campaigns or scenarios beside each other: comparison.json (docs/comparing.md).

Knows which quantities of which sides are put beside each other, which test the design asks for, and the shape of
comparison.json. Computes no energy (`sides.py`) and no interval (`contrast.py`); holds codes and numbers, no sentence.

Decisions
- The first side is the reference: difference = second - first, ratio = second / first.
- Runs are paired by repetition only where the design says so: two scenarios of one campaign whose order was drawn in
  randomised complete blocks, every run with a partner of the same repetition and seed, ten pairs or more. Whatever a
  block shares (drift, seed) falls out of the difference. Otherwise runs are independent, which covers more than it
  promises where a block shares anything (`tests/benchmarks/bench_compare.py`).
- The replicates are runs. Seconds are never replicates, and a p value above a limit says nothing of equality: that is
  what a margin and two one-sided tests are for. Without a margin there is no verdict on equality.
- The test is Welch's t (or the paired t) on untransformed values, or the rank test where the user declares it; no look
  at the data chooses. p is of type A: it holds the spread of runs and baselines, not what meters have in common. The
  statement rests on the interval of the complete uncertainty.
- p values of three or more sides are adjusted after Holm, over the pairs of one quantity; intervals hold for each pair
  by itself.
- Effect sizes come from R; without R they are null, everything else is there.
"""

import json
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

import numpy as np

from harness.record.documents import Json
from harness.record.errors import AnalysisError
from reports.campaign import iso14756
from reports.campaign.meters import ORIGINS
from reports.comparison import comparability
from reports.comparison.comparability import Key
from reports.comparison.sides import Campaign, Part, Quantity, Side, inputs_of, line_up, read_campaigns
from reports.inference.contrast import LEAST, Contrast, Mean, holm
from reports.results.uncertainty import Estimate, Number

SCHEMA = 1
"""Schema history of comparison.json: 1, 2026-11-21, first version."""
COMPARISON = "comparison.json"
TestName = Literal["welch", "rank"]
BLOCKED = "randomised complete blocks"
"""How `campaign.design` begins where runs of one repetition form a block (docs/decisions/0003)."""
LEAST_PAIRS = 10
"""Fewer pairs have so few degrees of freedom that independent runs say more, whatever the blocks share up to a
correlation of .35 (n = 10) or .58 (n = 6); and taking the runs of a block as independent errs on the safe side."""
HEADLINES = ("induced_energy_wh", "energy_wh")
"""The first of them that both sides have is what the statement is about."""
MOST_SKEW = 2.0
"""The skewness of an exponential distribution: up to there the intervals are shown to cover (`contrast.py`)."""
LEAST_FOR_SKEW = 20
"""Fewer runs say nothing of their skewness."""


@dataclass(frozen=True, slots=True)
class Margin:
    """How far apart two sides may be and still count as equal: a share of the reference, or in Wh."""

    value: float
    relative: bool

    def to_json(self) -> Json:
        """As it stands in `options`."""
        return {"value": self.value, "unit": "1" if self.relative else "Wh"}


@dataclass(frozen=True, slots=True)
class Options:
    """What the user declares before the comparison."""

    margin: Margin | None = None
    test: TestName = "welch"
    differs: tuple[str, ...] = ()
    timeliness: iso14756.Timeliness | None = None
    labels: tuple[str, ...] = ()
    """What each side is called, empty where its campaigns say it; none at all where no side has a name."""

    def to_json(self) -> Json:
        """`options` of comparison.json; `labels` stands there only where a side has a name."""
        steps = None if self.timeliness is None else [list(step) for step in self.timeliness]
        margin = None if self.margin is None else self.margin.to_json()
        plain: Json = {"margin": margin, "test": self.test, "differs": list(self.differs), "timeliness": steps}
        return plain | ({"labels": list(self.labels)} if self.labels else {})

    @classmethod
    def from_json(cls, written: Json) -> "Options":
        """What `to_json` wrote."""
        margin, steps = written["margin"], written["timeliness"]
        return cls(
            None if margin is None else Margin(float(margin["value"]), margin["unit"] == "1"),
            written["test"],
            tuple(written["differs"]),
            None if steps is None else tuple((float(g), float(r)) for g, r in steps),
            tuple(written.get("labels", ())),
        )


def parse_margin(text: str) -> Margin:
    """`5%` of the reference, or `.1Wh`.

    Raises:
        AnalysisError: with what was found.
    """
    plain = text.isascii() and "_" not in text  # float() takes 1_0 and digits of every script
    for suffix, scale in (("%", 0.01), ("mWh", 1e-3), ("kWh", 1e3), ("Wh", 1.0)):
        if plain and text.endswith(suffix):
            try:
                value = float(text.removesuffix(suffix)) * scale
            except ValueError:
                break
            if math.isfinite(value) and value > 0 and (suffix != "%" or value < 1):
                return Margin(value, suffix == "%")
    raise AnalysisError(
        f"--margin {text}: expected a share of the reference above 0 and below 100 %, such as 5%, or an energy such as "
        "0.1Wh: how large a difference would still count as none"
    )


def compare(sides: Sequence[Sequence[Part]], options: Options, software: Json, into: Path) -> Json:
    """comparison.json of two or more sides; `software` is what compares them, `into` the folder it is meant for: where
    the campaigns lie is written as seen from there.

    Raises:
        AnalysisError: sides did different work that was not declared, cannot be pooled, or hold nothing to compare.
    """
    if len(sides) < 2:
        raise AnalysisError("one side alone cannot be compared; name two or more")
    campaigns = read_campaigns(sides)
    sets = line_up(sides, campaigns, options.labels)
    everyone = [side for _, of_set in sets for side in of_set]
    found = [_set(name, of_set, options) for name, of_set in sets]
    known = [Key(k["key"], k["kind"], tuple(k["values"])) for one in found for k in one["keys"]]
    comparability.refuse_unknown_declarations(known, options.differs)
    origins = {str(campaign.result.numbers.measurement.origin) for side in everyone for campaign, _ in side.parts}
    return {
        "schema": SCHEMA,
        "kind": "comparison",
        "options": options.to_json(),
        "origin": next((origin for origin in ORIGINS if origin in origins), "none"),
        "software": software,
        "inputs": list(inputs_of(everyone)),
        "sides": [[_named(part, campaigns[part.folder].name, into) for part in side] for side in sides],
        "sets": found,
    }


def _named(part: Part, name: str, into: Path) -> Json:
    place = os.path.relpath(part.folder.resolve(), into.resolve())
    return {"folder": name, "place": place, "scenario": part.scenario}


def comparison_text(comparison: Json) -> str:
    """comparison.json as it is written."""
    return json.dumps(comparison, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _set(name: str, sides: Sequence[Side], options: Options) -> Json:
    for side in sides:
        if len(side.parts) > 1:
            parts = [group.runs for group in side.groups]
            labels = [f"{campaign.name}:{scenario}" for campaign, scenario in side.parts]
            comparability.refuse_to_pool(comparability.keys_of(parts), labels)
    labels = [side.label for side in sides]
    keys = comparability.keys_of([side.runs for side in sides], options.differs)
    comparability.refuse_other_work(keys, labels)
    pairs = [_pair(sides, i, j, keys, options) for i, j in combinations(range(len(sides)), 2)]
    _adjust(pairs)
    return {
        "name": name,
        "sides": [_side(side) for side in sides],
        "keys": [key.to_json() for key in keys],
        "pairs": pairs,
    }


def _side(side: Side) -> Json:
    return {
        "label": side.label,
        "parts": [
            {"folder": campaign.name, "chain_head": campaign.head, "scenario": scenario,
             "title": campaign.result.numbers.scenarios[scenario].title}
            for campaign, scenario in side.parts
        ],
        "origin": _origin(side),
        "verdicts": sorted({_verdict_on(campaign, scenario) for campaign, scenario in side.parts}),
        "n_runs": len(side.runs),
        "n_excluded": side.excluded,
        "reached": _reached(side),
        "pooled": _pooled(side),
        "quantities": {name: _quantity(one) for name, one in side.quantities.items()},
    }  # fmt: skip


def _verdict_on(campaign: Campaign, scenario: str) -> str:
    """The campaign's verdict; `invalid` where this scenario alone is."""
    alone = campaign.result.numbers.scenarios[scenario].invalid_because
    return "invalid" if alone else str(campaign.result.numbers.verdict.word)


def _origin(side: Side) -> str:
    origins = {str(campaign.result.numbers.measurement.origin) for campaign, _ in side.parts}
    return next((origin for origin in ORIGINS if origin in origins), "none")


def _reached(side: Side) -> Json | None:
    """How many runs reached their target; None where no run says so or none was to."""
    said = [run.summary.get("reached") for run in side.runs if not _fixed(run.run.start.scenario_config)]
    known = [one for one in said if isinstance(one, bool)]
    return {"reached": sum(known), "n": len(known)} if known else None


def _pooled(side: Side) -> list[Json]:
    """Every pair of the campaigns that were joined: by how much their means differ. The pooled U takes their runs as
    runs of one population, so a difference that is told from zero makes it too small."""
    parts = [Side(f"{campaign.name}:{scenario}", ((campaign, scenario),)) for campaign, scenario in side.parts]
    found = []
    for one, two in combinations(parts, 2):
        name = next((n for n in HEADLINES if one.quantities[n].mean and two.quantities[n].mean), HEADLINES[-1])
        first, second = one.quantities[name].mean, two.quantities[name].mean
        if first is not None and second is not None:
            contrast = Contrast(first, second)
            difference = contrast.difference(complete=True)
            found.append({
                "first": one.label, "second": two.label, "quantity": name, "difference": _number(difference, "Wh"),
                "verdict": _verdict(contrast.interval(complete=True)),
            })  # fmt: skip
    return found


def _fixed(config: Json) -> bool:
    """Whether the runs of a scenario train a fixed number of epochs, whatever they reach."""
    parameters = config.get("parameters")
    return bool(isinstance(parameters, dict) and parameters.get("fixed_epochs"))


def _quantity(one: Quantity) -> Json:
    skewness = _skewness(one.values)
    number = None if one.mean is None else _number(one.mean.estimate, one.unit, one.mean.sd, one.mean.n)
    return {
        "number": number,
        "reason": one.reason,
        "missing": [{"what": what, "meter": meter} for what, meter in one.missing],
        "skewness": skewness,
        "skewed": skewness is not None and abs(skewness) > MOST_SKEW,
        "values": [float(value) if math.isfinite(value) else None for value in one.values],
    }


def _skewness(values: np.ndarray[Any, np.dtype[np.float64]]) -> float | None:
    if values.size < LEAST_FOR_SKEW or not np.isfinite(values).all() or not np.ptp(values):
        return None
    away = values - values.mean()
    return float(np.mean(away**3) / np.mean(away**2) ** 1.5)


def _pair(sides: Sequence[Side], i: int, j: int, keys: Sequence[Key], options: Options) -> Json:
    first, second = sides[i], sides[j]
    pairs, design = pairing(first, second)
    quantities = {
        name: _measurand(name, one, second.quantities[name], pairs, options)
        for name, one in first.quantities.items()
        if name in second.quantities
    }
    headline = next((n for n in HEADLINES if quantities[n]["difference"] is not None), HEADLINES[-1])
    differing = [
        key.name for key in keys if key.values[i] != key.values[j] and None not in (key.values[i], key.values[j])
    ]
    return {
        "first": i,
        "second": j,
        "design": design,
        "n_pairs": None if pairs is None else len(pairs),
        "one_campaign": {c.head for c, _ in first.parts} == {c.head for c, _ in second.parts},
        "sessions": _sessions(first, second),
        "differing": differing,
        "headline": headline,
        "quantities": quantities,
        "iso14756": _efficiency_values(first, second, pairs, keys, options),
    }


def _sessions(first: Side, second: Side) -> str:
    """`same`, `shared` (some of them) or `different`."""
    one, two = first.sessions, second.sessions
    return "same" if one == two else "shared" if one & two else "different"


def pairing(first: Side, second: Side) -> tuple[tuple[tuple[int, int], ...] | None, str]:
    """The pairs that the design declares (places of both sides' runs), and a code that says why or why not."""
    if len(first.parts) > 1 or len(second.parts) > 1 or first.parts[0][0].head != second.parts[0][0].head:
        return None, "independent-campaigns"
    if not str(first.parts[0][0].result.numbers.campaign.design).startswith(BLOCKED):
        return None, "independent-not-blocked"
    if min(len(first.runs), len(second.runs)) < LEAST_PAIRS:
        return None, "independent-few-blocks"
    one, two = first.repetitions, second.repetitions
    if not one or one.keys() != two.keys():
        return None, "independent-incomplete-blocks"
    if any(one[repetition][1] != two[repetition][1] for repetition in one):
        return None, "independent-other-seeds"
    return tuple((one[repetition][0], two[repetition][0]) for repetition in one), "paired-by-repetition"


def _measurand(
    name: str, first: Quantity, second: Quantity, pairs: tuple[tuple[int, int], ...] | None, options: Options
) -> Json:
    empty: Json = dict.fromkeys((
        "difference", "difference_type_a", "interval", "interval_type_a", "ratio", "ratio_type_a", "ratio_interval",
        "ratio_interval_type_a", "relative", "verdict", "not_excluded", "not_excluded_percent", "test", "effects",
        "equivalence", "lines",
    ))  # fmt: skip
    if first.mean is None or second.mean is None:
        return {"unit": first.unit, "reason": first.reason or second.reason, **empty}
    found = Contrast(first.mean, second.mean, pairs)
    low_high = found.interval(complete=True)
    return {
        "unit": first.unit,
        "reason": _reason(found),
        "difference": _number(found.difference(complete=True), first.unit),
        "difference_type_a": _number(found.difference(complete=False), first.unit),
        "interval": _listed(low_high),
        "interval_type_a": _listed(found.interval(complete=False)),
        "ratio": _or_none(found.ratio(complete=True)),
        "ratio_type_a": _or_none(found.ratio(complete=False)),
        "ratio_interval": _listed(found.interval_of_ratio(complete=True)),
        "ratio_interval_type_a": _listed(found.interval_of_ratio(complete=False)),
        "relative": _relative(found),
        "verdict": _verdict(low_high),
        "not_excluded": None if low_high is None else max(map(abs, low_high)),
        "not_excluded_percent": _farthest_percent(found),
        "test": _test(name, found, first, second, options),
        "effects": _effects(first, second),
        "equivalence": _equivalence(name, found, options.margin),
        "lines": [
            {"source": line.name, "type": line.type, "first": line.first, "second": line.second, "u": line.u,
             "rho": line.rho, "dof": line.dof if math.isfinite(line.dof) else None}
            for line in found.lines()
        ],
    }  # fmt: skip


def _relative(found: Contrast) -> Json | None:
    """By how many percent of the first the second differs; None where the ratio may be below zero."""
    ratio, interval = found.ratio(complete=True), found.interval_of_ratio(complete=True)
    if ratio is None or ratio.u is None or interval is None or interval[0] <= 0:
        return None
    return _number(Estimate(100 * (ratio.value - 1), 100 * ratio.u, ratio.dof), "%")


def _farthest_percent(found: Contrast) -> float | None:
    """The largest relative difference that is not excluded."""
    interval = found.interval_of_ratio(complete=True)
    return None if interval is None or interval[0] <= 0 else 100 * max(abs(end - 1) for end in interval)


def _reason(found: Contrast) -> str | None:
    """Why there is no interval."""
    if found.enough:
        return None
    if not (found.first.known and found.second.known):
        return "baseline-spread-unknown"
    return "too-few-runs" if min(found.first.n, found.second.n) < LEAST else "no-spread"


def _verdict(interval: tuple[float, float] | None) -> str:
    if interval is None:
        return "too-few"
    return "more" if interval[0] > 0 else "less" if interval[1] < 0 else "not-shown"


def _test(name: str, found: Contrast, first: Quantity, second: Quantity, options: Options) -> Json:
    """The declared test; `reason` says why there is no p."""
    empty: Json = dict.fromkeys((
        "name", "statistic", "symbol", "df", "plain_df", "p", "p_adjusted", "p_complete", "n", "reason",
    ))  # fmt: skip
    empty |= {"name": options.test, "n": [first.values.size, second.values.size]}
    if options.test == "rank":
        return _rank_test(name, first, second, empty)
    test, complete = found.test(), found.test(complete=True)
    if test is None or complete is None:
        return empty | {"reason": _reason(found)}
    named = "paired-t" if found.pairs is not None else "welch"
    return empty | {
        "name": named, "statistic": test.t, "symbol": "t", "df": test.df, "plain_df": test.plain_df, "p": test.p,
        "p_complete": complete.p,
    }  # fmt: skip


def _rank_test(name: str, first: Quantity, second: Quantity, empty: Json) -> Json:
    from reports.inference import statistics

    if name.startswith("induced") or name.endswith(".induced"):
        return empty | {"reason": "ranks-cannot-hold-the-baseline"}
    if min(first.values.size, second.values.size) < LEAST:
        return empty | {"reason": "too-few-runs"}
    if (absent := statistics.available()) is not None:
        return empty | {"reason": absent}
    test = statistics.kruskal({"first": first.values, "second": second.values})
    return empty | {
        "name": "kruskal-wallis", "statistic": test.statistic, "symbol": test.symbol,
        "df": test.df[0] if test.df else None, "p": test.p, "reason": test.refused,
    }  # fmt: skip


def _effects(first: Quantity, second: Quantity) -> Json:
    """Cliff's delta and Hedges' g of the runs, positive where the second side's are larger. Of delta with its interval;
    that of g covers 87 to 92 % of skewed runs, so it is not printed."""
    from reports.inference import statistics

    empty: Json = {"cliffs_delta": None, "hedges_g": None, "reason": None}
    if min(first.values.size, second.values.size) < LEAST:
        return empty | {"reason": "too-few-runs"}
    if not (np.isfinite(first.values).all() and np.isfinite(second.values).all()):
        return empty | {"reason": "not-every-run-has-a-value"}
    if (absent := statistics.available()) is not None:
        return empty | {"reason": absent}
    effects: dict[str, Callable[[Any, Any], Any]] = {
        "cliffs_delta": statistics.cliffs_delta, "hedges_g": statistics.cohens_d,
    }  # fmt: skip
    found = {key: function(second.values, first.values) for key, function in effects.items()}
    return empty | {
        key: None if effect is None or effect.value is None or not math.isfinite(effect.value)
        else {"value": effect.value, "word": statistics.band(effect.name, effect.value),
              "interval": _listed(effect.interval) if key == "cliffs_delta" else None}
        for key, effect in found.items()
    }  # fmt: skip


def _equivalence(name: str, found: Contrast, margin: Margin | None) -> Json | None:
    """Of the margin's kind of quantity; None where no margin is stated, or it is none of this quantity."""
    if margin is None or (not margin.relative and name not in ("energy_wh", "induced_energy_wh")):
        return None
    test = found.equivalence(margin.value, relative=margin.relative)
    if test is None:
        return {"low": None, "high": None, "limits": None, "p": None, "equivalent": None,
                "reason": _reason(found) or "reference-not-told-from-zero"}  # fmt: skip
    return {
        "low": test.low, "high": test.high, "limits": list(test.limits), "p": test.p, "equivalent": test.equivalent,
        "reason": None,
    }  # fmt: skip


def _efficiency_values(
    first: Side, second: Side, pairs: tuple[tuple[int, int], ...] | None, keys: Sequence[Key], options: Options
) -> Json:
    """ISO/IEC 14756's efficiency values of the second side's software; null with a reason on another SUT."""
    if any(key.kind == "machine" and key.differs for key in keys):
        return {"reason": "other-sut", "I_TH": None, "I_ME": None, "I_EN": None, "I_TI": None, "I_TI_reason": None}
    turned = None if pairs is None else tuple((j, i) for i, j in pairs)

    def inverse(one: Mean | None, two: Mean | None) -> Json | None:
        """First over second: what is less is better."""
        if one is None or two is None:
            return None
        ratio = Contrast(two, one, turned)
        return {"number": _or_none(ratio.ratio(complete=True)) or _value(one, two),
                "interval": _listed(ratio.interval_of_ratio(complete=True))}  # fmt: skip

    durations = [Mean(float(s.durations_s.mean()), s.durations_s - s.durations_s.mean(), {}) for s in (first, second)]
    executions = [Mean(float(e.mean()), e - e.mean(), {}) for e in (first.tasks.execution_s, second.tasks.execution_s)]
    timely = reason = None
    if options.timeliness is None:
        reason = "no-timeliness-function"
    else:
        value = iso14756.timely_throughput(first.tasks, second.tasks, options.timeliness)
        timely = None if value is None else _number(Estimate(value, None, None), "1")
        reason = "no-timely-task" if timely is None else None
    energies = [s.quantities["energy_wh"].mean for s in (first, second)]
    return {
        "reason": None,
        "I_TH": inverse(*durations),
        "I_ME": inverse(*executions),
        "I_EN": inverse(*energies),
        "I_TI": timely,
        "I_TI_reason": reason,
    }


def _value(one: Mean, two: Mean) -> Json | None:
    """A ratio without an uncertainty."""
    return _number(Estimate(one.value / two.value, None, None), "1") if two.value > 0 else None


def _adjust(pairs: Sequence[Json]) -> None:
    """p adjusted after Holm over the pairs of one quantity."""
    for name in dict.fromkeys(name for pair in pairs for name in pair["quantities"]):
        tests = {
            (pair["first"], pair["second"]): test
            for pair in pairs
            if name in pair["quantities"] and (test := pair["quantities"][name]["test"]) and test["p"] is not None
        }
        for key, p in holm({key: test["p"] for key, test in tests.items()}).items():
            tests[key]["p_adjusted"] = p


def _number(estimate: Estimate, unit: str, sd: float | None = None, n: int | None = None) -> Json:
    return Number(estimate, unit, sd, n).to_json()


def _or_none(ratio: Estimate | None) -> Json | None:
    return None if ratio is None else _number(ratio, "1")


def _listed(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else list(interval)
