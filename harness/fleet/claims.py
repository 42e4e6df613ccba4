"""Which campaign of a fleet has which folder and which name: each belongs to one.

Knows what stations say of their campaigns. Knows no connection.
"""

from harness.record.documents import Json


class Claims:
    """What was claimed so far; `archive` is where the campaigns meet, empty: nowhere."""

    def __init__(self, archive: str) -> None:
        self._archive = archive
        self._folders: dict[tuple[str, str], str] = {}
        self._names: dict[str, tuple[str, str]] = {}

    def refusal(self, station: str, file: str, agenda: Json) -> str | None:
        """Why a campaign of a station cannot be measured beside one that was claimed before; None: it can, and has its
        folder and its name from now on."""
        folder, name = agenda["folder"], agenda["name"]
        first = self._folders.setdefault((station, folder), file)
        if first != file:
            return (
                f"its folder is {folder}, as that of {first}; name it once, or give one of them another campaign.name"
            )
        place, other = self._names.setdefault(name, (station, file))
        if not self._archive or (place, other) == (station, file):
            return None
        return (
            f"its folder is called {name} as one of {place}, and an archive has one of a name; give one of them "
            "another campaign.name, or the SUT a name ([suts.NAME])"
        )
