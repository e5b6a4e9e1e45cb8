"""The Airbyte API: client, token, paging, and wire models that never leave this folder."""
