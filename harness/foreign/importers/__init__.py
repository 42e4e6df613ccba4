"""Foreign measurements become run folders. One module per format; `imported.py` writes what they found."""
