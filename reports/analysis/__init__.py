"""Run folders -> numbers. Pure: nothing here measures, and only `results.py` writes, below `derived/`."""
