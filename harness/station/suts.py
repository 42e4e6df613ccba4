"""The systems under test of a station: one, [sut], or several, a table [suts.NAME] each, and which meters feed which.

Knows these tables as they are written in lab.toml (decoded TOML), and what contradicts itself in them. A campaign
measures one SUT: `tables_of` is the file as if it declared that one alone, which is what a campaign records and what
`wattlab verify` makes of the file that a run kept. Knows no campaign.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.record.documents import Json, table_of
from harness.record.errors import ConfigError
from harness.station.station import SUT_CIRCUIT, MeterSection, SutSection
from meters.options import did_you_mean

TABLE = "suts"
"""Of lab.toml, where it declares several."""
ALONE = "sut"
"""The table of the only SUT, and the name that it goes by."""
OWN = ("supply", "ambient")
"""Tables of one of several SUTs that stand in place of the lab's."""
INLET = SutSection(host="", python="").circuits
"""The circuits of a SUT that names none."""


def names_of(raw: Mapping[str, Any]) -> list[str]:
    """The SUTs that lab.toml declares; the only one goes by `ALONE`."""
    return list(table_of(raw.get(TABLE))) or [ALONE]


def tables_of(raw: Mapping[str, Any], name: str) -> Json:
    """The tables of lab.toml, and of a campaign file joined to it, as they hold for one SUT: [sut] is it, [meters] are
    those that feed it, [supply] and [ambient] its own where it has them, `campaign.sut` its name. Of a station with one
    SUT they are as they are written."""
    campaign = table_of(raw.get("campaign"))
    if TABLE not in raw:
        is_named = campaign.get("sut") == ALONE
        return {**raw, "campaign": {key: campaign[key] for key in campaign if key != "sut"}} if is_named else dict(raw)
    suts, meters = table_of(raw.get(TABLE)), table_of(raw.get("meters"))
    chosen = table_of(suts.get(name))
    circuits = {sut: _circuits(table_of(table)) for sut, table in suts.items()}
    fed = {
        meter: table for meter, table in meters.items()
        if _meant(table_of(table).get("sut", ""), table_of(table).get("circuit", SUT_CIRCUIT), circuits) == [name]
    }  # fmt: skip
    return {
        **{key: value for key, value in raw.items() if key != TABLE},
        **{key: chosen[key] for key in OWN if key in chosen},
        "sut": {key: value for key, value in chosen.items() if key not in OWN},
        "meters": fed,
        "campaign": campaign | {"sut": name},
    }


def choose(path: Path, names: Sequence[str], by_option: str | None, by_campaign: str) -> str | None:
    """The SUT that is meant by `--sut` (None: not given) and `campaign.sut` (empty: not set); None where several are
    declared and none is named.

    Raises:
        ConfigError: there is no such SUT, or the two differ.
    """
    if by_option is not None and by_option not in names:
        raise ConfigError(f"{path}: --sut: no SUT {by_option!r} here; {did_you_mean(by_option, names)}")
    if by_option is not None and by_campaign and by_option != by_campaign:
        raise ConfigError(
            f"--sut {by_option}: the campaign is one of {by_campaign} (campaign.sut); leave --sut out, or take the "
            "line out of the campaign, which then may be measured on every SUT"
        )
    named = by_option or by_campaign
    return named or (names[0] if len(names) == 1 else None)


def of_choice(where: str, names: Sequence[str], by_campaign: str) -> Iterator[str]:
    """A campaign is of a SUT that there is."""
    if by_campaign and by_campaign not in names:
        yield f"{where}: no SUT {by_campaign!r} here; {did_you_mean(by_campaign, names)}"


def of_both(path: Path, raw: Mapping[str, Any]) -> Iterator[str]:
    """One SUT or several, not both; several are at least one."""
    if TABLE in raw and ALONE in raw:
        yield (
            f"{path}: sut: stands beside [suts.NAME]; one SUT is the table [sut], of several each is a table "
            "[suts.NAME]: move it there"
        )
    if raw.get(TABLE) == {}:
        yield f"{path}: suts: at least one is needed, a table [suts.NAME]"


def of_feeding(
    where: str, section: MeterSection, circuits: Mapping[str, Sequence[str]], *, several: bool
) -> Iterator[str]:
    """It is known which SUT a meter feeds. `circuits`: SUT -> what it names as its circuits."""
    if section.sut and section.sut not in circuits:
        yield f"{where}.sut: no SUT {section.sut!r} here; {did_you_mean(section.sut, circuits)}"
        return
    meant = _meant(section.sut, section.circuit, circuits)
    if several and len(meant) > 1:
        on_it = [name for name in meant if section.circuit in circuits[name]]
        how = f"are all on its circuit {section.circuit!r}" if on_it else f"have no circuit {section.circuit!r}"
        yield (
            f"{where}.sut: missing; the SUTs {', '.join(meant)} {how}: say which of them it is recorded with, such as "
            f'sut = "{meant[0]}"'
        )


def _meant(sut: object, circuit: object, circuits: Mapping[str, Sequence[object]]) -> list[str]:
    """The SUTs that a meter may feed: the one that it names, else those on its circuit, else any."""
    if sut:
        return [str(sut)]
    return [name for name, own in circuits.items() if circuit in own] or list(circuits)


def _circuits(table: Mapping[str, Any]) -> list[object]:
    own = table.get("circuits", INLET)
    return list(own) if isinstance(own, list) else []
