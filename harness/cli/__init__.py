"""The command line: `wattlab VERB`. One module per verb (parse, call, print), in the order of the work.

Exit codes: 0 ok, 1 a lab or user problem (one sentence), 2 a bug (traceback), 3 measured but invalid.
"""

import argparse
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
from harness.errors import Interrupted, LabError
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
    try:
        code: int = arguments.call(arguments)
        return code
    except (LabError, MeterError) as error:
        print(f"wattlab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("wattlab: interrupted; `wattlab run` continues a campaign where it stood", file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away (`wattlab ... | head`)
        return 1
    except Exception:
        traceback.print_exc()
        print("wattlab: this is a bug in wattlab; please report the lines above", file=sys.stderr)
        return 2


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise Interrupted("ended by SIGTERM; `wattlab run` continues a campaign where it stood")
