"""Power and time -> energy, baseline, induced energy, and what makes them uncertain."""
