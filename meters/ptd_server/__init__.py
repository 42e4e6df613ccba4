"""Any open meter behind the protocol of SPEC's PTDaemon: lines of text over TCP, one client at a time.

Knows: the daemon's words, replies, log lines; how readings become samples on a grid; the limits of error of the meter
at a reading. Does not know: any concrete meter, lab.toml, argument vectors.

The identity is the meter's and ours: the name begins with `wattlab-`, the flag "accepted by SPEC" is 0 and the version
is wattlab's, so a compliance checker refuses it, as it must. `no_cal_date` stands where a date of calibration would.
Replies that published conversations hold are word for word those (server.json, spl.txt, ptd_logs.txt of MLPerf power
submissions), and so is what stands in the daemon's window: the rows of a reply to `RL` too. Made up here, because no
conversation at hand has them: the acknowledgement of `Mark`, the replies to `Timed`, to a second `Go`, to a range that
cannot be set, the meaning of the fields 13 to 17 of the identity.

`SR` opens the meter anew with another option, where its description names one for that range (`RangeChoice`); the
smallest range that holds the value asked for is taken, as the daemon does. Limits of error are then those of that
range. A client that is silent while no measurement runs gives way to one that waits (`IDLE_S`); one whose measurement
runs may be silent as long as it likes, as MLPerf's server is.

A sample is the mean of the readings that ended within half an interval of its place on a grid through the first
reading. A place without any reading is a missed sample (-2), readings without a number are an error (-1); both are
logged and counted, neither is averaged. What the meter does not report (volts, say) is -1.
"""
