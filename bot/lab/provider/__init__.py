"""A stand-in for the `airbytehq/airbyte` Terraform provider, which the real `terraform` runs.

It serves the published schemas of v1.2.0 (generic resources) and v0.13.0 (typed resources), plans as
the provider does, and applies to a simulated Airbyte. It refuses to talk to anything but this
machine, so that no test and no demo can ever change somebody's Airbyte.
"""

VERSIONS = ("1.2.0", "0.13.0")
"""The generations that the stand-in serves: generic resources, and typed ones."""
