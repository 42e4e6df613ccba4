"""IEC 62056-21: readable data lines of an electricity meter, asked for or pushed through its optical head (driver
`iec62056`), or pushed through its P1 port (driver `p1`).

Knows: mode C (sign-on at 300 baud, identification, acknowledgement with a change of speed, data message with a block
check character) and mode D (pushed, without any check but parity), which registers are power, energy, voltage, current
and frequency. It sends the sign-on and the acknowledgement for a data readout, nothing else: passwords, programming,
writing and the break have no way out (`encode_request`, `check_allowed`).
Does not know: who reads, other meters, modes A, B and E, partial blocks. `iec62056` names a P1 telegram, which ends in
a check sum (`!6796`), and leaves it to `p1`.

A data set that is not understood costs that quantity, not the telegram; what was left out or taken by convention stands
in the description's remarks. Power is 16.7.0, else 1.7.0 less what is delivered (2.7.0), else the sum of the phases,
where all phases that the meter speaks of have one; a meter without any gives readings flagged `nan` with its energy.
Energy without a unit is taken as kWh, as the heads of Hager and ITRON mean it, where it has a decimal point. `1.8.0*00`
is the present value where no other 1.8.0 stands beside it (Apator EC3), else a stored one. On M-Bus channels
(`0-1:96.1.0`) other devices speak: their numbers are not the meter's.

The standard's characters are 7E1. The port is opened 8N1, which has the same length, and parity is made and checked
here: a serial driver in 7E1 passes characters with wrong parity on unseen, and mode D has no other check. A gateway
that has taken the parity off is option `characters = "plain"`; pushed telegrams then have no check at all.

A P1 port (DSMR 2.2 to 5, e-MUCS, and meters like these in Hungary, Ireland, Sweden) pushes mode D at 115200 8N1 with
CRC-16, before DSMR 4 at 9600 7E1 without; import and export stand in two registers, so that power is 1.7.0 less 2.7.0.

Sources: IEC 62056-21:2002, clauses 5 (characters), 6.3 to 6.6 (modes, messages, block check), annex on data lines;
DSMR P1 companion standard 5.0.2.
Proved by captured messages with their block check, an identification captured with its parity bits, pushed telegrams
from public sources, and by the client `iec62056-21` and the decoder `dsmr-parser`, which nobody here wrote. Not proved
by any test here: the change of speed on a real line (a pty ignores it), whether an adapter has sent its last bit when
it says so, how long a meter averages (declared instantaneous), any accuracy. But for the clock of a P1 port nothing on
the wire tells a repeated value from a steady one: no reading of `iec62056` is ever `stale`. The accuracy class stands
on the meter's plate: `accuracy_class`.
"""
