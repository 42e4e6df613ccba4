"""OSCAR measurements (DE-UZ 215): power, actions and hardware of scenarios -> runs."""
