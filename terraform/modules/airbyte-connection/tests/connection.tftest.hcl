# Terraform's own tests, against a mocked provider: nothing is created anywhere.
mock_provider "airbyte" {
  mock_data "airbyte_connector_configuration" {
    defaults = {
      definition_id      = "e094cb9a-26de-4645-8761-65c0c425d1de"
      configuration_json = "{}"
    }
  }
  mock_resource "airbyte_connection" {
    defaults = {
      connection_id = "11111111-1111-4111-8111-111111111111"
    }
  }
}

variables {
  name           = "stripe-billing"
  workspace_id   = "33333333-3333-4333-8333-333333333333"
  destination_id = "22222222-2222-4222-8222-222222222222"
  connector      = "source-stripe"
  configuration  = { account_id = "acct_1", num_workers = 10 }
  tuning         = { num_workers = 4 }
  cron           = "0 30 2 ? * MON-FRI UTC"
}

run "schedule_and_tuning_arrive" {
  assert {
    condition     = airbyte_connection.this.schedule.cron_expression == "0 30 2 ? * MON-FRI UTC"
    error_message = "The cron does not reach the connection."
  }
  assert {
    condition     = data.airbyte_connector_configuration.source.configuration.num_workers == 4
    error_message = "Tuning does not win over the configuration."
  }
  assert {
    condition     = data.airbyte_connector_configuration.source.configuration.account_id == "acct_1"
    error_message = "Tuning loses the rest of the configuration."
  }
  assert {
    condition     = output.connection_id == "11111111-1111-4111-8111-111111111111"
    error_message = "The id is not handed out."
  }
}

run "manual_needs_no_cron" {
  command = plan
  variables {
    schedule_type = "manual"
    cron          = null
  }
  assert {
    condition     = airbyte_connection.this.schedule.schedule_type == "manual"
    error_message = "Manual does not reach the connection."
  }
}

run "manual_refuses_a_cron" {
  command = plan
  variables {
    schedule_type = "manual"
  }
  expect_failures = [airbyte_connection.this]
}

run "an_interval_is_refused" {
  command = plan
  variables {
    schedule_type = "basic"
  }
  expect_failures = [var.schedule_type]
}

run "nested_tuning_is_refused" {
  command = plan
  variables {
    tuning = { replication_method = { queue_size = 5000 } }
  }
  expect_failures = [var.tuning]
}
