"""The catalogue of real tuning options of real connectors, as data."""
