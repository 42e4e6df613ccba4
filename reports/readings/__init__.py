"""Run folders -> arrays on one time base: what was indicated, when."""
