"""The house itself: locks, contracts, the script, what may stand in the repository. Knows no measurement."""

import argparse
import ast
import fcntl
import re
import subprocess
import sys
import tomllib
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.cli.meter_serve import add_arguments
from meters import registry
from meters.emulators.ptdaemon import IDENTITY as PTDAEMON_IDENTITY

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("harness", "meters", "reports", "templates", "workloads")
OF_TESTS = ("tests/requirements.lock", "tests/requirements-s3.lock")
OF_SUT = "workloads/requirements.lock"
BESIDE = tuple(f"workloads/requirements-{name}.lock" for name in ("gpu", "jax", "torch", "sklearn"))
OF_FLEET = "harness/fleet/requirements.lock"
OF_JLS = "harness/foreign/importers/jls/requirements.lock"
LOCKS = {name: ROOT / name for name in ("requirements.lock", OF_FLEET, OF_JLS, *OF_TESTS, OF_SUT, *BESIDE)}
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def tracked_files() -> list[Path]:
    """Every file of the repository that git tracks, relative to its root."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [Path(name) for name in listing.split("\0") if name and (ROOT / name).is_file()]


# --- locks ---------------------------------------------------------------------------------------------------------


def pins(lock: Path) -> dict[str, list[tuple[str, int]]]:
    """Name -> (version, number of digests) of each entry that applies to this Python; one entry or it is a fault."""
    found: dict[str, list[tuple[str, int]]] = {}
    entries = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", lock.read_text(), flags=re.MULTILINE).strip())
    for entry in entries:
        head = re.match(r"([\w.-]+)==(\S+)(?: ; ([^\\\n]+?))?(?: \\)?(?:\n|$)", entry)
        assert head, f"{lock.name}: not a pinned entry: {entry[:80]!r}"
        name, version, marker = head.groups()
        if marker is None or Marker(marker).evaluate():
            digests = len(re.findall(r"--hash=sha256:[0-9a-f]{64}", entry))
            found.setdefault(canonicalize_name(name), []).append((version, digests))
    return found


def declared(lock: str) -> list[str]:
    """The requirements that a lock must hold."""
    groups = PROJECT["dependency-groups"]
    match lock:
        case "requirements.lock":
            return [*PROJECT["project"]["dependencies"], *groups["setup"]]
        case "tests/requirements.lock":
            return [one for one in groups["test"] if isinstance(one, str)]
        case "harness/fleet/requirements.lock":
            return list(groups["dask"])
        case "harness/foreign/importers/jls/requirements.lock":
            return list(groups["jls"])
        case _:
            lines = LOCKS[lock].with_suffix(".txt").read_text().splitlines()
            return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_declared_dependency_is_locked_at_a_version_that_it_allows(lock: str) -> None:
    locked = pins(LOCKS[lock])
    for requirement in map(Requirement, declared(lock)):
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue  # of another machine than this one
        name = canonicalize_name(requirement.name)
        assert name in locked, f"{lock} lacks {name}: run .ci/lock"
        assert requirement.specifier.contains(locked[name][0][0]), f"{lock} locks {name} {locked[name]}: run .ci/lock"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_one_version_for_this_python_and_its_digests(lock: str) -> None:
    for name, versions in pins(LOCKS[lock]).items():
        assert len(versions) == 1, f"{lock}: {name} has {versions}"
        assert versions[0][1] > 0, f"{lock}: {name} has no digest"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_place_to_fetch_from(lock: str) -> None:
    text = LOCKS[lock].read_text()
    assert not re.search(r"://|@ |^\s*(-i|-f|--(extra-)?index|--find-links|--trusted-host)", text, re.MULTILINE)


@pytest.mark.parametrize(
    "pair",
    [
        *combinations(("requirements.lock", OF_FLEET, "tests/requirements.lock"), 2),
        *((OF_JLS, lock) for lock in ("requirements.lock", "tests/requirements.lock")),
        *((OF_SUT, lock) for lock in BESIDE),
    ],
)
def test_locks_that_belong_together_hold_the_same_versions(pair: tuple[str, str]) -> None:
    one, other = (pins(LOCKS[lock]) for lock in pair)
    shared = one.keys() & other.keys()
    assert shared
    assert {name: one[name][0][0] for name in shared} == {name: other[name][0][0] for name in shared}


def test_tensorflow_stays_out_of_the_host_environment() -> None:
    assert not [
        name
        for lock in ("requirements.lock", "tests/requirements.lock")
        for name in pins(LOCKS[lock])
        if "tensorflow" in name
    ]


# --- what stands in the repository ---------------------------------------------------------------------------------


def test_the_repository_names_no_registry_host() -> None:
    names = ("pypi org", "pythonhosted org", "deb debian org", "security debian org", "npmjs org")
    hosts = [name.replace(" ", ".").encode() for name in names]
    guilty = [str(path) for path in tracked_files() if any(host in (ROOT / path).read_bytes() for host in hosts)]
    assert guilty == []


def test_only_the_rooms_of_the_architecture_hold_code() -> None:
    code = [path for path in tracked_files() if path.suffix == ".py" and len(path.parts) > 1]
    assert {path.parts[0] for path in code} <= {"harness", "meters", "workloads", "reports", "tests", "docs"}
    of_docs = [path for path in code if path.parts[0] == "docs"]
    assert not [path for path in of_docs if path.parts[1] != "examples" and path != Path("docs/conf.py")]
    assert not [path for path in tracked_files() if path.suffix == ".py" and len(path.parts) == 1]


def test_the_changelog_says_what_changes_in_results() -> None:
    releases = re.split(r"^## ", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)[1:]
    assert releases
    assert all("\n### Changes to results\n" in release for release in releases)


def test_the_readme_gives_the_two_commands_that_the_script_knows() -> None:
    readme, script = (ROOT / "README.md").read_text(), (ROOT / "lab").read_text()
    for verb in ("demo", "test"):
        assert f"./lab {verb}" in readme
        assert re.search(rf"^{verb}\)", script, re.MULTILINE)


IMPORT_BENCHMARKS = """
import importlib, sys

class OnlyForTests:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"pytest", "_pytest", "hypothesis", "xdist", "pypdf", "html5lib"}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, OnlyForTests())
for name in sys.argv[1:]:
    importlib.import_module("tests.benchmarks." + name)
    print(name)
"""


def test_benchmarks_need_nothing_but_what_the_demo_installs() -> None:
    names = sorted(path.stem for path in (ROOT / "tests" / "benchmarks").glob("bench_*.py"))
    command = [sys.executable, "-c", IMPORT_BENCHMARKS, *names]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == names, done.stderr


def test_every_file_that_a_page_points_to_is_there() -> None:
    pages = [path for path in tracked_files() if path.suffix == ".md"]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text())]
    assert links
    assert [f"{page}: {link}" for page, link in links if not (ROOT / page.parent / link).exists()] == []


def test_the_readme_of_the_suite_lists_every_helper_with_its_own_words() -> None:
    helpers = [
        path
        for path in tracked_files()
        if path.suffix == ".py" and path.parts[0] == "tests" and path.parts[1] not in ("benchmarks", "data")
        if not path.name.startswith(("test_", "__init__"))
    ]
    texts = {path: ast.get_docstring(ast.parse((ROOT / path).read_text())) or "" for path in helpers}
    rows = [f"| `{path}` | {' '.join(text.partition(chr(10) * 2)[0].split())} |" for path, text in texts.items()]
    listed = [line for line in (ROOT / "tests" / "README.md").read_text().splitlines() if line.startswith("| `tests/")]
    assert listed == sorted(rows), "write the rows of tests/README.md anew:\n" + "\n".join(sorted(rows))


LONG = {"reports/pages/audit.py"}
"""Longer than they should be, without a reason yet."""


def test_a_module_above_400_lines_says_why() -> None:
    texts = {path: (ROOT / path).read_text() for path in tracked_files() if path.suffix == ".py"}
    shipped = {str(path): text for path, text in texts.items() if path.parts[0] in ROOMS}
    long = {name: ast.get_docstring(ast.parse(text)) or "" for name, text in shipped.items() if text.count("\n") > 400}
    assert {name for name, said in long.items() if "Above 400 lines:" not in said} <= LONG
    assert shipped.keys() >= LONG


# --- contracts -----------------------------------------------------------------------------------------------------

SMALL_HOUSE = {
    "harness": ["cli/__init__", "cli/meter", "evidence/__init__", "live/__init__",
                "live/watch", "fleet/__init__", "foreign/__init__", "measure/__init__", "measure/run",
                "measure/embedded", "measure/preflight", "attest/__init__", "attest/receiver", "attest/witness",
                *(f"sut/{module}" for module in (
                    "__init__", "inventory", "answers", "bundle", "channel", "clock", "files", "link", "login",
                    "machine", "prepare", "session")),
                "sut/agent/__init__", "sut/agent/survey", "sut/agent/loop",
                "station/__init__", "station/station", "record/__init__", "record/errors",
                "record/documents", "record/run_folder", "record/population",
                "terminal/__init__", "terminal/emulator"],
    "meters": ["reading", "meter", "wattsup", "emulators/__init__", "emulators/wattsup"],
    "reports": ["render", "api/__init__", *(f"{room}/__init__" for room in (
        "pages", "figures", "archive", "frames", "estimation", "comparison", "study", "qualification", "campaign",
        "trackers", "findings",
        "ratings", "inference", "energy", "readings", "results")), "energy/budget", "energy/meter_error",
        "energy/moving", "readings/series", "results/uncertainty", "inference/r_session", "campaign/analyse",
        "pages/audit"],
    "workloads": ["load"],
}  # fmt: skip


def lint_small_house(folder: Path, imports: dict[str, str], config: str | None = None) -> str:
    """What lint-imports says of a house of empty modules, with these imports written into them."""
    (folder / "pyproject.toml").write_text(config or (ROOT / "pyproject.toml").read_text())
    for room, modules in SMALL_HOUSE.items():
        for module in ["__init__", *modules]:
            path = folder / room / f"{module}.py"
            path.parent.mkdir(exist_ok=True)
            path.touch()
    for file, line in imports.items():
        (folder / file).write_text(f"{line}\n")
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == (1 if "BROKEN" in done.stdout else 0), done.stdout + done.stderr
    return done.stdout


def test_the_contracts_allow_what_the_architecture_draws(tmp_path: Path) -> None:
    allowed = {
        "harness/cli/meter.py": "import meters.emulators.wattsup",
        "harness/measure/run.py": "from harness.station import station\nfrom meters.meter import Meter",
        "reports/energy/budget.py": "from harness.record.run_folder import RunFolder\nimport harness.record.errors",
        "harness/record/documents.py": "from meters.reading import Reading",
        "meters/wattsup.py": "import serial\nfrom meters.reading import Reading",
        "meters/emulators/wattsup.py": "import threading",
        "harness/sut/agent/loop.py": "from harness.sut.agent import survey",
        "harness/measure/preflight.py": "from harness.sut.agent import survey",
        "harness/terminal/emulator.py": "import asyncio\nfrom harness.record.population import Population",
        "reports/qualification/__init__.py": "import reports.campaign.analyse\nimport reports.energy.budget",
        "harness/live/watch.py": "import threading\nimport reports.campaign.analyse\nimport harness.record.run_folder",
    }
    assert "0 broken" in lint_small_house(tmp_path, allowed)


@pytest.mark.parametrize(
    ("contract", "file", "line"),
    [
        (1, "meters/wattsup.py", "from harness.record.errors import LabError"),
        (1, "workloads/load.py", "import reports.render"),
        (1, "workloads/load.py", "from meters import reading"),
        (2, "meters/reading.py", "def late():\n    import meters.wattsup"),
        (2, "meters/unlisted.py", "import meters.meter"),
        (3, "reports/energy/budget.py", "from harness.station.station import Station"),
        (3, "reports/render.py", "import harness.cli"),
        (3, "reports/energy/budget.py", "from meters.wattsup import decode"),
        (3, "harness/record/errors.py", "from meters.wattsup import decode"),
        (4, "harness/station/station.py", "from harness.measure import run"),
        (4, "harness/record/errors.py", "import harness.station.station"),
        (4, "harness/sut/session.py", "import harness.measure.embedded"),
        (4, "harness/attest/witness.py", "from harness.measure import run"),
        (4, "harness/surprise.py", ""),
        (4, "reports/energy/budget.py", "from reports.pages import audit"),
        (4, "reports/campaign/analyse.py", "import reports.pages.audit"),
        (4, "reports/results/uncertainty.py", "import reports.campaign.analyse"),
        (4, "reports/render.py", "import reports.api"),
        (4, "reports/qualification/__init__.py", "import reports.comparison"),
        (4, "reports/study/__init__.py", "import reports.estimation"),
        (4, "reports/campaign/analyse.py", "import reports.qualification"),
        (4, "reports/surprise.py", ""),
        (5, "harness/measure/run.py", "import reports.campaign.analyse"),
        (5, "harness/sut/session.py", "import pandas"),
        (5, "harness/station/station.py", "from scipy import stats"),
        (6, "reports/render.py", "import subprocess"),
        (6, "reports/energy/budget.py", "from threading import Lock"),
        (6, "harness/record/run_folder.py", "import socket"),
        (6, "harness/record/documents.py", "import paramiko"),
        (6, "harness/record/errors.py", "import serial"),
        (7, "harness/measure/embedded.py", "from meters.emulators import wattsup"),
        (7, "reports/render.py", "import meters.emulators"),
        (8, "harness/sut/agent/loop.py", "import meters.reading"),
        (8, "harness/sut/agent/loop.py", "from harness.record.errors import LabError"),
        (8, "harness/sut/inventory.py", "import workloads.load"),
        (8, "harness/sut/inventory.py", "from harness.record.errors import LabError"),
        (8, "harness/attest/receiver.py", "import workloads.load"),
        (8, "harness/sut/agent/survey.py", "import harness.sut.bundle"),
        (8, "harness/sut/session.py", "import harness.sut.agent"),
        (8, "harness/sut/bundle.py", "from harness.sut.agent import loop"),
        (9, "harness/live/watch.py", "import harness.measure.run"),
        (9, "harness/live/watch.py", "from meters import wattsup"),
        (4, "harness/live/watch.py", "import harness.evidence"),
        (4, "harness/terminal/emulator.py", "import harness.measure.run"),
        (5, "harness/terminal/emulator.py", "import pandas"),
        (10, "harness/measure/run.py", "import asyncio"),
    ],
)
def test_a_violation_of_a_contract_is_found(tmp_path: Path, contract: int, file: str, line: str) -> None:
    verdict = lint_small_house(tmp_path, {file: line})
    assert re.search(rf"^{contract}\. .*BROKEN$", verdict, re.MULTILINE), verdict


def test_two_concrete_meters_may_not_know_each_other(tmp_path: Path) -> None:
    config = (ROOT / "pyproject.toml").read_text().replace('"(wattsup)"', '"(wattsup) | (wt310)"')
    verdict = lint_small_house(tmp_path, {"meters/wt310.py": "from meters.wattsup import decode"}, config)
    assert re.search(r"^2\. .*BROKEN$", verdict, re.MULTILINE), verdict


# --- the script ----------------------------------------------------------------------------------------------------

PLAIN_TOOLS = (
    "cat",
    "cut",
    "date",
    "dirname",
    "env",
    "flock",
    "mktemp",
    "readlink",
    "rm",
    "sed",
    "sh",
    "sha256sum",
    "tail",
    "uname",
)


class Machine:
    """A copy of the script in a folder with a space in its name, with only plain tools and these fakes on the PATH."""

    def __init__(self, folder: Path, user_id: int, fakes: dict[str, str]) -> None:
        self.home = folder / "a lab"
        self.tools = folder / "tools"
        self.home.mkdir()
        self.tools.mkdir()
        self.script = self.home / "lab"
        self.script.write_bytes((ROOT / "lab").read_bytes())
        self.script.chmod(0o755)
        for name in PLAIN_TOOLS:
            target = next(path for path in (Path("/usr/bin", name), Path("/bin", name)) if path.exists())
            (self.tools / name).symlink_to(target)
        for name, body in {"id": f"echo {user_id}", **fakes}.items():
            (self.tools / name).write_text(f"#!/bin/sh\n{body}\n")
            (self.tools / name).chmod(0o755)

    def start(self, *arguments: str, script: Path | None = None) -> subprocess.Popen[str]:
        """Start the script from another folder; its messages are on stderr."""
        environment = {"PATH": str(self.tools), "TMPDIR": str(self.home), "HOME": "/nonexistent"}
        return subprocess.Popen(
            [script or self.script, *arguments], cwd="/", env=environment, stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *arguments: str, script: Path | None = None) -> tuple[int, str]:
        """Exit code and messages."""
        process = self.start(*arguments, script=script)
        _, messages = process.communicate(timeout=180)
        return process.returncode, messages


def test_without_root_one_message_names_every_package_that_is_missing(tmp_path: Path) -> None:
    code, messages = Machine(tmp_path, 1000, {"apt-get": "exit 77"}).run("test")
    assert code == 1
    assert len(messages.splitlines()) == 1
    assert "apt-get install" in messages
    assert {"r-base-core", "make", "socat", "chromium"} <= set(messages.replace(",", " ").split())


def test_on_another_distribution_the_message_says_what_to_look_for(tmp_path: Path) -> None:
    code, messages = Machine(tmp_path, 0, {}).run("test")
    assert code == 1
    assert "no apt-get" in messages
    assert "r-base-core" in messages


def test_root_installs_what_the_verb_needs_and_a_failure_shows_the_end_of_its_log(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    apt = f'echo "$*" >>{asked}; case "$*" in *install*) echo no such package; exit 100 ;; esac'
    machine = Machine(tmp_path, 0, {"apt-get": apt})
    code, messages = machine.run("demo")
    assert code == 1
    assert "no such package" in messages
    assert "exit code 100" in messages
    log = re.search(r"the whole log is (.*); when", messages)
    assert log
    assert "no such package" in Path(log[1]).read_text()
    update, install = asked.read_text().splitlines()
    assert update.split()[-1] == "update"
    assert "r-base-core" in install.split()
    assert "chromium" not in install.split()


def test_an_operator_with_sudo_becomes_root_for_the_packages_only(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    sudo = f'echo "$*" >>{asked}; case "$1" in -*) ;; *) exec "$@" ;; esac'
    code, messages = Machine(tmp_path, 1000, {"apt-get": "exit 100", "sudo": sudo}).run("demo")
    assert code == 1
    assert "installing Debian packages" in messages
    commands = [line for line in asked.read_text().splitlines() if not line.startswith("-")]
    assert all("apt-get" in command for command in commands)
    assert "r-base-core" in commands[-1]


def test_a_second_one_waits_until_the_first_has_installed(tmp_path: Path) -> None:
    machine = Machine(tmp_path, 1000, {"apt-get": "exit 77"})
    with machine.script.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        second = machine.start("test")
        assert second.stderr is not None
        assert "waiting" in second.stderr.readline()
        assert second.poll() is None
    _, messages = second.communicate(timeout=180)
    assert "packages are missing" in messages


def test_it_finds_its_own_folder_through_a_symbolic_link(tmp_path: Path) -> None:
    machine = Machine(tmp_path, 1000, {"apt-get": "exit 77"})
    link = tmp_path / "link to lab"
    link.symlink_to(machine.script)
    code, messages = machine.run("test", script=link)
    assert code == 1
    assert "packages are missing" in messages


# --- whose identity serve-ptd can give ------------------------------------------------------------------------------


def test_nothing_that_is_shipped_holds_or_takes_an_identity_that_mlperfs_checker_accepts() -> None:
    """`serve-ptd` names itself; the session under a test identity (docs/meters.md) was made outside the house."""
    shipped = [name for name in tracked_files() if name.parts[0] in {*ROOMS, "lab", "lab.toml"}]
    held = [str(name) for name in shipped if re.search(rb"YokogawaWT\d", (ROOT / name).read_bytes())]
    assert held == []
    parser = argparse.ArgumentParser()
    add_arguments(parser.add_subparsers().add_parser("serve-ptd"))
    [actions] = [action for action in parser._actions if isinstance(action.choices, dict)]
    assert isinstance(actions.choices, dict)
    options = {option for action in actions.choices["serve-ptd"]._actions for option in action.option_strings}
    logins = {"--user", "--password-file", "--privacy-password-file"}
    assert options == {"-h", "--help", "--listen", "--option", "--idle", "--log", "--ptd", *logins}
    driver_options = {name for driver in registry.DRIVERS.values() for name in driver.options}
    assert not {name for name in driver_options if re.search("ident|version|model|maker|serial_number|name", name)}
    assert PTDAEMON_IDENTITY.startswith("EMULATED,1000,1,1,1,1,0,0,0,version=0.0.0-emulated-")


def test_a_path_in_a_command_of_a_message_is_one_word_for_a_shell() -> None:
    safe = {"kind.verb", "name", "fresh.name", "first", "' '.join(['demo', *option])"}
    bare = [
        f"{path}: {command}"
        for path in tracked_files()
        if path.suffix == ".py" and path.parts[0] in ROOMS
        for command in re.findall(r"`wattlab [^`\n]*`", (ROOT / path).read_text())
        for value in re.findall(r"\{([^{}]+)\}", command)
        if not value.startswith("quote(") and value not in safe
    ]
    assert bare == []
