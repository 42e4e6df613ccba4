"""A study file and its table of runs -> study.json."""
