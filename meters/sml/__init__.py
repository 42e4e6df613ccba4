"""SML (Smart Message Language 1.04): telegrams an electricity meter pushes through its optical head, 9600 8N1.

Knows: the transport frame (escapes, fill bytes, CRC), the type-length-value encoding, which OBIS codes are power,
energy, voltage, current and frequency, and the three quirks of real meters named below. Sends nothing, ever.
Does not know: who reads, other meters. A meter that sends no power gives readings flagged `nan` with its energy
register. An entry that is not understood costs that quantity, not the telegram; what was left out, or taken how, stands
in the description's remarks.

Sources: BSI TR-03109-1 annex IV (SML 1.04); DLMS UA Blue Book for OBIS codes and units; DIN 43863-5 for identities.
Quirks, each shown by a real dump: Holley DTZ541 before its revision checks with CRC-16/KERMIT (option `checksum`) and
sends times without their choice tag; DZG DVS-7412 encodes power from 0x8000 on as a negative number of two bytes
(libsml, sml_shared.h; undone here only when the status word of the energy register says that power is drawn, and not
for one of several phases, whose direction it does not say).
Power is 16.7.0, else 1.7.0 less what is delivered (2.7.0), else 15.7.0, whose sign stands in that status word: 0x20 in
the older layout (EMH), 0x2000 in the one that ends in 04 (FNN); both read off dumps, not off a document; else the sum
of the phases (36.7.0, 56.7.0, 76.7.0, or drawn less delivered), where all phases that the meter speaks of have one.

Proved by dumps of seven meters and by SMLLib: frame, encoding, scaling, sign. Not proved by any test here: what a real
optical head adds, over which time a meter averages its power (declared instantaneous), and any accuracy. The accuracy
class stands on the plate of the meter, not on the wire: option `accuracy_class`. The check sum of the Itron OpenWay
3.HZ is known to nobody (libsml, issue 83): its telegrams are refused.
"""
