"""The command line: `wattlab VERB`. One module per verb (parse, call, print), in the order of the work.

Exit codes: 0 ok, 1 a lab or user problem (one sentence), 2 a bug (traceback), 3 measured but invalid.
"""

import argparse
import contextlib
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

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
from harness.errors import Interrupted, LabError, printable_lines
from meters.meter import MeterError

VERBS = (
    demo, init, check, plan, run, observer, report, annotate, compare, study, sign, verify, witness, export, import_,
    meter, sut,
)  # fmt: skip


class _Parser(argparse.ArgumentParser):
    """Wrong usage is a user problem: exit code 1, not argparse's 2."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(1, f"wattlab: {message}\n")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = _Parser(
        prog="wattlab",
        description="Measure, with an external power meter, how much energy machine-learning software really uses.",
        epilog="In the order of the work: init, check, plan, run, report, compare, study, sign, verify. `wattlab demo` "
        "shows a campaign from end to end.",
    )
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=_Parser)
    for verb in VERBS:
        verb.add_parser(verbs)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    arguments = parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup(1): the terminal may go
        signal.signal(signal.SIGHUP, _terminate)
    try:
        code: int = arguments.call(arguments)
        return code
    except (LabError, MeterError) as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        _say("interrupted; `wattlab run` continues a campaign where it stood")
        return 1
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away (`wattlab ... | head`)
        return 1
    except Exception:
        _say(f"{traceback.format_exc()}this is a bug in wattlab; please report the lines above")
        return 2


def _say(text: str) -> None:
    """One message on standard error; nothing in it steers the terminal. One that was closed is not spoken to."""
    with contextlib.suppress(OSError):
        print(f"wattlab: {printable_lines(text)}", file=sys.stderr)


def _terminate(number: int, _frame: FrameType | None) -> None:
    raise Interrupted(f"ended by {signal.Signals(number).name}; `wattlab run` continues a campaign where it stood")
