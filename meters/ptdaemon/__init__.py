"""SPEC PTDaemon as a meter: lines of text over TCP, every analyser the daemon knows behind it.

Knows: the daemon's words and replies, how it says "error" and "missed", its unread samples as a stream, its reported
uncertainty. Does not know: which analyser stands behind it, how that was wired, what its calibration certificate says.

Sources: the conversations that MLPerf power submissions publish (mlcommons/inference_results_v1.0, closed/Krai, and
v4.1, closed/UntetherAI and closed/NVIDIA: `server.json`, `spl.txt`, `ptd_logs.txt`), the client code of
mlcommons/power-dev, and that of SPECjvm2008. SPEC's programmer's guide is not public. Proved by those lines: Hello,
Identify, RR, SR, Go, RL with its header and its rows without mark, Stop, Watts, Uncertainty, a row. Assumed: what
the daemon answers when nothing is unread (all three forms found are taken), and that it serves one client at a time,
so that a measurement found running when we connect is our own from before.

A watts value of exactly -1 is the daemon's word for an error and is no number (flag `nan`); -2 is a sample it missed:
no reading at all, a gap. A value outside its range is printed as -(value + 3), watts and amperes alike, and is no
number either (flag `overrange`): the daemon itself counts such samples as errors (`outside_range`). The daemon states
an uncertainty only for the measurement as a whole: each reading carries the mean it had reported up to then. Lines
have no checksum; TCP's is the only one. No test here shows a real daemon.
"""
