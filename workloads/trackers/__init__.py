"""Trackers around a measured program: what a user's own energy tracker says, recorded beside the meter.

One small adapter each; `tracking.py` is the protocol, `around.py` wraps any command. Copied flat beside the program.
"""
