"""The mathematics of qualification: what a software meter says beside what the wall shows (method.md section 13).

Pure functions on arrays: the Olympic-mean test, the share seen, the transfer function, the lag, the averaging window,
the sampling. Knows no campaign, no file and no page.
"""
