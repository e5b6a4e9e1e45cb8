"""Small Terraform roots over the stand-in provider, for tests that run the real terraform."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bot.terraform.binary import Terraform, find

HEADER = """
terraform {
  required_providers {
    airbyte = {
      source  = "airbytehq/airbyte"
      version = "%(version)s"
    }
  }
}

provider "airbyte" {
  server_url = "%(url)s"
}
"""

GENERIC = """
resource "airbyte_source" "stripe" {
  name          = "Stripe"
  workspace_id  = "33333333-3333-4333-8333-333333333333"
  configuration = jsonencode({ sourceType = "stripe", num_workers = 10, client_secret = "hush" })
}

data "airbyte_connector_configuration" "snowflake" {
  connector_name        = "destination-snowflake"
  configuration         = { database = "RAW" }
  configuration_secrets = { password = "hush" }
}

resource "airbyte_destination" "snowflake" {
  name          = "Snowflake"
  workspace_id  = "33333333-3333-4333-8333-333333333333"
  definition_id = data.airbyte_connector_configuration.snowflake.definition_id
  configuration = data.airbyte_connector_configuration.snowflake.configuration_json
}

resource "airbyte_connection" "c" {
  name           = "Stripe to Snowflake"
  source_id      = airbyte_source.stripe.source_id
  destination_id = airbyte_destination.snowflake.destination_id
  schedule       = { schedule_type = "cron", cron_expression = "0 0 6 * * ? UTC" }
  configurations = {
    streams = [
      { name = "invoices", sync_mode = "incremental_deduped_history", primary_key = [["id"]] },
      { name = "charges" },
    ]
  }
}
"""

TYPED = """
resource "airbyte_source_postgres" "app" {
  name         = "App"
  workspace_id = "33333333-3333-4333-8333-333333333333"
  configuration = {
    host     = "db"
    database = "app"
    username = "reader"
    replication_method = {
      read_changes_using_write_ahead_log_cdc = {
        publication      = "p"
        replication_slot = "s"
        queue_size       = 5000
      }
    }
  }
}
"""

Roots = Callable[..., Terraform]


def make_root(
    folder: Path, environment: Mapping[str, str], body: str = GENERIC, **header: str
) -> Terraform:
    """Write and initialise a root in `folder`, over a store beside it."""
    folder.mkdir()
    address = (folder.parent / "store.json").as_uri()
    text = HEADER % {"version": "1.2.0", "url": address, **header} + body
    (folder / "main.tf").write_text(text)
    made = find(folder, environment)
    made.init()
    return made


def rewrite(made: Terraform, before: str, after: str) -> None:
    """Replace text in the root's main file; it must be there."""
    main = made.root / "main.tf"
    text = main.read_text()
    assert before in text
    main.write_text(text.replace(before, after))


def plan_of(made: Terraform, name: str = "plan") -> dict[str, Any]:
    """Plan, and return the plan as JSON."""
    made.plan(made.root / name)
    return made.show(made.root / name)
