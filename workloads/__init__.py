"""What runs on the SUT. A leaf: imports nothing of ours outside itself, and its programs are copied flat beside each
other into a run's work folder, so they import one another by bare name (`import wattlab_markers`)."""
