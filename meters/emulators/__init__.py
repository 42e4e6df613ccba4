"""The other side of each protocol: emulated meters on a pty, at wire speed, with faults that can be switched.

Knows: what a real meter does on its wire, and a model of a computer's power. Does not know: our drivers; the
formats are written down here a second time on purpose, so that an error in one is seen by the other.
Nothing imports this package but the command line (to start it as a process of its own) and the tests.
"""
