"""Logs of `nvidia-smi --query-gpu` -> runs of the boards in them."""
