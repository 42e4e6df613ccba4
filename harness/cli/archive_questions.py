"""`wattlab archive query` and `wattlab archive report`: questions in SQL, those that every lab asks, and their page."""

import argparse
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, TypeAlias

from rich.console import Console

from harness.cli.documents import Document
from harness.cli.progress import at_work
from harness.cli.screen import Sheet, columns, counted, say
from harness.cli.types import add_json_argument, at_least, seconds
from harness.record.errors import AnalysisError, printable

Rows: TypeAlias = Any  # an Arrow table; what has such things is imported late
MOST_ROWS, MOST_PRINTED = 40, 1_000_000
"""Of an answer on the screen, and with --json."""
QUESTION_NAMES = ("campaigns", "baselines", "instruments", "check-loads", "releases", "scenarios", "findings")
"""Of `reports.archive.questions`, which takes time to import."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveAnswer(Document):
    """The answer to a question."""

    columns: tuple[str, ...]
    """Names of its columns."""
    rows: tuple[tuple[Any, ...], ...]
    """Its rows; empty where a file was written."""
    file: str | None
    """What was written; null otherwise."""


def add_arguments(actions: "argparse._SubParsersAction[Any]") -> None:
    """The two verbs."""
    asked = actions.add_parser("query", help="ask one SELECT over campaigns, runs, readings, ...")
    asked.add_argument("archive", help="a folder or a URL")
    asked.add_argument("sql", help="the question; docs/archive.md has tables and columns")
    reported = actions.add_parser("report", help="a question that every lab asks: drift, instruments, ...")
    reported.add_argument("archive", help="a folder or a URL")
    reported.add_argument("question", nargs="?", choices=QUESTION_NAMES, help="which one (default: all, as a page)")
    reported.add_argument("--html", type=Path, metavar="FILE", help="write the page of all of them to a new file")
    for each in (asked, reported):
        form = each.add_mutually_exclusive_group()
        form.add_argument("--csv", type=Path, metavar="FILE", help="write the answer as CSV to a new file")
        form.add_argument("--parquet", type=Path, metavar="FILE", help="write the answer as Parquet to a new file")
        each.add_argument("--seconds", type=seconds, default=600.0, help="the question is ended after so long")
        each.add_argument("--memory-gb", type=float, default=2.0, help="it may take so much memory (default: 2)")
        each.add_argument("--threads", type=at_least(1), metavar="N", help="it may use so many CPUs")
        add_json_argument(each, "the answer", ArchiveAnswer)
    asked.set_defaults(call=call_query)
    reported.set_defaults(call=call_report)


def call_query(arguments: argparse.Namespace) -> int:
    """Ask."""
    return _ask(arguments, arguments.sql)


def call_report(arguments: argparse.Namespace) -> int:
    """Ask what every lab asks: one question on the screen, or all as a page."""
    from reports.archive.questions import QUESTIONS

    if arguments.html is not None:
        return _write_page(arguments)
    if arguments.question is None:
        raise AnalysisError(
            f"name a question ({', '.join(QUESTION_NAMES)}), or --html FILE for a page with all of them"
        )
    question = QUESTIONS[arguments.question]
    print(question.title)
    code = _ask(arguments, question.sql, question.finished)
    say(Console(), question.note)
    return code


def _write_page(arguments: argparse.Namespace) -> int:
    from harness.evidence.archive_pages import answers_of
    from reports.archive.contents import Contents
    from reports.archive.errors import written
    from reports.archive.store import Store
    from reports.render import archive_html

    if arguments.question is not None:
        raise AnalysisError("--html FILE writes a page with all questions; leave the question out")
    _refuse_written(arguments.html)
    with at_work("asking every question"):
        html = archive_html(answers_of(Contents(Store(arguments.archive)), arguments.memory_gb, arguments.threads))
    with written(arguments.html), arguments.html.open("x", encoding="utf-8") as page:
        page.write(html)
    print(f"report   {arguments.html.resolve()}")
    arguments.answer = ArchiveAnswer(columns=(), rows=(), file=str(arguments.html))
    return 0


def _refuse_written(target: Path | None) -> None:
    if target is not None and target.exists():
        raise AnalysisError(f"{target}: exists already; name a new file")


def _ask(arguments: argparse.Namespace, sql: str, finished: Callable[[Rows], Rows] | None = None) -> int:
    """The answer on the screen, or in a new file, which is written as it comes."""
    from reports.archive import query

    target: Path | None = arguments.csv or arguments.parquet
    _refuse_written(target)
    most = MOST_PRINTED if arguments.json or finished is not None else MOST_ROWS
    with _asked(arguments, sql) as database:
        if target is not None and finished is None:
            count = query.write_rows(database, sql, target, as_parquet=arguments.parquet is not None)
        else:
            table, count = query.first_rows(database, sql, most)
    if target is not None:
        if finished is not None:
            write_rows(finished(table), arguments.csv, arguments.parquet)
        print(f"{counted(count, 'row')}  {target}")
        arguments.answer = ArchiveAnswer(columns=(), rows=(), file=str(target))
        return 0
    if arguments.json and count > most:
        raise AnalysisError(f"the answer has {count} rows, more than --json prints ({most}); --csv FILE writes all")
    table, count = (table, count) if finished is None else (finished(table), finished(table).num_rows)
    Console().print(answer_sheet(table, count))
    kept = (tuple(map(_plain, row)) for row in _rows(table)) if arguments.json else ()
    arguments.answer = ArchiveAnswer(columns=tuple(table.schema.names), rows=tuple(kept), file=None)
    return 0


@contextmanager
def _asked(arguments: argparse.Namespace, sql: str) -> Iterator[Any]:
    """A database that is interrupted after the seconds that the question has."""
    from reports.archive.contents import Contents
    from reports.archive.query import connection
    from reports.archive.store import Store

    database = connection(Contents(Store(arguments.archive)), sql, arguments.memory_gb, arguments.threads)
    ending = threading.Timer(arguments.seconds, database.interrupt)
    ending.daemon = True
    ending.start()
    try:
        with at_work("asking"):
            yield database
    finally:
        ending.cancel()
        database.close()


def write_rows(table: Rows, as_csv: Path | None, as_parquet: Path | None) -> None:
    """Write an answer to a new file.

    Raises:
        ArchiveError: it cannot be written.
    """
    from pyarrow import csv, parquet

    from reports.archive.errors import written

    target = as_csv or as_parquet
    if target is None:
        return
    with written(target), target.open("xb") as file:
        if as_csv is not None:
            csv.write_csv(table, file)
        else:
            parquet.write_table(table, file, compression="zstd")


def answer_sheet(table: Rows, count: int | None = None) -> Sheet:
    """The first rows of an answer that has so many."""
    heads, shown = table.schema.names, _rows(table.slice(0, MOST_ROWS))
    rows = [[*map(_cell, row)] for row in shown]
    numbers = [name for name, kind in zip(heads, table.schema.types, strict=True) if str(kind) in ("double", "int64")]
    left = (table.num_rows if count is None else count) - len(shown)
    more = f"{left} more rows; --csv FILE writes all" if left else ""
    return Sheet(columns(*heads, numbers=numbers), rows, caption=more)


def _rows(table: Rows) -> list[tuple[Any, ...]]:
    """Row by row; two columns may have one name, and a value may be one that Python has not (a year 300,000)."""
    return list(zip(*([*map(_value, column)] for column in table.columns), strict=True))


def _value(scalar: Any) -> Any:  # noqa: ANN401  of Arrow
    try:
        return scalar.as_py()
    except (OverflowError, ValueError):
        return "beyond what Python has"


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    return printable(str(dict(value) if isinstance(value, list) and value and isinstance(value[0], tuple) else value))


def _plain(value: Any) -> Any:  # noqa: ANN401  a cell of an Arrow table
    if isinstance(value, float) and not isfinite(value):
        return None
    if isinstance(value, list):
        return dict(value) if all(isinstance(one, tuple) for one in value) else [*map(_plain, value)]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
