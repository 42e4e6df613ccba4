"""A sealed run is what was measured: any changed byte, any missing, added, replaced or moved run is found."""

import hashlib
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.measure.journal import Journal
from harness.record.campaign_folder import CAMPAIGN, CampaignFolder, write_derived
from harness.record.chain import line_of
from harness.record.documents import ActionEvent, NoteEvent, PhaseEvent, PowerDescriptor, Start, Stop
from harness.record.errors import DocumentError, EvidenceBroken, RunFolderError
from harness.record.plain_files import read_plain
from harness.record.run_folder import JOURNAL, RunFolder
from harness.record.run_writer import RunWriter
from harness.record.seal import MANIFEST, seal_folder
from harness.record.verify import examine, verify_campaign, verify_run
from tests.disks import small_disk
from tests.harness.start import START
from tests.sut.netns import run

UTC = "2026-11-21T10:00:00Z"


def write_run(folder: Path, *, previous: str | None = None, ordinal: int = 1, readings: bytes = b"1,2.0\n") -> str:
    with RunWriter(folder) as writer:
        digest = writer.write_file("inputs/lab.toml", b"schema = 1\n")
        fields: dict[str, Any] = START | {
            "ordinal": ordinal,
            "previous_manifest": previous,
            "inputs": {"lab.toml": digest},
        }
        writer.append(Start(**fields))
        with writer.open_stream("readings-wall.csv") as stream:
            stream.write(b"time_ns,power_w\n" + readings)
        writer.append(NoteEvent(time_ns=6, code="x", text="y"))
        stop = Stop(time_ns=9, utc=UTC, exit_status="success", reason=None, streams=writer.stream_summary())
        return writer.seal(stop)


def write_campaign(path: Path, count: int = 3) -> CampaignFolder:
    campaign = CampaignFolder.create(path)
    campaign.append("campaign", UTC, {"schema": 1, "name": path.name})
    previous = None
    for ordinal in range(1, count + 1):
        name = f"20261121T10000{ordinal}Z-r{ordinal:02d}-0000000{ordinal}"
        campaign.append("run-begin", UTC, {"ordinal": ordinal, "folder": name, "attempt": 1})
        readings = f"{ordinal},2.0\n".encode()
        previous = write_run(path / name, previous=previous, ordinal=ordinal, readings=readings)
        end = {"ordinal": ordinal, "folder": name, "exit_status": "success", "reason": None, "manifest": previous}
        campaign.append("run-end", UTC, end)
    return campaign


def failures(path: Path) -> list[str]:
    return [f"{check.subject} {check.name}: {check.detail}" for check in verify_campaign(path) if not check.passed]


def unlock(path: Path) -> None:
    for item in [path, *path.rglob("*")]:
        item.chmod(0o755 if item.is_dir() else 0o644)


def test_a_campaign_as_sealed_passes_every_check(tmp_path: Path) -> None:
    write_campaign(tmp_path / "c")
    checks = verify_campaign(tmp_path / "c")
    assert len(checks) > 10
    assert failures(tmp_path / "c") == []


def test_sealing_drops_write_permission_of_every_file_and_folder(tmp_path: Path) -> None:
    write_run(tmp_path / "r")
    for path in [tmp_path / "r", *(tmp_path / "r").rglob("*")]:
        assert not path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH), path


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_byte_of_a_campaign_is_found(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "c"
    if not path.exists():
        write_campaign(path, 2)
        unlock(path)
    files = sorted(p for p in path.rglob("*") if p.is_file())
    file = data.draw(st.sampled_from(files))
    content = file.read_bytes()
    index = data.draw(st.integers(0, len(content) - 1))
    flipped = content[index] ^ data.draw(st.integers(1, 255))
    file.write_bytes(content[:index] + bytes([flipped]) + content[index + 1 :])
    try:
        assert failures(path), f"byte {index} of {file.relative_to(path)} changed unnoticed"
    finally:
        file.write_bytes(content)


@pytest.mark.parametrize("name", ["readings-wall.csv", JOURNAL, "inputs/lab.toml", MANIFEST])
def test_a_removed_file_is_found(tmp_path: Path, name: str) -> None:
    campaign = write_campaign(tmp_path / "c")
    run = campaign.run_paths()[1]
    unlock(run)
    (run / name).unlink()
    assert any(run.name in failure or "run" in failure for failure in failures(tmp_path / "c"))


def test_an_added_file_is_found(tmp_path: Path) -> None:
    campaign = write_campaign(tmp_path / "c")
    run = campaign.run_paths()[0]
    unlock(run)
    (run / "readings-second.csv").write_text("time_ns,power_w\n")
    assert any("readings-second.csv is not in the manifest" in failure for failure in failures(tmp_path / "c"))


def test_a_removed_run_is_found(tmp_path: Path) -> None:
    campaign = write_campaign(tmp_path / "c")
    run = campaign.run_paths()[1]
    unlock(run)
    shutil.rmtree(run)
    assert any(f"{run.name} is missing" in failure for failure in failures(tmp_path / "c"))


def test_a_run_copied_from_another_campaign_is_found(tmp_path: Path) -> None:
    write_campaign(tmp_path / "c")
    other = write_campaign(tmp_path / "d", 4)
    shutil.copytree(other.run_paths()[3], tmp_path / "c" / other.run_paths()[3].name)
    assert any("not in the campaign's log" in failure for failure in failures(tmp_path / "c"))


def test_a_run_measured_again_and_resealed_is_found(tmp_path: Path) -> None:
    campaign = write_campaign(tmp_path / "c")
    run = campaign.run_paths()[1]
    previous = RunFolder.open(run).start.previous_manifest
    unlock(run)
    shutil.rmtree(run)
    write_run(run, previous=previous, ordinal=2, readings=b"2,1.0\n")
    assert [failure.split(" ")[1] for failure in failures(tmp_path / "c")] == ["link:"]


def test_two_runs_that_changed_places_are_found(tmp_path: Path) -> None:
    campaign = write_campaign(tmp_path / "c")
    first, second, _ = campaign.run_paths()
    unlock(tmp_path / "c")
    first.rename(tmp_path / "swap")
    second.rename(first)
    (tmp_path / "swap").rename(second)
    assert any("replaced" in failure for failure in failures(tmp_path / "c"))


@pytest.mark.parametrize("line", [0, 1, 3])
def test_a_line_taken_out_of_the_campaign_log_breaks_the_chain(tmp_path: Path, line: int) -> None:
    write_campaign(tmp_path / "c")
    log = tmp_path / "c" / CAMPAIGN
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:line] + lines[line + 1 :]))
    assert any("the chain is broken" in failure for failure in failures(tmp_path / "c"))
    with pytest.raises(EvidenceBroken, match=f"campaign.jsonl:{line + 1}"):
        CampaignFolder(tmp_path / "c").entries()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_byte_of_the_logs_last_line_is_found(tmp_path: Path, data: st.DataObject) -> None:
    log = tmp_path / "c" / CAMPAIGN
    if not log.exists():
        write_campaign(tmp_path / "c", 1)
    content = log.read_bytes()
    index = data.draw(st.integers(content[:-1].rindex(b"\n") + 1, len(content) - 1))
    flipped = content[index] ^ data.draw(st.integers(1, 255))
    log.write_bytes(content[:index] + bytes([flipped]) + content[index + 1 :])
    try:
        assert failures(tmp_path / "c"), f"byte {index} changed unnoticed"
    finally:
        log.write_bytes(content)


def test_an_entry_that_lacks_a_field_is_named_not_stumbled_over(tmp_path: Path) -> None:
    campaign = write_campaign(tmp_path / "c", 1)
    with campaign.log.path.open("ab") as log:
        entry = {"seq": 4, "prev": campaign.head(), "utc": UTC, "type": "run-end", "ordinal": 1}
        log.write(line_of(entry) + b"\n")
    assert any(
        "campaign.jsonl:4: an entry of type 'run-end' lacks exit_status, folder" in f for f in failures(campaign.path)
    )


def test_a_changed_attachment_is_found(tmp_path: Path) -> None:
    campaign = write_campaign(tmp_path / "c", 1)
    (campaign.path / "source.csv").write_text("1;2")
    digest = hashlib.sha256(b"1;2").hexdigest()
    campaign.append("attachment", UTC, {"path": "source.csv", "sha256": digest, "note": ""})
    assert failures(campaign.path) == []
    (campaign.path / "source.csv").write_text("1;3")
    assert any("differs from what was attached" in failure for failure in failures(campaign.path))


def test_a_half_written_last_line_of_the_log_is_cut_away_by_the_next_append(tmp_path: Path) -> None:
    campaign = write_campaign(tmp_path / "c", 1)
    whole = (tmp_path / "c" / CAMPAIGN).read_bytes()
    with (tmp_path / "c" / CAMPAIGN).open("ab") as log:
        log.write(b'{"seq":4,"prev":"ab')
    assert len(campaign.entries()) == 3
    campaign.append("run-begin", UTC, {"ordinal": 2, "folder": "f", "attempt": 1})
    assert (tmp_path / "c" / CAMPAIGN).read_bytes().startswith(whole + b'{"seq":4,')
    assert campaign.entries()[3].raw["prev"] == hashlib.sha256(whole.splitlines()[-1]).hexdigest()


def test_a_run_without_a_stop_document_was_aborted_and_may_end_in_mid_line(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "r") as writer:
        writer.append(Start(**START))
    with (tmp_path / "r" / JOURNAL).open("ab") as journal:
        journal.write(b'{"type":"event","kind":"no')
    seal_folder(tmp_path / "r")
    run = RunFolder.open(tmp_path / "r")
    assert (run.exit_status, run.stop) == ("abort", None)
    assert "without a stop document" in str(run.reason)
    assert all(check.passed for check in verify_run(tmp_path / "r") if check.name == "bytes")


def test_a_seal_that_was_cut_off_is_taken_up_again(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "r") as writer:
        writer.append(Start(**START))
    (tmp_path / "r" / (MANIFEST + ".draft")).write_text("half")
    digest = seal_folder(tmp_path / "r")
    assert seal_folder(tmp_path / "r") == digest
    assert [check.name for check in verify_run(tmp_path / "r") if not check.passed] == []


INSTRUMENT: dict[str, Any] = {
    "stream": "readings-wall.csv",
    "meter": "wall",
    "circuit": "inlet",
    "identity": {"maker": "m", "model": "WT310", "serial": "C2PH13047V", "firmware": "F1.03"},
    "origin": "instrument",
    "evidence": {"device_major": 188, "sysfs_serial": "A1"},
    "averaging": "window",
    "window_s": 1.0,
    "stamp": "end",
    "latency_s": 0.0,
    "columns": [],
}
MODBUS: dict[str, Any] = {"maker": "Eastron", "model": "SDM120", "serial": "19000007", "firmware": ""}
SML: dict[str, Any] = {"maker": "ISK", "model": "", "serial": "1ISK0075126084", "firmware": ""}
WATTS_UP: dict[str, Any] = {
    "maker": "m", "model": "Watts up? PRO", "serial": "", "firmware": "4.12 (20070928120000), hardware 5.2"
}  # fmt: skip
SAYS_WATTS_UP = b"5 < " + b"#v,-,8,1,0,5,2,4,12,20070928120000,17235;\r\n".hex().encode() + b"\n"
SHORT: dict[str, Any] = {"maker": "m", "model": "", "serial": "12", "firmware": ""}
SAYS_WT310 = b"5 < " + b"YOKOGAWA,WT310,C2PH13047V,F1.03\n".hex().encode() + b"\n"


@pytest.mark.parametrize(
    ("change", "wire", "message"),
    [
        ({}, SAYS_WT310, None),
        ({"evidence": {"device_major": 136, "sysfs_serial": "A1"}}, SAYS_WT310, "a pseudo terminal"),
        ({"evidence": {"device_major": None, "sysfs_serial": "A1"}}, SAYS_WT310, "no hardware device"),
        ({"evidence": {"device_major": 188, "sysfs_serial": None}}, SAYS_WT310, "no serial number"),
        ({}, b"", "does not stand in the wire log"),
        ({}, SAYS_WT310.replace(b"5 <", b"5 >"), "does not stand in the wire log"),
        ({}, SAYS_WT310 + b"6 < " + b"EMULATED".hex().encode() + b"\n", "mark of an emulator"),
        ({"origin": "emulated"}, b"", None),
        ({"identity": MODBUS}, b"5 < 01030401\n6 < 0121eac7ffff\n", None),
        ({"identity": MODBUS}, b"5 < 01030401\n6 > 0121eac7ffff\n", "does not stand in the wire log"),
        ({"identity": SML}, b"5 < 0a0149534b00047a5544\n", None),
        ({"identity": WATTS_UP}, SAYS_WATTS_UP, None),
        ({"identity": WATTS_UP}, SAYS_WT310, "does not stand in the wire log"),
        ({"identity": SHORT}, b"5 < 0000000c\n", "does not stand in the wire log"),
        ({"identity": {"model": None, "serial": None}}, b"5 < 00\n", "does not stand in the wire log"),
    ],
)
def test_an_instrument_needs_positive_evidence(
    tmp_path: Path, change: dict[str, Any], wire: bytes, message: str | None
) -> None:
    with RunWriter(tmp_path / "r") as writer:
        writer.append(Start(**START | {"inputs": {}}))
        writer.append(PowerDescriptor(**INSTRUMENT | change))
        with writer.open_stream("wire-wall.log") as log:
            log.write(wire)
        writer.seal(Stop(time_ns=9, utc=UTC, exit_status="success", reason=None, streams=writer.stream_summary()))
    [check] = [check for check in verify_run(tmp_path / "r") if check.name == "origin"]
    assert check.passed == (message is None)
    assert message is None or message in check.detail


def test_text_after_the_stop_document_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path / "r")
    unlock(tmp_path / "r")
    with (tmp_path / "r" / JOURNAL).open("ab") as journal:
        journal.write(b"{}")
    with pytest.raises(DocumentError, match=r"run.jsonl:4: text after the stop document"):
        RunFolder.open(tmp_path / "r")


def test_a_run_folder_is_never_reused_and_a_stream_never_overwritten(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "r") as writer:
        writer.open_stream("readings-wall.csv").close()
        with pytest.raises(RunFolderError, match=r"readings-wall\.csv"):
            writer.open_stream("readings-wall.csv")
    with pytest.raises(RunFolderError, match="cannot create the run folder"):
        RunWriter(tmp_path / "r")


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "artifacts/../../x", "", "a\0b"])
def test_no_file_of_a_run_can_be_written_outside_it(tmp_path: Path, name: str) -> None:
    with RunWriter(tmp_path / "r") as writer, pytest.raises(RunFolderError, match="relative"):
        writer.write_file(name, b"x")


@pytest.mark.parametrize("name", ["../../outside", "/etc/passwd"])
def test_a_manifest_that_points_outside_its_run_is_refused(tmp_path: Path, name: str) -> None:
    write_run(tmp_path / "r")
    unlock(tmp_path / "r")
    with (tmp_path / "r" / MANIFEST).open("a") as manifest:
        manifest.write(f"{'0' * 64}  {name}\n")
    assert any("relative" in check.detail for check in verify_run(tmp_path / "r") if not check.passed)


def test_a_link_in_a_run_folder_is_refused_not_followed(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "r") as writer:
        writer.append(Start(**START))
    (tmp_path / "r" / "artifacts" / "model").symlink_to("/etc/hostname")
    with pytest.raises(RunFolderError, match=r"only plain files can be sealed"):
        seal_folder(tmp_path / "r")


def test_a_folder_that_is_no_campaign_says_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="name the folder of a campaign"):
        CampaignFolder(tmp_path)


def test_a_derived_file_replaces_a_link_and_never_writes_through_it(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (tmp_path / "c" / "derived").mkdir(parents=True)
    (tmp_path / "c" / "derived" / "results.json").symlink_to(outside)
    written = write_derived(tmp_path / "c", "results.json", "theirs")
    assert (outside.read_text(), written.read_text(), written.is_symlink()) == ("mine", "theirs", False)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "derived").symlink_to(tmp_path)
    with pytest.raises(RunFolderError, match="a link"):
        write_derived(tmp_path / "d", "outside", "theirs")
    assert outside.read_text() == "mine"


@pytest.mark.parametrize("kind", ["link", "pipe", "device"])
def test_what_is_no_plain_file_is_neither_read_nor_waited_for(tmp_path: Path, kind: str) -> None:
    if kind == "pipe":
        os.mkfifo(tmp_path / "x")
    else:
        (tmp_path / "x").symlink_to("/dev/zero" if kind == "device" else "/etc/hostname")
    with pytest.raises(OSError, match=r"x"):
        read_plain(tmp_path / "x")


def test_nothing_outside_the_campaign_is_read_through_a_link(tmp_path: Path) -> None:
    campaign = write_campaign(tmp_path / "c")
    run = campaign.run_paths()[1]
    unlock(run)
    (tmp_path / "elsewhere").write_bytes((run / JOURNAL).read_bytes())
    (run / JOURNAL).unlink()
    (run / JOURNAL).symlink_to(tmp_path / "elsewhere")
    found = examine(tmp_path / "c")
    assert run.name in found.unreadable
    assert any(run.name in failure and "only plain files" in failure for failure in failures(tmp_path / "c"))


FULL = r"\(No space left on device: the disk is full, free some of it\); `wattlab run` continues"


def test_a_journal_on_a_full_disk_keeps_whole_lines_and_closes_without_a_second_error(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "32k") as disk:
        with RunWriter(disk / "r") as writer:
            writer.append(Start(**START))
            with pytest.raises(RunFolderError, match=rf"cannot append {FULL}"):
                fill(writer)
            with pytest.raises(RunFolderError, match=rf"a\.bin: cannot write {FULL}"):
                writer.write_file("artifacts/a.bin", bytes(1 << 16))
        with pytest.raises(RunFolderError, match=rf"r: cannot seal {FULL}"):
            seal_folder(disk / "r")
        written = [event.time_ns for event in RunFolder.open(disk / "r").events]
        assert len(written) > 50
        assert written == list(range(len(written)))


def fill(writer: RunWriter) -> None:
    for number in range(10_000):
        writer.append(NoteEvent(time_ns=number, code="x", text="y" * 100))


def test_a_log_that_cannot_be_written_says_so_in_one_sentence_and_goes_on_afterwards(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "1m") as disk:
        campaign = write_campaign(disk / "c", count=1)
        run("mount", "-o", "remount,ro", str(disk))
        with pytest.raises(RunFolderError, match=r"campaign.jsonl: cannot append \(Read-only file system\)"):
            campaign.append("attachment", UTC, {"path": "x", "sha256": "0", "note": ""})
        run("mount", "-o", "remount,rw", str(disk))
        campaign.append("attachment", UTC, {"path": "x", "sha256": "0", "note": ""})
        assert len(campaign.entries()) == 4


@pytest.mark.parametrize(
    "document",
    [
        NoteEvent(time_ns=1 << 64, code="x", text="y"),
        NoteEvent(time_ns=1, code="x", text="\ud800"),
        NoteEvent(time_ns=1, code="x", text=5),  # type: ignore[arg-type]
        ActionEvent(time_ns=1, name="a", index=0, edge="end", metrics={"loss": [float("inf")]}),
        ActionEvent(time_ns=1, name="a", index=0, edge="middle"),  # type: ignore[arg-type]
        PhaseEvent(time_ns=1, name="rating", edge="end", frozen_ns=[["x"]]),  # type: ignore[list-item]
    ],
)
def test_what_no_reader_would_take_is_not_written_and_costs_itself_in_the_journal(
    tmp_path: Path, document: NoteEvent | ActionEvent | PhaseEvent
) -> None:
    with RunWriter(tmp_path / "r") as writer:
        writer.append(Start(**START))
        with pytest.raises(DocumentError, match="not written"):
            writer.append(document)
        journal = Journal(writer)
        for one in (document, NoteEvent(time_ns=2, code="after", text="it")):
            journal.put(one)
        journal.close()
        assert journal.failure is None
    codes = [event.code for event in RunFolder.open(tmp_path / "r").events if isinstance(event, NoteEvent)]
    assert codes == ["document-refused", "after"]


def test_a_folder_above_campaigns_names_them(tmp_path: Path) -> None:
    for name in ("quick", "again"):
        CampaignFolder.create(tmp_path / "lab" / "runs" / name)
    for folder in (tmp_path / "lab", tmp_path / "lab" / "runs"):
        with pytest.raises(RunFolderError, match=f"below it lies {folder}.*again, {folder}.*quick"):
            CampaignFolder(folder)
    with pytest.raises(RunFolderError, match="nope: no such folder; name the folder of a campaign"):
        CampaignFolder(tmp_path / "nope")
