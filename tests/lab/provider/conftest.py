import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bot.lab.provider.mirror import environment
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

data "airbyte_connector_configuration" "kafka" {
  connector_name        = "destination-kafka"
  configuration         = { linger_ms = 5 }
  configuration_secrets = { sasl_jaas_password = "hush" }
}

resource "airbyte_destination" "kafka" {
  name          = "Kafka"
  workspace_id  = "33333333-3333-4333-8333-333333333333"
  definition_id = data.airbyte_connector_configuration.kafka.definition_id
  configuration = data.airbyte_connector_configuration.kafka.configuration_json
}

resource "airbyte_connection" "c" {
  name           = "Stripe to Kafka"
  source_id      = airbyte_source.stripe.source_id
  destination_id = airbyte_destination.kafka.destination_id
  schedule       = { schedule_type = "cron", cron_expression = "0 0 6 * * ? UTC" }
  configurations = {
    streams = [
      { name = "invoices", sync_mode = "incremental_deduped_history", primary_key = [["id"]] },
      { name = "charges" },
    ]
  }
}
"""

Roots = Callable[..., Terraform]


@pytest.fixture(scope="session")
def terraform_environment(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    return environment(tmp_path_factory.mktemp("mirror"))


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


@pytest.fixture
def root(tmp_path: Path, terraform_environment: Mapping[str, str]) -> Roots:
    def make(body: str = GENERIC, **header: str) -> Terraform:
        return make_root(tmp_path / "root", terraform_environment, body, **header)

    return make


@pytest.fixture(scope="session")
def applied_once(
    tmp_path_factory: pytest.TempPathFactory, terraform_environment: Mapping[str, str]
) -> Terraform:
    made = make_root(tmp_path_factory.mktemp("applied") / "root", terraform_environment)
    made.apply()
    return made


@pytest.fixture
def applied(applied_once: Terraform, tmp_path: Path) -> Terraform:
    """Return a root of the test's own that has been applied already."""
    origin = applied_once.root.parent
    shutil.copytree(origin, tmp_path, symlinks=True, dirs_exist_ok=True)
    main = tmp_path / "root" / "main.tf"
    main.write_text(main.read_text().replace(origin.as_uri(), tmp_path.as_uri()))
    return find(tmp_path / "root", applied_once.environment)
