output "connection_id" {
  description = "Id of the connection."
  value       = airbyte_connection.this.connection_id
}

output "source_id" {
  description = "Id of the source."
  value       = airbyte_source.this.source_id
}
