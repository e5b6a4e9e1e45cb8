"""Connectors by name: what is not there is said with what to do."""

import subprocess
import sys

import pytest

from bot.domain.errors import ConfigError
from bot.loader import registry


def test_an_unknown_name_is_told_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="no source of type 'postgre'") as caught:
        registry.find_source("postgre")
    assert caught.value.hint.startswith("did you mean postgres?")


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [("bigquery", "google.cloud", "bigquery"), ("duckdb", "pyarrow", "loader")],
)
def test_a_missing_package_is_told_with_the_extra_that_has_it(
    name: str, package: str, extra: str
) -> None:
    program = f"""
import sys
sys.modules[{package!r}] = None
from bot.domain.errors import ConfigError
from bot.loader import registry
try:
    registry.find_sink({name!r})
except ConfigError as error:
    print(error.hint)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == f'pip install "trimtab[{extra}]"\n'
