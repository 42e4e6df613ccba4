"""Measuring instruments: one small file per wire protocol.

Knows: how to talk to a meter and what its numbers mean in SI units.
Does not know: campaigns, run folders, files of the lab. A leaf: it imports nothing of ours outside itself.
"""
