from pathlib import Path

import pytest

from bot.domain.errors import ConfigError
from bot.settings.model import Settings
from bot.settings.reading import read_settings
from bot.signals.calendars import Calendar
from bot.signals.prometheus import Prometheus

HEAD = "version: 1\nairbyte: {url: 'http://127.0.0.1:1', auth: none}\n"


def read(folder: Path, text: str) -> Settings:
    (folder / "trimtab.yaml").write_text(HEAD + text)
    return read_settings(folder / "trimtab.yaml", {"PROM": "t0ken-of-ours"}).settings


def test_each_entry_is_read_by_what_its_type_names(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "signals:\n"
        "  - {type: calendar, path: days.csv}\n"
        "  - type: prometheus\n"
        "    url: http://localhost:9090\n"
        "    token: ${env:PROM}\n"
        "    queries: [{query: cpu, sources: [one]}]\n",
    )
    calendar, prometheus = found.signals
    assert isinstance(calendar, Calendar)
    assert isinstance(prometheus, Prometheus)
    assert prometheus.secrets == {"t0ken-of-ours"}
    assert "t0ken-of-ours" not in repr(found)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{type: calender, path: x}", "4:5: signals.0: unknown type 'calender'; did you mean"),
        ("{path: x}", "4:5: signals.0: `type` is missing; known are calendar, dbt"),
        ("text", "4:5: signals.0: has to be a mapping with a `type`"),
        ("{type: calendar, path: x, paht: y}", "4:31: unknown key 'signals.0.paht'"),
        ("{type: dbt}", "signals.0.manifest is missing"),
        ("{type: prices, path: x, stale_after: soon}", "'soon' is no span of time"),
    ],
)
def test_mistakes_are_placed(tmp_path: Path, entry: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, f"signals:\n  - {entry}\n")
    assert message in str(caught.value)
