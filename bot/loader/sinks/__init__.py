"""Where a pipeline can write; each module is one sink, registered as an entry point."""
