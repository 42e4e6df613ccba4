"""What the runs of a campaign say alike, kept in memory once: configuration, machines, columns of streams.

Knows that documents hold decoded JSON, which nobody changes. Knows no field by its meaning.
"""

import marshal
from collections import OrderedDict
from dataclasses import fields, replace
from typing import Any, TypeVar

from harness.record.documents import IndicatorDescriptor, PowerDescriptor, Start
from harness.record.run_folder import RunFolder

REMEMBERED = 16
"""Values of one field: as many scenarios may stand between two runs that are alike."""
BYTES_FOR_BYTES = 2
"""The form of marshal in which equal values, and no others, are written alike."""
Holder = TypeVar("Holder", Start, PowerDescriptor, IndicatorDescriptor)


class Alike:
    """Values that were seen last, by field."""

    def __init__(self) -> None:
        self._known: dict[tuple[type, str], OrderedDict[bytes, Any]] = {}

    def run(self, run: RunFolder) -> RunFolder:
        """The same run, whose start document and descriptors share what others said before."""
        power, indicators = tuple(map(self._shared, run.power)), tuple(map(self._shared, run.indicators))
        return replace(run, start=self._shared(run.start), power=power, indicators=indicators)

    def _shared(self, document: Holder) -> Holder:
        values = {spec.name: getattr(document, spec.name) for spec in fields(document)}
        shared = {
            name: self._value(type(document), name, value)
            for name, value in values.items() if isinstance(value, dict | list)
        }  # fmt: skip
        return replace(document, **shared)

    def _value(self, kind: type, name: str, value: Any) -> Any:  # noqa: ANN401  JSON is anything
        known = self._known.setdefault((kind, name), OrderedDict())
        try:
            written = marshal.dumps(value, BYTES_FOR_BYTES)
        except ValueError:  # too deep
            return value
        known.move_to_end(written) if written in known else known.setdefault(written, value)
        if len(known) > REMEMBERED:
            known.popitem(last=False)
        return known[written]
