"""Logs of PTDaemon and MLPerf power submissions -> runs."""
