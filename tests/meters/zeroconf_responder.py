"""An mDNS responder nobody here wrote (python-zeroconf), as a process of its own: ADDRESS, then JSON lines of services,
each a list of type, instance, port and TXT record."""

import json
import socket
import sys
import time

from zeroconf import ServiceInfo, Zeroconf


def main() -> None:
    """Announce what stands on standard input, say `up`, answer until the process is ended."""
    responder = Zeroconf(interfaces=[sys.argv[1]])
    for line in sys.stdin:
        kind, instance, port, texts = json.loads(line)
        info = ServiceInfo(
            f"{kind}.local.", f"{instance}.{kind}.local.", addresses=[socket.inet_aton(sys.argv[1])], port=port,
            properties=texts, server=f"host{port}.local.",
        )  # fmt: skip
        responder.registry.async_add(info)
    print("up", flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
