# One entry a connection, with a literal cron and literal tuning: a change of one of them is a change
# of one line, and moves exactly one connection. The key is the connection's name and its address;
# renaming one replaces it.
locals {
  connections = {
    stripe-billing = {
      connector     = "source-stripe"
      destination   = "warehouse"
      cron          = "0 0 0 * * ? UTC"
      configuration = { account_id = "acct_1" }
      tuning        = { num_workers = 10 }
      streams = [
        { name = "invoices", sync_mode = "incremental_append" },
        { name = "charges", sync_mode = "incremental_append" },
        { name = "subscriptions", sync_mode = "full_refresh_overwrite" },
      ]
    }

    stripe-payouts = {
      connector     = "source-stripe"
      destination   = "warehouse"
      cron          = "0 0 0 * * ? UTC"
      configuration = { account_id = "acct_2" }
      tuning        = { num_workers = 10 }
      streams = [
        { name = "payouts", sync_mode = "incremental_append" },
        { name = "balance_transactions", sync_mode = "incremental_append" },
      ]
    }

    hubspot-crm = {
      connector     = "source-hubspot"
      destination   = "warehouse"
      cron          = "0 0 0 * * ? UTC" # nightly
      configuration = { start_date = "2023-01-01T00:00:00Z" }
      tuning        = { num_worker = 3 }
      streams = [
        { name = "contacts", sync_mode = "incremental_append" },
        { name = "deals", sync_mode = "incremental_append" },
        { name = "companies", sync_mode = "full_refresh_overwrite" },
      ]
    }

    salesforce-accounts = {
      connector     = "source-salesforce"
      destination   = "warehouse"
      cron          = "0 0 0 * * ? UTC"
      configuration = { is_sandbox = false }
      tuning        = { stream_slice_step = "P30D" }
      streams = [
        { name = "Account", sync_mode = "incremental_append" },
        { name = "Opportunity", sync_mode = "incremental_append" },
      ]
    }

    zendesk-tickets = {
      connector     = "source-zendesk-support"
      destination   = "warehouse"
      cron          = "0 0 * * * ? UTC" # hourly
      configuration = { subdomain = "acme" }
      tuning        = { num_workers = 3 }
      streams = [
        { name = "tickets", sync_mode = "incremental_append" },
        { name = "users", sync_mode = "incremental_append" },
      ]
    }

    jira-issues = {
      connector     = "source-jira"
      destination   = "warehouse"
      cron          = "0 0 * * * ? UTC"
      configuration = { domain = "acme.atlassian.net" }
      tuning        = { num_workers = 3 }
      streams = [
        { name = "issues", sync_mode = "incremental_append" },
        { name = "worklogs", sync_mode = "full_refresh_overwrite" },
      ]
    }

    mixpanel-events = {
      connector     = "source-mixpanel"
      destination   = "lake"
      cron          = "0 0 0 * * ? UTC"
      configuration = { region = "EU" }
      tuning        = { num_workers = 3, page_size = 1000 }
      streams = [
        { name = "export", sync_mode = "incremental_append" },
      ]
    }

    facebook-campaigns = {
      connector     = "source-facebook-marketing"
      destination   = "warehouse"
      cron          = "0 0 0 * * ? UTC"
      configuration = { account_ids = "101" }
      tuning        = { page_size = 100 }
      streams = [
        { name = "campaigns", sync_mode = "full_refresh_overwrite" },
        { name = "ads_insights", sync_mode = "incremental_append" },
      ]
    }

    google-ads-spend = {
      connector     = "source-google-ads"
      destination   = "warehouse"
      cron          = "0 0 6 * * ? UTC"
      configuration = { customer_id = "4711" }
      tuning        = {}
      streams = [
        { name = "campaign", sync_mode = "incremental_append" },
      ]
    }

    sheets-targets = {
      connector     = "source-google-sheets"
      destination   = "warehouse"
      cron          = "0 0 0 * * ? UTC"
      configuration = { spreadsheet_id = "1x" }
      tuning        = { batch_size = 1000000 }
      streams = [
        { name = "targets", sync_mode = "full_refresh_overwrite" },
      ]
    }

    orders-db = {
      connector     = "source-postgres"
      destination   = "warehouse"
      cron          = "0 0 * * * ? UTC" # hourly, the shop looks at it
      configuration = { host = "orders.db.acme.internal", port = 5432, database = "orders" }
      tuning        = {}
      streams = [
        { name = "orders", sync_mode = "incremental_append" },
        { name = "order_lines", sync_mode = "incremental_append" },
      ]
    }

    inventory-db = {
      connector     = "source-mysql"
      destination   = "warehouse"
      cron          = "0 0 0 * * ? UTC"
      configuration = { host = "inventory.db.acme.internal", port = 3306, database = "inventory" }
      tuning        = { max_db_connections = 4 }
      streams = [
        { name = "stock", sync_mode = "full_refresh_overwrite" },
        { name = "movements", sync_mode = "incremental_append" },
      ]
    }

    ledger-db = {
      connector     = "source-mssql"
      destination   = "warehouse"
      cron          = "0 0 0 * * ? UTC"
      configuration = { host = "ledger.db.acme.internal", port = 1433, database = "ledger" }
      tuning        = {}
      streams = [
        { name = "entries", sync_mode = "incremental_append" },
        { name = "accounts", sync_mode = "full_refresh_overwrite" },
      ]
    }

    catalog-mongo = {
      connector     = "source-mongodb-v2"
      destination   = "lake"
      cron          = "0 0 0 * * ? UTC"
      configuration = { database_config = { databases = ["catalog"] } }
      tuning        = { queue_size = 10000 }
      streams = [
        { name = "products", sync_mode = "full_refresh_overwrite" },
      ]
    }

    partner-files = {
      connector     = "source-s3"
      destination   = "lake"
      cron          = "0 0 0 * * ? UTC"
      configuration = { bucket = "acme-partners" }
      tuning        = {}
      streams = [
        { name = "prices", sync_mode = "full_refresh_overwrite" },
      ]
    }
  }
}

module "connection" {
  source   = "../../modules/airbyte-connection"
  for_each = local.connections

  name           = each.key
  workspace_id   = var.workspace_id
  destination_id = airbyte_destination.this[each.value.destination].destination_id

  connector     = each.value.connector
  configuration = each.value.configuration
  secrets       = lookup(var.source_secrets, each.key, {})
  tuning        = each.value.tuning

  cron    = each.value.cron
  streams = each.value.streams
}

# Started by people. It stands apart, because a null in the map above (it has no cron) would keep tools
# that read Terraform without running it from seeing any of the entries.
module "sample_data" {
  source = "../../modules/airbyte-connection"

  name           = "sample-data"
  workspace_id   = var.workspace_id
  destination_id = airbyte_destination.this["lake"].destination_id

  connector     = "source-faker"
  configuration = { count = 10000 }
  tuning        = { parallelism = 4, records_per_slice = 1000 }

  schedule_type = "manual"
}
