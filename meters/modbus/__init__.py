"""Modbus meters: check sum, RTU and TCP frames, the dialogue, and the drivers pzem, sdm120, sdm230 and umg604.

Knows: the frames of functions 3 and 4 and of exceptions; that RTU numbers no questions, how a reply is found among
stray bytes, and when the line must rest. Sources: Modbus over Serial Line V1.02, Modbus Messaging on TCP/IP V1.0b.
Does not know: what registers mean (`meters.register_maps`).
Functions 3 and 4 are all it can send: not 6 and 16 (settings), not a PZEM's 0x41 (calibration) and 0x42 (energy reset).
No test proves: parity and framing errors, the turnaround of an RS-485 adapter, the latency of a USB adapter, the speed
a UMG 604 is delivered with. A PZEM and a UMG 604 are not asked for a serial number: the one has none, where the other
keeps it could not be confirmed.
"""
