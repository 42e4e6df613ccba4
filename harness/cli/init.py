"""`wattlab init`: write a commented lab.toml."""

import argparse
from pathlib import Path

from harness.cli.types import Verbs
from harness.config import APPLICATION
from harness.errors import ConfigError


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    verb = verbs.add_parser("init", help="write a commented lab.toml", description="Write a commented lab.toml.")
    verb.add_argument("file", nargs="?", type=Path, default=Path("lab.toml"), help="where to (default: lab.toml)")
    verb.set_defaults(call=call)


def call(arguments: argparse.Namespace) -> int:
    """Copy the embedded default; an existing file is never overwritten."""
    try:
        with arguments.file.open("xb") as file:
            file.write((APPLICATION / "lab.toml").read_bytes())
    except FileExistsError:
        raise ConfigError(f"{arguments.file}: exists already; edit it, or name another file") from None
    except OSError as error:
        raise ConfigError(f"{arguments.file}: cannot write ({error.strerror})") from None
    print(f"{arguments.file} written. It describes the embedded lab; the lines (1) and (2) make it yours.")
    print("Next: edit it, then `wattlab check`.")
    return 0
