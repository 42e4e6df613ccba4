"""MLCommons LoadGen on the same service, as an independent generator: `python -m tests.terminal.loadgen PORT SCENARIO
RATE COUNT FOLDER [PATH]` makes a Server (Poisson) or SingleStream load; LoadGen's own log, with its trace of when each
query was due and issued, lies in FOLDER."""

import queue
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import mlperf_loadgen

WORKERS = 16
LENGTH = b"Content-Length: "


class Service:
    """Asks the service for each sample, by workers that each keep a connection."""

    def __init__(self, port: int, path: str) -> None:
        self._asked: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._port = port
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        for _ in range(WORKERS):
            threading.Thread(target=self._work, daemon=True).start()

    def issue(self, samples: Sequence[mlperf_loadgen.QuerySample]) -> None:
        """LoadGen's call: these are due."""
        for sample in samples:
            self._asked.put(sample.id)

    def _work(self) -> None:
        with socket.create_connection(("127.0.0.1", self._port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                number = self._asked.get()
                connection.sendall(self._request)
                self._answer(connection)
                mlperf_loadgen.QuerySamplesComplete([mlperf_loadgen.QuerySampleResponse(number, 0, 0)])

    @staticmethod
    def _answer(connection: socket.socket) -> None:
        head, found, body = connection.recv(1 << 16).partition(b"\r\n\r\n")
        assert found, head
        length = int(head.partition(LENGTH)[2].split(b"\r\n")[0])
        while len(body) < length:
            body += connection.recv(1 << 16)


def load(port: int, scenario: str, rate_per_s: float, count: int, folder: Path, path: str) -> None:
    """Make the load of so many queries."""
    settings = mlperf_loadgen.TestSettings()
    settings.scenario = getattr(mlperf_loadgen.TestScenario, scenario)
    settings.mode = mlperf_loadgen.TestMode.PerformanceOnly
    settings.server_target_qps = rate_per_s
    settings.min_query_count = settings.max_query_count = count
    settings.min_duration_ms = 0
    settings.schedule_rng_seed = 1
    output = mlperf_loadgen.LogOutputSettings()
    output.outdir, output.copy_summary_to_stdout = str(folder), False
    logs = mlperf_loadgen.LogSettings()
    logs.log_output, logs.enable_trace = output, True
    service = mlperf_loadgen.ConstructSUT(Service(port, path).issue, lambda: None)
    samples = mlperf_loadgen.ConstructQSL(1, 1, lambda _: None, lambda _: None)
    mlperf_loadgen.StartTestWithLogSettings(service, samples, settings, logs)
    mlperf_loadgen.DestroyQSL(samples)
    mlperf_loadgen.DestroySUT(service)


if __name__ == "__main__":
    asked, where = sys.argv[1:5], Path(sys.argv[5])
    load(int(asked[0]), asked[1], float(asked[2]), int(asked[3]), where, (sys.argv[6:] or ["/"])[0])
