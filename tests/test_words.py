"""Sentences of docs/ that nobody reads to their end. Run as a program it lists those of more than 35 words."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [*sorted(DOCS.glob("*.md")), *sorted((DOCS / "tutorials").glob("*.md"))]
AIM, MOST = 35, 40
"""Words: what a page is written for, and what no page goes beyond. Tables and code are no sentences."""
NOT_SENTENCES = re.compile(r"<!--.*?-->|```.*?```|`[^`]*`|\]\([^)]*\)", re.DOTALL)
ITEM = re.compile(r"[-*+]\s")
NUMBERED = re.compile(r"\d+\.\s")
END = re.compile(r"(?<=[.!?:])[)*_\"']*\s+")


def sentences(text: str) -> Iterator[str]:
    """Of paragraphs and items of lists; `x` stands for code."""
    plain = NOT_SENTENCES.sub(lambda found: "\n\n" if found[0].startswith(("<!--", "```")) else " x ", text)
    block, in_list = list[str](), False
    for line in [*map(str.strip, plain.splitlines()), ""]:
        is_numbered = bool(NUMBERED.match(line)) and (in_list or not block)
        if not line or line.startswith(("|", "#")) or is_numbered or ITEM.match(line):
            yield from filter(None, END.split(" ".join(block)))
            block, in_list = [], is_numbered
        if line and not line.startswith(("|", "#")):
            block.append(line)


def words(sentence: str) -> int:
    return len(re.findall(r"[A-Za-z0-9%'.-]+", sentence))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_sentence_goes_on_and_on(page: Path) -> None:
    assert [sentence for sentence in sentences(page.read_text()) if words(sentence) > MOST] == []


def test_a_long_sentence_is_found() -> None:
    long = " ".join(["word"] * 50)
    text = f"Short.\n\n1. {long}.\n| {long} |\n```\n{long}\n```\n"
    assert max(words(one) for one in sentences(text)) == 50


if __name__ == "__main__":
    found = [(page.name, one) for page in PAGES for one in sentences(page.read_text()) if words(one) > AIM]
    for name, one in found:
        print(f"{name} [{words(one)}]: {one}")
    sys.exit(bool(found))
