"""Baseboard management controllers over IPMI 2.0 on a LAN: power as DCMI, or sensors of watts, have it."""
