"""OSCAR measurements as other labs left them: Okular whole, folders and oscar.toml, what goes together and what not."""

import gzip
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.foreign.importers.grouping import Grouping
from harness.foreign.importers.oscar.importer import import_oscar
from harness.foreign.importers.oscar.layout import find_layout
from harness.foreign.importers.source import read_source
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import ActionEvent, NoteEvent, PhaseEvent
from harness.record.entries import Attachment, of
from harness.record.errors import ImportFileError, RunFolderError
from harness.record.verify import verify_campaign
from reports.campaign.analyse import analyse
from tests.campaign_results import complete
from tests.importers.oscar_files import (
    ACTIONS,
    actions_of,
    hardware_of,
    hardware_text,
    make_folder,
    power_of,
    power_text,
)

DATA = Path(__file__).parents[1] / "data"
OKULAR = DATA / "okular"


@pytest.mark.parametrize("case", ["oscar_collectl_p", "oscar_iteration_actions", "oscar_snmp_power"])
def test_the_files_of_public_recipes_are_imported_as_they_are(case: str, tmp_path: Path) -> None:
    """Two runs of a minute, of 22 W on average; of the mobile meter 22.435 W by the trapezoid."""
    assert import_oscar(DATA / "cases" / case, tmp_path / "c").runs == {"sus": 2}
    runs = CampaignFolder(tmp_path / "c").runs()
    for run, minute in zip(runs, (1, 3), strict=True):
        rating = [event for event in run.events if isinstance(event, PhaseEvent)]
        assert [event.time_ns for event in rating] == [
            (1_717_408_800 + 60 * m) * 10**9 for m in (minute, minute + 1)
        ]  # fmt: skip
        actions = [(e.name, e.edge, e.time_ns - rating[0].time_ns) for e in run.events if isinstance(e, ActionEvent)]
        assert actions == [("Open", "begin", 10 * 10**9), ("Open", "end", 15 * 10**9)]
    scenario = complete(analyse(tmp_path / "c"))["scenarios"]["sus"]
    assert scenario["n_runs"]["value"] == 2
    if case == "oscar_snmp_power":
        assert scenario["mean_power_w"]["value"] == pytest.approx(22.435103985334287, rel=1e-9)
    else:
        assert scenario["energy_wh"]["value"] == pytest.approx(22 * 60 / 3600, rel=1e-12)
    if case == "oscar_collectl_p":
        means = {name: part["mean"] for name, part in scenario["hardware"].items()}
        assert {name: (mean["value"], mean["unit"]) for name, mean in means.items()} == {
            "cpu_percent": (5.0, "%"), "ram_not_free_kib": (9651072.0, "KiB"), "disk_read_kib_per_s": (0.0, "KiB/s"),
            "disk_write_kib_per_s": (12.0, "KiB/s"), "net_received_kib_per_s": (1.0, "KiB/s"),
            "net_sent_kib_per_s": (1.0, "KiB/s"),
        }  # fmt: skip


def test_okular_becomes_fifty_two_sealed_runs_with_its_sources_verbatim(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    summary = import_oscar(OKULAR, tmp_path / "okular", on_progress=lambda done, total: seen.append((done, total)))
    assert summary.runs == {"scenario": 30, "baseline": 11, "idle": 11}
    assert seen[-1] == (52, 52)
    assert "Imported 52 runs" in str(summary)
    assert [check for check in verify_campaign(tmp_path / "okular") if not check.passed] == []
    campaign = CampaignFolder(tmp_path / "okular")
    attached = {attachment.path: attachment.sha256 for attachment in of(Attachment, campaign.entries())}
    assert len(attached) == 9
    for path, digest in attached.items():
        assert hashlib.sha256((campaign.path / path).read_bytes()).hexdigest() == digest
        assert (campaign.path / path).read_bytes() == (OKULAR / Path(path).name).read_bytes()
    runs = campaign.runs()
    assert [run.start.kind for run in runs].count("baseline") == 11
    first = runs[0]
    assert first.start.source is not None
    assert set(first.start.source["files"].values()) <= set(attached.values())
    assert first.power[0].origin == "imported"
    assert (first.power[0].averaging, first.power[0].stamp) == ("window", "unknown")
    assert len({e.name for e in first.events if isinstance(e, ActionEvent)}) == 9


def test_a_run_without_power_data_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, app_power=power_text(12))
    with pytest.raises(ImportFileError, match=r"app-actions\.csv:1: the test run .* not covered by .*app-power\.csv"):
        import_oscar(folder, tmp_path / "campaign")
    assert not (tmp_path / "campaign").exists()


def test_a_gzip_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a-power.csv.gz"
    path.write_bytes(gzip.compress(power_text().encode())[:-20])
    with pytest.raises(ImportFileError, match=r"a-power\.csv\.gz:\d+: the gzip stream is cut off"):
        read_source(path)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(ImportFileError, match="empty"):
        read_source(tmp_path / "x.csv")


def test_a_run_without_hardware_rows_is_imported_and_noted(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    (folder / "app-hardware.csv").unlink()
    import_oscar(folder, tmp_path / "campaign")
    run = CampaignFolder(tmp_path / "campaign").runs()[0]
    assert run.indicators == ()
    rating = [event for event in run.events if isinstance(event, PhaseEvent)]
    assert rating[1].time_ns - rating[0].time_ns == 10_022_000_000  # .5 is 5 ms, .27 is 27 ms
    assert any(getattr(event, "code", "") == "hardware-missing" for event in run.events)


def test_oscar_toml_names_files_meter_and_machine(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "p.txt").write_text(power_text())
    (tmp_path / "in" / "a.txt").write_text(ACTIONS)
    toml = tmp_path / "in" / "oscar.toml"
    toml.write_text(
        '[scenarios.baseline]\npower = "p.txt"\nactions = "a.txt"\n[meter]\nmodel = "UMG 604"\nstamp = "end"\n'
        '[sut]\nhostname = "pc-7"\n'
    )
    import_oscar(tmp_path / "in", tmp_path / "campaign")
    run = CampaignFolder(tmp_path / "campaign").runs()[0]
    assert (run.start.kind, run.start.block, run.start.sut) == ("baseline", 1, {"hostname": "pc-7"})
    assert (run.power[0].identity["model"], run.power[0].stamp) == ("UMG 604", "end")
    with pytest.raises(RunFolderError, match="a campaign is there already"):
        import_oscar(tmp_path / "in", tmp_path / "campaign")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scenarios = 3\n", "expected tables"),
        ("[scenarios.a]\npowr = 'x'\n", "scenarios.a: expected the keys"),
        ("[scenarios.a]\npower = 'x'\n", "no actions file"),
        ("[scenarios.a]\npower = 'x'\nactions = 'y'\n[meter]\nstamp = 'middle'\n", "meter.stamp"),
        ("[scenarios.a]\npower = 'x'\nactions = 'y'\n[meter]\ncolour = 'red'\n", "meter.colour: unknown key"),
        ("[scenarios.a]\npower = 'x'\nactions = 'y'\n[meter]\nwindow_s = 'one'\n", "meter.window_s: found 'one'"),
        ("[scenarios.a]\npower = 'x'\nactions = 'y'\n[meter]\nserial = 7\n", "meter.serial: found 7, expected a text"),
        ("[scenarios.a]\npower = 'x'\nactions = 'y'\nutc_offset_h = 200\n", "utc_offset_h: found 200, expected hours"),
        ("[scenarios.a]\npower = 'x'\nactions = 'y'\nutc_offset_h = nan\n", "utc_offset_h: found nan"),
        ("[scenarios.a]\npower = 'x'\nactions = 'y'\n[sut]\nbought = 2024-01-01\n", "sut.bought: found 2024-01-01"),
        ("[scenarios.a]\npower = 'x'\nactions = 'y'\n[columns]\ncpu = 'x'\n", "columns.cpu: found 'x'; expected one"),
        ("[scenarios.a]\npower = ['x', 'y']\nactions = 'y'\n", "scenarios.a.power: several files; only hardware"),
        ("[scenarios.a]\npower = 3\nactions = 'y'\n", "scenarios.a.power: found 3, expected a file's name"),
        ("[scenarios.a]\npower = 'x'\nactions = 'y'\n", "cannot read"),
        ("no toml", "cannot be read"),
    ],
)
def test_a_wrong_oscar_toml_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "oscar.toml").write_text(text)
    with pytest.raises(ImportFileError, match=message):
        import_oscar(tmp_path, tmp_path / "campaign")


def test_folders_without_what_is_needed_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="no such folder"):
        find_layout(tmp_path / "nowhere")
    with pytest.raises(ImportFileError, match="no <scenario>-power"):
        find_layout(tmp_path)
    (tmp_path / "a-power.csv").write_text(power_text())
    with pytest.raises(ImportFileError, match="'a' has no actions file"):
        find_layout(tmp_path)
    (tmp_path / "a-power.csv.gz").write_bytes(b"")
    with pytest.raises(ImportFileError, match="keep one of them"):
        find_layout(tmp_path)


def toml_folder(folder: Path, text: str, **files: str | bytes) -> Path:
    """A folder with this oscar.toml and these files."""
    folder.mkdir(exist_ok=True)
    (folder / "oscar.toml").write_text(text)
    for name, content in files.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def notes_of(campaign: Path) -> dict[str, list[str]]:
    """Code -> texts of the notes of every run."""
    found: dict[str, list[str]] = {}
    for run in CampaignFolder(campaign).runs():
        for event in run.events:
            if isinstance(event, NoteEvent):
                found.setdefault(event.code, []).append(event.text)
    return found


UTC = 1706180400  # 2024-01-25 11:00:00 UTC, 12:00:00 in Berlin
GUDE = "".join(f"{UTC + i}000000 {10 + i % 3}\n" for i in range(25))
SCENARIO = '[scenarios.sus]\npower = "p"\nactions = "a"\n'
BLOCK = (
    "#" * 80 + "\n# Collectl:   V4.3.1-1  HiRes: 1\n# Date:       20240125-120000  Secs: 1706180400 TZ: +0100\n"
    + "#" * 80 + "\n#Date;Time;[CPU]Totl%;[MEM]Used\n"
)  # fmt: skip
LOCAL = BLOCK + "".join(f"20240125;12:00:{i:02d};3;2000\n" for i in range(25))


@pytest.mark.parametrize(
    ("toml", "hardware", "said"),
    [
        (SCENARIO + "utc_offset_h = 1\n", None, None),
        (SCENARIO + 'hardware = "h"\n', LOCAL, "its stamps are UTC; moved by +1 h, which h says of its machine"),
        (SCENARIO + 'hardware = "h"\nutc_offset_h = 1.0\n', LOCAL, None),
        (SCENARIO + 'hardware = "h"\nutc_offset_h = 1.0\n', LOCAL.replace("+0100", "+0200"),
         "was +2 h from UTC, oscar.toml says +1 h; moved by the latter"),
    ],
)  # fmt: skip
def test_stamps_that_are_utc_are_moved_as_stated_or_as_the_hardware_file_says(
    tmp_path: Path, toml: str, hardware: str | None, said: str | None
) -> None:
    files = {"p": GUDE, "a": ACTIONS} | ({"h": hardware} if hardware else {})
    import_oscar(toml_folder(tmp_path / "in", toml, **files), tmp_path / "c")
    assert [said in text if said else text for text in notes_of(tmp_path / "c").get("utc-offset", [])] == (
        [True] if said else []
    )


def test_an_offset_that_nobody_stated_is_said_and_the_one_that_fits_is_named(tmp_path: Path) -> None:
    shifted = ACTIONS.replace("12:00", "11:00")
    import_oscar(toml_folder(tmp_path / "in", SCENARIO, p=GUDE, a=shifted), tmp_path / "c")
    (said,) = notes_of(tmp_path / "c")["utc-offset"]
    assert (
        said
        == "p: its stamps are UTC, and nothing says how far the actions' clock is from it: taken as 0 h (utc_offset_h)"
    )
    with pytest.raises(ImportFileError, match=r"moved by \+1 h they would cover it; .* oscar\.toml \(utc_offset_h\)"):
        import_oscar(toml_folder(tmp_path / "in", SCENARIO, p=GUDE, a=ACTIONS), tmp_path / "d")
    useless = toml_folder(tmp_path / "in", SCENARIO + "utc_offset_h = 1\n", p=power_text(), a=ACTIONS)
    assert "here are none; nothing was moved" in str(import_oscar(useless, tmp_path / "e"))


def test_what_collectl_calls_its_files_is_found_and_days_are_joined(tmp_path: Path) -> None:
    """collectl adds host and day to the name it is given, and begins a new file at midnight."""
    folder = make_folder(tmp_path)
    (folder / "app-hardware.csv").unlink()
    halves = [LOCAL.splitlines(keepends=True)[i] for i in range(5)], LOCAL.splitlines(keepends=True)[5:]
    for day, rows in enumerate((halves[1][:12], halves[1][12:])):
        content = "".join([*halves[0], *rows]).encode()
        (folder / f"app-hardware.csv-pc7-2024012{day}.tab.gz").write_bytes(gzip.compress(content))
    import_oscar(folder, tmp_path / "c")
    (run,) = CampaignFolder(tmp_path / "c").runs()
    assert [column["name"] for column in run.indicators[0].columns] == ["cpu_percent", "ram_not_free_kib"]
    assert len((run.path / "samples-agent.csv").read_text().splitlines()) == 1 + 20
    assert notes_of(tmp_path / "c")["hardware-partial"] == [
        "app-hardware.csv-pc7-20240120.tab.gz: without [DSK]ReadKBTot, [DSK]WriteKBTot, [NET]RxKBTot, [NET]TxKBTot: "
        "not recorded"
    ]
    (folder / "app-hardware-pc7-20240122.tab").write_text(LOCAL.replace("[MEM]Used", "[MEM]Free"))
    with pytest.raises(ImportFileError, match="other columns than in"):
        import_oscar(folder, tmp_path / "d")
    (folder / "app-hardware-pc7-20240122.tab").write_text(LOCAL)
    with pytest.raises(ImportFileError, match=r"begins at 2024-01-25 12:00:0\d, before .* ends; leave one"):
        import_oscar(folder, tmp_path / "d")


def test_measurements_of_several_days_become_repetitions_by_a_template(tmp_path: Path) -> None:
    for day in (1, 2):
        (tmp_path / f"day{day}").mkdir()
        texts = {"app_power": power_text(), "app_actions": ACTIONS, "app_hardware": hardware_text()}
        later = {
            part: text.replace("2024-1-25", f"2024-1-2{day}").replace("25.01.", f"2{day}.01.")
            for part, text in texts.items()
        }
        make_folder(tmp_path / f"day{day}", **later)
    with pytest.raises(ImportFileError, match=r"but in day1, day2: name one of them, or say with --group"):
        import_oscar(tmp_path, tmp_path / "c")
    summary = import_oscar(tmp_path, tmp_path / "c", grouping=Grouping("*/{scenario}"))
    assert summary.runs == {"app": 2}
    assert [run.start.repetition for run in CampaignFolder(tmp_path / "c").runs()] == [1, 2]


def test_what_is_left_out_of_a_file_stands_in_the_report(tmp_path: Path) -> None:
    cut = ACTIONS + "2024-1-25 12:00:20;startTestrun\n"
    import_oscar(make_folder(tmp_path, app_power=power_text()[:-10], app_actions=cut), tmp_path / "c")
    assert notes_of(tmp_path / "c") == {
        "truncated-source": ["line 27 of app-power.csv: cut off in mid-line; the line is left out"],
        "unended-test-run": [
            "line 3 of app-actions.csv: the test run that begins here has no stopTestrun; it is left out"
        ],
    }
    codes = {finding["code"] for finding in complete(analyse(tmp_path / "c"))["findings"]}
    assert {"truncated-source", "note"} <= codes


def test_a_row_without_a_power_is_a_gap_of_its_run_and_no_more(tmp_path: Path) -> None:
    import_oscar(make_folder(tmp_path, app_power=power_text(value=lambda i: "" if i == 9 else "20,0")), tmp_path / "c")
    (run,) = complete(analyse(tmp_path / "c"))["runs"]
    assert run["energy_wh"]["value"] == pytest.approx(20.0 * 10.022 / 3600, rel=1e-9)
    assert run["excluded_because"] == "gaps in its power readings exceed the limits"
    assert {"gap", "nan"} <= set(run["findings"])
    (campaign,) = CampaignFolder(tmp_path / "c").runs()
    assert ",,1.0,nan\n" in (campaign.path / "readings-wall.csv").read_text()
    assert notes_of(tmp_path / "c")["no-power"] == ["line 12 of app-power.csv: no power in this row (''); a gap"]


def test_the_keys_of_oscar_toml_stand_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "importing.md").read_text()
    for key in ("power", "actions", "hardware", "utc_offset_h", "maker", "model", "serial", "firmware", "stamp",
                "window_s", "[columns]", "[sut]", "[MEM]Used"):  # fmt: skip
        assert key in page, key


def test_indicators_whose_headers_are_indented_are_refused_with_the_recipe() -> None:
    with pytest.raises(ImportFileError, match=r"x\.csv:1: found no line of headers.*collectl -s"):
        hardware_of("\t" + hardware_text(8))


READERS: dict[Callable[[str | bytes], Any], str] = {
    power_of: power_text(8), hardware_of: hardware_text(8), actions_of: ACTIONS,
}  # fmt: skip


@given(st.sampled_from(list(READERS)), st.data())
def test_any_damage_is_read_or_refused_with_file_and_line_never_a_traceback(
    reader: Callable[[str | bytes], object], data: st.DataObject
) -> None:
    content = bytearray(READERS[reader].encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(
            st.binary(max_size=3) | st.sampled_from([b";", b"\n", b",", b'"', b"\0", b"9999999999", b"-"])
        )
        content[at : at + data.draw(st.integers(0, 3))] = piece
    problem = "x.csv:1: none"
    try:
        reader(bytes(content))
    except ImportFileError as error:
        problem = str(error)
    assert re.match(r"x\.csv:\d+: ", problem)
