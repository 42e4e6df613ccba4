"""`wattlab compare` from the command line: what it writes, prints and refuses, its page, `verify` of what it wrote."""

import dataclasses
import json
import re
import shutil
import signal
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from harness import cli
from harness.cli.compare import default_folder, parse_side
from harness.record.errors import LabError
from reports.comparison.selection import Part
from reports.inference import r_session
from reports.pages.comparison.evidence import command_of
from reports.pages.comparison.page import legible
from reports.pages.comparison.statements import statements
from reports.render import comparison_html
from reports.results.comparison import COMPARISON, Comparison, comparison_of
from tests.harness.test_run_folder import unlock
from tests.reports.comparisons import present
from tests.reports.make_campaign import Load, Shape, make_campaign
from tests.reports.test_campaign_page import HOSTILE, checked


@pytest.fixture(autouse=True)
def _keep_sigterm() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lab")
    small = Shape(loads={"cnn": Load(52.0, 34.0, epochs=2)}, repetitions=4, duration_s=30)
    for name, seed in (("a", 7), ("b", 8), ("c", 9)):
        make_campaign(folder, dataclasses.replace(small, name=name, seed=seed))
    make_campaign(folder, dataclasses.replace(small, name="two", seed=10, repetitions=2))
    make_campaign(folder, dataclasses.replace(small, name="less", loads={"cnn": Load(26.0, 34.0, epochs=2)}))
    return folder


@pytest.fixture(scope="module")
def compared(lab: Path) -> Path:
    before = signal.getsignal(signal.SIGTERM)
    into = lab / "compared"
    sides = [str(lab / "a"), str(lab / "less"), str(lab / "b")]
    assert cli.main(["compare", *sides, "--into", str(into), "--margin", "5%", "--timeliness", "25s:100%"]) == 0
    signal.signal(signal.SIGTERM, before)
    return into


def document_of(folder: Path) -> Comparison:
    return comparison_of(json.loads((folder / COMPARISON).read_text()))


def test_a_sealed_folder_with_numbers_and_page_is_written_and_the_statement_printed(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["compare", str(lab / "a"), str(lab / "less")]) == 0
    said = capsys.readouterr().out
    folder = lab / "compare-a-vs-less"
    assert sorted(path.name for path in folder.iterdir()) == ["MANIFEST.sha256", "comparison.json", "report.html"]
    assert re.search(r"cnn: less would have used \([\d.]+ ± [\d.]+\)\s% less induced energy per run than a", said)
    assert "No margin was stated, so nothing is said about equality" in said
    assert "Nothing here is a measured consumption." in said
    assert cli.main(["compare", str(lab / "a"), str(lab / "less")]) == 1
    assert "is there already" in capsys.readouterr().err


def test_the_page_is_well_formed_marked_and_holds_every_section(compared: Path) -> None:
    html = (compared / "report.html").read_text()
    page = checked(html)
    assert page.problems == []
    assert "EMULATED" in page.text
    for heading in ("Result", "Tests, effect sizes, equivalence", "Efficiency values after ISO/IEC 14756",
                    "What the uncertainty is made of", "Are they comparable", "Evidence"):  # fmt: skip
        assert f"{heading}" in page.text
    assert "Replicates are runs, never seconds." in page.text
    assert html.count('role="img"') == 2
    for sentence in statements(legible(document_of(compared))):
        assert sentence in unescape(page.text), sentence


def test_hostile_names_stay_text(compared: Path) -> None:
    document = document_of(compared)
    (of_set,) = document.sets
    sides = tuple(dataclasses.replace(side, label=HOSTILE) for side in of_set.sides)
    inputs = (dataclasses.replace(document.inputs[0], name=HOSTILE), *document.inputs[1:])
    sets = (dataclasses.replace(of_set, name=HOSTILE, sides=sides),)
    assert checked(comparison_html(dataclasses.replace(document, sets=sets, inputs=inputs))).problems == []


def test_verify_recomputes_a_comparison_and_finds_what_was_changed(
    compared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["verify", str(compared), "--all"]) == 0
    assert "every number as" in capsys.readouterr().out
    moved = tmp_path / "moved"
    shutil.copytree(compared, moved)
    assert cli.main(["verify", str(moved)]) == 0
    told = capsys.readouterr().out
    assert "was not recomputed: there is no campaign at" in told
    assert "Nothing proves who made this comparison" in told
    beside = compared.parent / "forged"
    shutil.copytree(compared, beside)
    unlock(beside)
    numbers = beside / "comparison.json"
    document = json.loads(numbers.read_text())
    document["sets"][0]["pairs"][0]["quantities"]["energy_wh"]["difference"]["U"] *= 0.5
    numbers.write_text(json.dumps(document))
    assert cli.main(["verify", str(beside)]) == 3
    said = capsys.readouterr().out
    assert "FAIL" in said


def test_verify_without_r_says_what_it_left_out(
    compared: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(r_session, "available", lambda: "no R here; apt-get install r-base-core")
    assert cli.main(["verify", str(compared)]) == 0
    assert "Effect sizes and rank tests were not recomputed: no R here" in capsys.readouterr().out


def test_three_campaigns_give_every_pair(compared: Path) -> None:
    said = statements(document_of(compared))
    assert len(said) == 3
    assert said[0].startswith("cnn: less would have used (")
    assert "no difference in induced energy was shown between b and a" in said[1]
    assert "b would have used (" in said[2]
    assert " more induced energy per run than less" in said[2]


def test_too_few_runs_are_said_to_be_too_few(lab: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["compare", str(lab / "a"), str(lab / "two"), "--into", str(tmp_path / "few")])
    said = capsys.readouterr().out
    assert code == 0
    assert "nothing can be said of the induced energy of two against a: the samples are too few (4 and 2 runs)" in said
    quantity = document_of(tmp_path / "few").sets[0].pairs[0].quantities["energy_wh"]
    assert quantity.interval is None
    assert present(quantity.test).p is None


def test_a_side_whose_campaign_is_invalid_ends_with_exit_code_3(
    lab: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(lab / "a", broken)
    unlock(broken)
    readings = next(broken.glob("*-r02-*")) / "readings-wall.csv"
    readings.write_bytes(readings.read_bytes().replace(b",1.0,", b",1.1,", 1))
    assert cli.main(["compare", str(broken), str(lab / "b"), "--into", str(tmp_path / "out")]) == 3
    capsys.readouterr()
    html = (tmp_path / "out" / "report.html").read_text()
    assert "broken is of a campaign with the verdict invalid" in html


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{lab}/a"], "one side alone cannot be compared"),
        (["{lab}/a", "{lab}/none"], "/none: no such folder; a side is FOLDER, FOLDER:SCENARIO"),
        (["{lab}/a:idle", "{lab}/b:idle"], "no run of a scenario 'idle' is in its means; it has cnn"),
        (["{lab}/a", "{lab}/b", "--margin", "5"], "--margin 5: expected a share of the reference"),
        (["{lab}/a", "{lab}/b", "--timeliness", "1"], "--timeliness 1: found '1'; expected SECONDSs:SHARE%"),
        (["{lab}/a", "{lab}/b", "--differs", "colour"], "--differs colour: no side has such a key; there are: "),
        (["{lab}/a", "{lab}/b", "--into", "{lab}/a/derived/x"], "lies in the campaign"),
        (["{lab}/a", "{lab}/a"], "the same run stands"),
        (["{lab}", "{lab}/a"], "no campaign.jsonl"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_sentence(
    lab: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["compare", *(word.format(lab=lab) for word in words)]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_a_side_is_read_as_it_is_written(lab: Path, tmp_path: Path) -> None:
    a, b = lab / "a", lab / "b"
    assert parse_side(str(a)) == [Part(a)]
    assert parse_side(f"{a}:cnn") == [Part(a, "cnn")]
    assert parse_side(f"{a}:cnn, {b}:cnn") == [Part(a, "cnn"), Part(b, "cnn")]
    odd = tmp_path / "x:y,z"
    odd.mkdir()
    assert parse_side(str(odd)) == [Part(odd)]
    with pytest.raises(LabError, match="no such folder"):
        parse_side(str(tmp_path / "nothing"))
    assert default_folder([parse_side(f"{a}:cnn"), parse_side(str(b))]) == lab.resolve() / "compare-a-cnn-vs-b"


def test_the_command_on_the_page_gives_the_same_numbers(
    compared: Path, lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = document_of(compared)
    words = command_of(written).split()
    assert words[:2] == ["wattlab", "compare"]
    monkeypatch.chdir(lab)
    assert cli.main([*words[1:], "--into", str(tmp_path / "again")]) == 0
    again = document_of(tmp_path / "again")
    assert again.sets == written.sets
    assert again.options == written.options
