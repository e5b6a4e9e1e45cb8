"""Terraform roots: find the one literal that sets a value, change it, prove nothing else moved."""
