"""The two ways into a BigQuery table, and what they share."""
