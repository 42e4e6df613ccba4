"""What a station says of itself: records that travel as plain JSON. Knows nothing else."""

from dataclasses import dataclass

from harness.record.documents import Json

OTHER_VERSION = "it speaks as another wattlab; bring both up to date"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterStanding:
    """A meter of a station."""

    name: str
    """In lab.toml."""
    driver: str
    """Its kind."""
    circuit: str
    """What it measures."""
    instrument: str | None
    """Its name in the register; null: not known."""
    certificate: str | None
    """Number of the certificate in force; null: none."""
    expires: str | None
    """When that expires."""
    check_load: str | None
    """When it was last tried with a check load (UTC); null: never."""
    passed: bool | None
    """Whether the check load fitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunUnderway:
    """What a station measures now."""

    campaign: str
    """The campaign file, as the fleet file names it."""
    folder: str
    """The campaign's folder at the station."""
    run: str
    """The run in words; empty between two runs."""
    attempt: int | None
    """Which attempt at it; null between two runs."""
    run_left_s: float | None
    """About how long the run still takes; null where nothing tells."""
    done: int
    """Planned runs of the campaign that are made."""
    planned: int
    """Planned runs of the campaign."""
    left_s: float
    """About how long the campaign still takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StationReport:
    """A station as it stands."""

    station: str
    """Its name."""
    lab: str
    """Its lab.toml."""
    machine: str
    """The name of its host."""
    software: str
    """Version of its wattlab."""
    certificate_until: str | None
    """When its certificate of the fleet expires; null: its connection is open."""
    meters: tuple[MeterStanding, ...]
    """Its meters."""
    refused: str | None
    """Why it measures nothing; null: it does."""
    underway: RunUnderway | None
    """What it measures now; null: nothing."""
    handing_in: str | None = None
    """The folder of the campaign that it adds to the archive now; null: none."""

    is_understood: bool = True
    """Whether the wattlab that asked understands it; false: it has another version, and only `refused` is known."""

    @classmethod
    def from_json(cls, raw: Json, station: str) -> "StationReport":
        """As the station of that name sent it."""
        try:
            meters = tuple(MeterStanding(**one) for one in raw["meters"])
            underway = None if raw["underway"] is None else RunUnderway(**raw["underway"])
            return cls(**raw | {"meters": meters, "underway": underway})
        except (KeyError, TypeError):
            return cls(
                station=station, lab="", machine="", software=str(raw.get("software", "")), certificate_until=None,
                meters=(), refused=OTHER_VERSION, underway=None,
                is_understood=False,
            )  # fmt: skip
