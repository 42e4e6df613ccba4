"""The derived seam: numbers with their uncertainty, and by which rules they were computed."""
