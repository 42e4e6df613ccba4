"""The command line: `wattlab VERB`. One module per verb (parse, call, print), in the order of the work.

Exit codes: 0 ok, 1 a lab or user problem (one sentence), 2 a bug (traceback), 3 measured but invalid; 128 and the
signal's number where one ended it: 130 Ctrl-C.
"""

import argparse
import contextlib
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from rich.console import Console

from harness.cli import (
    annotate,
    check,
    compare,
    demo,
    export,
    import_,
    init,
    meter,
    observer,
    plan,
    report,
    run,
    sign,
    study,
    sut,
    verify,
    witness,
)
from harness.cli.called import as_called, program
from harness.cli.screen import say
from harness.errors import Interrupted, LabError, printable_lines
from meters.meter import MeterError
from meters.options import did_you_mean

VERBS = (
    demo, init, sut, check, plan, run, observer, annotate, report, compare, study, sign, witness, verify, export,
    import_, meter,
)  # fmt: skip
SIGNALLED = 128
"""Shells' own way: the exit code of what a signal ended is this and the signal's number."""
AGAIN = "nothing is lost; give the command again"


class _Parser(argparse.ArgumentParser):
    """Wrong usage is a user problem: exit code 1, not argparse's 2, and a mistyped word hears which one was meant."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(1, f"wattlab: {as_called(printable_lines(message))}\n")

    def format_help(self) -> str:
        """Help names the command that was typed."""
        return as_called(super().format_help())

    def _check_value(self, action: argparse.Action, value: object) -> None:
        """argparse's own hook; its answer is the list of everything there is."""
        if action.choices is not None and value not in action.choices:
            what = "verb" if action.dest == "verb" else action.dest
            raise argparse.ArgumentError(
                None, f"no {what} {value!r}; {did_you_mean(str(value), map(str, action.choices))}"
            )


class _Version(argparse.Action):
    """`--version`: what is installed, and of which commit; asked for only then, since git is asked too."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Print it and end."""
        from harness.config import APPLICATION
        from harness.provenance import in_words, software_facts

        print(in_words(software_facts(APPLICATION)))
        parser.exit(0)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = _Parser(
        prog=program(),
        description="Measure, with an external power meter, how much energy machine-learning software really uses.",
        epilog="In the order of the work: init, sut prepare, check, plan, run, observer, annotate, report, compare, "
        "study, sign, verify. `wattlab demo` shows a campaign from end to end; `wattlab help VERB` says more.",
    )
    top.add_argument("--version", action=_Version, nargs=0, help="print version and commit, and end")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=_Parser)
    for verb in VERBS:
        verb.add_parser(verbs)
    helper = verbs.add_parser("help", help="what a verb does and takes", description="Say what a verb does and takes.")
    helper.add_argument("words", nargs="*", metavar="VERB", help="a verb, and its action where it has some")
    helper.set_defaults(call=lambda arguments: main([*arguments.words, "--help"]))
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    arguments = parser().parse_args(argv)
    interrupted: str = getattr(arguments, "interrupted", AGAIN)
    ended_by: signal.Signals | None = None

    def terminate(number: int, _frame: FrameType | None) -> None:
        nonlocal ended_by
        ended_by = signal.Signals(number)
        raise Interrupted(f"ended by {signal.Signals(number).name}; {interrupted}")

    signal.signal(signal.SIGTERM, terminate)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup(1): the terminal may go
        signal.signal(signal.SIGHUP, terminate)
    try:
        code: int = arguments.call(arguments)
        return code
    except Interrupted as error:
        _say(str(error))
        return SIGNALLED + (ended_by or signal.SIGINT)
    except KeyboardInterrupt:
        _say(f"interrupted; {interrupted}")
        return SIGNALLED + signal.SIGINT
    except (LabError, MeterError) as error:
        _say(str(error))
        return 1
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away (`wattlab ... | head`), or the terminal
        return 1 if ended_by is None else SIGNALLED + ended_by
    except SystemExit:  # rich's own way where the terminal is gone
        if ended_by is None:
            raise
        return SIGNALLED + ended_by
    except Exception:
        _say(f"{traceback.format_exc()}this is a bug in wattlab; please report the lines above")
        return 2


def _say(text: str) -> None:
    """One message on standard error; nothing in it steers the terminal. One that was closed is not spoken to."""
    with contextlib.suppress(OSError, SystemExit):  # rich ends the program where a pipe is broken
        say(Console(stderr=True), f"wattlab: {text}")
