"""Forecasts: what the next syncs take, with intervals that are held against what happened."""
