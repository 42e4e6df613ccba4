"""Where a service listens."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Host, port, and whether TLS is spoken there."""

    host: str
    port: int
    is_tls: bool = False

    @property
    def authority(self) -> str:
        """host:port, as a URL and the Host header have it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"
