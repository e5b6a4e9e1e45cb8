"""The one small tree of expected failures, and the exit codes they map to."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process returns; `docs/architecture.md` lists the same table."""

    OK = 0
    EXPECTED_ERROR = 1
    USAGE = 2
    BUG = 3
    CHANGES_PENDING = 4
    INTERRUPTED = 130


class TrimtabError(Exception):
    """Say what went wrong, where, and what to do next.

    Args:
        message: one sentence: what failed and where (`file:line` when there is one).
        hint: the next step for the person who reads it; empty when the message says it all.
    """

    exit_code = ExitCode.EXPECTED_ERROR

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class ConfigError(TrimtabError):
    """A file or an option that people write is not what it has to be."""


class InputError(TrimtabError):
    """A value given to a verb cannot be used."""


class CronError(InputError):
    """An expression is not a Quartz cron, or one that Airbyte would refuse to store."""


class AirbyteError(TrimtabError):
    """Airbyte could not be reached, or refused, or answered what nobody can read."""


class HistoryError(TrimtabError):
    """The history store is missing, locked, damaged, or of another version."""


class SignalError(TrimtabError):
    """Something beside the history cannot be read; a run goes on without it."""


class TerraformError(TrimtabError):
    """A Terraform root cannot be read, or a tool that it needs is missing."""


class PolicyError(TrimtabError):
    """A policy file is wrong, or policies contradict each other."""


class ForgeError(TrimtabError):
    """The place where pull requests live cannot be read or written."""


class LoaderError(TrimtabError):
    """A pipeline cannot run, or stopped on a failure that it may not swallow."""
