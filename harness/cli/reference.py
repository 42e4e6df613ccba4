"""docs/json.md's lists: which command prints which document, and the keys of each; from the commands and the records.

`python -m harness.cli.reference` writes what stands between the two marks; a test holds the page against it. Knows no
other word of the page.
"""

from collections.abc import Iterator, Mapping

from harness.cli import parser
from harness.cli.called import NAME
from harness.cli.documents import WITHOUT, Document, Failure, FileDocument
from reports.results.reference import DOCS, reference

PAGE = DOCS / "json.md"
BEGIN = "<!-- reference: written by `python -m harness.cli.reference`, from commands and records; change it there -->"
END = "<!-- end of the reference -->"


def documents() -> Iterator[tuple[str, type[Document] | FileDocument]]:
    """Every command that has `--json`, with the option that makes another document of it; and the document."""
    for words, command in parser(NAME).commands():
        named: Mapping[str, type[Document] | FileDocument] = command.get_default("documents") or {}
        for option, document in named.items():
            yield " ".join([*words, option]).strip(), document


def records() -> list[type[Document]]:
    """The record of each document that is not a file, once, and that of a failure."""
    own = dict.fromkeys(document for _, document in documents() if isinstance(document, type))
    return [*own, Failure]


def tables() -> str:
    """The commands with their documents, those without any, and the keys of all."""
    rows = [f"| `{NAME} {words}` | {_linked(document)} |" for words, document in documents()]
    without = [f"| `{NAME} {words}` | none: it {why} |" for words, why in WITHOUT.items()]
    return "\n".join(["| command | prints |", "|---|---|", *rows, *without, "", "## Keys", "", reference(*records())])


def _linked(document: type[Document] | FileDocument) -> str:
    if isinstance(document, FileDocument):
        return f"the {document.name} that it wrote ([keys]({document.page}))"
    return f"[{document.__name__}](#{document.__name__.lower()})"


def with_tables(page: str) -> str:
    """A page with the tables between its marks.

    Raises:
        ValueError: it has no such marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no place for the tables: expected a line {BEGIN!r} and one {END!r}")
    return f"{before}{BEGIN}\n{tables()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(PAGE)
