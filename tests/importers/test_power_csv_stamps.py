"""Stamps as loggers write them: what a format reads, which format is proposed, and when nothing tells it."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.foreign.importers.power_csv.clock import times_of
from harness.foreign.importers.power_csv.formats import fault_of, pattern_of
from harness.foreign.importers.power_csv.mapping import FileForm, TimeColumn
from harness.foreign.importers.power_csv.proposal import Proposal, propose
from harness.foreign.importers.power_csv.stamp_forms import formats_of
from harness.foreign.importers.power_csv.table import read_rows
from harness.foreign.importers.source import SourceFile
from harness.record.errors import ImportFileError
from tests.importers.power_csvs import MAPPING, imported, wall

# As PowerJoular writes them (joular/powerjoular; two of its logs, of which a few stamps stand here).
POWERJOULAR = ("2025-10-23 1:24:58.298", "2025-10-23 1:24:59.300", "2025-10-23 1:25:0.306")
POWERJOULAR_PID = ("2024- 11- 2  19: 17: 9. 951", "2024- 11- 2  19: 17: 10. 70", "2024- 11- 2  19: 17: 10. 188")


def read(form: str, *texts: str) -> list[int]:
    """Milliseconds since the first of some stamps."""
    lines = "\n".join(["time", *texts, ""])
    rows = read_rows(SourceFile(Path("log.csv"), lines.encode(), lines.encode()), FileForm())
    times_ns = times_of(rows, TimeColumn(column="time", format=form, zone="UTC"))
    return [(time_ns - int(times_ns[0])) // 1_000_000 for time_ns in times_ns.tolist()]


def proposed(*stamps: str, heading: str = "time") -> Proposal:
    text = "".join([f"{heading};power_w\n", *(f"{stamp};{n}.5\n" for n, stamp in enumerate(stamps))])
    return propose(SourceFile(Path("log.csv"), text.encode(), text.encode()))


def test_numbers_without_zeros_in_front_are_read_as_strptime_does() -> None:
    assert read("%Y-%m-%d %H:%M:%S.%f", *POWERJOULAR) == [0, 1002, 2008]


def test_blanks_of_a_format_are_any_run_of_blanks_and_whole_milliseconds_have_a_directive() -> None:
    assert read("%Y- %m- %d  %H: %M: %S. %L", *POWERJOULAR_PID) == [0, 119, 237]
    assert read(" %Y- %m- %d %H: %M: %S. %L ", *POWERJOULAR_PID) == [0, 119, 237]


def test_whole_milliseconds_that_are_read_as_decimals_are_refused_with_the_format() -> None:
    with pytest.raises(ImportFileError, match=r"log.csv:4: .* runs backwards once, .* %H: %M: %S. %L'"):
        read("%Y- %m- %d %H: %M: %S. %f", *POWERJOULAR_PID)
    with pytest.raises(ImportFileError, match=r"say format = '%Y-%m-%d %H:%M:%S.%L'"):
        read("iso", "2024-12-17 18:51:13.98", "2024-12-17 18:51:13.102")


def test_a_stamp_that_is_not_iso_is_refused_with_the_format_that_reads_it() -> None:
    with pytest.raises(ImportFileError, match=r"log.csv:3: .* '%Y-%m-%d %H:%M:%S.%f' reads every stamp"):
        read("iso", "2025-10-23 10:24:59.298", "2025-10-23 1:25:0.306")
    with pytest.raises(ImportFileError, match=r"log.csv:3: .* '%Y/%m/%d %H:%M:%S' reads this one"):
        read("iso", "2025-10-23 10:24:59", "2025/10/23 1:25:0")


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2068, 1, 1)),
    st.sampled_from(["%Y-%m-%d %H:%M:%S.%f", "%d.%m.%y %H:%M:%S", "%m/%d/%Y, %H:%M:%S", "%Y%m%d %H%M%S"]),
    st.booleans(),
)
def test_a_format_that_is_read_by_column_gives_what_strptime_gives(moment: datetime, form: str, is_short: bool) -> None:
    text = moment.strftime(form)
    if is_short and "%Y%m" not in form:
        text = moment.strftime(form.replace("%f", "@").replace("%", "%-").replace("@", "%f").replace("%-y", "%y"))
    text = text.replace(" ", "  ")
    match = pattern_of(form)
    assert match is not None
    assert match.fullmatch(text)
    seconds = datetime.strptime(text, form) - datetime(1970, 1, 1)
    rows = read_rows(SourceFile(Path("log.csv"), b"", f"time\tw\n{text}\t1\n".encode()), FileForm(delimiter="\t"))
    times_ns = times_of(rows, TimeColumn(column="time", format=form, zone="UTC"), np.array([0]))
    assert times_ns[0] == ((seconds.days * 86_400 + seconds.seconds) * 10**6 + seconds.microseconds) * 1000


@pytest.mark.parametrize(
    ("form", "fault"),
    [
        ("local", "names no part"),
        ("%Q", "bad directive"),
        ("%Y %Y", "twice"),
        ("%H:%M %", "stray"),
        ("%d %b %Y %L", "beside numbers"),
    ],
)
def test_what_is_no_format_is_refused_with_its_fault(form: str, fault: str) -> None:
    assert fault in str(fault_of(form))
    with pytest.raises(ImportFileError, match=r"\[time\] format: found"):
        read(form, "2024-12-17 8:40:37")


@pytest.mark.parametrize(
    ("stamps", "form"),
    [
        (("2024/12/17 8:40:37", "2024/12/17 10:40:37"), "%Y/%m/%d %H:%M:%S"),
        (("2024-12-17 8:40:37", "2024-12-17 10:40:37"), "%Y-%m-%d %H:%M:%S"),
        (("2024-12-17 10:40:37", "2024-12-17 8:40:38"), "%Y-%m-%d %H:%M:%S"),
        (("2024/12/17 8:40", "2024/12/17 8:41"), "%Y/%m/%d %H:%M"),
        (("2024/3/4 8:40", "2024/3/5 8:41"), "%Y/%m/%d %H:%M"),
        (("2024-12-17 8:40:37+01:00",), "%Y-%m-%d %H:%M:%S%z"),
        (("2024-12-17 8:40:37 PM",), "%Y-%m-%d %I:%M:%S %p"),
        (("20241217 08:40:37",), "%Y%m%d %H:%M:%S"),
        (("17-Dec-2024 08:40:37",), "%d-%b-%Y %H:%M:%S"),
        (("31-May-2024 08:40:37", "1-Jun-2024 08:40:37"), "%d-%b-%Y %H:%M:%S"),
        (("31 May 2024 08:40", "1 June 2024 08:40"), "%d %B %Y %H:%M"),
        (("Dec 17, 2024 8:40:37 PM",), "%b %d, %Y %I:%M:%S %p"),
        (("2024-12-17 18:51:13:298",), "%Y-%m-%d %H:%M:%S:%f"),
        (("2024-12-17", "2024-12-18"), "%Y-%m-%d"),
        (("17.12.2024", "18.12.2024"), "%d.%m.%Y"),
        (("3/14/24 8:40:7",), "%m/%d/%y %H:%M:%S"),
        (("2024-12-17 18:51:13.98", "2024-12-17 18:51:13.102"), "%Y-%m-%d %H:%M:%S.%L"),
        (("2024-12-17 18:51:13.98", "2024-12-17 18:51:14.1"), "iso"),
        (POWERJOULAR, "%Y-%m-%d %H:%M:%S.%f"),
        (POWERJOULAR_PID, "%Y- %m- %d  %H: %M: %S. %L"),
    ],
)  # fmt: skip
def test_a_stamp_is_proposed_by_the_format_that_reads_it(stamps: tuple[str, ...], form: str) -> None:
    proposal = proposed(*stamps)
    assert proposal.mapping.time.format == form
    assert "time.format" not in [question.key for question in proposal.questions]
    proposal.require_times()


@pytest.mark.parametrize(
    ("stamp", "forms", "text"),
    [
        ("03/04/2024 10:00", ["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"], "the first number the day or the month"),
        ("03/04/2024", ["%d/%m/%Y", "%m/%d/%Y"], "the first number the day or the month"),
        ("17/12/24 10:00:00", ["%d/%m/%y %H:%M:%S", "%y/%m/%d %H:%M:%S"], "which the year"),
    ],
)
def test_what_is_day_month_or_year_is_asked_where_it_is_open(stamp: str, forms: list[str], text: str) -> None:
    question = proposed(stamp).questions[0]
    assert (question.key, list(question.choices)) == ("time.format", forms)
    assert text in question.text


def test_a_date_alone_is_no_time_where_two_rows_share_it() -> None:
    with pytest.raises(ImportFileError, match="no column of times"):
        proposed("2024-12-17", "2024-12-17")
    with pytest.raises(ImportFileError, match="no column of times"):
        proposed("17.12.24", "18.12.24", heading="version")


def test_a_date_alone_is_a_time_without_a_header() -> None:
    text = b"2024-12-17,10929.214\n2024-12-18,10965.978\n"
    assert propose(SourceFile(Path("log.csv"), text, text)).mapping.time.format == "%Y-%m-%d"


def test_numbers_may_begin_with_the_decimal_point() -> None:
    text = b"TIME\tTOTAL (mW)\n.0056609890\t6021\n.4774223250\t6021\n1.42\t.5\n"
    time = propose(SourceFile(Path("log.csv"), text, text)).mapping.time
    assert (time.column, time.format, time.start) == ("TIME", "?", "?")


@pytest.mark.parametrize("heading", ["Date;Time", "Time;Date"])
def test_date_and_time_in_two_columns_have_the_year_in_front(heading: str) -> None:
    cells = "2024/12/17;8:40:37" if heading.startswith("Date") else "8:40:37;2024/12/17"
    text = f"{heading};power_w\n{cells};1.5\n"
    proposal = propose(SourceFile(Path("log.csv"), text.encode(), text.encode()))
    assert proposal.mapping.time.column == ["Date", "Time"]
    assert proposal.mapping.time.format == "%Y/%m/%d %H:%M:%S"
    assert "time.format" not in [question.key for question in proposal.questions]


def test_date_and_time_of_no_known_form_are_asked_for_their_format() -> None:
    text = "Date;Time;power_w\n2024/12/17;8:40;1.5\n17.12.2024;8:41;1.5\n"
    [question, *_] = propose(SourceFile(Path("log.csv"), text.encode(), text.encode())).questions
    assert (question.key, question.choices) == ("time.format", ())
    assert "Say it as strptime does" in question.text


def test_of_two_columns_the_one_with_a_time_of_day_is_taken() -> None:
    text = "Date;Timestamp;power_w\n2024-12-17;2024-12-17 8:40:37;1.5\n2024-12-18;2024-12-18 8:40:38;1.5\n"
    assert propose(SourceFile(Path("log.csv"), text.encode(), text.encode())).mapping.time.column == "Timestamp"


def test_every_unit_that_a_mapping_may_have_is_offered() -> None:
    text = "time,reading\n2024-12-17 08:40:37,1.5\n2024-12-17 08:40:38,1.5\n"
    proposal = propose(SourceFile(Path("log.csv"), text.encode(), text.encode()))
    [unit] = [question for question in proposal.questions if question.key == "power[0].unit"]
    assert {"uJ", "Ws", "MJ", "MWh"} <= set(unit.choices)


def test_stamps_of_no_form_are_no_formats() -> None:
    assert [formats_of([text]) for text in ("", "yesterday", "1.2.3", "2024-13-40", "8:40:37")] == [[]] * 5


def test_a_log_of_powerjoular_is_imported_as_it_is(tmp_path: Path) -> None:
    lines = [f" {stamp},{n}.5\n" for n, stamp in enumerate(POWERJOULAR_PID)]
    told = MAPPING.replace('"iso"', '"%Y- %m- %d %H: %M: %S. %L"').replace("window_s = 1.0\n", "")
    [run] = imported(tmp_path, "time,power\n" + "".join(lines), told.replace('stamp = "end"\n', ""))
    assert wall(run).window_s.tolist() == [0.119, 0.118]
