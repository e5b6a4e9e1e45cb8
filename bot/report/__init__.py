"""Reports: what a run tells the people who started it."""
