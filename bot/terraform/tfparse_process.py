"""Evaluate a folder with tfparse, in a process of its own, and print the result as JSON.

Run by path, never imported: a panic in the Go parser must cost one evaluation, not the run, and
what it logs belongs to nobody's terminal.
"""

import json
import sys

if __name__ == "__main__":
    import tfparse

    folder, *variable_files = sys.argv[1:]
    json.dump(tfparse.load_from_path(folder, vars_paths=variable_files), sys.stdout)
