"""Columns of times that count from a beginning: their headings in the forms that loggers write, and their units."""

from pathlib import Path

import pytest

from harness.foreign.importers.power_csv.proposal import Proposal, propose
from harness.foreign.importers.power_csv.time_units import says_time, unit_of_time
from harness.foreign.importers.source import SourceFile
from tests.importers.power_csvs import POWER, imported, mapping, wall


def proposed(text: str) -> Proposal:
    return propose(SourceFile(Path("log.csv"), text.encode(), text.encode()))


@pytest.mark.parametrize(
    ("heading", "unit"),
    [
        ("Time (mS)", "ms"), ("Time(us)", "us"), ("Timestamp(ms)", "ms"), ("elapsed_ms", "ms"), ("t_us", "us"),
        ("t (s)", "s"), ("TimeStampUs", "us"), ("time [µs]", "us"), ("Time_NS", "ns"), ("timestampMs", "ms"),
        ("Elapsed Time (sec)", "s"), ("time_msec", "ms"), ("Time (MSEC)", "ms"), ("elapsed min", "min"),
        ("Zeit [min]", "min"), ("time_h", "h"), ("timems", "ms"), ("seconds", "s"), ("ms since start, time", "ms"),
        ("time", ""), ("Timestamp", ""), ("min_time", ""), ("time (ms or us)", ""), ("Time (100ns)", ""),
    ],
)  # fmt: skip
def test_a_heading_says_the_unit_of_its_times_in_any_case_and_form(heading: str, unit: str) -> None:
    assert unit_of_time(heading) == unit
    assert says_time(heading)
    rows = "".join(f"{n * 250},{60 + n}.5\n" for n in range(4))
    time = proposed(f'"{heading}",power_w\n{rows}').mapping.time
    assert (time.column, time.format, time.start) == (heading, f"elapsed-{unit}" if unit else "?", "?")


@pytest.mark.parametrize("heading", ["T (°C)", "dt (s)", "duration (s)", "tokens", "us", "min", "T_gpu"])
def test_other_headings_are_no_times(heading: str) -> None:
    assert not says_time(heading)


def test_a_unit_that_the_heading_does_not_say_is_asked() -> None:
    proposal = proposed("time,power_w\n0,61.2\n500,61.3\n1000,61.4\n")
    question = proposal.questions[0]
    assert (question.key, question.choices[:2]) == ("time.format", ("elapsed-s", "elapsed-ms"))
    assert question.text == "In which unit are the times of 'time', such as '0'?"
    answered = proposal.answered("time.format", "elapsed-ms")
    assert [one.key for one in answered.questions[:2]] == ["time.start", "time.zone"]


def test_of_two_columns_of_times_the_one_that_never_falls_is_taken() -> None:
    proposal = proposed("step_time_ms,elapsed_ms,power_w\n12,0,61.2\n11,500,61.3\n14,1000,61.4\n")
    assert (proposal.mapping.time.column, proposal.mapping.time.format) == ("elapsed_ms", "elapsed-ms")


def test_minutes_and_hours_from_a_beginning_are_read(tmp_path: Path) -> None:
    time = '[time]\ncolumn = "time"\nformat = "elapsed-min"\nstart = "2026-11-21T10:00:00"\nzone = "UTC"\n'
    for folder, form, text in (("m", "min", "1\n0.5,2\n1.5,3"), ("h", "h", "1\n0.125,2\n0.25,3")):
        [run] = imported(
            tmp_path / folder, f"time,power\n0,{text}\n", mapping(POWER, time.replace("elapsed-min", f"elapsed-{form}"))
        )
        times_ns = wall(run).times_ns
        assert int(times_ns[1] - times_ns[0]) == {"m": 30, "h": 450}[folder] * 10**9
