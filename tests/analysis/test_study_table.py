import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from harness.record.errors import AnalysisError, ConfigError, LabError
from harness.record.levels import Level
from reports.results.document import Indicator, Results
from reports.study.file import CampaignSource
from reports.study.table import campaign_table, campaign_units, read_table
from tests.analysis.studies import CORRELATION, HEAD, PARETO, REDUCTION, TABLE, document_of, question
from tests.campaign_results import example

EVERYTHING = HEAD + question() + CORRELATION.format(method="spearman") + REDUCTION + PARETO


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", r"runs\.csv: found nothing, expected a header line"),
        (b"\n\n", r"runs\.csv: found nothing"),
        (b"net,energy,load\n", r"runs\.csv: found only a header"),
        (b"net,energy,net\na,1,2\n", r"runs\.csv:1: the column 'net' stands there twice"),
        (b"net,energy,load\na,1\n", r"runs\.csv:2: found 2 cells, expected 3"),
        (b'net,energy,load\n"a,1,2\n', r"runs\.csv:\d+: no CSV"),
        (b"net,energy,load\n\xe4,1,2\n", r"runs\.csv: not UTF-8 at byte 16"),
        (b"\x1f\x8bnothing", r"runs\.csv: a damaged gzip file"),
        (gzip.compress(TABLE.encode(), mtime=0)[:-12], r"runs\.csv: a damaged gzip file"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_its_line(content: bytes, says: str) -> None:
    with pytest.raises(AnalysisError, match=says):
        read_table("runs.csv", content)


def test_a_byte_of_damage_inside_a_gzip_file_is_a_sentence() -> None:
    packed = bytearray(gzip.compress(TABLE.encode() * 50, mtime=0))
    packed[len(packed) // 2] ^= 0xFF
    with pytest.raises(AnalysisError, match="damaged gzip"):
        read_table("runs.csv.gz", bytes(packed))


def test_a_gzipped_table_with_a_byte_order_mark_and_other_line_ends_reads_the_same(tmp_path: Path) -> None:
    other = gzip.compress(b"\xef\xbb\xbf" + TABLE.replace("\n", "\r\n").encode(), mtime=0)
    plain, packed = document_of(tmp_path, EVERYTHING), document_of(tmp_path, EVERYTHING, other)
    assert packed == plain


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("net,", "network,", r"factors\.net\.column: runs\.csv has no column 'net'; it has network, energy"),
        ("energy,load", "energie,load", r"columns\.energy\.header: runs\.csv has no column 'energy'"),
        ("a,11,51", "a,eleven,51", r"runs\.csv:3: column 'energy': found 'eleven', expected a number"),
        ("a,11,51", "a,1e31,51", r"runs\.csv:3: column 'energy': found '1e31', expected a number"),
        ("a,11,51", "a,1e-31,51", r"runs\.csv:3: column 'energy': found '1e-31'"),
        ("a,11,51", "a,inf,51", r"runs\.csv:3: column 'energy': found 'inf'"),
        ("a,11,51", "a,\"1,5\",51", r"runs\.csv:3: column 'energy': found '1,5'"),
        ("a,11,51", "a,1_1,51", r"runs\.csv:3: column 'energy': found '1_1'"),
        ("b,20,60", "b,20,x", r"runs\.csv:6: column 'load': found 'x'"),
    ],
)  # fmt: skip
def test_a_bad_cell_or_column_is_a_sentence_with_its_place(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(LabError, match=says):
        document_of(tmp_path, EVERYTHING, TABLE.replace(old, new))


@pytest.mark.parametrize("cell", ["", "NaN", "nan", "NA", "n/a", "null", "None"])
def test_a_row_with_a_missing_response_is_listed_and_used_for_the_others(tmp_path: Path, cell: str) -> None:
    study = document_of(tmp_path, EVERYTHING, TABLE.replace("a,11,51", f"a,{cell},51"))
    assert [(one["line"], one["reason"], one["column"]) for one in study["left_out"]] == [(3, "missing", "energy")]
    assert [one["n"] for one in study["responses"]] == [11, 12]
    assert study["questions"][0]["omnibus"]["n"] == [3, 4, 4]
    assert study["correlations"][0]["run_level"]["n"] == [11]
    assert study["rows"] == {"read": 12, "left_out": 0, "excluded": 0, "used": 12}


def test_a_level_that_nobody_declared_is_listed_not_pooled(tmp_path: Path) -> None:
    study = document_of(tmp_path, EVERYTHING, TABLE + "d,1,1\n,2,2\n")
    found = [(one["line"], one["reason"], one["column"], one["found"]) for one in study["left_out"]]
    assert found == [(14, "level-not-declared", "net", "d"), (15, "level-not-declared", "net", None)]
    assert study["questions"] == document_of(tmp_path, EVERYTHING)["questions"]


def test_a_response_that_no_measurement_gives_is_a_sentence_with_its_line(tmp_path: Path) -> None:
    text = HEAD.replace('formula = "energy"\nunit = "J"', 'formula = "energy / load"\nunit = "J"')
    with pytest.raises(AnalysisError, match=r"runs\.csv:3: response 'energy' \(energy / load\) is 1e\+42, which no"):
        document_of(tmp_path, text, TABLE.replace("a,11,51", "a,1e20,1e-20"))


def test_a_division_by_nothing_is_a_missing_response(tmp_path: Path) -> None:
    text = HEAD.replace('formula = "energy"\nunit = "J"', 'formula = "energy / load"\nunit = "J"') + question()
    study = document_of(tmp_path, text, TABLE.replace("a,11,51", "a,11,0"))
    assert [(one["line"], one["reason"]) for one in study["left_out"]] == [(3, "missing")]


def test_rules_of_exclusion_apply_in_order_and_list_what_they_take(tmp_path: Path) -> None:
    rules = """
[[exclusions]]
reason = "one too hungry"
where = { net = ["a", "b"] }
drop = 1
which = "highest"
by = "energy"
[[exclusions]]
reason = "idle"
below = { load = 42.0 }
"""
    study = document_of(tmp_path, EVERYTHING + rules)
    taken = [[(row["line"], row["value"], row["unit"]) for row in rule["rows"]] for rule in study["exclusions"]]
    assert taken == [[(9, 25.0, "J")], [(10, None, None), (12, None, None)]]
    assert [rule["n"] for rule in study["exclusions"]] == [1, 2]
    assert study["exclusions"][0]["rows"][0]["cell"] == {"levels": {"net": "b"}, "label": "b"}
    assert study["rows"] == {"read": 12, "left_out": 0, "excluded": 3, "used": 9}


def test_a_rule_that_takes_more_than_there_is_is_refused(tmp_path: Path) -> None:
    rule = '[[exclusions]]\nreason = "x"\nwhere = { net = ["a"] }\ndrop = 5\nwhich = "lowest"\nby = "load"\n'
    with pytest.raises(ConfigError, match=r"exclusions\[0\]\.drop: found 5, but only 4 runs match"):
        document_of(tmp_path, EVERYTHING + rule)


@pytest.mark.parametrize(
    ("table", "refused"),
    [
        ("net,energy,load\na,1,2\nb,3,4\n", "too-few"),
        ("net,energy,load\n" + "a,1,2\na,2,1\na,3,2\na,4,1\n", "one-level"),
        ("net,energy,load\n" + "".join(f"{net},7,{i}\n" for net in "abc" for i in range(5)), "constant"),
    ],
)
def test_what_cannot_be_tested_is_refused_with_a_code_and_the_rest_is_there(
    tmp_path: Path, table: str, refused: str
) -> None:
    study = document_of(tmp_path, EVERYTHING, table)
    omnibus = study["questions"][0]["omnibus"]
    assert (omnibus["refused"], omnibus["statistic"], omnibus["p"]) == (refused, None, None)
    assert all(pair["differ"] is None for pair in study["questions"][0]["posthoc"])
    assert sum(cell["n"] for cell in study["descriptive"][0]["cells"]) == study["rows"]["used"]


def test_equal_values_everywhere_have_no_ranks(tmp_path: Path) -> None:
    table = "net,energy,load\n" + "".join(f"{net},7,8\n" for net in "abc" for _ in range(5))
    study = document_of(tmp_path, HEAD + question("kruskal") + CORRELATION.format(method="spearman"), table)
    assert study["questions"][0]["omnibus"]["refused"] == "ties-only"
    assert study["correlations"][0]["run_level"]["refused"] == "ties-only"
    assert study["correlations"][0]["fit"] is None


def test_more_than_5000_values_are_too_many_for_shapiro_and_not_for_the_test(tmp_path: Path) -> None:
    rows = [f"a,{100 + i % 977},{i % 90}" for i in range(5001)] + [f"b,{120 + i % 31},{i % 80}" for i in range(40)]
    study = document_of(tmp_path, HEAD + question(), "\n".join(["net,energy,load", *rows, ""]))
    first, second = study["questions"][0]["assumptions"]["shapiro"]
    assert (first["test"]["refused"], second["test"]["refused"]) == ("too-many", None)
    assert study["questions"][0]["omnibus"]["refused"] is None
    assert len(study["questions"][0]["assumptions"]["qq"][0]["ordered"]) == 501


@pytest.mark.parametrize(("transform", "value"), [("sqrt", "-1"), ("log", "0")])
def test_a_transform_that_a_value_does_not_have_is_refused_not_made_nan(
    tmp_path: Path, transform: str, value: str
) -> None:
    study = document_of(tmp_path, HEAD + question(transform=transform), TABLE.replace("a,11,51", f"a,{value},51"))
    asked = study["questions"][0]
    assert asked["omnibus"]["refused"] == "transform-domain"
    assert asked["assumptions"] == {"shapiro": [], "qq": [], "levene": None}
    assert asked["posthoc"] == []


def test_a_median_of_nothing_allows_no_percentage(tmp_path: Path) -> None:
    study = document_of(tmp_path, HEAD + REDUCTION, TABLE.replace("c,5,", "c,-5,").replace("c,6,", "c,-6,"))
    assert study["reductions"][0]["refused"] is None  # the median of c is 1: half of it above
    study = document_of(tmp_path, HEAD + REDUCTION, TABLE.replace("c,", "c,-"))
    assert study["reductions"][0]["refused"] == "not-positive"
    assert study["reductions"][0]["decreases"] == []


def test_a_campaigns_number_without_a_unit_gets_one_under_another_name(tmp_path: Path) -> None:
    images = HEAD.replace(
        'load = { header = "load", unit = "%" }', 'images = { header = "final.seen", unit = "image" }'
    )
    text = images.replace('formula = "load"\nunit = "%"', 'formula = "energy / images"\nunit = "mJ/image"')
    study = document_of(tmp_path, text, TABLE.replace("load", "final.seen"), units={"final.seen": "1"})
    assert study["responses"][1]["reduced"] == "J/image"
    assert study["descriptive"][1]["cells"][0]["greatest"]["value"] == pytest.approx(13 / 52 * 1000)
    wrong = text.replace("images = {", '"final.seen" = {').replace("/ images", "/ final.seen")
    with pytest.raises(ConfigError, match=r"columns\.final\.seen\.unit: found 'image', the campaigns have it in '1'"):
        document_of(tmp_path, wrong, TABLE.replace("load", "final.seen"), units={"final.seen": "1"})


def measuring(*indicators: tuple[str, str, str]) -> Results:
    """A campaign without runs whose agent told these indicators: name, unit, method."""
    told = tuple(Indicator(name, "", unit, method, "gauge") for name, unit, method in indicators)
    return replace(example(), indicators=told, runs=(), scenarios={})


def test_a_campaigns_table_has_the_units_of_its_results() -> None:
    run = replace(example().runs[0], final_metrics={"f1": 0.9, "reached": True, "data": {}})
    scenario = replace(example().scenarios["cnn"], parameters={"epochs": 4})
    results = replace(measuring(("cpu_percent", "%", "")), runs=(run,), scenarios={"cnn": scenario})
    units = campaign_units([results])
    assert units["induced_energy_wh"] == "Wh"
    assert units["indicator.cpu_percent"] == "%"
    assert units["final.f1"] == units["parameter.epochs"] == "1"
    with pytest.raises(AnalysisError, match=r"indicator\.cpu_percent is in % in one campaign and in 1 in another"):
        campaign_units([results, measuring(("cpu_percent", "1", ""))])
    assert "final.reached" not in units
    assert "final.data" not in units
    units = campaign_units([measuring(("disk_read_kb", "kB", ""), ("net_sent_kib_per_s", "KiB/s", ""))])
    assert (units["indicator.disk_read_kb"], units["indicator.net_sent_kib_per_s"]) == ("kB/s", "KiB/s")


PSUTIL = "psutil.virtual_memory().used / 1024 (psutil {})"


@pytest.mark.parametrize(
    ("one", "other", "refused"),
    [
        ("collectl [MEM]Used", PSUTIL.format("7.2.2"), True),
        (PSUTIL.format("5.9.4"), PSUTIL.format("7.2.2"), True),
        (PSUTIL.format("7.1.0"), PSUTIL.format("7.2.2"), False),
    ],
)
def test_memory_of_older_campaigns_is_one_column_only_where_it_is_one_quantity(
    one: str, other: str, refused: bool
) -> None:
    results = [measuring(("ram_used_kb", "KiB", method)) for method in (one, other)]
    if refused:
        with pytest.raises(AnalysisError, match=r"ram_used_kb is .* in one campaign and total - available in another"):
            campaign_units(results)
    else:
        assert campaign_units(results)["indicator.ram_used_kb"] == "KiB"


def test_the_work_that_programs_marked_is_a_column() -> None:
    run = replace(example().runs[0], kind="scenario", scenario="cnn", included=True)
    results = replace(example(), runs=(replace(run, work={"tokens": 512.0}), run))
    assert campaign_units([results])["work.tokens"] == "1"
    table = read_table("runs.csv", campaign_table("s", {"c": (CampaignSource(folder="c"), results)}).encode())
    assert table.column("work.tokens") == ["512.0", ""]


def test_the_levels_of_a_campaigns_cells_are_columns_of_their_own() -> None:
    cells: dict[str, dict[str, Level] | None] = {
        "cnn.size-16": {"size": 16, "rate": 0.5, "deep": True, "net": "a b"},
        "cnn.size-32": {"size": 32, "rate": 1.0, "deep": False, "net": "c"},
        "idle": None,
    }
    run, scenario = example().runs[0], example().scenarios["cnn"]
    runs = tuple(replace(run, kind="scenario", scenario=name, included=True) for name in cells)
    scenarios = {name: replace(scenario, cell=cell) for name, cell in cells.items()}
    results = replace(example(), runs=runs, scenarios=scenarios)
    table = read_table("runs.csv", campaign_table("s", {"c": (CampaignSource(folder="c"), results)}).encode())
    levels = {name: table.column(f"factor.{name}") for name in ("size", "rate", "deep", "net")}
    assert levels == {
        "size": ["16", "32", ""], "rate": ["0.5", "1.0", ""], "deep": ["true", "false", ""], "net": ["a b", "c", ""],
    }  # fmt: skip
    results = replace(results, scenarios={name: replace(part, cell=None) for name, part in scenarios.items()})
    assert "factor" not in campaign_table("s", {"c": (CampaignSource(folder="c"), results)})
