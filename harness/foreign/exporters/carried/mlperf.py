"""MLPerf Training's power logs of a campaign: result_N.txt and power/result_N/node_0.txt, as MLCommons' tools read
them.

Knows the keys of both logs. Knows no file on a disk.

The readings are those of the run, one a second, all circuits of the SUT summed by time, with no factor applied. Between
`run_start` and `run_stop` of the result log stands `wattlab_energy`, a key that MLPerf's rules do not know: the energy
by exact overlap in J, with label, U and digests in its metadata.
"""

import json
from collections.abc import Iterator

from harness.foreign.exporters.carried.account import Account
from harness.foreign.exporters.oscar.runs import second_rows, wall_ahead_ns
from harness.record.documents import Json
from reports.readings.series import RunSeries
from reports.results.run import RunResult

MS_NS = 1_000_000
WH_J = 3600.0


def logs_of(account: Account, run: RunResult, series: RunSeries, ordinal: int) -> dict[str, str]:
    """Path in the folder -> text, of one run."""
    assert series.begin_ns is not None
    assert series.end_ns is not None
    ahead_ns = wall_ahead_ns(series)
    times_ns, power_w = second_rows(series)
    rows = zip(((times_ns + ahead_ns) // MS_NS).tolist(), power_w.tolist(), strict=True)
    begin_ms, end_ms = (series.begin_ns + ahead_ns) // MS_NS, (series.end_ns + ahead_ns) // MS_NS
    result = [
        _line(begin_ms, "submission_benchmark", account.scenario),
        _line(begin_ms, "run_start", None),
        _line(end_ms, "wattlab_energy", *_energy(account, run)),
        _line(end_ms, "run_stop", None, {"status": "success"}),
    ]
    return {
        f"result_{ordinal}.txt": "".join(result),
        f"power/result_{ordinal}/node_0.txt": "".join(_power(account, list(rows))),
    }


def _power(account: Account, rows: list[tuple[int, float]]) -> Iterator[str]:
    told: Json = {"label": account.label, "results_json_sha256": account.results_sha256}
    kind = "DC" if any("-dc" in circuit for circuit in account.results.measurement.circuits) else "AC"
    yield _line(rows[0][0], "power_measurement_start", None, told)
    yield _line(rows[0][0], "conversion_eff", 1.0, {"measurement_type": kind})
    for time_ms, watts in rows:
        yield _line(time_ms, "power_reading", watts, {"host": "node_0", "label": account.label})
    yield _line(rows[-1][0], "power_measurement_stop", None)


def _energy(account: Account, run: RunResult) -> tuple[float | None, Json]:
    number = run.energy_wh
    expanded = None if number is None else number.expanded
    value = None if number is None else number.value * WH_J
    return value, {"unit": "J", "U": None if expanded is None else expanded * WH_J, **account.to_json()}


def _line(time_ms: int, key: str, value: object, metadata: Json | None = None) -> str:
    kind = {"start": "INTERVAL_START", "stop": "INTERVAL_END"}.get(key.rpartition("_")[2], "POINT_IN_TIME")
    told = {"namespace": "", "time_ms": time_ms, "event_type": kind, "key": key, "value": value}
    return f":::MLLOG {json.dumps(told | {'metadata': {'file': 'wattlab', 'lineno': 0} | (metadata or {})})}\n"
