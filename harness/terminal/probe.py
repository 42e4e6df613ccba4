"""Whether a service is there: one question, in the open, before any load.

Knows HTTP by the standard library: nothing here is timed. Knows no task.
"""

import http.client
import socket
import ssl

from harness.record.errors import printable
from harness.terminal.endpoint import Endpoint

ASK_S = 5.0


def problem_of(endpoint: Endpoint, path: str) -> str | None:
    """Why a service is not there yet, in words; None: it is. An empty `path`: it is when it listens."""
    try:
        if not path:
            socket.create_connection((endpoint.host, endpoint.port), ASK_S).close()
            return None
        kind = http.client.HTTPSConnection if endpoint.is_tls else http.client.HTTPConnection
        connection = kind(endpoint.host, endpoint.port, timeout=ASK_S)
        try:
            connection.request("GET", path, headers={"User-Agent": "wattlab"})
            status = connection.getresponse().status
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ssl.SSLError) as error:
        return f"{endpoint.authority} does not answer ({printable(str(error)) or type(error).__name__})"
    return None if 200 <= status < 300 else f"{endpoint.authority}{path} answers {status}"
