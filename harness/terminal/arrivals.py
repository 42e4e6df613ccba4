"""When requests of a load shape are due: constant, Poisson, or as recorded.

Knows rates and recorded times. Knows no clock, no task and no answer: what is open does not wait for any.
"""

import csv
import io
import random
from collections.abc import Iterator, Sequence

from harness.record.errors import ConfigError
from harness.record.population import LoadShape
from harness.terminal.draws import stream_seed

MOST_ARRIVALS = 50_000_000


def arrivals_ns(load: LoadShape, seed: int, before_ns: int, trace_ns: Sequence[int]) -> Iterator[int]:
    """Due times in ns from the begin of the rating interval, rising; the load begins `before_ns` earlier."""
    if load.shape == "trace":
        yield from (time_ns for time_ns in trace_ns if time_ns >= -before_ns)
    elif load.shape == "constant":
        number = 0
        while True:
            # Of the number, so that no error adds up.
            yield round(number * 1e9 / load.rate_per_s) - before_ns
            number += 1
    else:
        dice, time_s = random.Random(stream_seed(seed, "arrivals")), 0.0
        while True:
            time_s += dice.expovariate(load.rate_per_s)
            yield round(time_s * 1e9) - before_ns


def read_trace(content: bytes, where: str) -> list[int]:
    """The recorded arrivals of a CSV file in ns from the begin of the rating interval; `where` begins each error.

    Raises:
        ConfigError: no column time_s, a time that is none or lies before the one above it, too many, with the line.
    """
    try:
        rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        header = next(rows, [])
        if "time_s" not in header:
            raise ConfigError(f"{where}:1: found the columns {', '.join(header):.200}, expected time_s among them")
        column, times_ns = header.index("time_s"), list[int]()
        for row in rows:
            if not row:
                continue
            text = row[column] if column < len(row) else ""
            time_ns = _ns(text)
            if time_ns is None:
                raise ConfigError(f"{where}:{rows.line_num}: found {text!r:.40} as time_s, expected seconds")
            if times_ns and time_ns < times_ns[-1]:
                raise ConfigError(f"{where}:{rows.line_num}: time_s is before that of the line above; sort the file")
            times_ns.append(time_ns)
            if len(times_ns) > MOST_ARRIVALS:
                raise ConfigError(f"{where}: more than {MOST_ARRIVALS} arrivals; take a part of them")
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{where}: no CSV file in UTF-8 ({error})") from None
    if not times_ns:
        raise ConfigError(f"{where}: no arrivals in it")
    return times_ns


def _ns(text: str) -> int | None:
    try:
        time_s = float(text)
    except ValueError:
        return None
    return round(time_s * 1e9) if abs(time_s) < 1e7 else None
