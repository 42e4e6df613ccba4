"""`wattlab measure`: from one line, a lab.toml that a person can go on with.

Knows what that line says, which defaults a quick measurement has, and how they are written down. Knows no wire: whether
meter and machine are there is preflight's business.

The command runs where the user gave it (`directory`) on this machine; on another one in the run's work folder. What its
words name here is copied for every run: so its digest stands in the run, and a machine reached by SSH has it.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from harness.measure.campaign_file import BASELINE, SYNC, TWO_STAGE
from harness.measure.material import MOST_KEPT_BYTES
from harness.measure.script import ASSIGNMENT, INTERPRETERS, scripts_of
from harness.record.errors import ConfigError
from harness.station.consistency import LONGEST_NAME
from harness.station.station import EMBEDDED, LOCAL
from meters.options import did_you_mean
from meters.registry import COUNTERS

NAME = "quick"
RUNS, PILOT = 5, 10
"""Runs and baseline blocks: of a quick measurement, and of the pilot of a two-stage plan."""
BASELINE_S, STABILIZATION_S, SUPPLEMENTARY_S = 20.0, 5.0, 3.0
FOLDER = "measured"
"""Below the folder in which the command was given."""
SUT_ADDRESS = re.compile(
    r"(?:([A-Za-z0-9_][A-Za-z0-9_.-]*)@)?"
    r"([A-Za-z0-9][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?\])(?::([0-9]{1,5}))?"
)
"""user, host, port; a host alone may be a name that ~/.ssh/config explains."""
SHELL = re.compile(r"[|;<>]|&&")
"""What only a shell understands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quick:
    """What is measured, how often, by which meter, on which machine."""

    command: Sequence[str]
    meters: Sequence[tuple[str, str]]
    """Driver and port of each; of several the powers are summed."""
    options: Mapping[str, object] = field(default_factory=dict)
    login: Mapping[str, str] = field(default_factory=dict)
    """`user`, `password_file` and `privacy_password_file` of the meter."""
    limits_percent: float = 0.0
    sut: Mapping[str, object] = field(default_factory=lambda: {"host": LOCAL})
    """The table [sut]."""
    runs: int = RUNS
    blocks: int = RUNS
    baseline_s: float = BASELINE_S
    half_width_percent: float = 0.0
    """0: as many runs as were asked for."""
    foreign_load_percent: float | None = None
    """What other programs may take of all CPUs before a run is thrown out; None: the method's limit."""

    @property
    def is_local(self) -> bool:
        """Whether this machine is measured."""
        return self.sut["host"] == LOCAL

    @property
    def design(self) -> str:
        """What decides about the number of runs, in words that stay true when the numbers in lab.toml are changed."""
        if self.half_width_percent:
            return f"{TWO_STAGE}: a pilot, then as many runs as two_stage.half_width_percent needs, by wattlab measure"
        return "quick: a few runs and baseline blocks in one session, by wattlab measure"


def sut_by_ssh(text: str, key_file: str | None, python: str) -> dict[str, object]:
    """The table [sut] of `USER@HOST`, `USER@HOST:PORT` or a Host of ~/.ssh/config; `key_file` None: as ssh finds one,
    empty: the ssh-agent's.

    Raises:
        ConfigError: it is none.
    """
    address = SUT_ADDRESS.fullmatch(text)
    if address is None:
        brackets = "; an IPv6 address stands in brackets" if text.count(":") > 1 else ""
        raise ConfigError(
            f"--sut {text}: expected USER@HOST or USER@HOST:PORT, such as --sut me@192.168.1.30, or a Host of "
            f"~/.ssh/config{brackets}"
        )
    user, host, port = address.groups()
    if host in (LOCAL, EMBEDDED):
        raise ConfigError(f"--sut {text}: leave --sut out to measure this machine")
    table: dict[str, object] = {"host": host.strip("[]")} | ({"user": user} if user else {})
    table |= {} if key_file is None else {"key_file": key_file}
    return table | ({"port": int(port)} if port else {}) | ({"python": python} if python else {})


def of_numbers(runs: int | None, blocks: int | None, half_width_percent: float) -> None:
    """Refuse a pilot that shows no spread.

    Raises:
        ConfigError: with what to give instead.
    """
    for option, number in (("--runs", runs), ("--blocks", blocks)):
        if half_width_percent and number == 1:
            raise ConfigError(
                f"{option} 1: with --half-width it is the size of the pilot, and one shows no spread from which more "
                f"could be planned; give at least {option} 2, or leave it out ({PILOT})"
            )


def of_words(command: Sequence[str], here: Path, *, is_local: bool) -> None:
    """Refuse a word that can only be a file's name and names none: the program's own path, the script of an
    interpreter, and any other script. What other words mean only the program knows: they may name what it writes.

    Raises:
        ConfigError: with the file that was probably meant.
    """
    for word in (command[number] for number in scripts_of(command)):
        if is_file_or_folder(here / word) or (not is_local and Path(word).is_absolute()):
            continue  # what has its whole path may be on that machine
        folder = (here / word).parent
        names = sorted(path.name for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
        meant = did_you_mean(Path(word).name, names) if names else ""
        advice = meant if meant.startswith("did you mean") else "the command is started in the folder where you are"
        raise ConfigError(f"{word}: there is no such file in {folder}; {advice}")


def is_file_or_folder(path: Path) -> bool:
    """Whether there is anything of that name; of one that nothing can have there is not."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def of_command(command: Sequence[str]) -> None:
    """Refuse what is no command, and what only a shell would understand.

    Raises:
        ConfigError: with what to give instead.
    """
    if not command:
        raise ConfigError(
            "no command: name it at the end, behind --, such as `wattlab measure --meter shelly@http://192.168.1.20 -- "
            "python3 train.py`"
        )
    whole = " ".join(command)
    if ASSIGNMENT.match(command[0]):
        raise ConfigError(f"{command[0]} sets a variable, which a shell does; give it to env: -- env {whole}")
    if (len(command) == 1 and " " in whole.strip() and not Path(whole).exists()) or any(map(SHELL.fullmatch, command)):
        raise ConfigError(
            f"{whole!r} is for a shell, and the command is started without one; give it to a shell: -- sh -c "
            f"{json.dumps(whole, ensure_ascii=False)}"
        )


def name_of(command: Sequence[str]) -> str:
    """What the scenario is called: the program, or the script that an interpreter runs."""
    inline = {place + 1 for place, word in enumerate(command) if word in ("-c", "-e")}  # a program, not its name
    words = [Path(word) for place, word in enumerate(command) if not word.startswith("-") and place not in inline]
    chosen = next((word for word in words if not INTERPRETERS.fullmatch(word.name)), words[0] if words else Path("run"))
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", chosen.stem).strip("-")[: LONGEST_NAME // 2] or "run"
    return f"{name}-run" if name in (BASELINE, SYNC) else name


def folder_for(command: Sequence[str], here: Path) -> Path:
    """A folder that is not there yet: measured/NAME-1, -2, ..."""
    name = name_of(command)
    return next(folder for n in count(1) if not (folder := here / FOLDER / f"{name}-{n}").exists())


def named_files(command: Sequence[str], here: Path) -> dict[str, Path]:
    """Word -> the file of `here` that it names, of those that are copied: of one name the first, none above 16 MiB, and
    no program of the system."""
    found: dict[str, Path] = {}
    for number, word in enumerate(command):
        path = here / word
        is_named = number > 0 or "/" in word
        if not is_named or not word or word.startswith("-") or not _is_small_file(path):
            continue
        path = path.resolve()
        if path.name not in {other.name for other in found.values()} and not path.is_relative_to("/usr"):
            found[word] = path
    return found


def _is_small_file(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size <= MOST_KEPT_BYTES
    except (OSError, ValueError):
        return False


def lab_toml(quick: Quick, here: Path, today: str) -> str:
    """The whole file, for a command that was given in the folder `here`."""
    return "\n".join([*_head(quick, today), *_station(quick), *_scenario(quick, here), ""])


def minimal_toml(quick: Quick, here: Path) -> str:
    """At most 15 lines: meter, machine and command; everything else has its default. Without a command a full load is
    measured, which needs nothing."""
    driver, port = quick.meters[0]
    lines = ["schema = 1", *_table("meters.wall", {"driver": driver, "port": port}), *_table("sut", quick.sut)]
    if quick.command:
        lines += _scenario(quick, here)
    else:
        lines += _table("scenarios.load", {"folder": "workloads/constant-load", "parameters": {"load_s": 30.0}})
    return "\n".join([*(line for line in lines if not line.startswith("repetitions")), ""])


def _head(quick: Quick, today: str) -> Iterator[str]:
    yield f"# Written by `wattlab measure` on {today}; `wattlab run` in this folder measures what stands here."
    yield "# What you change is another measurement, with another campaign.name; `wattlab init` explains every key."
    yield "schema = 1"
    campaign: dict[str, object] = {"name": NAME, "design": quick.design}
    campaign |= {"stabilization_s": STABILIZATION_S, "supplementary_s": SUPPLEMENTARY_S}
    if quick.half_width_percent:
        campaign["two_stage"] = {"half_width_percent": quick.half_width_percent}
    else:
        campaign["max_failed_attempts"] = 1
    yield from _table("campaign", campaign)
    yield from _table("baseline", {"blocks": quick.blocks, "duration_s": quick.baseline_s})


def _station(quick: Quick) -> Iterator[str]:
    alone = len(quick.meters) == 1
    circuits = {} if alone else {"circuits": [driver for driver, _ in quick.meters]}
    yield from _table("sut", {**quick.sut, **circuits})
    for driver, port in quick.meters:
        meter: dict[str, object] = {"driver": driver, "port": port}
        meter |= {} if alone else {"circuit": driver}
        meter |= {"options": dict(quick.options)} if quick.options else {}
        meter |= {"limits_percent": quick.limits_percent} if quick.limits_percent else {}
        yield from _table(f"meters.{driver if driver in COUNTERS else 'wall'}", meter | dict(quick.login))
    if quick.foreign_load_percent is not None:
        yield from _table("thresholds", {"foreign_load_invalid_percent": quick.foreign_load_percent})


def _scenario(quick: Quick, here: Path) -> Iterator[str]:
    files = named_files(quick.command, here)
    words = quick.command if quick.is_local else [files[word].name if word in files else word for word in quick.command]
    scenario: dict[str, object] = {"command": list(words)}
    scenario |= {"directory": str(here)} if quick.is_local else {}
    scenario |= {"files": [str(path) for path in files.values()]} if files else {}
    yield from _table(f"scenarios.{name_of(quick.command)}", scenario | {"repetitions": quick.runs})


def _table(name: str, values: Mapping[str, object]) -> Iterator[str]:
    yield ""
    yield f"[{name}]"
    yield from (f"{key} = {toml_of(value)}" for key, value in values.items())


def toml_of(value: object) -> str:
    """A text, a number, a list or a table in one line of TOML."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {toml_of(part)}" for key, part in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_of, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
