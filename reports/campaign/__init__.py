"""A campaign's run folders -> results.json."""
