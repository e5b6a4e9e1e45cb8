"""Evaluate a folder with tfparse, in a process of its own, and print the result as JSON.

Run by path, never imported: a panic in the Go parser must cost one evaluation, not the run, and
what it logs belongs to nobody's terminal. The first argument is a JSON list of the folders of the
modules that the root calls: tfparse passes over what it cannot read in them, unless it is asked
for each. Prints `{"blocks": …}`, or `{"folder": …, "unread": …}` in the words of the parser.
"""

import json
import sys
from typing import Any


def _evaluate(modules: list[str], folder: str, variable_files: list[str]) -> dict[str, Any]:
    import tfparse

    at = folder
    try:
        for at in modules:
            tfparse.load_from_path(at, stop_on_hcl_error=True)
        at = folder
        found = tfparse.load_from_path(at, stop_on_hcl_error=True, vars_paths=variable_files)
    except tfparse.ParseError as error:
        return {"folder": at, "unread": str(error)}
    for kind in ("locals", "variable", "output"):
        found.pop(kind, None)
    for blocks in found.values():
        for block in blocks:
            # Each instance repeats the whole collection that it comes from.
            block.pop("for_each", None)
            block["__tfmeta"].pop("references", None)
    return {"blocks": found}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_evaluate(json.loads(sys.argv[1]), sys.argv[2], sys.argv[3:])))
