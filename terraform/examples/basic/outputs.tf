output "connection_ids" {
  description = "Id of every connection, by name."
  value = merge(
    { for name, connection in module.connection : name => connection.connection_id },
    { sample-data = module.sample_data.connection_id },
  )
}
