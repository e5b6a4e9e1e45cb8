"""A look at the first rows of a source, as they would reach the sink."""

import contextlib
from typing import Any

from bot.domain.errors import TrimtabError
from bot.loader.dead_letters import json_value
from bot.loader.pipeline import Pipeline
from bot.loader.rows import Reading, records_of
from bot.loader.run import build_connectors


def first_records(pipeline: Pipeline, rows: int) -> list[dict[str, Any]]:
    """Read up to `rows` records of the source.

    Raises:
        LoaderError: the source cannot be read.
    """
    records: list[dict[str, Any]] = []
    try:
        with contextlib.closing(build_connectors(pipeline.config)) as connectors:
            connectors.source.shape()
            pages = iter(connectors.source.pages(Reading()))
            for page in pages:
                wanted = min(rows - len(records), page.rows.num_rows)
                records += records_of(page.rows.slice(0, wanted), range(wanted))
                if len(records) >= rows:
                    break
            close = getattr(pages, "close", None)
            if close is not None:
                close()
    except TrimtabError as error:
        error.message, error.hint = pipeline.redact(error.message), pipeline.redact(error.hint)
        raise
    return [json_value(record) for record in records]
