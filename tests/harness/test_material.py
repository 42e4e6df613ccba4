"""What a run is made of: every staged byte, what the command names besides, the packages of its Python, each once."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from harness.measure import material
from harness.measure.lab_file import load
from harness.measure.material import MOST_KEPT_BYTES, Inventory, read_staged
from harness.record.documents import Json
from harness.record.errors import ConfigError, SutError
from harness.sut.inventory import described, files, interpreter_of
from harness.sut.machine import Sut
from tests.harness.test_config import MINIMAL

MARKERS = b"# marks"


class HereSut:
    """A SUT that is this machine: programs run as the SUT's interpreters would run them, without SSH."""

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        self.python = sys.executable
        self.asked: list[list[str]] = []
        self._environment = os.environ | (environment or {})

    def ask_program(self, python: str, source: str, *arguments: str) -> Json:
        self.asked.append([python, *arguments])
        command = [python, "-c", source, *arguments]
        try:
            done = subprocess.run(command, capture_output=True, check=True, cwd="/", env=self._environment)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SutError(f"{python} does not run there ({error})") from None
        answer: Json = json.loads(done.stdout)
        return answer


def inventory(sut: HereSut) -> Inventory:
    return Inventory(cast(Sut, sut))


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The work folder, with a file that was staged."""
    folder = tmp_path / "runs" / "uid" / "work"
    folder.mkdir(parents=True)
    (folder / "staged.py").write_text("staged")
    return folder


def test_every_plain_file_that_a_command_names_on_the_sut_is_digested(tmp_path: Path, work: Path) -> None:
    program, option, beside = (tmp_path / name for name in ("train.py", "config.json", "beside.txt"))
    for path in (program, option, beside):
        path.write_text(path.name)
    words = [sys.executable, str(program), f"--config={option}", "../../../beside.txt", "staged.py", "./staged.py"]
    words += [str(tmp_path), "/no/such/file", "plain", "--rate=0.1/s", "\0/x"]
    found = files(str(work), [], words)["files"]
    named = {one["path"]: (one["kind"], one["sha256"], one["why"]) for one in found}
    assert named == {
        str(program): ("file", digest(b"train.py"), None),
        str(option): ("file", digest(b"config.json"), None),
        str(beside): ("file", digest(b"beside.txt"), None),
        str(tmp_path): ("folder", None, "a folder"),
    }


def test_a_program_that_is_named_without_its_folder_is_looked_for_where_the_sut_looks(work: Path) -> None:
    (one,) = files(str(work), [], ["true", "x"])["files"]
    assert Path(one["path"]).name == "true"
    assert one["sha256"] == digest(Path(one["path"]).read_bytes())


def test_a_file_that_did_not_change_is_not_read_again_and_one_that_did_is(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"one")
    first = described(str(path), {})
    assert first is not None
    known = {str(path): first | {"sha256": "as known"}}
    assert described(str(path), known) == known[str(path)]
    status = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    again = described(str(path), known)
    assert again is not None
    assert again["sha256"] == digest(b"two")


def test_what_is_no_plain_file_or_too_large_stands_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert (described(str(tmp_path / "pipe"), {}) or {})["why"] == "no plain file"
    (tmp_path / "large").write_bytes(b"12345")
    monkeypatch.setattr("harness.sut.inventory.LARGEST", 4)
    found = described(str(tmp_path / "large"), {}) or {}
    assert (found["kind"], found["bytes"], found["sha256"]) == ("large", 5, None)


@pytest.mark.parametrize("words", [["{python}", "x.py"], ["nice", "-n", "5", "{python}", "x.py"], ["{script}", "x"]])
def test_the_python_that_runs_a_command_is_found_behind_a_prefix_and_in_a_first_line(
    tmp_path: Path, words: list[str]
) -> None:
    script = tmp_path / "torchrun"
    script.write_text(f"#!{sys.executable}\nprint()\n")
    script.chmod(0o755)
    named = [word.format(python=sys.executable, script=script) for word in words]
    assert interpreter_of(named, str(tmp_path)) == sys.executable


def test_a_command_that_starts_no_python_says_so(work: Path) -> None:
    _, environment = inventory(HereSut()).of(["true"], str(work))
    assert environment is not None
    assert (environment["interpreter"], environment["packages"], environment["sha256"]) == (None, [], None)
    assert "name no Python interpreter" in environment["problem"]


def package(folder: Path, name: str, version: str, url: str | None = None) -> None:
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    if url:
        (info / "direct_url.json").write_text(json.dumps({"url": url, "dir_info": {"editable": True}}))


def test_the_packages_are_listed_once_sorted_with_what_they_do_not_cover(tmp_path: Path, work: Path) -> None:
    library, shadowed = tmp_path / "site-packages", tmp_path / "other" / "site-packages"
    package(library, "My_Package", "1.2")
    package(library, "local-tool", "0.1", "file:///home/me/tool")
    package(shadowed, "my.package", "9.9")
    (tmp_path / "modules").mkdir()
    places = ":".join(map(str, (library, shadowed, tmp_path / "modules")))
    _, found = inventory(HereSut({"PYTHONPATH": places})).of([sys.executable, "x.py"], str(work))
    assert found is not None
    assert "my-package==1.2" in found["packages"]
    assert not [one for one in found["packages"] if one.startswith("my-package==9")]
    assert found["packages"] == sorted(found["packages"])
    assert f"pytest=={pytest.__version__}" in found["packages"]
    assert {"name": "local-tool", "url": "file:///home/me/tool"} in found["editable"]
    assert str(tmp_path / "modules") in found["extra_paths"]
    assert str(library) not in found["extra_paths"]
    assert found["sha256"] == digest("".join(f"{one}\n" for one in found["packages"]).encode())
    assert found["python"] == sys.version.split()[0]
    assert found["binary_sha256"] == digest(Path(sys.executable).resolve().read_bytes())


def test_packages_are_asked_for_once_a_session_while_nothing_was_installed(tmp_path: Path, work: Path) -> None:
    library = tmp_path / "site-packages"
    package(library, "one", "1")
    sut = HereSut({"PYTHONPATH": str(library)})
    kept = inventory(sut)
    _, first = kept.of([sys.executable], str(work))
    _, second = kept.of([sys.executable], str(work))
    assert first == second
    states = [words[-1] for words in sut.asked if "packages" in words]
    assert states[0] == ""
    assert len(states[1]) == 64
    package(library, "two", "2")
    _, third = kept.of([sys.executable], str(work))
    assert third is not None
    assert {"one==1", "two==2"} <= set(third["packages"])


def test_an_interpreter_that_does_not_run_is_a_reason_and_costs_no_run(tmp_path: Path, work: Path) -> None:
    broken = tmp_path / "python3"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    _, environment = inventory(HereSut()).of([str(broken), "x.py"], str(work))
    assert environment is not None
    assert "does not run there" in environment["problem"]


class LyingSut(HereSut):
    """A SUT whose interpreter was exchanged for one that answers anything."""

    def __init__(self, *answers: Any) -> None:  # noqa: ANN401
        super().__init__()
        self._answers = list(answers)

    def ask_program(self, python: str, source: str, *arguments: str) -> Json:
        answer: Json = self._answers.pop(0)
        return answer


@pytest.mark.parametrize("answer", [{}, {"files": 3}, {"files": [3], "binary": None, "interpreter": None},
                                    {"files": [{}], "binary": {}, "interpreter": "x"}])  # fmt: skip
def test_a_sut_that_answers_nonsense_is_an_error_in_words(work: Path, answer: Json) -> None:
    with pytest.raises(SutError, match="what python is made of and answered nonsense"):
        inventory(LyingSut(answer)).of(["python"], str(work))


def test_what_a_sut_says_is_text_that_a_journal_can_hold(work: Path) -> None:
    odd = {"path": "/x/\udcff", "kind": "file", "bytes": 10**400, "sha256": 3, "why": None, "status": None}
    files = {"files": [odd], "binary": None, "interpreter": "/x/\udcff"}
    packages = {"executable": 1, "python": "\ud800", "problem": None, "packages": ["\ud800==1"], "editable": []}
    packages |= {"extra_paths": ["\udcff"], "state": "s"}
    named, environment = inventory(LyingSut(files, packages)).of(["x"], str(work))
    assert named == [{"path": "/x/?", "kind": "file", "bytes": None, "sha256": "3", "why": None}]
    assert environment is not None
    assert (environment["packages"], environment["extra_paths"]) == (["?==1"], ["?"])
    json.dumps(environment, ensure_ascii=False).encode()


def test_a_pause_is_made_of_nothing(work: Path) -> None:
    assert inventory(HereSut()).of([], str(work)) == ([], None)


def scenario_of(folder: Path, files: str) -> Any:  # noqa: ANN401
    text = MINIMAL + f'\n[scenarios.mine]\ncommand = ["x"]\nrepetitions = 1\nfiles = {files}\n'
    (folder / "lab.toml").write_text(text)
    return next(one for one in load(folder / "lab.toml").scenarios if one.name == "mine")


def test_every_staged_file_has_its_digest_and_a_large_one_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "w.py").write_bytes(b"program")
    (tmp_path / "weights.bin").write_bytes(b"0123456789")
    scenario = scenario_of(tmp_path, '["w.py", "weights.bin"]')
    assert MOST_KEPT_BYTES == 16 << 20
    monkeypatch.setattr(material, "MOST_KEPT_BYTES", 8)
    staged = {name: one.to_json() for name, one in read_staged(scenario, MARKERS).items()}
    assert staged == {
        "w.py": {"sha256": digest(b"program"), "bytes": 7, "kept": True, "of": "program"},
        "weights.bin": {"sha256": digest(b"0123456789"), "bytes": 10, "kept": False, "of": "program"},
        "wattlab_markers.py": {"sha256": digest(MARKERS), "bytes": 7, "kept": True, "of": "markers"},
    }


def test_a_trackers_adapter_is_named_as_one(tmp_path: Path) -> None:
    (tmp_path / "w.py").write_bytes(b"program")
    text = '["w.py"]\ntrackers = ["codecarbon"]'
    whose = {name: one.of for name, one in read_staged(scenario_of(tmp_path, text), MARKERS).items()}
    assert whose["w.py"] == "program"
    assert whose["tracker_codecarbon.py"] == whose["around.py"] == whose["tracking.py"] == "trackers"


def test_a_file_that_is_gone_when_its_run_comes_is_named_before_the_run_is_begun(tmp_path: Path) -> None:
    (tmp_path / "w.py").write_bytes(b"program")
    scenario = scenario_of(tmp_path, '["w.py"]')
    (tmp_path / "w.py").unlink()
    with pytest.raises(ConfigError, match=r"scenarios\.mine: files: cannot read .*w\.py"):
        read_staged(scenario, MARKERS)
    with pytest.raises(ConfigError, match="cannot read"):
        read_staged(replace(scenario, files=(tmp_path,)), MARKERS)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ('["a/w.py", "b/w.py"]', r"scenarios\.mine\.files: .*a/w\.py and .*b/w\.py have one name"),
        ('["a/wattlab_markers.py"]', r"scenarios\.mine\.files: wattlab_markers\.py is copied by wattlab itself"),
    ],
)
def test_two_files_that_would_lie_in_one_place_are_refused(tmp_path: Path, files: str, message: str) -> None:
    for name in ("a/w.py", "b/w.py", "a/wattlab_markers.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    with pytest.raises(ConfigError, match=message):
        scenario_of(tmp_path, files)
