"""Joulescope's recordings (JLS) -> runs."""
