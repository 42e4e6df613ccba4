"""What a comparison rests on: what its sides have in common, what was pooled, which campaigns were read, and how.

Knows the record of a comparison. Knows no result of it.
"""

import shlex

from reports.pages.blocks import Block, Facts, Head, Paragraph, Row, Table
from reports.pages.comparison.words import VERDICTS, percent
from reports.pages.lookup import words
from reports.pages.numbers import quantity
from reports.results.comparison import ComparedSet, Comparison, Key, Margin, NamedPart

LONG_KEYS = 12
"""A longer list of what is the same is folded."""


def command_of(document: Comparison) -> str:
    """What computes the comparison again, where the campaigns lie."""
    options = document.options
    labels = options.labels or ("",) * len(document.sides)
    sides = [
        (f"{label}=" if label else "") + ",".join(map(_named, side))
        for side, label in zip(document.sides, labels, strict=True)
    ]
    extra = [f"--test {options.test}"] if options.test != "welch" else []
    if options.margin:
        extra.append(f"--margin {_margin(options.margin)}")
    if options.differs:
        extra.append(f"--differs {','.join(options.differs)}")
    if options.timeliness:
        extra.append(
            f"--timeliness {','.join(f'{limit_s:g}s:{percent(share)}' for limit_s, share in options.timeliness)}"
        )
    return " ".join(["wattlab compare", *map(shlex.quote, sides), *extra])


def _named(part: NamedPart) -> str:
    return part.folder + (f":{part.scenario}" if part.scenario else "")


def _margin(margin: Margin) -> str:
    return percent(margin.value) if margin.relative else f"{margin.value}Wh"


def joined_table(of_set: ComparedSet, anchor: str) -> Table | None:
    """The campaigns that were joined, beside each other."""
    rows = tuple(
        Row((f"{pair.second} against {pair.first}", words(pair.quantity), quantity(pair.difference),
             VERDICTS[pair.verdict]))
        for side in of_set.sides for pair in side.pooled
    )  # fmt: skip
    if not rows:
        return None
    texts = ("Joined campaigns", "Quantity", "Difference", "Shown")
    heads = tuple(Head(text, numeric=place == 2) for place, text in enumerate(texts))
    note = "Pooled runs count as runs of one population: where their campaigns differ, the pooled U is too small."
    return Table(f"{anchor}-pools", "What was pooled", heads, rows, note)


def key_tables(of_set: ComparedSet, anchor: str) -> list[Block]:
    """What differs between the sides, and what is the same."""
    heads = (Head("Key", numeric=False, keep=True), Head("Kind", numeric=False),
             *(Head(side.label, numeric=False) for side in of_set.sides), Head("", numeric=False))  # fmt: skip
    differing = tuple(_key_row(key) for key in of_set.keys if key.differs)
    same = tuple(_key_row(key) for key in of_set.keys if not key.differs)
    blocks: list[Block] = []
    if differing:
        note = "What differs beside the thing that is compared may be the cause of a difference."
        blocks.append(Table(f"{anchor}-differing", "What differs between the sides", heads, differing, note))
    else:
        blocks.append(
            Paragraph("Everything that both sides recorded of work, machine, software and instrument is the same.")
        )
    if same:
        caption = "What is the same, or recorded by one side only"
        blocks.append(Table(f"{anchor}-same", caption, heads, same, folded=len(same) > LONG_KEYS))
    return blocks


def _key_row(key: Key) -> Row:
    values = ("not recorded" if value is None else value for value in key.values)
    word = "what is compared" if key.declared and key.differs else "differs" if key.differs else ""
    return Row((key.name, key.kind, *values, word))


def evidence(document: Comparison) -> list[Block]:
    """The campaigns by uid, log and manifests, the program, and the command."""
    software = document.software
    state = ", with uncommitted changes" if software.dirty else ""
    items = [
        (f"Campaign {campaign.name} (folder {campaign.folder})",
         f"uid {campaign.uid or 'none'}, head of its log {campaign.chain_head}")
        for campaign in document.inputs
    ]  # fmt: skip
    items.append(("Compared with", f"wattlab {software.version}, commit {software.commit or ''}{state}"))
    items.append(("Again", command_of(document)))
    rows = tuple(
        Row((campaign.folder, run, digest or "not sealed"))
        for campaign in document.inputs
        for run, digest in campaign.runs.items()
    )
    heads = tuple(Head(text, numeric=False) for text in ("Campaign", "Run", "SHA-256 of its manifest"))
    return [Facts("Inputs", tuple(items)), Table("manifests", "Every run of the campaigns", heads, rows, folded=True)]
