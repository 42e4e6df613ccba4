"""lab.toml and a campaign file as one: their tables, and in which of the two each place stands.

Knows which tables and keys are the campaign's, and that a key stands in one file. Knows no value.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.record.documents import Json, table_of

OF_LAB = ("customer", "operator")
"""Keys of [lab] that may differ between the campaigns of a station."""
CAMPAIGN_TABLES = (
    "campaign", "baseline", "warm_up", "scenarios", "thresholds", "decision", "analysis", "qualification",
)  # fmt: skip
ROOM = ("sut", "suts", "meters", "supply", "ambient", "seal", "witness")
CAMPAIGN_FILES = ("*.toml", "campaigns/*.toml")
"""Where campaign files are looked for when none is named, below the folder of lab.toml."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The tables of both files; without a campaign file (`campaign_path` None) those of lab.toml."""

    path: Path
    lab: Json
    campaign_path: Path | None
    campaign: Json

    @property
    def raw(self) -> Json:
        """As one file would have them; of what stands in both, as lab.toml has it."""
        return joined(self.lab, self.campaign)

    def file_of(self, place: str) -> Path:
        """The file in which a TOML path stands, or has to stand."""
        table, _, rest = place.partition(".")
        if self.campaign_path is None or _has(self.lab, table, rest):
            return self.path
        is_of_campaign = table in CAMPAIGN_TABLES or _has(self.campaign, table, rest)
        return self.campaign_path if is_of_campaign else self.path

    def base_of(self, place: str) -> Path:
        """The file that a path is relative to: the one in which it stands, lab.toml where it is left to its default."""
        table, _, rest = place.partition(".")
        return self.file_of(place) if _has(self.campaign, table, rest) else self.path

    def mistakes(self) -> Iterator[str]:
        """What stands in both files, and what of the room stands in the campaign's."""
        for place in twice(self.lab, self.campaign):
            whole = " (a campaign in lab.toml itself moves into a file of its own: [campaign], [baseline], [scenarios])"
            yield (
                f"{self.path}: {place}: stands in {self.campaign_path} too; a key stands in one of the two files: "
                f"take it out of the other{whole if place == 'campaign.name' else ''}"
            )
        for place in of_room(self.campaign):
            yield (
                f"{self.campaign_path}: {place}: what stands in the room stands in lab.toml ({self.path}); a campaign "
                f"file has {', '.join(f'[{table}]' for table in CAMPAIGN_TABLES)} and, of [lab], "
                f"{' and '.join(OF_LAB)}"
            )


def joined(lab: Mapping[str, Any], campaign: Mapping[str, Any]) -> Json:
    """The tables of both files as one file would have them: each table has the keys that it has in either;
    what is of the room is lab.toml's alone."""
    own = {key: value for key, value in campaign.items() if key not in ROOM}
    both = {
        key: {**own[key], **lab[key]}
        for key in own.keys() & lab.keys()
        if isinstance(own[key], dict) and isinstance(lab[key], dict)
    }
    return {**own, **lab, **both}


def twice(lab: Mapping[str, Any], campaign: Mapping[str, Any]) -> list[str]:
    """TOML paths that stand in both: tables of tables by their names, other tables by their keys."""
    places = []
    for table in (key for key in campaign if key in lab and key not in ("schema", *ROOM)):
        one, other = lab[table], campaign[table]
        if isinstance(one, dict) and isinstance(other, dict):
            places += [f"{table}.{key}" for key in other if key in one]
        else:
            places.append(table)
    return places


def of_room(campaign: Mapping[str, Any]) -> list[str]:
    """TOML paths of a campaign file that stand in lab.toml only: tables of the room, other keys of [lab]."""
    room = [table for table in campaign if table in ROOM]
    return [*room, *(f"lab.{key}" for key in table_of(campaign.get("lab")) if key not in OF_LAB)]


def campaign_files(path: Path) -> list[Path]:
    """Files beside lab.toml that look like a campaign's, for a message."""
    found = [file for pattern in CAMPAIGN_FILES for file in sorted(path.parent.glob(pattern)) if file != path]
    return [file for file in found if file.is_file() and "[campaign]" in file.read_text(errors="replace")]


def _has(raw: Json, table: str, rest: str) -> bool:
    """Whether a table stands there, and in it the key, or the name, that the rest of a TOML path begins with."""
    if not rest or not isinstance(raw.get(table), dict):
        return table in raw
    return any(f"{rest}.".startswith((f"{key}.", f"{key}[")) for key in raw[table])
