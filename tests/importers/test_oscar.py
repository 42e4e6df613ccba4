"""OSCAR files as other labs left them: Okular whole, and every trap of formats.md."""

import gzip
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.documents import ActionEvent, PhaseEvent
from harness.errors import ImportFileError, RunFolderError
from harness.importers.imported import SourceFile, read_source
from harness.importers.oscar import find_layout, import_oscar, kind_of, read_actions, read_hardware, read_power
from harness.run_folder import CampaignFolder, verify_campaign

OKULAR = Path(__file__).parents[1] / "data" / "okular"
POWER_HEADER = "Wert 1 : Wirkleistung L2 (1s) [UMG604]\nNummer;Zeit;Wert 1-avg[W];Wert 1-min[W];Wert 1-max[W];\n"
HARDWARE_HEADER = "Date Time;[CPU]Totl%;[MEM]Used;[NET]RxKBTot;[NET]TxKBTot;[DSK]ReadKBTot;[DSK]WriteKBTot\n"
ACTIONS = "2024-1-25 12:00:05.5;startTestrun\n2024-1-25 12:00:15.27;stopTestrun\n"


def source(text: str | bytes, name: str = "x.csv") -> SourceFile:
    content = text.encode() if isinstance(text, str) else text
    return SourceFile(Path(name), content, content.removeprefix(b"\xef\xbb\xbf"))


def power_text(rows: int = 25, value: Callable[[int], str] = lambda i: f"{10 + i},500") -> str:
    lines = [f"{i + 1};25.01.24, 12:00:{i:02d};{value(i)};1,0;2,0;\n" for i in range(rows)]
    return POWER_HEADER + "".join(lines)


def hardware_text(rows: int = 25) -> str:
    return HARDWARE_HEADER + "".join(f"25.01.2024 12:00:{i:02d};{i};2000;1;2;3;4\n" for i in range(rows))


def make_folder(folder: Path, **files: str) -> Path:
    content = {"app-power": power_text(), "app-actions": ACTIONS, "app-hardware": hardware_text()}
    for name, text in (content | {key.replace("_", "-"): value for key, value in files.items()}).items():
        (folder / f"{name}.csv").write_bytes(text.encode())
    return folder


def test_okular_becomes_fifty_two_sealed_runs_with_its_sources_verbatim(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    summary = import_oscar(OKULAR, tmp_path / "okular", on_progress=lambda done, total: seen.append((done, total)))
    assert summary.runs == {"scenario": 30, "baseline": 11, "idle": 11}
    assert seen[-1] == (52, 52)
    assert "Imported 52 runs" in str(summary)
    assert [check for check in verify_campaign(tmp_path / "okular") if not check.passed] == []
    campaign = CampaignFolder(tmp_path / "okular")
    attached = {e["path"]: e["sha256"] for e in campaign.entries() if e["type"] == "attachment"}
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


def test_unpadded_milliseconds_are_milliseconds() -> None:
    run = read_actions(source("2022-9-2 10:52:27.18;startTestrun\n2022-9-2 10:52:28;stopTestrun\n"))[0]
    assert run.begin_ns % 10**9 == 18_000_000
    assert run.end_ns - run.begin_ns == 982_000_000


def test_the_handbooks_variant_means_the_same_as_the_usual_form() -> None:
    usual = (
        "2024-01-25 12:00:05;startTestrun\n2024-01-25 12:00:06;startAction;open\n2024-01-25 12:00:08;stopAction\n"
        "2024-01-25 12:00:09;stopTestrun\n"
    )
    typed = usual.replace(";s", ";;s")
    bare = (
        "2024-01-25 12:00:05;;startTestrun\n2024-01-25 12:00:06;;open\n2024-01-25 12:00:08;;stopAction\n"
        "2024-01-25 12:00:09;;stopTestrun\n"
    )
    expected = read_actions(source(usual))[0]
    assert read_actions(source(b"\xef\xbb\xbf" + typed.encode()))[0] == expected
    assert [(a[0], a[2], a[3]) for a in read_actions(source(bare))[0].actions] == [
        ("open", expected.actions[0][2], expected.actions[0][3])
    ]


def test_repeated_actions_count_up_per_name() -> None:
    line = "2024-01-25 12:00:0{};startAction; save \n2024-01-25 12:00:0{};stopAction\n"
    text = (
        "2024-01-25 12:00:00;startTestrun\n"
        + line.format(1, 2)
        + line.format(3, 4)
        + "2024-01-25 12:00:09;stopTestrun\n"
    )
    assert [action[:2] for action in read_actions(source(text))[0].actions] == [("save", 0), ("save", 1)]


def test_gridvis_kecolab_and_gude_files_of_the_same_measurement_agree() -> None:
    gridvis = read_power(source(power_text(5)))
    kecolab = read_power(
        source("Zeit;Wert 1-avg[W];\n" + "".join(f"{i + 1};25.01.24, 12:00:{i:02d};{10 + i}.5;\n" for i in range(5)))
    )
    epoch_us = 1706184000_000000  # 2024-01-25 12:00:00 UTC
    gude = read_power(
        source("".join(f"{epoch_us + i * 1_000_000 - 3_600_000_000} {10 + i}.5\n" for i in range(5))), 1.0
    )
    for other in (kecolab, gude):
        np.testing.assert_array_equal(other.times_ns, gridvis.times_ns)
        np.testing.assert_array_equal(other.power_w, gridvis.power_w)
    assert (gridvis.averaging, kecolab.averaging, gude.averaging) == ("window", "window", "instantaneous")
    assert gridvis.resolution_w == pytest.approx(0.001)


def test_crlf_and_a_decimal_point_are_read_as_what_they_are() -> None:
    comma = read_power(source(power_text()))
    point = read_power(source(power_text(value=lambda i: f"{10 + i}.500").replace("\n", "\r\n")))
    np.testing.assert_array_equal(comma.power_w, point.power_w)
    crlf = read_hardware(source("\ufeff" + hardware_text().replace("\n", "\r\n")))
    assert crlf.columns["disk_write_kb"].tolist() == [4.0] * 25


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (power_text(value=lambda i: "1.500" if i == 7 else "1,500"), r"x\.csv:10: found '1\.500'.*decimal comma"),
        (power_text(value=lambda i: "much" if i == 3 else "1,5"), r"x\.csv:6: found 'much', expected a number"),
        (power_text(value=lambda i: "nan" if i == 3 else "1,5"), r"x\.csv:6: found 'nan'"),
        (power_text()[:-9], r"x\.csv:27: found .*cut off"),
        (power_text()[:-30], r"x\.csv:27: found .*cut off"),
        (power_text().replace("12:00:10;20,500;1,0;2,0;", "12:00:10;"), r"x\.csv:13: .*damaged"),
        (power_text().replace("12:00:09", "11:00:09"), r"x\.csv:12: time goes back"),
        (power_text().replace("25.01.24, 12:00:09", "2024-01-25 12:00:09"), r"x\.csv:12: found the time"),
        (power_text().replace("avg", "mean"), r"x\.csv:2: no column '\.\.\.-avg\[W\]'"),
        (POWER_HEADER, r"x\.csv:3: no data line"),
        (hardware_text(), r"x\.csv:1: expected a power file, found a hardware file"),
        (ACTIONS, r"x\.csv:1: expected a power file, found a actions file"),
        ("hello\n", r"x\.csv:1: expected a power file, found no known file"),
    ],
)  # fmt: skip
def test_a_damaged_or_swapped_power_file_is_refused_with_file_and_line(text: str, message: str) -> None:
    with pytest.raises(ImportFileError, match=message):
        read_power(source(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (hardware_text().replace("[MEM]Used", "[MEM]Uses"), r"x\.csv:1: no column '\[MEM\]Used'"),
        (hardware_text()[:-10], r"x\.csv:26: .*cut off"),
        (hardware_text().replace(";7;2000", ";x;2000"), r"x\.csv:9: found 'x'"),
        (power_text(), r"x\.csv:1: expected a hardware file, found a power file"),
    ],
)
def test_a_damaged_or_swapped_hardware_file_is_refused_with_file_and_line(text: str, message: str) -> None:
    with pytest.raises(ImportFileError, match=message):
        read_hardware(source(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ACTIONS[:-20], r"x\.csv:2: found"),
        (ACTIONS.split("\n")[0] + "\n", r"x\.csv:1: the test run that begins here has no stopTestrun"),
        (ACTIONS + ACTIONS, r"x\.csv:3: time goes back"),
        (ACTIONS.replace("stopTestrun", "stoppedTestrun"), r"x\.csv:2: found the type 'stoppedTestrun'"),
        ("2024-1-25 12:00:05;stopTestrun\n", r"x\.csv:1: 'stopTestrun' outside"),
        ("2024-1-25 12:00:05;startTestrun\n2024-1-25 12:00:06;startTestrun\n", r"x\.csv:2: startTestrun, but"),
        ("2024-1-25 12:00:05;startTestrun\n2024-1-25 12:00:06;stopAction\n", r"x\.csv:2: stopAction, but"),
        ("2024-1-25 12:00:05;startTestrun\n2024-1-25 12:00:05;stopTestrun\n", r"x\.csv:2: .*no duration"),
        ("2024-13-25 12:00:05;startTestrun\n", r"x\.csv:1: found the time"),
        (power_text(), r"x\.csv:1: expected a actions file, found a power file"),
        (b"2024-1-25 12:00:05;startTestrun\n2024-1-25 12:00:06;startAction;\xff\n", r"x\.csv:2: not UTF-8"),
    ],
)
def test_a_damaged_action_log_is_refused_with_file_and_line(text: str | bytes, message: str) -> None:
    with pytest.raises(ImportFileError, match=message):
        read_actions(source(text))


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


def test_every_kind_of_file_is_told_by_its_first_lines() -> None:
    kinds = [kind_of(source(text)) for text in (power_text(), hardware_text(), ACTIONS, "1706184000000000 3.5\n", "?")]
    assert kinds == ["power-gridvis", "hardware", "actions", "power-gude", "unknown"]


READERS = {read_power: power_text(8), read_hardware: hardware_text(8), read_actions: ACTIONS}


@given(st.sampled_from(list(READERS)), st.data())
def test_any_damage_is_read_or_refused_with_file_and_line_never_a_traceback(
    reader: Callable[[SourceFile], object], data: st.DataObject
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
        reader(source(bytes(content)))
    except ImportFileError as error:
        problem = str(error)
    assert re.match(r"x\.csv:\d+: ", problem)
