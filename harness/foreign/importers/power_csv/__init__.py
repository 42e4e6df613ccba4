"""Any CSV of power, read by a small mapping file -> run folders."""
