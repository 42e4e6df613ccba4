"""What is asked and answered inside the seal, as Tapo and newer Kasa plugs have it, and as older Kasa firmware has it.

Knows: `get_device_info`, `get_child_device_list`, the three methods that tell a power, the sockets of a strip by
`control_child`; Kasa's own questions are those of `meters.kasa`. Does not know: anything that switches or sets, seals,
wires.

One word, two units: `current_power` is in mW in `get_energy_usage` and in whole watts in `get_current_power`.
`get_emeter_data` says mW, mV and mA. The registers (`today_energy`, `month_energy`) begin again at local midnight, and
`energy_wh` is in answers of real plugs neither of them: no register is read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from meters.json_reply import Node, parse_json
from meters.meter import MeterGarbage
from meters.polled_http import Field, Value, decode_value
from meters.reading import Identity

INFO, CHILDREN, CHILD, SEVERAL = "get_device_info", "get_child_device_list", "control_child", "multipleRequest"
MOST_SOCKETS: Final = 16
ERRORS: Final[Mapping[int, str]] = {
    -1002: "it does not know the method", -1003: "it does not read this", -1008: "wrong parameters",
    -1501: "wrong account", 1003: "it speaks another protocol", 9999: "the session is over",
}  # fmt: skip
"""Codes as python-kasa and the crate tapo name them."""


@dataclass(frozen=True, slots=True)
class Source:
    """A method that tells a power, and what of its result is read."""

    method: str
    fields: tuple[Field, ...]


SOURCES: Final = (
    Source(
        "get_emeter_data",
        (
            Field("power_w", ("power_mw",), "W", -1e9, 1e9, factor=1e-3),
            Field("voltage_v", ("voltage_mv",), "V", 0.0, 1e6, factor=1e-3),
            Field("current_a", ("current_ma",), "A", 0.0, 1e6, factor=1e-3),
        ),
    ),
    Source("get_energy_usage", (Field("power_w", ("current_power",), "W", -1e9, 1e9, factor=1e-3),)),
    Source("get_current_power", (Field("power_w", ("current_power",), "W", -1e6, 1e6),)),
)
"""Best first: the first that a plug has is read."""


def encode_question(method: str, socket: str = "") -> bytes:
    """Return the question `method`, of a strip to the socket with that number."""
    if not socket:
        return _encode({"method": method, "params": {"start_index": 0} if method == CHILDREN else None})
    inner = {"method": SEVERAL, "params": {"requests": [{"method": method, "params": None}]}}
    return _encode({"method": CHILD, "params": {"device_id": socket, "requestData": inner}})


def _encode(question: Mapping[str, object]) -> bytes:
    return json.dumps(question, separators=(",", ":")).encode()


def decode_result(data: bytes, socket: str = "") -> Node:
    """Return the result in an answer; raises `MeterGarbage`, also for an error of the plug's."""
    result = _result(parse_json(data))
    if not socket:
        return result
    responses = _result(result.member("responseData")).member("responses").items()
    if len(responses) != 1:
        raise MeterGarbage(f"{result.path}: found {len(responses)} responses, expected one")
    return _result(responses[0])


def _result(node: Node) -> Node:
    error = node.get("error_code")
    code = 0 if error is None else error.whole(-(10**6), 10**6)
    if code:
        words = f" ({ERRORS[code]})" if code in ERRORS else ""
        raise MeterGarbage(f"{node.path}: found the error {code}{words}, expected none")
    return node.member("result")


def decode_identity(data: bytes) -> Identity:
    """Return who is there; raises `MeterGarbage`."""
    info = decode_result(data)
    model, mac, firmware = (info.member(name).text() for name in ("model", "mac", "fw_ver"))
    return Identity("TP-Link", model, mac, firmware)


def decode_sockets(data: bytes) -> tuple[str, ...]:
    """Return the numbers of a strip's sockets, in their order; raises `MeterGarbage`."""
    sockets = decode_result(data).member("child_device_list").items()
    if len(sockets) > MOST_SOCKETS:
        raise MeterGarbage(f"found {len(sockets)} sockets, expected at most {MOST_SOCKETS}")
    return tuple(socket.member("device_id").text() for socket in sockets)


def decode_values(data: bytes, source: Source, socket: str = "") -> dict[str, Value]:
    """Return the values of an answer to a source's method by quantity; raises `MeterGarbage`."""
    result = decode_result(data, socket)
    values = {}
    for field in source.fields:
        node = result.get(field.names[0])
        if node is not None:
            values[field.quantity] = decode_value(node, field)
    if "power_w" not in values:
        raise MeterGarbage(f"{result.path}: found no {source.fields[0].names[0]!r}, expected the power in it")
    return values
