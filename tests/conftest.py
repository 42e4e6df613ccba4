"""What every test shares: how hypothesis searches. Knows nothing of the lab."""

import os

from hypothesis import HealthCheck, settings

# The machine is small and shared: an example that takes long says nothing about the code. CI tries the same examples
# every time, a person's machine looks for new ones.
settings.register_profile(
    "house", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("house")
