"""A campaign -> OSCAR files."""
