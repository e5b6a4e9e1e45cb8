"""Build the project beside this file with dbt, and keep its artefacts here.

Run with a Python that has dbt-core and dbt-duckdb (an environment of its own: dbt's requirements
are not ours): `python tests/data/dbt/make.py`.
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ARTEFACTS = ("manifest.json", "run_results.json")
TABLES = """
create schema raw_stripe; create schema raw_crm; create schema attic; create schema somewhere;
create table raw_stripe.charges as select 1 as id, 5 as amount, 1 as customer_id;
create table raw_stripe.customers as select 1 as id, 'Ada' as name;
create table raw_crm."Contacts" as select 1 as id;
create table attic.ledger as select 1 as id;
create table somewhere.unheard_of as select 1 as id;
"""
UNREAD = ("macros", "docs", "selectors", "disabled", "unit_tests", "group_map", "args")
"""Most of a manifest is dbt's own macros; what is not read is not kept."""


def make(target: Path) -> None:
    """Run the project in a folder of its own, and write its artefacts to `target`."""
    import duckdb
    from dbt.cli.main import dbtRunner

    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        shutil.copytree(HERE / "project", project)
        os.environ["SHOP_FILE"] = str(project / "shop.duckdb")
        with duckdb.connect(os.environ["SHOP_FILE"]) as warehouse:
            warehouse.execute(TABLES)
        where = ["--project-dir", str(project), "--profiles-dir", str(project)]
        done = dbtRunner().invoke(["build", "--no-use-colors", *where])
        if not done.success:
            sys.exit(f"dbt build failed: {done.exception}")
        for name in ARTEFACTS:
            text = (project / "target" / name).read_text().replace(folder, "/tmp/shop")
            data = {key: value for key, value in json.loads(text).items() if key not in UNREAD}
            (target / name).write_text(json.dumps(data, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
