"""Tables of a campaign as pandas DataFrames: what was computed, and what was recorded. Writes nothing."""
