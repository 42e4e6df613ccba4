"""ZES Zimmer LMG95, LMG450, LMG670: rows of values, pushed once a cycle after `cont on`.

Knows: the SHORT command language of the three as dialects, the start-up dialogue, what a row is.
Does not know: who reads, where readings go, other meters.

The start-up is the published one (cuveland/lmgtools, `powerlog95.py`, `powerlog670.py`; for the LMG450 the same in
robkh/lmgtools): language SHORT, `cont off`, `*rst`, `*cls`, cycle and ranges each acknowledged by `*opc?`, `actn;...`
defines the row, `cont on`; good-bye is `cont off`, `gtl`. `*rst` is part of it on purpose: filters, averaging,
coupling and scaling that somebody left at the front panel change every reading and stand in no row, so each run
begins in the same state. A lab whose scaling is meant (an external transformer) sets `reset` to `no`; then the
panel's settings hold and it answers for them. `*rst` concerns settings; nothing that calibrates or stores can be sent
(`ALLOWED`).

A reading lasts what the row says (`cycr`, `durnorm`: whole mains periods), never the nominal cycle. A row without
check sum is believed if its number of fields is exact, its counter a counter, its cycle near the one that was set,
and S = U I, |P| = |PF| S hold in it. A counter (LMG670: time stamp) that stands still makes a reading `stale`, one
that has jumped makes it `resynced`: rows were lost. 9.91e37 is `nan`, 9.9e37 of either sign is `overrange`.

Not reported: energy. The instruments have an integrator, but the commands that start and read it stand in no source
at hand. Limits of error are not confirmed by any document at hand either: columns carry none.
From somebody's source, never seen on a wire: the form of `*idn?` (four fields), the reply `0,"No error"`
(tud-zih-energy/lmgd), the channel as a suffix (LMG450 `p2`: PMLib; LMG670: lmgtools). Unconfirmed: that rows mark the
end of their cycle, their latency (taken as 0), that an overloaded range shows as 9.9e37, how a setting out of range is
refused, what `*rst` does to scaling, that `irng` and `urng` of an LMG450 hold for all its channels.
"""
