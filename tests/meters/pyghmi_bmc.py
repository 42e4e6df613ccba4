"""A BMC nobody here wrote (pyghmi), as a process of its own: PORT PASSWORD HEX..., DCMI power readings in turn."""

from __future__ import annotations

import itertools
import sys
import uuid

from pyghmi.ipmi.bmc import Bmc


class PowerBmc(Bmc):  # type: ignore[misc]
    """What pyghmi has, and DCMI's power reading, which it leaves to those who use it."""

    answers = itertools.cycle([bytes.fromhex(text) for text in sys.argv[3:]])

    def handle_raw_request(self, request: dict[str, object], session: object) -> None:
        if (request["netfn"], request["command"]) == (0x2C, 0x02):
            session.send_ipmi_response(data=list(next(self.answers)))  # type: ignore[attr-defined]
        else:
            super().handle_raw_request(request, session)


if __name__ == "__main__":
    known = uuid.UUID("00010203-0405-0607-0809-0a0b0c0d0e0f")
    bmc = PowerBmc({"admin": sys.argv[2]}, port=int(sys.argv[1]), bmcuuid=known, address="127.0.0.1")
    print("ready", flush=True)
    bmc.listen(0.5)
