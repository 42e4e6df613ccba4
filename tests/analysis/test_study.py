import gzip
import math
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.record.documents import Json
from harness.record.errors import ConfigError
from reports.results.codec import document_text
from reports.results.study import study_of as study_read
from reports.study.study import Inputs, compute
from reports.study.table import read_table
from tests.analysis.studies import (
    CORRELATION,
    HEAD,
    PARETO,
    REDUCTION,
    STUDIES,
    TABLE,
    inputs_of,
    published,
    question,
    study_of,
    written,
)
from tests.analysis.studies import document_of as made

DATA = Path(__file__).parents[1] / "data" / "delrey"
ARCHITECTURES = ("mobilenet_v2", "nasnet_mobile", "resnet50", "xception", "vgg16")


@pytest.fixture(scope="module")
def first() -> Json:
    """The study of del Rey et al. as first published."""
    return published("delrey-v1.toml")


@pytest.fixture(scope="module")
def corrected() -> Json:
    """The same as corrected by its authors."""
    return published("delrey-corrected.toml")


def part(study: Json, name: str) -> Json:
    parts = [*study["questions"], *study["correlations"], *study["reductions"], *study["pareto"]]
    return next(one for one in parts if one["name"] == name)


def test_every_printed_number_of_tables_ii_and_iii_and_of_the_text_is_reproduced_or_a_known_misprint(
    first: Json,
) -> None:
    assert first["published"] == {"n": 148, "agree": 135, "explained": 13, "differ": 0}
    for one in ("rq1-energy", "rq1-gpu", "rq1-f1", "rq2-energy", "rq2-gpu"):
        places = {claim["what"].split(".")[0] for claim in part(first, one)["published"]}
        assert places == {"shapiro", "levene", "omnibus", "effect", "median", "pair"}


def test_a_printed_number_that_is_changed_by_one_digit_is_found(tmp_path: Path) -> None:
    text = (STUDIES / "delrey-v1.toml").read_text().replace('["239.09", "2.25e-38"]', '["239.08", "2.25e-38"]')
    study = made(tmp_path, text, (DATA / "runs-v1.csv.gz").read_bytes())
    assert study["published"]["differ"] == 1
    wrong = [one for one in part(study, "rq1-energy")["published"] if not one["agrees"]]
    assert [(one["what"], one["printed"], one["erratum"]) for one in wrong] == [("omnibus.statistic", "239.08", None)]


@pytest.mark.parametrize(
    ("name", "statistic", "p", "effect", "n"),
    [
        ("rq1-energy", 239.092, 2.2514e-38, 0.8304, [30, 26, 25, 30, 29]),
        ("rq1-gpu", 133.354, 7.4639e-28, 0.9582, [30, 26, 25, 30, 29]),
        ("rq1-f1", 108.293, 1.6826e-22, 0.7725, [30, 26, 25, 30, 29]),
        ("rq2-energy", 66.470, 3.6837e-15, 0.7410, [30, 30, 30]),
        ("rq2-gpu", 79.121, 6.5936e-18, 0.8864, [30, 30, 30]),
    ],
)
def test_the_tests_of_the_paper(
    first: Json, name: str, statistic: float, p: float, effect: float, n: list[int]
) -> None:
    omnibus = part(first, name)["omnibus"]
    assert omnibus["statistic"] == pytest.approx(statistic, abs=5e-4)
    assert omnibus["p"] == pytest.approx(p, rel=5e-5)
    assert omnibus["effect"]["value"] == pytest.approx(effect, abs=5e-5)
    assert omnibus["n"] == n


@pytest.mark.parametrize(
    ("name", "rho", "p"),
    [
        ("flops-energy", 0.4303, 5.6034e-08),
        ("flops-gpu", 0.8874, 1.4950e-48),
        ("gpu-energy-local-ml", 0.9061, 3.3549e-58),
        ("gpu-energy-cloud", 0.3456, 1.4411e-05),
    ],
)
def test_the_correlations_of_the_paper_and_how_few_groups_they_rest_on(
    first: Json, name: str, rho: float, p: float
) -> None:
    one = part(first, name)
    assert one["run_level"]["effect"]["value"] == pytest.approx(rho, abs=5e-5)
    assert one["run_level"]["p"] == pytest.approx(p, rel=5e-5)
    assert one["medians"]["test"]["n"] == [5]
    assert one["medians"]["test"]["p"] > 1e-3
    assert sum(len(group["x"]) for group in one["points"]) == one["run_level"]["n"][0]


def test_flops_and_energy_do_not_go_together_on_the_medians_of_five_architectures(first: Json) -> None:
    medians = part(first, "flops-energy")["medians"]["test"]
    assert medians["effect"]["value"] == pytest.approx(0.4)
    assert medians["p"] == pytest.approx(31 / 120)  # exact, one-sided: 31 of the 120 orders of five


@pytest.mark.parametrize(
    ("name", "equal"),
    [
        ("rq1-energy", {("vgg16", "xception")}),
        ("rq1-gpu", set()),
        ("rq1-f1", {("mobilenet_v2", "nasnet_mobile"), ("mobilenet_v2", "resnet50"), ("nasnet_mobile", "resnet50")}),
        ("rq2-energy", set()),
        ("rq2-gpu", set()),
    ],
)
def test_the_pairs_of_the_paper_that_do_not_differ(first: Json, name: str, equal: set[tuple[str, str]]) -> None:
    pairs = part(first, name)["posthoc"]
    found = {tuple(sorted((pair["first"], pair["second"]))) for pair in pairs if not pair["differ"]}
    assert found == equal
    levels = len(part(first, name)["levels"])
    assert len(pairs) == levels * (levels - 1) / 2


def test_the_reductions_of_the_paper(first: Json) -> None:
    cloud, environments = part(first, "architectures-cloud"), part(first, "environments-mobilenet")
    assert cloud["largest"]["percent"] == pytest.approx(76.00, abs=5e-3)
    assert cloud["smallest"]["percent"] == pytest.approx(17.21, abs=5e-3)
    assert environments["smallest"]["percent"] == pytest.approx(47.62, abs=5e-3)
    assert environments["largest"]["percent"] == pytest.approx(80.87, abs=5e-3)
    overall = part(first, "overall")["overall"]
    assert overall["percent"] == pytest.approx(98.83, abs=6e-3)
    assert (overall["from"]["label"], overall["to"]["label"]) == ("Local N, NASNet Mobile", "Local ML, MobileNet V2")
    assert overall["beside"][0]["change"] == pytest.approx(-2.45e-3, abs=5e-6)


def test_the_known_misprints_are_named_and_nothing_else_is_excused(first: Json) -> None:
    explained = [
        (one["of"], one["what"], first["errata"][one["erratum"]]["title"])
        for table in ("questions", "correlations", "reductions")
        for each in first[table]
        for one in each["published"]
        if one["erratum"] is not None
    ]
    table_3 = ("rq2-energy", "shapiro.Local ML Engineer/Gamer.p", "Table III, p of Shapiro-Wilk for Local ML")
    times_12 = ("architectures-local-ml", "factor", "12 times less energy in Local ML")
    assert table_3 in explained
    assert times_12 in explained
    rest = {(of, title) for of, what, title in explained if (of, what, title) not in (table_3, times_12)}
    assert rest == {("rq1-f1", "Table II, rows of the F1-score")}
    pooled = part(first, "table2-f1-pooled")
    assert pooled["omnibus"]["n"] == [90, 86, 54, 60, 61]
    assert all(one["agrees"] for one in pooled["published"])


def test_the_rows_taken_out_by_eye_are_listed_with_the_value_they_were_chosen_by(first: Json) -> None:
    counts = [(rule["n"], rule["drop"]["which"], rule["drop"]["by"]) for rule in first["exclusions"]]
    assert counts == [(1, "highest", "energy"), (3, "lowest", "gpu"), (5, "lowest", "gpu"), (1, "highest", "energy"),
                      (7, "highest", "gpu")]  # fmt: skip
    assert first["exclusions"][0]["rows"][0]["value"] == pytest.approx(2.3884948)
    assert first["rows"] == {"read": 369, "left_out": 0, "excluded": 17, "used": 352}
    cell = next(c for c in first["descriptive"][0]["cells"] if c["label"] == "Local ML, MobileNet V2")
    assert (cell["n"], cell["mean"]["n"], cell["median"]["n"]) == (30, 30, 30)


def test_the_corrected_numbers(first: Json, corrected: Json) -> None:
    assert corrected["published"] == {"n": 4, "agree": 4, "explained": 0, "differ": 0}
    energy, ranks = part(corrected, "rq1-energy"), part(corrected, "rq1-energy-ranks")
    assert energy["declared"]["transform"] == "none"
    assert energy["omnibus"]["statistic"] == pytest.approx(3177.7, abs=0.05)
    assert ranks["omnibus"]["statistic"] == pytest.approx(127.048, abs=5e-4)
    assert ranks["omnibus"]["effect"]["value"] == pytest.approx(0.911, abs=5e-4)
    assert part(corrected, "overall")["largest"]["percent"] == pytest.approx(81.39, abs=5e-3)
    equal = [(pair["first"], pair["second"]) for pair in energy["posthoc"] if not pair["differ"]]
    assert equal == [("nasnet_mobile", "xception")]
    assert [level["median"]["unit"] for level in energy["levels"]] == ["J/image"] * 5
    gpu, old = part(corrected, "rq1-gpu")["omnibus"], part(first, "rq1-gpu")["omnibus"]
    assert gpu == old, "GPU usage was never wrong"


def test_the_front_of_the_corrected_study(corrected: Json) -> None:
    points = {one["label"]: one for one in part(corrected, "energy-f1")["points"]}
    assert [label for label, one in points.items() if one["on_front"]] == [
        "MobileNet V2", "NASNet Mobile", "Xception", "VGG16",
    ]  # fmt: skip
    assert points["ResNet50"]["dominated_by"] == "MobileNet V2"


def test_one_study_shows_both_with_what_both_have_beside_each_other() -> None:
    study = written(compute(inputs_of("delrey-v1.toml"), inputs_of("delrey-corrected.toml")))
    rows = {(row["of"], row["what"]): row for row in study["companion"]["rows"]}
    overall = rows["overall", "largest"]
    assert overall["here"]["value"] == pytest.approx(98.83, abs=6e-3)
    assert overall["there"]["value"] == pytest.approx(81.39, abs=5e-3)
    assert (overall["here"]["printed"], overall["there"]["printed"]) == ("98.83", "81.39")
    ranks = rows["rq1-energy-ranks", "omnibus.statistic"]
    assert ranks["here"]["value"] == pytest.approx(107.883, abs=5e-4)
    assert ranks["there"]["printed"] == "127.048"
    medians = rows["rq1-energy", "median.vgg16"]
    assert (medians["here"]["unit"], medians["there"]["unit"]) == ("kJ s/image", "J/image")
    assert study["companion"]["study"]["name"] == "delrey-corrected"


@pytest.mark.parametrize("code", ["welch", "kruskal"])
def test_a_study_is_read_again_as_it_was_written(tmp_path: Path, code: str) -> None:
    study = study_of(tmp_path, HEAD + question(code) + CORRELATION.format(method="pearson") + REDUCTION + PARETO)
    assert study_read(document_text(study)) == study


def test_the_wrong_energy_cannot_be_declared_as_an_energy(tmp_path: Path) -> None:
    text = (STUDIES / "delrey-v1.toml").read_text().replace('unit = "kJ s/image"', 'unit = "kJ/image"')
    with pytest.raises(ConfigError, match=r"energy / images is of the dimension W s\^2/image, .* is W s/image"):
        made(tmp_path, text, (DATA / "runs-v1.csv.gz").read_bytes())


def test_the_first_energy_column_is_the_sum_of_power_times_the_duration_to_the_last_digit() -> None:
    table = read_table("runs-v1.csv.gz", (DATA / "runs-v1.csv.gz").read_bytes())
    columns = [table.column(h) for h in ("total power (W)", "training duration (h)", "energy (GJ)")]
    for power, hours, energy in zip(*columns, strict=True):
        assert float(energy) == pytest.approx(float(power) * float(hours) * 3600 / 1e9, rel=1e-12)


def numbers(study: Json) -> Json:
    """Every number of a study that may not depend on where a row stands."""
    kept = {key: study[key] for key in ("rows", "factors", "responses", "descriptive", "reductions", "pareto")}
    asked = [{k: one[k] for k in ("omnibus", "posthoc", "levels")} for one in study["questions"]]
    return kept | {"questions": asked, "correlations": [one["run_level"] for one in study["correlations"]]}


def close(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(close(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(close, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-14)
    return one == other


def test_the_order_of_the_runs_changes_no_number(first: Json) -> None:
    inputs = inputs_of("delrey-v1.toml")
    header, *rows = gzip.decompress((DATA / "runs-v1.csv.gz").read_bytes()).decode().splitlines()
    random.Random(3).shuffle(rows)
    table = read_table("runs-v1.csv.gz", "\n".join([header, *rows]).encode())
    shuffled = written(compute(Inputs(inputs.path, inputs.declared, table, inputs.facts), None))
    assert close(numbers(shuffled), numbers(first))


WHOLE = HEAD + question() + question("kruskal").replace("[questions.q]", "[questions.ranks]") + REDUCTION + PARETO
SLOW = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOW
@given(factor=st.floats(1e-3, 1e3))
def test_another_unit_changes_no_test_and_no_percentage(tmp_path: Path, factor: float) -> None:
    """Energies times a factor: F, H, p, effects, decreases and the front are as before."""
    rows = [line.split(",") for line in TABLE.split()]
    scaled = "\n".join([",".join(rows[0]), *(f"{net},{float(e) * factor!r},{load}" for net, e, load in rows[1:])])
    plain, other = made(tmp_path, WHOLE), made(tmp_path, WHOLE, scaled)
    for one, same in zip(plain["questions"], other["questions"], strict=True):
        assert close(one["omnibus"], same["omnibus"])
        assert [p["differ"] for p in one["posthoc"]] == [p["differ"] for p in same["posthoc"]]
    assert close(plain["reductions"][0]["decreases"], other["reductions"][0]["decreases"])
    fronts = [[point["on_front"] for point in study["pareto"][0]["points"]] for study in (plain, other)]
    assert fronts[0] == fronts[1]


def test_the_declared_test_is_made_whatever_the_assumption_tests_say(tmp_path: Path) -> None:
    skewed = [f"{net},{(1 + k) * math.exp(i / 3)},50" for k, net in enumerate("abc") for i in range(20)]
    table = "\n".join(["net,energy,load", *skewed, ""])
    for test, name in (("welch", "welch-anova"), ("kruskal", "kruskal-wallis")):
        asked = made(tmp_path, HEAD + question(test), table)["questions"][0]
        assert all(one["test"]["p"] < 0.01 for one in asked["assumptions"]["shapiro"])
        assert asked["omnibus"]["name"] == name
        assert asked["posthoc_method"] == {"welch": "games-howell", "kruskal": "dunn-holm"}[test]


def test_assumptions_and_test_are_of_the_same_transformed_values(tmp_path: Path) -> None:
    asked = made(tmp_path, HEAD + question(transform="sqrt"))["questions"][0]
    assert asked["scale"] == "sqrt(J)"
    assert asked["assumptions"]["qq"] == []  # of four values nothing shows
    assert {one["test"]["refused"] for one in asked["assumptions"]["shapiro"]} == {"too-few"}
    assert asked["values"][0]["values"] == [10, 11, 12, 13]
    sizes = [one["test"]["n"][0] for one in asked["assumptions"]["shapiro"]]
    assert sizes == asked["omnibus"]["n"] == asked["assumptions"]["levene"]["n"] == [4, 4, 4]


def test_a_level_that_lacks_a_combination_the_others_have_carries_a_caution(first: Json) -> None:
    assert part(first, "rq1-f1")["cautions"] == []
    lacking = {name: ["Local N"] for name in ("resnet50", "vgg16", "xception")}
    assert part(first, "table2-f1-pooled")["cautions"] == [{"code": "absent-combinations", "levels": lacking}]


def test_pearson_and_partial_correlation_are_made_where_declared(tmp_path: Path) -> None:
    third = '[responses.third]\ntitle = "x"\nformula = "energy / load"\nunit = "J/%"\n'
    text = HEAD + third + CORRELATION.format(method="pearson")
    assert made(tmp_path, text)["correlations"][0]["run_level"]["name"] == "pearson"
    text = HEAD + third + CORRELATION.format(method="partial") + 'controls = ["third"]\n'
    one = made(tmp_path, text)["correlations"][0]
    assert (one["run_level"]["name"], one["controls"]) == ("partial", ["third"])
    assert one["medians"]["test"]["refused"] == "too-few"  # three groups and one control


def test_a_study_of_a_table_says_that_it_has_no_readings(first: Json) -> None:
    assert first["measurement"]["origin"] == "imported-table"


def test_every_mean_has_the_interval_of_its_number_of_runs(corrected: Json) -> None:
    table = next(one for one in corrected["descriptive"] if one["response"] == "energy")
    for cell in table["cells"]:
        found = cell["mean_interval"]
        assert found["method"] == ("bca" if cell["n"] >= 30 else "t")
        assert found["low"] < cell["mean"]["value"] < found["high"]
    assert {cell["mean_interval"]["method"] for cell in table["cells"]} == {"t", "bca"}
    assert corrected["bootstrap"] == {"samples": 9999, "seed": 1, "least": 30, "most": 200}
