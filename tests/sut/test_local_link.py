"""This machine in place of an SSH connection: commands, channels and files behave as over SSH."""

import os
import time
from pathlib import Path

import pytest

from harness.record.errors import SutError
from harness.station.station import LOCAL, SutSection
from harness.sut.channel import AgentChannel
from harness.sut.files import make_folders, read, read_if_there, unlike, write
from harness.sut.local_link import LocalChannel, LocalFiles, LocalLink
from harness.sut.machine import Sut


def test_a_command_has_its_exit_code_and_both_outputs() -> None:
    assert LocalLink().run(["sh", "-c", "echo out; echo err >&2; exit 3"]) == (3, "out\n", "err\n")


def test_a_program_that_is_not_there_is_an_exit_code_as_of_a_shell() -> None:
    code, output, errors = LocalLink().run(["/no/such/program"])
    assert (code, output) == (127, "")
    assert "/no/such/program" in errors


def test_a_command_that_does_not_end_or_says_too_much_is_named() -> None:
    began_s = time.monotonic()
    with pytest.raises(SutError, match=r"did not end within 0\.2 s"):
        LocalLink().run(["sleep", "30"], 0.2)
    assert time.monotonic() - began_s < 10
    with pytest.raises(SutError, match="said more than"):
        LocalLink().run(["head", "-c", "9000000", "/dev/zero"])


def test_lines_of_a_long_command_come_one_by_one_and_its_failure_has_the_last() -> None:
    lines: list[str] = []
    LocalLink().stream(["sh", "-c", "echo one; echo two >&2"], lines.append)
    assert lines == ["one", "two"]
    with pytest.raises(SutError, match="exit code 4: why"):
        LocalLink().stream(["sh", "-c", "echo why; exit 4"], lines.append)


def test_a_channel_carries_lines_waits_and_ends() -> None:
    channel = LocalChannel(["cat"])
    link = AgentChannel(channel)
    assert link.receive(0.05) == []
    link.send(b'{"id": 1}\n')
    assert link.receive(5.0) == [{"id": 1}]
    link.close()
    assert channel.wait(0)
    with pytest.raises((OSError, EOFError)):
        link.send(b"x\n")


def test_a_channel_whose_program_ended_says_its_last_words() -> None:
    link = AgentChannel(LocalChannel(["sh", "-c", "echo gone >&2; exit 1"]))
    with pytest.raises(EOFError):
        link.receive(5.0)
    assert link.last_words() == "gone"
    link.close()


def test_a_terminals_ctrl_c_is_not_for_what_was_started() -> None:
    code, output, _ = LocalLink().run(["sh", "-c", "ps -o sid= -p $$"])
    assert code == 0
    assert int(output) != os.getsid(0)


def test_files_are_written_whole_and_never_through_a_link(tmp_path: Path) -> None:
    files, path = LocalFiles(), tmp_path / "a" / "b"
    make_folders(files, str(path))
    assert path.stat().st_mode & 0o777 == 0o700
    write(files, str(path / "file"), b"content")
    assert read(files, str(path / "file"), 4) == b"cont"
    assert read_if_there(files, str(path / "none")) is None
    assert [one.name for one in path.iterdir()] == ["file"]
    (path / "link").symlink_to(path / "file")
    assert unlike(files, str(path / "link"), lambda mode: (mode & 0o170000) == 0o100000, "file") == (
        "is no file, but a link"
    )


def test_the_agent_says_what_this_machine_is_without_a_login(tmp_path: Path) -> None:
    config = SutSection(host=LOCAL, folder=str(tmp_path / "wattlab"))
    assert config.address == "this machine"
    with Sut.connect(config) as sut:
        facts = sut.facts()
    assert facts["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


@pytest.mark.parametrize("error", [EOFError, BrokenPipeError])
def test_a_channel_whose_link_is_gone_closes_without_a_word(error: type[Exception]) -> None:
    class Gone(LocalChannel):
        """As paramiko's, whose close sends a message."""

        def close(self) -> None:
            super().close()
            raise error

    AgentChannel(Gone(["true"])).close()
