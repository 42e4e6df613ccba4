"""Lines that are no rows, cells without a value, and files that are no record of power: read, or refused with what they
are and what to do.
"""

from pathlib import Path

import numpy as np
import pytest

from harness.cli import main
from harness.foreign.importers.power_csv.mapping import NAME
from harness.foreign.importers.power_csv.proposal import Proposal, propose
from harness.foreign.importers.power_csv.proposal_text import toml_of
from harness.foreign.importers.source import SourceFile
from harness.record.documents import NoteEvent
from harness.record.errors import ImportFileError
from harness.record.run_folder import RunFolder
from tests.importers.power_csvs import EVENTS, MAPPING, imported, mapping, rows, stamp, wall, write

# The end of a log of Intel Power Gadget (lzwei196/ProcessC, power_gadget log), with numbers of our own.
FOOTER = (
    "\r\nTotal Elapsed Time (sec) = 3.0\r\nMeasured RDTSC Frequency (GHz) = 2.9\r\n\r\nAverage Power (Watt) = 2.0\r\n"
)
FOOTED = mapping(head='[file]\nfooter = "Total Elapsed Time"\n')
# Two forms of tegrastats' lines, shortened (of the trial's logs of Jetson boards).
TEGRASTATS = (
    "10-01-2025 20:05:55 RAM 2274/6834MB (lfb 27x4MB) SWAP 542/3417MB CPU [99%@1189,off] VDD_IN 5542mW/5542mW\n",
    "Tue Jan 26 18:22:31 UTC 2021\nRAM 896/7859MB (lfb 26x4MB) CPU [4%@2035,4%@345] VDD_IN 1840/1840\n",
)
# The headers of the two trackers' own files, with rows of our own.
EMISSIONS = (
    "timestamp,project_name,run_id,duration,emissions,emissions_rate,cpu_power,energy_consumed\n"
    "2026-11-21T10:00:01,a,1,5.0,0.1,0.02,14.0,0.2\n2026-11-21T10:00:09,a,2,5.0,0.1,0.02,14.0,0.2\n"
)
ECO2AI = (
    "id,project_name,experiment_description,epoch,start_time,duration(s),power_consumption(kWh),CO2_emissions(kg)\n"
    "1,a,none,,2026-11-21 10:00:01,5.0,0.2,0.1\n2,a,none,,2026-11-21 10:00:09,5.0,0.2,0.1\n"
)


def notes(run: RunFolder) -> dict[str, str]:
    return {event.code: event.text for event in run.events if isinstance(event, NoteEvent)}


def proposed(text: str) -> Proposal:
    return propose(SourceFile(Path("log.csv"), text.encode(), text.encode()))


@pytest.mark.parametrize(
    ("column", "label", "origin"),
    [
        ("provenance", "emulated", "emulated"),
        ("Origin", "estimated", "estimated"),
        ("provenance", "instrument", "imported"),
        ("site", "emulated", "imported"),
    ],
)
def test_readings_of_a_table_of_wattlab_stay_emulated(tmp_path: Path, column: str, label: str, origin: str) -> None:
    head, *lines = rows(1, 2, 3).splitlines()
    table = "\n".join([f"{head},{column}", *(f"{line},{label}" for line in lines)]) + "\n"
    [run] = imported(tmp_path, table)
    assert [meter.origin for meter in run.power] == [origin]


def test_a_footer_is_left_out_where_the_mapping_says_how_it_begins(tmp_path: Path) -> None:
    [run] = imported(tmp_path, rows(1, 2, 3) + FOOTER, FOOTED)
    assert wall(run).power_w.tolist() == [1, 2, 3]
    assert (
        "line 6 of log.csv: the footer begins here ('Total Elapsed Time'); its 3 lines are left" in notes(run)["footer"]
    )


def test_a_footer_that_the_mapping_does_not_name_is_refused_with_how_to_say_it(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match=r"csv:6: found 'Total .* say \[file\] footer = \"Total Elapsed Time \("):
        imported(tmp_path, rows(1, 2, 3) + FOOTER)


def test_a_footer_of_a_whole_file_is_proposed_and_imports(tmp_path: Path) -> None:
    text = rows(*[5] * 500) + FOOTER
    proposal = proposed(text)
    assert proposal.mapping.file.footer == "Total Elapsed Time (sec)"
    assert "a footer from line 503 on" in proposal.seen
    assert 'footer = "Total Elapsed Time (sec)"' in toml_of(proposal)
    assert proposed(rows(1, 2, 3) + FOOTER).mapping.file.footer


def test_a_footer_that_is_longer_than_the_table_hides_no_delimiter() -> None:
    footer = "".join(f"\nAverage Power{' of a part' * n} = {n}.5\n" for n in range(6))
    proposal = proposed(rows(1, 2, 3) + footer)
    assert proposal.mapping.file.delimiter == ","
    assert proposal.mapping.file.header == 1


@pytest.mark.parametrize("end", ["", "cut o", "2026-11-21T10:00:"])
def test_a_file_without_a_footer_has_none(end: str) -> None:
    assert proposed(rows(1, 2, 3) + end).mapping.file.footer == ""


def test_damage_between_rows_is_no_footer(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match=r"log.csv:4: found 1 fields, expected 2"):
        imported(tmp_path, rows(1, 2) + "restarted\n" + f"{stamp(3)},3\n")


def test_a_header_that_stands_there_again_is_left_out_and_said(tmp_path: Path) -> None:
    again = f"\ufefftime,power\n{stamp(3)},3\ntime,power\n{stamp(4)},4\n"
    [run] = imported(tmp_path, rows(1, 2) + again)
    assert wall(run).power_w.tolist() == [1, 2, 3, 4]
    assert "line 4 of log.csv: the header stands here again, 2 times in all" in notes(run)["header-again"]


@pytest.mark.parametrize("form", ["iso", "epoch-s"])
def test_the_header_of_another_table_is_refused_with_what_to_do(tmp_path: Path, form: str) -> None:
    text = rows(1, 2) if form == "iso" else "time,power\n1732183201,1\n1732183202,2\n"
    with pytest.raises(ImportFileError, match=r"log.csv:4: found the time 'stamp', .* split the file before it"):
        imported(tmp_path, text + f"stamp,watts\n{stamp(3)},3\n", MAPPING.replace('"iso"', f'"{form}"'))


@pytest.mark.parametrize("cell", ["[N/A]", "[Not Supported]", "[Unknown Error]", "ERR!", "N/A"])
def test_a_cell_that_says_it_has_no_value_is_a_reading_without_one(tmp_path: Path, cell: str) -> None:
    text = rows(1, cell, 3)
    assert proposed(text.replace("power", "power_w")).mapping.power[0].column == "power_w"
    [run] = imported(tmp_path, text)
    np.testing.assert_equal(wall(run).power_w, [1, 3])
    assert wall(run).nan_ns.size == 1


@pytest.mark.parametrize("text", TEGRASTATS)
def test_the_text_of_tegrastats_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(ImportFileError, match=r"log.csv:1: found the text of tegrastats, .* VDD_IN"):
        proposed(text)
    with pytest.raises(ImportFileError, match=r"log.csv:1: found the text of tegrastats, .* VDD_IN"):
        imported(tmp_path, text)


POWERMETRICS = (
    "Machine model: Mac14,2\n\n*** Sampled system activity (Mon Nov 30 10:00:01 2026 +0100) (1004.60ms elapsed) ***\n\n"
    "CPU Power: 114 mW\nCombined Power (CPU + GPU + ANE): 125 mW\n"
)
DMON = (
    "# gpu   pwr gtemp mtemp    sm   mem\n# Idx     W     C     C     %     %\n    0    31    34     -     0     0\n",
    "#Date       Time        gpu   pwr gtemp\n#YYYYMMDD   HH:MM:SS    Idx     W     C\n"
    " 20261130   10:00:01      0    31    34\n",
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (POWERMETRICS, "the text of powermetrics, "),
        *((text, "the table of nvidia-smi dmon, ") for text in DMON),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 63621\n", "a pointer of Git LFS "),
        (
            "# HELP node_joules_total Joules.\n# TYPE node_joules_total counter\nnode_joules_total 1.5\n",
            "what an exporter ",
        ),
        ('[\n  {"host": {"consumption": 5.0, "timestamp": 1.0}},\n  {"host": {}}\n]\n', "JSON, "),
    ],
)
def test_texts_that_are_no_tables_are_named(tmp_path: Path, text: str, name: str) -> None:
    with pytest.raises(ImportFileError, match=rf"log.csv:1: found {name}"):
        proposed(text)
    with pytest.raises(ImportFileError, match=rf"log.csv:1: found {name}"):
        imported(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (EMISSIONS, r"log.csv:1: CodeCarbon's emissions.csv: .* `wattlab import tracker .*log.csv --campaign"),
        (ECO2AI, r"log.csv:1: eco2AI's table of runs: .* \[events.tracker\] name = \"project_name\""),
    ],
)
def test_a_trackers_table_of_runs_is_no_record_of_power(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ImportFileError, match=message):
        proposed(text)
    named = "cpu_power" if text is EMISSIONS else "power_consumption(kWh)"
    time = "timestamp" if text is EMISSIONS else "start_time"
    told = MAPPING.replace('"power"', f'"{named}"').replace('"time"', f'"{time}"')
    with pytest.raises(ImportFileError, match=message):
        imported(tmp_path, text, told)


def test_eco2ais_table_stands_beside_a_meter_as_the_refusal_says(tmp_path: Path) -> None:
    told = EVENTS.replace('"begin"', '"start_time"').replace('end = "end"', 'duration = "duration(s)"')
    told = told.replace('"scenario"', '"project_name"') + (
        '[events.tracker]\nname = "project_name"\nenergy = "power_consumption(kWh)"\nunit = "kWh"\n'
    )
    runs = imported(tmp_path, rows(*[50] * 20), MAPPING + told, ECO2AI)
    assert [run.start.scenario for run in runs] == ["a", "a"]


def test_powers_below_zero_are_seen_by_the_proposal() -> None:
    assert any("reversed = true" in text for text in proposed("time,W\n2026-11-21 10:00:00,-64.3\n").seen)
    assert not any("reversed" in text for text in proposed("time,W\n2026-11-21 10:00:00,64.3\n").seen)


def test_the_command_says_what_a_file_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "in", EMISSIONS)
    (tmp_path / "in" / NAME).unlink()
    assert main(["import", "power-csv", str(path), "--propose"]) == 1
    assert "wattlab import tracker" in " ".join(capsys.readouterr().err.split())


def test_a_table_of_r_has_quoted_fields_between_blanks() -> None:
    lines = ["time   power_w", *(f'"{n}"  "2026-11-21 10:00:0{n}" 61.{n} ' for n in (1, 2, 3))]
    proposal = proposed("\n".join(lines).replace("time", '"time"').replace("power_w", '"power_w"') + "\n")
    assert (proposal.mapping.file.delimiter, proposal.mapping.time.format) == (" ", "iso")
    assert proposal.rows.names[-2:] == ("time", "power_w")
