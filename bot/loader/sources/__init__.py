"""Where a pipeline can read; each module is one source, registered as an entry point."""
