"""The check that most sources need: whether what they would read can be described."""

from bot.loader.protocol import Check, Source, SourceError


def check_shape(source: Source) -> Check:
    """Describe what would be read, and count its columns; report, do not raise."""
    try:
        columns = len(source.shape().names)
    except SourceError as error:
        return Check("read", passed=False, detail=error.message, hint=error.hint)
    return Check("read", passed=True, detail=f"{columns} columns")
