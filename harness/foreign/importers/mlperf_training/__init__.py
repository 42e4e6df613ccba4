"""MLPerf Training power submissions -> runs."""
