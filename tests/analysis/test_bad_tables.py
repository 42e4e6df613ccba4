"""Tables and study files that a careless or hostile hand made: a sentence or a result, never another exception."""

import gzip
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as hst

from harness.evidence.study_declared import read_declared
from harness.evidence.study_folder import read_material
from harness.foreign.importers.source import SourceFile, read_source
from harness.foreign.importers.tracker.account import account_of
from harness.foreign.importers.tracker.line_up import lined_up
from harness.foreign.importers.tracker.source import Choice, source_of
from harness.foreign.importers.tracker.table import table_of
from harness.foreign.importers.tracker.windows import Window
from harness.record.errors import AnalysisError, ConfigError, ImportFileError, LabError
from reports.study.file import StudyFile
from reports.study.rows import sort_rows
from reports.study.table import read_table
from tests.analysis.studies import CORRELATION, HEAD, PARETO, REDUCTION, TABLE, question

STUDY = HEAD + question() + CORRELATION.format(method="spearman") + REDUCTION + PARETO
EMISSIONS = (
    "timestamp,project_name,duration,emissions,energy_consumed,gpu_count,pue\n"
    "2023-11-14T22:13:50,mine,30,0.1,0.002,0,1\n2023-11-14T22:15:25+00:00,mine,20,0.1,0.002,1,1.5\n"
)
EPOCH_S = 1_700_000_000
WINDOWS = [
    Window(f"r{n}", n, clock, (EPOCH_S + 100 * n) * 10**9, (EPOCH_S + 100 * n + 50) * 10**9, 1.0)
    for n, clock in enumerate(("sut-wall", "host-utc", "source-wall"))
]
TOKENS = [
    b"\0", b"\xef\xbb\xbf", b"\r\n", b"\r", b";", b'"', b",", b"1e400", b"1_000", "٣".encode(), b"-1", b"nan", b"\xff",
    b"[[", b"{", b"}", b"=", b"[a.b]", b'"""', b"../..", b"\\u0000", b"9" * 5000, b"0001-01-01T00:00:00",
    b"9999-12-31T23:59:59-14:00", b"a" * 140_000, b"\n\n", b"[]", b"-inf", b"[" * 3000, b"2023-W46-2",
]  # fmt: skip
MANY = settings(max_examples=300, suppress_health_check=list(HealthCheck))


@hst.composite
def mutated(draw: hst.DrawFn, source: bytes) -> bytes:
    """A real file with up to four places cut out, doubled, or overwritten."""
    content = source
    for _ in range(draw(hst.integers(1, 4))):
        begin = draw(hst.integers(0, len(content)))
        end = min(len(content), begin + draw(hst.sampled_from([0, 1, 5, 30])))
        put = draw(hst.sampled_from([b"", *TOKENS]) | hst.binary(max_size=3) | hst.just(content[begin : end + 40]))
        content = content[:begin] + put + content[end:]
    return content


def refusal(call: Callable[[], None]) -> str:
    """What a refusal says; empty where there is none. Any other exception is a failure."""
    try:
        call()
    except LabError as error:
        return str(error)
    return ""


def declared_in(folder: Path, text: str | bytes = STUDY) -> StudyFile:
    path = folder / "study.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_declared(path)[0]


# --- tables ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("", "t: found nothing"),
        ("net,energy,load\n", "found only a header"),
        (TABLE.replace(",", ";"), r"t:1: one column, 'net;energy;load'; save it as CSV with commas"),
        (TABLE.replace("a,11", "a\0,11"), r"t:3: a NUL byte"),
        (TABLE.replace("a,11", '"a"",11'), r"t:13: no CSV"),
        (TABLE.replace("a,11", "a" * 140_000), r"t:\d+: no CSV \(field larger"),
        (TABLE.replace("net,energy", "net,net"), r"t:1: the column 'net' stands there twice"),
        (TABLE.replace("a,11,51", "a,11,5,51"), r"t:3: found 4 cells, expected 3"),
    ],
)
def test_a_table_that_is_none_is_refused_with_the_line(table: str, says: str) -> None:
    with pytest.raises(AnalysisError, match=says):
        read_table("t", table.encode())


@pytest.mark.parametrize("cell", ["1e400", "1_000", "٣", "１", "0x10", "inf", "1 000", '"11,5"', "=1+1", "9" * 4000])
def test_a_cell_that_is_no_plain_number_is_refused_with_its_line(tmp_path: Path, cell: str) -> None:
    table = read_table("t", TABLE.replace("a,11,", f"a,{cell},").encode())
    with pytest.raises(AnalysisError, match=r"t:3: column 'energy': found .*, expected a number such as 12\.5") as said:
        sort_rows("study.toml", declared_in(tmp_path), table, {})
    assert len(str(said.value)) < 250


@pytest.mark.parametrize("edit", [("\n", "\r\n"), ("\n", "\r"), ("net,", "\ufeffnet,"), ("a,10", '"a","10"')])
def test_line_ends_a_byte_order_mark_and_quotes_change_no_number(tmp_path: Path, edit: tuple[str, str]) -> None:
    declared, plain = declared_in(tmp_path), read_table("t", TABLE.encode())
    other = read_table("t", TABLE.replace(edit[0], edit[1], 1 if edit[0] != "\n" else -1).encode())
    values = [sort_rows("s", declared, table, {}).values["energy"].tolist() for table in (plain, other)]
    assert values[0] == values[1]


def test_a_hundred_thousand_columns_are_read_and_a_twice_named_one_is_found() -> None:
    wide = ",".join(f"c{n}" for n in range(100_000))
    assert len(read_table("t", f"{wide}\n{wide}\n".encode()).headers) == 100_000
    with pytest.raises(AnalysisError, match="'c7' stands there twice"):
        read_table("t", f"{wide},c7\n{wide},c7\n".encode())
    with pytest.raises(ImportFileError, match="two columns 'c7'"):
        table_of(source(f"timestamp,duration,energy_consumed,{wide},c7\n".encode()))


def test_a_gzip_bomb_is_refused_before_it_is_unpacked_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reports.study.table.MAX_BYTES", 2**20)
    with pytest.raises(AnalysisError, match="more than 1 MiB unpacked"):
        read_table("t", gzip.compress(b"a,b\n" * 2**19))


@pytest.mark.parametrize("change", [slice(0, 30), slice(0, -9), slice(12, None)])
def test_a_damaged_gzip_file_is_a_sentence(change: slice) -> None:
    packed = gzip.compress(TABLE.encode())
    with pytest.raises(AnalysisError, match=r"damaged gzip|not UTF-8"):
        read_table("t", packed[change] if change.start == 0 else packed[:10] + packed[change])


@MANY
@given(content=mutated(TABLE.encode()) | mutated(gzip.compress(TABLE.encode(), mtime=0)))
def test_whatever_a_table_holds_it_is_read_or_refused_in_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    declared = declared_in(tmp_path_factory.getbasetemp())

    def read() -> None:
        runs = sort_rows("study.toml", declared, read_table("t", content), {})
        assert len(runs.used) == len(runs.table.rows)

    assert len(refusal(read)) < 4000


# --- study files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (STUDY + "x = " + "[" * 5000 + "]" * 5000, "its tables lie too deep in one another"),
        (STUDY + "x = " + "{a=" * 3000 + "1" + "}" * 3000, "its tables lie too deep in one another"),
        (STUDY.replace("alpha = 0.05", "alpha = " + "9" * 5000), "not TOML: Exceeds the limit"),
        (STUDY.replace("alpha = 0.05", "alpha = nan"), "found nan, expected a finite number"),
        (STUDY + "\0", "not TOML"),
        (STUDY.encode("utf-16"), "not UTF-8 at byte 0"),
        ("", "schema: found None"),
    ],
)
def test_a_study_file_that_is_none_is_refused(tmp_path: Path, text: str | bytes, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        declared_in(tmp_path, text)


@pytest.mark.parametrize("name", ["/dev/zero", ".", "", "a\\u0000b", "x" * 300, "study.toml/x", "gone.csv", "link.csv"])
def test_what_is_no_plain_file_is_no_table(tmp_path: Path, name: str) -> None:
    (tmp_path / "link.csv").symlink_to("/dev/zero")
    declared_in(tmp_path, STUDY.replace('"runs.csv"', f'"{name}"'))
    with pytest.raises(ConfigError, match=r"study\.toml: table\.file: "):
        read_material(tmp_path / "study.toml", tmp_path / "out")


def test_a_companion_whose_name_holds_nul_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="null byte"):
        read_declared(tmp_path / "a\0b.toml")


@MANY
@given(content=mutated(STUDY.encode()))
def test_whatever_a_study_file_holds_it_is_read_or_refused_in_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp()

    def read() -> None:
        declared = declared_in(folder, content)
        runs = sort_rows("study.toml", declared, read_table("t", TABLE.encode()), {})
        assert runs.values.keys() == declared.responses.keys()

    assert "Traceback" not in refusal(read)


# --- a tracker's file --------------------------------------------------------------------------------------------


def source(content: bytes) -> SourceFile:
    return SourceFile(Path("emissions.csv"), content, content)


def first_problem(text: str) -> str | None:
    """What is wrong with the first row of a file."""
    file = source_of(source(text.encode()), Choice())
    return file.problem_of(file.rows[2])


def test_a_source_without_end_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImportFileError, match=r"/dev/zero: a device, which has no end"):
        read_source(Path("/dev/zero"))
    monkeypatch.setattr("harness.foreign.importers.source.MAX_BYTES", 2**20)
    bomb = tmp_path / "emissions.csv.gz"
    bomb.write_bytes(gzip.compress(b"a,b\n" * 2**19))
    with pytest.raises(ImportFileError, match=r"emissions\.csv\.gz: more than 1 MiB unpacked"):
        read_source(bomb)


def test_an_empty_tracker_file_is_a_sentence() -> None:
    for content in (b"", b"\n"):
        with pytest.raises(ImportFileError, match=r"emissions\.csv:1: no column timestamp, duration, energy_consumed"):
            table_of(source(content))


@pytest.mark.parametrize("duration", ["-30", "0", "1e400", "3_0", "٣", "nan", "", "1e300", "9" * 4000])
def test_a_duration_that_no_run_has_is_refused_with_its_line(duration: str) -> None:
    said = first_problem(EMISSIONS.replace("mine,30", f"mine,{duration}"))
    assert said is not None
    assert said.startswith("emissions.csv:2: duration is ")
    assert len(said) < 300


@pytest.mark.parametrize("energy", ["-1", "nan", "1e400", "٣", "1_0", "", "0x1p3"])
def test_an_energy_that_is_none_is_refused_with_its_line(energy: str) -> None:
    said = first_problem(EMISSIONS.replace("0.1,0.002,0", f"0.1,{energy},0"))
    assert "emissions.csv:2: energy_consumed is " in str(said)


@MANY
@given(content=mutated(EMISSIONS.encode()), zone=hst.sampled_from([None, "UTC", "+14:00", "-23:59"]))
def test_whatever_a_tracker_wrote_is_lined_up_or_refused_in_a_sentence(content: bytes, zone: str | None) -> None:
    choice = Choice(zone=zone)

    def read(windows: list[Window]) -> None:
        file = source_of(source(content), choice)
        taken, left_out = lined_up(file, windows)
        assert sum(len(rows) for rows, _ in taken) + len(left_out) == len(file.rows) + len(file.table.damaged)
        for rows, window in taken:
            assert account_of(rows, window, choice, file.pue(rows[0]))["reported_wh"] >= 0

    for windows in (WINDOWS[:2], WINDOWS[2:]):
        assert len(refusal(partial(read, windows))) < 20_000
