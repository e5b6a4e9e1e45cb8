"""Evaluate a folder with tfparse, in a process of its own, and print the result as JSON.

Run by path, never imported: a panic in the Go parser must cost one evaluation, not the run, and
what it logs belongs to nobody's terminal.
"""

import json
import sys

if __name__ == "__main__":
    import tfparse

    folder, *variable_files = sys.argv[1:]
    found = tfparse.load_from_path(folder, vars_paths=variable_files)
    for kind in ("locals", "variable", "output"):
        found.pop(kind, None)
    for blocks in found.values():
        for block in blocks:
            # Each instance repeats the whole collection that it comes from.
            block.pop("for_each", None)
            block["__tfmeta"].pop("references", None)
    sys.stdout.write(json.dumps(found))
