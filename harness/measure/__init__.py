"""A campaign as it happens: plan, preflight, runs, recorders. Writes run folders; computes no energy."""
