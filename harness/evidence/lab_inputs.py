"""lab.toml and the campaign file as a run kept them: what they say together of the run's SUT.

Knows both inputs and which SUT the start document says. Knows no journal, and judges no setting.
"""

import json
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from harness.measure import environments
from harness.measure.joined import Joined, joined, of_room, twice
from harness.measure.lab_file import with_defaults
from harness.record.documents import Json, dump, load_object, table_of
from harness.record.errors import ConfigError, DocumentError
from harness.record.plain_files import read_plain
from harness.record.run_folder import RunFolder
from harness.station.suts import TABLE as SUTS
from harness.station.suts import names_of, tables_of
from reports.study.fractions import rows_of

LAB, CAMPAIGN = "lab.toml", "campaign.toml"
REMEMBERED = 32
"""Inputs that are kept parsed: most runs of a campaign have the same."""


def written(run: RunFolder) -> Json:
    """What both files say of the run's SUT, as one file would; empty where neither can be read."""
    return _written(*_kept(run))


def resolved(run: RunFolder) -> Json | None:
    """The same with the defaults of this version; None where this version cannot read it."""
    return _resolved(*_kept(run))


def place_of(run: RunFolder, path: str) -> str:
    """The input in which a TOML path stands, for a message."""
    lab, campaign, _, name = _kept(run)
    second = Path("inputs", CAMPAIGN) if campaign else None
    return str(Joined(Path("inputs", LAB), parsed(lab), second, _asked(campaign, name)).file_of(path))


def problems(run: RunFolder) -> Iterator[str]:
    """A SUT that the files do not have, or not for this campaign; what stands in both files; what of the room stands in
    the campaign's, which no plan accepts."""
    lab, campaign, sut, name = _kept(run)
    raw, asked = parsed(lab), _asked(campaign, name)
    if raw and sut not in (names_of(raw) if SUTS in raw else [""]):
        yield f"{run.path.name}: campaign.sut is {sut!r:.40} in its start document, inputs/{LAB} has no such SUT"
    declared = table_of(joined(raw, asked).get("campaign")).get("sut", "")
    if SUTS in raw and declared not in ("", sut):
        where = place_of(run, "campaign.sut")
        yield f"{run.path.name}: campaign.sut is {sut!r:.40} in its start document, {declared!r:.40} in {where}"
    for place in twice(raw, asked):
        yield f"{run.path.name}: {place} is in inputs/{LAB} and in inputs/{CAMPAIGN}"
    for place in of_room(asked):
        yield f"{run.path.name}: {place} is in inputs/{CAMPAIGN}: it is of the room, which stands in lab.toml only"


def text_of(run: RunFolder, name: str) -> str:
    """The text of an input; empty where it is none, or is not there."""
    try:
        return read_plain(run.path / "inputs" / name).decode()
    except (OSError, UnicodeDecodeError):
        return ""


@lru_cache(maxsize=REMEMBERED)
def parsed(content: str) -> Json:
    """An input, parsed: TOML, or, of a command of the operator's own, the JSON that lab.toml's table became; empty
    where it is neither. What stands in it is not to be changed: other runs share it."""
    try:
        return load_object(content, "an input") if content.startswith("{") else tomllib.loads(content)
    except (DocumentError, ValueError, RecursionError):
        return {}


def _kept(run: RunFolder) -> tuple[str, str, str, str]:
    """Both files (the campaign's empty where there is none), the SUT's name (empty: the only one), the campaign's."""
    campaign = table_of(run.start.config.get("campaign"))
    return text_of(run, LAB), text_of(run, CAMPAIGN), str(campaign.get("sut", "")), str(campaign.get("name", ""))


@lru_cache(maxsize=REMEMBERED)
def _asked(campaign: str, name: str) -> Json:
    """The campaign's tables; of a study those of the environment whose campaign is called so."""
    raw = parsed(campaign)
    if environments.TABLE not in raw:
        return raw
    try:
        return environments.tables_of(raw, environments.environment_of(raw, name), rows_of)
    except ConfigError:  # a fraction that no study could have
        return {}


@lru_cache(maxsize=REMEMBERED)
def _written(lab: str, campaign: str, sut: str, name: str) -> Json:
    return tables_of(joined(parsed(lab), _asked(campaign, name)), sut)


@lru_cache(maxsize=REMEMBERED)
def _resolved(lab: str, campaign: str, sut: str, name: str) -> Json | None:
    try:
        return json.loads(dump(with_defaults(_written(lab, campaign, sut, name))))  # type: ignore[no-any-return]
    except (ConfigError, ValueError, TypeError):
        return None
