"""The text of PTDaemon's files -> a log: which lines are samples, messages, replies, and which are damaged.

Knows a log of samples (`spl.txt`, `ptd -l`) and a console log. Knows no message's meaning (log.py) and no run.

Decisions
- A file that begins with `Time,` holds rows and messages only: any other line is refused, but for the text that goes on
  behind a message. Its rows have a mark, all of them or none. A console log may hold other text, but nothing that looks
  like a marked sample and is none.
- The rows of a reply to `RL` are the samples of the measurement before it, told a second time: `Go.reply`. They are
  compared with the rows (checks.py), and are the rows where there are no others. A damaged one costs itself.
- A last line without its end was cut off while it was written: left out and noted, unless it is a whole row of the mark
  before it.
- A row merged from several analysers holds the row of each behind `AnalyzerN`: a log for each of them. The sum before
  them is not read: it adds lines, whatever their times, and absolute values, and leaves out an analyser that failed
  (power-dev `merge_power_logs`, issue 329). No published session of six releases has such rows.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from harness.foreign.importers.ptd.log import SENT, Log, take_message
from harness.foreign.importers.ptd.samples import DATE, Row, match_row, row_of, stamp_ns, with_unused
from harness.foreign.importers.source import SourceFile, decoded, foreign_form
from harness.foreign.importers.stamps import SECOND_NS
from harness.record.errors import ImportFileError

_MESSAGE = re.compile(f"(?:Time,{DATE},(?=NOTICE,|WARNING,|ERROR,)|{DATE}: )(.*)")
_ANALYSER = re.compile(r",Analyzer\d+,")
_STAMPED = re.compile(f"{DATE}: ")


def read_logs(source: SourceFile) -> list[Log]:
    """A file of PTDaemon's, a log for each analyser whose rows were merged in it.

    Raises:
        ImportFileError: as `read_log`; a merged row without the row of an analyser.
    """
    text = decoded(source.content)
    first = next((line for line in text.split("\n") if line.strip()), "")
    many = len(_ANALYSER.findall(first))
    if not many:
        return [read_log(source)]
    logs = [Log(source, analyser) for analyser in range(1, many + 1)]
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        parts = _ANALYSER.split(line.rstrip())[1:]
        matches = [match_row(part) for part in parts]
        if len(matches) == many and all(matches):
            for log, match in zip(logs, matches, strict=True):
                if match is not None:
                    _take(log, row_of(source, number, match), last=number == len(lines))
        elif number == len(lines) and line:
            for log in logs:
                log.cut_line = number
        elif line.strip():
            raise ImportFileError(
                f"{source.path}:{number}: found {line!r:.90}, expected a row merged of {many} analysers as before; the "
                "line is damaged: copy the file again"
            )
    for log in logs:
        _require_alike(log)
        _require_clock(log)
        log.rows = with_unused(log.rows)
    return logs


def read_log(source: SourceFile) -> Log:
    """A file of PTDaemon's: rows, and what stands between them.

    Raises:
        ImportFileError: a line that should be a row and is none, a clock that went back or jumped an hour; with the
            line.
    """
    log = Log(source)
    text = decoded(source.content)
    if form := foreign_form(text):
        raise ImportFileError(f"{source.path}:1: found {form}")
    lines = text.split("\n")
    if next((line for line in lines if line.strip()), "").startswith("Time,"):
        _read_rows(log, lines)
    else:
        _read_console(log, lines)
    _require_clock(log)
    log.rows = with_unused(log.rows)
    return log


def _read_rows(log: Log, lines: Sequence[str]) -> None:
    """A log of samples: rows, messages and the text that goes on behind a message."""
    explained = False  # the line before was a message, whose text may go on
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r").rstrip()
        last = number == len(lines)  # what follows the last newline: empty, or a line cut off
        if match := match_row(text):
            _take(log, row_of(log.source, number, match), last=last)
            explained = False
        elif last and text:
            log.cut_line = number
        elif match := _MESSAGE.match(text):
            take_message(log, number, stamp_ns(log.source, number, [g for g in match.groups()[:14] if g]), match[15])
            explained = True
        elif text and (not explained or re.search(r"(?:^Time,|,Watts,|,Temp,)", text)):
            raise ImportFileError(f"{log.source.path}:{number}: {_why_not(text)}")
    _require_alike(log)


def _read_console(log: Log, lines: Sequence[str]) -> None:
    """A console log: messages, other text, rows of a log, and rows of replies to `RL`."""
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r").rstrip()
        last = number == len(lines)
        if (match := match_row(text)) and match[12]:
            _take(log, row_of(log.source, number, match), last=last)
        elif last and text:
            log.cut_line = number
        elif (match := match_row(_without_head(text))) and not match[12]:
            _reply(log, row_of(log.source, number, match))
        elif match := re.match(f"Time,{DATE},(?=NOTICE,|WARNING,|ERROR,)", text):
            take_message(log, number, stamp_ns(log.source, number, match.groups()), text[match.end() :])
        elif re.search(r"(?:^Time,|,Watts,|,Temp,)", text):
            if re.search(r",Mark,|,Temp,", text) or not log.goes:
                raise ImportFileError(f"{log.source.path}:{number}: {_why_not(text)}")
            log.damaged.append(number)
        else:
            _messages(log, number, text)


def _without_head(text: str) -> str:
    """A row of a reply without the head of the message that was printed before it, or into it."""
    before, sent, after = text.partition(SENT)
    stamp = re.search(f"{DATE}: $", before) if sent else None
    return text if stamp is None else before[: stamp.start()] + after


def _messages(log: Log, number: int, text: str) -> None:
    """The messages of one line of the console: each begins with its time."""
    stamps = list(_STAMPED.finditer(text))
    ends = [match.start() for match in stamps[1:]] + [len(text)] * bool(stamps)
    for match, end in zip(stamps, ends, strict=True):
        take_message(log, number, stamp_ns(log.source, number, match.groups()), text[match.end() : end])


def _take(log: Log, row: Row, *, last: bool) -> None:
    """A row of the log; what has no line end and is not like the row before it is cut off."""
    before = log.rows[-1] if log.rows else None
    alike = before is not None and (before.mark, len(before.channels)) == (row.mark, len(row.channels))
    if last and not (row.mark and alike):
        log.cut_line = row.line
    else:
        log.rows.append(row)


def _reply(log: Log, row: Row) -> None:
    """A row of a reply to `RL`: a sample of the measurement before it."""
    if not log.goes:
        raise ImportFileError(
            f"{log.source.path}:{row.line}: a row without Mark, and no 'Go with mark' before it says of which "
            "measurement; name the log that PTDaemon wrote (-l), whose rows have marks"
        )
    log.goes[-1].reply.append(replace(row, mark=log.goes[-1].mark))


def _require_alike(log: Log) -> None:
    """Rows of one file have a mark, all of them or none, and as many channels as the row before; one that has not is
    cut off there."""
    marked = [row for row in log.rows if row.mark]
    if marked and len(marked) < len(log.rows):
        odd = next(row for row in log.rows if not row.mark)
        raise ImportFileError(
            f"{log.source.path}:{odd.line}: a row without Mark among rows that have one; the line is damaged: copy the "
            "file again, or take the samples after it as a file of its own"
        )
    for before, row in pairwise(log.rows):
        if row.mark == before.mark and len(row.channels) != len(before.channels):
            raise ImportFileError(
                f"{log.source.path}:{row.line}: {len(row.channels)} channels here, {len(before.channels)} in the row "
                "before; the line is damaged: copy the file again"
            )


def _why_not(text: str) -> str:
    if _ANALYSER.search(text):
        return "a row merged from several analysers among rows of one; files were joined: cut the file here"
    if ",Temp," in text:
        return "a log of a temperature sensor; name the log of the power analyser"
    return (
        f"found {text!r:.90}, expected 'Time,MM-DD-YYYY hh:mm:ss.mmm,Watts,..,Volts,..,Amps,..,PF,..,Mark,..'; the "
        "line is damaged: copy the file again, or take the samples after it as a file of its own"
    )


def _require_clock(log: Log) -> None:
    for before, row in pairwise(log.rows):
        step_ns = row.time_ns - before.time_ns
        where = f"{log.source.path}:{row.line}"
        if step_ns < 0:
            raise ImportFileError(
                f"{where}: time goes back by {-step_ns / SECOND_NS:.3f} s here; a clock was put back (end of summer "
                "time?) or files were joined in the wrong order: cut the file here"
            )
        if row.mark == before.mark and abs(step_ns - 3600 * SECOND_NS) <= 60 * SECOND_NS:
            raise ImportFileError(
                f"{where}: time jumps by {step_ns / SECOND_NS:.3f} s inside one measurement; a clock was put forward "
                "(summer time?): cut the file here"
            )
