"""The mapping that is proposed of a CSV's first lines: what public loggers write, by hand in their documented forms,
and what is asked because nothing in the file tells.
"""

from pathlib import Path

import pytest

from harness.cli import main
from harness.foreign.importers.power_csv.importer import import_power_csv
from harness.foreign.importers.power_csv.mapping import NAME, read_mapping
from harness.foreign.importers.power_csv.proposal import Proposal, Question, asked, propose
from harness.foreign.importers.power_csv.proposal_text import rows_as_read, toml_of
from harness.foreign.importers.source import SourceFile
from harness.record.campaign_folder import CampaignFolder
from harness.record.errors import ImportFileError
from tests.importers.power_csvs import rows, stamp, wall

HOME_ASSISTANT = (
    "entity_id,state,last_changed\nsensor.plug_power,12.5,2024-05-01T10:00:00.000Z\n"
    "sensor.plug_voltage,230.1,2024-05-01T10:00:00.000Z\nsensor.plug_power,unavailable,2024-05-01T10:00:05.000Z\n"
    "sensor.plug_power,14.1,2024-05-01T10:00:10.500Z\nsensor.plug_power,14.2,2024-05-01T10:00:20.500Z\n"
)
SHELLY = (
    "Date/time UTC,Active Energy (Wh),Returned Energy (Wh),Min V,Max V\n"
    "2024-05-01 10:00,12.5,0.0,229.1,231.0\n2024-05-01 10:01,12.1,0.0,229.1,231.0\n"
)
WATTS_UP = (
    "Time,Watts,Volts,Amps,WattHours,Cost,Power Factor\n2013/05/01 10:00:01,61.2,119.8,0.531,0.0,0,0.96\n"
    "2013/05/01 10:00:02,61.5,119.8,0.531,0.1,0,0.96\n"
)
JOULESCOPE = "# rate 2 Hz\ntime (s),current (A),voltage (V),power (W)\n0.0,0.0012,3.3,0.00396\n0.5,0.0012,3.3,0.00396\n"
OTII = "Timestamp,Main current - Arc (A),Main power (W)\n0.00025,0.0012,0.0045\n0.0005,0.0013,0.0046\n"
POWERSPY = (
    "Time;Voltage (V);Current (A);Power (W)\n21/11/2026 10:00:01;230,1;0,265;61,2\n"
    "21/11/2026 10:00:02;230,1;0,265;60,9\n"
)
KILL_A_WATT = (
    'Date,Time,Power (Watts),Energy (kWh)\n1/31/2024,3:04:05 PM,"1,061.2",12.10\n1/31/2024,3:04:06 PM,"1,060.9",12.11\n'
)
GERMAN = (
    "Datum;Uhrzeit;Leistung [W];Zählerstand [kWh]\n21.11.2026;10:00:01;1.061,2;1234,56\n"
    "21.11.2026;10:00:02;1.060,9;1234,57\n"
)
TASMOTA = "1714557600123,61,0.532,229.8\n1714557601123,62,0.533,229.8\n"
"""A rule of Tasmota that prints time, power, current and voltage, without a header."""
TWO = ["power[0].role", "power[0].reads", "power[1].role", "power[1].reads"]
"""What two columns leave open."""


def proposed(text: str) -> Proposal:
    return propose(SourceFile(Path("log.csv"), text.encode(), text.encode()))


def open_keys(proposal: Proposal) -> list[str]:
    return [question.key for question in proposal.questions]


@pytest.mark.parametrize(
    ("text", "time", "columns", "questions"),
    [
        (HOME_ASSISTANT, ("last_changed", "iso", ""), [("state", "?", "added")], ["power[0].unit", "power[0].reads"]),
        (
            SHELLY, ("Date/time UTC", "%Y-%m-%d %H:%M", "UTC"),
            [("Active Energy (Wh)", "Wh", "?"), ("Returned Energy (Wh)", "Wh", "?")],
            TWO,
        ),
        (
            WATTS_UP, ("Time", "iso", "?"), [("Watts", "W", "?"), ("WattHours", "Wh", "?")],
            ["time.zone", *TWO],
        ),
        (
            JOULESCOPE, ("time (s)", "elapsed-s", "?"), [("power (W)", "W", "added")],
            ["time.start", "time.zone", "power[0].reads"],
        ),
        (
            OTII, ("Timestamp", "?", "?"), [("Main power (W)", "W", "added")],
            ["time.format", "time.start", "time.zone", "power[0].reads"],
        ),
        (
            POWERSPY, ("Time", "%d/%m/%Y %H:%M:%S", "?"), [("Power (W)", "W", "added")],
            ["time.zone", "power[0].reads"],
        ),
        (
            KILL_A_WATT, (["Date", "Time"], "%m/%d/%Y %I:%M:%S %p", "?"),
            [("Power (Watts)", "W", "?"), ("Energy (kWh)", "kWh", "?")],
            ["time.zone", *TWO],
        ),
        (
            GERMAN, (["Datum", "Uhrzeit"], "%d.%m.%Y %H:%M:%S", "?"),
            [("Leistung [W]", "W", "?"), ("Zählerstand [kWh]", "kWh", "?")],
            ["time.zone", *TWO],
        ),
        (
            TASMOTA, ("1", "epoch-ms", ""), [("?", "?", "added")],
            ["power[0].column", "power[0].unit", "power[0].reads"],
        ),
    ],
    ids=["home-assistant", "shelly", "watts-up", "joulescope", "otii", "powerspy", "kill-a-watt", "german", "tasmota"],
)  # fmt: skip
def test_a_loggers_file_is_proposed_as_it_is_documented(
    text: str,
    time: tuple[str | list[str], str, str],
    columns: list[tuple[str, str, str]],
    questions: list[str],
) -> None:
    proposal = proposed(text)
    found = proposal.mapping.time
    assert (found.column, found.format, found.zone) == time
    assert [(one.column, one.unit, one.role) for one in proposal.mapping.power] == columns
    assert open_keys(proposal) == questions


def test_rows_of_names_and_values_become_a_meter_for_each_name_of_power() -> None:
    assert [one.where for one in proposed(HOME_ASSISTANT).mapping.power] == [{"entity_id": "sensor.plug_power"}]


@pytest.mark.parametrize(
    ("text", "decimal", "thousands"),
    [(KILL_A_WATT, ".", ","), (GERMAN, ",", "."), (POWERSPY, ",", ""), (WATTS_UP, ".", "")],
)
def test_decimal_sign_and_thousands_are_seen_where_numbers_show_them(text: str, decimal: str, thousands: str) -> None:
    form = proposed(text).mapping.file
    assert (form.decimal, form.thousands) == (decimal, thousands)


@pytest.mark.parametrize("written", ["1.234,1003", "1 234,1003", "1'234,1003"])
def test_a_counter_with_thousands_is_read_and_shows_what_it_counts(written: str) -> None:
    later = f"{written[:-1]}7"
    proposal = proposed(
        "Zeitstempel;Zählerstand [kWh];Wirkleistung [kW]\n"
        f"25.10.26 01:58:00;{written};1,223\n25.10.26 01:58:01;{later};1,193\n"
    )
    assert any("(counter; so it looks)" in question.text for question in proposal.questions)
    shown = rows_as_read(proposal)
    assert "line 2: when is open: zahlerstand = 1234.1003 kWh" in shown
    assert "lines 2 to 3: as a counter, zahlerstand counts 0.0004 kWh = 1440 J" in shown
    counts = rows_as_read(proposal.answered("time.zone", "+02:00"))
    assert "lines 2 to 3: as a counter, zahlerstand counts 0.0004 kWh = 1440 J in 1 s, 1440 W in the mean" in counts


def test_voltage_and_current_beside_the_power_are_proposed_and_other_columns_are_named() -> None:
    proposal = proposed(WATTS_UP)
    watts, hours = proposal.mapping.power
    assert (watts.voltage, watts.current, hours.voltage) == ("Volts", "Amps", "")
    assert proposal.seen[-1] == "not used: Cost, Power Factor"
    german = proposed("Zeit;Leistung (W);Spannung (V);Strom (mA)\n2026-11-21 10:00:01;61,2;230,1;265,3\n")
    assert (german.mapping.power[0].voltage, german.mapping.power[0].current) == ("Spannung (V)", "")
    assert proposed(SHELLY).mapping.power[0].voltage == ""


def test_a_sign_with_three_digits_behind_it_is_a_question() -> None:
    proposal = proposed('ts,"Power (mW)"\n2024-05-01T10:00:00Z,"61,200"\n2024-05-01T10:00:01Z,"61,300"\n')
    assert open_keys(proposal)[0] == "file.decimal"
    assert rows_as_read(proposal.answered("file.decimal", ","))[1].endswith("= 61.2 mW = 0.0612 W")
    assert rows_as_read(proposal.answered("file.decimal", "."))[1].endswith("= 61200 mW = 61.2 W")


def test_day_and_month_that_cannot_be_told_apart_are_a_question() -> None:
    proposal = proposed("time,power_kw\n03/04/2024 10:00:00,1.5\n03/04/2024 10:00:01,1.6\n")
    question = proposal.questions[0]
    assert question.key == "time.format"
    assert question.choices == ("%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S")
    assert proposed("time,W\n03/14/2024 10:00:00,1.5\n03/14/2024 10:00:01,1.6\n").mapping.time.format.startswith(
        "%m/%d"
    )


def test_what_is_open_is_refused_by_the_import(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(WATTS_UP)
    (tmp_path / NAME).write_text(toml_of(proposed(WATTS_UP)))
    with pytest.raises(ImportFileError, match=r"power\[0\].reads: found '\?'"):
        import_power_csv([tmp_path / "log.csv"], tmp_path / "c", tmp_path / NAME)


@pytest.mark.parametrize(
    "text", [HOME_ASSISTANT, SHELLY, WATTS_UP, JOULESCOPE, OTII, POWERSPY, KILL_A_WATT, GERMAN, TASMOTA]
)
def test_a_proposal_whose_questions_are_answered_imports(tmp_path: Path, text: str) -> None:
    answers = {
        "zone": "Europe/Berlin",
        "start": "2026-11-21T10:00:00",
        "column": "2",
        "unit": "W",
        "format": "elapsed-s",
    }

    def answer(question: Question) -> str:
        key = question.key.partition(".")[2]
        if key in ("role", "circuit"):
            return question.suggested or "added"
        if key == "reads":
            is_counter = "counter; so it looks" in question.text
            return "instant" if "instant" in question.choices else "counter" if is_counter else "per-row"
        return answers[key]

    (tmp_path / "log.csv").write_text(text)
    proposal = asked(proposed(text), answer, pytest.fail)
    (tmp_path / NAME).write_text(toml_of(proposal))
    assert read_mapping(tmp_path / NAME)[0] == proposal.mapping
    assert all(" UTC: " in line or "a row every" in line or "as a counter" in line for line in rows_as_read(proposal))
    import_power_csv([tmp_path / "log.csv"], tmp_path / "c", tmp_path / NAME)
    [run] = CampaignFolder(tmp_path / "c").runs()
    assert wall(run, run.power[0].meter).times_ns.size


def test_a_text_without_a_table_times_or_numbers_is_refused() -> None:
    with pytest.raises(ImportFileError, match=r"log.csv:1: found 'hello', no table"):
        proposed("hello\nworld\n")
    with pytest.raises(ImportFileError, match="no column of times among name, watts"):
        proposed("name,watts\na,5\nb,6\n")
    with pytest.raises(ImportFileError, match="no column of power or energy among time, name"):
        proposed("time,name\n2024-05-01T10:00:00Z,a\n2024-05-01T10:00:01Z,b\n")


# --- on the terminal -----------------------------------------------------------------------------------------------


def test_propose_prints_a_mapping_with_its_questions_and_first_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log.csv").write_text(WATTS_UP)
    assert main(["import", "power-csv", str(tmp_path / "log.csv"), "--propose"]) == 0
    text = capsys.readouterr().out
    assert 'reads = "?"' in text
    assert "# In which time zone are stamps such as '2013/05/01 10:00:01'?" in text
    assert "# line 2: when is open: watts = 61.2 W" in text


def test_without_a_mapping_and_nobody_to_ask_the_way_to_one_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log.csv").write_text(rows(1, 2))
    assert main(["import", "power-csv", str(tmp_path / "log.csv"), "--into", str(tmp_path / "c")]) != 0
    said = " ".join(capsys.readouterr().err.split())
    assert "no such mapping" in said
    assert "--propose" in said


def test_questions_are_asked_until_answered_and_the_mapping_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log.csv").write_text(rows(100, 200, 300))
    answers = iter(["UTC", "W", "average", "mean", "y"])
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    assert main(["import", "power-csv", str(tmp_path / "log.csv"), "--into", str(tmp_path / "c")]) == 0
    said = capsys.readouterr().out
    assert "Answer one of mean, instant, on-change." in said
    assert "line 2: 2026-11-21 10:00:01 UTC: power = 100 W" in said
    assert read_mapping(tmp_path / NAME)[0].power[0].reads == "mean"
    [run] = CampaignFolder(tmp_path / "c").runs()
    assert wall(run, "power").power_w.tolist() == [200, 300]


def test_a_zone_that_is_none_is_asked_again_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log.csv").write_text("time,power\n2026-10-25 02:30:00,100\n2026-10-25 02:30:01,101\n")
    answers = iter(["Berlin", "Europe/Berlin", "+02:00", "W", "mean", "y"])
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    assert main(["import", "power-csv", str(tmp_path / "log.csv"), "--into", str(tmp_path / "c")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "zone Berlin: no such zone; expected a name like Europe/Berlin" in said
    assert 'say zone = "+02:00" (summer time) or "+01:00"' in said
    assert read_mapping(tmp_path / NAME)[0].time.zone == "+02:00"


def test_a_mapping_that_cannot_read_the_first_rows_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log.csv").write_text("time,power_w\n2026-10-25 10:30:00,100\n2026-10-25 10:30:01,1.2.3\n")
    answers = iter(["UTC", "mean", "y"])
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    assert main(["import", "power-csv", str(tmp_path / "log.csv"), "--into", str(tmp_path / "c")]) != 0
    assert "log.csv:3: found '1.2.3'" in "".join(capsys.readouterr().err.split("\n")).replace("  ", " ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv"]


def test_a_proposal_that_is_not_agreed_to_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "log.csv").write_text(rows(100, 200, 300))
    answers = iter(["UTC", "W", "mean", "n"])
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    assert main(["import", "power-csv", str(tmp_path / "log.csv"), "--into", str(tmp_path / "c")]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv"]


def hours(begins: list[str], ends: list[str], head: str) -> str:
    rows = zip(begins, ends, strict=True)
    return f"{head};kWh\n" + "".join(f"{begin};{end};0,{200 + n}\n" for n, (begin, end) in enumerate(rows))


@pytest.mark.parametrize("is_newest_first", [False, True])
def test_of_begins_and_ends_of_rows_the_ends_are_the_times(is_newest_first: bool) -> None:
    stamps = [f"2026-11-21T{n:02d}:00:00+01:00" for n in range(9)]
    begins, ends = stamps[:-1], stamps[1:]
    if is_newest_first:
        begins, ends = begins[::-1], ends[::-1]
    proposal = proposed(hours(begins, ends, "From;To"))
    assert proposal.mapping.time.column == "To"
    assert proposal.mapping.power[0].stamp == "unknown"


def test_ends_without_a_date_make_the_stamps_the_starts_of_rows() -> None:
    clocks = [f"21.11.2026;{n:02d}:00" for n in range(9)]
    proposal = proposed(hours(clocks[:-1], [clock[11:] for clock in clocks[1:]], "Datum;von;bis"))
    assert proposal.mapping.time.column == ["Datum", "von"]
    assert proposal.mapping.power[0].stamp == "start"
    assert 'stamp = "start"' in toml_of(proposal)


def test_a_second_time_of_each_row_is_no_end_of_it() -> None:
    text = "time,received,power_w\n" + "".join(f"{stamp(n)},{stamp(n + 0.2)},{n}\n" for n in range(1, 9))
    assert proposed(text).mapping.time.column == "time"
