"""Tasks, their ratings, latencies and batches."""
