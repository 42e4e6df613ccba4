"""Coverage-guided fuzzing of every codec; not part of the tests, what it finds becomes one."""
