"""`wattlab init`: a folder for a lab of one's own; at a terminal by three questions, with a short lab.toml."""

import argparse
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from harness.cli.meter_choice import named_meter
from harness.cli.ports import plugged_in, ports_sheet
from harness.cli.screen import say
from harness.measure.quick import Quick, minimal_toml, of_command, sut_by_ssh
from harness.record.errors import ConfigError, why
from harness.station.station import APPLICATION, LOCAL, TEMPLATE

Answer = TypeVar("Answer")
TO_FILL_IN = "Fill in (1) the meter and (2) the machine to be measured."
NO_WORDS: list[str] = []
UNNAMED = ("", "")
"""A meter that is filled in later."""
FULL_LOAD = "the full load that comes with wattlab"


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = (
        "Make a folder for a lab of your own: a lab.toml, and a link to this program. At a terminal three questions "
        "are asked (which meter, which machine, which command) and at most 15 lines are written: everything else has a "
        "default. What an option answers is not asked. Without a terminal the commented file is written."
    )
    verb.add_argument("folder", nargs="?", type=Path, default=Path(), help="such as ~/my-lab (default: this folder)")
    verb.add_argument("--minimal", action="store_true", help="ask nothing, write the short file")
    verb.add_argument("--commented", action="store_true", help="ask nothing, write a file that explains every key")
    verb.add_argument("--meter", type=_meter, metavar="DRIVER@PORT", help="such as shelly@http://192.168.1.20")
    verb.add_argument("--sut", metavar="USER@HOST", help="the machine to be measured, by SSH; local: this one")
    verb.add_argument("--command", metavar="WORDS", help="what is measured, in quotes: 'python3 train.py'")
    verb.set_defaults(call=call, interrupted="nothing was written")


def call(arguments: argparse.Namespace) -> int:
    """Ask, where there is somebody to ask; write; an existing file is never overwritten.

    Raises:
        ConfigError: there is a lab already, the folder cannot be written in, or an answer is none.
    """
    file, console = arguments.folder / "lab.toml", Console()
    if os.path.lexists(file):
        raise _there_already(file)
    is_asked = sys.stdin.isatty() and console.is_terminal and not arguments.minimal
    is_told = arguments.meter or arguments.sut or arguments.command
    if arguments.commented or not (arguments.minimal or is_asked or is_told):
        text, missing, is_local = TEMPLATE.read_text(encoding="utf-8"), TO_FILL_IN, True
    else:
        quick = _quick(arguments, console, is_asked=is_asked)
        text = minimal_toml(quick, Path.cwd())
        missing, is_local = "" if quick.meters[0] != UNNAMED else "Fill in the meter: driver and port.", quick.is_local
    _write(arguments.folder, file, text)
    _say_what_is_next(console, arguments.folder, file, missing, is_local=is_local)
    return 0


def _meter(text: str) -> tuple[str, str]:
    """The type of an argument that names a meter."""
    try:
        return named_meter(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _quick(arguments: argparse.Namespace, console: Console, *, is_asked: bool) -> Quick:
    """What is to be measured, by options and answers."""
    meter = arguments.meter
    if meter is None and is_asked and (ports := plugged_in()):
        console.print(ports_sheet(ports, probed=False))
    if meter is None:
        which = "Which power meter? DRIVER@PORT, such as shelly@http://192.168.1.20; Enter: filled in later"
        meter = _asked(which, named_meter, UNNAMED, console) if is_asked else UNNAMED
    where = "Which machine is measured? USER@HOST, by SSH; Enter: this one"
    sut = _sut(arguments.sut) if arguments.sut else _asked(where, _sut, _sut(LOCAL), console) if is_asked else None
    what = f"Which command? Such as python3 train.py; Enter: {FULL_LOAD}"
    words = (
        _words(arguments.command) if arguments.command else _asked(what, _words, NO_WORDS, console) if is_asked else []
    )
    return Quick(command=words, meters=[meter], sut=sut or _sut(LOCAL))


def _sut(text: str) -> dict[str, object]:
    return {"host": LOCAL} if text in (LOCAL, "localhost") else sut_by_ssh(text, None, "")


def _words(text: str) -> list[str]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ConfigError(f"{text!r}: {error}; close the quote") from None
    of_command(words)
    return words


def _asked(question: str, read: Callable[[str], Answer], default: Answer, console: Console) -> Answer:
    """The answer to a question, asked again until it is one."""
    while True:
        text = input(f"{question}\n> ").strip()
        if not text:
            return default
        try:
            return read(text)
        except ConfigError as error:
            say(console, str(error), "yellow")


def _write(folder: Path, file: Path, text: str) -> None:
    program = folder / "lab"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
        if not os.path.lexists(program):
            program.symlink_to(APPLICATION / "lab")
    except FileExistsError:
        raise _there_already(file) from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot write ({why(error)})") from None


def _there_already(file: Path) -> ConfigError:
    return ConfigError(
        f"{file}: exists already and is left as it is; edit it, or name another folder for another lab, such as "
        "`wattlab init ~/my-lab-2`"
    )


def _say_what_is_next(console: Console, folder: Path, file: Path, missing: str, *, is_local: bool) -> None:
    program = folder / "lab"
    is_ours = program.resolve() == APPLICATION / "lab"
    name = "./lab" if is_ours else shlex.quote(str(APPLICATION / "lab"))
    say(console, " ".join(filter(None, (f"{file} written.", missing))))
    if not is_ours:
        say(console, f"{program} was there before and is left as it is, so this program is called {name} there.")
    if missing:
        says = "meter list --probe` says which meter answers at which port"
    elif not is_local:
        says = "sut prepare` brings to the machine what the agent needs"
    else:
        says = f"check` says whether a measurement can start, `{name} run` measures"
    say(console, f"Next, in {folder.resolve()}: `{name} {says}.")
