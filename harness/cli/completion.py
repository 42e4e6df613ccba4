"""`wattlab completion SHELL`: the program that completes wattlab's command line in a shell, made of its own parsers.

Knows what kind of word an argument takes, by its type and how it is called. Does not know any shell: shtab does.
"""

import argparse
from pathlib import Path

from harness.cli.called import NAME

SHELLS = ("bash", "zsh", "tcsh", "fish")
ENTRY = "lab"
"""The script `./lab`: it is completed by this name, wherever it lies."""
FOLDERS = frozenset({"DIR", "FOLDER", "CAMPAIGN", "folder", "campaign"})
"""How an argument calls a folder: its metavar or its name."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = "Print the program that completes wattlab's command line in a shell."
    verb.epilog = (
        "To install it: `wattlab completion bash > ~/.wattlab.bash && echo 'source ~/.wattlab.bash' >> ~/.bashrc`."
    )
    verb.add_argument("shell", choices=SHELLS, help="the shell")
    verb.set_defaults(call=call)


def call(arguments: argparse.Namespace) -> int:
    """Print the program."""
    print(script(arguments.shell))
    return 0


def script(shell: str) -> str:
    """The program of a shell."""
    import shtab

    from harness.cli import parser

    top = parser(NAME)
    for words, command in top.commands():
        for action in command._actions:
            _mark(action, words)
    return with_entry(shtab.complete(top, shell), shell)


def _mark(action: argparse.Action, words: tuple[str, ...]) -> None:
    """Say to shtab what is completed in place of an argument; its choices it sees itself."""
    from harness.cli.meter_port import driver_name
    from meters.registry import DRIVERS

    named = action.metavar if isinstance(action.metavar, str) else action.dest
    if action.choices is not None or action.nargs == 0:
        return
    if action.type is driver_name:
        action.choices = sorted(DRIVERS)
    elif (complete := _complete_of(action, named, words)) is not None:
        action.complete = complete  # type: ignore[attr-defined]  # shtab's own way


def _complete_of(action: argparse.Action, named: str, words: tuple[str, ...]) -> object:
    import shtab

    if action.dest == "sides" or named in FOLDERS:
        return shtab.DIRECTORY
    if action.type is Path or named == "port":
        return shtab.FILE
    if (words[:1] == ("meter",) and action.dest == "meter") or named == "METER":
        return shtab.cmd(_tables_command("meters", with_drivers=words[:1] == ("meter",)))
    if named == "SCENARIO":
        return shtab.cmd(_tables_command("scenarios"))
    if action.dest == "sut":
        return shtab.cmd(_tables_command("suts"))
    return None


def _tables_command(table: str, *, with_drivers: bool = False) -> str:
    """A command that prints the names below a table of the lab.toml in this folder; with the drivers, where wanted. No
    character of it means anything in any of the shells."""
    from meters.registry import DRIVERS

    read = f"grep -s {table}. lab.toml | sed -n s/.{table}.//p | cut -s -d] -f1 | cut -d. -f1 | sort -u"
    return f"echo {' '.join(sorted(DRIVERS))} | fmt -1; {read}" if with_drivers else read


def with_entry(text: str, shell: str) -> str:
    """A program that completes `lab` as it does `wattlab`; bash and zsh take `./lab` for it too."""
    match shell:
        case "bash":
            return f"{text}\ncomplete -o bashdefault -F _shtab_{NAME} {ENTRY}"
        case "zsh":
            text = text.replace(f"#compdef {NAME}\n", f"#compdef {NAME} {ENTRY}\n", 1)
            return text.replace(f"compdef _shtab_{NAME} -N {NAME}", f"compdef _shtab_{NAME} {NAME} {ENTRY}")
        case "fish":
            return f"{text}\ncomplete -c {ENTRY} -w {NAME}"
    return f"{text}\n{text.replace(f'complete {NAME}', f'complete {ENTRY}')}"
