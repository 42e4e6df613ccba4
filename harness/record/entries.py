"""The entries of a campaign's logs as frozen records: what each type has, and what its fields are.

Knows the forms of campaign.jsonl, annotations.jsonl and receipts.jsonl (docs/run-folder.md). Knows no chain and no
files. What a record does not know stands in `raw`, so that an entry of an older or newer edition loses nothing. What an
older edition did not write has the default that says so.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, Literal, TypeVar, get_type_hints

from harness.record.documents import ExitStatus, Json, matches


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What every entry has: its number, when it was written, and all that stands in its line. By itself it is one that
    no record fits: of an unknown type, or with a field that is missing or of another form."""

    TYPE: ClassVar[str] = ""
    seq: int
    utc: str
    raw: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Header(Entry):
    """The first: what campaign it is, by which configuration (None: an import)."""

    TYPE = "campaign"
    schema: int
    name: str
    uid: str = ""
    seed: int | None = None
    design: str = ""
    customer: str = ""
    software: Json | None = None
    config: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Entry):
    """A stage of the plan: its runs, by which rule a second one may follow, how it was sized."""

    TYPE = "plan"
    runs: list[Json]
    stage: str | None = None
    rule: Json | None = None
    sizes: Json | None = None
    evidence: Json | None = None
    duration_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight(Entry):
    """What was found before a start."""

    TYPE = "preflight"
    reasons: list[Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBegin(Entry):
    """An attempt at a run was begun."""

    TYPE = "run-begin"
    ordinal: int
    folder: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStart(Entry):
    """Its start document is on disk; `start` is the digest of that line."""

    TYPE = "run-start"
    ordinal: int
    folder: str
    start: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd(Entry):
    """It ended, and was sealed; without a manifest nothing is left of it."""

    TYPE = "run-end"
    ordinal: int
    folder: str
    exit_status: ExitStatus
    reason: str | None
    manifest: str | None
    signature: str | None = None
    lost: Literal["gone", "empty"] | None = None
    unsigned: str | None = None
    thrown_out: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion(Entry):
    """What a trial of a search is run with, before it is begun. `told`: how many trials of its search had given a
    number then; `cpu_s`, `duration_s`: what it took on the host; `software`: package -> version that computed it."""

    TYPE = "suggestion"
    ordinal: int
    values: Json
    told: int
    cpu_s: float
    duration_s: float
    software: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered(Entry):
    """What a trial of a search gave, by the sealed run that counts; without a value the reason says why."""

    TYPE = "registered"
    ordinal: int
    folder: str
    value: float | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment(Entry):
    """A file of the campaign beside its runs. What belongs to its note (`tracker`) stands in `raw`."""

    TYPE = "attachment"
    path: str
    sha256: str
    note: str

    @property
    def top(self) -> str:
        """The first part of its path: what of the campaign's folder it lies in."""
        return self.path.split("/")[0]

    @property
    def run(self) -> str:
        """The run folder that it is said to belong to."""
        return str(self.raw.get("run"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation(Entry):
    """A note of the operator, of a run or of the campaign; `exclude` says why the run is taken out."""

    TYPE = "annotation"
    operator: str
    run: str | None
    text: str
    exclude: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Entry):
    """What a witness answered to the head that entry `of` of the log made: a line of its own log."""

    TYPE = "receipt"
    of: int
    head: str
    line: str
    signature: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timestamp(Entry):
    """What a time-stamping authority answered to it."""

    TYPE = "timestamp"
    of: int
    head: str
    stamp: str
    authority: str
    token: str


Forms = Mapping[str, type[Entry]]
"""Type of an entry -> its record."""
IN_LOG: Forms = {
    cls.TYPE: cls for cls in (Header, Plan, Preflight, Suggestion, RunBegin, RunStart, RunEnd, Registered, Attachment)
}
IN_ANNOTATIONS: Forms = {Annotation.TYPE: Annotation}
IN_RECEIPTS: Forms = {cls.TYPE: cls for cls in (Receipt, Timestamp)}
WITNESSED = (RunBegin, RunEnd)
"""Entries of campaign.jsonl whose heads a witness is told."""
RECEIPT_OF: Mapping[str, type[Receipt] | type[Timestamp]] = {"ssh": Receipt, "rfc3161": Timestamp}
"""Kind of witness, as a key of [witness] in lab.toml -> its entries."""
Kind = TypeVar("Kind", bound=Entry)


def of(kind: type[Kind], entries: Iterable[Entry]) -> list[Kind]:
    """The entries of one type, in their order."""
    return [entry for entry in entries if isinstance(entry, kind)]


def header_of(entries: Iterable[Entry]) -> Header | None:
    """The entry that says what campaign it is."""
    return next((entry for entry in entries if isinstance(entry, Header)), None)


_COMMON = {f.name for f in fields(Entry)}
_HINTS: Mapping[type[Entry], Mapping[str, Any]] = {
    cls: {name: hint for name, hint in get_type_hints(cls).items() if name not in _COMMON | {"TYPE"}}
    for forms in (IN_LOG, IN_ANNOTATIONS, IN_RECEIPTS)
    for cls in forms.values()
}
"""A type of entry -> its own fields, beside those that every one has, and their types."""
_REQUIRED: Mapping[type[Entry], frozenset[str]] = {
    cls: frozenset(f.name for f in fields(cls) if f.default is MISSING and f.name in hints)
    for cls, hints in _HINTS.items()
}
"""A type of entry -> those of them that it never lacks."""


def entry_of(raw: Json, forms: Forms) -> Entry:
    """A line's object as the record that it fits, else as a plain `Entry`."""
    cls = forms.get(str(raw.get("type")))
    seq, utc = raw.get("seq"), raw.get("utc")
    common: dict[str, Any] = {"seq": seq if type(seq) is int else 0, "utc": str(utc or ""), "raw": raw}
    if cls is None or not _REQUIRED[cls] <= raw.keys() or next(misfits(raw, cls), None) is not None:
        return Entry(**common)
    return cls(**common, **{name: raw[name] for name in _HINTS[cls] if name in raw})


def lacking(raw: Json, cls: type[Entry]) -> list[str]:
    """Fields that every entry of the type has, and this one does not."""
    return sorted(_REQUIRED[cls] - raw.keys())


def misfits(raw: Json, cls: type[Entry]) -> Iterator[tuple[str, object, Any]]:
    """Fields that are not of their form: name, value, the type that it should have."""
    for name, hint in _HINTS[cls].items():
        if name in raw and not matches(raw[name], hint):
            yield name, raw[name], hint
