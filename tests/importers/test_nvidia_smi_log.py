"""The text of nvidia-smi's logs: what is read, left out and noted, refused with file and line."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.foreign.importers.nvidia_smi.trace import read_trace
from harness.foreign.importers.oscar.kinds import require_kind
from harness.foreign.importers.ptd.reader import read_log
from harness.foreign.importers.source import SourceFile, read_source
from harness.record.errors import ImportFileError
from tests.importers.smi_logs import HEADER, PLAIN, SOUND, UUIDS, boards_text, powers, row, stamp, trace


@pytest.mark.parametrize(
    "content",
    [
        SOUND.encode(),
        SOUND.encode("utf-8-sig"),
        SOUND.encode("utf-16"),
        "\ufeff".encode("utf-16-be") + SOUND.encode("utf-16-be"),
        SOUND.replace("\n", "\r\n").encode(),
        SOUND.encode() + b"\n\n  \n",
        ("Wed Mar  4 08:59:58 UTC 2026\n\n" + SOUND).encode(),
        SOUND.replace(", ", ",").encode(),
        SOUND.replace(", ", ";").encode(),
        SOUND.replace(", ", "\t").encode(),
        SOUND.replace(" W\n", "\n").encode(),
        SOUND.replace(" [W]", "").encode(),
        SOUND.replace("/03/04 ", "-03-04T").replace("2026/", "2026-").encode(),
        SOUND.replace(".000,", ".000+02:00,").encode(),
        SOUND.replace(".000,", ".000000,").encode(),
        SOUND.replace(".000,", ",").encode(),
        SOUND.replace("power.draw", "name, power.draw").replace(", 104", ", GeForce® RTX, 104").encode("cp1252"),
        SOUND.replace(f"{stamp(5)}", PLAIN + stamp(5)).encode(),
        (SOUND + f"{stamp(9)}, 104.50 W\n").encode(),
        SOUND.removesuffix("\n").encode(),
        SOUND.replace(", 104", ', "104').replace(" W\n", ' W"\n').encode(),
        SOUND.upper().replace(" W\n", " W\n").replace("POWER", "Power").encode(),
    ],
    ids=str,
)
def test_a_log_is_read_as_it_was_written(tmp_path: Path, content: bytes) -> None:
    assert powers(trace(tmp_path, content)) == [104.5] * 10


def test_what_was_left_out_is_noted(tmp_path: Path) -> None:
    restarted = SOUND.replace(f"{stamp(5)}", PLAIN + stamp(5))
    assert [text for _, text in trace(tmp_path, restarted).notes] == [
        "the header stands again at line 7, as where a logger is started again"
    ]
    assert [code for code, _ in trace(tmp_path, SOUND + f"{stamp(9)}, 104.50 W\n").notes] == ["rows-left-out"]
    dated = trace(tmp_path, "Wed Mar  4 08:59:58 UTC 2026\n" + SOUND)
    assert dated.notes == (("rows-left-out", "line 1 above the header: left out"),)
    zoned = trace(tmp_path, SOUND.replace(".000,", ".000+02:00,"))
    assert zoned.offset == "+02:00"


@pytest.mark.parametrize("cut", range(1, len(row(9))))
def test_a_last_line_cut_anywhere_is_left_out(tmp_path: Path, cut: int) -> None:
    one = trace(tmp_path, HEADER + row(1) + row(2) + row(9)[:cut])
    assert one.boards[0].times_ns.size == 2
    assert ("truncated-source", "line 4 of t.csv is cut off; it was left out") in one.notes


@pytest.mark.parametrize("cut", range(1, len(", 104.50 W")))
def test_a_power_cut_inside_its_number_is_never_a_value(tmp_path: Path, cut: int) -> None:
    for text in (SOUND, SOUND.replace(" W\n", "\n").replace(" [W]", "")):
        one = trace(tmp_path, text[: len(text) - cut])
        assert set(powers(one)) == {104.5}
        assert ("truncated-source" in dict(one.notes)) == (len(powers(one)) == 9)


def test_a_line_cut_off_by_a_restart_is_left_out(tmp_path: Path) -> None:
    for joint in ("", "\n"):
        text = SOUND.replace(
            f"{stamp(5)}, 104.50 W\n", f"{stamp(5)}, 10{joint}{PLAIN}" if not joint else f"{stamp(5)}\n{PLAIN}"
        )
        one = trace(tmp_path, text)
        assert (powers(one), [code for code, _ in one.notes][:2]) == (
            [104.5] * 9,
            ["truncated-source", "rows-left-out"],
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("timestamp, name\n", r"t\.csv:1: no column 'power.draw'"),
        (HEADER + row(1), r"t\.csv:2: fewer than two"),
        (HEADER + row(1) + "2023/03/08 14:56:02.5\n" + row(3), r"t\.csv:3: found 1 fields"),
        (HEADER + row(1) + row(2).replace("02.500", "02.5") + row(3), r"t\.csv:3: found the time"),
        (HEADER + row(3) + row(2), r"t\.csv:3: time does not go on"),
        (HEADER + row(2) + row(2, "99.00 W"), r"t\.csv:3: a second row of name RTX with the time of line 2"),
        (HEADER + row(1) + row(2, "100,5 W").replace(",5", ".5.5"), r"t\.csv:3: found '100\.5\.5 W' as power"),
        (HEADER + row(1) + row(2, "10") + row(3), r"t\.csv:3: found '10' as power\.draw, expected .* with its unit"),
        (HEADER + row(1) + row(2, "10 %") + row(3), r"t\.csv:3: found '10 %' as power\.draw"),
        (HEADER + row(1) + row(2).replace("2023/03", "2023-03") + row(3), r"t\.csv:3: found the time"),
        (HEADER + row(1) + row(2).replace("03/08", "02/30") + row(3), r"t\.csv:3: found the time"),
        (HEADER.replace("[W]", "[mW]") + row(1) + row(2), r"t\.csv:1: power\.draw stands there in 'mW', expected W"),
        (HEADER + row(1) + HEADER.replace("name, ", "") + row(2), r"t\.csv:3: another header"),
        (row(1) + HEADER + row(2) + row(3), r"t\.csv:1: a row stands above the header of line 2"),
        (row(1) + row(2), r"t\.csv:1: no header in '2023/03/08.*with noheader\?\): put the names .* on top of it"),
        ("22.51, 39\n26.91, 40\n", r"t\.csv:1: no header and no time in '22\.51, 39'"),
        ("timestamp,power_draw_W\n1,2\n", r"t\.csv:1: no column 'power.draw'.*read by `wattlab import power-csv`"),
        ("timestamp,GPU0,GPU1\n1,2,3\n", r"t\.csv:1: no column 'power.draw'.*read by `wattlab import power-csv`"),
        ("timestamp, index, temperature.gpu\n", r"t\.csv:1: no column 'power.draw'.*with its header line$"),
        (HEADER.replace("power", "power.draw [W], power"), r"t\.csv:1: the column 'power.draw' stands there twice"),
        (SOUND.replace(f"{stamp(5)},", f"{stamp(5)}+01:00,"), r"t\.csv:7: the clock's offset changes from 'none'"),
        (boards_text("index, name", ("0, A100", "1, T4")).replace(f"{stamp(3)}, 0, A100", f"{stamp(3)}, 0, T4"),
         r"t\.csv:8: another GPU of index 0: 'T4', before 'A100'"),
        (boards_text("uuid", UUIDS).replace(f"{stamp(3)}, GPU-aaaa", f"{stamp(3)}, [N/A]"),
         r"t\.csv:8: found '\[N/A\]' as uuid: which board"),
        ("hello\n", r"t\.csv:1: no column 'timestamp'"),
    ],
)  # fmt: skip
def test_a_damaged_log_is_refused_with_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ImportFileError, match=message):
        trace(tmp_path, text)


def test_rows_joined_or_moved_are_refused_and_rows_doubled_are_counted_once(tmp_path: Path) -> None:
    lines = SOUND.splitlines(keepends=True)
    assert powers(trace(tmp_path, "".join([*lines, *lines[3:7]]))) == [104.5] * 10
    with pytest.raises(ImportFileError, match=r"t\.csv:9: time does not go on here"):
        trace(tmp_path, "".join([*lines[:3], *lines[6:], *lines[3:6]]))


@given(st.data())
def test_any_damage_is_read_or_refused_with_file_and_line_never_a_traceback(data: st.DataObject) -> None:
    content = bytearray((HEADER + row(1) + row(2) + row(3)).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(st.binary(max_size=3) | st.sampled_from([b",", b"\n", b"[N/A]", b"\0", b"99999999999", b"-"]))
        content[at : at + data.draw(st.integers(0, 3))] = piece
    problem = "x.csv:1: none"
    try:
        read_trace(SourceFile(Path("x.csv"), b"", bytes(content)))
    except ImportFileError as error:
        problem = str(error)
    assert re.match(r"x\.csv:\d+: ", problem)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            ':::MLLOG {"namespace": "", "time_ms": 1, "key": "power_measurement_start"}\n',
            "a power log of MLPerf Training",
        ),
        (
            "Wed Mar  8 14:56:21 2023\n+-----+\n| NVIDIA-SMI 525.85    Driver Version: 525.85 |\n",
            "the table that nvidia-smi shows to people",
        ),
    ],
)
def test_what_people_take_for_a_power_log_is_named_by_every_importer(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text(text)
    source = read_source(path)
    for reader in (read_trace, read_log, lambda source: require_kind(source, "power")):
        with pytest.raises(ImportFileError, match=rf"x\.txt:\d: .*{said}"):
            reader(source)
