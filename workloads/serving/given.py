"""What a service of ours is told by its environment: parameters of a dataclass, seed, folders, port.

Knows the variables of docs/environment.md. Knows no parameter by name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Generic, TypeVar

Parameters = TypeVar("Parameters")
Limits = Mapping[str, tuple[float, float]]


class ParameterProblem(Exception):
    """The environment of the program is not what it needs; one sentence."""


@dataclass(frozen=True, slots=True)
class Given(Generic[Parameters]):
    """One run as ordered; `port`: where to listen."""

    parameters: Parameters
    seed: int
    data: Path
    artifacts: Path
    port: int

    def write_summary(self, found: dict[str, Any]) -> None:
        """summary.json: seed, parameters, and what was found."""
        named = {field.name: getattr(self.parameters, field.name) for field in fields(self.parameters)}  # type: ignore[arg-type]
        content = {"seed": self.seed, "parameters": named, **found}
        (self.artifacts / "summary.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_given(kind: type[Parameters], limits: Limits) -> Given[Parameters]:
    """The environment. `limits`: of each parameter that is a number, its least and its largest value; all others are
    text.

    Raises:
        ParameterProblem: naming what is missing or wrong.
    """
    names = ("PARAMETERS", "SEED", "DATA", "ARTIFACTS", "PORT")
    missing = [f"WATTLAB_{name}" for name in names if not os.environ.get(f"WATTLAB_{name}")]
    if missing:
        raise ParameterProblem(f"not set: {', '.join(missing)}; [scenarios.NAME.service] names the port")
    values = {name: os.environ[f"WATTLAB_{name}"] for name in names}
    try:
        parameters = kind(**json.loads(values["PARAMETERS"]))
        seed, port = int(values["SEED"]), int(values["PORT"])
    except (TypeError, ValueError) as error:
        raise ParameterProblem(f"WATTLAB_PARAMETERS, WATTLAB_SEED or WATTLAB_PORT: {error}") from error
    for field in fields(kind):  # type: ignore[arg-type]
        _check(field.name, getattr(parameters, field.name), limits.get(field.name), is_whole=field.type == "int")
    artifacts = Path(values["ARTIFACTS"])
    artifacts.mkdir(parents=True, exist_ok=True)
    return Given(parameters, seed, Path(values["DATA"]), artifacts, port)


def _check(name: str, value: object, limit: tuple[float, float] | None, *, is_whole: bool) -> None:
    if limit is None:
        if not isinstance(value, str):
            raise ParameterProblem(f"{name}: found {value!r}, expected text")
        return
    low, high = limit
    is_number = isinstance(value, int) or (isinstance(value, float) and not is_whole)
    if isinstance(value, bool) or not is_number or not low <= float(value) <= high:  # type: ignore[arg-type]
        raise ParameterProblem(f"{name}: found {value!r}, expected {'a whole number' if is_whole else 'a number'} "
                               f"from {low:g} to {high:g}")  # fmt: skip
