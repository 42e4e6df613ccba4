"""Energy sessions of MLPerf Tiny (EnergyRunner, and MLCommons' own runner) -> runs."""
