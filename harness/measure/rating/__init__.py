"""The rating interval of a run, as a part that is plugged in: a command, a pause, a block that the host marks."""
