"""Rows that have more fields than the header has names, as `import power-csv` reads, proposes or refuses them."""

from pathlib import Path

import pytest

from harness.cli import main
from harness.foreign.importers.power_csv.proposal import propose
from harness.foreign.importers.source import SourceFile
from harness.record.errors import ImportFileError
from tests.importers.power_csvs import MAPPING, POWER, TIME, imported, mapping, stamp, wall, write

# The form of MVLabUTFPR/orno_reader data.txt: an index without a name, tabs.
INDEX = "time\tpower\n" + "".join(f"{n}\t{stamp(n + 1)}\t{61 + n}\n" for n in range(4))
TABS = mapping(POWER, TIME, '[file]\ndelimiter = "\\t"\n')
DECIMAL_COMMA = "time,power\n" + "".join(f"{stamp(n)},{133 + n},{n % 10}\n" for n in range(1, 5))


def proposed(text: str) -> tuple[str, ...]:
    return propose(SourceFile(Path("log.csv"), text.encode(), text.encode())).seen


@pytest.mark.parametrize("first", [0, 1])
def test_a_field_that_counts_rows_is_an_index_without_a_name(tmp_path: Path, first: int) -> None:
    text = INDEX if first == 0 else INDEX.replace("\n3\t", "\n4\t").replace("\n2\t", "\n3\t").replace(
        "\n1\t", "\n2\t"
    ).replace("\n0\t", "\n1\t")  # fmt: skip
    [run] = imported(tmp_path, text, TABS)
    assert wall(run).power_w.tolist() == [61, 62, 63, 64]
    said = "rows have 3 fields, the header 2: the first one counts rows and is read as an index without a name"
    assert any(said in event.text for event in run.events if hasattr(event, "text"))
    assert f"line 1 of log.csv: {said}" in proposed(text)


def test_an_index_before_the_numbers_of_a_comma_file_is_one_where_a_point_is_the_decimal_sign(tmp_path: Path) -> None:
    text = "time,power\n" + "".join(f"{n},{stamp(n + 1)},{61 + n}.5\n" for n in range(3))
    [run] = imported(tmp_path, text)
    assert wall(run).power_w.tolist() == [61.5, 62.5, 63.5]


@pytest.mark.parametrize(
    "text",
    [
        DECIMAL_COMMA,
        "time,power\n2026-11-21T10:00:01,61,2\n2026-11-21T10:00:02,61\n",
        "time,power\n2026-11-21T10:00:01,61\n2026-11-21T10:00:02,61,2\n",
        "time,power,volts\n2026-11-21T10:00:01,61,2,230,1\n2026-11-21T10:00:02,61,3,230,2\n",
        "time,power\n0,61,2\n1,61,3\n",
    ],
    ids=["all", "some-without-decimals", "the-first-without", "two-columns", "or-an-index"],
)
def test_a_decimal_comma_in_a_file_with_commas_is_refused_with_a_remedy(tmp_path: Path, text: str) -> None:
    message = r"log.csv:\d: .* fields.* seem to be one number with a decimal comma, .*export the file with decimal po"
    with pytest.raises(ImportFileError, match=message):
        imported(tmp_path, text)
    with pytest.raises(ImportFileError, match=message):
        proposed(text)


def test_numbers_with_a_decimal_comma_in_quotes_are_read(tmp_path: Path) -> None:
    text = 'time,power\n2026-11-21T10:00:01,"61,2"\n2026-11-21T10:00:02,"61,3"\n'
    [run] = imported(tmp_path, text, mapping(POWER, TIME, '[file]\ndecimal = ","\n'))
    assert wall(run).power_w.tolist() == [61.2, 61.3]


@pytest.mark.parametrize(
    "text",
    [
        INDEX.replace("\n2\t", "\n7\t"),
        "time\tpower\n2026-11-21T10:00:01\t61\tx\n2026-11-21T10:00:02\t62\ty\n",
        "time\tpower\n0\t2026-11-21T10:00:01\t61\tx\n1\t2026-11-21T10:00:02\t62\ty\n",
    ],
)
def test_fields_of_which_nothing_tells_the_name_are_refused(tmp_path: Path, text: str) -> None:
    message = r"log.csv:2: rows have \d fields, the header 2 \(time, power\), and nothing tells which .* has no name"
    with pytest.raises(ImportFileError, match=message):
        imported(tmp_path, text, TABS)
    with pytest.raises(ImportFileError, match=r"log.csv:2: (?:rows have 3|found 4) fields"):
        proposed(text)


def test_a_stamp_with_a_blank_between_blanks_is_named(tmp_path: Path) -> None:
    text = "time power\n2026-11-21 10:00:01 61\n2026-11-21 10:00:02 62\n"
    with pytest.raises(ImportFileError, match="a stamp with a blank in it is two fields, a date and a time"):
        imported(tmp_path, text, mapping(POWER, TIME, '[file]\ndelimiter = " "\n'))


def test_fields_behind_the_last_name_have_none_where_the_header_has_the_index(tmp_path: Path) -> None:
    text = ",time,power\n" + "".join(f'{n},{stamp(n + 1)},{61 + n}.5,"[a, b]"\n' for n in range(3))
    [run] = imported(tmp_path, text)
    assert wall(run).power_w.tolist() == [61.5, 62.5, 63.5]
    assert any("so what is behind 'power' has no name" in line for line in proposed(text))


def test_a_delimiter_behind_the_last_field_of_each_row_is_said_and_read(tmp_path: Path) -> None:
    text = "time,power\n" + "".join(f"{stamp(n)},{60 + n},\n" for n in range(1, 4))
    [run] = imported(tmp_path, text)
    assert wall(run).power_w.tolist() == [61, 62, 63]
    assert any("behind a delimiter at its end" in line for line in proposed(text))


def test_half_a_number_behind_an_index_is_left_out(tmp_path: Path) -> None:
    [run] = imported(tmp_path, INDEX[:-2], TABS)
    assert wall(run).power_w.tolist() == [61, 62, 63]


def test_propose_says_what_the_import_would_say_of_a_line_far_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "time,power_w\n" + "".join(f"{stamp(n)},61.2\n" for n in range(1, 600)) + f"{stamp(600)},61,2,5\n"
    path = write(tmp_path, text, MAPPING.replace('"power"', '"power_w"'))
    assert main(["import", "power-csv", str(path), "--propose"]) == 0
    assert f"# {path}:601: found 4 fields, expected 2 as in the first row" in capsys.readouterr().out
