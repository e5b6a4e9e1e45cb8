"""The demo: the whole loop on a simulated fleet, a real git repository and the real Terraform."""
