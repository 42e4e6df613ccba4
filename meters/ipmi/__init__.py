"""Baseboard management controllers over IPMI 2.0 on a LAN: power as DCMI has it."""
