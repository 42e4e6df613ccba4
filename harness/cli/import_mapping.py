"""The mapping of `wattlab import power-csv`: the one that is there, or one that is proposed, asked about and written.

Knows the terminal. Knows no CSV.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from rich.console import Console

from harness.cli.screen import say
from harness.record.errors import ImportFileError, why

if TYPE_CHECKING:
    from harness.foreign.importers.power_csv.proposal import Proposal, Question


def proposed(paths: Sequence[Path]) -> str:
    """The text of a mapping that the first lines suggest, `?` where they leave something open.

    Raises:
        ImportFileError: they show no times or no power.
    """
    from harness.foreign.importers.power_csv.proposal_text import rows_as_read, toml_of

    proposal = _proposal(paths)
    try:
        read = rows_as_read(proposal)
    except ImportFileError as error:
        read = [str(error)]
    rows = "\n".join(f"# {line}" for line in read)
    return f"{toml_of(proposal)}\n# As it would be read:\n{rows}\n"


def mapping_for(paths: Sequence[Path], named: Path | None) -> Path | None:
    """The mapping that is named or lies beside the files; else one that was proposed and agreed to. None: not agreed.

    Raises:
        ImportFileError: there is none, and nobody to ask.
    """
    from harness.foreign.importers.power_csv.importer import mapping_beside

    path = named or mapping_beside(paths)
    if named is not None or path.is_file():
        return path
    if not sys.stdin.isatty():
        first = quote(str(paths[0]))
        raise ImportFileError(
            f"{path}: no such mapping; `wattlab import power-csv {first} --propose > {quote(str(path))}` writes "
            "one from the first lines; answer what it leaves open"
        )
    text = _asked(paths)
    if input(f"Write {path} and import by it? [y/N] ").strip().lower() not in ("y", "yes"):
        return None
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ImportFileError(f"{path}: cannot write ({why(error)}); name a place with --mapping") from None
    return path


def _asked(paths: Sequence[Path]) -> str:
    """The text of a mapping, everything that was open answered.

    Raises:
        ImportFileError: the first rows cannot be read by it.
    """
    from harness.foreign.importers.power_csv.proposal import asked
    from harness.foreign.importers.power_csv.proposal_text import rows_as_read, toml_of

    console = Console()
    proposal = _proposal(paths)
    say(console, f"{proposal.rows.source.path}: {'; '.join(proposal.seen)}.")
    proposal = asked(proposal, lambda question: _answer(console, question), lambda why: say(console, why, "yellow"))
    text, read = toml_of(proposal), rows_as_read(proposal)
    print(f"\n{text}\nThe first rows, as they would be read:")
    for line in read:
        print(f"  {line}")
    return text


def _answer(console: Console, question: "Question") -> str:
    while True:
        text = input(f"{question.text}{question.answers}\n> ").strip() or question.suggested
        if text and (not question.choices or text in question.choices):
            return text
        say(console, f"Answer one of {', '.join(question.choices)}." if question.choices else "Answer it.", "yellow")


def _proposal(paths: Sequence[Path]) -> "Proposal":
    from harness.foreign.importers.grouping import ENDINGS
    from harness.foreign.importers.power_csv.proposal import propose
    from harness.foreign.importers.source import read_source

    path = paths[0]
    if path.is_dir():
        below = sorted(file for file in path.rglob("*") if file.is_file() and file.name.endswith(ENDINGS))
        if not below:
            raise ImportFileError(f"{path}: no CSV in it or below ({', '.join(ENDINGS)}); name the files")
        path = below[0]
    return propose(read_source(path, partial=True))
