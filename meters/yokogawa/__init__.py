"""Yokogawa WT310, WT332, WT333 (E, EH and HC too) and, as an older dialect, WT210: lines of text, polled.

Knows: the commands (IM WT310E-17EN, IM 760401-01E chapter 14), ranges, limits of error, how a reply is known to answer
its question. Does not know: who reads, other meters, VXI-11 (what the Ethernet port of a WT310 speaks;
`socket://` here is a serial line behind a server).

A reading follows the instrument's own updates: `:COMM:WAIT 1` holds the answer back until the next one is complete
(bit 0, UPD, of the extended event register), so that each update is read once and its end is the time stamp. Polling
that bit instead misses it: on a WT3000 it was seen set in none of 3556 questions over ten updates.

The protocol has no checksum and no sequence number, and instruments of this family have been seen one reply late
(mlcommons/power-dev: `Buffer was 1.000E+00;1;300.0E+00;1`). So each question sets `*ESE` to its own number and asks for
it back: a reply with another number answers an earlier question. All values are asked for twice in one question and
must be the same, character by character. Zeroing, calibration, `*RST` and stored set-ups can not be sent.

Proved by a real conversation of a WT333E: the identity, the forms of settings and of headers. From the manuals and
from published clients (intel/yoko-tool), never seen on a wire here: `*ESE` as a number of the question, `:COMM:WAIT`,
the integrator, every word of the WT210. Only hardware settles: that a WT210 is in its 488.2 mode (set on its panel; in
another mode it answers nothing), that it knows `:COMM:WAIT`, its identity and condition bits, and how a voltage or
current below 0.5 % of the range is shown. A small current range that is overloaded is left by a WT310 for auto-ranging
of its own accord (IM WT310E-01EN 2-7): readings are `overrange` until then, the description goes on to say fixed.
A window is whole periods of the sync source inside one update; it is taken as the update interval.
"""
