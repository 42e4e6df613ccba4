"""Windows' performance counters as typeperf, relog and perfmon write them."""

import math

import pytest

from harness.foreign.importers.oscar.collectl import Hardware
from harness.foreign.importers.oscar.kinds import kind_of, require_kind
from harness.foreign.importers.oscar.perfmon import read_perfmon
from harness.record.errors import ImportFileError
from tests.importers.oscar_files import ACTIONS, source

COUNTERS = (
    r"\\PC7\Processor(_Total)\% Processor Time", r"\\PC7\PhysicalDisk(_Total)\Disk Read Bytes/sec",
    r"\\PC7\PhysicalDisk(_Total)\Disk Write Bytes/sec", r"\\PC7\Network Interface(Intel[R] I219)\Bytes Received/sec",
    r"\\PC7\Network Interface(Wi-Fi)\Bytes Received/sec", r"\\PC7\Network Interface(Intel[R] I219)\Bytes Sent/sec",
    r"\\PC7\Memory\Available MBytes",
)  # fmt: skip
GERMAN = (
    r"\\PC7\Prozessor(_Total)\Prozessorzeit (%)", r"\\PC7\Physikalischer Datenträger(_Total)\Bytes gelesen/s",
    r"\\PC7\Physikalischer Datenträger(_Total)\Bytes geschrieben/s",
    r"\\PC7\Netzwerkschnittstelle(Intel[R] I219)\Empfangene Bytes/s",
    r"\\PC7\Netzwerkschnittstelle(Wi-Fi)\Empfangene Bytes/s",
    r"\\PC7\Netzwerkschnittstelle(Intel[R] I219)\Gesendete Bytes/s",
    r"\\PC7\Arbeitsspeicher\Verfügbare MB",
)  # fmt: skip


def log(counters: tuple[str, ...] = COUNTERS, head: str = "(PDH-CSV 4.0) (W. Europe Standard Time)(-60)") -> str:
    """Two samples; the first has no rates yet."""
    rows = [
        [head, *counters],
        ["01/25/2024 12:00:00.500", *[" "] * 6, "3071"],
        ["01/25/2024 12:00:01.500", "12.5", "2048", "4096", "1024", "1024", "512", "3070"],
    ]
    return "".join(",".join(f'"{cell}"' for cell in row) + "\r\n" for row in rows)


def read(text: str | bytes) -> Hardware:
    require_kind(source(text), "hardware")
    return read_perfmon(source(text))


@pytest.mark.parametrize(
    "text",
    [
        log(),
        "\r\n" + log() + "Exiting, please wait...                         \r\nThe command completed successfully.\r\n",
        log(GERMAN).encode("cp1252"),
        log(GERMAN).encode("utf-16"),
        log(GERMAN),
        log((*COUNTERS, "What this collector set is for"))
        .replace('"3071"', '"3071"," "')
        .replace('"3070"', '"3070"," "'),
    ],
)
def test_counters_become_the_indicators_that_they_are(text: str | bytes) -> None:
    hardware = read(text)
    assert (hardware.times_ns - 1_706_184_000 * 10**9).tolist() == [500_000_000, 1_500_000_000]
    assert {name: values.tolist()[1] for name, values in hardware.columns.items()} == {
        "cpu_percent": 12.5, "disk_read_kib_per_s": 2.0, "disk_write_kib_per_s": 4.0, "net_received_kib_per_s": 2.0,
        "net_sent_kib_per_s": 0.5,
    }  # fmt: skip
    assert all(math.isnan(values[0]) for values in hardware.columns.values())
    assert hardware.offset_h == 1.0
    assert "Processor" in hardware.methods["cpu_percent"] or "Prozessor" in hardware.methods["cpu_percent"]


@pytest.mark.parametrize(
    "text",
    [
        log().replace('"01/25/2024 12:00:01.500"', "01/25/2024 12:00:01.500"),
        log().replace('"01/25/2024 12:00:01.500"', "01/25/2024 12:00:01.500").replace('"3070"', "3070"),
        log().replace('"', ""),
        log().replace('"', "").replace("\r\n", "\n") + "\nDer Befehl wurde, wie gewünscht, ausgeführt.\n",
    ],
)
def test_cells_count_with_and_without_quotes(text: str) -> None:
    hardware = read(text)
    assert hardware.times_ns.size == 2
    assert {name: values.tolist()[1] for name, values in hardware.columns.items()} == {
        "cpu_percent": 12.5, "disk_read_kib_per_s": 2.0, "disk_write_kib_per_s": 4.0, "net_received_kib_per_s": 2.0,
        "net_sent_kib_per_s": 0.5,
    }  # fmt: skip
    assert not hardware.remarks


def test_rows_in_the_middle_without_quotes_are_in_the_mean() -> None:
    rows = [f'"01/25/2024 12:{second // 60:02}:{second % 60:02}.500","{second}"' for second in range(90)]
    bare = [row.replace('"', "", 2) if 30 <= at < 60 else row for at, row in enumerate(rows)]
    head = f'"(PDH-CSV 4.0) (UTC)(0)","{COUNTERS[0]}"'
    hardware = read("\n".join([head, *bare, ""]))
    assert hardware.columns["cpu_percent"].tolist() == list(range(90))


@pytest.mark.parametrize("end", [-2, -4, -20])
def test_a_file_without_quotes_that_ends_in_mid_line_loses_that_line_and_says_so(end: int) -> None:
    hardware = read(log().replace('"', "")[:end])
    assert (hardware.times_ns.size, [remark.code for remark in hardware.remarks]) == (1, ["truncated-source"])


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (
            log().replace("(PDH-CSV 4.0) (W. Europe Standard Time)(-60)", "Zeit"),
            "its first cell is 'Zeit', expected '(PDH-CSV 4.0) (TIME ZONE)(MINUTES)'",
        ),
        (
            log().replace('"(PDH-CSV', 'Zeit,"(PDH-CSV'),
            "its first cell is 'Zeit', expected '(PDH-CSV 4.0) (TIME ZONE)(MINUTES)'",
        ),
        (
            log(head="Zeit").replace('"', "").replace(",", ";"),
            "separated by ';', expected commas; its first cell is 'Zeit'",
        ),
        (log().replace('"', "").replace(",", ";"), "separated by ';', expected commas"),
        (log().replace(",", "\t").replace("PDH-CSV", "PDH-TSV"), "separated by '\\t', expected commas"),
    ],
)
def test_a_changed_header_is_named_with_what_to_restore(header: str, said: str) -> None:
    with pytest.raises(ImportFileError, match=r"x\.csv:1: .*Windows' performance counters under a header") as refused:
        read(header)
    assert said in str(refused.value)
    with pytest.raises(ImportFileError, match="expected a power file, found Windows' performance counters"):
        require_kind(source(header), "power")


def test_without_a_zone_and_with_a_cut_end_it_is_read_and_said() -> None:
    hardware = read(log(head="(PDH-CSV 4.0)")[:-6])
    assert (hardware.offset_h, hardware.times_ns.size) == (None, 1)
    assert [remark.code for remark in hardware.remarks] == ["truncated-source"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            log((r"\\PC7\Memory\Available MBytes",) * 7),
            r"x\.csv:1: none of the performance counters that are read; log",
        ),
        (log()[: log().index("\n") + 1], r"x\.csv:2: no data line"),
        (log().replace("01/25/2024 12:00:01", "01/25/2024 11:00:01"), r"x\.csv:3: time goes back"),
        (log().replace('"12.5"', '"much"'), r"x\.csv:3: found 'much'"),
        (log().replace('"2048",', "") + log().splitlines(keepends=True)[2], r"x\.csv:3: found .*, not 8 fields"),
        (
            log().replace('"2048"', "2048,7"),
            r"x\.csv:3: found '\"01/25.*not 8 fields as in the header; the line is damaged",
        ),
        (log().replace("\r\n", "\r\nlogging was paused\r\n", 1), r"x\.csv:2: found 'logging was paused', not 8 fields"),
        (log().replace('"01/25/2024 12:00:01.500"', "noon"), r"x\.csv:3: found the time 'noon'"),
        (log().replace('"12.5"', "12\r5") + log().splitlines(keepends=True)[2], r"x\.csv:3: found .*, not 8 fields"),
        (log().replace("01/25/2024", "25.01.2024"), r"x\.csv:2: found the time '25\.01\.2024 12:00:00\.500'"),
    ],
)
def test_a_log_that_cannot_be_used_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(ImportFileError, match=message):
        read(text)


def test_it_is_a_hardware_file_and_none_of_the_others() -> None:
    assert kind_of(source(log())) == "hardware-perfmon"
    with pytest.raises(ImportFileError, match="expected a power file, found a hardware file"):
        require_kind(source(log()), "power")
    with pytest.raises(ImportFileError, match="expected a hardware file, found an actions file"):
        require_kind(source(ACTIONS), "hardware")
