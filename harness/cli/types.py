"""What every verb needs to register itself. Knows argparse only."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
else:
    Verbs = object


def add_lab_argument(verb: argparse.ArgumentParser) -> None:
    """`--lab FILE`, the lab.toml the verb reads."""
    verb.add_argument(
        "--lab", type=Path, default=Path("lab.toml"), metavar="FILE", help="lab.toml (default: ./lab.toml)"
    )
