"""A simulated Airbyte and fleet over real loopback HTTP, for the demo, tests and benchmarks."""
