"""The catalogue of findings, its entries in modules by what they are about."""
