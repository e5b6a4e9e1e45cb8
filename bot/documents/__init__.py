"""Files that people write: YAML and JSON with positions, `${…}` interpolation, and errors of one sentence."""
