"""What a training will have taken, estimated while it runs or before it begins, and how good such estimates are."""
