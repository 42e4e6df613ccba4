"""Microchip MCP39F511N, the two-outlet demonstration board ADM00706: registers asked for over USB-serial.

Knows: frames and registers (data sheet DS20005473B), scaling, what must never be sent. Does not know: who reads,
other meters, the single-channel MCP39F511/511A, whose registers lie elsewhere: it is recognised and refused.

Request `A5 <length> <commands> <sum8>`, reply `06 <length> <data, little-endian> <sum8>`, `15` not understood, `51`
checksum of the request wrong. One read of 0x02 brings status, V, f, PF, I and P of both outlets out of one window.
A reply names neither its question nor its place, and sum8 does not see a 00 too many: reads of 28 and 32 bytes take
turns, so that a reply that comes one question late has the wrong length.

The driver reads. All it can write, and only where the lab asks for it, is the accumulation interval N (register 0xA8,
forgotten when the chip loses power). A window is 2^N line cycles; it is known from N and the line frequency of the
same frame. A frame that equals the one before within its window is `stale`. The age of a value when it is asked for
lies between 0 and one window; half a window stands as latency.

Power LSB: 10 mW at power range 19, halved by each step down (a range is a number of right shifts): 1.25 mW at 16 and
1.22 uW at 6, as green-metrics-tool's client has it at these two. V and I are known at their ranges 18 and 12 alone;
other ranges are refused. P above V * I says that a scale is not what it seems: no reading.

No independent peer can be installed for the tests; by hand, a client in C and one in Python that nobody here wrote read
the emulated chip (tests/meters/test_emulated_mcp39f511n.py). What nothing here proves, because no captured reply with
data exists in public (hardware must settle it):
- The sign of power. Two sources contradict each other: bits 0 and 1 of the status word, set where negative (option
  `sign_bits` "0-3"), or bits 4 and 6, cleared where negative (comments in jkairys/MCP39F511N after the data sheet;
  "4-7"; the single-channel chip has them in 4 and 5). A status word that has any of bits 4 to 7 set under "0-3", or
  none of them under "4-7" beside a power, is refused with the advice to set the other: nothing is guessed.
- The energy registers. What one count is worth is not settled: green-metrics-tool halves it and says that nobody
  knows why. Where counting is enabled (0xA0 bits 8, 9) they are read with every sample, so that a wire log beside a
  known load can settle it, and never reported as a number.
- That the single-channel chip is told apart by the relations of its own map (V * I = S at 0x1A, V * I * PF = P at
  0x12) and by its ranges not standing at 0xAE; without a load only the latter. The version register 0x04 holds a date
  in both chips and the chip has no serial number; the one of its USB bridge stands in the evidence of the port.
- 15 A as rating of the board, and the rate of update.
"""
