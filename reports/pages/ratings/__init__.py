"""The section on services under load."""
