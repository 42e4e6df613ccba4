"""Small OSCAR files of every form, as text; what they say is the same in all of them."""

import codecs
from collections.abc import Callable
from pathlib import Path

from harness.foreign.importers.oscar.actions import Actions, read_actions
from harness.foreign.importers.oscar.collectl import Hardware, read_collectl
from harness.foreign.importers.oscar.kinds import require_kind
from harness.foreign.importers.oscar.power import Power, read_power
from harness.foreign.importers.source import SourceFile

POWER_HEADER = "Wert 1 : Wirkleistung L2 (1s) [UMG604]\nNummer;Zeit;Wert 1-avg[W];Wert 1-min[W];Wert 1-max[W];\n"
HARDWARE_HEADER = "Date Time;[CPU]Totl%;[MEM]Used;[NET]RxKBTot;[NET]TxKBTot;[DSK]ReadKBTot;[DSK]WriteKBTot\n"
ACTIONS = "2024-1-25 12:00:05.5;startTestrun\n2024-1-25 12:00:15.27;stopTestrun\n"


def source(text: str | bytes, name: str = "x.csv") -> SourceFile:
    """A file with this text."""
    content = text.encode() if isinstance(text, str) else text
    return SourceFile(Path(name), content, content.removeprefix(codecs.BOM_UTF8))


def power_of(text: str | bytes) -> Power:
    """A power file as an import reads it."""
    require_kind(source(text), "power")
    return read_power(source(text))


def actions_of(text: str | bytes) -> Actions:
    """An actions file as an import reads it."""
    require_kind(source(text), "actions")
    return read_actions(source(text))


def hardware_of(text: str | bytes, renamed: dict[str, str] | None = None) -> Hardware:
    """A hardware file of collectl as an import reads it."""
    require_kind(source(text), "hardware", renamed)
    return read_collectl(source(text), renamed or {})


def power_text(rows: int = 25, value: Callable[[int], str] = lambda i: f"{10 + i},500") -> str:
    """GridVis."""
    lines = [f"{i + 1};25.01.24, 12:00:{i:02d};{value(i)};1,0;2,0;\n" for i in range(rows)]
    return POWER_HEADER + "".join(lines)


def hardware_text(rows: int = 25) -> str:
    """KEcoLab's converted form."""
    return HARDWARE_HEADER + "".join(f"25.01.2024 12:00:{i:02d};{i};2000;1;2;3;4\n" for i in range(rows))


def make_folder(folder: Path, **files: str) -> Path:
    """A scenario `app` of one run, files replaced or added by name."""
    content = {"app-power": power_text(), "app-actions": ACTIONS, "app-hardware": hardware_text()}
    for name, text in (content | {key.replace("_", "-"): value for key, value in files.items()}).items():
        (folder / f"{name}.csv").write_bytes(text.encode())
    return folder
