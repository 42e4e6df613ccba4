"""One run of a training program as it is ordered: parameters, seed, folders; and how its files are written.

Knows the environment variables of docs/environment.md, how a parameter is checked, actions that are told to the
trackers too, and files of JSON. Knows no picture, no network and no parameter by name. Standard library and markers
only.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from wattlab_markers import action

if TYPE_CHECKING:
    from tracking import Trackers

P = TypeVar("P")
"""The program's own record of parameters."""
Json = dict[str, Any]


class ParameterProblem(Exception):
    """The environment of the program is not what it needs; one sentence."""


@dataclass(frozen=True, slots=True)
class Task(Generic[P]):
    """One run as ordered: the program's mode (empty: it has none), parameters, seed, folders."""

    mode: str
    parameters: P
    seed: int
    data: Path
    artifacts: Path


def read_task(
    arguments: Sequence[str], modes: Sequence[str], kind: type[P], limits: Mapping[str, tuple[float, float]]
) -> Task[P]:
    """The task of command line and environment: one of the modes (of a program without modes no argument), and `kind`
    made of WATTLAB_PARAMETERS, every number of it within its limits.

    Raises:
        ParameterProblem: naming what is missing or wrong.
    """
    if [*arguments] not in ([[mode] for mode in modes] or [[]]):
        expected = f"one of {', '.join(modes)}" if modes else "none"
        raise ParameterProblem(f"found the arguments {[*arguments]}, expected {expected}")
    missing = [name for name in ("PARAMETERS", "SEED", "DATA", "ARTIFACTS") if not os.environ.get(f"WATTLAB_{name}")]
    if missing:
        raise ParameterProblem("not set: " + ", ".join(f"WATTLAB_{name}" for name in missing))
    try:
        parameters = kind(**json.loads(os.environ["WATTLAB_PARAMETERS"]))
        seed = int(os.environ["WATTLAB_SEED"])
    except (TypeError, ValueError) as error:
        raise ParameterProblem(f"WATTLAB_PARAMETERS or WATTLAB_SEED: {error}") from error
    _check(parameters, limits)
    if not 0 <= seed < 2**32:
        raise ParameterProblem(f"WATTLAB_SEED: found {seed}, expected 0 to 2**32 - 1")
    folders = Path(os.environ["WATTLAB_DATA"]), Path(os.environ["WATTLAB_ARTIFACTS"])
    return Task(arguments[0] if modes else "", parameters, seed, *folders)


def _check(parameters: Any, limits: Mapping[str, tuple[float, float]]) -> None:  # noqa: ANN401  a record of any program
    """Refuse impossible values, naming each; a text or a truth value has its type only."""
    for field in fields(parameters):
        value = getattr(parameters, field.name)
        if field.name not in limits:
            if type(value).__name__ != field.type:
                raise ParameterProblem(f"{field.name}: found {value!r}, expected {field.type}")
            continue
        low, high = limits[field.name]
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or (field.type == "int" and not isinstance(value, int)) or not low <= value <= high:
            raise ParameterProblem(f"{field.name}: found {value!r}, expected {field.type} in {low} to {high}")


@contextmanager
def step(name: str, trackers: Trackers) -> Iterator[Json]:
    """One action, marked and told to the trackers."""
    with action(name) as metrics, trackers.interval(name):
        yield metrics


def write_json(path: Path, content: Json) -> None:
    """A file of JSON; numbers that JSON does not have are null in it."""
    finite = json.loads(json.dumps(content), parse_constant=lambda _name: None)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(finite, indent=1) + "\n", encoding="utf-8")


def file_of_model(path: Path) -> Json:
    """Digest and size of a saved model, which stay when it is deleted."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return {"sha256": sha256, "bytes": path.stat().st_size}
