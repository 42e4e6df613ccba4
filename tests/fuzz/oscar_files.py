"""Valid OSCAR measurements, drawn: power, actions and hardware in their forms.

Knows how such files look. Knows no mutation.
"""

import re
from datetime import UTC, datetime
from random import Random

from tests.fuzz.foreign import (
    Files,
)

POWER, ACTIONS, HARDWARE, TOML = "sus-power.csv", "sus-actions.csv", "sus-hardware.csv", "oscar.toml"
ROLES = (POWER, ACTIONS, HARDWARE)
BEGIN_S = 1_706_184_000
"""2024-01-25 12:00:00 of the wall clock."""
LEAD_S, RUN_S, PAUSE_S = 12, 20, 15
COLLECTL = ("[CPU]Totl%", "[MEM]Used", "[DSK]ReadKBTot", "[DSK]WriteKBTot", "[NET]RxKBTot", "[NET]TxKBTot")
OTHERS = ("[CPU]User%", "[CPU]L-Avg1", "[MEM]Tot", "[DSK]ReadTot", "[NET]RxPktTot", "[DSK]KbTot")
TYPE = re.compile(r"(start|stop)(Testrun|Action)")


def drawn(random: Random) -> Files:
    """A valid measurement of one scenario, each file in one of its forms."""
    runs = random.randint(1, 3)
    seconds = 2 * LEAD_S + runs * RUN_S + (runs - 1) * PAUSE_S
    offset_h = random.choice([0, 1, 2])
    files = {POWER: power(random, seconds, offset_h), ACTIONS: actions(random, runs)}
    text = f'[scenarios.sus]\npower = "{POWER}"\nactions = "{ACTIONS}"\nutc_offset_h = {offset_h}\n'
    if random.random() < 0.8:
        files[HARDWARE] = hardware(random, seconds, offset_h)
        text += f'hardware = "{HARDWARE}"\n'
    return files | {TOML: text.encode()}


def power(random: Random, seconds: int, offset_h: int) -> bytes:
    """A power file of one of the forms, one row a second."""
    form = random.choice(["gridvis", "kecolab", "handbook", "mobile", "gude"])
    level_w, digits = random.uniform(9, 400), 0 if form == "gude" else 3
    watts = [round(level_w + random.uniform(0, 60), digits) for _ in range(seconds)]
    rows = []
    for number, value in enumerate(watts, 1):
        at = datetime.fromtimestamp(BEGIN_S + number - 1, UTC)
        day_first, plain = f"{at:%d.%m.%y, %H:%M:%S}", f"{value:.{digits}f}"
        comma = plain.replace(".", ",")
        rows.append(
            {
                "gridvis": f"{number};{day_first};{comma};{comma};{comma};\n",
                "kecolab": f"{number};{day_first};{plain};\n",
                "handbook": f"{number};{day_first};{comma}\n",
                "mobile": f"{at:%Y-%m-%d %H:%M:%S}.{random.randint(0, 200_000):06d}; {plain}\n",
                "gude": f"{BEGIN_S + number - 1 - offset_h * 3600}{random.randint(0, 200_000):06d} {plain}\n",
            }[form]
        )
    head = {
        "gridvis": "Wert 1 : Wirkleistung [UMG604]\nNummer;Zeit;Wert 1-avg[W];Wert 1-min[W];Wert 1-max[W];\n",
        "kecolab": "Zeit;Wert 1-avg[W];\n", "handbook": ";Zeit;Wert 1-avg[W]\n", "mobile": "Zeit;Wert 1-avg[W]\n",
        "gude": "",
    }[form]  # fmt: skip
    return (head + "".join(rows)).encode()


def actions(random: Random, runs: int) -> bytes:
    """An action log of one of the forms."""
    form, iterations = random.choice(["usual", "handbook"]), random.choice(["", "before", "behind"])
    lines = []
    for run in range(runs):
        begin_s = BEGIN_S + LEAD_S + run * (RUN_S + PAUSE_S)
        marks = [(0.0, "startTestrun", "")]
        for k in range(random.randint(0, 3)):
            marks += [(2 + 5 * k, "startAction", f"step {k}"), (4 + 5 * k, "stopAction", "")]
        marks.append((RUN_S, "stopTestrun", ""))
        for after_s, kind, name in marks:
            milli = random.randint(0, 999) if kind.endswith("Action") else 0
            at = datetime.fromtimestamp(begin_s + after_s, UTC)
            stamp = f"{at:%Y-%m-%d %H:%M:%S}" + (f".{milli}" if milli else "")
            if form == "handbook":
                cells = [stamp, "", name] if kind == "startAction" else [stamp, kind, ""]
                cells = [] if kind == "stopAction" else cells
            else:
                cells = [stamp, kind] + ([name] if name else [])
            if cells:
                cells = [f"iteration {run + 1}", *cells] if iterations == "before" else cells
                cells = [*cells, *[""] * (3 - len(cells)), f"iteration {run + 1}"] if iterations == "behind" else cells
                lines.append(";".join(cells) + "\n")
    return "".join(lines).encode()


def hardware(random: Random, seconds: int, offset_h: int) -> bytes:
    """collectl's plot format, or KEcoLab's conversion of it."""
    separator, form = random.choice([";", " ", ",", "\t"]), random.choice(["plot", "millis", "utc", "converted"])
    separator = ";" if form == "converted" else separator
    names = random.sample([*COLLECTL, *OTHERS], 12)
    head = {"utc": ["#UTC"], "converted": ["Date Time"]}.get(form, ["#Date", "Time"])
    rows = [separator.join([*head, *names])]
    for second in range(seconds):
        at = datetime.fromtimestamp(BEGIN_S + second, UTC)
        stamp = {
            "plot": f"{at:%Y%m%d}{separator}{at:%H:%M:%S}", "millis": f"{at:%Y%m%d}{separator}{at:%H:%M:%S}.004",
            "utc": f"{BEGIN_S + second - offset_h * 3600}", "converted": f"{at:%d.%m.%Y %H:%M:%S}",
        }[form]  # fmt: skip
        rows.append(separator.join([stamp, *(str(random.randint(0, 5000)) for _ in names)]))
    first = "waiting for 1 second sample...\n" if form != "converted" and random.random() < 0.5 else ""
    return (first + "\n".join(rows) + "\n").encode()
