"""What a run is made of: the bytes that are staged, what its command names on the SUT besides, the Python that runs it.

Knows scenarios, and asks the SUT through `harness.sut.inventory`. Knows no run folder and no phase: what it returns
goes into the start document. Everything is read once, before the run is begun: what is digested is what is staged.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.measure.lab_file import LabConfig
from harness.measure.scenario import Scenario
from harness.measure.scenario_file import MARKERS
from harness.record.documents import Json
from harness.record.errors import ConfigError, SutError, SutUnreachable, why
from harness.station.station import APPLICATION
from harness.sut.environments import APART
from harness.sut.machine import Sut
from harness.sut.prepare import Needs

MOST_KEPT_BYTES = 16 << 20
"""A larger file is staged, and stands in the start document by digest and size; a run folder does not hold it."""
MOST_KNOWN_BYTES = 64 << 10
"""What is known of files goes along as an argument (execve(2) takes 128 KiB); more is asked anew."""
TRACKER_FILES = APPLICATION / "workloads" / "trackers"
PROGRAM = (Path(__file__).parents[1] / "sut" / "inventory.py").read_text()
NO_PYTHON = "its words name no Python interpreter, so what it loads is not recorded"
Whose = Literal["program", "trackers", "markers"]


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file of the work folder: its bytes, and whether it is of the program, of the trackers, or the marker module."""

    content: bytes
    of: Whose

    @property
    def kept(self) -> bool:
        """Whether the run folder holds it."""
        return len(self.content) <= MOST_KEPT_BYTES

    def to_json(self) -> Json:
        """For the start document."""
        digest = hashlib.sha256(self.content).hexdigest()
        return {"sha256": digest, "bytes": len(self.content), "kept": self.kept, "of": self.of}


@dataclass(frozen=True, slots=True)
class Material:
    """All of it, for one run; `environment` is None where no command is run."""

    staged: Mapping[str, StagedFile]
    on_sut: Sequence[Json]
    environment: Json | None


def needs_of(config: LabConfig) -> Needs:
    """What the scenarios of a lab need on the SUT, each once."""
    parts = dict.fromkeys(part for scenario in config.started for part in scenario.prepared)
    apart = {name: [one for one in config.started if one.python == name] for name in APART}
    in_main = [one for one in config.started if one.python not in APART]
    packages = _packages_of(in_main)
    readers = {name: _sections_of(one for one in in_main if name in one.packages) for name in packages}
    readers |= {part: _sections_of(one for one in config.started if part in one.prepared) for part in parts}
    readers |= {name: _sections_of(inside) for name, inside in apart.items() if inside}
    environments = {name: _packages_of(inside) for name, inside in apart.items() if inside}
    return Needs(packages, tuple(parts), readers, environments)


def _packages_of(scenarios: Iterable[Scenario]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(package for scenario in scenarios for package in scenario.packages))


def _sections_of(scenarios: Iterable[Scenario]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(scenario.section for scenario in scenarios))


def read_staged(scenario: Scenario, marker_source: bytes) -> dict[str, StagedFile]:
    """Every file that a run of the scenario stages, by its name in the work folder.

    Raises:
        ConfigError: a file was there when lab.toml was read and cannot be read now.
    """
    found: dict[str, StagedFile] = {}
    for path in scenario.files:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ConfigError(f"scenarios.{scenario.section}: files: cannot read {path} ({why(error)})") from None
        found[path.name] = StagedFile(content, "trackers" if path.resolve().parent == TRACKER_FILES else "program")
    return found | {MARKERS.name: StagedFile(marker_source, "markers")}


class Inventory:
    """What commands are made of on one SUT. What did not change since the run before is not read again."""

    def __init__(self, sut: Sut) -> None:
        self._sut = sut
        self._files: dict[str, Json] = {}
        self._environments: dict[str, Json] = {}

    def of(self, command: Sequence[str], work: str) -> tuple[list[Json], Json | None]:
        """The files that the command's words name outside `work`, and the Python that runs it; nothing of no command.

        Raises:
            SutError: the SUT does not answer, or something else.
        """
        if not command:
            return [], None
        known = json.dumps(list(self._files.values()))
        known = known if len(known) <= MOST_KNOWN_BYTES else "[]"
        answer = self._sut.ask_program(self._sut.python, PROGRAM, "files", work, known, *command)
        try:
            files, binary, interpreter = list(answer["files"]), answer["binary"], answer["interpreter"]
            self._files |= {one["path"]: one for one in [*files, binary] if one and one["status"]}
            named = [_named(one) for one in files]
            return named, self._environment(_text(interpreter), None if binary is None else _text(binary["sha256"]))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise SutError(
                f"the SUT was asked what {command[0]} is made of and answered nonsense ({error!r})"
            ) from None

    def _environment(self, interpreter: str | None, binary: str | None) -> Json:
        """The packages of an interpreter; `problem` says why they are not known."""
        plain: Json = {
            "interpreter": interpreter, "executable": None, "binary_sha256": binary, "python": None, "packages": [],
            "sha256": None, "editable": [], "extra_paths": [], "problem": NO_PYTHON,
        }  # fmt: skip
        if interpreter is None:
            return plain
        before = self._environments.get(interpreter, {})
        try:
            found = self._sut.ask_program(interpreter, PROGRAM, "packages", str(before.get("state", "")))
        except SutUnreachable:
            raise
        except SutError as error:
            return plain | {"problem": str(error)}
        self._environments[interpreter] = now = before if found["packages"] is None else found
        packages = [str(_text(one)) for one in now["packages"]]
        listed = "".join(f"{one}\n" for one in packages)
        return plain | {
            **{key: _text(now[key]) for key in ("executable", "python", "problem")},
            "packages": packages, "extra_paths": [_text(one) for one in now["extra_paths"]],
            "editable": [{key: _text(one[key]) for key in ("name", "url")} for one in now["editable"]],
            "sha256": hashlib.sha256(listed.encode()).hexdigest() if packages else None,
        }  # fmt: skip


def _named(one: Json) -> Json:
    """A file on the SUT for the start document."""
    size = one["bytes"]
    texts = {key: _text(one[key]) for key in ("path", "kind", "sha256", "why")}
    return texts | {"bytes": size if type(size) is int and 0 <= size < 1 << 63 else None}


def _text(value: object) -> str | None:
    """What the SUT says, as Unicode: names of files there may be any bytes."""
    return None if value is None else str(value).encode("utf-8", "replace").decode()
