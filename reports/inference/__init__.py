"""Statistics on means and samples, by R."""
