"""`wattlab init`: write a commented lab.toml."""

import argparse
from pathlib import Path

from harness.cli.types import Verbs
from harness.config import TEMPLATE
from harness.errors import ConfigError


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    verb = verbs.add_parser("init", help="write a commented lab.toml", description="Write a commented lab.toml.")
    verb.add_argument("file", nargs="?", type=Path, default=Path("lab.toml"), help="where to (default: lab.toml)")
    verb.set_defaults(call=call)


def call(arguments: argparse.Namespace) -> int:
    """Copy the template; an existing file is never overwritten."""
    try:
        with arguments.file.open("xb") as file:
            file.write(TEMPLATE.read_bytes())
    except FileExistsError:
        raise ConfigError(f"{arguments.file}: exists already; edit it, or name another file") from None
    except OSError as error:
        raise ConfigError(f"{arguments.file}: cannot write ({error.strerror})") from None
    print(f"{arguments.file} written. Fill in (1) the meter and (2) the machine to be measured.")
    print("Next: `wattlab meter list --probe` says which meter answers at which port.")
    return 0
