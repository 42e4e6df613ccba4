"""Derived documents: how any of them is verified.

Knows what a `Derived` says of a kind of document, and no kind. Knows no key and no number.

A document names its inputs by digest. Computed again of the same inputs it is the same, by the rules of the version
that wrote it, and its pages are the same when they are rendered again: a forged value, digest or page is a difference,
and is told with its place. Checks do not mask each other: what can still be compared is compared.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from harness.evidence.changes import precedes
from harness.evidence.derived import CheckOrNote, Derived, Inputs, NotRecomputed, Recomputed
from harness.evidence.rendered import compared
from harness.record.documents import VERSION, Json, load_object
from harness.record.errors import DocumentError, LabError, why
from harness.record.plain_files import read_plain
from harness.record.verify import Check, verify_sealed
from reports.inference.r_session import NoR
from reports.results.codec import document_text
from reports.results.rules import Rule, as_before

PAGE = "report"
"""The check of a page."""
FORGED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, TemplateError)
"""What a document that is well-formed and means nonsense raises in analysis and pages: a failed check, not a bug."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Every check, and sentences on what they prove and what not."""

    checks: list[Check]
    notes: list[str]

    @property
    def failed(self) -> list[Check]:
        """The checks that do not hold."""
        return [check for check in self.checks if not check.passed]


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found of a document, and the document recomputed (None: nobody knows of what)."""

    checks: list[Check]
    notes: list[str]
    computed: Recomputed | None


def verify_document(kind: Derived[Any, Any], folder: Path) -> Outcome:
    """Every check of a sealed folder with a derived document; nothing is written, no link is followed."""
    verified = check_document(kind, folder)
    unsigned = f"Nothing proves who made this {kind.title}: it is not signed."
    return Outcome([*verify_sealed(folder), *verified.checks], [*verified.notes, unsigned])


def check_document(kind: Derived[Inputs, Any], folder: Path, inputs: Inputs | None = None) -> Verified:
    """A document against what its inputs give, its pages against what is rendered of it now, its inputs against the
    digests that it names. `inputs`, where they are known already."""
    written, unread = _written(kind, folder)
    try:
        known = kind.inputs(folder, written) if inputs is None else inputs
        computed = recomputed(kind, written, known)
    except (OSError, LabError, *FORGED) as error:
        return Verified([unread or _not_recomputed(kind, error)], [], None)
    results: list[CheckOrNote] = []
    is_there, is_computed = True, True
    try:
        results += [unread] if unread else judged(kind, written, computed, known)
    except (NotRecomputed, NoR) as error:
        is_there, is_computed = not isinstance(error, NotRecomputed), False
        results.append(f"{kind.name} was not recomputed: {error}")
    except (OSError, LabError, *FORGED) as error:
        is_computed = False
        results.append(_not_recomputed(kind, error))
    results += _pages_checked(kind, folder, known)
    results += _inputs_checked(kind, written, known) if is_there else []
    checks, notes = (
        [item for item in results if isinstance(item, Check)],
        [item for item in results if isinstance(item, str)],
    )
    return Verified(checks, notes, computed if is_computed else None)


def _written(kind: Derived[Any, Any], folder: Path) -> tuple[Json, Check | None]:
    """The file's content; empty where it cannot be read, with the failed check."""
    try:
        return load_object(read_plain(folder / kind.subject), kind.subject), None
    except (OSError, DocumentError) as error:
        remedy = f"; `wattlab {kind.verb}` writes it" if kind.folder else ""
        return {}, Check(kind.subject, kind.checks[0], False, f"cannot be read ({why(error)}){remedy}")


def _writer(kind: Derived[Inputs, Any], written: Json, inputs: Inputs) -> str:
    return kind.writer(written, inputs) if written else VERSION


def _not_recomputed(kind: Derived[Any, Any], error: Exception) -> Check:
    detail = f"cannot be recomputed ({type(error).__name__}: {error})"
    return Check(kind.subject, kind.checks[0], False, detail)


def recomputed(kind: Derived[Inputs, Any], written: Json, inputs: Inputs) -> Recomputed:
    """The document as its inputs give it; computed when it is asked for."""

    def by(rules: Collection[Rule]) -> Json:
        with as_before(rules):
            text = document_text(kind.compute(inputs))
        computed: Json = json.loads(text)
        return computed

    return Recomputed(by, _writer(kind, written, inputs), kind.within(written) if written else frozenset())


def judged(kind: Derived[Inputs, Any], written: Json, computed: Recomputed, inputs: Inputs) -> list[CheckOrNote]:
    """What the kind says of its document; that of a newer wattlab is not judged."""
    if precedes(VERSION, computed.writer):
        detail = f"computed by wattlab {computed.writer}, this is {VERSION}: verify it with that version or a later one"
        return [Check(kind.subject, kind.checks[0], False, detail)]
    return list(kind.judge(kind, written, computed, inputs))


def _pages_checked(kind: Derived[Inputs, Any], folder: Path, inputs: Inputs) -> Iterator[CheckOrNote]:
    """Every page that a sealed folder has to hold; of a campaign's, which may be removed, those that are there."""
    for name in kind.pages:
        if not kind.folder or (folder / kind.path(name)).exists():
            yield check_page(kind, folder, name, inputs)
        elif name not in kind.on_request:
            yield f"There is no {kind.path(name)} beside {kind.subject}."


def check_page(kind: Derived[Inputs, Any], folder: Path, name: str, inputs: Inputs) -> Check:
    """A page against one rendered now from the document as it is written, which other checks judge."""
    subject = kind.path(name)
    try:
        page, text = (read_plain(folder / kind.path(file)).decode() for file in (name, kind.name))
        written = load_object(text, kind.name)

        def rendered() -> str:
            return kind.pages[name](kind.read(written), text, inputs)

        return Check(subject, PAGE, *compared(page, _writer(kind, written, inputs), kind.name, rendered))
    except (OSError, LabError, *FORGED) as error:
        return Check(subject, PAGE, False, f"cannot be compared ({type(error).__name__}: {error})")


def _inputs_checked(kind: Derived[Inputs, Any], written: Json, inputs: Inputs) -> Iterator[CheckOrNote]:
    """Each input by its digest, and what else the kind says of them."""
    try:
        if kind.input_check:
            document = kind.read(written)
            named, present = kind.digests(document), kind.digests_now(document, inputs)
            for name in {**named, **present}:
                then, now = named.get(name), present.get(name)
                detail = kind.input_words[then != now].format(now=now, then=then)
                yield Check(name, kind.input_check, then == now, detail)
        yield from kind.further(inputs)
    except (OSError, LabError, *FORGED) as error:
        detail = f"its inputs cannot be compared ({type(error).__name__}: {error})"
        yield Check(kind.subject, kind.input_check or kind.checks[0], False, detail)
