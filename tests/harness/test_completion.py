"""The programs that complete the command line: bash really completes; the others are made of the same parsers."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness import cli
from harness.cli.called import NAME
from harness.cli.completion import SHELLS, script
from meters.registry import DRIVERS

LAB = """\
[campaign]
name = "c"
[meters.wall]
driver = "wattsup"
[suts.bench-a]
[suts.bench-b.extra]
[scenarios.idle]
[scenarios.cnn.parameters]
[scenarios.cnn]
"""
COMPLETE = """\
source "$1"; shift
registered=$(complete -p "${1##*/}") || exit 1
function=${registered##*-F }
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
${function%% *} "$1" 2>/dev/null
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("completion") / "wattlab.bash"
    file.write_text(script("bash"))
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lab.toml").write_text(LAB)
    (tmp_path / "runs").mkdir()
    (tmp_path / "key.pub").touch()
    return tmp_path


def completed(program: Path, folder: Path, *words: str) -> set[str]:
    command = ["bash", "--norc", "-c", COMPLETE, "bash", str(program), *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["wattlab", "re"], {"report"}),
        (["./lab", "ver"], {"verify"}),
        (["lab", "witness", ""], {"receiver", "send", "show"}),
        (["wattlab", "report", "--p"], {"--pdf"}),
        (["wattlab", "report", "ru"], {"runs"}),
        (["wattlab", "report", "key"], set()),
        (["wattlab", "verify", "runs", "--public-key", "k"], {"key.pub"}),
        (["wattlab", "meter", "drivers", "wt"], {"wt210", "wt310"}),
        (["wattlab", "meter", "list", "--driver", "sh"], {"shelly"}),
        (["wattlab", "meter", "read", "wa"], {"wall", "wattsup"}),
        (["wattlab", "import", "oscar", "runs", "--baseline", ""], {"cnn", "idle"}),
        (["wattlab", "check", "--sut", ""], {"bench-a", "bench-b"}),
        (["wattlab", "compare", "runs", "--test", ""], {"welch", "rank"}),
        (["wattlab", "completion", ""], set(SHELLS)),
    ],
)
def test_bash_completes_verbs_options_files_drivers_and_the_names_of_lab_toml(
    program: Path, folder: Path, words: Sequence[str], expected: set[str]
) -> None:
    assert completed(program, folder, *words) == expected


def test_without_a_lab_toml_nothing_is_said_and_drivers_are_there_all_the_same(program: Path, tmp_path: Path) -> None:
    assert completed(program, tmp_path, "wattlab", "meter", "read", "") == set(DRIVERS)
    assert completed(program, tmp_path, "wattlab", "check", "--sut", "") == set()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_program_of_every_shell_names_every_command_and_is_one_that_the_shell_takes(
    shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["completion", shell]) == 0
    text = capsys.readouterr().out
    for words, _ in cli.parser(NAME).commands():
        assert all(word in text for word in words), words
    file = tmp_path / "program"
    file.write_text(text)
    if shutil.which(shell) is not None:
        subprocess.run([shell, "-n", str(file)], check=True)
