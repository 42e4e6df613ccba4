"""The columns of numbers that every table of campaigns has, and their units."""

RUN_UNITS = {
    "duration_s": "s", "mean_power_w": "W", "energy_wh": "Wh", "induced_energy_wh": "Wh", "gap_s": "s",
    "gap_energy_wh": "Wh", "gpu_energy_wh": "Wh",
}  # fmt: skip
"""Numbers of `runs[]` of results.json."""
OWN = ("final.", "work.", "indicator.", "parameter.", "served.")
"""Beginnings of the columns that a campaign has of its own."""
OF_UNIT_ONE = ("final.", "work.", "parameter.")
"""Those of them that are plain numbers."""
