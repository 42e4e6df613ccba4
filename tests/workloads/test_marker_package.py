"""The package wattlab-markers: built, installed into an environment of its own, and the same file as a run stages."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from harness.measure.scenario_file import MARKERS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "workloads" / "markers"
OLDEST = (3, 7)
BUILD = "import sys, setuptools.build_meta as b; to = sys.argv[1]; b.build_sdist(to); b.build_wheel(to)"
PROGRAM = """
import sys, wattlab_markers
from wattlab_markers import action, epoch, work
with action("load"), epoch() as metrics:
    work(tokens=512)
    metrics["loss"] = 0.5
print(wattlab_markers.__file__, *sorted({"keras", "torch", "transformers", "lightning"} & set(sys.modules)))
"""


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Source distribution, and the wheel that is built of its contents."""
    folder = tmp_path_factory.mktemp("built")
    source = Path(shutil.copytree(PACKAGE, folder / "source", ignore=shutil.ignore_patterns("__pycache__")))
    run(sys.executable, "-c", BUILD, folder, cwd=source)
    [sdist] = folder.glob("*.tar.gz")
    (folder / "unpacked").mkdir()
    run("tar", "-xzf", sdist, cwd=folder / "unpacked")
    [unpacked] = (folder / "unpacked").iterdir()
    run(sys.executable, "-c", BUILD, folder / "unpacked", cwd=unpacked)
    [wheel] = (folder / "unpacked").glob("*.whl")
    return sdist, wheel


def test_the_wheel_holds_the_file_that_a_run_stages_and_its_licence(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[1]) as wheel:
        names = [name for name in wheel.namelist() if ".dist-info/" not in name]
        assert names == ["wattlab_markers.py"]
        assert wheel.read("wattlab_markers.py") == MARKERS.read_bytes()
        [licence] = [name for name in wheel.namelist() if name.endswith("LICENSE")]
        assert wheel.read(licence) == (ROOT / "LICENSE").read_bytes()
        [metadata] = [wheel.read(name).decode() for name in wheel.namelist() if name.endswith("/METADATA")]
    assert "Requires-Python: >=3.7\n" in metadata
    assert "Requires-Dist" not in metadata


def test_installed_into_a_fresh_environment_it_marks_in_a_run_and_does_nothing_outside(
    built: tuple[Path, Path], tmp_path: Path
) -> None:
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "env", cwd=tmp_path)
    python = tmp_path / "env" / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps")
    run(*pip, built[1], cwd=tmp_path)
    (tmp_path / "train.py").write_text(PROGRAM)
    said = run(python, "-I", "train.py", cwd=tmp_path, WATTLAB_MARKERS="")
    assert said.split() == [str(next((tmp_path / "env").rglob("wattlab_markers.py")))]
    assert {path.name for path in tmp_path.iterdir()} == {"env", "train.py"}
    run(python, "train.py", cwd=tmp_path, WATTLAB_MARKERS=str(tmp_path / "marks"))
    lines = [json.loads(line) for line in (tmp_path / "marks").read_text().splitlines()]
    assert [line.get("work") for line in lines] == [None, None, {"tokens": 512}, None]


def test_package_checker_and_page_name_one_oldest_python_and_one_version() -> None:
    package = tomllib.loads((PACKAGE / "pyproject.toml").read_text())
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text())
    said = ".".join(map(str, OLDEST))
    assert package["project"]["requires-python"] == f">={said}"
    assert package["project"]["version"] == ours["project"]["version"]
    assert ours["tool"]["ruff"]["per-file-target-version"]["workloads/markers/*.py"] == f"py{said.replace('.', '')}"
    assert f"Python {said} or newer" in (PACKAGE / "README.md").read_text()
    assert f"Python {said} or newer" in (ROOT / "docs" / "markers.md").read_text()


def test_nothing_in_it_is_younger_than_the_oldest_python() -> None:
    """By vermin, which knows since when each module, function and form of syntax is there."""
    vermin = (Path(sys.executable).with_name("vermin"), "--no-tips", "--eval-annotations")
    said = ".".join(map(str, OLDEST))
    run(*vermin, f"-t={said}", MARKERS, cwd=ROOT)
    younger = subprocess.run([*vermin, "-t=3.6", MARKERS], cwd=ROOT, capture_output=True, check=False)
    assert younger.returncode != 0
