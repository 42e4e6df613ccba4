"""`wattlab init`: a folder for a lab of one's own."""

import argparse
import os
import shlex
from pathlib import Path

from rich.console import Console

from harness.cli.screen import say
from harness.record.errors import ConfigError, why
from harness.station.station import APPLICATION, TEMPLATE


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = "Make a folder for a lab of your own: a commented lab.toml, and a link to this program."
    verb.add_argument("folder", nargs="?", type=Path, default=Path(), help="such as ~/my-lab (default: this folder)")
    verb.set_defaults(call=call)


def call(arguments: argparse.Namespace) -> int:
    """Copy the template; an existing file is never overwritten.

    Raises:
        ConfigError: there is a lab already, or the folder cannot be written in.
    """
    file, program = arguments.folder / "lab.toml", arguments.folder / "lab"
    try:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        with file.open("xb") as new:
            new.write(TEMPLATE.read_bytes())
        if not os.path.lexists(program):
            program.symlink_to(APPLICATION / "lab")
    except FileExistsError:
        raise ConfigError(
            f"{file}: exists already and is left as it is; edit it, or name another folder for another lab, such as "
            "`wattlab init ~/my-lab-2`"
        ) from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot write ({why(error)})") from None
    is_ours = program.resolve() == APPLICATION / "lab"
    name = "./lab" if is_ours else shlex.quote(str(APPLICATION / "lab"))
    console = Console()
    say(console, f"{file} written. Fill in (1) the meter and (2) the machine to be measured.")
    if not is_ours:
        say(console, f"{program} was there before and is left as it is, so this program is called {name} there.")
    say(
        console,
        f"Next, in {arguments.folder.resolve()}: `{name} meter list --probe` says which meter answers at which port.",
    )
    return 0
