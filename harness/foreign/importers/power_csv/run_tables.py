"""Tables that trackers write, a row a run -> what they are, and where they belong.

Knows the headers of trackers' files. Knows no rows: such a table is no record of power, whatever its columns say.
"""

from collections.abc import Collection
from pathlib import Path
from shlex import quote

from harness.record.errors import ImportFileError

CODECARBON = frozenset({"timestamp", "duration", "emissions", "energy_consumed"})
ECO2AI = frozenset({"start_time", "duration(s)", "power_consumption(kwh)"})


def require_readings(path: Path, line: int, names: Collection[str]) -> None:
    """Raises ImportFileError of a table in which a row is the total of a run and no reading."""
    header = {name.lower() for name in names}
    if header >= CODECARBON:
        raise ImportFileError(
            f"{path}:{line}: CodeCarbon's emissions.csv: a row is the total of a run or a task, no reading of power; "
            f"attach it to the campaign of a meter with `wattlab import tracker {quote(str(path))} --campaign FOLDER`"
        )
    if header >= ECO2AI:
        raise ImportFileError(
            f"{path}:{line}: eco2AI's table of runs: a row is the energy of a run, no reading of power; name it in "
            '[events] beside the CSV of a meter: begin = "start_time", duration = "duration(s)", and in '
            '[events.tracker] name = "project_name", energy = "power_consumption(kWh)", unit = "kWh"'
        )
