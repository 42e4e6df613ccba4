"""The program of the scenarios idle, cnn and transfer, in four files that are copied flat beside each other."""
