"""Results of a campaign -> documents that others ask for, each figure with U, label and digests."""
