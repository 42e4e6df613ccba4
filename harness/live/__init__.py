"""The live view: what a browser shows of a campaign while it is measured, by files that grow and nothing else."""
