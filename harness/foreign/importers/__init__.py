"""Foreign measurements become run folders. A folder a format; `imported.py` writes what they read."""
