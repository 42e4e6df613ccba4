"""A UPS behind upsd of NUT (Network UPS Tools): what it delivers, by the lines of upsd's protocol (RFC 9271).

Knows: `LIST UPS`, `LIST VAR`, `USERNAME`, `PASSWORD` and what upsd says of a UPS whose own driver is silent
(`ERR DATA-STALE`) or gone (`ERR DRIVER-NOT-CONNECTED`). Does not know: STARTTLS (a terminator before upsd does it),
`LOGIN` (it makes this host one that upsd shuts down, so that upsd is never asked whether a password is right), anything
that commands a UPS.

Two drivers. `nut` reads `ups.realpower`, which the UPS measured, in W. Where a UPS has none, `nut-load` multiplies
`ups.load` (mostly a whole percentage) by `ups.realpower.nominal`: an estimate, whose readings are *estimated* and
certify nothing. Both are of the outlets: what the UPS itself draws has no part in them.

A driver of NUT that hangs is found out by upsd after `MAXAGE` (15 s) only; until then upsd passes its last values on.
So an answer in which no variable at all differs is `stale` for as long as that, or as long as the UPS is asked
rarely (`pollfreq` of its driver), whichever is longer. Seen at upsd 2.8.0, whose answers are in the tests.
"""
