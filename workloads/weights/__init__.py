"""The weights that MobileNetV2 falls back to, and how they were made."""
