"""Pure values and pure functions: no I/O, no clock, no third-party types."""
