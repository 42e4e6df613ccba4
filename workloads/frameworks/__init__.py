"""One training in several frameworks: the same network, weights, pictures, batches. Files are copied flat."""
