"""An archive of campaigns: Parquet parts with an index, and questions asked of them (docs/archive.md)."""
