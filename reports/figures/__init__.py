"""Plain numbers in, one SVG element as text out."""
