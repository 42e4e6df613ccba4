"""The command line: `wattlab VERB`. One module per verb (parse, call, print), in the order of the work.

Exit codes: 0 ok, 1 a lab or user problem (one sentence), 2 a bug (traceback), 3 measured but invalid; 128 and the
signal's number where one ended it: 130 Ctrl-C.
"""

import argparse
import atexit
import contextlib
import gc
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from harness.cli.called import as_called, program, reads
from harness.cli.types import Parser, WrongUsage, add_verb, chosen_words, station_words
from harness.record.errors import Interrupted, LabError, why

VERBS = {
    "demo": "run the whole lab on this machine, with an emulated meter",
    "measure": "measure a command now; no lab.toml is needed",
    "init": "make a folder for a lab of your own",
    "sut": "prepare the system under test",
    "check": "every reason not to start, as one list",
    "plan": "list every planned run",
    "run": "measure: every planned run that is not done yet",
    "view": "show in a browser what is measured now",
    "observer": "measure what the agent and its link add",
    "annotate": "note something beside a campaign or a run; exclude a run, with a reason",
    "report": "compute results.json and write the report",
    "compare": "campaigns or scenarios beside each other: difference, ratio, uncertainty, equivalence",
    "estimate": "what a training will have taken, of its first epochs; how good such estimates are",
    "study": "a whole study, as its file declares it: its analysis, of campaigns or of a published table",
    "qualify": "which share of the wall each software meter sees: a certificate",
    "correct": "what a record of a qualified software meter alone is at the wall: an estimate with U",
    "sign": "sign a campaign with an OpenSSH key",
    "witness": "let somebody else say when a campaign was measured",
    "verify": "check signature, digests, chain and completeness of a campaign, a comparison or a study; recompute it",
    "archive": "campaigns of years in one place, as Parquet, asked in SQL",
    "station": "be a bench of a fleet",
    "fleet": "planned runs of several stations",
    "export": "write a campaign in a form that others take",
    "import": "turn a foreign measurement into run folders",
    "meter": "list, read, check, emulate power meters",
    "completion": "complete wattlab's command line in a shell",
}
SIGNALLED = 128
"""Shells' own way: the exit code of what a signal ended is this and the signal's number."""
AGAIN = "nothing is lost; give the command again"
SELDOM = (50_000, 20, 100)
"""The collector's thresholds: what a command makes it needs until its end, and looking for cycles in it finds none."""


class _Version(argparse.Action):
    """`--version`: what is installed, and of which commit; asked for only then, since git is asked too."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Print it and end."""
        from harness.station.provenance import in_words, software_facts
        from harness.station.station import APPLICATION

        print(in_words(software_facts(APPLICATION)))
        parser.exit(0)


def parser(called: str = "") -> Parser:
    """The whole command line; `called`: by another name than that by which this program was."""
    top = Parser(
        prog=called or program(),
        description="Measure, with an external power meter, how much energy machine-learning software really uses.",
        epilog="The first hour: measure. In the order of the work: init, sut prepare, check, plan, run, view, "
        "observer, annotate, report, compare, study, qualify, correct, sign, verify. `wattlab demo` shows a "
        "campaign from end to end; `wattlab help VERB` says more.",
    )
    top.add_argument("--version", action=_Version, nargs=0, help="print version and commit, and end")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb, what in VERBS.items():
        add_verb(verbs, verb, "import_" if verb == "import" else verb, what)
    helper = verbs.add_parser("help", help="what a verb does and takes", description="Say what a verb does and takes.")
    helper.add_argument("words", nargs="*", metavar="VERB", help="a verb, and its action where it has some")
    helper.set_defaults(call=lambda arguments: main([*arguments.words, "--help"]))
    return top


def _left(arguments: argparse.Namespace) -> str:
    """What an interrupted verb leaves; it may say so while it works."""
    left: str = getattr(arguments, "interrupted", AGAIN)
    return left


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    _collect_seldom()
    arguments = _parsed(sys.argv[1:] if argv is None else argv)
    reads(*((station_words(arguments), chosen_words(arguments)) if "lab" in arguments else ()))
    is_json: bool = getattr(arguments, "json", False)
    tell = _tell_programs if is_json else _say
    ended_by: signal.Signals | None = None

    def terminate(number: int, _frame: FrameType | None) -> None:
        nonlocal ended_by
        ended_by = signal.Signals(number)
        raise Interrupted(f"ended by {signal.Signals(number).name}; {_left(arguments)}")

    signal.signal(signal.SIGTERM, terminate)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup(1): the terminal may go
        signal.signal(signal.SIGHUP, terminate)
    try:
        return _answered(arguments) if is_json else int(arguments.call(arguments))
    except Interrupted as error:
        tell(str(error))
        return SIGNALLED + (ended_by or signal.SIGINT)
    except KeyboardInterrupt:
        tell(f"interrupted; {_left(arguments)}")
        return SIGNALLED + signal.SIGINT
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away (`wattlab ... | head`), or the terminal
        return 1 if ended_by is None else SIGNALLED + ended_by
    except SystemExit:  # rich's own way where the terminal is gone
        if ended_by is None:
            raise
        return SIGNALLED + ended_by
    except Exception as error:
        if _is_of_the_lab(error):
            tell(str(error))
            return 1
        import traceback

        _say(f"{traceback.format_exc()}this is a bug in wattlab; please report the lines above")
        if is_json:
            tell(f"{type(error).__name__}: {error}; this is a bug in wattlab, please report what is on standard error")
        return 2
    finally:
        reads()


def _collect_seldom() -> None:
    """Have the collector look seldom, and at the end of the process not at all."""
    gc.set_threshold(*SELDOM)
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)


def _parsed(words: Sequence[str]) -> argparse.Namespace:
    """The words as arguments; wrong ones end the program.

    Raises:
        SystemExit: 1, and what is wrong was said.
    """
    try:
        return parser().parse_args(words or ["--help"])
    except WrongUsage as error:
        from harness.cli import documents

        if documents.is_asked_for(words):
            documents.print_misuse(str(error))
        else:
            sys.stderr.write(f"{error.usage}wattlab: {as_called(str(error))}\n")
        raise SystemExit(1) from None


def _answered(arguments: argparse.Namespace) -> int:
    """Run a verb for a program: its document is all that stands on standard output."""
    from harness.cli import documents

    with documents.nothing_else(is_told=arguments.tells_beside):
        code: int = arguments.call(arguments)
    try:
        documents.print_document(arguments.answer)
    except BrokenPipeError:
        raise
    except OSError as error:
        _say(f"standard output: the document cannot be written ({why(error)})")
        return 1
    return code


def _tell_programs(problem: str) -> None:
    from harness.cli import documents

    documents.print_problem(problem)


def _is_of_the_lab(error: Exception) -> bool:
    """Whether it is a lab or user problem, whose sentence is all there is to say."""
    if isinstance(error, LabError):
        return True
    from meters.meter import MeterError

    return isinstance(error, MeterError)


def _say(text: str) -> None:
    """One message on standard error; nothing in it steers the terminal. One that was closed is not spoken to."""
    from rich.console import Console

    from harness.cli.screen import say

    with contextlib.suppress(OSError, SystemExit):  # rich ends the program where a pipe is broken
        say(Console(stderr=True), f"wattlab: {text}")
