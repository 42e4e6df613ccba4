"""`python -m harness.cli`: the same as `wattlab`, for processes that wattlab starts itself."""

import sys

from harness.cli import main

sys.exit(main())
