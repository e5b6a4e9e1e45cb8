from pathlib import Path

import pytest

from bot.domain.edit import Edit, Refusal
from bot.terraform import chunks
from bot.terraform.evaluation import evaluate
from bot.terraform.index import index
from bot.terraform.root import open_root
from bot.terraform.verify import Change, set_value

ENTRIES = "\n".join(
    f'    "k{n}" = {{ cron = "0 {n % 60} * * * ? UTC", n = {n} }}' for n in range(70)
)
BLOCK = """resource "airbyte_connection" "c" {{
  for_each = {collection}
  name     = "${{each.key}}-${{each.value.n}}"
  schedule = {{ schedule_type = "cron", cron_expression = each.value.cron }}
}}
locals {{
  conns = {{
{entries}
  }}
}}
"""


def test_a_long_for_each_evaluates_as_if_it_were_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "main.tf").write_text(BLOCK.format(collection="local.conns", entries=ENTRIES))
    configuration = index(open_root(tmp_path)).configuration
    assert chunks.long_collections(configuration)
    parts = evaluate(configuration)
    monkeypatch.setattr(chunks, "_LONGEST", 1000)
    assert not chunks.long_collections(configuration)
    assert evaluate(configuration) == parts
    assert len(parts.blocks) == 70


def test_a_fan_out_shows_across_the_parts(tmp_path: Path) -> None:
    entries = ENTRIES.replace('cron = "0 5 * * * ? UTC"', "cron = local.shared")
    entries = entries.replace('cron = "0 9 * * * ? UTC"', "cron = local.shared")
    text = BLOCK.format(collection="local.conns", entries=entries)
    (tmp_path / "main.tf").write_text(text + 'locals {\n  shared = "0 0 * * * ? UTC"\n}\n')
    known = index(open_root(tmp_path))
    new = "0 7 3 * * ? UTC"
    path = "schedule.cron_expression"
    alone = set_value(known, Change('airbyte_connection.c["k6"]', path, new))
    assert isinstance(alone, Edit)
    shared = set_value(known, Change('airbyte_connection.c["k5"]', path, new))
    assert isinstance(shared, Refusal)
    assert shared.reason.value == "fan_out"
    assert 'c["k9"]' in shared.detail
