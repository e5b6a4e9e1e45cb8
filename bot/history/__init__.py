"""The history: every sync that was ever seen, and the settings it ran under."""
