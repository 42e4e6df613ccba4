"""Derived documents: what a kind of them is, and how any of them is written.

Knows of a document what its `Derived` says: its file, its inputs and their digests, how it is computed, how its pages
are rendered. Knows no number and none of the kinds (`kinds` lists them): another one is another `Derived`, which
`verifier` verifies like all others.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from harness.evidence.changes import Difference, moved_since, precedes, rules_of, unlike
from harness.record.campaign_folder import write_derived
from harness.record.documents import VERSION, Json, load_object
from harness.record.errors import LabError, RunFolderError
from harness.record.seal import require_absent, write_sealed
from harness.record.verify import Check
from reports.results.codec import document_text
from reports.results.rules import Rule

SHOWN = 5
"""Differences that a message names."""
Inputs = TypeVar("Inputs")
Document = TypeVar("Document")
Inputs_contra = TypeVar("Inputs_contra", contravariant=True)
Document_contra = TypeVar("Document_contra", contravariant=True)
CheckOrNote: TypeAlias = Check | str
"""A check, or a sentence on what was checked and what not."""
Digests: TypeAlias = Mapping[str, str | None]
"""Name of an input -> its digest; None where it has none (a run that was not sealed)."""


class NotRecomputed(LabError):
    """The inputs of a document are not there; the sentence says which, and where they were looked for."""


@dataclass(frozen=True)
class Recomputed:
    """A document as its inputs give it (decoded JSON), by the rules of any version; `writer`: the version that wrote
    it, `within`: what it lacks of the rules that this version got later. Computed when it is asked for, once."""

    by: Callable[[Collection[Rule]], Json]
    writer: str
    within: frozenset[Rule] = frozenset()

    @property
    def rules(self) -> frozenset[Rule]:
        """The rules of before that it was written by."""
        return rules_of(self.writer) | self.within

    @cached_property
    def now(self) -> Json:
        """By today's rules."""
        return self.by(())

    @cached_property
    def then(self) -> Json:
        """By the rules of its writer."""
        return self.by(self.rules) if self.rules else self.now

    @property
    def is_older(self) -> bool:
        """Whether an older version wrote it."""
        return precedes(self.writer, VERSION)


class Page(Protocol[Document_contra, Inputs_contra]):
    """Renders a page."""

    def __call__(self, document: Document_contra, text: str, inputs: Inputs_contra, /) -> str:
        """The page of a document, of its text, and of its inputs where it shows more of them than the document."""


class Judge(Protocol):
    """Holds a document as it is written against the recomputed one."""

    def __call__(
        self,
        kind: "Derived[Any, Any]",
        written: Json,
        computed: Recomputed,
        inputs: Any,  # noqa: ANN401  whatever a kind has
    ) -> Iterable[CheckOrNote]:
        """The checks, the first of them on its numbers, and sentences."""


def judge_numbers(
    kind: "Derived[Any, Any]",
    written: Json,
    computed: Recomputed,
    inputs: object,
    *,
    leaves_out: Callable[[Difference], bool] = lambda _: False,
) -> Iterator[CheckOrNote]:
    """Every value, by the rules of the version that wrote it, but for what the caller `leaves_out`; what today's rules
    make of it is a sentence."""
    differences = [difference for difference in unlike(written, computed.then) if not leaves_out(difference)]
    same = f"every number as wattlab {computed.writer} computes it from {kind.computed_from}"
    yield Check(kind.subject, kind.checks[0], not differences, "; ".join(map(str, differences[:SHOWN])) or same)
    if not differences and computed.rules:
        try:
            yield from moved_since(written, computed.now)
        except LabError as error:
            yield f'By today\'s rules ("Changes to results") it cannot be made: {error}'


def _nothing(_: object) -> Iterable[CheckOrNote]:
    return ()


def _no_rules(_: object) -> frozenset[Rule]:
    return frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived(Generic[Inputs, Document]):
    """A kind of derived document."""

    name: str
    """File of the document."""
    folder: str = ""
    """Where in a campaign it lies, and may be written anew at any time; empty: it lies in a folder of its own, which is
    sealed."""
    mark: str = ""
    """File that makes a sealed folder one of this kind; empty: the document."""
    verb: str
    """The verb of `wattlab` that writes it."""
    read: Callable[[Json], Document]
    """The record of the file's content. Raises DocumentError for what no version writes, and for a newer schema."""
    writer_key: str = "software"
    """Where it says which program computed it."""
    writer: Callable[[Json, Inputs], str]
    """The version that computed it, of the file's content."""
    within: Callable[[Json], frozenset[Rule]] = _no_rules
    """The rules of before by which a document of this version may be, of the file's content: it lacks what they
    brought."""
    inputs: Callable[[Path, Json], Inputs]
    """What it was computed from, found again: of the folder that it lies in, and of its content where that says it."""
    digests: Callable[[Document], Digests]
    """The digests of its inputs that it names."""
    digests_now: Callable[[Document, Inputs], Digests]
    """The same, as these inputs are now."""
    input_check: str = "input"
    """The check of each of these digests; empty where another check compares more of the inputs than a digest."""
    input_words: tuple[str, str] = ("as when it was read", "its digest is {now}, the document names {then}")
    """What that check says of a digest that is the same, and of one that is not."""
    compute: Callable[[Inputs], Document]
    """The document. Raises NotRecomputed where inputs are not there, LabError where they do not fit together."""
    computed_from: str
    """In words."""
    pages: Mapping[str, Page[Document, Inputs]]
    """File of each page, and how it is rendered."""
    on_request: frozenset[str] = frozenset()
    """Pages that are written only where they are asked for."""
    checks: tuple[str, ...]
    """Names of its checks, that of the numbers first."""
    judge: Judge = judge_numbers
    further: Callable[[Inputs], Iterable[CheckOrNote]] = _nothing
    """What else can be said of the inputs, where they are there."""

    @property
    def title(self) -> str:
        """What it is called in sentences, as its first check."""
        return self.checks[0]

    @property
    def subject(self) -> str:
        """The document, as checks and sentences call it."""
        return self.path(self.name)

    def path(self, name: str) -> str:
        """A file of it, seen from the folder that is verified."""
        return f"{self.folder}/{name}" if self.folder else name

    def is_begun(self, folder: Path) -> bool:
        """Whether the document or a page of it is there."""
        return any((folder / self.path(name)).exists() for name in (self.name, *self.pages))

    def is_in(self, folder: Path) -> bool:
        """Whether a folder is one of this kind, which is sealed."""
        return not self.folder and (folder / (self.mark or self.name)).exists()


def write(
    kind: Derived[Inputs, Document],
    inputs: Inputs,
    into: Path,
    *,
    asked_for: Collection[str] = (),
    files: Mapping[str, str | bytes] | None = None,
) -> Path:
    """Compute a document of `inputs` and write it, with its pages (of those on request, what is `asked_for`) and with
    the `files` that are to be sealed beside it; return its path. Nothing is written before all of it is rendered; each
    file of a campaign, and a sealed folder as a whole, is there whole or not at all.

    Raises:
        LabError: it cannot be computed, its inputs changed meanwhile, or the disk refuses.
    """
    if not kind.folder:
        require_absent(into)
    document = kind.compute(inputs)
    text = document_text(document)
    # What is shown is what is written: pages are rendered of the document as it is read back.
    reread = kind.read(load_object(text, kind.name))
    _require_inputs(kind, reread, inputs)
    names = [name for name in kind.pages if name in asked_for or name not in kind.on_request]
    pages = {name: kind.pages[name](reread, text, inputs) for name in names}
    content: dict[str, str | bytes] = {**(files or {}), kind.name: text, **pages}
    if not kind.folder:
        return write_sealed(into, content) / kind.name
    for name, part in content.items():
        write_derived(into, name, part)
    return into / kind.subject


def _require_inputs(kind: Derived[Inputs, Document], document: Document, inputs: Inputs) -> None:
    """A document names what it is computed from, and that is still as it was.

    Raises:
        RunFolderError: an input changed while it was read.
    """
    named, present = kind.digests(document), kind.digests_now(document, inputs)
    assert named, f"{kind.name} names no input"
    if changed := [name for name in {**named, **present} if named.get(name) != present.get(name)]:
        raise RunFolderError(
            f"{kind.name}: {', '.join(changed[:SHOWN])} changed while it was read; nothing was written. Give the "
            "command again when nothing writes there"
        )
