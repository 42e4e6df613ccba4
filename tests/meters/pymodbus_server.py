"""A Modbus server nobody here wrote (pymodbus), as a process of its own: PORT KIND, with the registers of one meter.

Run by tests/meters/test_modbus_peers.py. PORT is a tty (RTU) or a TCP port number. The values stand here in the meter's
own registers, as integers or IEEE 754 numbers that pymodbus encodes.
"""

from __future__ import annotations

import asyncio
import sys

from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

NO_BITS = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
NO_REGISTERS = [SimData(0, values=[0], datatype=DataType.REGISTERS)]

# Word by word as in the frame 17:12:14 of tests/data/wire/pzem004t-v3-frames.txt, which is real.
PZEM_INPUT = [
    SimData(0, values=[0x097D, 0x350D, 0, 0x7899, 0, 0x1F59, 0, 0x01F4, 0x5E, 0], datatype=DataType.REGISTERS)
]
PZEM_HOLDING = [SimData(1, values=[23000, 1], datatype=DataType.REGISTERS)]


def floats(values: dict[int, float], first: int, last: int) -> list[SimData]:
    """One float for each pair of registers, 0 where none is given."""
    numbers = [values.get(at, 0.0) for at in range(first, last, 2)]
    return [SimData(first, values=numbers, datatype=DataType.FLOAT32)]


# nmakel/sdm_modbus issue #27: what a real SDM120 said, decoded.
SDM_INPUT = floats(
    {0x00: 235.1, 0x06: 1.617, 0x0C: 170.5, 0x12: 380.1, 0x1E: 0.4485, 0x46: 49.98, 0x48: 1138.664}, 0x00, 0x60
)


def sdm_holding(code: int) -> list[SimData]:
    return [
        SimData(0x14, values=1.0, datatype=DataType.FLOAT32),
        SimData(0xFC00, values=19_000_042, datatype=DataType.UINT32),
        SimData(0xFC02, values=[code, 0x0114], datatype=DataType.REGISTERS),
    ]


UMG_HOLDING = floats(
    {19000: 231.5, 19012: 0.42, 19020: 83.25, 19026: 101.5, 19028: 97.25, 19034: 120.5, 19050: 50.02, 19068: 123456.0},
    19000,
    19120,
)

METERS = {
    "pzem": (PZEM_HOLDING, PZEM_INPUT),
    "sdm120": (sdm_holding(32), SDM_INPUT),
    "sdm230": (sdm_holding(43), SDM_INPUT),
    "umg604": (UMG_HOLDING, NO_REGISTERS),
}


async def serve(port: str, kind: str) -> None:
    holding, inputs = METERS[kind]
    device = SimDevice(1, simdata=(NO_BITS, NO_BITS, holding, inputs))
    server = (
        ModbusTcpServer(device, address=("127.0.0.1", int(port)))
        if port.isdigit()
        else ModbusSerialServer(device, port=port, baudrate=9600)
    )
    await server.serve_forever(background=True)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
