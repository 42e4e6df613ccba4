"""The package `wattlab-markers`: one module, which is also laid beside the program that is measured."""
