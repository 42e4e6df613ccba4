"""The program of the scenarios sync and constant-load, and of the observer effect: full load on every CPU."""
