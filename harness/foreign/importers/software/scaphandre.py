"""Scaphandre's power out of Prometheus, as CSV -> a trace: watts of the host, or of each process.

Knows the columns `timestamp,value` and labels beside them. Seen: 300 files in watts (vladostp/an-experimental-
comparison-of-software-based-power-meters, CC BY-SA 4.0), exported with and without the label `instance`, and with the
labels `exe,pid` of processes, which are shares of the machine and refused. Scaphandre's metric is in microwatts, and
people divide it: values whose median is above `LARGEST_W` are taken as microwatts, and it is said. Stamps are those of
Prometheus' scrapes and name no zone; a value is the mean between Scaphandre's two last readings of RAPL before it.
"""

import numpy as np

from harness.foreign.importers.software.text import WALL, csv_table, require
from harness.foreign.importers.software.trace import SoftwareTrace, gauge, pivoted
from harness.foreign.importers.source import SourceFile
from harness.foreign.importers.text_table import times_of
from harness.record.errors import ImportFileError

NAME = "scaphandre"
WHAT = "columns timestamp,value and, where wanted, instance"
LARGEST_W = 2e5
"""No machine draws more."""
PER_WATT = 1e6


def read_scaphandre(source: SourceFile) -> SoftwareTrace:
    """The host's power in a file.

    Raises:
        ImportFileError: another file, one of processes or of several hosts, a damaged line; with file and line.
    """
    table, known, header = csv_table(source, ("timestamp", "value", "instance"), WHAT)
    require(source, known, ("value",), WHAT)
    if labels := [name for name in ("exe", "pid", "cmdline") if name in header]:
        raise ImportFileError(
            f"{source.path}:1: found the label {labels[0]!r}: these are powers of processes, which are shares of the "
            "machine; export scaph_host_power_microwatts"
        )
    instances = sorted(set(table.cells[known["instance"]])) if "instance" in known else []
    if len(instances) > 1:
        raise ImportFileError(
            f"{source.path}: found {len(instances)} hosts ({instances[0]!r:.60}, ...); export each by itself"
        )
    times_ns = times_of(table, table.cells[known["timestamp"]], [WALL])
    power_w = table.numbers_of(known["value"])
    told = power_w[np.isfinite(power_w)]
    micro = told.size > 0 and float(np.median(told)) > LARGEST_W
    column = "host_power_w" if instances else "power_w"
    _, times, values, notes = pivoted(
        source, times_ns, [column] * times_ns.size, power_w / PER_WATT if micro else power_w
    )
    notes += ["values are taken as microwatts, Scaphandre's own unit"] if micro else []
    notes += [str(remark) for remark in table.remarks]
    method = "Scaphandre's exporter, scraped by Prometheus: mean between its two last readings of RAPL"
    return SoftwareTrace(NAME, [gauge(column, "power", method)], times, values, tuple(notes), "local")
