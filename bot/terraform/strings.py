"""Quoted strings of HCL, JSON and YAML: what they mean, and how a value is written in them."""

import json
import re

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)|(\$\$|%%)(?=\{)", re.DOTALL)
_WRITTEN = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
_PLAIN_YAML = re.compile(r"[A-Za-z0-9_./][^\x00-\x1f#:,\[\]{}&!|>'\"%@`]*")


def unescape(raw: str) -> str | None:
    """Return what the inside of a quoted HCL string means; None for an unknown escape."""
    if "\\" not in raw and "$${" not in raw and "%%{" not in raw:
        return raw
    bad = False

    def replace(match: re.Match[str]) -> str:
        nonlocal bad
        if match[2]:
            return match[2][0]
        if match[1][0] in "uU" and len(match[1]) > 1:
            return chr(int(match[1][1:], 16))
        if match[1] not in _ESCAPES:
            bad = True
        return _ESCAPES.get(match[1], "")

    try:
        text = _ESCAPE.sub(replace, raw)
    except (ValueError, OverflowError):
        return None
    return None if bad else text


def quote_hcl(value: str) -> str:
    """Write a string as an HCL literal that holds no interpolation."""
    text = "".join(_WRITTEN.get(character, character) for character in value)
    return '"' + text.replace("${", "$${").replace("%{", "%%{") + '"'


def quote_json(value: str, *, template: bool) -> str:
    """Write a string as JSON; `template` when Terraform reads `${` in it (`.tf.json`)."""
    if template:
        value = value.replace("${", "$${").replace("%{", "%%{")
    return json.dumps(value, ensure_ascii=False)


def quote_yaml(value: str, style: str) -> str | None:
    """Write a string in a YAML style (`"`, `'` or none); None when that style cannot hold it."""
    if style == "'":
        return None if "\n" in value else "'" + value.replace("'", "''") + "'"
    if style == '"':
        return json.dumps(value, ensure_ascii=False)
    fits = _PLAIN_YAML.fullmatch(value) is not None and value == value.strip()
    return value if fits else None
