"""`trimtab.yaml`: typed settings with secrets that are never printed."""
