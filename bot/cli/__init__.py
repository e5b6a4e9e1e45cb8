"""The command line: one short function per verb, loaded only when it is called."""
