"""Snippets: what a person can paste where trimtab will not edit."""

from bot.terraform.address import Steps, Subscript
from bot.terraform.strings import quote_hcl
from bot.terraform.syntax import Kind, Scalar, scalar_text

_INDENT = "  "
BLANK = '"…"'
_EXAMPLE_CRON = "0 0 * * * ? UTC"


def assignment(path: Steps, value: Scalar) -> str:
    """Write `a = { b = value }` over several lines, as `terraform fmt` would."""
    if path == ("schedule", "cron_expression"):
        cron = _EXAMPLE_CRON if value is None else scalar_text(value)
        return "\n".join(
            (
                "schedule = {",
                f'{_INDENT}schedule_type   = "cron"',
                f"{_INDENT}cron_expression = {quote_hcl(cron)}",
                "}",
            )
        )
    lines = []
    names = [step for step in path if not isinstance(step, int)]
    for depth, name in enumerate(names[:-1]):
        lines.append(f"{_INDENT * depth}{_name(name)} = {{")
    depth = len(names) - 1
    lines.append(f"{_INDENT * depth}{_name(names[-1])} = {written(value)}")
    lines += [_INDENT * level + "}" for level in reversed(range(depth))]
    return "\n".join(lines)


def written(value: Scalar, kind: Kind | None = None) -> str:
    """Write a scalar as HCL; text that reads as a number stays bare unless `kind` is string."""
    if value is None:
        return BLANK
    if (
        isinstance(value, str)
        and kind is not Kind.STRING
        and (value in {"true", "false"} or _is_number(value))
    ):
        return value
    return quote_hcl(value) if isinstance(value, str) else scalar_text(value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text[:1].isdigit() or text[:1] == "-"


def _name(step: str) -> str:
    is_plain = (
        not isinstance(step, Subscript) and step.replace("_", "a").replace("-", "a").isalnum()
    )
    return step if is_plain else quote_hcl(step)
