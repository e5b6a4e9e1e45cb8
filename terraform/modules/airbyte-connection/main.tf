# The module owns the source, so that turning one of its tuning options moves this connection and no
# other. A source that several connections share is better off as a resource of its own.
data "airbyte_connector_configuration" "source" {
  connector_name        = var.connector
  connector_version     = var.connector_version
  configuration         = merge(var.configuration, var.tuning)
  configuration_secrets = var.secrets
}

resource "airbyte_source" "this" {
  name          = var.name
  workspace_id  = var.workspace_id
  definition_id = data.airbyte_connector_configuration.source.definition_id
  configuration = data.airbyte_connector_configuration.source.configuration_json
}

resource "airbyte_connection" "this" {
  name           = var.name
  source_id      = airbyte_source.this.source_id
  destination_id = var.destination_id
  status         = var.status

  schedule = {
    schedule_type   = var.schedule_type
    cron_expression = var.cron
  }

  configurations = var.streams == null ? null : { streams = var.streams }

  prefix                               = var.prefix
  namespace_definition                 = var.namespace_definition
  namespace_format                     = var.namespace_format
  non_breaking_schema_updates_behavior = var.non_breaking_schema_updates_behavior

  lifecycle {
    precondition {
      condition     = (var.schedule_type == "cron") == (var.cron != null)
      error_message = "A cron belongs to schedule_type \"cron\", and none to \"manual\": Airbyte would plan a change for ever."
    }
  }
}
