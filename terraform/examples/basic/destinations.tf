locals {
  destinations = {
    warehouse = {
      connector     = "destination-snowflake"
      configuration = { host = "acme.snowflakecomputing.com", database = "RAW", warehouse = "LOADING" }
    }
    lake = {
      connector     = "destination-s3"
      configuration = { s3_bucket_name = "acme-lake", s3_bucket_region = "eu-central-1" }
    }
  }
}

data "airbyte_connector_configuration" "destination" {
  for_each = local.destinations

  connector_name        = each.value.connector
  configuration         = each.value.configuration
  configuration_secrets = lookup(var.destination_secrets, each.key, {})
}

resource "airbyte_destination" "this" {
  for_each = local.destinations

  name          = each.key
  workspace_id  = var.workspace_id
  definition_id = data.airbyte_connector_configuration.destination[each.key].definition_id
  configuration = data.airbyte_connector_configuration.destination[each.key].configuration_json
}
