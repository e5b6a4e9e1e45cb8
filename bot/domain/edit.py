"""Edits: one literal in one file, before and after; or the reason why there is none."""

from dataclasses import dataclass
from enum import StrEnum


class RefusalReason(StrEnum):
    """Why a setting has no single literal that may be changed."""

    ABSENT = "absent"
    AMBIGUOUS = "ambiguous"
    BOUNDS = "bounds"
    CONDITIONAL = "conditional"
    COMPUTED = "computed"
    DRIFT = "drift"
    FAN_OUT = "fan_out"
    FOREIGN_PROVIDER = "foreign_provider"
    FUNCTION = "function"
    HEREDOC = "heredoc"
    IGNORED = "ignore_changes"
    INTERPOLATION = "interpolation"
    JSON_TEXT = "json_text"
    MANUAL = "manual_schedule"
    MERGE = "merge"
    NEVER = "never_touched"
    NOT_FOUND = "not_found"
    OUTSIDE = "outside_repository"
    SENSITIVE = "sensitive"
    SYNTAX = "syntax"
    UNVERIFIED = "unverified"
    VARIABLE_FILE = "variable_without_value"


@dataclass(frozen=True, slots=True)
class Site:
    """The one literal that decides a setting.

    `file` is relative to the root, with `/`; `line` counts from 1; `start` and `end` are byte
    offsets in the file. `literal` is the text between them, `value` what it means. `trail` says
    how it was found, from the resource to the literal.
    """

    file: str
    line: int
    start: int
    end: int
    literal: str
    value: str
    trail: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """One verified change of one literal."""

    address: str
    path: str
    site: Site
    after_literal: str
    after: str
    diff: str
    stale_comment: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing is edited, where to look, and what to paste instead."""

    reason: RefusalReason
    detail: str
    file: str | None = None
    line: int | None = None
    snippet: str | None = None
