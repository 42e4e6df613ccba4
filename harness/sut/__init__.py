"""The system under test: the link to it, the agent that runs on it, its clock."""
