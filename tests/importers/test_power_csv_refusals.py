"""CSV files of power, mappings and events that cannot be read: every refusal names its place and a remedy."""

from pathlib import Path

import pytest

from harness.cli import main
from harness.foreign.importers.power_csv.importer import import_power_csv
from harness.foreign.importers.power_csv.mapping import NAME
from harness.record.errors import ImportFileError, RunFolderError
from tests.importers.power_csvs import EVENTS, MAPPING, imported, mapping, power, rows, stamp, write


@pytest.mark.parametrize(
    ("text", "changed", "message"),
    [
        (rows(1, "x", 3), MAPPING, r"log.csv:3: found 'x' in column 'power', expected a number with decimal sign '.'"),
        (rows(1, "1,5"), MAPPING, r"log.csv:3: found 3 fields, expected 2 as in the first row"),
        (rows(1, 2) + "yesterday,5\n", MAPPING, r"log.csv:4: found the time 'yesterday', expected one like '2026-"),
        ("time,power\n", MAPPING, r"log.csv:2: no data line behind the header"),
        ("", MAPPING, r"log.csv:1: the file is empty"),
        ("time,watts\n1,2\n", MAPPING, r"log.csv:1: no column 'power'"),
        ("time,power,power\na,2,3\n", MAPPING, r"log.csv:1: no column 'power'; 2 columns are called so"),
        (rows(1, 2), MAPPING.replace('zone = "UTC"\n', ""), r"log.csv:2: the stamps do not say their time zone"),
        (rows(1, 2), MAPPING.replace('"UTC"', '"Mars"'), r"zone Mars: no such zone"),
        (rows(1, 2), MAPPING.replace('"mean"', '"?"'), r"power\[0\].reads: found '\?': say what a row of 'power' is"),
        (rows(1, 2), MAPPING.replace('"mean"', '"counter"'), r"reads: found 'counter' of a column in W"),
        (rows(1, 2), MAPPING.replace('"W"', '"VA"'), r"power\[0\].unit: found 'VA'"),
        (rows(1, 2), MAPPING + "rolle = 1\n", r"power\[0\].rolle: unknown key; did you mean role\?"),
        (rows(1, 2), MAPPING + 'role = "check"\n', r'no column has role = "added"'),
        (rows(1, 2), MAPPING.replace('"iso"', '"local"'), r"\[time\] format: found 'local'"),
        (rows(1, 2), MAPPING.replace('"iso"', '"elapsed-s"'), r"expected a number \(elapsed-s\)"),
        (rows(3, 2), mapping(power("J", "counter")), r"no row of column 'power' gives a power, read as 'counter'"),
        (rows(1, 2), mapping(power("J", "counter") + "[power.accuracy]\ncounts = 1\n"), r"accuracy.counts: a coun"),
        (rows(1), mapping(power(reads="instant")), r"column 'power' has 1 row, an energy needs 2"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_place_and_a_remedy(
    tmp_path: Path, text: str, changed: str, message: str
) -> None:
    with pytest.raises(ImportFileError, match=message):
        imported(tmp_path, text, changed)
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("events", "message"),
    [
        (f"begin,end,scenario\n{stamp(20)},{stamp(10)},a\n", r"events.csv:2: found a run from .* it has to end after"),
        (f"begin,end,scenario\n{stamp(10)},{stamp(20)},\n", r"events.csv:2: the scenario is missing"),
        (f"begin,end,name\n{stamp(10)},{stamp(20)},a\n", r"events.csv:1: no column 'scenario'"),
        ("begin,end,scenario\nnow,then,a\n", r"events.csv:2: found the time 'now'"),
    ],
)  # fmt: skip
def test_events_that_cannot_be_read_are_refused(tmp_path: Path, events: str, message: str) -> None:
    with pytest.raises(ImportFileError, match=message):
        imported(tmp_path, rows(*range(1, 61)), MAPPING + EVENTS, events)


def test_the_same_file_twice_and_a_campaign_that_is_there_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "in", rows(1, 2))
    (tmp_path / "in" / "copy.csv").write_bytes(path.read_bytes())
    with pytest.raises(ImportFileError, match="a copy is no other measurement"):
        import_power_csv([path.parent], tmp_path / "c", path.parent / NAME)
    import_power_csv([path], tmp_path / "c", path.parent / NAME)
    with pytest.raises(RunFolderError, match="a campaign is there already"):
        import_power_csv([path], tmp_path / "c", path.parent / NAME)


def test_the_command_imports_and_says_what_it_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "in", rows(*range(1, 31)))
    assert main(["import", "power-csv", str(path), "--into", str(tmp_path / "c")]) == 0
    assert "Imported 1 run into" in capsys.readouterr().out
    assert {file.name for file in (tmp_path / "c" / "sources").iterdir()} == {"log.csv", NAME}
