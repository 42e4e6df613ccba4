"""Two campaigns at once share no meter and no SUT."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.record.errors import LabError
from harness.station.occupancy import others, taken, uses_of
from harness.station.station import MeterSection, SutSection


def meter(port: str, **options: object) -> MeterSection:
    return MeterSection(driver="wattsup", port=port, circuit="x", options=options)


def keys(host: str = "h", port: int = 22, **meters: MeterSection) -> set[str]:
    return set(uses_of(SutSection(host=host, python="p", port=port), meters))


def test_what_is_embedded_has_a_lock_of_its_own() -> None:
    assert keys("embedded", wall=meter("embedded")) == set()


def test_a_line_is_one_meter_by_whichever_link_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "tty").touch()
    (tmp_path / "by-id").symlink_to("tty")
    assert keys(a=meter(str(tmp_path / "tty"))) == keys(b=meter(str(tmp_path / "by-id"), baud=9600))
    assert keys(a=meter(str(tmp_path / "tty"))) != keys(b=meter(str(tmp_path / "other")))


def test_channels_of_one_meter_on_a_network_are_two_meters() -> None:
    one = keys(a=meter("http://PDU/", channel=1))
    assert one == keys(b=meter("http://pdu", channel=1))
    assert one != keys(b=meter("http://pdu", channel=2))


def test_a_sut_is_a_machine_and_a_port() -> None:
    assert keys("Bench") == keys("bench") != keys("bench", 2222)


def test_what_is_taken_is_named_with_who_has_it_and_nothing_else_stays_taken(tmp_path: Path) -> None:
    uses, more = {"1": "meter wall (/dev/x)"}, {"2": "meter other (/dev/y)", "1": "meter mine (/dev/x)"}
    said = r"^meter mine \(/dev/x\): another wattlab .* \(runs/c@a\), .* wait for its end"
    with taken(uses, "runs/c@a", tmp_path):
        with pytest.raises(LabError, match=said), taken(more, "runs/d@b", tmp_path):
            pass
        assert list(others({"2": "meter other (/dev/y)"}, tmp_path)) == []
        (sentence,) = others(more, tmp_path)
        assert sentence.startswith("meter mine (/dev/x): another wattlab measures with it (runs/c@a)")
    assert list(others(more, tmp_path)) == []


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    source = (
        "import sys, time; from pathlib import Path; from harness.station.occupancy import taken\n"
        "with taken({'1': 'm'}, 'them', Path(sys.argv[1])):\n    print('taken', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", source, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert [("them" in sentence) for sentence in others({"1": "m"}, tmp_path)] == [True]
        process.kill()
    with taken({"1": "m"}, "us", tmp_path):
        pass


def test_a_place_that_cannot_be_used_is_said_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = r"cannot be opened .* two campaigns could measure with one meter; while nobody measures, remove it"
    with pytest.raises(LabError, match=said), taken({"1": "m"}, "us", tmp_path / "file"):
        pass


def lock_of(folder: Path) -> Path:
    """The file that the key "1" is locked with; made by being taken once."""
    with taken({"1": "m"}, "us", folder):
        pass
    (lock,) = folder.iterdir()
    return lock


def refusal(folder: Path) -> str:
    with pytest.raises(LabError) as raised, taken({"1": "m"}, "us", folder):
        pass
    return str(raised.value)


def test_a_pipe_as_the_lock_is_refused_at_once(tmp_path: Path) -> None:
    lock = lock_of(tmp_path)
    lock.unlink()
    os.mkfifo(lock)
    assert "it is no plain file" in refusal(tmp_path)


def test_a_file_with_another_name_is_not_written_to(tmp_path: Path) -> None:
    folder, own = tmp_path / "locks", tmp_path / "thesis.txt"
    lock = lock_of(folder)
    lock.unlink()
    own.write_text("years of work")
    os.link(own, lock)
    assert "it has another name too" in refusal(folder)
    assert own.read_text() == "years of work"


def test_a_link_in_place_of_lock_or_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "locks").symlink_to("real")
    assert "is a link, expected a folder" in refusal(tmp_path / "locks")
    lock = lock_of(tmp_path / "real")
    lock.unlink()
    lock.symlink_to(tmp_path / "target")
    assert "cannot be opened" in refusal(tmp_path / "real")
    assert not (tmp_path / "target").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a folder away")
def test_a_folder_of_somebody_else_is_accepted_only_as_wattlab_makes_it(tmp_path: Path) -> None:
    folder = tmp_path / "locks"
    lock_of(folder)
    os.chown(folder, 12345, -1)
    lock_of(folder)
    folder.chmod(0o755)
    said = refusal(folder)
    assert "another user's, and not open to all" in said
    assert "its owner (uid 12345) or root has to remove" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file away")
def test_a_lock_of_somebody_else_locks_and_keeps_what_it_says(tmp_path: Path) -> None:
    lock = lock_of(tmp_path)
    lock.write_text("theirs")
    os.chown(lock, 12345, -1)
    with taken({"1": "m"}, "us", tmp_path):
        assert [("theirs" in sentence) for sentence in others({"1": "m"}, tmp_path)] == [True]
    assert lock.read_text() == "theirs"


def test_a_lock_that_was_removed_while_it_is_held_is_still_held(tmp_path: Path) -> None:
    lock = lock_of(tmp_path)
    source = (
        "import sys, time; from pathlib import Path; from harness.station.occupancy import taken\n"
        "with taken({'1': 'm'}, 'them', Path(sys.argv[1])):\n    print('taken', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", source, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        lock.unlink()
        assert "another wattlab measures with it" in refusal(tmp_path)
        process.kill()
    lock_of(tmp_path)


def test_who_holds_a_lock_says_so_in_one_line(tmp_path: Path) -> None:
    with taken({"1": "m"}, "them\nThe meter is free.", tmp_path):
        assert "\n" not in refusal(tmp_path)
