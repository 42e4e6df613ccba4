"""PowerAPI's CSV of power reports -> a trace: watts of each socket's package and memory.

Knows the columns `timestamp,target,power,scope,socket` (with a counter before them and others behind, as pandas and
PowerAPI's CSV output write them). Seen: 324 files of PowerAPI 2022 (vladostp/an-experimental-comparison-of-software-
based-power-meters, CC BY-SA 4.0). `target` rapl is what RAPL itself says; `global` is what PowerAPI's formula makes of
it; any other target is a process or container, which is a share of the machine and no meter of it: left out and said.
Stamps name no zone. A value is the mean since the report before.
"""

import numpy as np

from harness.foreign.importers.software.text import WALL, csv_table, require, word
from harness.foreign.importers.software.trace import SoftwareTrace, gauge, pivoted
from harness.foreign.importers.source import SourceFile
from harness.foreign.importers.text_table import times_of

NAME = "powerapi"
WHAT = "PowerAPI's columns timestamp,target,power,scope,socket"
SCOPES = {"cpu": "package", "dram": "dram"}
MACHINE = ("rapl", "global")


def read_powerapi(source: SourceFile) -> SoftwareTrace:
    """The machine's targets of a file.

    Raises:
        ImportFileError: another file, a damaged line (with file and line), no row of the machine.
    """
    table, known, _ = csv_table(source, ("timestamp", "target", "power", "scope", "socket"), WHAT)
    require(source, known, ("target", "power", "scope", "socket"), WHAT)
    times_ns = times_of(table, table.cells[known["timestamp"]], [WALL])
    power_w = table.numbers_of(known["power"])
    targets, scopes, sockets = (table.cells[known[name]] for name in ("target", "scope", "socket"))
    own = np.array([target in MACHINE for target in targets])
    keys = [
        f"{'' if target == 'rapl' else 'global_'}{SCOPES.get(scope, word(scope))}_{word(socket)}_power_w"
        for target, scope, socket, is_own in zip(targets, scopes, sockets, own.tolist(), strict=True)
        if is_own
    ]
    names, times, values, notes = pivoted(source, times_ns[own], keys, power_w[own])
    others = sorted(set(targets) - set(MACHINE))
    notes += [f"{len(others)} targets are processes or containers; they are left out"] if others else []
    columns = [gauge(name, f"power of {_part(name)}", "PowerAPI: mean since the report before") for name in names]
    notes += [str(remark) for remark in table.remarks]
    return SoftwareTrace(NAME, columns, times, values, tuple(notes), "local")


def _part(name: str) -> str:
    part = name.removesuffix("_power_w").replace("_", " ")
    return f"{part.removeprefix('global ')}, by PowerAPI's formula" if part.startswith("global ") else f"{part}, RAPL"
