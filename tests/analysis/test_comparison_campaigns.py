"""Whole campaigns beside each other: what they have in common, what is refused, what the document holds."""

import dataclasses
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.foreign.importers.oscar.importer import import_oscar
from harness.record.documents import PowerDescriptor, Start
from harness.record.errors import AnalysisError
from reports.comparison import campaign, significance
from reports.comparison.comparison import compare
from reports.comparison.margin import parse_margin
from reports.comparison.selection import Part
from reports.inference import r_session, statistics
from reports.ratings.iso14756 import Tasks, parse_timeliness, tasks_of, timely_throughput
from reports.results.codec import decoded, document_text, encoded
from reports.results.compared_pair import Effects, EfficiencyValue, PairLine, PairQuantity
from reports.results.comparison import Comparison, Margin, Options
from reports.results.rules import Rule, as_before
from reports.results.uncertainty import Number
from tests.reports.comparisons import SOFTWARE, present
from tests.reports.make_campaign import Load, Shape, SyntheticRun, make_campaign

OKULAR = Path(__file__).parents[1] / "data" / "okular"
CNN = {"cnn": Load(52.0, 34.0, 61.0, epochs=6)}
SPAN_W = 1800.0


class Metered(SyntheticRun):
    """Runs of one real-looking meter with a serial number and a range part."""

    serial = "4711"

    def _meter(self) -> PowerDescriptor:
        plain = super()._meter()
        column = plain.columns[0] | {"accuracy": plain.columns[0]["accuracy"] | {"counts": 0.0}}
        return dataclasses.replace(plain, identity=plain.identity | {"serial": self.serial}, columns=[column])


class Elsewhere(Metered):
    """Another instrument of the same model."""

    serial = "4712"


class LongerTraining(SyntheticRun):
    """The same scenario with another parameter."""

    def _scenario_config(self) -> dict[str, Any]:
        plain = super()._scenario_config()
        return plain | {"parameters": plain.get("parameters", {}) | {"target": 0.9}} if self.load else plain


class OtherMachine(SyntheticRun):
    """The same scenario on another machine."""

    def _start_document(self, *arguments: Any) -> Start:  # noqa: ANN401
        plain = super()._start_document(*arguments)
        return dataclasses.replace(plain, sut=plain.sut | {"cpu": "another processor"})


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Campaigns of six runs: a and b alike but for their noise, longer, other; meters one, again and two."""
    folder = tmp_path_factory.mktemp("lab")
    small = Shape(loads=CNN, repetitions=6, duration_s=30)
    kinds: dict[str, tuple[int, type[SyntheticRun] | None]] = {
        "a": (7, None), "b": (8, None), "c": (9, None), "longer": (10, LongerTraining), "other": (8, OtherMachine),
        "one": (7, Metered), "again": (8, Metered), "two": (8, Elsewhere),
    }  # fmt: skip
    for name, (seed, kind) in kinds.items():
        make_campaign(folder, dataclasses.replace(small, name=name, seed=seed), kind)
    return folder


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One campaign of ten repetitions of two scenarios in blocks."""
    loads = {"light": Load(40.0, 20.0), "heavy": Load(50.0, 30.0)}
    return make_campaign(
        tmp_path_factory.mktemp("blocks"), Shape(name="blocks", loads=loads, repetitions=10, duration_s=30)
    )


@pytest.fixture(scope="module")
def okular(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("okular") / "okular"
    import_oscar(OKULAR, folder)
    return folder


READ = cache(campaign.read_campaign)


@pytest.fixture(autouse=True)
def _read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The campaigns never change; each is computed once for all tests."""
    monkeypatch.setattr(campaign, "read_campaign", READ)


def document(*named: list[Part], **options: Any) -> Comparison:  # noqa: ANN401
    return compare(named, Options(**options), SOFTWARE, named[0][0].folder.parent / "out")


def pair_of(made: Comparison, name: str = "induced_energy_wh") -> PairQuantity:
    return made.sets[0].pairs[0].quantities[name]


def value_of(value: EfficiencyValue | None) -> float:
    return present(present(value).number).value


def u_of(number: Number | None) -> float:
    return present(present(number).estimate.u)


def line(quantity: PairQuantity, source: str) -> PairLine:
    return next(line for line in present(quantity.lines) if line.source == source)


# --- numbers -----------------------------------------------------------------------------------------------------


def test_the_uncertainty_of_a_side_is_that_of_its_campaigns_budget(lab: Path, okular: Path) -> None:
    for folder, scenario in ((lab / "a", "cnn"), (lab / "one", "cnn"), (okular, "scenario"), (okular, "idle")):
        read = campaign.read_campaign(folder)
        made = document([Part(folder, scenario)], [Part(lab / "b", "cnn")], differs=("parameters",))
        for name in ("energy_wh", "induced_energy_wh"):
            expected = encoded(getattr(read.result.numbers.scenarios[scenario], name))
            found = encoded(made.sets[0].sides[0].quantities[name].number)
            for key in ("value", "u", "U", "dof", "sd"):
                assert found[key] == pytest.approx(expected[key], rel=1e-9), (folder, name, key)


def test_okular_scenario_against_idle_by_hand(okular: Path) -> None:
    """The published measurement: 30 scenario and 11 idle runs, one baseline of 11 blocks, stamps of unknown convention
    (method.md section 2 prints all values used here)."""
    made = document([Part(okular, "scenario")], [Part(okular, "idle")])
    induced = pair_of(made)
    assert present(induced.difference).value == pytest.approx(-0.0100833 - 0.0752345, abs=1e-7)
    # Spread of the runs: 0.0055632 / sqrt(30), more by their autocorrelation, and of the 11 idle runs.
    read = campaign.read_campaign(okular)
    budgets = {
        name: present(present(part.budget).induced).lines for name, part in read.result.numbers.scenarios.items()
    }
    runs = {name: math.hypot(*(part.u for part in lines if part.source in ("runs", "autocorrelation")))
            for name, lines in budgets.items()}  # fmt: skip
    assert line(induced, "runs").u == pytest.approx(math.hypot(runs["scenario"], runs["idle"]))
    # The baseline is common: what is left is the difference of both durations times s / sqrt(11).
    base = present(read.result.numbers.baseline)
    hours = (216.8601 - 216.4321818) / 3600
    means_w = [present(block.mean_power_w).value for block in base.blocks]
    seconds = np.array([present(block.duration_s).value for block in base.blocks])
    weights = seconds / seconds.sum()
    left = hours * float(np.std(means_w, ddof=1)) * float(np.linalg.norm(weights))
    assert line(induced, "baseline").u == pytest.approx(left, rel=1e-5)
    assert line(induced, "baseline").rho == pytest.approx(1.0)
    # Stamps at the start of their windows would give .0753588 and -.0100735 instead of .0752345 and -.0100833.
    moved = (-0.0100735 + 0.0100833) - (0.0753588 - 0.0752345)
    assert line(induced, "stamp-convention").u == pytest.approx(abs(moved) / math.sqrt(3), abs=1e-7)
    assert induced.verdict == "less"
    assert induced.relative is None  # the ratio is below zero: no share of the reference
    energy = pair_of(made, "energy_wh")
    assert present(energy.difference).value == pytest.approx(0.6812948768 - 0.7679795790, abs=1e-9)
    assert present(energy.ratio).value == pytest.approx(0.6812948768 / 0.7679795790)
    assert made.origin == "imported"


def test_one_meter_in_two_sessions_shares_its_gain_and_another_meter_does_not(lab: Path) -> None:
    same = pair_of(document([Part(lab / "one")], [Part(lab / "again")]), "energy_wh")
    apart = pair_of(document([Part(lab / "one")], [Part(lab / "two")]), "energy_wh")
    gains = line(same, "gain"), line(apart, "gain")
    assert gains[0].rho == pytest.approx(1.0)
    assert gains[1].rho == pytest.approx(0.0, abs=1e-12)
    # 1.5 % of the reading, rectangular: of the difference, or of both energies
    means = [present(side.quantities["energy_wh"].number).value
             for side in document([Part(lab / "one")], [Part(lab / "again")]).sets[0].sides]  # fmt: skip
    part = 0.015 / math.sqrt(3)
    assert gains[0].u == pytest.approx(part * abs(means[1] - means[0]), rel=1e-3)
    assert gains[1].u == pytest.approx(part * math.hypot(*means), rel=1e-3)
    assert u_of(same.difference) < u_of(apart.difference)
    assert u_of(same.difference_type_a) == pytest.approx(u_of(apart.difference_type_a))


def test_an_offset_is_common_to_one_session_and_not_to_two(lab: Path, blocks: Path) -> None:
    within = pair_of(document([Part(blocks, "light")], [Part(blocks, "heavy")]), "energy_wh")
    between = pair_of(document([Part(lab / "a")], [Part(lab / "b")]), "energy_wh")
    shared, apart = line(within, "offset"), line(between, "offset")
    assert shared.rho == pytest.approx(1.0)
    assert shared.u == pytest.approx(abs(shared.second - shared.first))
    assert apart.rho == pytest.approx(0.0, abs=1e-12)
    assert apart.u == pytest.approx(math.hypot(apart.first, apart.second))


def test_a_serial_number_that_says_nothing_is_no_identity(lab: Path) -> None:
    """The synthetic meters of a and b both say serial number 0."""
    assert line(pair_of(document([Part(lab / "a")], [Part(lab / "b")])), "gain").rho == pytest.approx(0.0)


def test_every_number_of_the_document_is_complete_and_the_text_is_the_same_again(lab: Path) -> None:
    made = document([Part(lab / "a")], [Part(lab / "b")], margin=Margin(0.05, "1"))

    def numbers(tree: object) -> int:
        if isinstance(tree, dict):
            if {"value", "unit"} <= tree.keys() and "U" in tree:
                assert tree.keys() == {"value", "unit", "sd", "n", "u", "U", "dof"}
                return 1
            return sum(map(numbers, tree.values()))
        return sum(map(numbers, tree)) if isinstance(tree, list) else 0

    assert numbers(json.loads(document_text(made))) > 40
    assert document([Part(lab / "a")], [Part(lab / "b")], margin=Margin(0.05, "1")) == made
    assert [entry.folder for entry in made.inputs] == ["a", "b"]
    assert all(len(digest) == 64 for entry in made.inputs for digest in map(present, entry.runs.values()))


def test_a_campaign_of_no_difference_raises_none_and_says_what_is_excluded(lab: Path) -> None:
    found = pair_of(document([Part(lab / "a")], [Part(lab / "b")]))
    low, high = present(found.interval)
    assert found.verdict == "not-shown"
    assert found.not_excluded == max(-low, high)
    assert found.not_excluded_percent == pytest.approx(100 * max(abs(end - 1) for end in present(found.ratio_interval)))
    assert found.equivalence is None


def test_the_replicates_are_runs_and_never_seconds(lab: Path) -> None:
    """Six runs of 30 readings each: n is 6, and so are the degrees of freedom; nothing compares readings."""
    made = document([Part(lab / "a")], [Part(lab / "b")])
    for quantity in made.sets[0].pairs[0].quantities.values():
        test = present(quantity.test)
        assert test.n == (6, 6)
        assert present(test.plain_df) <= 10.0
    assert [side.n_runs for side in made.sets[0].sides] == [6, 6]


def test_a_p_value_without_a_margin_gives_no_verdict_on_equality(lab: Path) -> None:
    bare = document([Part(lab / "a")], [Part(lab / "b")])
    assert all(q.equivalence is None for q in bare.sets[0].pairs[0].quantities.values())
    wide = pair_of(document([Part(lab / "a")], [Part(lab / "b")], margin=Margin(0.3, "1")))
    narrow = pair_of(document([Part(lab / "a")], [Part(lab / "b")], margin=Margin(0.0001, "1")))
    assert present(wide.equivalence).equivalent is True
    assert present(narrow.equivalence).equivalent is False
    assert present(present(narrow.test).p) > 0.05
    absolute = document([Part(lab / "a")], [Part(lab / "b")], margin=Margin(1.0, "Wh"))
    assert present(pair_of(absolute).equivalence).limits == (-1.0, 1.0)
    assert pair_of(absolute, "duration_s").equivalence is None


# --- design ------------------------------------------------------------------------------------------------------


def test_ten_complete_blocks_are_pairs_and_what_a_run_lacks_makes_them_independent(
    blocks: Path, lab: Path, tmp_path: Path
) -> None:
    made = document([Part(blocks, "light")], [Part(blocks, "heavy")])
    pair = made.sets[0].pairs[0]
    assert (pair.design, pair.n_pairs, pair.sessions) == ("paired-by-repetition", 10, "same")
    energies = [np.array(side.quantities["energy_wh"].values) for side in made.sets[0].sides]
    assert line(pair.quantities["energy_wh"], "runs").u == pytest.approx(
        float(np.std(energies[1] - energies[0], ddof=1)) / math.sqrt(10)
    )
    assert document([Part(lab / "a")], [Part(lab / "b")]).sets[0].pairs[0].design == "independent-campaigns"
    loads = {"light": Load(40.0, 20.0), "heavy": Load(50.0, 30.0)}
    few = make_campaign(tmp_path, Shape(name="few", loads=loads, repetitions=4, duration_s=30))
    torn = make_campaign(tmp_path, Shape(name="torn", loads=loads, repetitions=11, duration_s=30, broken={2: "fail"}))
    for folder, code in ((few, "independent-few-blocks"), (torn, "independent-incomplete-blocks")):
        made = document([Part(folder, "light")], [Part(folder, "heavy")])
        assert made.sets[0].pairs[0].design == code


def test_three_sides_have_all_pairs_and_p_after_holm(lab: Path) -> None:
    made = document([Part(lab / "a")], [Part(lab / "b")], [Part(lab / "c")])
    pairs = made.sets[0].pairs
    assert [(pair.first, pair.second) for pair in pairs] == [(0, 1), (0, 2), (1, 2)]
    tests = [present(pair.quantities["energy_wh"].test) for pair in pairs]
    least = min(tests, key=lambda test: present(test.p))
    assert least.p_adjusted == pytest.approx(min(1.0, 3 * present(least.p)))
    assert all(present(test.p_adjusted) >= present(test.p) for test in tests)


def test_without_a_scenario_every_common_one_is_compared(lab: Path, tmp_path: Path) -> None:
    more = make_campaign(tmp_path, Shape(name="more", repetitions=3, duration_s=30, seed=11))
    made = document([Part(more)], [Part(lab / "a")])
    assert [one.name for one in made.sets] == ["cnn"]
    with pytest.raises(
        AnalysisError, match=r"no scenario is named while another side names one; write .*more:SCENARIO"
    ):
        document([Part(more)], [Part(lab / "a", "cnn")])
    with pytest.raises(AnalysisError, match=r"a: no run of a scenario 'idle' is in its means; it has cnn"):
        document([Part(more, "idle")], [Part(lab / "a", "idle")])


def test_a_declared_rank_test_takes_the_place_of_t_and_cannot_hold_a_baseline(lab: Path) -> None:
    made = document([Part(lab / "a")], [Part(lab / "b")], test="rank")
    energy, induced = (present(pair_of(made, name).test) for name in ("energy_wh", "induced_energy_wh"))
    values = [side.quantities["energy_wh"].values for side in made.sets[0].sides]
    kruskal = statistics.kruskal({"a": np.array(values[0]), "b": np.array(values[1])})
    assert (energy.name, energy.p) == ("kruskal-wallis", kruskal.p)
    assert (induced.p, induced.reason) == (None, "ranks-cannot-hold-the-baseline")


def test_without_r_everything_but_the_effect_sizes_is_there(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = document([Part(lab / "a")], [Part(lab / "b")])
    monkeypatch.setattr(r_session, "available", lambda: "R is not there; apt-get install r-base-core installs it")
    bare = document([Part(lab / "a")], [Part(lab / "b")])
    for name, quantity in bare.sets[0].pairs[0].quantities.items():
        effects = present(quantity.effects)
        assert effects.cliffs_delta is effects.hedges_g is None
        assert "apt-get install" in present(effects.reason)
        with_r = whole.sets[0].pairs[0].quantities[name]
        assert present(present(with_r.effects).cliffs_delta).value <= 1.0
        assert quantity == dataclasses.replace(with_r, effects=effects)


def test_an_effect_that_is_not_told_from_zero_has_a_size_and_no_word(lab: Path) -> None:
    def effects_now() -> Effects:
        return present(pair_of(document([Part(lab / "a")], [Part(lab / "b")]), "energy_wh").effects)

    effects = effects_now()
    delta, g = present(effects.cliffs_delta), present(effects.hedges_g)
    low, high = present(delta.interval)
    assert low < 0 < high
    assert (delta.word, g.word, g.interval) == (None, None, None)
    with as_before({Rule.COMPARED_WORDS}):
        before = effects_now()
    bands = ("negligible", "small", "medium", "large")
    assert present(before.cliffs_delta).word == bands[sum(abs(delta.value) >= at for at in (0.147, 0.33, 0.474))]
    assert present(before.hedges_g).word == bands[sum(abs(g.value) >= at for at in (0.2, 0.5, 0.8))]


def test_an_effect_has_its_word_where_the_difference_and_its_own_interval_tell_it_from_zero() -> None:
    if r_session.available() is not None:
        pytest.skip("R is not installed")
    test = significance._not_computed("welch", (6, 6), None)
    low, high = np.linspace(1.0, 1.2, 12), np.linspace(1.3, 1.5, 12)
    told = significance.effects(low, high, (0.9, 1.1), test)
    assert (present(told.cliffs_delta).word, present(told.hedges_g).word) == ("large", "large")
    untold = significance.effects(low, high, (-0.1, 2.1), test)
    assert (present(untold.cliffs_delta).word, present(untold.hedges_g).word) == (None, None)
    shown = significance.effects(low, high, None, dataclasses.replace(test, p=0.01))
    assert present(shown.hedges_g).word == "large"
    mixed = significance.effects(low, low + 0.02, (0.01, 0.2), test)
    own = present(present(mixed.cliffs_delta).interval)
    assert own[0] < 0 < own[1]
    assert present(mixed.cliffs_delta).word is None


# --- what is refused ---------------------------------------------------------------------------------------------


def test_other_work_is_refused_with_key_both_values_and_the_option_until_it_is_declared(lab: Path) -> None:
    both = [Part(lab / "a")], [Part(lab / "longer")]
    expected = r"a and longer did different work.*: parameters\.target is none \(a\) and 0\.9 \(longer\)\..*"
    with pytest.raises(AnalysisError, match=expected + r"--differs parameters\.target$"):
        document(*both)
    for declared in ("parameters", "parameters.target"):
        made = document(*both, differs=(declared,))
        key = next(one for one in made.sets[0].keys if one.name == "parameters.target")
        assert (key.values, key.differs, key.declared) == (("none", "0.9"), True, True)


class OtherDeclaration(SyntheticRun):
    """The same program, whose scenario declares its work as another key of the summary."""

    def _scenario_config(self) -> dict[str, Any]:
        kinds = [{"name": "images_per_j", "title": "pictures", "key": self.key, "unit": "1/J"}]
        return super()._scenario_config() | ({"work": kinds, "repeats": "epoch"} if self.load else {})

    key = "correct"


class SameDeclaration(OtherDeclaration):
    """What the other one declares, by another key."""

    key = "images_seen_train"


def test_sides_that_declare_other_work_are_refused_though_nothing_else_differs(tmp_path: Path) -> None:
    small = Shape(loads={"cnn": dataclasses.replace(CNN["cnn"], configured=True)}, repetitions=3, duration_s=30)
    for seed, (name, kind) in enumerate({"one": OtherDeclaration, "two": SameDeclaration}.items()):
        make_campaign(tmp_path, dataclasses.replace(small, name=name, seed=seed), kind)
    both = [Part(tmp_path / "one")], [Part(tmp_path / "two")]
    with pytest.raises(AnalysisError, match=r"declared\.work\.images_per_j is correct \(one\) and images_seen_train"):
        document(*both)
    made = document(*both, differs=("declared",))
    assert [key.name for key in made.sets[0].keys if key.differs and key.kind == "work"] == [
        "declared.work.images_per_j"
    ]
    with as_before({Rule.COMPARED_DECLARATIONS}):
        assert not any(key.name.startswith("declared") for key in document(*both).sets[0].keys)


def test_what_differs_beside_the_work_is_listed_with_both_values(lab: Path) -> None:
    made = document([Part(lab / "a")], [Part(lab / "other")])
    key = next(one for one in made.sets[0].keys if one.name == "cpu")
    assert key.differs
    assert key.values == ("AMD Ryzen 7 1700 Eight-Core Processor", "another processor")
    pair = made.sets[0].pairs[0]
    assert "cpu" in pair.differing
    assert pair.iso14756.reason == "other-sut"


def test_campaigns_that_are_not_comparable_are_not_pooled(lab: Path) -> None:
    pooled = document([Part(lab / "a"), Part(lab / "b")], [Part(lab / "c")])
    first = pooled.sets[0].sides[0]
    assert (first.label, first.n_runs) == ("a+b", 12)
    energy = first.quantities["energy_wh"]
    assert present(energy.number).value == pytest.approx(np.mean(list(map(present, energy.values))))
    (between,) = first.pooled
    assert (between.first, between.second) == ("a:cnn", "b:cnn")
    alone = pair_of(document([Part(lab / "a")], [Part(lab / "b")]))
    assert between.difference.value == pytest.approx(present(alone.difference).value)
    assert pooled.sets[0].sides[1].pooled == ()
    with pytest.raises(
        AnalysisError, match=r"cannot be pooled: cpu is AMD Ryzen.* \(a:cnn\) and another processor \(other:cnn\)"
    ):
        document([Part(lab / "a"), Part(lab / "other")], [Part(lab / "c")])


def test_a_run_is_never_compared_with_itself(lab: Path) -> None:
    with pytest.raises(AnalysisError, match=r"the same run stands twice \(a:cnn and a:cnn\)"):
        document([Part(lab / "a")], [Part(lab / "a")])


def test_a_key_that_no_side_has_and_a_single_side_are_refused(lab: Path) -> None:
    with pytest.raises(AnalysisError, match=r"--differs optimiser: no side has such a key; there are: .*parameters"):
        document([Part(lab / "a")], [Part(lab / "b")], differs=("optimiser",))
    with pytest.raises(AnalysisError, match="one side alone cannot be compared"):
        document([Part(lab / "a")])


@pytest.mark.parametrize("text", ["5", "x%", "0%", "-1Wh", "200%", "nan%", "Wh", "infWh"])
def test_a_margin_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(AnalysisError, match=r"--margin .*: expected a share of the reference"):
        parse_margin(text)


def test_a_margin_is_a_share_or_an_energy() -> None:
    assert parse_margin("5%") == Margin(0.05, "1")
    assert parse_margin(".1Wh") == Margin(0.1, "Wh")
    assert parse_margin("20mWh") == Margin(0.02, "Wh")


def test_options_survive_their_json() -> None:
    options = Options(Margin(0.05, "1"), "rank", ("parameters",), ((60.0, 0.9), (120.0, 1.0)))
    assert decoded(Options, json.loads(json.dumps(encoded(options))), "options") == options
    assert decoded(Options, encoded(Options()), "options") == Options()


# --- ISO/IEC 14756 -----------------------------------------------------------------------------------------------


def test_efficiency_values_by_hand(lab: Path) -> None:
    made = document([Part(lab / "a")], [Part(lab / "b")], timeliness=((22.9, 0.5), (30.0, 1.0)))
    values = made.sets[0].pairs[0].iso14756
    (first, second) = (side.quantities for side in made.sets[0].sides)
    seconds = [np.array(side["duration_s"].values) for side in (first, second)]
    energies = [np.array(side["energy_wh"].values) for side in (first, second)]
    assert value_of(values.throughput) == pytest.approx(seconds[0].mean() / seconds[1].mean())
    assert value_of(values.energy) == pytest.approx(energies[0].mean() / energies[1].mean())
    # training is .77 of every synthetic run
    assert value_of(values.mean_execution_time) == pytest.approx(seconds[0].mean() / seconds[1].mean(), rel=1e-6)
    timely = [min(6, math.floor(np.sum(0.77 * s <= 22.9) / 0.5), int(np.sum(0.77 * s <= 30.0))) for s in seconds]
    expected = (timely[1] / seconds[1].sum()) / (timely[0] / seconds[0].sum())
    assert present(values.timely_throughput).value == pytest.approx(expected)
    without = document([Part(lab / "a")], [Part(lab / "b")]).sets[0].pairs[0].iso14756
    assert (without.timely_throughput, without.timely_throughput_reason) == (None, "no-timeliness-function")


def test_efficiency_values_invert_with_the_sides(lab: Path) -> None:
    steps = {"timeliness": ((22.9, 0.5), (30.0, 1.0))}
    here = document([Part(lab / "a")], [Part(lab / "b")], **steps).sets[0].pairs[0].iso14756
    there = document([Part(lab / "b")], [Part(lab / "a")], **steps).sets[0].pairs[0].iso14756
    for key in ("throughput", "mean_execution_time", "energy"):
        assert value_of(getattr(here, key)) * value_of(getattr(there, key)) == pytest.approx(1.0)
    assert present(here.timely_throughput).value * present(there.timely_throughput).value == pytest.approx(1.0)


def test_timely_tasks_by_hand() -> None:
    """Ten tasks: 8 within 60 s, 9 within 120 s, one later; 90 % within 60 s, all within 120 s."""
    tasks = Tasks(np.array([50.0] * 8 + [100.0, 130.0]), 1000.0)
    function = parse_timeliness("60s:90%, 120s:100%")
    assert tasks.timely(function) == 8  # min(floor(8 / .9), floor(9 / 1)), at most all
    assert Tasks(np.full(9, 10.0), 100.0).timely(((60.0, 0.9), (120.0, 1.0))) == 9
    late = Tasks(np.array([200.0]), 200.0)
    assert timely_throughput(late, tasks, function) is None
    assert timely_throughput(tasks, Tasks(np.full(4, 50.0), 250.0), function) == pytest.approx((4 / 250) / (8 / 1000))


def test_a_run_without_a_marked_training_is_a_task_as_a_whole() -> None:
    durations = np.array([10.0, 12.0])
    assert tasks_of([8.0, 9.0], durations).execution_s.tolist() == [8.0, 9.0]
    assert tasks_of([8.0, None], durations).execution_s.tolist() == [10.0, 12.0]


@pytest.mark.parametrize(
    "text", ["60:90%,120s:100%", "60s:90%", "120s:90%,60s:100%", "60s:100%,120s:90%", "x", "60s:0%,70s:100%"]
)
def test_a_timeliness_function_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(AnalysisError, match="expected SECONDSs:SHARE%"):
        parse_timeliness(text)
