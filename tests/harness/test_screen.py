"""What stands on a terminal: nothing is cut at any width, numbers and fingerprints stay whole, a table has one look."""

import argparse
import ast
import contextlib
import io
import json
import math
import re
import shlex
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from harness import cli
from harness.attest.receipts import Receipt
from harness.attest.signer import OTHER_KEY, UNSIGNED
from harness.cli import (
    archive,
    archive_energies,
    archive_questions,
    archive_regression,
    check,
    compare,
    estimate,
    estimate_fit,
    estimate_predict,
    fleet,
    meter,
    meter_check,
    plan,
    progress,
    qualify,
    report,
    run,
    study_plan,
    study_report,
    verify,
    witness,
)  # fmt: skip
from harness.cli.called import as_called, reads
from harness.cli.estimate_predict import Energy, ToldTraining
from harness.cli.network import NetworkMeter, network_sheet
from harness.cli.ports import ports_sheet
from harness.cli.run import CONTINUES
from harness.cli.screen import LONGEST_WORD, Column, Sheet, columns, say
from harness.evidence.statement import AFTER
from harness.evidence.verification import NOT_MEASURED
from harness.evidence.verifier import Outcome
from harness.fleet.station_report import MeterStanding, StationReport
from harness.measure.observer import observer_scenarios
from harness.measure.plan import PlannedRun
from harness.measure.ranging import Found
from harness.measure.reason import Reason
from harness.record.documents import VERSION
from harness.record.verify import Check
from meters.reading import Description, Identity, Origin, RangeChoice, Reading
from meters.registry import DRIVERS
from reports.energy import selftest
from reports.inference.planning import Wanted
from reports.pages.budgets import assumed
from reports.results.compared_pair import ComparedPair
from reports.results.comparison import ComparedSet
from reports.results.estimation import Assessment, Score, ScoredEstimator, ScoredProxy
from reports.results.finding_kinds import KINDS
from reports.results.inference import Effect, Test
from reports.results.pre_model import FittedTarget, ModelScore, PreModel
from reports.results.prediction import PredictionResult, PredictionScore, PredictionSplit
from reports.results.study import FactorResult, ResponseDefinition, StudyResult
from reports.results.uncertainty import Estimate, Number, t_quantile
from tests.campaign_results import read
from tests.reports import qualifications
from tests.reports.comparisons import comparison
from tests.reports.make_campaign import LOADS, Shape, make_campaign

ROOT = Path(__file__).resolve().parents[2]
CLI = ROOT / "harness" / "cli"
WIDTHS = (60, 80, 120)
LONG = "transfer-learning-with-a-frozen-body-and-codecarbon-beside-it"
FOLDER = "20261128T134901Z-r01-fa79ffa8"
FINGERPRINT = "SHA256:B5YmZGn86C85JuP73bHWvSrgSQHIBF6mszYodJq7Xw0"
HEAD = "5161ad4b6d7534990a1b2c3d4e5f60718293a4b5c6d7e8f90123456789abcdef"


def shown(sheet: object, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(sheet)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def squeezed(text: str) -> str:
    return "".join(text.split())


def example() -> dict[str, Any]:
    """Results with a long name and numbers of many digits."""
    results: dict[str, Any] = json.loads((ROOT / "tests" / "data" / "results-example.json").read_text())
    results["scenarios"] = {LONG: results["scenarios"]["cnn"], "idle": results["scenarios"]["idle"]}
    for scenario in results["scenarios"].values():
        scenario["energy_wh"] |= {"value": 123456.789, "u": 0.0123 / t_quantile(math.inf), "U": 0.0123, "dof": None}
    return results


def pair() -> tuple[ComparedSet, ComparedPair]:
    def long(value: float, unit: str = "Wh") -> Number:
        return Number(Estimate(value, abs(value) / 2e5, math.inf), unit, n=3)

    (of_set,) = comparison().sets
    sides = tuple(
        replace(side, label=f"{LONG}:{side.label}", n_runs=3, quantities={
            name: replace(quantity, number=long(123456.789)) for name, quantity in side.quantities.items()
        })
        for side in of_set.sides
    )  # fmt: skip
    quantities = {
        name: replace(quantity, difference=long(-23456.789), ratio=long(0.987654321, "1"))
        for name, quantity in of_set.pairs[0].quantities.items()
    }
    return replace(of_set, name=LONG, sides=sides), replace(of_set.pairs[0], quantities=quantities)


def declared_tests() -> list[tuple[str, Test]]:
    effect = Effect("partial-eta-squared", 0.83, (0.713, 0.873), "large")
    test = Test("welch-anova", 239.0912345, "F", (4.0, 63.07), 2.25e-38, (30, 30), effect, None)
    refused = Test("welch-anova", None, "F", (), None, (1, 1), None, "too-few")
    return [(LONG, test), ("few", refused), ("flops-energy", test)]


def planned_study() -> study_plan.PlannedStudy:
    """A cell whose runs are known, and one whose are not."""
    cell = study_plan.PlannedCell(
        scenario=LONG, table="train", cell=None, runs=30, left=9, each_s=600.0, each_wh=1.3667, known_by="runs"
    )
    unknown = replace(cell, scenario="b", each_s=None, each_wh=None, known_by="not-known")
    place = study_plan.PlannedEnvironment(
        name=LONG, title="", lab="", sut="", folder="", cells=(cell, unknown), runs=(), given_up=(), lacking=()
    )
    return study_plan.PlannedStudy(
        study="s", seed=1, environments=(place,), runs=60, left=18, left_hours=1.5, left_wh=12.3, unknown_length=9,
        unknown_energy=9,
    )  # fmt: skip


def predicting() -> StudyResult:
    """As much of a study as its predictions are shown of."""
    score = PredictionScore("kernel-ridge", None, 111, 48.1234, 35.0, 6.7, 0.975)
    splits = (PredictionSplit((), 1, (score,), None), PredictionSplit(("net",), 12, (score,), None))
    part = PredictionResult(LONG, LONG, "power", (), None, "energy", (), 369, 1, splits, "kernel-ridge")
    factor = FactorResult("net", "Network", "net", ())
    response = ResponseDefinition("energy", "Energy", "energy", "kJ", "kJ", None, None, 369)
    return cast("StudyResult", SimpleNamespace(predictions=(part,), factors=(factor,), responses=(response,)))


def assessment() -> Assessment:
    """One estimator that was scored, and one that no training carried."""
    score = Score(12, 12345.6, 9000.0, 3.21, 2500.0, 0.99, 12, 11)
    scores = (ScoredEstimator("step-epoch", "known", score, 0), ScoredEstimator("mlco2", "predicted", None, 12))
    proxies = (ScoredProxy("tdp-use-time", "configuration", score, 0), ScoredProxy("flops", "machine", None, 12))
    return Assessment("meter", ("sut-ac-inlet (emulated)",), ("emulated",), 10, 5, scores, proxies, 9, (), (), {})


def fitted() -> PreModel:
    """A model with one score, and one that could not be fitted."""
    scores = (
        ModelScore("kernel-ridge", "configuration", None, Score(12, 48120.0, 3100.0, 4.2, 0.0, 0.975, 0, 0)),
        ModelScore("svr", "machine", "too-few-runs", None),
    )
    targets = {"epoch": FittedTarget("kernel-ridge", {}, 0.05, 6, scores)}
    return cast("PreModel", SimpleNamespace(targets=targets))


def test_a_caption_says_u_only_where_one_stands() -> None:
    assert str(report.results_sheet(read(example())).caption).startswith("mean ± U (95 %)")
    single = json.loads(json.dumps(example()))
    for scenario in single["scenarios"].values():
        for name in ("mean_power_w", "energy_wh", "induced_energy_wh"):
            scenario[name] = scenario[name] and scenario[name] | {"u": None, "U": None}
    assert report.results_sheet(read(single)).caption == "no ± U: one run alone does not show how far runs differ"


def test_meters_of_one_kind_are_told_together() -> None:
    meters: list[Any] = [{"meter": f"gpu{nth}", "assumed_percent": 3.0, "tier": None} for nth in range(3)]
    meters.append({"meter": "wall", "assumed_percent": 1.0, "tier": "working"})
    said = assumed(read({"meters": meters}).meters, ["gpu0", "gpu1", "gpu2", "wall"])
    assert said == (
        "gpu0, gpu1, gpu2, so U assumes ±\u202f3\u202f% of the reading (a meter of unknown kind); "
        "wall, so U assumes ±\u202f1\u202f% of the reading (an instrument of the working tier)"
    )


def every_sheet() -> Iterator[tuple[str, Sheet, tuple[str, ...]]]:
    """Each table of the command line with long names, and what has to stand whole in it."""
    yield "report", report.results_sheet(read(example())), ("123.456789 ± 0.000012", "mean power")
    yield "compare", compare.pair_sheet(*pair()), ("123.4568 ± 0.0012", "n = 3", "ratio")
    yield "study", study_report.tests_sheet(declared_tests()), ("F = 239.09", "2.25e-38", "welch-anova")
    yield "study plan", study_plan.study_sheet(planned_study()), ("1.5 h", "12.3", "all left")
    yield "study, predictions", study_report.predictions_sheet(predicting()), ("48.12", "0.975", "not seen")
    yield "estimate", estimate.scores_sheet(assessment()), ("12.35", "+2.5", "STEP")
    proxies = estimate.proxies_sheet(assessment())
    assert proxies is not None
    yield "estimate, proxies", proxies, ("12.35", "+2.5", "TDP")
    yield "estimate, fit", estimate_fit.models_sheet(fitted()), ("48.12", "0.975", "not seen")
    told = ToldTraining(LONG, 30, (), 123.4, 0.0125, Energy(12.5, 0.25), None)
    yield "estimate, predict", estimate_predict.told_sheet((told,)), ("12.5 ± 0.25", "0.0125", "30")
    yield "qualify", qualify.meters_sheet(qualifications.example()), ("65.71 ± 0.75", "0.420 ± 0.086")
    checks = [
        Check(FOLDER, "seal", False, f"signed with another key, {FINGERPRINT}; {FINGERPRINT} was given"),
        Check(f"derived/{LONG}.json", "results", False, "baseline.u is 0.000113200442079915, recomputed 5.775638e-05"),
        Check("study", "chain", True, "10 entries"),
    ]
    yield "verify, passed", verify.groups_sheet(checks[2:]), ("bytes, seals and chain", "pass")
    yield "verify", verify.checks_sheet(checks), (FINGERPRINT, "0.000113200442079915", "5.775638e-05", "FAIL")
    planned = [
        PlannedRun(ordinal=nth, kind="scenario", scenario=LONG, repetition=nth, seed=2072331667, block=None)
        for nth in (1, 10)
    ]
    yield "plan", plan.runs_sheet(planned, "Campaign c, seed 20261121"), ("2072331667", "scenario")
    cells = [replace(observer_scenarios(5.0)[0], name=LONG, cell={"size": 10485760, "deep": True}, repetitions=30)]
    yield "plan, cells", plan.cells_sheet(cells), ("scenario", "size", "deep")
    sizes = [("baseline", "5", "153"), (LONG, "3", run.UNREACHABLE["too-many"])]
    yield "plan --half-width", plan.sizes_sheet(sizes, Wanted(0.05, 0.9, 99, 99, keeps_pilot=False)), ("153", "±5 %")
    choice = RangeChoice("current_range_a", "current_a", "auto", (0.5, 1.0, 20.0))
    ranges = [Found(f"wall-{LONG}", choice, 12.34567, 0, 20.0), Found("gpu", choice, 123.4, 3, None)]
    yield "run --ranging", run.ranges_sheet(ranges), ("12.35", "13.58", "current_a")
    ports = [{"port": f"/dev/serial/by-id/usb-{LONG}-if00-port0", "serial number": "0123456789", "answers": "EMULATED"}]
    yield "meter list", ports_sheet(ports, probed=True), ("0123456789", "EMULATED")
    found = NetworkMeter(
        "shelly", "http://192.168.1.20:8081", LONG, "mDNS", None, None, ("its password",), "[meters.shelly]"
    )
    yield "meter list --network", network_sheet([found]), ("http://192.168.1.20:8081", "mDNS")
    yield "meter drivers", meter.drivers_sheet(list(DRIVERS)), (*DRIVERS, "115200")
    yield "meter drivers NAME", meter.options_sheet(DRIVERS["wattsup"].options), tuple(DRIVERS["wattsup"].options)
    grades = [selftest.Check("resolution", "bad", f"{LONG}: 102.9471 W, sd 0.0321 W", {})]
    yield "meter check", meter_check.grades_sheet(grades), ("102.9471", "0.0321", "bad")
    statement = {"name": LONG, "event": "run-begin", "folder": FOLDER, "head": HEAD}
    receipts = [Receipt(b"", 0, "", "2026-11-28T13:49:01Z", FINGERPRINT, 1, None, statement)]
    archived = [
        archive.ArchivedCampaign(
            campaign=LONG, customer="", begun_utc="2026-11-28T13:49:01Z", runs=120, rows=123456789, bytes=98765432,
            verdict="not-certifiable", sealed_files=True,
        )
    ]  # fmt: skip
    yield "archive list", archive.archived_sheet(archived), ("123456789", "98.8", "2026-11-28")
    answer = pa.table({"campaign": [LONG], "energy_wh": [123.456789], "runs": [2072331667]})
    released = archive_regression.MeasuredRelease(
        release="2.4.1-of-the-night-2026-11-28", campaign="nightly-2026-11-28", n_runs=30, energy_wh=12.3456789,
        U_energy_wh=0.123456,
    )  # fmt: skip
    yield "archive regression", archive_regression.releases_sheet((released,), "energy_wh"), ("12.346", "0.12346")
    yield "archive query", archive_questions.answer_sheet(answer), ("123.457", "2072331667")
    line = fleet.FleetLine(
        station=LONG, campaign=f"campaigns/{LONG}.toml", ordinal=207233, scenario=LONG, repetition=16, is_made=True
    )
    yield "fleet plan", fleet.plan_sheet([line]), ("207233", "16", "made")
    tried = MeterStanding(
        name=LONG, driver="wattsup", circuit="sut-ac-inlet", instrument=None, certificate="2026-09/123456",
        expires="2027-01-12", check_load="2026-11-28T13:49:01Z", passed=False,
    )  # fmt: skip
    station = StationReport(
        station=LONG, lab="/srv/lab.toml", machine="bench-host", software="0.2.0", certificate_until="2027-12-01",
        meters=(tried,), refused=None, underway=None,
    )  # fmt: skip
    yield "fleet status", fleet.station_sheet(station), ("2026-11-28", "2027-01-12", "FAILED")
    energy = archive_energies.IntervalEnergy(
        interval=LONG, begin_utc_ns=1_795_248_436_000_000_000, end_utc_ns=1_795_252_036_000_000_000, meter="wall",
        circuit="sut-ac-inlet", provenance="instrument", energy_wh=123.456789, not_covered_s=12.3456789,
    )  # fmt: skip
    yield (
        "archive energies",
        archive_energies.energies_sheet((energy,)),
        ("123.457", "12.3457", "2026-11-21", "instrument"),
    )
    yield "witness show", witness.receipts_sheet(receipts), ("2026-11-28T13:49:01Z", FINGERPRINT)


SHEETS = {name: (sheet, whole) for name, sheet, whole in every_sheet()}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", SHEETS)
def test_no_table_cuts_a_name_or_breaks_a_number(name: str, width: int) -> None:
    sheet, whole = SHEETS[name]
    text = shown(sheet, width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    assert [part for part in whole if part not in text] == []
    words = [word for row in sheet.rows for cell in row for word in str(cell).split()]
    assert [word for word in words if len(word) <= LONGEST_WORD and word not in text] == []
    assert [
        word for word in words if len(word) <= width and word.strip("0123456789abcdef") == "" and word not in text
    ] == []


def test_every_table_of_the_command_line_is_the_one_helpers_and_is_tried_here() -> None:
    sources = {path.name: path.read_text() for path in CLI.glob("*.py")}
    assert [name for name, text in sources.items() if re.search(r"\bTable\b", text)] == ["screen.py"]
    made = sum(len(re.findall(r"^def \w+_sheet\(", text, re.MULTILINE)) for text in sources.values())
    assert made == len(SHEETS)
    assert "isprintable" not in "".join(sources.values())


cell = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=40),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda value: f"{value:.9g} ± {abs(value) / 7:.2g}"),
)


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(st.lists(cell, min_size=4, max_size=4), min_size=1, max_size=4), width=st.integers(30, 140))
def test_whatever_a_cell_holds_no_character_of_a_number_is_lost(rows: list[list[str]], width: int) -> None:
    sheet = Sheet([Column("name"), Column("energy\nWh", number=True), Column("U", number=True), Column("said")], rows)
    text = shown(sheet, width)
    words = [word for row in rows for cell in row for word in cell.split() if word.isascii()]
    assert [word for word in words if len(word) <= LONGEST_WORD and word not in text] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_not_in_order_is_listed_and_its_fingerprint_is_whole(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    told = f"it shows ssh-ed25519 {FINGERPRINT}; compare that at the SUT"
    reasons = [Reason("ok", f"line {nth}", "in order") for nth in range(18)]
    reasons += [Reason("unknown", f"question {nth}", "nobody knows") for nth in range(7)]
    reasons += [Reason("refuse", "SUT 127.0.0.1:22", told), Reason("warn", "swap", "12.5 % of it is in use")]
    check.show(reasons)
    short = capsys.readouterr().out
    assert short.startswith("18 ok, 7 not known (`wattlab check --all` lists them)\n")
    assert FINGERPRINT in short
    assert "12.5 %" in short
    assert "in order" not in short
    check.show(reasons, everything=True)
    full = capsys.readouterr().out
    assert full.startswith("18 ok, 7 not known\n")
    assert (full.count("in order"), full.count("nobody knows")) == (18, 7)


@pytest.mark.parametrize(
    ("check_", "meaning"),
    [
        (Check(FOLDER, "bytes", False, "readings-wall.csv changed"), "is not as it was measured"),
        (Check(FOLDER, "seal", False, "the signature is not one of this manifest"), "is not as it was measured"),
        (Check("c", "signed log", False, "campaign.jsonl is not the signed one"), "is not as it was measured"),
        (Check("c", "planned", False, "r01 was never planned"), "is not as it was measured"),
        (Check("derived/results.json", "results", False, "a is 1, recomputed 2"), "do not follow from what was"),
        (Check("c", "signed documents", False, "report.html is not the signed file"), "anew after it was signed"),
        (Check("c", "signed notes", False, f"1 line of annotations.jsonl {AFTER}"), "anew after it was signed"),
        (Check(FOLDER, "seal", False, f"{OTHER_KEY}, {FINGERPRINT}; {HEAD} was given"), "with another key"),
        (Check(FOLDER, "seal", False, f"its seal is {UNSIGNED}; {FINGERPRINT} was to sign it"), "is not signed, or"),
        (Check("c", "planned", False, f"1 of 2 planned runs ...; {NOT_MEASURED}"), "lacks planned runs"),
        (Check("c", "validity", False, "invalid: gap (r1)"), "is invalid by its own findings"),
    ],
)  # fmt: skip
def test_each_kind_of_failed_check_has_its_own_meaning_and_remedy(check_: Check, meaning: str) -> None:
    first, *rest = verify.in_words(Path("runs/c"), [check_])
    assert meaning in first
    assert (rest == []) == meaning.startswith(("is not as it was measured", "is not signed", "lacks planned runs"))


def test_what_failed_is_the_last_that_verify_says_and_the_same_fault_of_many_runs_stands_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [Check(f"run-{nth}", "seal", False, f"{OTHER_KEY}, {FINGERPRINT}; {HEAD} was given") for nth in range(9)]
    checks = [*runs, *(Check(f"run-{nth}", "bytes", True, "9 files") for nth in range(9))]
    monkeypatch.setattr(verify, "_outcome", lambda *_: Outcome(checks, ["Nothing proves who made this campaign."]))
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.main(["verify", "runs/c"]) == 3
    out = capsys.readouterr().out
    places = [out.index(words) for words in ("pass", "Nothing proves", FINGERPRINT, "9 of 18 checks FAILED.")]
    assert places == sorted(places)
    assert (out.count(FINGERPRINT), out.count("9 of 9")) == (1, 1)
    assert cli.main(["verify", "runs/c", "--all"]) == 3
    out = capsys.readouterr().out
    assert "another key than the one that was given (9 checks: seal)" in " ".join(out.split())
    assert out.count(FINGERPRINT) == 9
    assert "run-8" in out


def test_what_passed_is_a_line_for_each_group_and_all_of_it_on_demand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = make_campaign(tmp_path, Shape(name="c", loads={"cnn": LOADS["cnn"]}, baseline_blocks=3, duration_s=10))
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.main(["verify", str(campaign)]) == 0
    said = capsys.readouterr().out
    assert len(said.splitlines()) < 20
    rows = [line.split() for line in said.splitlines() if line.rstrip().endswith("pass")]
    assert cli.main(["verify", str(campaign), "--json"]) == 0
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert sum(int(row[-2]) for row in rows) == len(checks) > 50
    assert "origin: meter wall: emulated." in said
    assert cli.main(["verify", str(campaign), "--all"]) == 0
    assert capsys.readouterr().out.count("pass") > len(checks)
    assert {check["name"] for check in checks} >= {"chain", "bytes", "wire", "origin"}
    unplaced = {verify._group_of(Check(**check)) for check in checks} - verify.GROUPS.keys()
    assert unplaced <= {"validity"}


@pytest.mark.parametrize("commit", ["a" * 40, None])
def test_a_difference_of_other_software_names_both_commits_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], commit: str | None
) -> None:
    (tmp_path / "derived").mkdir()
    wrote = {"name": "wattlab", "version": VERSION} | ({} if commit is None else {"commit": commit, "dirty": False})
    (tmp_path / "derived" / "results.json").write_text(json.dumps({"computed_by": wrote}))
    wrong = Check("derived/results.json", "results", False, "a is 1, recomputed 2")
    monkeypatch.setattr(verify, "_outcome", lambda *_: Outcome([wrong], []))
    monkeypatch.setattr(
        "harness.station.provenance.software_facts", lambda _: wrote | {"commit": "b" * 40, "dirty": False}
    )
    assert cli.main(["verify", str(tmp_path)]) == 3
    out = " ".join(capsys.readouterr().out.split())
    then = f", commit {commit}; " if commit else ", which did not say of which commit; "
    assert f"was written by wattlab {VERSION}{then}this is wattlab {VERSION}, commit {'b' * 40}." in out
    assert (f"worktree add {ROOT}-aaaaaaaa {commit}`" in out) == (commit is not None)
    assert "verify it with" in out


@pytest.mark.parametrize("width", WIDTHS)
def test_a_port_stays_whole_and_what_no_port_says_has_no_column(width: int) -> None:
    port = f"/dev/serial/by-id/usb-{LONG[:20]}-if00-port0"
    text = shown(ports_sheet([{"port": port, "answers": "wattsup: Watts up? PRO: instrument"}], probed=True), width)
    assert port in text
    assert "maker" not in text


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("count", [1, 3, 90])
def test_the_line_of_meter_read_fits_the_terminal(count: int, width: int) -> None:
    readings = [Reading(nth, 100.0 + nth % 7) for nth in range(count)]
    lines = meter._line(readings, width).split("\n")
    assert max(map(len, lines)) <= width
    assert f"n {count} mean 10" in lines[-1]


def test_meter_read_prints_a_header_and_ends_with_130_at_ctrl_c(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Plug:
        def identify(self) -> Identity:
            return Identity("M", "X1", "7", "")

        def origin(self) -> Origin:
            return Origin("emulated", {})

        def describe(self) -> Description:
            return Description("wattsup", "window", 1.0, "end", 0.0, (), "indicative")

        def read(self, _: float) -> Reading:
            if calls.pop():
                raise KeyboardInterrupt
            return Reading(5, 101.5)

    calls = [True, False]
    monkeypatch.setattr(meter, "opened", lambda _: contextlib.nullcontext(("wattsup", Plug())))
    monkeypatch.setattr(meter, "say_remarks", lambda *_: None)
    assert cli.main(["meter", "read", "wattsup", "/dev/x"]) == 130
    said = capsys.readouterr()
    assert said.out.splitlines()[:3] == ["M X1 7: emulated", "time_ns power_w flags", "5 101.500"]
    assert "n 1 mean 101.50 W" in said.out
    assert "no reading was kept; `wattlab meter record` keeps a session" in said.err


def test_a_sentence_folds_at_words_on_a_terminal_and_is_one_line_for_a_program() -> None:
    sentence = "the mean power is 102.947 W " * 5
    terminal = Console(file=io.StringIO(), width=40, force_terminal=True, color_system=None)
    say(terminal, sentence)
    lines = terminal.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert len(lines) > 3
    assert squeezed("".join(lines)) == squeezed(sentence)
    piped = Console(file=io.StringIO(), width=40)
    say(piped, sentence)
    assert len(piped.file.getvalue().splitlines()) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [30, 60, 80])
def test_a_command_is_never_broken_and_a_list_stands_below_its_bullet(width: int) -> None:
    terminal = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    say(terminal, "not started:\n  - SUT: no environment there; `wattlab sut prepare --lab my.toml` makes it, at once")
    lines = terminal.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert any("`wattlab sut prepare --lab my.toml`" in line for line in lines)
    assert [line[:4] for line in lines[:2]] == ["not ", "  - "]
    assert all(line.startswith("    ") for line in lines[2:])


@pytest.mark.parametrize("name", ["./lab", "../wattlab/lab", "/opt/a folder/lab"])
def test_messages_tables_help_and_errors_name_the_command_that_was_typed(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("WATTLAB_CALLED", name)
    monkeypatch.setenv("COLUMNS", "200")
    typed = shlex.quote(name)
    assert cli.main(["plan", "--lab", str(tmp_path / "lab.toml")]) == 1
    assert f"write one with `{typed} init`" in capsys.readouterr().err
    for words in (["--help"], ["verify"], ["run", "--help"], ["meter", "emulate", "--help"], ["meter", "emulate"]):
        with pytest.raises(SystemExit):
            cli.main(words)
        shown = "".join(capsys.readouterr())
        assert f"{typed} " in shown
        assert "`wattlab" not in shown
    check.show([Reason("refuse", "SUT", "`wattlab sut prepare` makes it, and wattlab writes `wattlab`")])
    assert f"`{typed} sut prepare` makes it, and wattlab writes `{typed}`" in capsys.readouterr().out
    assert "`wattlab run`" in CONTINUES, "what is recorded names the program"


def test_no_verb_prints_a_command_as_it_is_written_instead_of_as_it_was_called() -> None:
    bare = []
    for path in CLI.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                shown = ast.unparse(node)
                named = "command(" in shown or "`wattlab" in shown
                bare += [f"{path.name}: {shown}"] if named and "as_called(" not in shown else []
    assert bare == []


def test_commands_name_the_lab_that_the_verb_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATTLAB_CALLED", "./lab")
    try:
        reads(["--lab", "a b/lab.toml"], ["--sut", "two"])
        assert as_called("`wattlab run` tries again") == "`./lab run --lab 'a b/lab.toml' --sut two` tries again"
        assert as_called("`wattlab sut prepare`") == "`./lab sut prepare --lab 'a b/lab.toml' --sut two`"
        assert as_called("`wattlab meter read wall`") == "`./lab meter read wall --lab 'a b/lab.toml'`"
        for own in ("run --lab b.toml", "view runs/a", "report runs/a", "runner", "meter drivers"):
            assert as_called(f"`wattlab {own}`") == f"`./lab {own}`"
        reads(instead={"run": ["demo", "--full"]})
        assert as_called("`wattlab run` tries again, `wattlab run --view`") == (
            "`./lab demo --full` tries again, `./lab run --view`"
        )
    finally:
        reads()
    assert as_called("`wattlab run`") == "`./lab run`"


# --- the answer -----------------------------------------------------------------------------------------------------


def finding(code: str, severity: str, subject: str) -> dict[str, Any]:
    return {"code": code, "severity": severity, "subject": subject, "evidence": {}}


def results_with(findings: list[dict[str, Any]], word: str = "not-certifiable") -> dict[str, Any]:
    weighs = {one["code"]: "not-certifiable" if one["code"] == "emulated" else "valid" for one in findings}
    reasons = [{"code": code, "weighs": weight} for code, weight in sorted(weighs.items(), key=lambda item: item[1])]
    return {
        "findings": findings,
        "runs": [{"folder": f"run-{nth}"} for nth in range(9)],
        "verdict": {"word": word, "reasons": reasons},
    }


def test_findings_are_counted_by_kind_and_the_heaviest_are_named_with_their_runs() -> None:
    results = results_with(
        [finding("clipped", "warn", f"run-{nth}") for nth in range(2)]
        + [finding("foreign-load", "warn", f"run-{nth}") for nth in range(9)]
        + [finding("emulated", "warn", "campaign")]
        + [finding("gap", "info", f"run-{nth}") for nth in range(3)]
    )
    assert report.findings_line(read(results)).startswith("4 findings, 3 of them warnings; ")
    lines = [line for _, line in report.heaviest_findings(read(results))]
    named = [line.split(":")[0] for line in lines]
    assert named == ["emulated (campaign)", "foreign-load (9 of 9 runs)", "clipped (2 of 9 runs)"]


@pytest.mark.parametrize("code", KINDS)
def test_the_line_of_a_finding_ends_where_a_clause_does(code: str) -> None:
    line = report.heaviest_findings(read(results_with([finding(code, "warn", "campaign")])))[0][1]
    assert line.count("(") == line.count(")")
    assert len(line) > len(code) + 30


def test_what_makes_only_runs_invalid_does_not_call_the_campaign_so() -> None:
    aborted = [finding("run-aborted", "invalid", "run-1")]
    assert "1 that excludes runs, or makes scenarios invalid" in report.findings_line(read(results_with(aborted)))
    assert "1 that makes the campaign invalid" in report.findings_line(read(results_with(aborted, "invalid")))
    assert report.findings_line(read(results_with([]))) == "No findings."


# --- words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["verfy"], "no verb 'verfy'; did you mean verify?"),
        (["Report"], "no verb 'Report'; did you mean report?"),
        (["xyzzy"], "no verb 'xyzzy'; expected one of annotate, archive, check,"),
        (["meter", "reed"], "no action 'reed'; did you mean read?"),
        (["import", "oskar", "x"], "no format 'oskar'; did you mean oscar?"),
        (["compare", "a", "b", "--test", "welsh"], "no test 'welsh'; did you mean welch?"),
        (["help", "verfy"], "no verb 'verfy'; did you mean verify?"),
    ],
)
def test_a_mistyped_word_hears_which_one_was_meant(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    assert caught.value.code == 1
    assert message in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("words", [[], ["verify"], ["meter", "read"], ["meter", "emulate"], ["help"]])
def test_help_says_what_a_verb_takes(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["help", *words])
    assert caught.value.code == 0
    assert "usage: " in capsys.readouterr().out


def test_the_version_is_printed_with_its_commit(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["--version"])
    assert caught.value.code == 0
    assert re.fullmatch(
        r"wattlab \d\S*, (commit [0-9a-f]{40}( with changes)?|from no checkout)\n", capsys.readouterr().out
    )


def test_every_verb_is_listed_in_the_order_of_the_work_and_says_what_an_interruption_left() -> None:
    shown_help = cli.parser().format_help()
    order = ["init", "check", "plan", "run", "observer", "annotate", "report", "compare", "study", "sign", "verify"]
    places = [shown_help.index(f"\n    {verb} ") for verb in order]
    assert places == sorted(places)
    assert "run, view, observer, annotate, report" in " ".join(shown_help.split())


@pytest.mark.parametrize(
    ("verb", "left"),
    [
        ("run", "`wattlab run` continues"),
        ("sign", "was not signed"),
        ("verify", "nothing was changed"),
        ("report", "what was measured is untouched"),
        ("study report", "was not written"),
    ],
)
def test_an_interruption_says_what_it_left(
    verb: str, left: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"harness.cli.{verb.replace(' ', '_')}.call", interrupted)
    words = {"sign": ["c", "--key", "k"], "run": []}.get(verb, ["c"])
    assert cli.main([*verb.split(), *words]) == 130
    error = capsys.readouterr().err
    assert left in error
    assert ("wattlab run" in error) == (verb == "run")


# --- at work --------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_long_work_is_seen_on_a_terminal_only_and_short_work_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "PATIENCE_S", 0.05)
    for stream, pause_s, seen in ((Terminal(), 0.4, True), (Terminal(), 0.0, False), (io.StringIO(), 0.4, False)):
        monkeypatch.setattr("sys.stderr", stream)
        with progress.at_work("checking every byte"):
            time.sleep(pause_s)
        assert ("checking every byte" in stream.getvalue()) == seen
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    assert columns("a", "b", numbers="a") == (Column("a", True), Column("b"))


def test_what_follows_from_changed_bytes_is_counted_and_not_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = [
        Check("derived/results.json", "results", False, "energy is 1, recomputed 2"),
        Check("derived/report.html", "report", False, "is another page"),
        Check("c", "validity", False, "invalid: broken-seal (run-1)"),
    ]
    changed = Check("run-1", "bytes", False, "readings-wall.csv: differs")
    monkeypatch.setenv("COLUMNS", "120")

    def said(checks: list[Check], *more: str) -> str:
        monkeypatch.setattr(verify, "_outcome", lambda *_: Outcome(checks, []))
        assert cli.main(["verify", "runs/c", *more]) == 3
        return " ".join(capsys.readouterr().out.split())

    out = said([changed, *numbers])
    assert "readings-wall.csv: differs" in out
    assert "recomputed 2" not in out
    assert "4 of 4 checks FAILED." in out
    assert "3 checks of numbers, pages and verdict failed, too" in out
    assert "recomputed 2" in said([changed, *numbers], "--all")
    alone = said(numbers)
    assert "recomputed 2" in alone
    assert "failed, too" not in alone
