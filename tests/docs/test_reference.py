from tests.docs.reference import DOCS, command_reference, plan_schema


def test_the_page_of_commands_is_what_the_commands_say_of_themselves() -> None:
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert page == command_reference(), "write it anew: make reference"


def test_the_published_schema_is_that_of_the_plan() -> None:
    assert (DOCS / "schemas" / "plan.v1.json").read_text(encoding="utf-8") == plan_schema()
