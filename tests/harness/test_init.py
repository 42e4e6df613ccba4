"""`wattlab init`: the dialogue of somebody at a terminal, what options answer, what is written."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness import cli
from harness.measure.lab_file import load
from harness.measure.quick import Quick, minimal_toml
from harness.record.errors import ConfigError

LINES = 15


def at_a_terminal(folder: Path, answers: str) -> str:
    """What the dialogue says to somebody who types these lines."""
    own, other = pty.openpty()
    command = [sys.executable, "-m", "harness.cli", "init", "lab"]
    with subprocess.Popen(command, cwd=folder, stdin=other, stdout=other, stderr=other) as process:
        os.close(other)
        os.write(own, answers.encode())
        said = b""
        try:
            while block := os.read(own, 1 << 16):
                said += block
        except OSError:  # the other end was closed
            pass
        assert process.wait() == 0, said
    os.close(own)
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", said.decode()).split())


def test_three_answers_make_a_lab_of_at_most_fifteen_lines_that_is_whole(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("")
    said = at_a_terminal(
        tmp_path, "shely@http://10.0.0.9\nshelly@http://10.0.0.9\nme@10.0.0.3:2222\npython3 train.py\n"
    )
    assert said.count("Which power meter?") == 2
    assert "did you mean shelly?" in said
    assert "sut prepare` brings" in said
    file = tmp_path / "lab" / "lab.toml"
    assert len(file.read_text().splitlines()) <= LINES
    config = load(file)
    assert (config.file.meters["wall"].driver, config.file.meters["wall"].port) == ("shelly", "http://10.0.0.9")
    assert (config.file.sut.host, config.file.sut.port, config.file.sut.user) == ("10.0.0.3", 2222, "me")
    assert config.scenarios[0].command == ("python3", "train.py")
    assert config.scenarios[0].files == (tmp_path / "train.py",)


def test_enter_takes_what_needs_nothing(tmp_path: Path) -> None:
    said = at_a_terminal(tmp_path, "\n\n\n")
    assert "Fill in the meter" in said
    text = (tmp_path / "lab" / "lab.toml").read_text()
    assert 'host = "local"' in text
    assert 'folder = "workloads/constant-load"' in text
    with pytest.raises(ConfigError, match="2 mistakes") as caught:
        load(tmp_path / "lab" / "lab.toml")
    assert re.findall(r"- ([\w.]+):", str(caught.value)) == ["meters.wall.driver", "meters.wall.port"]


def test_options_answer_without_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["init", "--meter", "rapl", "--command", "sleep 5", "lab"]) == 0
    config = load(tmp_path / "lab" / "lab.toml")
    assert config.file.meters["wall"].driver == "rapl"
    assert config.file.sut.is_local
    assert config.scenarios[0].directory == str(tmp_path)
    assert config.scenarios[0].repetitions == config.file.baseline.blocks == 5


@pytest.mark.parametrize("words", [["--minimal"], ["--commented"], []])
def test_without_a_terminal_nothing_is_asked(words: list[str], tmp_path: Path) -> None:
    assert cli.main(["init", *words, str(tmp_path / "lab")]) == 0
    lines = (tmp_path / "lab" / "lab.toml").read_text().splitlines()
    assert (len(lines) <= LINES) == (words == ["--minimal"])


def test_a_lab_that_is_there_is_left_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lab.toml").write_text("mine")
    assert cli.main(["init", "--minimal", str(tmp_path)]) == 1
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "lab.toml").read_text() == "mine"


def test_counters_of_this_machine_are_refused_for_another_one(tmp_path: Path) -> None:
    quick = Quick(command=["true"], meters=[("rapl", "/sys/class/powercap")], sut={"host": "10.0.0.3"})
    file = tmp_path / "lab.toml"
    file.write_text(minimal_toml(quick, tmp_path))
    with pytest.raises(ConfigError, match=r"meters\.wall\.driver: rapl reads counters of this machine, and the SUT is"):
        load(file)
