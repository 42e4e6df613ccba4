"""Lines of a CSV that are no rows: a footer, and a header that stands there again.

Knows lines and how many fields they have. Knows no meaning of a column.

Decisions
- A footer is left out where the mapping says how it begins. Nothing else is taken for one: lines with another number
  of fields may as well be damage.
- A line equal to the header is the header of a file that was continued, whatever its place; it is left out and said.
"""

import re
from collections.abc import Sequence

from harness.foreign.importers.power_csv.mapping import FileForm
from harness.foreign.importers.remarks import Remark, times
from harness.foreign.importers.source import SourceFile

WORDS = re.compile(r"[^\W\d][^,;|\t=:]*")
"""What a footer begins with."""
Numbered = list[tuple[int, str]]


def without_footer(source: SourceFile, data: Numbered, form: FileForm) -> tuple[Numbered, list[Remark]]:
    """The data lines before the footer that the mapping names, and the remark on it."""
    at = next((at for at, (_, line) in enumerate(data) if line.lstrip().startswith(form.footer)), None)
    if at is None or not form.footer:
        return data, []
    count = len(data) - at
    text = f"the footer begins here ({form.footer!r}); {'it is' if count == 1 else f'its {count} lines are'} left out"
    return data[:at], [Remark("footer", source, data[at][0], text)]


def without_headers(source: SourceFile, head: Sequence[str], data: Numbered) -> tuple[Numbered, list[Remark]]:
    """The data lines without those that repeat the header, and the remark on them."""
    again = [number for number, line in data if head and line.strip(" \t\ufeff") == head[0].strip(" \t\ufeff")]
    if not again:
        return data, []
    many = f", {times(len(again))} in all" if len(again) > 1 else ""
    text = f"the header stands here again{many}; left out, and the rows behind it are read on"
    left_out = set(again)
    return [pair for pair in data if pair[0] not in left_out], [Remark("header-again", source, again[0], text)]


def footer_of(data: Numbered, form: FileForm) -> tuple[int, str] | None:
    """Line and first words of what seems to be a footer: all lines from it on have fewer fields than the first row, and
    no line before begins so. None without such lines."""
    if not data or form.delimiter == " ":
        return None
    width = data[0][1].count(form.delimiter)
    at = next((at for at in reversed(range(len(data))) if data[at][1].count(form.delimiter) >= width), 0) + 1
    match = WORDS.match(data[at][1].lstrip()) if at < len(data) else None
    if match is None or any(line.lstrip().startswith(match[0].strip()) for _, line in data[:at]):
        return None
    return data[at][0], match[0].strip()
