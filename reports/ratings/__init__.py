"""What ISO/IEC 14756 and those who serve models compute of tasks: ratings, latencies, batches."""
