"""collectl's files: what collectl itself writes, the forms that recipes make of it, units, refusals."""

import gzip
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from harness.foreign.importers.oscar.collectl import COLLECTL, Hardware, read_collectl
from harness.foreign.importers.oscar.kinds import require_kind
from harness.foreign.importers.source import read_source
from harness.record.errors import ImportFileError
from tests.importers.oscar_files import HARDWARE_HEADER, hardware_of, hardware_text, power_text

NAMES = ["[CPU]Totl%", "[MEM]Used", "[DSK]ReadKBTot", "[DSK]WriteKBTot", "[NET]RxKBTot", "[NET]TxKBTot"]
BLOCK = (
    "#"
    * 80
    + "\n# Collectl:   V4.3.1-1  HiRes: 1  Options: -s cdmn -P --sep 59 -f d \n# Host:       pc7  DaemonOpts: \n"
    "# Date:       20240125-120000  Secs: 1706180400 TZ: +0100\n"
    "# SubSys:     cdmn Options:  Interval: 1 NumCPUs: 2  NumBud: 0 Flags: i\n" + "#" * 80 + "\n"
)
EPOCH = 1706184000  # 2024-01-25 12:00:00 as a wall clock's reading


def plot(separator: str = ";", stamp: str = "{day}{separator}{clock}", head: str = "#Date{separator}Time") -> str:
    """Five rows as `collectl -P` writes them."""
    lines = [separator.join([head.format(separator=separator), *NAMES, "[DSK]KbTot"])]
    for i in range(5):
        at = stamp.format(day="20240125", clock=f"12:00:{i:02d}", separator=separator, epoch=EPOCH + i)
        lines.append(separator.join([at, str(i), "1932820", "3", "4", "1", "2", "7"]))
    return "\n".join(lines) + "\n"


FORMS = {
    "to a terminal": "waiting for 1 second sample...\n" + plot(),
    "into a file": BLOCK + plot(),
    "blanks between": plot(" "),
    "tabs between": plot("\t"),
    "commas between": plot(","),
    "milliseconds": plot(stamp="{day}{separator}{clock}.000"),
    "UTC": plot(stamp="{epoch}", head="#UTC"),
    "UTC with milliseconds": plot(" ", stamp="{epoch}.000", head="#UTC"),
    "headers that repeat": plot().replace("20240125;12:00:03", plot().split("\n")[0] + "\n20240125;12:00:03"),
    "KEcoLab's conversion": plot(head="Date Time", stamp="25.01.2024 {clock}"),
    "R's names": plot(head="Date.Time", stamp="25.01.2024 {clock}")
    .replace("[", "X.")
    .replace("]", ".")
    .replace("%", "."),
    "ISO stamps": plot(head="Date Time", stamp="2024-01-25 {clock}"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_row_that_was_made_a_comment_is_not_left_out_without_a_word(form: str) -> None:
    lines = FORMS[form].splitlines()
    lines[-2] = "# " + lines[-2]
    with pytest.raises(ImportFileError, match=rf":{len(lines) - 1}: found '# .*, a row that was made a comment"):
        hardware_of("\n".join(lines))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_same_recording_is_read_alike(form: str) -> None:
    hardware = hardware_of(FORMS[form])
    assert hardware.times_ns.tolist() == [(EPOCH + i) * 10**9 for i in range(5)]
    assert {name: values.tolist() for name, values in hardware.columns.items()} == {
        "cpu_percent": [0.0, 1.0, 2.0, 3.0, 4.0], "ram_not_free_kib": [1932820.0] * 5,
        "disk_read_kib_per_s": [3.0] * 5, "disk_write_kib_per_s": [4.0] * 5,
        "net_received_kib_per_s": [1.0] * 5, "net_sent_kib_per_s": [2.0] * 5,
    }  # fmt: skip
    assert (hardware.is_utc, hardware.period_s) == ("UTC" in form, 1.0)
    assert hardware.offset_h == (1.0 if form == "into a file" else None)
    assert hardware.remarks == ()


def test_kb_of_collectl_is_1024_byte_and_used_is_total_minus_free() -> None:
    assert {name: (one.unit, one.quantity) for name, one in COLLECTL.items()}["[MEM]Used"] == (
        "KiB", "SUT memory that is not free: total - free, caches included",
    )  # fmt: skip
    assert {one.unit for name, one in COLLECTL.items() if "KB" in name} == {"KiB/s"}


def test_what_was_recorded_is_read_and_nothing_else() -> None:
    hardware = hardware_of(plot().replace("[NET]", "[XET]"))
    assert list(hardware.columns) == ["cpu_percent", "ram_not_free_kib", "disk_read_kib_per_s", "disk_write_kib_per_s"]


def test_names_that_oscar_toml_gives_are_found() -> None:
    """The handbook's example has names of its own."""
    text = "Date-Time;cpu;mem\n27.08.2022 16:47:10;1;7131968\n27.08.2022 16:47:11;4;7131968\n"
    hardware = hardware_of(text, {"[CPU]Totl%": "cpu", "[MEM]Used": "mem"})
    assert hardware.columns["ram_not_free_kib"].tolist() == [7131968.0] * 2
    with pytest.raises(
        ImportFileError, match=r"x\.csv:1: no column 'ram', which oscar\.toml names; found Date-Time, cpu"
    ):
        hardware_of(text, {"[CPU]Totl%": "cpu", "[MEM]Used": "ram"})


def test_a_last_line_that_was_cut_off_is_left_out_and_said() -> None:
    for text, rows in ((hardware_text()[:-10], 24), (hardware_text()[:-1], 24), (plot()[:-1], 5), (plot()[:-3], 4)):
        hardware = hardware_of(text)
        assert (hardware.times_ns.size, len(hardware.remarks)) == (rows, int(rows in (24, 4)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (hardware_text().replace(";7;2000", ";x;2000"), r"x\.csv:9: found 'x'"),
        (hardware_text().replace("12:00:09", "11:00:09"), r"x\.csv:11: time goes back"),
        (hardware_text().replace("25.01.2024 12:00:09", "25.13.2024 12:00:09"), r"x\.csv:11: found the time"),
        (power_text(), r"x\.csv:1: expected a hardware file, found a power file .* swapped"),
        (HARDWARE_HEADER, r"x\.csv:2: no data line"),
        (plot().replace("[", "[X"), r"x\.csv:1: none of the columns .*; found #Date, Time, .* small letters"),
        (plot(stamp="01/25;{clock}"), r"x\.csv:2: found the time '01/25 12:00:00', which has no year \(-od\)"),
        (plot() + plot().replace("KbTot", "OpsTot"), r"x\.csv:7: another header than in line 1"),
        (plot().replace("[DSK]KbTot", "[CPU]Ctx/int"), r"x\.csv:1: recorded with -on: CPU stands in jiffies"),
        (BLOCK.replace("Options:  Int", "Options: nz Int") + plot(), r"x\.csv:7: recorded with -on"),
        (plot().partition("\n")[2], r"found rows without the line that names their columns .*without --hr"),
        (BLOCK, r"found collectl's block without columns behind it"),
        ("waiting for 1 second sample...\n#<--------CPU--------><-----\n#cpu sys\n 1 2\n", r"shows on a terminal"),
        ("\n### RECORD    1 >>> pc7 <<< (1.0) (Sat) ###\n", r"shows on a terminal .* record with -P: `collectl"),
        ("#Time     cpu sys inter\n16:40:12  100   1   627\n", r"shows on a terminal"),
        (BLOCK + ">>> 1795884028.505 <<<\ncpu  1 2\n", r"collectl's raw file; play it back: `collectl -p FILE"),
        ("Date-Time;cpu;mem\n27.08.2022 16:47:10;1;7131968\n", r"columns of other names .* oscar\.toml, \[columns\]"),
        (BLOCK + "#Date;Time;PID;User\n20240125;12:00:00;1;root\n", r"none of the columns"),
    ],
)  # fmt: skip
def test_a_hardware_file_that_cannot_be_used_is_refused_with_the_true_reason(text: str, message: str) -> None:
    with pytest.raises(ImportFileError, match=message):
        hardware_of(text)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What collectl itself writes, all at the same time: two samples a form."""
    program = shutil.which("collectl")
    if program is None:
        pytest.skip("collectl is not installed")
    folder = tmp_path_factory.mktemp("collectl")
    usual = [program, "-s", "cdmn", "-i", ".5", "-c", "2"]
    (folder / "files").mkdir()
    plotted = [*usual, "-P", "--sep", "59"]
    commands = {
        "semicolons": plotted, "blanks": [*usual, "-P"], "utc": [*plotted, "-oUm"], "millis": [*plotted, "-oTm"],
        "headers": [*plotted, "--hr", "2", "-c", "3"], "filed": [*plotted, "-f", f"{folder}/files/"], "brief": usual,
        "raw": [*usual, "-f", f"{folder}/raw"],
    }  # fmt: skip
    running = []
    for name, command in commands.items():
        with (folder / name).open("wb") as output:
            running.append(subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL))
    assert [process.wait(30) for process in running] == [0] * len(running)
    return folder


def read(path: Path) -> Hardware:
    source = read_source(path, partial=True)
    require_kind(source, "hardware")
    return read_collectl(source, {})


def test_what_collectl_itself_writes_is_read_in_every_form(recorded: Path) -> None:
    (filed,) = (recorded / "files").glob("*.tab.gz")
    for path in (*(recorded / name for name in ("semicolons", "blanks", "utc", "millis", "headers")), filed):
        hardware = read(path)
        assert (hardware.times_ns.size, len(hardware.columns)) == (3 if path.name == "headers" else 2, 6), path.name
        used = hardware.columns["ram_not_free_kib"]
        total_kib = float(next(w for w in Path("/proc/meminfo").read_text().splitlines() if "MemTotal" in w).split()[1])
        assert ((used > 0) & (used < total_kib)).all()
        assert hardware.is_utc == (path.name == "utc")
    assert read(filed).offset_h is not None
    steps_ns = np.diff(read(recorded / "millis").times_ns)
    assert 0.3e9 < steps_ns[0] < 1.5e9


def test_what_collectl_shows_on_a_terminal_or_keeps_raw_is_named_and_the_remedy_works(recorded: Path) -> None:
    with pytest.raises(ImportFileError, match="what collectl shows on a terminal"):
        read(recorded / "brief")
    (raw,) = recorded.glob("raw-*.raw.gz")
    with pytest.raises(ImportFileError, match="raw file; play it back") as refusal:
        read(raw)
    command = str(refusal.value).split("`")[1].replace("FILE.raw.gz", str(raw)).replace("NAME-", f"{recorded}/played-")
    subprocess.run(command, shell=True, check=True, timeout=90)
    assert read(recorded / "played-hardware.csv").times_ns.size >= 1


def test_a_gzip_file_without_an_end_is_read_as_far_as_it_goes_and_said(tmp_path: Path) -> None:
    """collectl that was killed leaves such a file."""
    path = tmp_path / "x.tab.gz"
    rows = "".join(f"20240125;12:{i // 60:02d}:{i % 60:02d};{i % 7};1932820;3;4;1;2;7\n" for i in range(600))
    path.write_bytes(gzip.compress((plot().split("\n")[0] + "\n" + rows).encode())[:-200])
    hardware = read(path)
    assert 10 < hardware.times_ns.size < 600
    assert {remark.code for remark in hardware.remarks} == {"truncated-source"}
    with pytest.raises(ImportFileError, match=r"x\.tab\.gz:\d+: the gzip stream is cut off"):
        read_source(path)
