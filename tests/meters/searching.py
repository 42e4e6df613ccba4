"""The search for meters on the interfaces of the network namespace it is started in: SECONDS COUNT DRIVER..., again and
again until COUNT are found (a minute at the most); prints what was found and the remarks as JSON."""

import json
import sys
import time
from dataclasses import asdict

from meters.discovery.search import interfaces, search


def main() -> None:
    """Search."""
    seconds, count, drivers = float(sys.argv[1]), int(sys.argv[2]), frozenset(sys.argv[3:])
    end_s = time.monotonic() + 60.0
    while True:
        findings = search(interfaces(), drivers, seconds, lambda _gone_s, _count: None)
        if len(findings.found) >= count or time.monotonic() > end_s:
            print(json.dumps(asdict(findings)))
            return


if __name__ == "__main__":
    main()
