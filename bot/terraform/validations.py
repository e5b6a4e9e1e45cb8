"""Validations: the conditions of variables, evaluated like everything else.

The evaluator passes over `validation` blocks. In what it gets to see, their conditions are also the
arguments of one more block in each module, so that a value that fails one shows as a difference.
"""

from typing import Final

from bot.terraform.document import Document
from bot.terraform.module import Module
from bot.terraform.syntax import Expression

KIND: Final = "trimtab_validation"
VALIDATION: Final = "validation"


def conditions(module: Module) -> dict[str, tuple[str, Expression]]:
    """Return the conditions of a module by the name they get, with the variable of each."""
    found = {}
    for variable, block in module.variables.items():
        for position, inner in enumerate(block.blocks):
            condition = inner.value("condition")
            if inner.type == VALIDATION and condition is not None:
                found[f"{variable}_{position}"] = (variable, condition)
    return found


def asked(module: Module) -> tuple[Document, bytes] | None:
    """Return the text that asks for the conditions, and the file of the module to add it to."""
    known = conditions(module)
    host = next((one for one in module.documents if one.path.suffix == ".tf"), None)
    if host is None or not known:
        return None
    rows = (f"  {name} = ({condition.text})\n" for name, (_variable, condition) in known.items())
    return host, f'\nresource "{KIND}" "all" {{\n{"".join(rows)}}}\n'.encode()
