"""A simulated Airbyte and fleet: the ground for the demo, the tests and the closed-loop benchmark."""
