"""Signals: what is looked at beside the history, one module for each system."""
